"""Puppeteer a still photo: sparse motion in, dense flow and frames out.

    from cmp_engine import MotionPredictor, load_model
    predictor = MotionPredictor(load_model("default"))
    predictor.set_image(image)                          # (H, W, 3) uint8 RGB
    flow = predictor.predict(points, displacements)     # (H, W, 2) float32 forward flow, px

The names below are imported when they are first used, so that the parts that need no network do
not wait for PyTorch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cmp_engine.build import build_network
    from cmp_engine.config import ModelConfig, preset
    from cmp_engine.device import describe_device, resolve_device
    from cmp_engine.errors import EngineError
    from cmp_engine.flow_io import read_flow, write_flow
    from cmp_engine.flow_viz import flow_to_color
    from cmp_engine.geometry import ImageGeometry
    from cmp_engine.guidance import check_guidance
    from cmp_engine.image_io import read_image, write_image
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.sequence import FrameRenderer, RenderedFrame
    from cmp_engine.video_io import read_video, write_video
    from cmp_engine.warp import BackwardMap, backward_map, warp_image
    from cmp_engine.weights import (
        LoadedModel,
        WeightsInfo,
        import_weights,
        list_weights,
        load_model,
        save_model,
    )

__all__ = [
    "BackwardMap",
    "EngineError",
    "FrameRenderer",
    "ImageGeometry",
    "LoadedModel",
    "ModelConfig",
    "MotionPredictor",
    "RenderedFrame",
    "WeightsInfo",
    "backward_map",
    "build_network",
    "check_guidance",
    "describe_device",
    "flow_to_color",
    "import_weights",
    "list_weights",
    "load_model",
    "preset",
    "read_flow",
    "read_image",
    "read_video",
    "resolve_device",
    "save_model",
    "warp_image",
    "write_flow",
    "write_image",
    "write_video",
]

_MODULES = {
    "BackwardMap": "warp",
    "EngineError": "errors",
    "FrameRenderer": "sequence",
    "ImageGeometry": "geometry",
    "LoadedModel": "weights",
    "ModelConfig": "config",
    "MotionPredictor": "predictor",
    "RenderedFrame": "sequence",
    "WeightsInfo": "weights",
    "backward_map": "warp",
    "build_network": "build",
    "check_guidance": "guidance",
    "describe_device": "device",
    "flow_to_color": "flow_viz",
    "import_weights": "weights",
    "list_weights": "weights",
    "load_model": "weights",
    "preset": "config",
    "read_flow": "flow_io",
    "read_image": "image_io",
    "read_video": "video_io",
    "resolve_device": "device",
    "save_model": "weights",
    "warp_image": "warp",
    "write_flow": "flow_io",
    "write_image": "image_io",
    "write_video": "video_io",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
