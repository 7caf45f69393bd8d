"""The project's own weights files: safetensors with the network's description in the metadata.

A file holds the weights by name and, as metadata, ``config`` (the description as JSON),
``content_sha256`` (over names, shapes and bytes of the weights, so that a damaged file is noticed),
and free texts about how the weights came to be.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import safetensors
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from cmp_engine.config import ModelConfig
from cmp_engine.errors import ConfigError, WeightsError, WeightsFormatError
from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_engine.sentences import Sentence

CONFIG_KEY: Final = "config"
CONTENT_KEY: Final = "content_sha256"
RESERVED_KEYS: Final = (CONFIG_KEY, CONTENT_KEY, "format")

_LARGEST_COUNT: Final = 4096
"""Bound of every count in a description that comes from a file."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a weights file says about itself.

    Attributes:
        config: The network.
        metadata: The free texts.
        content_sha256: Checksum of the weights, or None in a file that has none.
    """

    config: ModelConfig
    metadata: Mapping[str, str]
    content_sha256: str | None


def read_header(path: Path) -> Header:
    """Return a file's description without its weights.

    Raises:
        WeightsFormatError: Not a whole weights file of this project.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = dict(file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsFormatError(_explain_damage(path)) from error
    description = metadata.get(CONFIG_KEY)
    if description is None:
        raise WeightsFormatError(
            "{name} is a safetensors file of another program: it has no description of a CMP "
            "network.",
            name=path.name,
        )
    config = _parse_config(path, description)
    content = metadata.get(CONTENT_KEY)
    texts = {key: value for key, value in metadata.items() if key not in RESERVED_KEYS}
    return Header(config, texts, content)


def read_tensors(path: Path, header: Header) -> dict[str, Tensor]:
    """Return a file's weights as stored, checked against the checksum in its header.

    Raises:
        WeightsFormatError: The file is damaged.
    """
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsFormatError(_explain_damage(path)) from error
    if header.content_sha256 is not None and _content_sha256(state) != header.content_sha256:
        raise WeightsFormatError(
            "{name} is damaged: its weights do not match the checksum that it carries; get it "
            "again.",
            name=path.name,
        )
    return state


def write_weights(
    path: Path,
    state: Mapping[str, Tensor],
    config: ModelConfig,
    *,
    metadata: Mapping[str, str],
    half: bool,
) -> None:
    """Write a weights file: to a temporary name first, then renamed.

    Args:
        path: Where to; the folder must exist.
        state: Weights by name.
        config: The network that they belong to.
        metadata: Free texts.
        half: Store in float16 what float16 can hold. Running statistics stay float32.

    Raises:
        WeightsError: The file can't be written, or a text has a reserved name.
    """
    reserved = sorted(set(metadata) & set(RESERVED_KEYS))
    if reserved:
        raise WeightsError(
            "These names are kept for the file itself: {reserved}.", reserved=", ".join(reserved)
        )
    stored = {name: _to_stored(name, tensor, half=half) for name, tensor in state.items()}
    header = {
        **metadata,
        CONFIG_KEY: config.to_json(),
        CONTENT_KEY: _content_sha256(stored),
        "format": "pt",
    }
    try:
        with partial_file(path) as partial:
            mode = partial.stat().st_mode
            save_file(stored, partial, metadata=header)
            partial.chmod(mode)  # save_file makes files that only their owner may read
    except (OSError, SafetensorError) as error:
        reason = describe_os_error(error, path) if isinstance(error, OSError) else f"{error}."
        raise WeightsError(reason) from error


def _to_stored(name: str, tensor: Tensor, *, half: bool) -> Tensor:
    # The copy is contiguous and shares no memory, as safetensors wants it.
    stored = tensor.detach().to("cpu", copy=True).contiguous()
    if not half or not stored.is_floating_point() or ".running_" in name:
        return stored
    halved = stored.half()
    return halved if torch.isfinite(halved).all() else stored


def _content_sha256(state: Mapping[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _parse_config(path: Path, description: str) -> ModelConfig:
    try:
        config = ModelConfig.from_json(description)
    except ConfigError as error:
        raise WeightsFormatError(
            "{name} describes no network known here: {error}", name=path.name, error=error
        ) from error
    for field in fields(config):
        value = getattr(config, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int | float) and number > _LARGEST_COUNT:
                raise WeightsFormatError(
                    "{file} describes a network too large to be true: {name} is {value!r:.40}.",
                    file=path.name,
                    name=field.name,
                    value=value,
                )
    return config


def _explain_damage(path: Path) -> Sentence:
    return Sentence(
        "{name} is not a whole safetensors file; it is damaged, was cut off, or is something else, "
        "so get it again.",
        name=path.name,
    )
