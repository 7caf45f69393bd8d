"""Which keys call which command: the defaults, and what the user made of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.preferences import Preferences

_NONE: Final = "none"
_SEPARATOR: Final = "  "

ALL_MODES: Final = "all"
"""Scope of commands that can be called in every mode."""

Keys = tuple[str, ...]


class Shortcuts(QObject):
    """The keys of every command, kept in the preferences where they differ from the defaults.

    Keys are written as in the menus, in English ("Ctrl+Shift+Z"). In each mode a key belongs to one
    command at a time: who takes it, takes it away from the other.

    Args:
        defaults: The keys that each command has out of the box.
        preferences: Where the others are kept.
        scopes: The mode in which each command can be called, or `ALL_MODES`; default that.

    Signals:
        changed(): Some command has other keys.
    """

    changed = Signal()

    def __init__(
        self,
        defaults: Mapping[str, Keys],
        preferences: Preferences,
        parent: QObject | None = None,
        *,
        scopes: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(parent)
        self._defaults = dict(defaults)
        self._scopes = dict(scopes or {})
        self._preferences = preferences
        self._own: dict[str, Keys] = {}
        for name in self._defaults:
            stored = preferences.text(f"keys/{name}", "")
            if stored:
                self._own[name] = () if stored == _NONE else tuple(stored.split(_SEPARATOR))

    @property
    def names(self) -> tuple[str, ...]:
        """Every command that can have keys."""
        return tuple(self._defaults)

    def keys(self, name: str) -> Keys:
        """The keys of a command, the one to show first."""
        return self._own.get(name, self._defaults[name])

    def default_keys(self, name: str) -> Keys:
        """The keys that the command has out of the box."""
        return self._defaults[name]

    def is_own(self, name: str) -> bool:
        """Whether the user changed the keys of this command."""
        return name in self._own

    @property
    def has_own(self) -> bool:
        """Whether the user changed any."""
        return bool(self._own)

    def owner(self, key: str, *, but: str = "") -> str:
        """The command that ``key`` calls, other than ``but``; empty when it is free.

        Commands that are never there together with ``but`` don't count.
        """
        wanted = key.casefold()
        for name in self._defaults:
            if name == but or not self._meet(name, but):
                continue
            if any(wanted == held.casefold() for held in self.keys(name)):
                return name
        return ""

    def set_keys(self, name: str, keys: Keys) -> None:
        """Give a command these keys and take them away from whoever has them."""
        keys = tuple(dict.fromkeys(key for key in keys if key))
        for key in keys:
            while loser := self.owner(key, but=name):
                held = self.keys(loser)
                self._store(loser, tuple(k for k in held if k.casefold() != key.casefold()))
        self._store(name, keys)
        self.changed.emit()

    def reset(self, name: str) -> None:
        """Give a command its default keys back."""
        self.set_keys(name, self._defaults[name])

    def reset_all(self) -> None:
        """Give every command its default keys back."""
        for name in list(self._own):
            self._store(name, self._defaults[name])
        self.changed.emit()

    def _meet(self, name: str, other: str) -> bool:
        """Whether two commands can be called in the same mode."""
        scopes = (self._scopes.get(name, ALL_MODES), self._scopes.get(other, ALL_MODES))
        return ALL_MODES in scopes or scopes[0] == scopes[1]

    def _store(self, name: str, keys: Keys) -> None:
        if keys == self._defaults[name]:
            self._own.pop(name, None)
            self._preferences.remove(f"keys/{name}")
        else:
            self._own[name] = keys
            self._preferences.set_text(f"keys/{name}", _SEPARATOR.join(keys) or _NONE)
