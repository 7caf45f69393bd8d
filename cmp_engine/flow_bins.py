"""Continuous flow to bins and back (paper sec. 3.1, "Loss Function", and eq. 1)."""

from __future__ import annotations

import torch
from torch import Tensor


class FlowBins:
    """C linear bins per axis over [-max_flow, max_flow].

    Bin k covers [-max_flow + k * w, -max_flow + (k + 1) * w) with w = 2 * max_flow / C; its centre
    is the middle.

    Args:
        num_bins: C of eq. (1), per axis.
        max_flow: The clipping bound, px of the network grid.

    Source: paper sec. 3.1: "We clip the target flow within a loose boundary, and partition the
    flow into C bins linearly in x and y coordinates respectively."
    """

    def __init__(self, num_bins: int = 99, max_flow: float = 50.0) -> None:
        self.num_bins = num_bins
        self.max_flow = max_flow
        self.bin_width = 2 * max_flow / num_bins

    def centers(self, like: Tensor) -> Tensor:
        """Return the bin centres, (num_bins,) px, with the dtype and device of ``like``."""
        index = torch.arange(self.num_bins, dtype=like.dtype, device=like.device)
        return (index + 0.5) * self.bin_width - self.max_flow

    def encode(self, flow: Tensor) -> Tensor:
        """Return the bin of each value: the labels Q of eq. (1).

        Args:
            flow: Any shape, px. Values beyond the bound fall into the outermost bin.

        Returns:
            Same shape, int64 in [0, num_bins).
        """
        index = torch.floor((flow + self.max_flow) / self.bin_width)
        return index.clamp(0, self.num_bins - 1).long()

    def decode(self, logits: Tensor) -> Tensor:
        """Return flow as the softmax expectation over the bin centres.

        Args:
            logits: (B, 2 * num_bins, H, W), the x axis first.

        Returns:
            (B, 2, H, W) px.
        """
        batch, _, height, width = logits.shape
        probabilities = logits.float().reshape(batch, 2, self.num_bins, -1).softmax(dim=2)
        flow = torch.matmul(self.centers(probabilities), probabilities)
        return flow.view(batch, 2, height, width)
