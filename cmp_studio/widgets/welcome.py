"""What the window shows while nothing is open: drop a photo, or try a sample."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QIcon,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from cmp_studio.services.background import Background
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.recent_thumbnails import RecentThumbnails
from cmp_studio.services.samples import Sample, list_samples
from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.icons import icon_pixmap
from cmp_studio.widgets.theme import GRID, ThemeManager

_THUMBNAIL: Final = QSize(176, 124)
_RECENT_THUMBNAIL: Final = QSize(96, 68)
_MAX_RECENT: Final = 5


class Welcome(QWidget):
    """The empty state.

    Signals:
        open_asked(): The user wants to choose a file.
        paste_asked(): The user wants to paste a picture.
        sample_chosen(path): A bundled scene.
        file_chosen(path): A recent file.
    """

    open_asked = Signal()
    paste_asked = Signal()
    sample_chosen = Signal(object)
    file_chosen = Signal(object)

    def __init__(
        self,
        preferences: Preferences,
        background: Background,
        thumbnails: RecentThumbnails,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._background = background
        self._thumbnails = thumbnails
        self._recent_buttons: list[RecentButton] = []
        self._is_recent_shown = False
        self._themes = themes
        self._sample_buttons: list[SampleButton] = []
        self.drop_zone = DropZone(themes)
        self.drop_zone.open_button.clicked.connect(self.open_asked)
        self.drop_zone.paste_button.clicked.connect(self.paste_asked)
        self._samples_title = make_label(tr("Or begin with a sample"), "section")
        self._samples_title.hide()
        self._samples_row = QHBoxLayout()
        self._samples_row.setSpacing(2 * GRID)
        self._recent_title = make_label(tr("Recent"), "section")
        self._recent_row = QHBoxLayout()
        self._recent_row.setSpacing(GRID)
        column = QVBoxLayout()
        column.setSpacing(GRID)
        column.addStretch(2)
        column.addWidget(self.drop_zone)
        column.addSpacing(2 * GRID)
        column.addWidget(self._samples_title)
        column.addLayout(self._samples_row)
        column.addSpacing(GRID)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent_row)
        column.addStretch(3)
        row = QHBoxLayout(self)
        row.setContentsMargins(3 * GRID, 2 * GRID, 3 * GRID, 2 * GRID)
        row.addStretch(1)
        row.addLayout(column)
        row.addStretch(1)
        preferences.recent_files_changed.connect(self.on_recent_files_changed)
        thumbnails.ready.connect(self.on_thumbnail_ready)
        themes.changed.connect(self.update)

    def fill(self) -> None:
        """Look for the bundled scenes, in the background."""
        self._background.submit(list_samples, done=self.on_samples_listed)

    def on_samples_listed(self, samples: object) -> None:
        """Show the bundled scenes as pictures."""
        if not isinstance(samples, list):
            return
        for sample in samples:
            button = SampleButton(sample)
            button.clicked.connect(self.on_sample_clicked)
            self._sample_buttons.append(button)
            self._samples_row.addWidget(button)
        self._samples_row.addStretch(1)
        self._samples_title.setVisible(bool(samples))

    def on_sample_clicked(self) -> None:
        """Open the sample whose picture was clicked."""
        button = self.sender()
        if isinstance(button, SampleButton):
            self.sample_chosen.emit(button.sample.path)

    def on_recent_files_changed(self) -> None:
        """Show the files that were open last; while nobody sees them, wait until somebody does."""
        self._is_recent_shown = self.isVisible()
        if self._is_recent_shown:
            self._show_recent()

    def _show_recent(self) -> None:
        for button in self._recent_buttons:
            self._recent_row.removeWidget(button)
            button.deleteLater()
        while self._recent_row.takeAt(0) is not None:
            pass
        files = self._preferences.recent_files()[:_MAX_RECENT]
        self._recent_title.setVisible(bool(files))
        self._recent_buttons = [RecentButton(path, self._thumbnails.png(path)) for path in files]
        for button in self._recent_buttons:
            button.clicked.connect(self.on_recent_clicked)
            self._recent_row.addWidget(button)
        self._recent_row.addStretch(1)

    def on_thumbnail_ready(self, path: Path) -> None:
        """Show the small picture of a recent file."""
        for button in self._recent_buttons:
            if button.path == path:
                button.show_picture(self._thumbnails.png(path))

    def on_recent_clicked(self) -> None:
        """Open the recent file whose name was clicked."""
        button = self.sender()
        if isinstance(button, RecentButton):
            self.file_chosen.emit(button.path)

    def showEvent(self, _event: QShowEvent) -> None:
        """List the files that were open meanwhile."""
        if not self._is_recent_shown:
            self._is_recent_shown = True
            self._show_recent()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Fill the ground."""
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self._themes.theme.canvas))
        painter.end()


