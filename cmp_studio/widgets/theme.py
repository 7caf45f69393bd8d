"""Colours, spacing and the style sheet of both themes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from cmp_studio.services.preferences import Preferences
from cmp_studio.services.window_work import WINDOW_WORK

GRID: Final = 8
"""Spacing unit, logical px."""

TRACK_COLORS: Final = (
    "#4db4f5",  # sky blue
    "#f6df4a",  # yellow
    "#f4793f",  # vermilion
    "#2fbf94",  # bluish green
    "#d68cc6",  # reddish purple
    "#f2ab2e",  # orange
    "#f4f4f4",  # white
    "#5b8def",  # blue
)
"""Colours of tracks: told apart with any colour vision, bright enough for a dark outline."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one theme: neutral greys and one accent.

    Attributes:
        is_dark: Whether light text stands on dark ground.
        canvas: Around the photo.
        window: Panels and bars.
        raised: Fields and buttons.
        hover: The same under the mouse.
        pressed: The same while pressed or switched on.
        border: Lines between panels and around fields.
        text: Words.
        muted: Words that step back.
        disabled: Words of what can't be used now.
        accent: What is active.
        on_accent: Words on the accent.
        warning: What went wrong.
    """

    is_dark: bool
    canvas: str
    window: str
    raised: str
    hover: str
    pressed: str
    border: str
    text: str
    muted: str
    disabled: str
    accent: str
    on_accent: str
    warning: str


DARK: Final = Theme(
    is_dark=True,
    canvas="#171717",
    window="#222222",
    raised="#2e2e2e",
    hover="#383838",
    pressed="#444444",
    border="#383838",
    text="#ececec",
    muted="#a3a3a3",
    disabled="#6b6b6b",
    accent="#ff8f50",
    on_accent="#1d0f06",
    warning="#ff9d8a",
)

LIGHT: Final = Theme(
    is_dark=False,
    canvas="#d6d6d6",
    window="#f3f3f3",
    raised="#ffffff",
    hover="#e8e8e8",
    pressed="#dadada",
    border="#cccccc",
    text="#1c1c1c",
    muted="#5c5c5c",
    disabled="#a0a0a0",
    accent="#bf4f17",
    on_accent="#ffffff",
    warning="#a6261a",
)


SLICE_MS: Final = 12
"""How long the widgets are drawn in other colours before the event loop has its turn."""


class ThemeManager(QObject):
    """Gives the application the theme that the user chose, or the desktop's.

    The style sheet names roles of the palette, so that another theme is another palette. What each
    widget has worked out of the sheet is worked out anew in slices, between which events are
    handled: setting another sheet would do that for all of them at once.

    Signals:
        changed(): `theme` is another one; icons have to be drawn anew.
    """

    changed = Signal()

    def __init__(self, preferences: Preferences, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._preferences = preferences
        self._theme = DARK
        self._waiting: list[QWidget] = []
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self.on_timeout)
        preferences.theme_changed.connect(self.on_theme_chosen)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self.on_desktop_changed)
        application = QApplication.instance()
        if isinstance(application, QApplication) and application.styleSheet() != style_sheet():
            application.setStyleSheet(style_sheet())
        self._apply()

    @property
    def theme(self) -> Theme:
        """The theme in use."""
        return self._theme

    @property
    def is_busy(self) -> bool:
        """Whether some widgets still have the colours of another theme."""
        return bool(self._waiting)

    def on_theme_chosen(self, _name: str) -> None:
        """Take what the user chose."""
        self._apply()

    def on_desktop_changed(self, _scheme: Qt.ColorScheme) -> None:
        """Follow the desktop, where the user wants that."""
        if self._preferences.theme() == "system":
            self._apply()

    def on_timeout(self) -> None:
        """Give some more widgets their new colours."""
        began = time.perf_counter()
        style = QApplication.style()
        with WINDOW_WORK:
            while self._waiting and (time.perf_counter() - began) * 1000 < SLICE_MS:
                widget = self._waiting.pop()
                if isValid(widget):
                    style.unpolish(widget)
                    style.polish(widget)
                    widget.update()
        if not self._waiting:
            self._timer.stop()

    def _apply(self) -> None:
        name = self._preferences.theme()
        if name == "system":
            # A desktop that doesn't say gets dark: a photo looks best on it.
            is_light = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Light
            theme = LIGHT if is_light else DARK
        else:
            theme = LIGHT if name == "light" else DARK
        self._theme = theme
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setPalette(make_palette(theme))
            # What is seen goes last into the list, which is emptied from its end.
            self._waiting = sorted(application.allWidgets(), key=QWidget.isVisible)
            if self._waiting:
                self._timer.start()
        self.changed.emit()


def make_palette(theme: Theme) -> QPalette:
    """The palette for widgets that the style sheet does not reach."""
    palette = QPalette()
    role = QPalette.ColorRole
    colors = {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.raised,
        role.AlternateBase: theme.hover,
        role.Text: theme.text,
        role.PlaceholderText: theme.muted,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.warning,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Accent: theme.accent,
        role.Light: theme.hover,
        role.Midlight: theme.pressed,
        role.Mid: theme.border,
        role.Dark: theme.disabled,
        role.Shadow: theme.canvas,
    }
    for name, color in colors.items():
        palette.setColor(name, QColor(color))
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, QColor(theme.disabled))
    return palette


_ROLES: Final = Theme(
    is_dark=True,
    canvas="palette(shadow)",
    window="palette(window)",
    raised="palette(base)",
    hover="palette(alternate-base)",
    pressed="palette(midlight)",
    border="palette(mid)",
    text="palette(text)",
    muted="palette(placeholder-text)",
    disabled="palette(dark)",
    accent="palette(highlight)",
    on_accent="palette(highlighted-text)",
    warning="palette(bright-text)",
)
"""For each colour of a theme the role that `make_palette` gives it, as style sheets name it."""


def style_sheet() -> str:
    """The style sheet of the whole application; its colours are those of the palette."""
    t = _ROLES
    return f"""
