"""What a network can learn from image-flow pairs: CMP, and the objectives it is compared with.

All take the same network, data and schedule. Only what the last layer answers differs, and that
the others get no guidance:

* ``cmp``: eq. (1) of the paper on all pixels, given sparse guidance. ``limbs`` and ``trust`` teach
  the default network's limb head, beside it (`train.limb_loss`).
* ``walker``: Walker et al. (ICCV 2015), dense flow from the image alone, as classification: "a
  special case of CMP when the guidance points number is zero" (paper sec. 4.1). Bins are those of
  eq. (1); Walker et al. cluster the flow instead.
* ``pathak``: Pathak et al. (CVPR 2017), which pixels move against the background.
* ``mahendran``: Mahendran et al. (ACCV 2018), an embedding of each pixel; how alike two pixels'
  embeddings are is to match how alike their flows are.
"""

from __future__ import annotations

from typing import Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from cmp_engine.build import build_network
from cmp_engine.modeling.cmp import CMP
from train.config import PretextSettings, Recipe
from train.losses import Target
from train.motion_masks import motion_masks

ANSWERS_FLOW: Final = ("cmp", "walker")
"""Objectives whose networks answer flow to their own batches, and so can be shown."""

RELEASED: Final = (*ANSWERS_FLOW, "limbs", "trust")
"""Objectives whose networks can be released as weights."""


def build_for(recipe: Recipe) -> CMP:
    """Return the recipe's network with random weights, its last layer as the objective needs it.

    Raises:
        ConfigError: The pieces of the network do not fit together.
    """
    network = build_network(recipe.model)
    channels = {"pathak": 1, "mahendran": recipe.pretext.embedding}.get(recipe.objective)
    if channels is not None:
        decoder = network.flow_decoder
        last = cast(nn.Conv2d, decoder.get_submodule("head"))
        decoder.add_module("head", nn.Conv2d(last.in_channels, channels, 1))
    return network


def motion_mask_loss(logits: Tensor, target: Target, settings: PretextSettings) -> Tensor:
    """Return the cross-entropy of "moves against the background", averaged over counted pixels.

    Images of which nothing or nearly all moves are left out.

    Args:
        logits: (B, 1, h, w).
        target: At any finer grid that is a multiple of (h, w).
        settings: What moves.
    """
    masks = motion_masks(
        target.flow,
        target.counted,
        moving_px=settings.moving_px,
        moving_share=settings.moving_share,
        smallest=settings.smallest,
        largest=settings.largest,
    )
    coarse = Target(target.flow, target.counted, labels=masks.mask.long()).at(*logits.shape[-2:])
    truth = cast(Tensor, coarse.labels).to(logits.dtype)
    error = F.binary_cross_entropy_with_logits(logits[:, 0], truth, reduction="none")
    weight = (coarse.counted & masks.usable[:, None, None]).to(logits.dtype)
    return (error * weight).sum() / weight.sum().clamp(min=1)


def flow_similarity_loss(
    embedding: Tensor, target: Target, settings: PretextSettings, generator: torch.Generator
) -> Tensor:
    """Return the cross-entropy between pixels' similarities by flow and by embedding.

    For each of some random pixels, both are made a distribution over the others: the flow's
    Gaussian kernel by its sum, the cosines of the embeddings by softmax. An image's mean is over
    its pixels, the loss's over images.

    Args:
        embedding: (B, D, h, w).
        target: At any finer grid that is a multiple of (h, w).
        settings: Kernels, and how many pixels.
        generator: On the CPU; chooses the pixels.

    Source: Mahendran et al., "Cross Pixel Optical-Flow Similarity for Self-Supervised Learning"
    (ACCV 2018): cosine and Gaussian kernels and the cross-entropy between them. The kernel's
    width, which here follows the image's motion, and the temperature are own choices.
    """
    coarse = target.at(*embedding.shape[-2:])
    counted = coarse.counted.flatten(1)
    batch, cells = counted.shape
    draws = torch.rand(batch, cells, generator=generator).to(counted.device)
    chosen = (draws - 2.0 * (~counted)).topk(min(settings.samples, cells), dim=1).indices
    is_real = counted.gather(1, chosen)
    flow = coarse.flow.flatten(2).transpose(1, 2)
    flow = flow.gather(1, chosen[..., None].expand(-1, -1, 2))
    vectors = F.normalize(embedding.flatten(2).transpose(1, 2), dim=2)
    vectors = vectors.gather(1, chosen[..., None].expand(-1, -1, vectors.shape[2]))

    pair = is_real[:, :, None] & is_real[:, None]
    pair = pair & ~torch.eye(pair.shape[1], dtype=torch.bool, device=pair.device)
    distance = (flow[:, :, None] - flow[:, None]).square().sum(-1)
    mean = (distance * pair).flatten(1).sum(1) / pair.flatten(1).sum(1).clamp(min=1)
    width = settings.bandwidth**2 * mean.clamp(min=0.05)[:, None, None]
    lowest = torch.finfo(distance.dtype).min
    wanted = (-distance / (2 * width)).masked_fill(~pair, lowest).softmax(2)
    found = torch.matmul(vectors, vectors.transpose(1, 2)) / settings.temperature
    found = found.masked_fill(~pair, lowest).log_softmax(2)
    rows = pair.any(2)
    error = -(wanted * found.masked_fill(~pair, 0.0)).sum(2) * rows
    per_image = error.sum(1) / rows.sum(1).clamp(min=1)
    has_any = rows.any(1)
    return (per_image * has_any).sum() / has_any.sum().clamp(min=1)
