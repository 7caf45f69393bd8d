"""The predictor and its renderers, as one thread uses them. PyTorch is imported in here, late."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.posing import LayerPose
from cmp_studio.document.scene import Scene
from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.preload import preload_torch

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_studio.pipeline.stage import SceneRenderer

log = logging.getLogger(__name__)

FLOW_LONG_SIDE: Final = 480
"""Longer side of the grid on which the flow of a frame is kept for the overlay, px."""

_KEPT_RENDERERS: Final = 3


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """Which weights on which device.

    Attributes:
        weights: Name or path, as for `cmp_engine.load_model`.
        device: "auto", "cpu", "cuda", "cuda:1" or "mps".
    """

    weights: str = "default"
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class EngineInfo:
    """What answers now.

    Attributes:
        choice: What was asked for.
        weights: Name of the weights, for people.
        device: Name of the device, for people.
        is_fast: Whether frames may be rendered in batches and larger (a GPU).
        details: Facts about the weights from their file, for the tooltip.
        devices: What `EngineChoice.device` can be here, besides "auto".
    """

    choice: EngineChoice
    weights: str
    device: str
    is_fast: bool = False
    details: str = ""
    devices: tuple[str, ...] = ("cpu",)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where everything is in one frame; two equal ones look the same.

    Attributes:
        layers: What each layer is told, back to front, as `cmp_studio.document.posing` makes them.
    """

    layers: tuple[LayerPose, ...] = ()
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Work out the hash."""
        # Each frame that arrives looks up every pose of the film: worked out once, not each time.
        object.__setattr__(self, "_hash", hash(self.layers))

    def __hash__(self) -> int:
        """Return the hash of the layers."""
        return self._hash

    @property
    def is_rest(self) -> bool:
        """Whether nothing moves: the frame is the photo itself."""
        return all(layer.is_rest for layer in self.layers)


def make_pose(layers: tuple[LayerPose, ...]) -> Pose:
    """The pose of these layers; all those in which nothing moves are one and the same."""
    pose = Pose(layers)
    return REST if pose.is_rest else pose


REST: Final = Pose()


@dataclass(frozen=True, slots=True)
class Stage:
    """What poses are rendered on.

    Attributes:
        picture: The photo.
        size_hw: Size of the frames, px.
        scene: Has the masks, groups and background; its tracks don't matter.
        key: What `cmp_studio.pipeline.stage.stage_key` says of the scene.
        engine: Number of the engine; counts up when other weights or another device are taken.
    """

    picture: OpenedPicture
    size_hw: tuple[int, int]
    scene: Scene = field(compare=False, repr=False)
    key: Hashable
    engine: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Engine:
    """A predictor and what people are told about it."""

    predictor: MotionPredictor
    info: EngineInfo


EngineFactory = Callable[[EngineChoice], Engine]


def load_engine(choice: EngineChoice) -> Engine:
    """Load weights onto a device. Imports PyTorch: seconds, off the GUI thread.

    Raises:
        cmp_engine.errors.EngineError: No such weights or device.
    """
    preload_torch()
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.weights import load_model

    predictor = MotionPredictor(load_model(choice.weights), device=choice.device)
    return Engine(predictor, describe_engine(predictor, choice))


class MotionBackend:
    """Renders poses.

    Thread: made anywhere, used on one thread only.

    Args:
        make_engine: Loads what a choice names.
    """

    def __init__(self, make_engine: EngineFactory = load_engine) -> None:
        self._make_engine = make_engine
        self._predictor: MotionPredictor | None = None
        self._info: EngineInfo | None = None
        self._digest = ""
        self._renderers: OrderedDict[Hashable, SceneRenderer] = OrderedDict()

    @property
    def is_loaded(self) -> bool:
        """Whether `frame` can be called."""
        return self._predictor is not None

    @property
    def info(self) -> EngineInfo | None:
        """What answers, or None before `load`."""
        return self._info

    @property
    def predictor(self) -> MotionPredictor:
        """The predictor of the film; its picture is set by `frame`.

        Raises:
            RuntimeError: Before `load`.
        """
        if self._predictor is None:
            raise RuntimeError("The engine is not loaded; call load first.")
        return self._predictor

    def load(self, choice: EngineChoice) -> EngineInfo:
        """Take other weights or another device; the old ones stay if that fails.

        Raises:
            cmp_engine.errors.EngineError: No such weights or device.
        """
        engine = self._make_engine(choice)
        self._predictor = engine.predictor
        self._digest = ""
        self._renderers.clear()
        self._info = engine.info
        log.info("engine: %s on %s", self._info.weights, self._info.device)
        return self._info

    def frame(self, stage: Stage, pose: Pose) -> CachedFrame:
        """Render one frame.

        Raises:
            cmp_engine.errors.EngineError: The engine can't.
        """
        from cmp_studio.pipeline.stage import ScenePose

        layers = pose.layers or tuple(
            LayerPose(group) for group in (0, *(g.id for g in stage.scene.groups if g.is_on))
        )
        rendered = self._renderer(stage).frame(ScenePose(layers))
        flow = shrunk_flow(rendered.flow, stage.picture.image_hw)
        holes = shrunk_holes(rendered.holes, flow.shape[:2])
        return CachedFrame(rendered.image, flow, holes, float(rendered.holes.mean()))

    @property
    def reach_px(self) -> float | None:
        """How far one answer can go, px of the picture in use; None has no bound."""
        return None if self._predictor is None else self._predictor.reach_px

    def _renderer(self, stage: Stage) -> SceneRenderer:
        from cmp_studio.pipeline.stage import SceneRenderer

        if self._predictor is None:
            raise RuntimeError("The engine is not loaded; call load first.")
        if stage.picture.picture.digest != self._digest:
            self._renderers.clear()
            self._digest = ""
            self._predictor.set_image(stage.picture.image)
            self._digest = stage.picture.picture.digest
        key = (stage.size_hw, stage.key)
        renderer = self._renderers.pop(key, None)
        if renderer is None:
            renderer = SceneRenderer(
                stage.scene,
                self._predictor,
                image=stage.picture.image,
                size_hw=stage.size_hw,
                supersample=1,
            )
        self._renderers[key] = renderer
        while len(self._renderers) > _KEPT_RENDERERS:
            self._renderers.popitem(last=False)
        return renderer


def describe_engine(predictor: MotionPredictor, choice: EngineChoice) -> EngineInfo:
    """What people are told about a predictor."""
    from cmp_engine.device import describe_device

    info = predictor.info
    weights = choice.weights if info is None else info.name
    details = ""
    if info is not None:
        lines = [str(info.path), *(f"{key}: {value}" for key, value in info.metadata.items())]
        details = "\n".join(line if len(line) < 200 else line[:197] + "..." for line in lines)
    device = predictor.device
    return EngineInfo(
        choice,
        weights,
        describe_device(device),
        is_fast=device.type != "cpu",
        details=details,
        devices=_devices(),
    )


def _devices() -> tuple[str, ...]:
    import torch

    cuda = tuple(f"cuda:{index}" for index in range(torch.cuda.device_count()))
    mps = ("mps",) if torch.backends.mps.is_available() else ()
    return ("cpu", *cuda, *mps)


def shrunk_flow(flow: NDArray[np.float32], image_hw: tuple[int, int]) -> NDArray[np.float16]:
    """The flow of a frame on a coarse grid, in px of the full picture.

    Args:
        flow: (h, w, 2) float32 forward flow in px of its own grid.
        image_hw: Size of the full picture, px.

    Returns:
        (fh, fw, 2) float16, the longer side at most `FLOW_LONG_SIDE`.
    """
    import cv2

    height, width = flow.shape[:2]
    scale_xy = np.array([image_hw[1] / width, image_hw[0] / height], dtype=np.float32)
    shrink = min(1.0, FLOW_LONG_SIDE / max(height, width))
    if shrink < 1:
        size = (max(1, round(width * shrink)), max(1, round(height * shrink)))
        flow = np.asarray(cv2.resize(flow, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return (flow * scale_xy).astype(np.float16)


def shrunk_holes(holes: NDArray[np.bool_], size_hw: tuple[int, int]) -> NDArray[np.uint8]:
    """The holes of a frame on a coarse grid, 255 where at least a part is one.

    Args:
        holes: (h, w) bool on the grid of the frame.
        size_hw: Size of the coarse grid.
    """
    import cv2

    grey = holes.astype(np.uint8) * np.uint8(255)
    size = (size_hw[1], size_hw[0])
    small = np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), dtype=np.float32)
    return np.minimum(small * 3, 255).astype(np.uint8)
