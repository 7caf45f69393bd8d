"""Opening, pasting, saving and leaving documents: the questions on the way to the files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QBuffer, QIODevice, QMimeData, QObject, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from cmp_studio.services.autosave import Leftover
from cmp_studio.services.scene_files import PICTURE_SUFFIXES, SCENE_SUFFIX
from cmp_studio.services.studio import Studio
from cmp_studio.services.translation import tr
from cmp_studio.widgets.clipboard import clipboard_mime
from cmp_studio.widgets.dialogs import ask_unsaved


class DocumentDesk(QObject):
    """Asks before changes are lost, and which file it should be.

    Signals:
        told(text): Something worth a line in the status bar.
        warned(text): Something that did not work.
    """

    told = Signal(str)
    warned = Signal(str)

    def __init__(self, studio: Studio, window: QWidget) -> None:
        super().__init__(window)
        self._studio = studio
        self._window = window
        self._after_save: Callable[[], object] | None = None
        studio.files.saved.connect(self.on_saved)
        studio.files.failed.connect(self.on_failed)

    def open(self, path: Path) -> None:
        """Open a photo or a scene, after asking about unsaved changes."""
        self.leave(lambda: self._studio.files.open(path))

    def open_sample(self, path: Path) -> None:
        """Open a bundled scene, after asking about unsaved changes."""
        self.leave(lambda: self._studio.files.open_sample(path))

    def recover(self, leftover: Leftover) -> None:
        """Open unsaved work of a run that crashed, after asking about unsaved changes."""
        self.leave(lambda: self._studio.files.recover(leftover))

    def open_mime(self, mime: QMimeData) -> bool:
        """Open what was dropped or pasted; return whether there was something."""
        for url in mime.urls():
            if url.isLocalFile():
                self.open(Path(url.toLocalFile()))
                return True
        image = mime.imageData()
        if not isinstance(image, QImage) or image.isNull():
            return False
        files, picture = self._studio.files, image.copy()
        self.leave(lambda: files.open_bytes(lambda: png_bytes(picture), "Pasted picture.png"))
        return True

    def may_close(self) -> bool:
        """Whether the window may close now; otherwise it is closed again after saving."""
        return self._ask(self._window.close)

    def on_open(self) -> None:
        """Choose a file and open it."""
        everything = " ".join(f"*{suffix}" for suffix in (*PICTURE_SUFFIXES, SCENE_SUFFIX))
        pictures = " ".join(f"*{suffix}" for suffix in PICTURE_SUFFIXES)
        filters = tr(
            "Photos and scenes ({everything});;Photos ({pictures});;Scenes (*{suffix})"
        ).format(everything=everything, pictures=pictures, suffix=SCENE_SUFFIX)
        chosen, _ = QFileDialog.getOpenFileName(
            self._window, tr("Open a photo or a scene"), str(self._folder()), filters
        )
        if chosen:
            self._remember(Path(chosen))
            self.open(Path(chosen))

    def on_paste(self) -> None:
        """Open what is on the clipboard."""
        mime = clipboard_mime()
        if mime is None or not self.open_mime(mime):
            self.warned.emit(tr("There is no picture on the clipboard"))

    def on_save(self) -> None:
        """Save to the scene's file, or ask for one."""
        path = self._studio.session.path
        if path is None:
            self.on_save_as()
        else:
            self._studio.files.save(path)

    def on_save_as(self) -> None:
        """Ask for a file and save there."""
        session = self._studio.session
        if session.scene is None:
            return
        proposal = session.path or self._folder() / f"{session.title}{SCENE_SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._window,
            tr("Save scene"),
            str(proposal),
            tr("Scenes (*{suffix})").format(suffix=SCENE_SUFFIX),
        )
        if not chosen:
            self._after_save = None
            return
        path = Path(chosen)
        if path.suffix.lower() != SCENE_SUFFIX:
            path = path.with_name(path.name + SCENE_SUFFIX)
        self._remember(path)
        self._studio.files.save(path)

    def on_saved(self, path: Path) -> None:
        """Go on with what waited for the file."""
        self.told.emit(tr("Saved {name}").format(name=path.name))
        after, self._after_save = self._after_save, None
        if after is not None:
            after()

    def on_failed(self, _sentence: str) -> None:
        """What waited for the file has to wait."""
        self._after_save = None

    def on_close(self) -> None:
        """Return to the welcome page."""
        self.leave(self._studio.session.close)

    def leave(self, go_on: Callable[[], object]) -> None:
        """Call ``go_on`` when the open document may be left."""
        if self._ask(go_on):
            go_on()

    def _ask(self, go_on: Callable[[], object]) -> bool:
        """Whether nothing is lost; when the user wants to save first, ``go_on`` comes after it."""
        session = self._studio.session
        if not session.is_dirty:
            return True
        answer = ask_unsaved(self._window, session.title)
        if answer == "save":
            self._after_save = go_on
            self.on_save()
        return answer == "discard"

    def _folder(self) -> Path:
        return Path(self._studio.preferences.text("files/folder", str(Path.home())))

    def _remember(self, path: Path) -> None:
        self._studio.preferences.set_text("files/folder", str(path.parent))


def png_bytes(image: QImage) -> bytes:
    """The picture as the bytes of a PNG file."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG", 90)  # type: ignore[call-overload]  # the stub wants bytes, Qt a str
    return bytes(buffer.data().data())
