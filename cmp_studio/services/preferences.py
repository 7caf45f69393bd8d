"""What the window remembers between runs, in one INI file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, Literal, get_args

import platformdirs
from PySide6.QtCore import QByteArray, QObject, QSettings, Signal

HOME_VARIABLE: Final = "CMP_STUDIO_HOME"
MAX_RECENT_FILES: Final = 10

ThemeName = Literal["system", "dark", "light"]


def user_folder() -> Path:
    """Folder for settings, log and weights of this user; moved by ``CMP_STUDIO_HOME``."""
    home = os.environ.get(HOME_VARIABLE)
    return Path(home) if home else platformdirs.user_data_path("cmp-studio")


class Preferences(QObject):
    """Typed access to the settings file.

    Signals:
        theme_changed(name): Another theme was chosen.
        recent_files_changed(): A file was opened or saved, or the list cleared.
    """

    theme_changed = Signal(str)
    recent_files_changed = Signal()

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = folder or user_folder()
        self._settings = QSettings(
            str(self._folder / "settings.ini"), QSettings.Format.IniFormat, self
        )

    @property
    def folder(self) -> Path:
        """Folder that holds the settings file."""
        return self._folder

    def theme(self) -> ThemeName:
        """The chosen theme; "system" follows the desktop."""
        value = self.text("window/theme", "system")
        return value if value in get_args(ThemeName) else "system"  # type: ignore[return-value]  # checked in the same line

    def set_theme(self, name: ThemeName) -> None:
        """Choose and announce a theme."""
        self.set_text("window/theme", name)
        self.theme_changed.emit(name)

    def recent_files(self) -> list[Path]:
        """Files opened or saved last, newest first; those that are gone are left out."""
        value = self._settings.value("files/recent", [])
        names = [value] if isinstance(value, str) else value if isinstance(value, list) else []
        return [path for name in names if (path := Path(str(name))).is_file()]

    def add_recent_file(self, path: Path) -> None:
        """Put ``path`` first in the list of recent files."""
        path = path.absolute()
        others = [other for other in self.recent_files() if other != path]
        names = [str(file) for file in [path, *others][:MAX_RECENT_FILES]]
        self._settings.setValue("files/recent", names)
        self.recent_files_changed.emit()

    def clear_recent_files(self) -> None:
        """Forget the recent files."""
        self._settings.remove("files/recent")
        self.recent_files_changed.emit()

    def text(self, key: str, default: str) -> str:
        """The string under ``key``."""
        value = self._settings.value(key, default)
        return value if isinstance(value, str) else default

    def set_text(self, key: str, value: str) -> None:
        """Store a string."""
        self._settings.setValue(key, value)

    def number(self, key: str, default: float) -> float:
        """The number under ``key``; the default when the file holds something else."""
        try:
            return float(self.text(key, repr(default)))
        except ValueError:
            return default

    def set_number(self, key: str, value: float) -> None:
        """Store a number."""
        self._settings.setValue(key, repr(float(value)))

    def flag(self, key: str, *, default: bool) -> bool:
        """The yes or no under ``key``."""
        return self.text(key, "true" if default else "false") == "true"

    def set_flag(self, key: str, *, value: bool) -> None:
        """Store a yes or no."""
        self._settings.setValue(key, "true" if value else "false")

    def blob(self, key: str) -> QByteArray:
        """The bytes under ``key`` (window geometry, say); empty when there are none."""
        value = self._settings.value(key)
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_blob(self, key: str, value: QByteArray) -> None:
        """Store bytes."""
        self._settings.setValue(key, value)

    def remove(self, key: str) -> None:
        """Forget what is under ``key``."""
        self._settings.remove(key)

    def save(self) -> None:
        """Write the file now."""
        self._settings.sync()
