"""What a file of weights says about itself, in words for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

_LABELS: Final = {
    "data": "Learned from",
    "steps": "Steps",
    "hours": "Hours of training",
    "date": "Date",
    "license": "Licence",
    "note": "Note",
    "source": "Source",
}
_HIDDEN: Final = ("scores", "name", "recipe", "commit")


def fact_rows(metadata: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return labels and texts: what it learned from, how well it does, and the rest."""
    rows = [(_LABELS["data"], metadata["data"])] if "data" in metadata else []
    rows += [("How well", line) for line in score_lines(metadata.get("scores", ""))]
    for key, text in metadata.items():
        if key not in _HIDDEN and key != "data" and len(text) < 400:
            rows.append((_LABELS.get(key, key.replace("_", " ").capitalize()), text))
    return rows


def score_lines(text: str) -> list[str]:
    """Return the scores of a file as sentences; none where there are none.

    Args:
        text: JSON: an object of groups, each with end-point errors by the number of points
            (``"3": [2.9, "25 %"]``: px, and how much lower than the best simple method) and single
            figures; or any other text, which is shown as it is.
    """
    if not text:
        return []
    try:
        values = json.loads(text)
    except ValueError:
        return [text[:400]]
    if not isinstance(values, dict):
        return [text[:400]]
    lines = []
    for group, figures in values.items():
        if isinstance(figures, dict):
            parts = [part for key, value in figures.items() if (part := _figure(key, value))]
            lines.append(f"{group.capitalize()}: {'; '.join(parts)}")
        elif group != "unit":
            lines.append(f"{group.replace('_', ' ').capitalize()}: {figures}")
    return lines


def _figure(key: str, value: object) -> str:
    if key.isdigit() and isinstance(value, list) and len(value) == 2:
        return f"{_arrows(key)}: off by {value[0]} px, {value[1]} less than the best without one"
    if key in ("pairs", "scenes"):
        return f"measured on {value} {key}"
    if not isinstance(value, float) or not 0 <= value <= 1:
        return f"{key.replace('_', ' ')} {value}"
    if key.startswith("iou_"):
        return f"{_arrows(key.removeprefix('iou_'))}: {100 * value:.0f} % of the area is right"
    return f"{key.replace('_', ' ')}: {100 * value:.0f} %"


def _arrows(count: str) -> str:
    return "1 arrow" if count == "1" else f"{count} arrows"
