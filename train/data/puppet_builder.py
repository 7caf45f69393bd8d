"""Collects the parts of a puppet's skeleton."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass
class SkeletonBuilder:
    """Collects the parts of one skeleton.

    Attributes:
        rng: Source of all variety.
        rows: One row for each part so far.
    """

    rng: np.random.Generator
    rows: list[dict[str, float]] = field(default_factory=list)

    def add(
        self,
        parent: int,
        *,
        length: float,
        radius: float | tuple[float, float],
        angle: float = 0.0,
        along: float = 1.0,
        across: float = 0.0,
        jitter: float = 0.25,
        limit: float = 0.8,
        bulge: float = 0.0,
        box: float = 0.0,
        lobes: float = 0.0,
        ripple: float = 0.0,
        hollow: float = 0.0,
        layer: float = 0.0,
        soft: float = 0.0,
        group: int = 0,
    ) -> int:
        """Add a part and return its number."""
        start, end = radius if isinstance(radius, tuple) else (radius, radius)
        self.rows.append(
            {
                "parent": parent,
                "group": group,
                "along": along,
                "across": across,
                "angle": angle,
                "jitter": jitter,
                "limit": limit,
                "length": length,
                "start_radius": start,
                "end_radius": end,
                "bulge": bulge,
                "box": box,
                "lobes": lobes,
                "ripple": ripple,
                "hollow": hollow,
                "layer": layer,
                "soft": soft,
            }
        )
        return len(self.rows) - 1

    def near(self, value: float, spread: float = 0.2) -> float:
        """Return ``value`` times a random factor within 1 +- spread."""
        return value * float(self.rng.uniform(1 - spread, 1 + spread))

    def pick(self, low: float, high: float) -> float:
        """Return a uniform random value."""
        return float(self.rng.uniform(low, high))
