"""Every error that training raises on purpose.

::

    TrainError
    ├── TrainConfigError   a recipe that can't be run
    ├── DataError          clips, pairs or lists that can't be used
    └── DivergedError      the loss is not a number any more
"""


class TrainError(Exception):
    """Base of all errors that training raises on purpose."""


class TrainConfigError(TrainError):
    """A recipe that can't be run."""


class DataError(TrainError):
    """Clips, pairs or lists that can't be used."""


class DivergedError(TrainError):
    """The loss is not a number any more."""
