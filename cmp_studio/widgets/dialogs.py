"""Small dialogs: unsaved changes, errors, keys, about."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QMessageBox, QVBoxLayout, QWidget

from cmp_studio.services.error_report import ErrorReport
from cmp_studio.services.translation import tr
from cmp_studio.widgets.controls import make_button, make_label
from cmp_studio.widgets.dialog import Dialog
from cmp_studio.widgets.icons import application_icon
from cmp_studio.widgets.theme import GRID

UnsavedAnswer = Literal["save", "discard", "cancel"]


def ask_unsaved(parent: QWidget, title: str) -> UnsavedAnswer:
    """Ask what to do with changes that are not saved."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("CMP Studio")
    box.setText(tr("Save the changes to “{title}”?").format(title=title))
    box.setInformativeText(tr("They are lost otherwise."))
    save = box.addButton(tr("Save"), QMessageBox.ButtonRole.AcceptRole)
    discard = box.addButton(tr("Discard"), QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(tr("Cancel"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(save)
    box.exec()
    if box.clickedButton() is save:
        return "save"
    return "discard" if box.clickedButton() is discard else "cancel"


def ask_stop_exports(parent: QWidget, count: int) -> bool:
    """Ask whether films that are being written may be given up; return whether they may."""
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle("CMP Studio")
    one = "A film is still being written."
    box.setText(tr("%n films are not finished yet.", "", count, one=one))
    box.setInformativeText(tr("Closing stops that and leaves no file behind."))
    stop = box.addButton(tr("Stop and close"), QMessageBox.ButtonRole.DestructiveRole)
    stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(stay)
    box.exec()
    return box.clickedButton() is stop


def show_problem(parent: QWidget, sentence: str) -> QMessageBox:
    """Say that something did not work; the window stays in use."""
    box = QMessageBox(QMessageBox.Icon.Warning, "CMP Studio", sentence, parent=parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.show()
    return box


def show_error(parent: QWidget, report: ErrorReport, log_file: Path | None) -> QMessageBox:
    """Say that the program has a fault, with the facts for whoever mends it."""
    box = QMessageBox(QMessageBox.Icon.Critical, "CMP Studio", report.sentence, parent=parent)
    where = "" if log_file is None else tr(" The log is in {log_file}.").format(log_file=log_file)
    box.setInformativeText(
        tr("You can go on, but save your work first.{where}").format(where=where)
    )
    box.setDetailedText(report.details)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setModal(False)
    box.show()
    return box


class AboutDialog(Dialog):
    """What this is, whose ideas it stands on, and under which licence."""

    def __init__(self, weights: str, device: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("About CMP Studio"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sign = make_label("")
        sign.setPixmap(application_icon().pixmap(64, 64))
        words = make_label(
            tr(
                "Puppeteer a photo: drag an arrow on a part and it moves, with everything that "
                "belongs to it.<br><br>After “Self-Supervised Learning via Conditional Motion "
                "Propagation”, Zhan et al., CVPR 2019.<br>MIT licence."
            )
        )
        words.setTextFormat(Qt.TextFormat.RichText)
        words.setWordWrap(True)
        words.setMinimumWidth(360)
        facts = make_label(
            tr("Network: {weights}\nDevice: {device}").format(weights=weights, device=device),
            "muted",
        )
        facts.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        close = make_button(tr("Close"))
        close.clicked.connect(self.accept)
        text = QVBoxLayout()
        text.setSpacing(GRID)
        text.addWidget(make_label("CMP Studio", "heading"))
        text.addWidget(
            make_label(tr("Version {version}").format(version=program_version()), "muted")
        )
        text.addSpacing(GRID)
        text.addWidget(words)
        text.addSpacing(GRID)
        text.addWidget(facts)
        row = QHBoxLayout()
        row.setSpacing(3 * GRID)
        row.addWidget(sign, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(text)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(3 * GRID, 3 * GRID, 3 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        column.addLayout(row)
        column.addLayout(buttons)


def program_version() -> str:
    """The installed version."""
    from importlib import metadata

    try:
        return metadata.version("cmp-studio")
    except metadata.PackageNotFoundError:
        return tr("from source")
