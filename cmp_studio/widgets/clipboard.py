"""Tracks on the clipboard, between scenes and windows."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QByteArray, QMimeData
from PySide6.QtGui import QGuiApplication

TRACKS_TYPE: Final = "application/x-cmp-studio-tracks"


def put_tracks(text: str) -> None:
    """Put tracks on the clipboard, as themselves and as text; nothing happens without any."""
    if text:
        mime = QMimeData()
        mime.setText(text)
        mime.setData(TRACKS_TYPE, QByteArray(text.encode()))
        QGuiApplication.clipboard().setMimeData(mime)


def clipboard_mime() -> QMimeData | None:
    """What is on the clipboard; None where the desktop gives nothing (Qt's stub says it can't)."""
    return QGuiApplication.clipboard().mimeData() or None


def tracks_on_clipboard() -> str:
    """The tracks on the clipboard as text; empty when there is something else."""
    mime = clipboard_mime()
    if mime is None or not mime.hasFormat(TRACKS_TYPE):
        return ""
    return bytes(mime.data(TRACKS_TYPE).data()).decode("utf-8", "replace")
