"""Every error that the document raises on purpose.

::

    DocumentError
    ├── TrackError          an arrow, path or pin that makes no sense, or an id that is not there
    ├── SceneError          film settings or parts of a scene that don't fit together
    ├── PictureError        bytes that are not a picture known here
    ├── MaskError           a mask that can't be used
    ├── MarkError           clicks, strokes or objects of an annotation that make no sense
    └── SceneFileError      a scene file that can't be read or written
        └── SceneVersionError   a scene file of a newer CMP Studio

A message is one sentence for a person: what was expected, what came, what to do.
"""


class DocumentError(Exception):
    """Base of all errors that the document raises on purpose."""


class TrackError(DocumentError):
    """An arrow, path or pin that makes no sense, or an id that is not there."""


class SceneError(DocumentError):
    """Film settings or parts of a scene that don't fit together."""


class PictureError(DocumentError):
    """Bytes that are not a picture known here."""


class MaskError(DocumentError):
    """A mask that can't be used."""


class MarkError(DocumentError):
    """Clicks, strokes or objects of an annotation that make no sense."""


class SceneFileError(DocumentError):
    """A scene file that can't be read or written."""


class SceneVersionError(SceneFileError):
    """A scene file that a newer CMP Studio wrote."""
