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

from cmp_engine.sentences import Sentence


class PipelineError(Exception):
    """Base of all errors that the pipeline raises on purpose.

    Attributes:
        template: The message before the values were filled in; see `Sentence`.
        values: By name.
    """

    def __init__(self, template: str = "", /, **values: object) -> None:
        sentence = Sentence(template, **values)
        super().__init__(str(sentence))
        self.template = sentence.template
        self.values = sentence.values


class ExperimentError(PipelineError):
    """An experiment that can't be read, written or run."""


class SizeError(PipelineError):
    """A frame size that can't be made."""


class AnnotationError(PipelineError):
    """Annotated objects or click lists that can't be used or written."""
