"""Which pixels move against the background: the pseudo-labels of Pathak et al.

The background's motion is an affine map, fitted so that what moves otherwise counts little.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

_ROUNDS: Final = 8
_FIT_STRIDE: Final = 2
_LEAST_SCALE: Final = 0.3


@dataclass(frozen=True, slots=True)
class MotionMasks:
    """Motion segmentation of a batch.

    Attributes:
        mask: (B, H, W) bool, moves against the background.
        usable: (B,) bool, neither next to nothing nor nearly everything moves.
    """

    mask: Tensor
    usable: Tensor


def motion_masks(
    flow: Tensor,
    valid: Tensor,
    *,
    moving_px: float,
    moving_share: float,
    smallest: float,
    largest: float,
) -> MotionMasks:
    """Segment images by their flow.

    Args:
        flow: (B, 2, H, W) forward flow, px.
        valid: (B, H, W) bool; elsewhere nothing moves.
        moving_px: A pixel moves if it is at least this far off the background's motion, px,
        moving_share: and at least this part of the image's 98 % quantile of that.
        smallest: Least share of moving pixels of a usable image.
        largest: Largest share.

    Source: Pathak et al., "Learning Features by Watching Objects Move" (CVPR 2017), learn from
    masks that a motion segmentation (uNLC) finds without labels. This robust fit stands for it:
    own choice.
    """
    length = (flow - background_flow(flow, valid)).norm(dim=1) * valid
    fastest = torch.quantile(length[:, ::2, ::2].flatten(1), 0.98, dim=1)
    limit = (moving_share * fastest).clamp_min(moving_px)
    mask = length >= limit[:, None, None]
    share = mask.flatten(1).sum(1) / valid.flatten(1).sum(1).clamp_min(1)
    return MotionMasks(mask, (share >= smallest) & (share <= largest))


def background_flow(flow: Tensor, valid: Tensor) -> Tensor:
    """Return the affine motion (B, 2, H, W) that most valid pixels follow, px.

    Weighted least squares, from the median motion on; a pixel's weight falls with its distance to
    the fit of the round before (Geman and McClure), ever faster.
    """
    height, width = flow.shape[-2:]
    y = torch.linspace(-1, 1, height, device=flow.device)
    x = torch.linspace(-1, 1, width, device=flow.device)
    basis = torch.stack(
        [torch.ones(height, width, device=flow.device), *torch.meshgrid(y, x, indexing="ij")]
    )
    cells = (slice(None), slice(None, None, _FIT_STRIDE), slice(None, None, _FIT_STRIDE))
    terms = basis[cells].flatten(1)
    values = flow[(slice(None), *cells)].flatten(2)
    counts = valid[cells].flatten(1).to(flow.dtype)
    known = torch.where(counts[:, None] > 0, values, torch.nan)
    middle = torch.nanmedian(known, dim=2, keepdim=True).values.nan_to_num()
    fit = middle.expand_as(values)
    ridge = 1e-3 * torch.eye(3, device=flow.device)
    coefficients = torch.cat([middle, middle.new_zeros(len(flow), 2, 2)], 2)
    for number in range(_ROUNDS):
        scale = max(3.0 * 0.6**number, _LEAST_SCALE)
        weight = counts / (1 + (values - fit).square().sum(1) / scale**2).square()
        normal = torch.einsum("bn,in,jn->bij", weight, terms, terms) + ridge
        right = torch.einsum("bn,bcn,in->bci", weight, values, terms)
        right = right + ridge.diagonal() * coefficients
        coefficients = torch.linalg.solve(normal[:, None], right[..., None])[..., 0]
        fit = torch.einsum("bci,in->bcn", coefficients, terms)
    return torch.einsum("bci,ihw->bchw", coefficients, basis)