class DropZone(QWidget):
    """Says what to do, and shows where."""

    def __init__(self, themes: ThemeManager, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._themes = themes
        self.setMinimumSize(600, 256)
        heading = make_label(tr("Drop a photo to make it move"), "heading")
        heading.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        words = make_label(
            tr("Then drag an arrow on a part: it moves, and what belongs to it comes along."),
            "muted",
        )
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.open_button = make_button(tr("Open a photo…"), "primary")
        self.open_button.setToolTip(tr("Open a photo or a scene (Ctrl+O)"))
        self.paste_button = make_button(tr("Paste"))
        self.paste_button.setToolTip(tr("Take the picture on the clipboard (Ctrl+V)"))
        buttons = QHBoxLayout()
        buttons.setSpacing(GRID)
        buttons.addStretch(1)
        buttons.addWidget(self.open_button)
        buttons.addWidget(self.paste_button)
        buttons.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(4 * GRID, 11 * GRID, 4 * GRID, 4 * GRID)
        column.setSpacing(GRID)
        column.addStretch(1)
        column.addWidget(heading)
        column.addWidget(words)
        column.addSpacing(GRID)
        column.addLayout(buttons)
        column.addStretch(1)
        themes.changed.connect(self.update)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw the frame and the picture sign."""
        theme = self._themes.theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(QColor(theme.window))
        pen = QPen(QColor(theme.disabled), 1.5)
        pen.setDashPattern([5, 4])
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(1, 1, -1, -1), 12, 12)
        sign = icon_pixmap("picture", QColor(theme.accent), 48, self.devicePixelRatioF())
        painter.drawPixmap(round(self.width() / 2 - 24), 4 * GRID, sign)
        painter.end()


class SampleButton(QToolButton):
    """A bundled scene as a picture with its name."""

    def __init__(self, sample: Sample, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.sample = sample
        self.setText(sample.name)
        self.setAccessibleName(tr("Sample {name}").format(name=sample.name))
        self.setToolTip(tr("Open the sample “{name}”").format(name=sample.name))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setIconSize(_THUMBNAIL)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        picture = QPixmap()
        picture.loadFromData(sample.thumbnail)
        self.setIcon(QIcon(_cropped(picture, _THUMBNAIL, self.devicePixelRatioF())))


class RecentButton(QToolButton):
    """A recent file as a small picture with its name."""

    def __init__(self, path: Path, png: bytes, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.path = path
        self.setAccessibleName(tr("Recent file {name}").format(name=path.name))
        self.setToolTip(str(path))
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        self.setIconSize(_RECENT_THUMBNAIL)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        name = self.fontMetrics().elidedText(
            path.name, Qt.TextElideMode.ElideMiddle, _RECENT_THUMBNAIL.width()
        )
        self.setText(name)
        self.show_picture(png)

    def show_picture(self, png: bytes) -> None:
        """Show the small picture, or a plain frame while there is none."""
        picture = QPixmap()
        if png:
            picture.loadFromData(png)
        self.setIcon(QIcon(_cropped(picture, _RECENT_THUMBNAIL, self.devicePixelRatioF())))


def _cropped(picture: QPixmap, frame: QSize, ratio: float) -> QPixmap:
    """The middle of a picture, filling a frame, with round corners."""
    size = frame * ratio
    framed = QPixmap(size)
    framed.fill(Qt.GlobalColor.transparent)
    if picture.isNull():
        return framed
    scaled = picture.scaled(
        size,
        Qt.AspectRatioMode.KeepAspectRatioByExpanding,
        Qt.TransformationMode.SmoothTransformation,
    )
    painter = QPainter(framed)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    path = QPainterPath()
    path.addRoundedRect(QRectF(framed.rect()), 6 * ratio, 6 * ratio)
    painter.setClipPath(path)
    x, y = (size.width() - scaled.width()) // 2, (size.height() - scaled.height()) // 2
    painter.drawPixmap(x, y, scaled)
    painter.end()
    framed.setDevicePixelRatio(ratio)
    return framed
