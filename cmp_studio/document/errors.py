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

A message is one sentence for a person: what was expected, what came, what to do. It is given as a
template with named values, ``MaskError("{name} is no picture.", name=name)``, so that the window
can say it in another language.
"""

from __future__ import annotations

from collections.abc import Mapping


class DocumentError(Exception):
    """Base of all errors that the document raises on purpose.

    Attributes:
        template: The message before the values were filled in, as for `str.format`; without values
            it is taken as it is.
        values: By name. One that is an error with a template can be translated, too.
    """

    def __init__(self, template: str = "", /, **values: object) -> None:
        super().__init__(template.format(**values) if values else template)
        self.template = template
        self.values: Mapping[str, object] = values


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
