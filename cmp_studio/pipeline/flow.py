"""The flow that a scene's arrows and pins stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cmp_studio.document.motion import peak_guidance
from cmp_studio.document.scene import Scene
from cmp_studio.pipeline.stage import SceneRenderer, decode_picture, scene_pose

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.upsampling import Upsampling


def scene_flow(
    scene: Scene,
    predictor: MotionPredictor,
    *,
    time: float | None = None,
    size_hw: tuple[int, int] | None = None,
    image: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Return the total forward flow as frames use it, ``(h, w, 2)`` float32 px of its own grid.

    The freeze mask holds, groups move on their own, and arrows beyond the network's reach are
    walked in steps.

    Args:
        scene: Picture and tracks.
        predictor: Used from the calling thread alone.
        time: Seconds on the timeline; None has every track at its goal.
        size_hw: Size of the flow, px; None is the size of the picture.
        image: The decoded picture, where the predictor has already had ``set_image`` with it.

    Raises:
        EngineError: The picture or an arrow can't be used.
        PipelineError: The picture is not what the scene says.
    """
    image = _set_image(scene, predictor, image)
    renderer = SceneRenderer(scene, predictor, image=image, size_hw=size_hw, supersample=1)
    return renderer.frame(scene_pose(scene, time, step_px=renderer.step_px)).flow


def predicted_flow(
    scene: Scene,
    predictor: MotionPredictor,
    *,
    upsampling: Upsampling = "edge_aware",
    image: NDArray[np.uint8] | None = None,
) -> NDArray[np.float32]:
    """Return one bare prediction with every track at its goal, ``(H, W, 2)`` float32 px, forward.

    Without mask and without steps: what the network itself says, for research.

    Args:
        scene: Picture and tracks.
        predictor: Used from the calling thread alone.
        upsampling: ``bilinear`` is as published.
        image: The decoded picture, where the predictor has already had ``set_image`` with it.

    Raises:
        EngineError: The picture or an arrow can't be used.
        PipelineError: The picture is not what the scene says.
    """
    _set_image(scene, predictor, image)
    return predictor.predict(*peak_guidance(scene), upsampling=upsampling)


def _set_image(
    scene: Scene, predictor: MotionPredictor, image: NDArray[np.uint8] | None
) -> NDArray[np.uint8]:
    if image is None:
        image = decode_picture(scene.picture)
        predictor.set_image(image)
    return image
