"""Weights by name: finding, loading, checking, importing and fetching them.

``default`` comes with the program. Others lie as ``NAME.safetensors`` in the user's folder, which
the environment variable ``CMP_STUDIO_HOME`` moves. ``cmp-official`` is the checkpoint of the
published demos, which `fetch_weights` downloads and converts.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import platformdirs
import torch
from torch import Tensor

from cmp_engine.build import build_network
from cmp_engine.checkpoint import read_checkpoint
from cmp_engine.config import ImageEncoderName, ModelConfig
from cmp_engine.download import fetch
from cmp_engine.errors import (
    ConfigError,
    WeightsError,
    WeightsFormatError,
    WeightsNotFoundError,
)
from cmp_engine.file_kind import sniff
from cmp_engine.modeling.cmp import CMP
from cmp_engine.partial_file import describe_os_error
from cmp_engine.sentences import Sentence
from cmp_engine.weights_file import read_header, read_tensors, write_weights

DEFAULT_NAME: Final = "default"
OFFICIAL_NAME: Final = "cmp-official"
OFFICIAL_URL: Final = (
    "https://huggingface.co/MyNiuuu/MOFA-Video-Hybrid/resolve/main/models/cmp/experiments/"
    "semiauto_annot/resnet50_vip%2Bmpii_liteflow/checkpoints/ckpt_iter_42000.pth.tar"
)
OFFICIAL_SIZE: Final = 228_465_722
OFFICIAL_SHA256: Final = "cd3a385e227c29f89b5c7c6f4c89d356f6022fa7fcfc71ab1bd40e9833048dd6"

_SUFFIX: Final = ".safetensors"
_PATH_SUFFIXES: Final = (_SUFFIX, ".tar", ".pth", ".pt", ".ckpt")
_OPTIONAL_ENDING: Final = "num_batches_tracked"


@dataclass(frozen=True, slots=True)
class WeightsInfo:
    """Which weights these are.

    Attributes:
        name: The name that `load_model` knows them by, or the file's name.
        path: Where they lie.
        sha256: Checksum of the file.
        config: The network that they belong to.
        metadata: What the file tells of its origin: recipe, data, steps and scores of weights that
            were trained here; source, source_sha256 and step of published ones.
    """

    name: str
    path: Path
    sha256: str
    config: ModelConfig
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A network with its weights, in eval mode, float32, on the CPU."""

    network: CMP
    info: WeightsInfo


@dataclass(frozen=True, slots=True)
class WeightsEntry:
    """A row of `list_weights`.

    Attributes:
        name: What `load_model` takes.
        path: Where the file lies; None for weights that can be fetched and are not here yet.
        size: Bytes of the file, or of the download.
        config: The network, or None where it is not known.
        metadata: What the file tells of its origin.
        problem: Why the file can't be used, or None.
    """

    name: str
    path: Path | None
    size: int
    config: ModelConfig | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    problem: str | None = None


def weights_folder() -> Path:
    """Return the user's folder of weights; it need not exist yet."""
    home = os.environ.get("CMP_STUDIO_HOME")
    return (Path(home) if home else platformdirs.user_data_path("cmp-studio")) / "weights"


def load_model(name_or_path: str | Path = DEFAULT_NAME) -> LoadedModel:
    """Load a network with its weights.

    Args:
        name_or_path: A name from `list_weights`, a ``.safetensors`` file, or a published
            ``.pth.tar`` file.

    Returns:
        The network in eval mode, float32, on the CPU.

    Raises:
        WeightsNotFoundError: Nothing lies there.
        WeightsFormatError: The file is damaged, foreign or not to be trusted.
    """
    return _load(name_or_path)[0]


def save_model(
    network: CMP, path: str | Path, *, metadata: Mapping[str, str], half: bool = True
) -> None:
    """Write a network's weights as ``.safetensors``, whole or not at all.

    Args:
        network: Any network; it stays as it is.
        path: Where to; the folder must exist, a file of that name is replaced.
        metadata: Free texts about the origin of the weights.
        half: Store float16; it is float32 again when loaded.

    Raises:
        WeightsError: The file can't be written, or a text has a name kept for the file itself.
    """
    state = network.state_dict()
    write_weights(Path(path), state, network.config, metadata=metadata, half=half)


def list_weights() -> list[WeightsEntry]:
    """Return what `load_model` knows by name: the default first, then the user's, by name.

    Only the headers are read. ``cmp-official`` is listed even where it is not fetched yet.
    """
    entries = [_entry(DEFAULT_NAME, _default_path())]
    folder = weights_folder()
    paths = sorted(folder.glob(f"*{_SUFFIX}")) if folder.is_dir() else []
    entries += [_entry(path.name.removesuffix(_SUFFIX), path) for path in paths if path.is_file()]
    if not any(entry.name == OFFICIAL_NAME for entry in entries):
        entries.append(WeightsEntry(OFFICIAL_NAME, None, OFFICIAL_SIZE))
    return entries


