"""How much of a film had to be filled, before it is exported."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.motion import frame_times
from cmp_studio.document.scene import Scene
from cmp_studio.pipeline.sizes import MIN_FRAME_SIDE, output_size
from cmp_studio.pipeline.stage import SceneRenderer, decode_picture, never, scene_pose, step_of

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor

REPORT_SIDE: Final = 320
WARN_SHARE: Final = 0.03
"""Share of a frame in holes from which a person is warned. Own choice."""


@dataclass(frozen=True, slots=True, eq=False)
class HoleReport:
    """Where and when a film shows what the picture does not have.

    Attributes:
        times: Of the frames that were looked at, seconds on the timeline.
        shares: Share of each of them in holes, 0..1.
        heat: (h, w) float32, how often each place was a hole, 0..1, on a small grid.
    """

    times: tuple[float, ...]
    shares: tuple[float, ...]
    heat: NDArray[np.float32]

    @property
    def worst(self) -> float:
        """The largest share of a frame in holes."""
        return max(self.shares, default=0.0)

    @property
    def worst_time(self) -> float:
        """When that is, seconds on the timeline."""
        return self.times[self.shares.index(self.worst)] if self.shares else 0.0

    def warning(self, scene: Scene) -> str:
        """Return one sentence for a person where holes are large, else an empty text."""
        if self.worst < WARN_SHARE:
            return ""
        what = {
            "stretch": "show stretched background; paint the background in or give a plate",
            "inpaint": "show a background that is painted in",
            "plate": "show the plate",
        }[scene.fill]
        return (
            f"Up to {self.worst:.0%} of a frame is uncovered (at {self.worst_time:.1f} s): those "
            f"places {what}."
        )


def hole_report(
    scene: Scene,
    predictor: MotionPredictor,
    *,
    image: NDArray[np.uint8] | None = None,
    most_frames: int = 12,
    max_side: int = REPORT_SIDE,
    cancelled: Callable[[], bool] = never,
) -> HoleReport:
    """Return how much of a film's frames is holes, from some of them at a small size.

    Args:
        scene: What to look at.
        predictor: Used from the calling thread alone.
        image: The decoded picture, where the predictor has already had ``set_image`` with it.
        most_frames: How many moments are looked at, spread over the timeline.
        max_side: Longer side of the frames that are looked at, px.
        cancelled: Asked before each frame.

    Raises:
        EngineError: The picture or an arrow can't be used.
        Cancelled: ``cancelled`` returned True.
    """
    if image is None:
        image = decode_picture(scene.picture)
        predictor.set_image(image)
    times = sorted(set(frame_times(scene.film)))
    stride = max(1, -(-len(times) // most_frames))
    times = sorted({*times[::stride], times[-1]})
    step_px = step_of(scene, predictor.reach_px)
    poses = [scene_pose(scene, time, step_px=step_px) for time in times]
    least = min(scene.picture.width, scene.picture.height)
    whole = max(scene.picture.width, scene.picture.height)
    side = max(max_side, -(-MIN_FRAME_SIDE * whole // least))
    plain = replace(scene, fill="stretch")
    renderer = SceneRenderer(
        plain,
        predictor,
        image=image,
        size_hw=output_size(scene.picture, max_side=side),
        supersample=1,
        planned=poses,
    )
    heat = np.zeros(renderer.size_hw, np.float32)
    shares = []
    for frame in renderer.frames(poses, cancelled=cancelled):
        heat += frame.holes
        shares.append(frame.hole_fraction)
    return HoleReport(tuple(times), tuple(shares), heat / np.float32(len(times)))
