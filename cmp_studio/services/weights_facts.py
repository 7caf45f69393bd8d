"""What a file of weights says about itself, in words for people."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from cmp_studio.services.translation import Words, mark, tr

_LABELS: Final = Words(
    {
        "data": mark("Learned from"),
        "steps": mark("Steps"),
        "hours": mark("Hours of training"),
        "date": mark("Date"),
        "license": mark("Licence"),
        "note": mark("Note"),
        "source": mark("Source"),
    }
)
_HIDDEN: Final = ("scores", "name", "recipe", "recipe_before", "commit")
_MEASURES: Final = Words(
    {
        "balanced_epe": mark("off by {} px"),
        "below_best_baseline": mark("{} less error than the best way without a network"),
        "iou": mark("{} of the area is right"),
    }
)
_FIGURES: Final = Words(
    {
        "limb_follows": mark("Of a puppet's limb that is pulled, {} follows"),
        "background_leaks": mark("Of a still background, {} moves along"),
    }
)


def fact_rows(metadata: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return labels and texts: what it learned from, how well it does, and the rest."""
    rows = [(_LABELS["data"], metadata["data"])] if "data" in metadata else []
    rows += [(tr("How well"), line) for line in score_lines(metadata.get("scores", ""))]
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
        measure = next((name for name in _MEASURES if group.endswith(f"_{name}")), None)
        if group == "command":
            continue
        if isinstance(figures, dict) and measure is not None:
            place = group.removesuffix(f"_{measure}").replace("_", " ").capitalize()
            parts = [
                tr("{score} with {arrows}").format(
                    score=_MEASURES[measure].format(_amount(measure, value)), arrows=_arrows(count)
                )
                for count, value in figures.items()
            ]
            lines.append(f"{place}: {', '.join(parts)}")
        elif group in _FIGURES and isinstance(figures, float):
            lines.append(_FIGURES[group].format(_percent(figures)))
        elif isinstance(figures, dict):
            parts = [part for key, value in figures.items() if (part := _figure(key, value))]
            lines.append(f"{group.capitalize()}: {'; '.join(parts)}")
        elif group != "unit":
            lines.append(f"{group.replace('_', ' ').capitalize()}: {figures}")
    return lines


def _figure(key: str, value: object) -> str:
    if key.isdigit() and isinstance(value, list) and len(value) == 2:
        return tr("{arrows}: off by {value} px, {more} less than the best without one").format(
            arrows=_arrows(key), value=value[0], more=value[1]
        )
    if key in ("pairs", "scenes"):
        return tr("measured on {value} {key}").format(value=value, key=key)
    if not isinstance(value, float) or not 0 <= value <= 1:
        return f"{key.replace('_', ' ')} {value}"
    if key.startswith("iou_"):
        arrows = _arrows(key.removeprefix("iou_"))
        return tr("{arrows}: {value:.0f} % of the area is right").format(
            arrows=arrows, value=100 * value
        )
    return f"{key.replace('_', ' ')}: {100 * value:.0f} %"


def _amount(measure: str, value: object) -> str:
    if isinstance(value, float) and measure != "balanced_epe":
        return _percent(value)
    return str(value)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.1f} %"


def _arrows(count: str) -> str:
    return tr("%n arrows", "", int(count), one="1 arrow") if count.isdigit() else count