* {{ outline: 0; }}
QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
    padding: 4px 8px; }}
QMainWindow, QDialog {{ background: {t.window}; }}
QMainWindow::separator {{ width: 3px; height: 3px; background: {t.border}; }}
QMainWindow::separator:hover {{ background: {t.accent}; }}
QTreeView, QListView, QTextBrowser {{ background: {t.raised}; color: {t.text};
    border: 1px solid {t.border}; border-radius: 5px; padding: 4px;
    selection-background-color: {t.pressed}; selection-color: {t.text}; }}
QTreeView:focus, QListView:focus, QTextBrowser:focus {{ border-color: {t.accent}; }}
QTreeView::item {{ padding: 3px 4px; }}
QTreeView::item:selected, QListView::item:selected {{ background: {t.pressed};
    color: {t.text}; border-radius: 4px; }}
QListView::item {{ padding: 4px 6px; }}
QListView[role="views"] {{ background: {t.window}; border: 0; padding: 0; }}
QListView[role="views"]::item {{ padding: 7px 8px; }}
QListView[role="views"]::item:hover {{ background: {t.hover}; border-radius: 4px; }}
QListView[role="views"]::item:selected {{ background: {t.pressed}; }}
QHeaderView::section {{ background: {t.raised}; color: {t.muted}; border: 0;
    border-bottom: 1px solid {t.border}; padding: 4px 6px; }}
QDockWidget {{ color: {t.muted}; font-weight: 600; titlebar-close-icon: none; }}
QDockWidget::title {{ background: {t.window}; padding: 5px 16px; text-align: left; }}
QTabBar {{ background: {t.window}; }}
QTabBar::tab {{ background: transparent; color: {t.muted}; border: 0; padding: 6px 12px 5px 12px;
    border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {t.text}; }}
QTabBar::tab:selected {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
QTabBar::tab:focus {{ color: {t.accent}; }}
QMenuBar {{ background: {t.window}; color: {t.text}; padding: 2px 8px; }}
QMenuBar::item {{ background: transparent; padding: 4px 8px; border-radius: 4px; }}
QMenuBar::item:selected {{ background: {t.hover}; }}
QMenu {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
    padding: 4px; }}
QMenu::item {{ padding: 5px 16px 5px 12px; border-radius: 4px; min-width: 168px; }}
QMenu::item:selected {{ background: {t.pressed}; }}
QMenu::item:disabled {{ color: {t.disabled}; }}
QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
QMenu::indicator {{ width: 16px; height: 16px; left: 6px; }}
QLabel {{ background: transparent; }}
QLabel[role="muted"] {{ color: {t.muted}; }}
QLabel[role="section"] {{ color: {t.muted}; font-weight: 600; }}
QLabel[role="title"] {{ font-weight: 600; }}
QLabel[role="heading"] {{ font-size: 22px; font-weight: 600; }}
QLabel[role="warning"] {{ color: {t.warning}; }}
QFrame[role="line"] {{ background: {t.border}; border: 0; }}
QWidget[role="panel"] {{ background: {t.window}; }}
QScrollArea {{ background: {t.window}; border: 0; }}
QPushButton {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border};
    border-radius: 5px; padding: 4px 14px; min-height: 18px; }}
