"""The Qt binding itself: PySide6 6.12.0 on Python 3.11 took a reference of None with each call."""

import sys

from PySide6.QtCore import QObject, QTimer, Signal

CALLS = 1000
NOISE = 100


class Sender(QObject):
    sent = Signal(bool)


def test_none_when_qt_is_called_often_then_keeps_its_references():
    timer = QTimer()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        timer.setSingleShot(True)
    assert sys.getrefcount(None) > before - NOISE


def test_true_when_signals_are_emitted_often_then_keeps_its_references():
    sender = Sender()
    before = sys.getrefcount(True)
    for _ in range(CALLS // 5):
        sender.sent.emit(True)
    assert sys.getrefcount(True) > before - NOISE
