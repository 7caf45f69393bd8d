import logging
import sys
import threading

import pytest
from PySide6.QtCore import qCritical, qWarning

from cmp_studio.services.error_report import ErrorReporter, start_log, stop_log


@pytest.fixture
def reporter(qtbot):
    made = ErrorReporter()
    made.install()
    yield made
    made.uninstall()


def raise_and_report(error):
    try:
        raise error
    except type(error):
        sys.excepthook(*sys.exc_info())


def reports_of(reporter):
    reports = []
    reporter.reported.connect(reports.append)
    return reports


@pytest.mark.expected_logs("uncaught")
def test_exception_when_uncaught_then_one_sentence_and_a_traceback(reporter):
    reports = reports_of(reporter)
    raise_and_report(ValueError("the string broke"))
    assert reports[0].sentence.endswith("the string broke")
    assert "raise error" in reports[0].details


@pytest.mark.expected_logs("uncaught")
def test_exception_when_it_comes_again_and_again_then_said_once(reporter):
    reports = reports_of(reporter)
    for _ in range(5):
        raise_and_report(ValueError("the string broke"))
    assert len(reports) == 1


@pytest.mark.expected_logs("uncaught")
def test_exception_when_in_a_thread_then_it_arrives(qtbot, reporter):
    def fail():
        raise OSError("no strings left")

    with qtbot.waitSignal(reporter.reported) as caught:
        thread = threading.Thread(target=fail)
        thread.start()
        thread.join()
    assert "no strings left" in caught.args[0].sentence


@pytest.mark.expected_logs("Qt: ")
@pytest.mark.qt_log_ignore("wobbly", "broken")
def test_qt_message_when_critical_then_reported_when_a_warning_then_logged(reporter, caplog):
    reports = reports_of(reporter)
    qWarning("wobbly")
    assert reports == []
    qCritical("broken")
    assert "broken" in reports[0].sentence
    assert "wobbly" in caplog.text


def test_uninstall_when_called_then_the_old_hooks_are_back(qtbot):
    hooks = sys.excepthook, threading.excepthook
    reporter = ErrorReporter()
    reporter.install()
    assert sys.excepthook is not hooks[0]
    reporter.uninstall()
    assert (sys.excepthook, threading.excepthook) == hooks
    reporter.uninstall()
    assert (sys.excepthook, threading.excepthook) == hooks


def test_log_when_started_then_records_are_in_the_file(tmp_path):
    path = start_log(tmp_path / "logs")
    logging.getLogger("cmp_studio.test").info("a word for the log")
    stop_log(path)
    assert "a word for the log" in path.read_text(encoding="utf-8")


def test_log_when_the_folder_cannot_be_made_then_none(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert start_log(tmp_path / "file" / "logs") is None
