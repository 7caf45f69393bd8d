"""One page of HTML with all that an experiment found, which needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_studio.pipeline.experiment import Experiment
from cmp_studio.pipeline.findings import TITLES, Finding, Table
from cmp_studio.pipeline.probe_plots import plot_table

_STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8882; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.5rem; }
h2, table { border-top: 1px solid var(--line); padding-top: .8rem; }
.lead { font-size: 1.1rem; }
.pictures { display: flex; flex-wrap: wrap; gap: 1rem; }
figure { margin: 0; max-width: 24rem; }
figure img { width: 100%; height: auto; border-radius: 4px; }
figure.wide { max-width: 42rem; background: #fff; border-radius: 4px; }
figcaption { font-size: .85rem; opacity: .75; }
table { border-collapse: collapse; font-size: .85rem; margin: 1rem 0; }
td, th { padding: .15rem .8rem .15rem 0; text-align: left; border-bottom: 1px solid var(--soft); }
td { font-variant-numeric: tabular-nums; }
code { overflow-wrap: anywhere; }
svg { width: 100%; height: auto; }"""

_MOST_ROWS: Final = 40
_PHOTO_SIDE: Final = 720

_MEANINGS: Final = {
    "flow": "Forward flow: the colour is the direction, its strength the length.",
    "follow": "How far each pixel follows, as a share of the pull; lines at 25, 50 and 75 %.",
    "mean_follow": "How far each pixel follows, as a share of the pull, over all pulls.",
    "rigidity": "How far and how alike each pixel follows, whichever way the point is pulled.",
    "agreement": "How alike the answers to all pulls are; it says little where little follows.",
    "region": "What the fit looked at.",
    "residual": "How far the fit is off, as a share of the pull.",
    "divergence": "Where the motion spreads (above 0) or shrinks.",
    "curl": "Where the motion turns, clockwise above 0.",
    "confidence": "How much better its part fits a pixel than the next best one.",
    "parts": "Each colour is one rigid part; the ground counts as one.",
    "difference": "B minus A.",
    "points": "The points that were probed.",
}


def report_html(
    experiment: Experiment,
    findings: Sequence[Finding],
    image: NDArray[np.uint8],
    pictures: Mapping[tuple[str, str], NDArray[np.uint8]],
) -> str:
    """Return the page.

    Args:
        experiment: What was asked.
        findings: What was found.
        image: (H, W, 3) uint8 RGB, the picture that was probed.
        pictures: (h, w, 3) uint8 RGB by probe and name, as `finding_pictures` yields them.
    """
    name = Path(experiment.picture).name
    height, width = image.shape[:2]
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>Probes of {escape(name)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>Probes of {escape(name)}</h1>",
        f'<div class="pictures">{_figure(_shrunk(image), f"{name}, {width} x {height} px")}</div>',
        _setting_table(experiment),
        "<p>Places and lengths are in px of the picture, x to the right, y down; angles are "
        "clockwise.</p>",
    ]
    for finding in findings:
        parts.append(f"<h2>{escape(TITLES[finding.kind])}</h2>")
        parts.append(f'<p class="lead">{escape(finding.sentence)}</p><div class="pictures">')
        parts += [
            _figure(picture, f"{label.replace('_', ' ')}: {_meaning(label)}")
            for (kind, label), picture in pictures.items()
            if kind == finding.kind
        ]
        parts.append("</div>")
        for table in finding.tables.values():
            if table.plot != "none" and table.rows:
                parts.append(f'<figure class="wide">{plot_table(table)}</figure>')
        values = Table(("value", ""), tuple((k, _text(v)) for k, v in finding.numbers.items()))
        parts.append(_table(values))
        for label, table in finding.tables.items():
            if len(table.rows) > _MOST_ROWS:
                parts.append(f"<p>{len(table.rows)} rows are in {finding.kind}_{label}.csv.</p>")
            elif table.rows:
                parts.append(_table(table))
    parts.append("</body></html>\n")
    return "\n".join(parts)


def _setting_table(experiment: Experiment) -> str:
    rows = [
        ("picture", experiment.picture),
        ("picture, sha256", experiment.picture_sha256),
        ("weights", experiment.weights),
        ("weights, sha256", experiment.weights_sha256 or "none"),
        ("points", "; ".join(f"{x:g}, {y:g}" for x, y in experiment.points) or "none"),
        ("directions", str(experiment.directions)),
        ("grid, longest side", f"{experiment.max_side or 'the picture itself'}"),
        ("upsampling", experiment.upsampling),
    ]
    if experiment.other_weights is not None:
        rows.append(("weights of B", experiment.other_weights))
        rows.append(("weights of B, sha256", experiment.other_weights_sha256))
    return _table(Table(("setting", ""), tuple(rows)))


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(name.replace('_', ' '))}</th>" for name in table.columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(_text(value))}</td>" for value in row) + "</tr>"
        for row in table.rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def _figure(picture: NDArray[np.uint8], caption: str) -> str:
    # JPEG: a page of PNG pictures is ten times as large.
    quality = [cv2.IMWRITE_JPEG_QUALITY, 90]
    _, encoded = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)
    data = base64.b64encode(encoded.tobytes()).decode("ascii")
    text = escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    shrink = min(1.0, _PHOTO_SIDE / max(image.shape[:2]))
    size = max(1, round(image.shape[1] * shrink)), max(1, round(image.shape[0] * shrink))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def _meaning(name: str) -> str:
    return _MEANINGS.get(name, _MEANINGS["flow"] if name[:4] == "flow" or len(name) == 1 else "")


def _text(value: object) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)
