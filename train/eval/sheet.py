"""Picture sheets: photo and arrows, true flow, answers, and what they make of the picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.flow_viz import flow_to_color
from cmp_engine.warp import backward_map, warp_image
from train.eval.baselines import GuidanceSet
from train.eval.cases import Case, PointRule

_CELL: Final = 224
_BAR: Final = 18


def sheet(
    rows: Sequence[tuple[Case, PointRule, Mapping[str, NDArray[np.float32]]]],
) -> NDArray[np.uint8]:
    """Return a sheet (h, w, 3) uint8 RGB with one row for each case and rule, in two columns.

    Args:
        rows: The case, which guidance, and the flow (H, W, 2) px of each predictor by name. The
            last predictor's flow warps the picture. Flow colours share the truth's scale.
    """
    made = [_row(case, rule, flows) for case, rule, flows in rows]
    columns: tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]] = ([], [])
    total, height = sum(len(row) for row in made), 0
    for row in made:
        columns[height >= total / 2].append(row)
        height += len(row)
    stacked = [np.concatenate(column) for column in columns if column]
    tallest = max(len(column) for column in stacked)
    padded = [np.pad(c, ((0, tallest - len(c)), (0, 12), (0, 0))) for c in stacked]
    return np.concatenate(padded, axis=1)


def _row(
    case: Case, rule: PointRule, flows: Mapping[str, NDArray[np.float32]]
) -> NDArray[np.uint8]:
    length = np.hypot(case.flow[..., 0], case.flow[..., 1])
    longest = max(float(np.percentile(length[case.valid], 99.5)) if case.valid.any() else 1.0, 1.0)
    points = f"{rule} point{'s' if rule != 1 else ''}" if rule != "paper" else "paper's points"
    truth = flow_to_color(case.flow, max_flow=longest)
    truth[~case.valid] = 128
    cells = [
        (f"{points}, {case.name}", draw_arrows(case.image, case.guidance[rule])),
        (f"truth, {longest:.0f} px", truth),
    ]
    cells += [(name, flow_to_color(flow, max_flow=longest)) for name, flow in flows.items()]
    last = list(flows.values())[-1]
    cells += [
        (f"warped by {list(flows)[-1]}", warp_image(case.image, backward_map(last))),
        ("next frame", case.next_image),
    ]
    return np.concatenate([titled_cell(title, picture) for title, picture in cells], axis=1)


def draw_arrows(image: NDArray[np.uint8], guidance: GuidanceSet) -> NDArray[np.uint8]:
    """Return the picture with its arrows in yellow and pins in green, outlined."""
    drawn = image.copy()
    thick = max(1, round(min(image.shape[:2]) / 150))
    for color, extra in (((0, 0, 0), 2), (None, 0)):
        for point, vector in zip(*guidance, strict=True):
            start = (round(float(point[0])), round(float(point[1])))
            end = (round(float(point[0] + vector[0])), round(float(point[1] + vector[1])))
            if start == end:
                cv2.circle(drawn, start, 3 * thick, color or (0, 230, 90), thick + extra)
            else:
                cv2.arrowedLine(
                    drawn, start, end, color or (255, 225, 0), thick + extra, cv2.LINE_AA, 0, 0.35
                )
            if color is None:
                cv2.circle(drawn, start, thick, (255, 255, 255), -1)
    return drawn


def titled_cell(title: str, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a picture (h, w, 3) uint8 in a cell of fixed width, with its title above."""
    height, width = picture.shape[:2]
    scale = min(_CELL / width, 1.3 * _CELL / height)
    size = (round(width * scale), round(height * scale))
    cell = np.full((size[1] + _BAR, _CELL + 4, 3), 40, np.uint8)
    left = (_CELL - size[0]) // 2
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    cell[_BAR:, left : left + size[0]] = small
    cv2.putText(
        cell, title[:38], (3, 13), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (230, 230, 230), 1, cv2.LINE_AA
    )
    return cell
