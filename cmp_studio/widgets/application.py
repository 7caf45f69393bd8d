"""The application around the window: log, errors, theme, and the engine after the first paint."""

from __future__ import annotations

import logging
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QApplication

from cmp_studio.services.collector import Collector
from cmp_studio.services.error_report import ErrorReport, ErrorReporter, start_log, stop_log
from cmp_studio.services.heap import share_pools
from cmp_studio.services.motion_backend import EngineFactory
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.studio import Studio
from cmp_studio.services.thread_priority import hand_over_quickly
from cmp_studio.services.translation import load_translators, translation_folders
from cmp_studio.services.window_work import WorkEnd
from cmp_studio.widgets.dialogs import show_error
from cmp_studio.widgets.icons import application_icon
from cmp_studio.widgets.main_window import MainWindow
from cmp_studio.widgets.theme import ThemeManager

log = logging.getLogger(__name__)


class StudioApplication(QObject):
    """Owns the window and what lives as long as it does.

    Args:
        application: Qt's.
        make_engine: Loads weights onto a device; called on worker threads.
    """

    def __init__(self, application: QApplication, make_engine: EngineFactory) -> None:
        super().__init__()
        share_pools()
        hand_over_quickly()
        self._work_end = WorkEnd(parent=self)
        application.setApplicationName("CMP Studio")
        application.setDesktopFileName("cmp-studio")
        application.setWindowIcon(application_icon())
        application.setStyle("Fusion")
        self._preferences = Preferences(parent=self)
        self._path: Path | None = None
        self._collector = Collector(self)
        self._collector.start()
        self._log_file = start_log(self._preferences.folder)
        self._reporter = ErrorReporter(self)
        self._reporter.install()
        self._reporter.reported.connect(self.on_error_reported)
        self._translators = load_translators(
            self._preferences.text("window/language", ""),
            translation_folders(self._preferences.folder),
        )
        for translator in self._translators:
            application.installTranslator(translator)
        self._themes = ThemeManager(self._preferences, self)
        self.studio = Studio(self._preferences, make_engine, self)
        self.window = MainWindow(self.studio, self._themes)
        self.window.first_painted.connect(self.on_first_painted)
        self.studio.worker.loaded.connect(self.on_engine_loaded)

    def show(self, path: Path | None) -> None:
        """Show the window and open ``path``, or the bundled sample."""
        self._path = path
        self.window.expect(path)
        self.window.show()

    def close(self) -> bool:
        """Stop every thread and undo what was installed; return whether all threads have ended."""
        has_ended = self.studio.shutdown()
        if not has_ended:
            log.error("a thread did not end; the program is left with it")
        for translator in self._translators:
            QApplication.removeTranslator(translator)
        self._reporter.uninstall()
        stop_log(self._log_file)
        # The last window that goes asks Qt to quit; nobody waits for that any more.
        does_quit = QApplication.quitOnLastWindowClosed()
        QApplication.setQuitOnLastWindowClosed(False)
        self.window.hide()
        QApplication.setQuitOnLastWindowClosed(does_quit)
        self.window.deleteLater()
        self._work_end.stop()
        self._collector.stop()
        return has_ended

    def on_first_painted(self) -> None:
        """Open the photo and load the network, now that the window is there."""
        self.window.start(self._path)
        self.studio.load_engine(self.studio.engine_choice())

    def on_engine_loaded(self) -> None:
        """Spare PyTorch's modules from garbage collection."""
        self._collector.spare_what_is_there()

    def on_error_reported(self, report: ErrorReport) -> None:
        """Tell the user about a fault."""
        show_error(self.window, report, self._log_file)