def verify(name_or_path: str | Path) -> WeightsInfo:
    """Read weights completely and check them: checksum, names, shapes, finite values.

    Returns:
        What they are, with the file's sha256.

    Raises:
        WeightsNotFoundError: Nothing lies there.
        WeightsFormatError: The file can't be used; the message says why.
    """
    return load_model(name_or_path).info


def import_weights(
    source: str | Path,
    name: str | None = None,
    *,
    replace: bool = False,
    image_encoder: ImageEncoderName | None = None,
) -> WeightsInfo:
    """Convert a published file, or copy a ``.safetensors`` file, into the user's folder.

    Args:
        source: The file; it stays where it is.
        name: What to call the weights; default the file's name without its endings.
        replace: Whether to overwrite weights of the same name.
        image_encoder: Which image encoder they belong to, where the file can't tell: the published
            AlexNets of stride 8 and 32 have the same names and shapes, and 32 is assumed.

    Returns:
        The imported weights. Their metadata tells the source's name, sha256 and step.

    Raises:
        WeightsNotFoundError: There is no such file.
        WeightsFormatError: The file is damaged, foreign or not to be trusted, or does not fit
            ``image_encoder``.
        WeightsError: The name is taken or no good, or the folder can't be written to.
    """
    source = Path(source)
    name = _check_name(name if name is not None else source.name.split(".")[0])
    target = weights_folder() / f"{name}{_SUFFIX}"
    if target.exists() and not replace:
        raise WeightsError(
            "There are weights named {name!r} already; choose another name or replace them.",
            name=name,
        )
    model, is_half = _load(source)
    network = model.network
    if image_encoder is not None and image_encoder != network.config.image_encoder:
        network = _with_encoder(network, image_encoder, source.name)
    metadata = {"source": source.name, "source_sha256": model.info.sha256, **model.info.metadata}
    if model.info.sha256 == OFFICIAL_SHA256:
        metadata["source_url"] = OFFICIAL_URL
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WeightsError(describe_os_error(error, target)) from error
    save_model(network, target, metadata=metadata, half=is_half)
    return verify(name)


def _with_encoder(network: CMP, image_encoder: ImageEncoderName, source: str) -> CMP:
    """Return a network of the same weights with another image encoder of the same names."""
    try:
        other = build_network(dataclasses.replace(network.config, image_encoder=image_encoder))
        other.load_state_dict(network.state_dict())
    except (ConfigError, RuntimeError) as error:
        raise WeightsFormatError(
            "{source} holds weights for the image encoder {found}, which do not fit {wanted}; "
            "leave the encoder out.",
            source=source,
            found=network.config.image_encoder,
            wanted=image_encoder,
        ) from error
    return other.eval()


def fetch_weights(
    name: str = OFFICIAL_NAME,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    *,
    url: str = OFFICIAL_URL,
    size: int = OFFICIAL_SIZE,
    sha256: str = OFFICIAL_SHA256,
) -> WeightsInfo:
    """Download published weights and convert them into the user's folder.

    Weights that are there and whole are not fetched again. A stopped download goes on the next
    time.

    Args:
        name: ``cmp-official``, the only one so far.
        progress: Called with the bytes that came and the bytes expected.
        cancel: Asked between chunks; True stops.
        url: Where from, for a mirror.
        size: Bytes of the file there.
        sha256: Checksum of the file there.

    Raises:
        WeightsNotFoundError: No published weights have that name.
        WeightsDownloadError: The download did not end in the expected file.
        WeightsError: The user's folder can't be written to.
        Cancelled: ``cancel`` answered True.
    """
    if name != OFFICIAL_NAME:
        raise WeightsNotFoundError(
            "There is nothing to fetch under the name {name!r}; expected {official_name!r}.",
            name=name,
            official_name=OFFICIAL_NAME,
        )
    with contextlib.suppress(WeightsNotFoundError, WeightsFormatError):  # then it is fetched
        info = verify(name)
        if info.metadata.get("source_sha256") == sha256:
            return info
    path = weights_folder() / "downloads" / Path(OFFICIAL_URL).name
    fetch(url, path, size=size, sha256=sha256, progress=progress, cancel=cancel)
    info = import_weights(path, name, replace=True)
    path.unlink(missing_ok=True)
    return info


def _load(name_or_path: str | Path) -> tuple[LoadedModel, bool]:
    """Return the model, and whether its file stores half precision."""
    name, path = _find(name_or_path)
    try:
        state, config, metadata = _read(path)
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise WeightsNotFoundError(
            "{path} can't be read ({reason}); choose another file.",
            path=path,
            reason=error.strerror or error,
        ) from error
    is_half = any(tensor.dtype == torch.float16 for tensor in state.values())
    network = _network_with(state, config, path.name)
    return LoadedModel(network, WeightsInfo(name, path, sha256, config, metadata)), is_half


