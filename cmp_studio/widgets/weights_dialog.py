"""Which weights there are, what each learned from and how well it does; add, fetch, switch."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QProgressBar,
    QTextBrowser,
    QVBoxLayout,
    QWidget,
)

from cmp_studio.services.studio import Studio
from cmp_studio.services.translation import tr
from cmp_studio.services.weights_store import OFFICIAL_NAME, WeightsRow
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.theme import GRID

_NAME: Final = Qt.ItemDataRole.UserRole


class WeightsDialog(Dialog):
    """The weights manager; everything slow runs in the background."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._says_fetching = False
        self._studio = studio
        self.setWindowTitle(tr("Weights"))
        self.resize(680, 420)
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Weights"))
        self.list.setFixedWidth(220)
        self.facts = QTextBrowser()
        self.facts.setAccessibleName(tr("About these weights"))
        self.facts.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.state = make_label("", "muted")
        self.state.setWordWrap(True)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName(tr("Download"))
        self.bar.hide()
        self.add_button = make_button(tr("Add a file…"))
        self.fetch_button = make_button(tr("Download…"))
        self.use_button = make_button(tr("Use"), "primary")
        self.close_button = make_button(tr("Close"))
        for button in (self.add_button, self.fetch_button, self.close_button):
            button.setAutoDefault(False)
        upper = QHBoxLayout()
        upper.setSpacing(2 * GRID)
        upper.addWidget(self.list)
        upper.addWidget(self.facts, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addWidget(self.add_button)
        buttons.addWidget(self.fetch_button)
        buttons.addStretch(1)
        buttons.addWidget(self.close_button)
        buttons.addWidget(self.use_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(GRID)
        column.addLayout(upper, 1)
        column.addWidget(self.bar)
        column.addWidget(self.state)
        column.addLayout(buttons)
        store = studio.weights
        self.list.currentItemChanged.connect(self.on_current_changed)
        self.list.itemDoubleClicked.connect(self.on_use_clicked)
        self.add_button.clicked.connect(self.on_add_clicked)
        self.fetch_button.clicked.connect(self.on_fetch_clicked)
        self.use_button.clicked.connect(self.on_use_clicked)
        self.close_button.clicked.connect(self.close)
        store.listed.connect(self.on_listed)
        store.added.connect(self.on_added)
        store.progressed.connect(self.on_progressed)
        store.failed.connect(self.on_failed)
        studio.preview.engine_changed.connect(self.on_listed)
        studio.preview.engine_failed.connect(self.on_failed)
        self.on_listed()
        store.refresh()

    @property
    def current(self) -> WeightsRow | None:
        """The row that is looked at."""
        item = self.list.currentItem()
        name = None if item is None else item.data(_NAME)
        return next((row for row in self._studio.weights.rows if row.name == name), None)

    def choose(self, name: str) -> None:
        """Look at the weights of this name."""
        for index in range(self.list.count()):
            if self.list.item(index).data(_NAME) == name:
                self.list.setCurrentRow(index)

    def on_listed(self) -> None:
        """Show the rows as they are now."""
        old = self.current
        used = self._used_name()
        self.list.blockSignals(True)  # the selection comes back below
        self.list.clear()
        for row in self._studio.weights.rows:
            item = QListWidgetItem(_row_text(row, is_used=row.name == used), self.list)
            item.setData(_NAME, row.name)
        self.list.blockSignals(False)
        self.choose(old.name if old is not None else used)
        if self.list.currentRow() < 0 and self.list.count():
            self.list.setCurrentRow(0)
        self.on_current_changed()
        self._update_progress()

    def on_current_changed(self) -> None:
        """Show what is known about the row, and what can be done with it."""
        row = self.current
        self.facts.setHtml("" if row is None else _facts_html(row))
        is_used = row is not None and row.name == self._used_name()
        is_loading = self._studio.preview.is_loading
        can_use = row is not None and row.is_there and not row.problem
        self.use_button.setEnabled(can_use and not is_used and not is_loading)
        self.use_button.setText(tr("In use") if is_used else tr("Use"))
        if is_loading:
            self._say(tr("Loading the network…"))
        elif self.state.text() == "Loading the network…":
            self._say("")

    def on_use_clicked(self) -> None:
        """Take these weights."""
        row = self.current
        if row is not None and self.use_button.isEnabled():
            self._studio.load_engine(replace(self._studio.engine_choice(), weights=row.name))

    def on_add_clicked(self) -> None:
        """Choose a file of weights and add it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self, tr("Add weights"), str(Path.home()),
            tr("Weights (*.safetensors *.pth.tar *.pth *.tar);;All files (*)"),
        )  # fmt: skip
        if chosen:
            self._say(tr("Adding {name}…").format(name=Path(chosen).name))
            self._studio.weights.add_file(Path(chosen))

    def on_fetch_clicked(self) -> None:
        """Download the published weights, or stop that."""
        store = self._studio.weights
        if store.is_fetching:
            store.cancel()
            self._say(tr("Stopping; what is there is kept for the next time."), is_fetching=True)
            self.fetch_button.setEnabled(False)
            return
        store.fetch_official()
        self.choose(OFFICIAL_NAME)
        self.bar.setRange(0, 0)
        self._say(tr("Asking for the published weights…"), is_fetching=True)
        self._update_progress()

    def on_progressed(self, done: int, total: int) -> None:
        """Show how far the download is."""
        if total > 0 and self.fetch_button.isEnabled():
            self.bar.setRange(0, 1000)
            self.bar.setValue(min(1000, round(1000 * done / total)))
            self._say(
                tr("Downloading: {done:.0f} of {total:.0f} MB").format(
                    done=done / 1e6, total=total / 1e6
                )
            )

    def on_added(self, name: str) -> None:
        """Look at the weights that came."""
        self._say(tr("Added the weights “{name}”.").format(name=name))
        self._update_progress()

    def on_failed(self, sentence: str) -> None:
        """Say what did not work."""
        self._say(sentence, is_warning=True)
        self._update_progress()

    def _used_name(self) -> str:
        info = self._studio.preview.engine
        return "" if info is None else info.choice.weights

    def _update_progress(self) -> None:
        is_fetching = self._studio.weights.is_fetching
        if not is_fetching and self._says_fetching:
            self._say("")
        self.bar.setVisible(is_fetching)
        self.fetch_button.setEnabled(True)
        self.fetch_button.setText(tr("Stop") if is_fetching else tr("Download…"))
        self.fetch_button.setToolTip(
            "" if is_fetching else tr("Fetch the published demos' weights")
        )

    def _say(self, text: str, *, is_warning: bool = False, is_fetching: bool = False) -> None:
        self._says_fetching = is_fetching
        self.state.setProperty("role", "warning" if is_warning else "muted")
        self.state.style().polish(self.state)
        self.state.setText(text)


def _row_text(row: WeightsRow, *, is_used: bool) -> str:
    if is_used:
        return tr("{title}\nin use").format(title=row.title)
    if row.problem:
        return tr("{title}\ncan't be used").format(title=row.title)
    return (
        row.title
        if row.is_there
        else tr("{title}\nnot here yet, {size:.0f} MB").format(title=row.title, size=row.size / 1e6)
    )


def _facts_html(row: WeightsRow) -> str:
    lines = [f"<p><b>{escape(row.title)}</b></p>"]
    if row.problem:
        lines.append(f"<p>{escape(row.problem)}</p>")
    if not row.is_there:
        lines.append(
            tr(
                "<p>The weights of the published demos, as their authors trained them on videos "
                "of people. “Download…” fetches {size:.0f} MB and converts them.</p>"
            ).format(size=row.size / 1e6)
        )
    for label, text in row.facts:
        lines.append(f"<p>{escape(label)}: {escape(text)}</p>")
    return "".join(lines)
