"""Nothing fails in silence: uncaught exceptions and Qt's messages go to the log and the user."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler

from cmp_studio.services.translation import tr
from cmp_studio.services.wording import sentence_of

log = logging.getLogger(__name__)

LOG_NAME: Final = "cmp-studio.log"

_LEVELS: Final = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


_HARMLESS: Final = (
    "This plugin does not support propagateSizeHints()",
    "This plugin does not support raise()",
)
"""What Qt says about windows where there is no screen; nobody can do anything about it."""


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """One thing that went wrong.

    Attributes:
        sentence: For the user.
        details: For whoever mends it; a traceback, or empty.
    """

    sentence: str
    details: str = ""


class ErrorReporter(QObject):
    """Catches what nobody caught while it is installed.

    Thread: lives on the GUI thread; exceptions of any thread arrive.

    Signals:
        reported(report): An `ErrorReport` that the user should see; the same one only once.
    """

    reported = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._is_installed = False
        self._seen: set[str] = set()
        self._old_hook: Callable[..., Any] = sys.excepthook
        self._old_thread_hook: Callable[..., Any] = threading.excepthook
        self._old_qt_handler: Any = None

    def install(self) -> None:
        """Begin to catch."""
        self._old_hook, sys.excepthook = sys.excepthook, self._on_exception
        self._old_thread_hook = threading.excepthook
        threading.excepthook = self._on_thread_exception
        self._old_qt_handler = qInstallMessageHandler(self._on_qt_message)
        self._is_installed = True

    def uninstall(self) -> None:
        """Put back what was there before."""
        if not self._is_installed:
            return
        self._is_installed = False
        sys.excepthook = self._old_hook
        threading.excepthook = self._old_thread_hook
        qInstallMessageHandler(self._old_qt_handler)

    def report(self, error: BaseException) -> None:
        """Log an exception and tell the user."""
        details = "".join(traceback.format_exception(error))
        log.error("uncaught: %s", details)
        sentence = tr("Something went wrong inside CMP Studio: {sentence}").format(
            sentence=sentence_of(error)
        )
        key = f"{type(error).__name__} {sentence} {_place(error)}"
        if key not in self._seen:
            self._seen.add(key)
            self.reported.emit(ErrorReport(sentence, details))

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._old_hook(kind, error, trace)
            return
        self.report(error)

    def _on_thread_exception(self, arguments: threading.ExceptHookArgs) -> None:
        if arguments.exc_value is not None:
            self.report(arguments.exc_value)

    def _on_qt_message(self, kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
        is_harmless = message in _HARMLESS
        level = logging.DEBUG if is_harmless else _LEVELS.get(kind, logging.WARNING)
        log.log(level, "Qt: %s (%s)", message, context.category)
        if callable(self._old_qt_handler):
            self._old_qt_handler(kind, context, message)
        if kind == QtMsgType.QtCriticalMsg:
            self.reported.emit(ErrorReport(f"Qt reports a problem: {message}"))


def start_log(folder: Path) -> Path | None:
    """Write the log of this run into ``folder``, beside that of the run before; return its file.

    Returns None where the folder can't be written: the program works without a log.
    """
    path = folder / LOG_NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if path.exists():
            path.replace(path.with_suffix(".old.log"))
        handler = logging.FileHandler(path, encoding="utf-8")
    except OSError as error:
        log.info("no log file: %s", error)
        return None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(min(root.level or logging.INFO, logging.INFO))
    return path


def stop_log(path: Path | None) -> None:
    """Close the log file that `start_log` opened."""
    root = logging.getLogger()
    for handler in list(root.handlers):
        if isinstance(handler, logging.FileHandler) and path == Path(handler.baseFilename):
            root.removeHandler(handler)
            handler.close()


def _place(error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""
