"""What the tracks of a scene are played on: picture, masks, groups, background and quality.

A `SceneRenderer` draws poses. The film, the preview and the flow all draw with it, so they show the
same. It knows nothing of time: tracks may change while it stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cmp_engine.image_io import read_image
from cmp_studio.document.masks import soft_mask
from cmp_studio.document.posing import LayerPose, peak_pose, pose_at
from cmp_studio.document.scene import Picture, Scene
from cmp_studio.document.tracks import Point
from cmp_studio.pipeline.errors import PipelineError
from cmp_studio.pipeline.in_betweens import InBetweens
from cmp_studio.pipeline.sizes import drawing_size

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.sequence import RenderedFrame
    from cmp_engine.walker import FlowPredictor, Guidance

CHAIN_STEP: Final = 16.0
"""How far a chained film goes between two looks at the picture, px where the short side is 384."""

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


@dataclass(frozen=True, slots=True)
class ScenePose:
    """Where everything is at a moment; two equal ones look the same.

    Displacements are rounded to 1/1024 px, far below what can be seen, so that moments with the
    same pose are equal whichever way the film comes to them.

    Attributes:
        layers: What each layer is told, back to front; the rest of the picture is group 0.
    """

    layers: tuple[LayerPose, ...]

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves: the frame is the picture itself."""
        return all(layer.is_rest for layer in self.layers)


def decode_picture(picture: Picture) -> NDArray[np.uint8]:
    """Return the pixels, ``(H, W, 3)`` uint8 sRGB, upright.

    Raises:
        ImageError: The file is damaged.
        PipelineError: Its size is not what the scene says.
    """
    image = read_image(picture.data)
    if image.shape[:2] != (picture.height, picture.width):
        raise PipelineError(
            "{name} should be {width} x {height}, but its pixels are {pixel_width} x "
            "{pixel_height}; open the picture anew.",
            name=picture.name,
            width=picture.width,
            height=picture.height,
            pixel_width=image.shape[1],
            pixel_height=image.shape[0],
        )
    return image


def freeze_of(scene: Scene) -> NDArray[np.float32] | None:
    """Return the freeze mask in [0, 1], 1 where the picture is held still, or None."""
    return None if scene.freeze is None else soft_mask(scene.freeze)


def stage_key(scene: Scene) -> Hashable:
    """Return what a `SceneRenderer` depends on: all of a scene but its tracks and its timing."""
    return (
        scene.picture.digest,
        scene.freeze,
        tuple((group.id, group.mask, group.is_on) for group in scene.groups),
        scene.base_place,
        scene.fill,
        None if scene.plate is None else scene.plate.digest,
        scene.film.mode,
        scene.film.supersample,
    )


def scene_pose(scene: Scene, time: float | None, *, step_px: float | None = None) -> ScenePose:
    """Return the pose of a scene at a time.

    Args:
        scene: Any scene.
        time: Seconds on the timeline; None has every track at its goal.
        step_px: `SceneRenderer.step_px` of the renderer that will draw it.
    """
    if time is None:
        layers = peak_pose(scene, step_px=step_px)
    else:
        layers = pose_at(scene, time, step_px=step_px)
    return ScenePose(tuple(_rounded_layer(layer) for layer in layers))


def step_of(scene: Scene, reach_px: float | None) -> float | None:
    """Return how far one prediction goes in a scene, px of the picture; None has no bound.

    Args:
        scene: Its film may be a chained one, which takes short steps.
        reach_px: Of the predictor.
    """
    if scene.film.mode == "total":
        return reach_px
    step = CHAIN_STEP * min(scene.picture.height, scene.picture.width) / _NETWORK_SIDE
    return step if reach_px is None else min(step, reach_px)


