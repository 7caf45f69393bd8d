"""The Probe mode: what the network believes about a photo, asked with the mouse."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QMimeData, QSize, Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.pipeline.experiment import FILE_NAME, ProbeKind
from cmp_studio.services.modes import Mode
from cmp_studio.services.probe_exports import SUFFIXES, Export
from cmp_studio.services.probe_show import ProbeShow
from cmp_studio.services.probe_views import VIEWS, layer_title, view_of
from cmp_studio.services.studio import Studio
from cmp_studio.services.translation import mark, tr, translated
from cmp_studio.widgets.bars import separator
from cmp_studio.widgets.controls import Segments, make_button
from cmp_studio.widgets.flow_painter import rgb_image
from cmp_studio.widgets.mode_page import Commands, ModePage
from cmp_studio.widgets.picture_board import PictureBoard, Tile
from cmp_studio.widgets.plot_view import PlotView
from cmp_studio.widgets.probe_canvas import ProbeCanvas
from cmp_studio.widgets.probe_panel import ProbePanel
from cmp_studio.widgets.theme import GRID, ThemeManager

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PROBE_MODE: Final = Mode("probe", "Probe", "Pull at a photo and see what the network believes")

_PLOT_HEIGHT: Final = 208
_NO_PLOT: Final = mark(
    "Press L and drag a line over the photo: the values along it are plotted here."
)


class ProbePage(ModePage):
    """List of views, canvas with plot, and panel."""

    def __init__(self, studio: Studio, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(PROBE_MODE, parent)
        self._studio = studio
        self._prober = studio.prober
        self._tools = studio.probe_tools
        self._files = studio.probe_exports
        self._folder = Path()
        self._snapshots: dict[int, Tile] = {}
        self._snapshot_count = 0
        self._found_tiles: tuple[Tile, ...] = ()
        self._state: object = None
        self.show_options = ProbeShow(studio.prober, studio.preferences, self)
        self.canvas = ProbeCanvas(studio.prober, self._tools, self.show_options, themes)
        self.board = PictureBoard(themes)
        self.plot = PlotView(studio.plotter, themes)
        self.panel = ProbePanel(
            studio.prober, self._tools, self.show_options, studio.weights, themes
        )
        self.list = QListWidget()
        self.seen = Segments(
            tr("What is seen"), {"photo": tr("Photo"), "board": tr("Side by side")}
        )
        self.snapshot_button = make_button(tr("Keep snapshot"))
        self.snapshot_button.setToolTip(tr("Keep what is seen, to compare it side by side (K)"))
        self.export_button = make_button(tr("Export…"), "primary")
        self.export_button.setToolTip(tr("Write what was found to a file (Ctrl+E)"))
        self._build()
        self._connect()
        self.on_picture_changed()
        self.on_view_changed()

    # What the window asks.

    @property
    def hint(self) -> str:
        """What a click would do."""
        if self._stack.currentWidget() is self.board:
            return tr("Pictures side by side  ·  B goes back to the photo")
        return self._tools.hint

    @property
    def document_title(self) -> str:
        """The photo's name."""
        return self._studio.session.title

    def header_strip(self) -> QWidget:
        """What is seen, snapshots and export."""
        strip = QWidget()
        row = QHBoxLayout(strip)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GRID)
        row.addStretch(1)
        row.addWidget(self.seen)
        row.addStretch(1)
        row.addWidget(self.snapshot_button)
        row.addWidget(self.export_button)
        return strip

    def commands(self) -> Commands:
        """What to call for each command."""
        views = {f"probe_{view.kind}": self._chooser(view.kind) for view in VIEWS}
        return {
            **views,
            "undo": self._prober.undo,
            "redo": self._prober.redo,
            "delete": self.on_clear,
            "zoom_in": lambda: self.canvas.zoom_by(1),
            "zoom_out": lambda: self.canvas.zoom_by(-1),
            "actual_size": self.canvas.show_actual_size,
            "probe_fit": self.canvas.fit,
            "probe_find": self._prober.find,
            "probe_cancel": self._prober.cancel,
            "probe_snapshot": self.on_snapshot,
            "probe_clear": self.on_clear,
            "probe_no_line": self.on_no_line,
            "probe_export": self.on_export,
            "probe_save": self.on_save,
            "probe_open": self.on_open,
        }

    def toggles(self) -> Mapping[str, Callable[[bool], object]]:
        """What to call for what is on or off."""
        show = self.show_options
        return {
            "probe_line": lambda is_on: self._tools.set_line_on(is_on=is_on),
            "probe_needles": lambda is_on: show.set_has_needles(value=is_on),
            "probe_lines": lambda is_on: show.set_has_lines(value=is_on),
            "probe_board": lambda is_on: self.set_seen("board" if is_on else "photo"),
        }

    def checked(self) -> Mapping[str, bool]:
        """What is on."""
        return {
            f"probe_{self._prober.view}": True,
            "probe_line": self._tools.is_line_on,
            "probe_needles": self.show_options.has_needles,
            "probe_lines": self.show_options.has_lines,
            "probe_board": self._stack.currentWidget() is self.board,
        }

    def there(self) -> set[str]:
        """What can be done now."""
        prober, there = self._prober, set()
        if prober.picture is not None:
            there.add("scene")
        board = prober.board
        if board.points or board.arrows or board.other_arrows or board.line:
            there |= {"selection", "marks"}
        if board.line is not None:
            there.add("line")
        if prober.shown is not None:
            there.add("finding")
        if prober.is_waiting:
            there.add("waiting")
        if prober.undo_label:
            there.add("undo")
        if prober.redo_label:
            there.add("redo")
        return there

    def titles(self) -> Mapping[str, str]:
        """What undo and redo would do."""
        prober = self._prober
        steps = (
            ("undo", tr("Undo"), prober.undo_label),
            ("redo", tr("Redo"), prober.redo_label),
        )
        return {
            name: f"{verb} {label[:1].lower()}{label[1:]}" for name, verb, label in steps if label
        }

    def enter(self) -> None:
        """Ask what the view asks."""
        self._studio.plotter.load()
        self._prober.enter()
        self.on_picture_changed()
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.zoom_changed.emit(self.canvas.shown_scale)
        self.on_table_changed()

    def leave(self) -> None:
        """Ask nothing more."""
        self._prober.leave()

    def open_mime(self, mime: QMimeData) -> bool:
        """Open an experiment that is dropped: its folder or its file."""
        paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
        if len(paths) != 1:
            return False
        path = paths[0]
        if path.suffix.lower() == ".json" or (path.is_dir() and (path / FILE_NAME).exists()):
            self._files.open(path)
            return True
        return False

    def fit(self) -> None:
        """Show the whole photo."""
        self.canvas.fit()

    # Commands.

    def set_view(self, kind: ProbeKind) -> None:
        """Show another probe."""
        self._prober.set_view(kind)
        self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def set_seen(self, name: str) -> None:
        """Show the photo, or pictures side by side."""
        is_board = name == "board"
        self._stack.setCurrentWidget(self.board if is_board else self.canvas)
        self.seen.show_value(name)
        self.plot.setVisible(not is_board)
        if is_board:
            self._ask_pictures()
        else:
            self.canvas.setFocus(Qt.FocusReason.OtherFocusReason)
        self.on_state_changed()
        self.hint_changed.emit()

    def on_snapshot(self) -> None:
        """Keep what is seen."""
        finding = self.show_options.finding
        if finding is None:
            self.warned.emit(tr("There is nothing to keep yet"))
            return
        self._snapshot_count += 1
        title = f"{self._snapshot_count} · {tr(view_of(finding.kind).title)}"
        image = self.canvas.grab().toImage()
        self._snapshots[self._snapshot_count] = Tile(
            image, title, translated(finding.sentence), self._snapshot_count
        )
        self._fill_board()
        self.told.emit(
            tr("Kept snapshot {number} · B shows all side by side").format(
                number=self._snapshot_count
            )
        )

    def on_clear(self) -> None:
        """Take all marks of the view away."""
        board, view = self._prober.board, view_of(self._prober.view)
        if view.has_arrows:
            board = replace(board, arrows=(), other_arrows=())
            label = tr("Remove all arrows")
        else:
            board, label = replace(board, points=()), tr("Remove all points")
        self._prober.apply(board, label)

    def on_no_line(self) -> None:
        """Take the line away."""
        self._prober.apply(replace(self._prober.board, line=None), tr("Remove line"))

    def on_export(self) -> None:
        """Write one file; the suffix of its name says what."""
        shown, picture = self._prober.shown, self._prober.picture
        if shown is None or picture is None:
            self.warned.emit(tr("There is nothing to export yet"))
            return
        filters = ";;".join(f"{tr(words)} (*{suffix})" for suffix, words in SUFFIXES.items())
        name = f"{Path(picture.picture.name).stem}_{shown.finding.kind}.png"
        chosen, kind = QFileDialog.getSaveFileName(
            self, tr("Export what was found"), str(self._folder / name), filters
        )
        if chosen:
            path = Path(chosen)
            if not path.suffix:
                path = path.with_suffix(next((s for s in SUFFIXES if s in kind), ".png"))
            self._folder = path.parent
            table = self.show_options.table if self._prober.board.line is not None else None
            self._files.write(Export(shown, picture, path, self.show_options.layer, table))

    def on_save(self) -> None:
        """Write everything into a folder that can be run again."""
        shown, picture = self._prober.shown, self._prober.picture
        if shown is None or picture is None:
            self.warned.emit(tr("There is nothing to save yet"))
            return
        name = f"{Path(picture.picture.name).stem}_{shown.finding.kind}"
        chosen, _ = QFileDialog.getSaveFileName(
            self, tr("Save the experiment as a folder"), str(self._folder / name)
        )
        if chosen:
            self._folder = Path(chosen).parent
            self._files.write_folder(shown, picture, Path(chosen))

    def on_open(self) -> None:
        """Open an experiment and run it again."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Open experiment"), str(self._folder), tr("Experiments (*.json)")
        )
        if chosen:
            self._folder = Path(chosen).parent.parent
            self._files.open(Path(chosen))

    # What happens.

    def on_picture_changed(self) -> None:
        """Show the photo that is open."""
        self.canvas.show_picture(self._prober.picture)
        self._snapshots.clear()
        self._fill_board()
        self.on_state_changed()

    def on_view_changed(self) -> None:
        """Show which view is on."""
        kinds = [view.kind for view in VIEWS]
        self.list.setCurrentRow(kinds.index(self._prober.view))
        self._found_tiles = ()
        if self._prober.view == "compare":
            self._studio.weights.refresh()
        self.on_shown_changed()

    def on_row_changed(self, row: int) -> None:
        """Go to the view that was picked."""
        if 0 <= row < len(VIEWS):
            self._prober.set_view(VIEWS[row].kind)

    def on_shown_changed(self) -> None:
        """Enable what has something to work on."""
        has_finding = self._prober.shown is not None
        self.export_button.setEnabled(has_finding)
        self.snapshot_button.setEnabled(has_finding)
        if self._stack.currentWidget() is self.board:
            self._ask_pictures()
        self.on_state_changed()

    def on_state_changed(self) -> None:
        """Say so where it matters to commands: the mouse moves more often than they change."""
        state = (self.there(), dict(self.titles()), dict(self.checked()))
        if state != self._state:
            self._state = state
            self.state_changed.emit()

    def on_table_changed(self) -> None:
        """Plot what there is."""
        self.plot.show_table(self.show_options.table, tr(_NO_PLOT))

    def on_plot_hovered(self, row: int) -> None:
        """Show on the photo which place of the line is read."""
        table = self.show_options.table
        if table is None or not 0 <= row < len(table.rows) or "x" not in table.columns:
            self.canvas.mark(None)
            return
        values = dict(zip(table.columns, table.rows[row], strict=True))
        self.canvas.mark((float(values["x"]), float(values["y"])))

    def on_pictured(self, pictures: tuple[tuple[str, NDArray[np.uint8]], ...]) -> None:
        """Show all pictures of what was found."""
        self._found_tiles = tuple(
            Tile(rgb_image(picture), layer_title(name)) for name, picture in pictures
        )
        self._fill_board()

    def on_removed(self, key: int) -> None:
        """Throw a snapshot away."""
        self._snapshots.pop(key, None)
        self._fill_board()

    # Inside.

    def _build(self) -> None:
        self.list.setAccessibleName(tr("Views"))
        self.list.setFixedWidth(152)
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setProperty("role", "views")
        for number, view in enumerate(VIEWS, 1):
            item = QListWidgetItem(tr(view.title))
            item.setToolTip(
                tr("{question} (Ctrl+{number})").format(question=tr(view.question), number=number)
            )
            item.setSizeHint(QSize(0, self.fontMetrics().height() + 18))
            self.list.addItem(item)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.canvas)
        self._stack.addWidget(self.board)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self._stack)
        splitter.addWidget(self.plot)
        splitter.setStretchFactor(0, 1)
        splitter.setStretchFactor(1, 0)
        splitter.setSizes([10_000, _PLOT_HEIGHT])
        splitter.setHandleWidth(3)
        splitter.setChildrenCollapsible(False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        left = QWidget()
        left.setProperty("role", "panel")
        column = QVBoxLayout(left)
        column.setContentsMargins(GRID // 2, GRID, GRID // 2, GRID)
        column.addWidget(self.list)
        row.addWidget(left)
        row.addWidget(separator(is_vertical=True))
        row.addWidget(splitter, 1)
        row.addWidget(separator(is_vertical=True))
        row.addWidget(self.panel)
        self.seen.show_value("photo")

    def _connect(self) -> None:
        prober, tools, show = self._prober, self._tools, self.show_options
        self._studio.session.opened.connect(self.on_picture_changed)
        prober.view_changed.connect(self.on_view_changed)
        prober.shown_changed.connect(self.on_shown_changed)
        prober.board_changed.connect(self.on_state_changed)
        prober.history_changed.connect(self.on_state_changed)
        prober.waiting_changed.connect(self.on_state_changed)
        prober.answered.connect(self.answered)
        prober.compared.connect(self.told)
        prober.failed.connect(self.warned)
        tools.hint_changed.connect(self.hint_changed)
        tools.told.connect(self.told)
        tools.changed.connect(self.on_state_changed)
        show.changed.connect(self.on_state_changed)
        show.table_changed.connect(self.on_table_changed)
        self._files.told.connect(self.told)
        self._files.failed.connect(self.warned)
        self._files.pictured.connect(self.on_pictured)
        self._studio.plotter.failed.connect(self.warned)
        self.canvas.zoom_changed.connect(self.zoom_changed)
        self.plot.row_hovered.connect(self.on_plot_hovered)
        self.board.removed.connect(self.on_removed)
        self.list.currentRowChanged.connect(self.on_row_changed)
        self.seen.chosen.connect(self.set_seen)
        self.snapshot_button.clicked.connect(self.on_snapshot)
        self.export_button.clicked.connect(self.on_export)

    def _chooser(self, kind: ProbeKind) -> Callable[[], None]:
        def choose() -> None:
            self.set_view(kind)

        return choose

    def _ask_pictures(self) -> None:
        finding, picture = self.show_options.finding, self._prober.picture
        if finding is not None and picture is not None:
            self._files.make_pictures(finding, picture.image)
        else:
            self._found_tiles = ()
            self._fill_board()

    def _fill_board(self) -> None:
        view = view_of(self._prober.view)
        self.board.show_sections(
            (
                (tr(view.title), self._found_tiles, tr(view.how)),
                (
                    tr("Snapshots"),
                    tuple(self._snapshots.values()),
                    tr("Press K while you see the photo: what you see is kept here."),
                ),
            )
        )
