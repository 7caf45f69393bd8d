"""The paper's guidance points: watershed of the motion edges, plus a grid (paper sec. 3.2).

Motion edges by Sobel filters; exact Euclidean distance to the nearest edge; non-maximum
suppression of the distance. Every step works on a batch of tensors; on a CPU `train.watershed_cpu`
finds the same points in a fraction of the time.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import pad

from train.watershed_cpu import LEAST_PEAK, peaks_of_batch

EDGE_SHARE: Final = 0.03
"""An edge is where the Sobel response exceeds this share of the image's largest.

The paper gives no threshold. With this one K = 81 yields about 9 points in a real 384 x 384 pair,
as in the paper (9.5); with 0.1 it is 3 to 5.
"""

_PIECE: Final = 1 << 26  # values at once in the all-pairs step: 256 MB


def sobel_edges(flow: Tensor, *, edge_share: float = EDGE_SHARE) -> Tensor:
    """Return the motion edges (B, H, W) bool of a flow (B, 2, H, W), px.

    The response is the length of the four Sobel derivatives of u and v. Borders are repeated. It
    is rounded as SciPy's is, so that ties at the threshold fall the same way.

    Args:
        flow: (B, 2, H, W), px.
        edge_share: An edge responds by more than this share of the image's largest response.

    Source: paper sec. 3.2 "Sampling from Watershed": "we first extract motion edges from optical
    flow using a Sobel filter". The threshold is our own choice.
    """
    padded = pad(flow, (1, 1, 1, 1), mode="replicate")
    down = padded[..., 2:, :] - padded[..., :-2, :]
    across = padded[..., 2:] - padded[..., :-2]
    down = _smooth(down[..., :-2], down[..., 1:-1], down[..., 2:]).square_()
    across = _smooth(across[..., :-2, :], across[..., 1:-1, :], across[..., 2:, :]).square_()
    energy = down[:, 0] + across[:, 0] + down[:, 1] + across[:, 1]
    response = energy.to(_wide(flow)).sqrt_().float()  # a square root in float32 may be off
    peak = response.flatten(1).amax(1)
    least = torch.full_like(peak, edge_share * LEAST_PEAK)
    threshold = torch.where(peak < LEAST_PEAK, least, edge_share * peak)  # NaN stays NaN
    return response > threshold[:, None, None]


def _smooth(before: Tensor, here: Tensor, behind: Tensor) -> Tensor:
    """Return the sum of neighbours, weighted 1, 2, 1, in float64 as SciPy does; as float32."""
    wide = _wide(here)
    return (2 * here.to(wide) + (before.to(wide) + behind.to(wide))).float()


def _wide(values: Tensor) -> torch.dtype:
    return torch.float32 if values.device.type == "mps" else torch.float64  # mps has no float64


def squared_distance(edges: Tensor) -> Tensor:
    """Return the exact squared distance to the nearest edge pixel (B, H, W) float32, px².

    Whole numbers. Infinite in an image without an edge.

    Distance along each column by running maxima; then for each row the lowest of the parabolas
    that stand on its columns, all pairs of columns at once in pieces of the batch.
    """
    batch, height, width = edges.shape
    far = 4 * (height + width)
    row = torch.arange(height, device=edges.device)[:, None]
    above = torch.where(edges, row, -far).cummax(1).values
    below = torch.where(edges, row, far).flip(1).cummin(1).values.flip(1)
    column = torch.minimum(row - above, below - row).float().square_().view(-1, 1, width)
    x = torch.arange(width, device=edges.device, dtype=torch.float32)
    parabolas = (x[:, None] - x).square_()
    rows_at_once = max(1, _PIECE // (width * width))
    result = torch.cat([(part + parabolas).amin(2) for part in torch.split(column, rows_at_once)])
    is_empty = ~edges.flatten(1).any(1)
    return result.view(batch, height, width).masked_fill_(is_empty[:, None, None], torch.inf)


def window_maximum(values: Tensor, kernel: int) -> Tensor:
    """Return the maximum over a square window (B, H, W), cut off at the borders.

    Args:
        values: (B, H, W) float.
        kernel: Side of the window, odd, px.

    Works by doubling: a handful of passes whatever the size of the window.
    """
    half = kernel // 2
    for axis in (-1, -2):
        amounts = (half, half) if axis == -1 else (0, 0, half, half)
        grown = pad(values, amounts, value=-torch.inf)
        size, covered = values.shape[axis], 1
        while covered < kernel:
            shift = min(covered, kernel - covered)
            length = grown.shape[axis] - shift
            grown = torch.maximum(grown.narrow(axis, 0, length), grown.narrow(axis, shift, length))
            covered += shift
        values = grown.narrow(axis, 0, size)
    return values


def watershed_peaks(flow: Tensor, kernel: int, *, edge_share: float = EDGE_SHARE) -> Tensor:
    """Return where the distance to the motion edges peaks (B, H, W) bool: the key points.

    A peak is the largest distance in a ``kernel`` x ``kernel`` window around it; equal ones all
    count. Points on the image border are removed, and there are none without any edge.

    Args:
        flow: (B, 2, H, W) forward flow, px.
        kernel: K of the paper, odd, px.
        edge_share: As in `sobel_edges`.

    Source: paper sec. 3.2: "we apply Non-maximum Suppression with kernel size K on the watershed
    map to obtain the key-points. … Points on image borders are removed."
    """
    if flow.device.type == "cpu":
        threads = torch.get_num_threads()
        found = peaks_of_batch(flow.float().numpy(), kernel, edge_share, threads=threads)
        return torch.from_numpy(found)
    return peaks_on_tensors(flow, kernel, edge_share=edge_share)


def peaks_on_tensors(flow: Tensor, kernel: int, *, edge_share: float = EDGE_SHARE) -> Tensor:
    """Return the same as `watershed_peaks`, with tensor operations alone: for GPUs."""
    distance = squared_distance(sobel_edges(flow, edge_share=edge_share))
    highest = window_maximum(distance, kernel)
    peaks = (distance == highest) & (highest > 0) & (highest < torch.inf)
    peaks[:, [0, -1]] = False
    peaks[:, :, [0, -1]] = False
    return peaks


def grid_points(height: int, width: int, stride: int) -> Tensor:
    """Return points (N, 2), x and y px, ``stride`` apart and centred on the image.

    Source: paper sec. 3.2: "we also sample points on grids with stride G".
    """
    rows = torch.arange((height - height // stride * stride) // 2, height, stride)
    columns = torch.arange((width - width // stride * stride) // 2, width, stride)
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x.flatten(), y.flatten()], -1)