QPushButton:hover {{ background: {t.hover}; }}
QPushButton:pressed {{ background: {t.pressed}; }}
QPushButton:disabled {{ color: {t.disabled}; }}
QPushButton:focus {{ border-color: {t.accent}; }}
QPushButton[role="primary"] {{ background: {t.accent}; color: {t.on_accent};
    border-color: {t.accent}; font-weight: 600; }}
QPushButton[role="primary"]:disabled {{ background: {t.raised}; color: {t.disabled};
    border-color: {t.border}; }}
QPushButton[role="primary"]:focus {{ border-color: {t.text}; }}
QPushButton[role="segment"] {{ border-radius: 0; padding: 4px 12px; border-right-width: 0; }}
QPushButton[role="segment"][edge="first"] {{ border-top-left-radius: 5px;
    border-bottom-left-radius: 5px; }}
QPushButton[role="segment"][edge="last"] {{ border-top-right-radius: 5px;
    border-bottom-right-radius: 5px; border-right-width: 1px; }}
QPushButton[role="segment"]:checked {{ background: {t.pressed}; font-weight: 600; }}
QPushButton[role="flat"] {{ background: transparent; border: 0; padding: 2px 6px; }}
QPushButton[role="flat"]:hover {{ background: {t.hover}; }}
QToolButton {{ background: transparent; border: 1px solid transparent; border-radius: 6px;
    padding: 5px; color: {t.text}; }}
QToolButton:hover {{ background: {t.hover}; }}
QToolButton:pressed, QToolButton:checked {{ background: {t.pressed}; }}
QToolButton[role="toggle"]:checked {{ background: transparent; }}
QToolButton[role="toggle"]:hover {{ background: {t.hover}; }}
QToolButton:focus {{ border-color: {t.accent}; }}
QToolButton:disabled {{ color: {t.disabled}; }}
QToolButton::menu-indicator {{ image: none; width: 0; }}
QLineEdit, QDoubleSpinBox, QSpinBox, QComboBox {{ background: {t.raised}; color: {t.text};
    border: 1px solid {t.border}; border-radius: 5px; padding: 3px 8px; min-height: 20px;
    selection-background-color: {t.accent}; selection-color: {t.on_accent}; }}
QLineEdit:hover, QDoubleSpinBox:hover, QSpinBox:hover, QComboBox:hover {{
    background: {t.hover}; }}
QLineEdit:focus, QDoubleSpinBox:focus, QSpinBox:focus, QComboBox:focus {{
    border-color: {t.accent}; }}
QLineEdit:disabled, QDoubleSpinBox:disabled, QSpinBox:disabled, QComboBox:disabled {{
    color: {t.disabled}; }}
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ width: 0; height: 0; border: 0; }}
QAbstractSpinBox QLineEdit {{ background: transparent; border: 0; padding: 0; min-height: 0; }}
QComboBox::drop-down {{ border: 0; width: 22px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {t.raised}; color: {t.text};
    border: 1px solid {t.border}; padding: 4px; selection-background-color: {t.pressed};
    selection-color: {t.text}; }}
QComboBox QAbstractItemView::item {{ padding: 4px 6px; min-height: 20px; }}
QSlider::groove:horizontal {{ height: 4px; background: {t.pressed}; border-radius: 2px; }}
QSlider::sub-page:horizontal {{ background: {t.accent}; border-radius: 2px; }}
QSlider::sub-page:horizontal:disabled {{ background: {t.disabled}; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px;
    background: {t.text}; border: 0; }}
QSlider::handle:horizontal:focus {{ background: {t.accent}; }}
QSlider::handle:horizontal:disabled {{ background: {t.disabled}; }}
QProgressBar {{ background: {t.pressed}; border: 0; border-radius: 3px; max-height: 6px;
    min-height: 6px; }}
QProgressBar::chunk {{ background: {t.accent}; border-radius: 3px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 0; }}
QScrollBar::handle:vertical {{ background: {t.pressed}; border-radius: 4px; margin: 1px;
    min-height: 32px; }}
QScrollBar::handle:vertical:hover {{ background: {t.disabled}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ height: 0; width: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
QSplitter::handle {{ background: {t.border}; }}
"""