class SceneRenderer:
    """Draws poses of a scene.

    Args:
        scene: Picture, masks, groups, background and film settings; its tracks don't matter.
        predictor: Used from the calling thread alone while frames are made.
        image: The decoded picture, where the predictor has already had ``set_image`` with it; None
            does both here.
        size_hw: Size of the frames, px; None is the size of the picture.
        supersample: Fineness of the grid that frames are drawn on, exactly; a preview takes 1.
            None is for films: the scene's, and frames that are smaller than the picture are drawn
            larger, see `cmp_studio.pipeline.sizes.drawing_size`.
        planned: The poses of a film in the order of time, where they are known: between near ones
            the flow is blended.

    Attributes:
        step_px: How far one prediction goes, px of the picture, for `scene_pose`; None has no
            bound.

    Raises:
        ImageError: The picture or the plate is damaged.
        PipelineError: They are not what the scene says.
    """

    def __init__(
        self,
        scene: Scene,
        predictor: MotionPredictor,
        *,
        image: NDArray[np.uint8] | None = None,
        size_hw: tuple[int, int] | None = None,
        supersample: int | None = None,
        planned: Sequence[ScenePose] = (),
    ) -> None:
        from cmp_engine.sequence import FrameRenderer, MotionLayer, resize_image

        if image is None:
            image = decode_picture(scene.picture)
            predictor.set_image(image)
        self._image = image
        self.size_hw = size_hw or (scene.picture.height, scene.picture.width)
        self.step_px = step_of(scene, predictor.reach_px)
        if supersample is None:
            self._fine_hw = drawing_size(scene.picture, self.size_hw, scene.film.supersample)
        else:
            self._fine_hw = (self.size_hw[0] * supersample, self.size_hw[1] * supersample)
        groups = [group for group in scene.groups if group.is_on]
        behind = sum(group.is_on for group in scene.groups[: scene.base_place])
        self._order = [0, *(group.id for group in groups)]
        sources = _sources(scene, predictor, self._order, planned)
        layers = [
            MotionLayer(source, None if group.mask is None else soft_mask(group.mask))
            for source, group in zip(sources[1:], groups, strict=True)
        ]
        plate = scene.plate if scene.fill == "plate" else None
        self._renderer = FrameRenderer(
            sources[0],
            image,
            size_hw=self._fine_hw,
            freeze=freeze_of(scene),
            fill="inpaint" if scene.fill == "inpaint" else "stretch",
            background=None if plate is None else decode_picture(plate),
            layers=layers,
            base_place=behind,
        )
        self._still = self._fine_still = resize_image(image, self.size_hw)
        if self._fine_hw != self.size_hw:
            self._fine_still = resize_image(image, self._fine_hw)

    def frame(self, pose: ScenePose) -> RenderedFrame:
        """Return a frame, with its flow and holes.

        Raises:
            GuidanceError: An arrow that the network can't answer.
        """
        base, *layers = self._guidance(pose)
        frame = self._renderer.frame(base.points, base.displacements, via=base.via, layers=layers)
        return self._at_size(frame)

    def frames(
        self, poses: Iterable[ScenePose], *, cancelled: Callable[[], bool] = never
    ) -> Iterator[RenderedFrame]:
        """Yield a frame for each pose; several share a pass through the network.

        Args:
            poses: Read a few ahead.
            cancelled: Asked before each frame.

        Raises:
            Cancelled: ``cancelled`` returned True.
            GuidanceError: An arrow that the network can't answer.
        """
        guidance = (self._guidance(pose) for pose in poses)
        for frame in self._renderer.frames(guidance, cancelled=cancelled):
            yield self._at_size(frame)

    def prepare(self, poses: Iterable[ScenePose]) -> None:
        """Paint the background behind all that moves in these poses, for ``fill`` of ``inpaint``.

        Frames then don't depend on which were drawn before. Without, the background is painted in
        as it is uncovered.
        """
        self._renderer.prepare(self._guidance(pose) for pose in poses)

    def _guidance(self, pose: ScenePose) -> list[Guidance]:
        from cmp_engine.walker import Guidance

        by_group = {layer.group: layer for layer in pose.layers}
        if sorted(by_group) != sorted(self._order):
            raise PipelineError(
                "The pose has the layers {groups}, the stage {order}; make both from one scene.",
                groups=sorted(by_group),
                order=sorted(self._order),
            )
        layers = [by_group[group] for group in self._order]
        return [Guidance(layer.points, layer.displacements, layer.via) for layer in layers]

    def _at_size(self, frame: RenderedFrame) -> RenderedFrame:
        if self._fine_hw == self.size_hw:
            return frame
        from cmp_engine.quality import shrunk, shrunk_flow, shrunk_mask

        moved = (frame.image != self._fine_still).any(axis=-1)
        image = shrunk(frame.image, self.size_hw, still=self._still, moved=moved)
        holes = shrunk_mask(frame.holes, self.size_hw)
        flow = shrunk_flow(frame.flow, self.size_hw)
        return replace(frame, image=image, flow=flow, holes=holes)


def farthest_poses(poses: Sequence[ScenePose], count: int = 6) -> list[ScenePose]:
    """Return a few poses that differ most from rest and from each other.

    Between them all that ever moves has moved; the background is painted in from them.
    """
    moving = [pose for pose in dict.fromkeys(poses) if not pose.is_rest]
    vectors = [
        np.array(list(itertools.chain(*(layer.displacements for layer in pose.layers))))
        for pose in moving
    ]
    chosen: list[int] = []
    distance = [float(np.abs(vector).max()) for vector in vectors]
    while distance and len(chosen) < count:
        index = int(np.argmax(distance))
        if distance[index] < 1:
            break
        chosen.append(index)
        for i, vector in enumerate(vectors):
            distance[i] = min(distance[i], float(np.abs(vector - vectors[index]).max()))
    return [moving[index] for index in chosen]


def _sources(
    scene: Scene, predictor: MotionPredictor, order: list[int], planned: Sequence[ScenePose]
) -> list[FlowPredictor]:
    """Return who answers each layer: the predictor, or blends of its answers for a known film."""
    if not planned:
        return [predictor] * len(order)
    short_side = min(scene.picture.height, scene.picture.width)
    spacing = KEY_SPACING * short_side / _NETWORK_SIDE
    sources: list[FlowPredictor] = []
    for group in order:
        poses = [layer for pose in planned for layer in pose.layers if layer.group == group]
        direct = dict.fromkeys(layer.displacements for layer in poses if not layer.via)
        if not poses or not poses[0].points or not direct:
            sources.append(predictor)
            continue
        sources.append(InBetweens(predictor, poses[0].points, list(direct), spacing_px=spacing))
    return sources


def _rounded_layer(layer: LayerPose) -> LayerPose:
    return replace(
        layer,
        displacements=_rounded(layer.displacements),
        via=tuple(_rounded(step) for step in layer.via),
    )


def _rounded(vectors: Iterable[Point]) -> tuple[Point, ...]:
    return tuple((_round(dx), _round(dy)) for dx, dy in vectors)


def _round(value: float) -> float:
    return round(value * _STEPS_PER_PX) / _STEPS_PER_PX + 0.0  # no -0.0
