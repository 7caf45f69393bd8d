import os
import signal

import pytest
from PySide6.QtCore import QTimer

import cmp_studio.widgets.app as app_module
from cmp_studio.services.motion_backend import EngineChoice
from cmp_studio.widgets.app import run_window
from cmp_studio.widgets.application import StudioApplication
from tests.cmp_studio.fakes import fake_engine


def test_run_window_when_a_system_library_is_missing_then_says_how_to_get_it(monkeypatch, capsys):
    sentence = "The window needs libEGL.so.1. Install it with: sudo apt-get install libegl1"
    monkeypatch.setattr(app_module, "problem", lambda: sentence)
    assert run_window(None) == 1
    assert capsys.readouterr().err == f"{sentence}\n"


def test_run_window_when_the_process_is_asked_to_end_then_ends_in_order(qapp, monkeypatch):
    import cmp_studio.services.motion_backend as backend
    import cmp_studio.services.samples as samples

    monkeypatch.setattr(samples, "samples_folder", lambda: None)
    monkeypatch.setattr(backend, "load_engine", fake_engine)
    before = signal.getsignal(signal.SIGTERM)
    QTimer.singleShot(300, lambda: os.kill(os.getpid(), signal.SIGTERM))
    assert run_window(None) == 0
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.fixture
def application(qapp, monkeypatch):
    import cmp_studio.services.samples as samples

    monkeypatch.setattr(samples, "samples_folder", lambda: None)
    made = StudioApplication(qapp, fake_engine)
    yield made
    assert made.close()


def test_application_when_painted_then_loads_the_engine_that_was_chosen(qtbot, application):
    application.show(None)
    assert application.studio.preview.engine is None

    qtbot.waitUntil(lambda: application.studio.preview.engine is not None)
    assert application.studio.preview.engine.choice == EngineChoice()


@pytest.mark.expected_logs("uncaught")
def test_application_when_something_breaks_then_the_user_is_told(qtbot, application):
    application.show(None)
    application._reporter.report(ValueError("the string broke"))
    from PySide6.QtWidgets import QMessageBox

    box = application.window.findChild(QMessageBox)
    assert "the string broke" in box.text()
    box.close()
