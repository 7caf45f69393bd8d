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
    from cmp_engine.config import ModelConfig, preset
    from cmp_engine.device import describe_device, resolve_device
    from cmp_engine.errors import EngineError
    from cmp_engine.geometry import ImageGeometry
    from cmp_engine.guidance import check_guidance
    from cmp_engine.predictor import MotionPredictor

__all__ = [
    "EngineError",
    "ImageGeometry",
    "ModelConfig",
    "MotionPredictor",
    "check_guidance",
    "describe_device",
    "preset",
    "resolve_device",
]

_MODULES = {
    "EngineError": "errors",
    "ImageGeometry": "geometry",
    "ModelConfig": "config",
    "MotionPredictor": "predictor",
    "check_guidance": "guidance",
    "describe_device": "device",
    "preset": "config",
    "resolve_device": "device",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
