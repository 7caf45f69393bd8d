"""Writing what was found, and opening saved experiments, in the background."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.scene import Scene, picture_from_bytes
from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.experiment import SavedExperiment, load_experiment
from cmp_studio.services.background import Background
from cmp_studio.services.pictures import OpenedPicture, open_picture
from cmp_studio.services.probe_question import ProbeAnswer
from cmp_studio.services.prober import Prober
from cmp_studio.services.session import Session
from cmp_studio.services.translation import mark, tr
from cmp_studio.services.wording import sentence_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cmp_studio.pipeline.findings import Finding, Table

SUFFIXES: Final = {
    ".png": mark("Picture with legend"),
    ".flo": mark("Flow, Middlebury"),
    ".npz": mark("All arrays"),
    ".csv": mark("Table"),
    ".html": mark("Report, one page"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """One file to write.

    Attributes:
        answer: What was found.
        picture: What was probed.
        path: Its suffix, one of `SUFFIXES`, says what is written.
        layer: The layer that is shown.
        line: Values along the line, which a CSV file holds in place of the probe's own table.
    """

    answer: ProbeAnswer
    picture: OpenedPicture
    path: Path
    layer: str
    line: Table | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    saved: SavedExperiment
    picture: OpenedPicture


class ProbeExports(QObject):
    """Writes files and folders, and opens experiments.

    Thread: GUI thread; the work is done in the background.

    Signals:
        told(sentence): It is done.
        failed(sentence): It could not be done.
        pictured(pictures): Names and pictures (h, w, 3) uint8 RGB with legends, as asked for.
    """

    told = Signal(str)
    failed = Signal(str)
    pictured = Signal(object)

    def __init__(
        self,
        prober: Prober,
        session: Session,
        background: Background,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._prober = prober
        self._session = session
        self._background = background

    def write(self, export: Export) -> None:
        """Write one file."""
        self._background.submit(_FileWriter(export), done=self.on_done, failed=self.on_failed)

    def write_folder(self, answer: ProbeAnswer, picture: OpenedPicture, folder: Path) -> None:
        """Write everything into a folder: an experiment that can be run again."""
        writer = _FolderWriter(answer, picture, folder)
        self._background.submit(writer, done=self.on_done, failed=self.on_failed)

    def open(self, path: Path) -> None:
        """Open an experiment with its picture, and run it again."""
        self._background.submit(_Opener(path), done=self.on_opened, failed=self.on_failed)

    def make_pictures(self, finding: Finding, image: NDArray[np.uint8]) -> None:
        """Draw every flow and map of a finding with its legend."""
        painter = _Painter(finding, image)
        self._background.submit(painter, done=self.on_pictured, failed=self.on_failed)

    def on_done(self, sentence: object) -> None:
        """Say that it is done."""
        self.told.emit(str(sentence))

    def on_pictured(self, pictures: object) -> None:
        """Hand on the pictures."""
        self.pictured.emit(pictures)

    def on_opened(self, opened: object) -> None:
        """Show the experiment, if that loses nothing."""
        if not isinstance(opened, _Opened):
            return
        mine, theirs = self._session.picture, opened.picture
        if mine is None or mine.picture.digest != theirs.picture.digest:
            if self._session.is_dirty:
                self.failed.emit(
                    tr(
                        "The experiment is about {name}, and the open scene has changes: "
                        "save or close it first."
                    ).format(name=theirs.picture.name)
                )
                return
            self._session.start(Scene(theirs.picture), theirs)
        self._prober.run_again(opened.saved.experiment, opened.saved.numbers)

    def on_failed(self, error: object) -> None:
        """Say what went wrong."""
        if isinstance(error, BaseException):
            self.failed.emit(sentence_of(error))


@dataclass(frozen=True, slots=True)
class _FileWriter:
    export: Export

    def __call__(self) -> str:
        from cmp_studio.pipeline.probe_files import write_finding

        export = self.export
        write_finding(
            export.path,
            export.answer.experiment,
            export.answer.finding,
            export.picture.image,
            layer=export.layer,
            line=export.line,
        )
        return tr("Wrote {name}").format(name=export.path.name)


@dataclass(frozen=True, slots=True)
class _FolderWriter:
    answer: ProbeAnswer
    picture: OpenedPicture
    folder: Path

    def __call__(self) -> str:
        from cmp_studio.pipeline.probe_files import make_folder, write_bytes, write_findings

        make_folder(self.folder)
        photo = self.folder / self.picture.picture.name
        write_bytes(photo, self.picture.picture.data)
        experiment = replace(self.answer.experiment, picture=str(photo))
        paths = write_findings(self.folder, experiment, [self.answer.finding], self.picture.image)
        return tr("Saved the experiment: {count} files in {folder}").format(
            count=len(paths) + 1, folder=self.folder.name
        )


@dataclass(frozen=True, slots=True)
class _Opener:
    path: Path

    def __call__(self) -> _Opened:
        saved = load_experiment(self.path)
        photo = Path(saved.experiment.picture)
        try:
            data = photo.read_bytes()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise ExperimentError(
                tr("The picture of the experiment, {photo}, can't be opened: {reason}.").format(
                    photo=photo, reason=reason
                )
            ) from error
        picture = picture_from_bytes(data, photo.name)
        if saved.experiment.picture_sha256 not in ("", picture.digest):
            words = tr("{photo} is not the picture that was probed.").format(photo=photo)
            raise ExperimentError(words)
        return _Opened(saved, open_picture(picture))


@dataclass(frozen=True, slots=True)
class _Painter:
    finding: Finding
    image: NDArray[np.uint8]

    def __call__(self) -> tuple[tuple[str, NDArray[np.uint8]], ...]:
        from cmp_studio.pipeline.probe_pictures import finding_pictures

        return tuple(finding_pictures(self.finding, self.image))
