"""Predictors whose answer is a formula, so that what a probe should find is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


class FormulaPredictor:
    """Answers with ``rule(z, points, pulls)``, complex numbers x + iy in px of the picture.

    Attributes:
        calls: Guidance sets that were asked for, in order.
    """

    info = None
    reach_px = None

    def __init__(self, rule: Callable, image_hw: tuple[int, int] | None = (60, 80)) -> None:
        self.rule = rule
        self.image_hw = image_hw
        self.calls: list[tuple[np.ndarray, np.ndarray]] = []

    def set_image(self, image):
        self.image_hw = image.shape[:2]

    def predict(self, points, displacements, *, upsampling="edge_aware", size_hw=None):
        return self.predict_many([(points, displacements)], size_hw=size_hw)[0]

    def predict_many(self, guidance, *, upsampling="edge_aware", size_hw=None):
        height, width = self.image_hw
        rows, columns = size_hw or self.image_hw
        y, x = np.mgrid[:rows, :columns]
        scale_x, scale_y = columns / width, rows / height
        z = (x + 0.5) / scale_x - 0.5 + 1j * ((y + 0.5) / scale_y - 0.5)
        flows = []
        for points, pulls in guidance:
            points, pulls = (np.asarray(some, float).reshape(-1, 2) for some in (points, pulls))
            self.calls.append((points, pulls))
            moved = self.rule(z, points @ [1, 1j], pulls @ [1, 1j]) * np.ones_like(z)
            flows.append(np.stack([moved.real * scale_x, moved.imag * scale_y], -1))
        return np.array(flows, np.float32).reshape(-1, rows, columns, 2)


def shifts(z, points, pulls):
    """Everything goes where the first point is pulled."""
    return pulls[0]


def turns_about(center: complex, radius: float = 1e9):
    """A disc about ``center`` turns so that the point moves as far around it as it is pulled."""

    def rule(z, points, pulls):
        arm = points[0] - center
        along = (pulls[0] / arm).imag  # only the pull across the arm turns it
        return np.where(abs(z - center) <= radius, (z - center) * (np.exp(1j * along) - 1), 0)

    return rule


def saturates_at(limit: float):
    """The left half follows, up to ``limit`` px."""

    def rule(z, points, pulls):
        length = abs(pulls[0])
        return np.where(z.real < 40, pulls[0] * min(1, limit / length), 0)

    return rule


def parent_and_child(z, points, pulls):
    """Left: the ground. Middle: a parent, which takes the child along. Right: the child."""
    is_parent, is_child = (z.real >= 26) & (z.real < 53), z.real >= 53
    where = points[0].real
    if where < 26:
        return np.where(z.real < 26, pulls[0], 0)
    return np.where(is_child | (is_parent if where < 53 else False), pulls[0], 0)
