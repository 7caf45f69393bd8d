"""Write the program's icon as PNG in every usual size, from ``cmp-studio.svg``.

Run: ``python assets/icons/make_icons.py``
"""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

SIDES = (16, 24, 32, 48, 64, 128, 256, 512)


def main() -> None:
    """Draw and write the pictures."""
    folder = Path(__file__).parent
    application = QGuiApplication([])
    renderer = QSvgRenderer(str(folder / "cmp-studio.svg"))
    for side in SIDES:
        # Drawn larger and reduced: small icons are smoother so than drawn at their own size.
        factor = 4 if side < 256 else 1
        image = QImage(side * factor, side * factor, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        painter = QPainter(image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        renderer.render(painter, QRectF(0, 0, side * factor, side * factor))
        painter.end()
        smooth = Qt.TransformationMode.SmoothTransformation
        small = image.scaled(side, side, Qt.AspectRatioMode.KeepAspectRatio, smooth)
        small.save(str(folder / f"cmp-studio-{side}.png"))
    application.quit()


if __name__ == "__main__":
    main()
