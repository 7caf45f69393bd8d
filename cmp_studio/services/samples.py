"""The scenes that come with the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import cmp_studio
from cmp_studio.document.project_file import load_thumbnail


@dataclass(frozen=True, slots=True)
class Sample:
    """A bundled scene.

    Attributes:
        name: For people.
        path: Its file.
        thumbnail: A small PNG, or empty.
    """

    name: str
    path: Path
    thumbnail: bytes = field(default=b"", repr=False)


def samples_folder() -> Path | None:
    """Folder of the bundled scenes: inside the wheel, or at the root of a checkout."""
    package = Path(cmp_studio.__file__).parent
    for folder in (package / "assets" / "samples", package.parent / "assets" / "samples"):
        if folder.is_dir():
            return folder
    return None


def list_samples() -> list[Sample]:
    """The bundled scenes by name; reads their thumbnails, so call it off the GUI thread."""
    folder = samples_folder()
    if folder is None:
        return []
    return [
        Sample(path.stem.replace("_", " ").capitalize(), path, load_thumbnail(path) or b"")
        for path in sorted(folder.glob("*.cmps"))
    ]


def first_sample() -> Path | None:
    """The scene that the window starts with, or None when none is bundled."""
    folder = samples_folder()
    if folder is None:
        return None
    marionette = folder / "marionette.cmps"
    return marionette if marionette.is_file() else next(iter(sorted(folder.glob("*.cmps"))), None)
