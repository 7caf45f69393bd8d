"""Every error that the pipeline raises on purpose.

::

    PipelineError
    ├── AnnotationError  annotated objects or click lists that can't be used or written
    ├── ExperimentError  an experiment that can't be read, written or run
    └── SizeError        a frame size that can't be made

What the document or the engine refuse comes through as their own errors. A message is one sentence
for a person: what was expected, what came, what to do; a template with named values, as in the
engine.
"""

from __future__ import annotations

from cmp_engine.sentences import SentenceError


class PipelineError(SentenceError):
    """Base of all errors that the pipeline raises on purpose."""


class ExperimentError(PipelineError):
    """An experiment that can't be read, written or run."""


class SizeError(PipelineError):
    """A frame size that can't be made."""


class AnnotationError(PipelineError):
    """Annotated objects or click lists that can't be used or written."""
