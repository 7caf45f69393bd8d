"""From the network's coarse flow to the picture's grid."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from cmp_engine.config import ModelConfig
from cmp_engine.geometry import ImageGeometry

Upsampling: TypeAlias = Literal["edge_aware", "bilinear"]
GridAlignment: TypeAlias = Literal["corners", "centers"]


def grid_alignment(config: ModelConfig) -> GridAlignment:
    """Return how a network's output grid lies on its input grid.

    ``corners``: the centres of the corner pixels fall together (``align_corners=True``), as the
    published networks are used. ``centers``: the outer borders fall together, so that an output
    pixel is the centre of the block of input pixels that it stands for.
    """
    return "centers" if config.decoder == "attention" else "corners"


class FlowUpsampler:
    """Brings flows of one picture from the network's output grid to the picture."""

    def __init__(
        self, image: NDArray[np.uint8], geometry: ImageGeometry, *, alignment: GridAlignment
    ) -> None:
        self._image = image
        self._geometry = geometry
        self._alignment = alignment

    def upsample(
        self, flow: NDArray[np.float32], *, method: Upsampling, size_hw: tuple[int, int]
    ) -> NDArray[np.float32]:
        """Return one flow on a grid of the picture.

        Args:
            flow: (h, w, 2) float32 on the network's output grid, px of the network grid.
            method: ``bilinear`` as published, or ``edge_aware``.
            size_hw: The grid of the picture to answer on.

        Returns:
            (H, W, 2) float32, px of that grid.
        """
        tensor = torch.from_numpy(flow).permute(2, 0, 1).unsqueeze(0)
        full = functional.interpolate(
            tensor,
            size=self._geometry.network_hw,
            mode="bilinear",
            align_corners=self._alignment == "corners",
        )
        on_network = np.ascontiguousarray(full.squeeze(0).permute(1, 2, 0).numpy())
        return self._geometry.flow_to_image(on_network, size_hw=size_hw)
