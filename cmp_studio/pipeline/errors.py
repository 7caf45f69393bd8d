"""Every error that the pipeline raises on purpose.

::

    PipelineError
    └── SizeError        a frame size that can't be made

What the document or the engine refuse comes through as their own errors. A message is one sentence
for a person: what was expected, what came, what to do.
"""


class PipelineError(Exception):
    """Base of all errors that the pipeline raises on purpose."""


class SizeError(PipelineError):
    """A frame size that can't be made."""
