"""Reads the published checkpoints: pickles that must be kept from doing anything but hold numbers.

A published file is a pickled dict ``{step, state_dict, optimizer}``. Every key of the state dict
starts with ``module.``, ``num_batches_tracked`` is absent, and the name ends in ``.pth.tar`` though
the file is no tar. Files that PyTorch writes today (a zip with a pickle inside) are read as well.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch
from torch import Tensor

from cmp_engine.config import (
    PROPAGATION_STRIDES,
    DecoderName,
    HeadName,
    ImageEncoderName,
    ModelConfig,
)
from cmp_engine.errors import ConfigError, WeightsFormatError
from cmp_engine.sentences import Sentence

_RESNETS: Final[dict[tuple[int, bool], ImageEncoderName]] = {
    (2, False): "resnet18",
    (6, False): "resnet34",
    (6, True): "resnet50",
    (23, True): "resnet101",
}
"""Blocks in layer 3, and whether they are bottlenecks."""

_DAMAGE: Final = (
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    MemoryError,
    struct.error,
    OSError,
)
"""What PyTorch's reader raises on bytes that are not a whole checkpoint."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a published file holds.

    Attributes:
        config: The network, recognised from the names and shapes of the weights.
        state: The weights, without the prefix ``module.``, as stored.
        step: Training step, or None if the file does not say.
    """

    config: ModelConfig
    state: dict[str, Tensor]
    step: int | None


def read_checkpoint(path: Path) -> Checkpoint:
    """Return the weights of a published checkpoint; the optimizer's state is ignored.

    Ask `cmp_engine.file_kind.sniff` first: it refuses by name what is no checkpoint at all.

    Only numbers are read from the pickle (``weights_only=True``, and nothing else is tried).

    Raises:
        WeightsFormatError: The file is damaged, may be malicious, or is no CMP checkpoint.
    """
    try:
        # An open file, because torch.load judges a path by its ending.
        with path.open("rb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # about files that are refused below
            content = torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise WeightsFormatError(_explain_refusal(path, str(error))) from error
    except _DAMAGE as error:
        raise WeightsFormatError(
            "{name} begins like a PyTorch checkpoint but can't be read to its end; it is damaged "
            "or was cut off, so get it again.",
            name=path.name,
        ) from error
    step, state = _find_state(path, content)
    stored = path.stat().st_size
    if sum(tensor.numel() for tensor in state.values()) > stored:
        raise WeightsFormatError(
            "{name} claims more numbers than its {stored:,} bytes can hold; do not trust it.",
            name=path.name,
            stored=stored,
        )
    return Checkpoint(recognize(state, path.name), state, step)


def recognize(state: Mapping[str, Tensor], source: str) -> ModelConfig:
    """Return which network a state dict belongs to, from its names and shapes.

    The two AlexNets can't be told apart (only their strides differ); the answer is the published
    one, of stride 32. `cmp_engine.weights.import_weights` takes the other on request.

    Args:
        state: Weights by name, without the prefix ``module.``.
        source: What to call their origin in the error.

    Raises:
        WeightsFormatError: It is none of the networks of this package.
    """
    try:
        encoder, top = _recognize_encoder(state)
        strides = tuple(
            stride
            for stride in PROPAGATION_STRIDES
            if any(name.startswith(f"flow_decoder.decoder{stride}.") for name in state)
        )
        convolutions = [
            name
            for name, tensor in state.items()
            if name.startswith(f"flow_decoder.decoder{strides[0]}.") and tensor.ndim == 4
        ]
        decoder: DecoderName = "skip" if "flow_decoder.fusion8.0.weight" in state else "plain"
        outputs = state["flow_decoder.head.weight"].shape[0]
        head: HeadName = "regression" if outputs == 2 else "bins"
        defaults = ModelConfig(image_encoder=encoder, decoder=decoder)
        return ModelConfig(
            image_encoder=encoder,
            decoder=decoder,
            propagation_strides=strides,
            blocks=len(convolutions),
            head=head,
            num_bins=outputs // 2 if head == "bins" else defaults.num_bins,
            image_channels=state[top].shape[0],
            motion_channels=state["flow_encoder.features.0.weight"].shape[0],
            decoder_channels=state[convolutions[0]].shape[0],
        )
    except (KeyError, IndexError, ConfigError) as error:
        few = ", ".join(sorted(state)[:3]) or "none"
        raise WeightsFormatError(
            "{source} holds weights, but not of a CMP network (the first of their names: {few}); "
            "choose another file.",
            source=source,
            few=few,
        ) from error


def _recognize_encoder(state: Mapping[str, Tensor]) -> tuple[ImageEncoderName, str]:
    if "image_encoder.conv8.weight" in state:
        return "alexnet_stride32", "image_encoder.conv8.weight"
    layer3 = {
        match.group(1)
        for name in state
        if (match := re.match(r"image_encoder\.layer3\.(\d+)\.conv1\.weight$", name))
    }
    is_bottleneck = "image_encoder.layer3.0.conv3.weight" in state
    return _RESNETS[len(layer3), is_bottleneck], "image_encoder.conv5.weight"


def _find_state(path: Path, content: object) -> tuple[int | None, dict[str, Tensor]]:
    state = content.get("state_dict") if isinstance(content, dict) else None
    if not isinstance(content, dict) or not isinstance(state, dict) or not state:
        raise WeightsFormatError(
            "{name} is a PyTorch file without a 'state_dict'; a CMP checkpoint holds step, "
            "state_dict and optimizer.",
            name=path.name,
        )
    weights: dict[str, Tensor] = {}
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor):
            raise WeightsFormatError(
                "{file} has an entry in its 'state_dict' that is no weight: {name!r:.60}.",
                file=path.name,
                name=name,
            )
        weights[name.removeprefix("module.")] = tensor
    step = content.get("step")
    return (step if isinstance(step, int) else None), weights


def _explain_refusal(path: Path, reason: str) -> Sentence:
    match = re.search(r"GLOBAL ([\w.]+)", reason)
    if match:
        return Sentence(
            "{name} asks for {call} to be run while it is read, which no weights need; it may be "
            "malicious, so it was not opened.",
            name=path.name,
            call=match.group(1),
        )
    return Sentence(
        "{name} is a pickle, but not a whole checkpoint of numbers; it is damaged or comes from "
        "another program.",
        name=path.name,
    )
