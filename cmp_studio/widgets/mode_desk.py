"""Switching between the modes: pages, menus, keys, header and status follow."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QStackedWidget, QWidget

from cmp_studio.services.window_work import WINDOW_WORK
from cmp_studio.widgets.mode_page import ModePage

if TYPE_CHECKING:
    from cmp_studio.widgets.main_window import MainWindow


class ModeDesk(QObject):
    """Holds the pages of the modes and shows the one that is on.

    Args:
        window: With its actions, header and status bar.
        animate: The page of Animate.
    """

    def __init__(self, window: MainWindow, animate: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._modes = window.studio.modes
        self._pages: dict[str, ModePage] = {}
        self.stack = QStackedWidget()
        self.stack.addWidget(animate)
        self._animate = animate
        self._left: ModePage | None = None
        self._modes.changed.connect(self.on_mode_changed)
        window.header.switch.chosen.connect(self.choose)

    @property
    def page(self) -> ModePage | None:
        """The page of the mode that is on; None in Animate."""
        return self._pages.get(self._modes.current)

    def page_of(self, name: str) -> ModePage:
        """The page of a mode beside Animate."""
        return self._pages[name]

    def add(self, page: ModePage) -> None:
        """Let a mode be chosen; call it once the commands are connected."""
        name = page.mode.name
        self._pages[name] = page
        self.stack.addWidget(page)
        self._window.header.add_strip(name, page.header_strip())
        actions, commands, toggles = self._window.actions_by_name, page.commands(), page.toggles()
        for own in actions.own_of(name):
            if own in commands:
                actions[own].triggered.connect(_without_argument(commands[own]))
            else:
                actions[own].toggled.connect(toggles[own])
        page.hint_changed.connect(self.on_hint_changed)
        page.state_changed.connect(self.on_state_changed)
        page.zoom_changed.connect(self.on_zoom_changed)
        page.answered.connect(self._window.status.on_answered)
        page.told.connect(self._window.status.show_message)
        page.warned.connect(self._window.on_warned)
        page.film_asked.connect(self.on_film_asked)
        if page.mode not in self._modes.known:  # an earlier window on these services made it known
            self._modes.add(page.mode)
        self._window.header.show_modes(self._modes.known)
        self.on_mode_changed()

    def choose(self, name: str) -> None:
        """Go to a mode."""
        for mode in self._modes.known:
            if mode.name == name:
                self._modes.choose(mode.name)

    def on_mode_changed(self) -> None:
        """Show what belongs to the mode that is on."""
        with WINDOW_WORK:
            self._show_mode()

    def _show_mode(self) -> None:
        window, page = self._window, self.page
        if self._left is not None and self._left is not page:
            self._left.leave()
        is_new, self._left = page is not self._left, page
        self.stack.setCurrentWidget(page or self._animate)
        current = self._modes.current
        window.header.show_mode(current)
        action = window.actions_by_name.get(f"mode_{current}")
        if action is not None:
            action.setChecked(True)
        window.actions_by_name.show_mode(current, [mode.name for mode in self._modes.known])
        if page is None:
            window.status.show_mode_hint(None)
            window.on_document_opened()
            window.status.show_zoom(window.canvas.shown_scale)
        elif is_new:
            page.enter()
        self.on_state_changed()

    def on_hint_changed(self) -> None:
        """Say what a click would do."""
        if self.page is not None:
            self._window.status.show_mode_hint(self.page.hint)

    def on_state_changed(self) -> None:
        """Enable what can be done, and name what is open."""
        page = self.page
        if page is not None:
            self._window.status.show_mode_hint(page.hint)
            self._window.status.show_document(is_open=page.has_document)
        self._window.commands.on_state_changed()
        self._window.on_title_changed()

    def on_zoom_changed(self, scale: float) -> None:
        """Show the zoom of the page that is on."""
        if self.sender() is self.page:
            self._window.status.show_zoom(scale)

    def on_film_asked(self, call: Callable[[], object], is_new: bool) -> None:  # noqa: FBT001 - a slot
        """Go to Animate and put something into the film, unless unsaved work would be lost."""

        def go() -> None:
            self.choose("animate")
            call()

        if is_new:
            self._window.desk.leave(go)
        else:
            go()

    def on_zoom_clicked(self) -> None:
        """Show the whole picture."""
        if self.page is None:
            self._window.canvas.fit()
        else:
            self.page.fit()


def _without_argument(command: Callable[[], object]) -> Callable[[], None]:
    """Leave out the "checked" that a triggered action hands over."""

    def call() -> None:
        command()

    return call
