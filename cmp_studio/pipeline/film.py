"""A scene as a film: its frames in showing order, each drawn once where memory allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmp_engine.image_io import read_image
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.motion import frame_times, guidance_at, peak_guidance
from cmp_studio.document.scene import Picture, Scene
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.in_betweens import InBetweens

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.sequence import RenderedFrame

Guidance: TypeAlias = tuple[tuple[Point, ...], tuple[Point, ...]]
"""Points and total displacements of one frame, px of the picture; two equal ones look the same."""

KEPT_BYTES: Final = 512 << 20
"""How much memory the frames take that are shown again later, as on the way back of a ping-pong."""

KEY_SPACING: Final = 4.0
"""How far an arrow goes at most between two predictions, px where the short side is 384.

Own choice. Measured on three photos with arrows of 15 to 25 px: the flow between is off by at most
0.08 px and by 0.02 px on average where something moves, for a seventh of the predictions or less;
at 8 px it would be 0.3 and 0.07 px.
"""

_NETWORK_SIDE: Final = 384
_STEPS_PER_PX: Final = 1024


def never() -> bool:
    """Return False: nobody cancels."""
    return False


def decode_picture(picture: Picture) -> NDArray[np.uint8]:
    """Return the pixels, ``(H, W, 3)`` uint8 sRGB, upright.

    Raises:
        ImageError: The file is damaged.
        PipelineError: Its size is not what the scene says.
    """
    image = read_image(picture.data)
    if image.shape[:2] != (picture.height, picture.width):
        raise PipelineError(
            f"{picture.name} should be {picture.width} x {picture.height}, but its pixels are "
            f"{image.shape[1]} x {image.shape[0]}; open the picture anew."
        )
    return image


def freeze_of(scene: Scene) -> NDArray[np.float32] | None:
    """Return the freeze mask in [0, 1], 1 where the picture is held still, or None."""
    if scene.freeze is None:
        return None
    return mask_to_array(scene.freeze).astype(np.float32) / np.float32(255)


def frame_guidance(scene: Scene, time: float) -> Guidance:
    """Return what the network is told at a time, displacements rounded to 1/1024 px.

    Rounding far below what can be seen makes moments with the same pose equal, so that a frame that
    is shown twice is the same frame whichever way the film comes to it.
    """
    points, displacements = guidance_at(scene, time)
    rounded = tuple((_round(dx), _round(dy)) for dx, dy in displacements)
    return tuple(points), rounded


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
        from cmp_engine.sequence import FrameRenderer

        if loops < 1:
            raise PipelineError(f"A film must be gone through at least once, got {loops} times.")
        if image is None:
            image = decode_picture(scene.picture)
            predictor.set_image(image)
        self.scene = scene
        self.size_hw = size_hw or (scene.picture.height, scene.picture.width)
        once = [frame_guidance(scene, time) for time in frame_times(scene.film)]
        self._guidance = once * loops
        short_side = min(scene.picture.height, scene.picture.width)
        in_betweens = InBetweens(
            predictor,
            once[0][0],
            [displacements for _, displacements in once],
            spacing_px=KEY_SPACING * short_side / _NETWORK_SIDE,
        )
        self._renderer = FrameRenderer(
            in_betweens, image, size_hw=self.size_hw, freeze=freeze_of(scene)
        )

    @property
    def frame_count(self) -> int:
        """How many frames the film has, all loops together."""
        return len(self._guidance)

    @property
    def seconds(self) -> float:
        """How long the film lasts, all loops together."""
        return self.frame_count / self.scene.film.fps

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
        frame_bytes = 3 * self.size_hw[0] * self.size_hw[1]
        plan = plan_reuse(self._guidance, KEPT_BYTES // frame_bytes)
        wanted = (g for g, step in zip(self._guidance, plan, strict=True) if step.is_drawn)
        drawn = self._renderer.frames(wanted, cancelled=cancelled)
        kept: dict[Guidance, NDArray[np.uint8]] = {}
        for guidance, step in zip(self._guidance, plan, strict=True):
            image = next(drawn).image if step.is_drawn else kept[guidance]
            for old in step.dropped:
                del kept[old]
            if step.is_kept:
                kept[guidance] = image
            yield image

    def frame_at(self, time: float) -> RenderedFrame:
        """Return the frame at a time on the timeline, with its flow and holes."""
        return self._renderer.frame(*frame_guidance(self.scene, time))

    def peak(self) -> RenderedFrame:
        """Return the frame with every track at its goal; for thumbnails and for a first look."""
        return self._renderer.frame(*peak_guidance(self.scene))


@dataclass(frozen=True, slots=True)
class ReuseStep:
    """What to do for one frame of a film.

    Attributes:
        is_drawn: Draw it; else it is among the kept ones.
        dropped: Kept frames to forget first.
        is_kept: Keep it for later.
    """

    is_drawn: bool
    dropped: tuple[Guidance, ...] = ()
    is_kept: bool = False


def plan_reuse(sequence: list[Guidance], capacity: int) -> list[ReuseStep]:
    """Return which frames to draw and which to keep, so that as few as possible are drawn twice.

    Args:
        sequence: The guidance of every frame in showing order.
        capacity: How many frames may be kept.

    Source:
        Belady (1966): what is needed last is dropped first, which is optimal when the future is
        known.
    """
    later: list[int | None] = [None] * len(sequence)
    seen: dict[Guidance, int] = {}
    for index in range(len(sequence) - 1, -1, -1):
        later[index] = seen.get(sequence[index])
        seen[sequence[index]] = index
    kept: dict[Guidance, int] = {}
    plan = []
    for index, guidance in enumerate(sequence):
        is_drawn = guidance not in kept
        next_use = later[index]
        dropped: list[Guidance] = []
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


def _round(value: float) -> float:
    return round(value * _STEPS_PER_PX) / _STEPS_PER_PX
