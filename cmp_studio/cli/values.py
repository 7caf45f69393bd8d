"""Texts of options to values. A text that makes no sense is wrong usage, and argparse says so."""

from __future__ import annotations

import math
from argparse import ArgumentTypeError

from cmp_studio.document.tracks import Point


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
