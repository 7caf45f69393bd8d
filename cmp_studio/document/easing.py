"""Easings and repeats: how far along its way a track is at a share of its time.

0 is where a track starts, 1 is its goal; a spring or a curve goes beyond 1 for a moment, a swing
also below 0.
"""

from __future__ import annotations

import math
from typing import Final

from cmp_studio.document.tracks import CURVE, Curve, Easing, Repeat

_SPRING_DECAY: Final = 4.0
_SPRING_TURNS: Final = 3 * math.pi


def eased(easing: Easing, u: float, *, curve: Curve = CURVE) -> float:
    """Return the progress at share ``u`` of the way, exactly 0 at 0 and exactly 1 at 1.

    Args:
        easing: ``linear`` is even; ``ease`` starts and stops gently (3u² − 2u³); ``spring`` shoots
            past the goal by about a sixth and settles on it; ``curve`` is the custom curve.
        u: Share of the time, clipped to [0, 1].
        curve: Handles x1, y1, x2, y2 of the custom curve, a cubic Bezier from (0, 0) to (1, 1).
    """
    if u <= 0:
        return 0.0
    if u >= 1:
        return 1.0
    if easing == "linear":
        return u
    if easing == "ease":
        return u * u * (3 - 2 * u)
    if easing == "curve":
        return curve_at(curve, u)
    # A damped swing with no speed at the start; the factor (1 - u) brings it to rest at u = 1.
    swing = math.cos(_SPRING_TURNS * u)
    swing += (_SPRING_DECAY + 1) / _SPRING_TURNS * math.sin(_SPRING_TURNS * u)
    return 1 - (1 - u) * math.exp(-_SPRING_DECAY * u) * swing


def curve_at(curve: Curve, u: float) -> float:
    """Return the height of a cubic Bezier with these handles where its x is ``u`` of [0, 1]."""
    x1, y1, x2, y2 = curve
    low, high = 0.0, 1.0
    for _ in range(48):  # x rises with the parameter, because both handles lie within [0, 1]
        middle = (low + high) / 2
        if _bezier(x1, x2, middle) < u:
            low = middle
        else:
            high = middle
    return _bezier(y1, y2, (low + high) / 2)


def repeated(repeat: Repeat, easing: Easing, u: float, *, curve: Curve = CURVE) -> float:
    """Return the progress of a repeat at share ``u`` of its time.

    All but ``once`` are exactly 0 at both ends.

    Args:
        repeat: ``once`` goes there; ``ping_pong`` there and back; ``sway`` to one side, through
            the start to the other side, and back; ``pulse`` gives two beats, a strong and a weak
            one, and rests.
        easing: The speed between the turning points. A spring goes out as a spring and comes back
            gently.
        u: Share of the time, clipped to [0, 1].
        curve: Handles of the custom curve.
    """
    u = min(max(u, 0.0), 1.0)
    if repeat == "once":
        return eased(easing, u, curve=curve)
    if repeat == "ping_pong":
        return _out_and_back(easing, u, curve)
    if repeat == "sway":
        if easing == "ease":
            return 0.0 if u in (0.0, 1.0) else math.sin(2 * math.pi * u)
        side = 1.0 if u < 0.5 else -1.0
        return side * _out_and_back(easing, (2 * u) % 1.0, curve) + 0.0  # no -0.0
    if u < 0.35:
        return _out_and_back(easing, u / 0.35, curve)
    if u < 0.7:
        return 0.5 * _out_and_back(easing, (u - 0.35) / 0.35, curve)
    return 0.0


def _out_and_back(easing: Easing, u: float, curve: Curve) -> float:
    if u <= 0.5:
        return eased(easing, 2 * u, curve=curve)
    return eased("ease" if easing == "spring" else easing, 2 - 2 * u, curve=curve)


def _bezier(first: float, second: float, t: float) -> float:
    return 3 * (1 - t) ** 2 * t * first + 3 * (1 - t) * t * t * second + t**3
