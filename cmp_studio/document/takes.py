"""Takes: recorded drags, as timestamped displacements that are smoothed and sped up afterwards.

What was recorded is never changed: smoothing and speed are settings beside it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from cmp_studio.document.errors import TrackError

TakeSample: TypeAlias = tuple[float, float, float]
"""Seconds since the recording began, and the displacement dx, dy from where it began, px."""

MAX_SAMPLES: Final = 20_000
MAX_SMOOTHING: Final = 2.0
MIN_SPEED: Final = 0.05
MAX_SPEED: Final = 20.0
MAX_DELAY: Final = 600.0

_STEP: Final = 1 / 120
"""Seconds between the points of a smoothed take."""


@dataclass(frozen=True, slots=True)
class Take:
    """One recorded drag.

    Attributes:
        samples: What was recorded, at least two, times rising from 0. The first displacement is 0.
        smoothing: Width of the smoothing, seconds (the standard deviation of a bell curve); 0 for
            none. The first and last place stay where they are.
        speed: Factor; 2 plays it twice as fast as it was recorded.
        is_on: Whether it counts.
        delay: How long after its track it begins, seconds of the timeline.
    """

    samples: tuple[TakeSample, ...]
    smoothing: float = 0.0
    speed: float = 1.0
    is_on: bool = True
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not 2 <= len(self.samples) <= MAX_SAMPLES:
            raise TrackError(
                "A take has 2 to {max_samples} samples, got {count}; drag for longer.",
                max_samples=MAX_SAMPLES,
                count=len(self.samples),
            )
        for sample in self.samples:
            if len(sample) != 3 or not all(math.isfinite(value) for value in sample):
                raise TrackError(
                    "A take's samples are finite triples t, dx, dy, got {sample}.", sample=sample
                )
        if self.samples[0] != (0.0, 0.0, 0.0):
            raise TrackError("A take begins at (0, 0, 0), got {first}.", first=self.samples[0])
        if any(b[0] <= a[0] for a, b in pairwise(self.samples)):
            raise TrackError("The times of a take's samples must rise.")
        if not 0 <= self.smoothing <= MAX_SMOOTHING:
            raise TrackError(
                "Smoothing must be from 0 to {max_smoothing:g} s, got {smoothing}.",
                max_smoothing=MAX_SMOOTHING,
                smoothing=self.smoothing,
            )
        if not MIN_SPEED <= self.speed <= MAX_SPEED:
            raise TrackError(
                "A take's speed must be from {min_speed:g} to {max_speed:g}, got {speed}.",
                min_speed=MIN_SPEED,
                max_speed=MAX_SPEED,
                speed=self.speed,
            )
        if not 0 <= self.delay <= MAX_DELAY:
            raise TrackError(
                "A take's delay must be from 0 to {max_delay:g} s, got {delay}.",
                max_delay=MAX_DELAY,
                delay=self.delay,
            )

    @property
    def seconds(self) -> float:
        """When it is over, seconds after its track began: its delay and its length at its speed."""
        return self.delay + self.samples[-1][0] / self.speed


def take_from(samples: Iterable[TakeSample], *, recording_speed: float = 1.0) -> Take:
    """Return the take of what a drag gave.

    Args:
        samples: Seconds on any clock, and displacements dx, dy on any origin, px; the first sample
            becomes (0, 0, 0). Samples whose time does not rise are dropped, the later one counts.
        recording_speed: How fast the film played while the drag was recorded; at 0.5 the take
            takes half the time that the hand took.

    Raises:
        TrackError: Fewer than two samples, or too many.
    """
    kept: list[TakeSample] = []
    origin: TakeSample | None = None
    for time, x, y in samples:
        if origin is None:
            origin = (time, x, y)
        at = (time - origin[0]) * recording_speed
        sample = (at, x - origin[1], y - origin[2])
        if kept and at <= kept[-1][0]:
            if len(kept) > 1:
                kept[-1] = (kept[-1][0], sample[1], sample[2])
            continue
        kept.append(sample)
    return Take(tuple(kept))


def take_at(take: Take, seconds: float) -> tuple[float, float]:
    """Return the displacement of a take, ``(dx, dy)`` px, at its own time.

    Args:
        take: Any take, whether on or off.
        seconds: Since its track began; before and after the take its ends hold.
    """
    times, xs, ys = _track_of(take.samples, take.smoothing)
    at = (seconds - take.delay) * take.speed
    if at <= times[0]:
        return xs[0], ys[0]
    if at >= times[-1]:
        return xs[-1], ys[-1]
    index = bisect_right(times, at) - 1
    share = (at - times[index]) / (times[index + 1] - times[index])
    return (
        xs[index] + share * (xs[index + 1] - xs[index]),
        ys[index] + share * (ys[index + 1] - ys[index]),
    )


_Line: TypeAlias = tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]


@lru_cache(maxsize=128)
def _track_of(samples: tuple[TakeSample, ...], smoothing: float) -> _Line:
    """Return times, dx and dy of a take after smoothing."""
    times = tuple(sample[0] for sample in samples)
    xs, ys = tuple(sample[1] for sample in samples), tuple(sample[2] for sample in samples)
    if smoothing == 0:
        return times, xs, ys
    import numpy as np

    count = min(max(2, math.ceil(times[-1] / _STEP) + 1), MAX_SAMPLES)
    grid = np.linspace(0.0, times[-1], count)
    step = grid[1] - grid[0]
    radius = max(1, math.ceil(3 * smoothing / step))
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) * step / smoothing) ** 2)
    kernel /= kernel.sum()
    # What deviates from the straight line between both ends is 0 there; it goes on as a swing that
    # mirrors itself at them, so that smoothing leaves the ends in place and in the end the line.
    lines = []
    index = np.arange(-radius, count + radius) % (2 * count - 2)
    for values in (xs, ys):
        line = np.interp(grid, times, values)
        straight = np.linspace(line[0], line[-1], count)
        swing = line - straight
        swing = np.concatenate([swing, -swing[-2:0:-1]])[index]
        smooth = straight + np.convolve(swing, kernel, mode="valid")
        smooth[0], smooth[-1] = line[0], line[-1]
        lines.append(tuple(smooth.tolist()))
    return tuple(grid.tolist()), lines[0], lines[1]
