"""Every error that the engine raises on purpose.

::

    EngineError
    ├── ConfigError              a network description that can't be built
    ├── DeviceError              a device that is not there, or ran out of memory
    ├── ImageError               a picture that can't be read or used
    ├── GuidanceError            points or displacements that make no sense
    ├── NotReadyError            a call that came before the one that it needs
    ├── FlowError                a flow array or flow file that can't be used
    ├── ProbeError               a question to the network that makes no sense
    ├── VideoError               a film or picture sequence that can't be written or read
    ├── Cancelled                the caller asked to stop; nothing is wrong
    └── WeightsError
        ├── WeightsNotFoundError a name or path with no weights behind it
        ├── WeightsFormatError   a file that is not weights of a network known here
        └── WeightsDownloadError a download that did not end in the expected file

A message is one sentence for a person: what was expected, what came, what to do. It is given as a
template with named values, ``ImageError("{name} is empty; choose another file.", name=path.name)``,
so that a program can say it in another language.
"""

from __future__ import annotations

from cmp_engine.sentences import SentenceError


class EngineError(SentenceError):
    """Base of all errors that the engine raises on purpose."""


class ConfigError(EngineError):
    """A network description that can't be built."""


class DeviceError(EngineError):
    """A device that is not there, or that ran out of memory."""


class ImageError(EngineError):
    """A picture that can't be read or used."""


class GuidanceError(EngineError):
    """Points or displacements that make no sense."""


class NotReadyError(EngineError):
    """A call that came before the one that it needs."""


class FlowError(EngineError):
    """A flow array or a flow file that can't be used."""


class ProbeError(EngineError):
    """A question to the network that makes no sense."""


class VideoError(EngineError):
    """A film or picture sequence that can't be written or read."""


class Cancelled(EngineError):
    """The caller asked to stop; nothing is wrong."""


class WeightsError(EngineError):
    """Base of everything about weights files."""


class WeightsNotFoundError(WeightsError):
    """A name or path with no weights behind it."""


class WeightsFormatError(WeightsError):
    """A file that is not weights of a network known here."""


class WeightsDownloadError(WeightsError):
    """A download that did not end in the expected file."""
