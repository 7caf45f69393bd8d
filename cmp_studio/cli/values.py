"""Texts of options to values. A text that makes no sense is wrong usage, and argparse says so."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError
from pathlib import Path

from cmp_studio.document.presets import PRESETS, Preset
from cmp_studio.document.scene import HoleFill
from cmp_studio.document.tracks import Curve, Point


def arrow(text: str) -> tuple[Point, Point]:
    """Return start and end of ``X,Y,DX,DY``, px."""
    x, y, dx, dy = _numbers(text, 4, "X,Y,DX,DY", "320,200,40,-10")
    return (x, y), (x + dx, y + dy)


def path(text: str) -> tuple[Point, ...]:
    """Return the points of ``X,Y:X,Y:...``, px."""
    parts = text.split(":")
    if len(parts) < 2:
        raise ArgumentTypeError(
            f"{text!r} should be two or more points X,Y:X,Y, such as 320,200:350,180:400,190"
        )
    return tuple(point(part) for part in parts)


def point(text: str) -> Point:
    """Return the point ``X,Y``, px."""
    x, y = _numbers(text, 2, "X,Y", "300,420")
    return x, y


def pin(text: str) -> tuple[Point, float]:
    """Return place and stiffness of ``X,Y`` or ``X,Y,RADIUS``, px."""
    if text.count(",") < 2:
        return point(text), 0.0
    x, y, radius = _numbers(text, 3, "X,Y or X,Y,RADIUS", "300,420,25")
    if radius < 0:
        raise ArgumentTypeError(f"{text!r} should have a radius of 0 or more")
    return (x, y), radius


def take(text: str) -> tuple[Point, Path]:
    """Return place and file of ``X,Y,FILE``."""
    parts = text.split(",", 2)
    if len(parts) < 3 or not parts[2]:
        raise ArgumentTypeError(f"{text!r} should be X,Y,FILE, such as 320,200,wave.csv")
    return point(",".join(parts[:2])), Path(parts[2])


def curve(text: str) -> Curve:
    """Return the handles X1,Y1,X2,Y2 of an easing curve."""
    x1, y1, x2, y2 = _numbers(text, 4, "X1,Y1,X2,Y2", "0.4,0,0.2,1")
    if not (0 <= x1 <= 1 and 0 <= x2 <= 1 and -2 <= y1 <= 3 and -2 <= y2 <= 3):
        raise ArgumentTypeError(f"{text!r} should have x from 0 to 1 and y from -2 to 3")
    return x1, y1, x2, y2


def preset(text: str) -> tuple[Preset, float]:
    """Return name and amount of ``NAME`` or ``NAME:AMOUNT``."""
    name, _, amount = text.partition(":")
    for known in PRESETS:
        if name == known:
            return known, positive(amount) if amount else 1.0
    raise ArgumentTypeError(f"{text!r} should be one of {', '.join(PRESETS)}, such as breathe:1.5")


def fill(text: str) -> HoleFill | Path:
    """Return what holes show: ``stretch``, ``inpaint``, or the plate in a file."""
    fills: tuple[HoleFill, ...] = ("stretch", "inpaint")
    for known in fills:
        if text == known:
            return known
    return Path(text)


def positive(text: str) -> float:
    """Return a number above 0."""
    (value,) = _numbers(text, 1, "a number", "2.5")
    if value <= 0:
        raise ArgumentTypeError(f"{text!r} should be more than 0")
    return value


def factor(text: str) -> float:
    """Return a number of 0 or more."""
    (value,) = _numbers(text, 1, "a number", "0.8")
    if value < 0:
        raise ArgumentTypeError(f"{text!r} should be 0 or more")
    return value


def count(text: str) -> int:
    """Return a whole number of 1 or more."""
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise ArgumentTypeError(f"{text!r} should be a whole number of 1 or more")
    return value


def _numbers(text: str, wanted: int, form: str, example: str) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != wanted or not all(math.isfinite(value) for value in values):
        raise ArgumentTypeError(f"{text!r} should be {form}, such as {example}")
    return values