def _find(name_or_path: str | Path) -> tuple[str, Path]:
    """Return a name to show and the file behind a name or path."""
    text = str(name_or_path)
    is_path = isinstance(name_or_path, Path) or text.endswith(_PATH_SUFFIXES)
    if is_path or "/" in text or os.sep in text:
        path = Path(name_or_path).expanduser()
        if not path.is_file():
            raise WeightsNotFoundError("There is no weights file at {path}.", path=path)
        return path.name, path
    path = _default_path() if text == DEFAULT_NAME else weights_folder() / f"{text}{_SUFFIX}"
    if path.is_file():
        return text, path
    if text == DEFAULT_NAME:
        raise WeightsNotFoundError(
            "The weights that come with the program are missing at {path}; install it again.",
            path=path,
        )
    if text == OFFICIAL_NAME:
        raise WeightsNotFoundError(
            "The weights {official_name!r} are not here yet; get them with 'cmp-studio weights "
            "fetch {official_name}'.",
            official_name=OFFICIAL_NAME,
        )
    known = ", ".join(entry.name for entry in list_weights() if entry.path is not None)
    raise WeightsNotFoundError(
        "There are no weights named {text!r}; there are: {known}.", text=text, known=known
    )


def _default_path() -> Path:
    here = Path(__file__).resolve().parent
    in_wheel = here / "assets" / "weights" / f"{DEFAULT_NAME}{_SUFFIX}"
    in_checkout = here.parent / "assets" / "weights" / f"{DEFAULT_NAME}{_SUFFIX}"
    return in_wheel if in_wheel.is_file() else in_checkout


def _entry(name: str, path: Path) -> WeightsEntry:
    if not path.is_file():
        problem = Sentence("{path} is missing; install the program again.", path=path)
        return WeightsEntry(name, None, 0, problem=problem)
    size = path.stat().st_size
    try:
        sniff(path)
        header = read_header(path)
    except (WeightsFormatError, OSError) as error:
        return WeightsEntry(name, path, size, problem=Sentence("{error}", error=error))
    return WeightsEntry(name, path, size, header.config, header.metadata)


def _read(path: Path) -> tuple[dict[str, Tensor], ModelConfig, Mapping[str, str]]:
    if sniff(path) == "safetensors":
        header = read_header(path)
        return read_tensors(path, header), header.config, header.metadata
    checkpoint = read_checkpoint(path)
    metadata = {"note": "A published CMP checkpoint."}
    if checkpoint.step is not None:
        metadata["step"] = str(checkpoint.step)
    return checkpoint.state, checkpoint.config, metadata


def _network_with(state: Mapping[str, Tensor], config: ModelConfig, source: str) -> CMP:
    try:
        with torch.device("meta"):  # the shapes alone: no memory, no random numbers
            network = build_network(config)
    except (ConfigError, RuntimeError, TypeError, ValueError) as error:
        raise WeightsFormatError(
            "{source} describes a network that can't be built.", source=source
        ) from error
    expected = network.state_dict()
    _check_names(state, expected, source)
    complete = {
        name: _to_parameter(name, state.get(name), tensor, source)
        for name, tensor in expected.items()
    }
    network.load_state_dict(complete, strict=True, assign=True)
    return network.eval()


def _check_names(state: Mapping[str, Tensor], expected: Mapping[str, Tensor], source: str) -> None:
    missing = [name for name in expected if name not in state]
    missing = [name for name in missing if not name.endswith(_OPTIONAL_ENDING)]
    extra = [name for name in state if name not in expected]
    for what, names in (
        (Sentence("lacks weights of its network"), missing),
        (Sentence("has weights unexpected in its network"), extra),
    ):
        if names:
            more = Sentence(" and {count} more", count=len(names) - 3) if len(names) > 3 else ""
            raise WeightsFormatError(
                "{source} {what}: {names}{more}; it is not whole or from another version.",
                source=source,
                what=what,
                names=", ".join(names[:3]),
                more=more,
            )


def _to_parameter(name: str, stored: Tensor | None, expected: Tensor, source: str) -> Tensor:
    if stored is None:
        return torch.zeros(expected.shape, dtype=expected.dtype)
    if stored.shape != expected.shape:
        raise WeightsFormatError(
            "{source} has {name} of shape {shape}, expected {expected}; it belongs to another "
            "network.",
            source=source,
            name=name,
            shape=tuple(stored.shape),
            expected=tuple(expected.shape),
        )
    if stored.is_floating_point() != expected.is_floating_point() or stored.is_complex():
        raise WeightsFormatError(
            "{source} has {name} of type {dtype}, expected {expected}.",
            source=source,
            name=name,
            dtype=stored.dtype,
            expected=expected.dtype,
        )
    tensor = stored.to(expected.dtype).contiguous()
    if tensor.is_floating_point() and not torch.isfinite(tensor).all():
        raise WeightsFormatError(
            "{source} holds values in {name} that are not finite numbers; its training failed or "
            "the file is damaged.",
            source=source,
            name=name,
        )
    return tensor


def _check_name(name: str) -> str:
    if name == DEFAULT_NAME or not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,99}", name):
        raise WeightsError(
            "Weights can't be named {name!r:.110}; use letters, digits, dots, plus and minus, and "
            "not {default_name!r}, which comes with the program.",
            name=name,
            default_name=DEFAULT_NAME,
        )
    return name
