"""A scene as a film: its frames in showing order, each drawn once where memory allows."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.motion import frame_times
from cmp_studio.document.scene import Scene
from cmp_studio.document.shutter import exposure_times
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.stage import (
    ScenePose,
    SceneRenderer,
    decode_picture,
    farthest_poses,
    never,
    scene_pose,
    step_of,
)

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.sequence import RenderedFrame

Exposure: TypeAlias = tuple[ScenePose, ...]
"""The poses that a frame is the average of; without motion blur it is one."""

KEPT_BYTES: Final = 512 << 20
"""How much memory the frames take that are shown again later, as on the way back of a ping-pong."""


@dataclass(frozen=True, slots=True)
class LoopDifference:
    """How the film looks where it begins again.

    Attributes:
        motion_px: How far anything jumps, px of the picture.
        mean: Mean difference of the pixels, 0..255.
        largest: Largest difference of a pixel, 0..255. Both are 0 for a film that closes.
    """

    motion_px: float
    mean: float
    largest: int


class Film:
    """The frames of a scene.

    The same scene, weights and device give the same frames, in every order of asking.

    Args:
        scene: What to show.
        predictor: Used from the calling thread alone while frames are made.
        size_hw: Size of the frames, px; None is the size of the picture.
        image: The decoded picture, where the predictor has already had ``set_image`` with it; None
            does both here.
        loops: How often the film is gone through.

    Raises:
        ImageError: The picture is damaged.
        PipelineError: ``loops`` is below 1, or the picture is not what the scene says.
    """

    def __init__(
        self,
        scene: Scene,
        predictor: MotionPredictor,
        *,
        size_hw: tuple[int, int] | None = None,
        image: NDArray[np.uint8] | None = None,
        loops: int = 1,
    ) -> None:
        if loops < 1:
            raise PipelineError(
                "A film must be gone through at least once, got {loops} times.", loops=loops
            )
        if image is None:
            image = decode_picture(scene.picture)
            predictor.set_image(image)
        self.scene = scene
        times = frame_times(scene.film)
        exposures = {time: exposure_times(scene.film, time) for time in times}
        moments = sorted({moment for part in exposures.values() for moment in part})

        step_px = step_of(scene, predictor.reach_px)
        poses = {moment: scene_pose(scene, moment, step_px=step_px) for moment in moments}
        self._renderer = SceneRenderer(
            scene, predictor, image=image, size_hw=size_hw, planned=list(poses.values())
        )
        self.size_hw = self._renderer.size_hw
        once = [_exposed([poses[moment] for moment in exposures[time]]) for time in times]
        self._frames = once * loops
        self._is_ready = scene.fill != "inpaint"
        self._poses = list(poses.values())
        self._hole_shares: dict[Exposure, float] = {}

    @property
    def frame_count(self) -> int:
        """How many frames the film has, all loops together."""
        return len(self._frames)

    @property
    def seconds(self) -> float:
        """How long the film lasts, all loops together."""
        return self.frame_count / self.scene.film.fps

    @property
    def hole_shares(self) -> list[float]:
        """How much of each frame had to be filled, 0..1; of the frames that were drawn so far."""
        shares = self._hole_shares
        return [shares[frame] for frame in self._frames if frame in shares]

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        """Yield every frame, ``(h, w, 3)`` uint8."""
        return self.images()

    def images(self, *, cancelled: Callable[[], bool] = never) -> Iterator[NDArray[np.uint8]]:
        """Yield every frame in showing order, ``(h, w, 3)`` uint8; don't write into them.

        Args:
            cancelled: Asked before each frame that is drawn.

        Raises:
            Cancelled: ``cancelled`` returned True.
            GuidanceError: An arrow that the network can't answer.
        """
        self._get_ready()
        frame_bytes = 3 * self.size_hw[0] * self.size_hw[1]
        plan = plan_reuse(self._frames, KEPT_BYTES // frame_bytes)
        wanted = [f for f, step in zip(self._frames, plan, strict=True) if step.is_drawn]
        drawn = self._drawn(wanted, cancelled)
        kept: dict[Hashable, NDArray[np.uint8]] = {}
        for frame, step in zip(self._frames, plan, strict=True):
            image = next(drawn) if step.is_drawn else kept[frame]
            for old in step.dropped:
                del kept[old]
            if step.is_kept:
                kept[frame] = image
            yield image

    def frame_at(self, time: float) -> RenderedFrame:
        """Return the frame at a time on the timeline, with its flow and holes in the middle."""
        self._get_ready()
        middle = self._renderer.frame(self._pose(time))
        exposure = _exposed([self._pose(t) for t in exposure_times(self.scene.film, time)])
        if len(exposure) == 1:
            return middle
        return replace(middle, image=next(self._drawn([exposure], never)))

    def peak(self) -> RenderedFrame:
        """Return the frame with every track at its goal; for thumbnails and for a first look."""
        self._get_ready()
        return self._renderer.frame(scene_pose(self.scene, None, step_px=self._renderer.step_px))

    def loop_difference(self) -> LoopDifference:
        """Return how the first frame differs from the end of the timeline, which it follows.

        A ping-pong film turns round there instead, so nothing jumps in it; a seamless film closes.
        """
        from cmp_studio.document.motion import loop_gap

        film = self.scene.film
        if film.loop == "ping_pong":
            return LoopDifference(0.0, 0.0, 0)
        first, last = self.frame_at(0.0).image, self.frame_at(film.duration).image
        off = np.abs(first.astype(np.int16) - last)
        return LoopDifference(loop_gap(self.scene), float(off.mean()), int(off.max()))

    def _pose(self, time: float) -> ScenePose:
        return scene_pose(self.scene, time, step_px=self._renderer.step_px)

    def _get_ready(self) -> None:
        """Paint the background once for the whole film, so that all frames agree on it."""
        if not self._is_ready:
            self._renderer.prepare(farthest_poses(self._poses))
            self._is_ready = True

    def _drawn(
        self, frames: Sequence[Exposure], cancelled: Callable[[], bool]
    ) -> Iterator[NDArray[np.uint8]]:
        from cmp_engine.quality import averaged

        poses = (pose for frame in frames for pose in frame)
        rendered = self._renderer.frames(poses, cancelled=cancelled)
        for frame in frames:
            parts = [next(rendered) for _ in frame]
            self._hole_shares[frame] = sum(part.hole_fraction for part in parts) / len(parts)
            yield averaged([part.image for part in parts])


@dataclass(frozen=True, slots=True)
class ReuseStep:
    """What to do for one frame of a film.

    Attributes:
        is_drawn: Draw it; else it is among the kept ones.
        dropped: Kept frames to forget first.
        is_kept: Keep it for later.
    """

    is_drawn: bool
    dropped: tuple[Hashable, ...] = ()
    is_kept: bool = False


def plan_reuse(sequence: Sequence[Hashable], capacity: int) -> list[ReuseStep]:
    """Return which frames to draw and which to keep, so that as few as possible are drawn twice.

    Args:
        sequence: What every frame shows, in showing order; equal ones look the same.
        capacity: How many frames may be kept.

    Source:
        Belady (1966): what is needed last is dropped first, which is optimal when the future is
        known.
    """
    later: list[int | None] = [None] * len(sequence)
    seen: dict[Hashable, int] = {}
    for index in range(len(sequence) - 1, -1, -1):
        later[index] = seen.get(sequence[index])
        seen[sequence[index]] = index
    kept: dict[Hashable, int] = {}
    plan = []
    for index, guidance in enumerate(sequence):
        is_drawn = guidance not in kept
        next_use = later[index]
        dropped: list[Hashable] = []
        if not is_drawn and next_use is None:
            del kept[guidance]
            dropped.append(guidance)
        is_kept = next_use is not None and capacity > 0
        if next_use is not None and capacity > 0:
            if is_drawn and len(kept) == capacity:
                last = max(kept, key=lambda g: kept[g])
                is_kept = next_use < kept[last]
                if is_kept:
                    del kept[last]
                    dropped.append(last)
            if is_kept:
                kept[guidance] = next_use
        plan.append(ReuseStep(is_drawn, tuple(dropped), is_kept))
    return plan


def _exposed(poses: list[ScenePose]) -> Exposure:
    """Return the poses of a frame so that equal frames are equal, whichever way they are passed."""
    if len(set(poses)) == 1:
        return (poses[0],)
    return tuple(sorted(poses, key=_by_displacement))


def _by_displacement(pose: ScenePose) -> list[tuple[Point, ...]]:
    return [layer.displacements for layer in pose.layers]
