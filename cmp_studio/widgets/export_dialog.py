"""The dialog that writes the film: what, how large, how long, and how far it is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final, get_args

from PySide6.QtWidgets import (
    QFileDialog,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QProgressBar,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.document.scene import HoleFill, Scene
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.sizes import output_size
from cmp_studio.services.export_job import (
    FORMAT_HINTS,
    FORMAT_NAMES,
    QUALITY_NAMES,
    ExportFormat,
    ExportJob,
    ExportQuality,
    ExportSettings,
    export_film_settings,
    export_summary,
)
from cmp_studio.services.export_queue import ExportQueue, ExportRow
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.session import Session
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.wording import sentence_of
from cmp_studio.widgets.controls import (
    ChoiceBox,
    NumberField,
    field_height,
    make_button,
    make_label,
)
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.exports_panel import open_folder, state_text
from cmp_studio.widgets.theme import GRID, ThemeManager

log = logging.getLogger(__name__)

_SIZES: Final = Words(
    {
        "own": mark("As the photo"),
        "1080": mark("1080 px"),
        "720": mark("720 px"),
        "480": mark("480 px"),
    }
)

MakeJob = Callable[[Scene, ExportSettings], ExportJob]

LARGE_HOLES: Final = 0.02
"""Share of the frame from which on holes are worth a warning."""


def no_holes() -> tuple[float, float]:
    """Nothing is known of holes."""
    return 0.0, 0.0


def holes_text(share: float, time: float, fill: HoleFill) -> str:
    """A warning when much of a frame has nothing to show; empty otherwise."""
    if share < LARGE_HOLES or fill == "plate":
        return ""
    what = tr("is smeared") if fill == "stretch" else tr("is painted in")
    advice = tr("Choose what is behind in Layers, or move less.")
    return tr("At {time:.1f} s, {value:.0f} % of the picture {what}. {advice}").format(
        time=time, value=100 * share, what=what, advice=advice
    )


class ExportDialog(Dialog):
    """Asks what to write and shows the progress; the window stays in use meanwhile.

    The film is written by the queue: closing the dialog does not stop it.
    """

    def __init__(
        self,
        session: Session,
        preferences: Preferences,
        themes: ThemeManager,
        make_job: MakeJob,
        queue: ExportQueue,
        worst_holes: Callable[[], tuple[float, float]] = no_holes,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._preferences = preferences
        self._make_job = make_job
        self._queue = queue
        self._worst_holes = worst_holes
        self._number = 0
        self._result: Path | None = None
        self._replaceable: Path | None = None
        self.setWindowTitle(tr("Export film"))
        self.setMinimumWidth(456)
        self.format = ChoiceBox(tr("Format"), FORMAT_NAMES, themes)
        self.format_hint = make_label("", "muted")
        self.size_box = ChoiceBox(tr("Size"), _SIZES, themes)
        self.size_hint = make_label("", "muted")
        self.fps = NumberField(tr("Frame rate"), 1, 120, suffix=" fps")
        self.duration = NumberField(tr("Duration"), 0.1, 600, decimals=1, step=0.5, suffix=" s")
        self.loops = NumberField(tr("Rounds"), 1, 100)
        self.loops.setToolTip(tr("How often the film is gone through"))
        self.quality = ChoiceBox(tr("Quality"), QUALITY_NAMES, themes)
        self.path_field = QLineEdit()
        self.path_field.setAccessibleName(tr("File"))
        self.browse_button = make_button(tr("Choose…"))
        for widget in (self.path_field, self.browse_button):
            widget.setFixedHeight(field_height(self))
        self.summary = make_label("", "muted")
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Progress"))
        self.holes = make_label("", "warning")
        self.holes.setWordWrap(True)
        self.state = make_label("")
        self.state.setWordWrap(True)
        self.show_button = make_button(tr("Show in folder"))
        self.close_button = make_button(tr("Close"))
        self.start_button = make_button(tr("Export"), "primary")
        self.start_button.setDefault(True)
        self._lay_out()
        self.format.chosen.connect(self.on_format_chosen)
        for field in (self.fps, self.duration, self.loops):
            field.edited.connect(self.on_settings_changed)
        self.size_box.chosen.connect(self.on_settings_changed)
        self.quality.chosen.connect(self.on_settings_changed)
        self.browse_button.clicked.connect(self.on_browse_clicked)
        self.show_button.clicked.connect(self.on_show_clicked)
        self.close_button.clicked.connect(self.close)
        self.start_button.clicked.connect(self.on_start_clicked)
        queue.changed.connect(self.on_row_changed)
        self._fill()

    @property
    def is_running(self) -> bool:
        """Whether the film of this dialog is being written or waits for that."""
        row = self._queue.row(self._number)
        return row is not None and not row.is_over

    def settings(self) -> ExportSettings | None:
        """What the fields say, or None when they make no sense (the dialog then says why)."""
        scene = self._session.scene
        if scene is None:
            return None
        text = self.path_field.text().strip()
        if not text:
            self._say(tr("Choose where the film should go."), is_warning=True)
            return None
        try:
            size_hw = self._size_hw(scene)
        except PipelineError as error:
            self._say(sentence_of(error), is_warning=True)
            return None
        return ExportSettings(
            path=Path(text).expanduser(),
            format=self._format(),
            size_hw=size_hw,
            fps=self.fps.value(),
            duration=self.duration.value(),
            loops=round(self.loops.value()),
            quality=self._quality(),
        )

    # What the user does.

    def on_format_chosen(self, _value: str) -> None:
        """Give the file the suffix of the format."""
        path = Path(self.path_field.text())
        suffix = "" if self._format() == "png" else f".{self._format()}"
        self.path_field.setText(str(path.with_suffix(suffix)))
        self.on_settings_changed()

    def on_settings_changed(self) -> None:
        """Say what would come out."""
        scene = self._session.scene
        self.format_hint.setText(FORMAT_HINTS[self._format()])
        self.quality.setEnabled(self._format() != "png" and not self.is_running)
        if scene is None:
            return
        try:
            height, width = self._size_hw(scene)
        except PipelineError as error:
            self._say(sentence_of(error), is_warning=True)
            return
        self.size_hint.setText(tr("{width} x {height} px").format(width=width, height=height))
        film = export_film_settings(
            scene.film, fps=self.fps.value(), duration=self.duration.value()
        )
        count, seconds = export_summary(film, round(self.loops.value()))
        self.summary.setText(
            tr("{count} frames, {seconds:.1f} s").format(count=count, seconds=seconds)
        )
        self.holes.setText(holes_text(*self._worst_holes(), scene.fill))
        self.holes.setVisible(bool(self.holes.text()))

    def on_browse_clicked(self) -> None:
        """Choose the file or, for pictures, the folder."""
        path = self.path_field.text()
        if self._format() == "png":
            parent = str(Path(path).parent)
            chosen = QFileDialog.getExistingDirectory(self, tr("Folder for the pictures"), parent)
        else:
            name = FORMAT_NAMES[self._format()]
            pattern = f"{name} (*.{self._format()})"
            chosen, _ = QFileDialog.getSaveFileName(self, tr("Export film"), path, pattern)
        if chosen:
            self.path_field.setText(chosen)
            self._replaceable = Path(chosen)  # the file dialog has asked

    def on_start_clicked(self) -> None:
        """Begin to export, or stop."""
        if self.is_running:
            self.start_button.setEnabled(False)
            self._say(tr("Stopping…"))
            self._queue.cancel(self._number)
            return
        scene, settings = self._session.scene, self.settings()
        if scene is None or settings is None:
            return
        if self._queue.is_writing_to(settings.path):
            self._say(
                tr("{name} is being written; choose another.").format(name=settings.path.name),
                is_warning=True,
            )
            return
        if settings.path.is_file() and settings.path != self._replaceable:
            self._replaceable = settings.path
            self._say(
                tr("{name} is already there. Export again to replace it.").format(
                    name=settings.path.name
                ),
                is_warning=True,
            )
            return
        self._remember(settings)
        self._result = None
        self._number = self._queue.add(self._make_job(scene, settings))
        row = self._queue.row(self._number)
        if row is not None:
            self._show_row(row)

    def on_show_clicked(self) -> None:
        """Open the folder of the film in the desktop's file manager."""
        if self._result is not None:
            open_folder(self._result)

    # What the queue says.

    def on_row_changed(self, number: int) -> None:
        """Show how far the film of this dialog is."""
        row = self._queue.row(number)
        if number == self._number and row is not None:
            self._show_row(row)

    def _show_row(self, row: ExportRow) -> None:
        if row.state in ("waiting", "running"):
            if self.start_button.text() == "Stop" and not self.start_button.isEnabled():
                return  # stopping; what was on its way counts no more
            self.bar.setRange(0, 0 if row.progress is None else row.progress.total)
            self.bar.setValue(0 if row.progress is None else row.progress.done)
            self._say(state_text(row))
            if self.start_button.text() != "Stop":
                self._update_buttons(is_running=True)
            return
        self._result = row.result
        if row.result is None:
            self._reset_bar()
            self._say(f"{state_text(row)}", is_warning=row.state == "failed")
        else:
            self.bar.setRange(0, 1)
            self.bar.setValue(1)
            self._say(
                tr("Done: {name}{size_text}").format(
                    name=row.result.name, size_text=_size_text(row.result)
                )
            )
        self._update_buttons(is_running=False)

    # Inside.

    def _lay_out(self) -> None:
        grid = QGridLayout()
        grid.setHorizontalSpacing(2 * GRID)
        grid.setVerticalSpacing(GRID)
        grid.setColumnMinimumWidth(0, 80)
        grid.setColumnMinimumWidth(1, 152)
        grid.setColumnStretch(2, 1)
        rows: list[tuple[str, QWidget, QWidget | None]] = [
            (tr("Format"), self.format, self.format_hint),
            (tr("Size"), self.size_box, self.size_hint),
            (tr("Quality"), self.quality, None),
            (tr("Frame rate"), self.fps, None),
            (tr("Duration"), self.duration, None),
            (tr("Rounds"), self.loops, self.summary),
        ]
        for index, (text, field, beside) in enumerate(rows):
            label = make_label(text, "muted")
            label.setBuddy(field)
            grid.addWidget(label, index, 0)
            grid.addWidget(field, index, 1)
            if beside is not None:
                grid.addWidget(beside, index, 2)
        path_row = QHBoxLayout()
        path_row.setSpacing(GRID)
        path_row.addWidget(self.path_field, 1)
        path_row.addWidget(self.browse_button)
        grid.addWidget(make_label(tr("File"), "muted"), len(rows), 0)
        grid.addLayout(path_row, len(rows), 1, 1, 2)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.show_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.start_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addLayout(grid)
        column.addSpacing(GRID)
        column.addWidget(self.holes)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addSpacing(GRID)
        column.addLayout(buttons)

    def _fill(self) -> None:
        scene = self._session.scene
        stored = self._preferences
        self.format.show_value(_known(stored.text("export/format", "mp4"), FORMAT_NAMES, "mp4"))
        self.size_box.show_value(_known(stored.text("export/size", "own"), _SIZES, "own"))
        quality = _known(stored.text("export/quality", "good"), QUALITY_NAMES, "good")
        self.quality.show_value(quality)
        self.loops.show_value(1)
        if scene is not None:
            self.fps.show_value(scene.film.fps)
            self.duration.show_value(scene.film.duration)
        folder = Path(stored.text("export/folder", str(Path.home())))
        name = self._session.title or "film"
        suffix = "" if self._format() == "png" else f".{self._format()}"
        self.path_field.setText(str(folder / f"{name}{suffix}"))
        self._reset_bar()
        self._update_buttons(is_running=False)
        self.on_settings_changed()

    def _remember(self, settings: ExportSettings) -> None:
        self._preferences.set_text("export/format", settings.format)
        self._preferences.set_text("export/size", self.size_box.value())
        self._preferences.set_text("export/quality", settings.quality)
        self._preferences.set_text("export/folder", str(settings.path.absolute().parent))

    def _format(self) -> ExportFormat:
        return next(known for known in get_args(ExportFormat) if known == self.format.value())

    def _quality(self) -> ExportQuality:
        return next(known for known in get_args(ExportQuality) if known == self.quality.value())

    def _size_hw(self, scene: Scene) -> tuple[int, int]:
        chosen = self.size_box.value()
        if chosen == "own":
            return output_size(scene.picture)
        return output_size(scene.picture, height=int(chosen), is_even=True)

    def _say(self, text: str, *, is_warning: bool = False) -> None:
        self.state.setProperty("role", "warning" if is_warning else "")
        self.state.style().polish(self.state)
        self.state.setText(text)

    def _reset_bar(self) -> None:
        self.bar.setRange(0, 1)
        self.bar.setValue(0)

    def _update_buttons(self, *, is_running: bool) -> None:
        fields = (
            self.format, self.size_box, self.quality, self.fps, self.duration, self.loops,
            self.path_field, self.browse_button,
        )  # fmt: skip
        for field in fields:
            field.setEnabled(not is_running)
        self.start_button.setEnabled(True)
        self.start_button.setText(tr("Stop") if is_running else tr("Export"))
        self.start_button.setProperty("role", "" if is_running else "primary")
        self.start_button.style().polish(self.start_button)
        self.show_button.setVisible(self._result is not None)
        self.close_button.setText(tr("Hide") if is_running else tr("Close"))
        self.close_button.setToolTip(tr("The film goes on being written") if is_running else "")


def _known(value: str, choices: Collection[str], default: str) -> str:
    return value if value in choices else default


def _size_text(path: Path) -> str:
    if path.is_dir():
        return ""
    megabytes = path.stat().st_size / 1e6
    return f", {megabytes:.1f} MB" if megabytes >= 0.1 else f", {megabytes * 1000:.0f} kB"
