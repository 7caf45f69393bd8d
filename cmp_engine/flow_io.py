"""Flow files: Middlebury ``.flo``, numpy ``.npy`` and ``.npz``, and KITTI's 16-bit PNG.

======== ==================================== ============= =======================
suffix   values                               unknown px    range
======== ==================================== ============= =======================
``.flo`` float32                              1e10          any
``.npy`` float32                              not a number  any
``.npz`` float32 ``flow``, and bool ``valid`` ``valid``     any
``.png`` 16 bit, steps of 1/64 px             third channel [-512, 511.98] px
======== ==================================== ============= =======================

Sources: Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011 and its
file format; the KITTI flow 2015 development kit's description of its PNG files.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from cmp_engine.errors import FlowError
from cmp_engine.image_io import MAX_PIXELS
from cmp_engine.partial_file import describe_os_error, partial_file

SUFFIXES: Final = (".flo", ".npy", ".npz", ".png")
"""Suffixes of the files that `read_flow` and `write_flow` know."""

_FLO_MAGIC: Final = b"PIEH"
_FLO_UNKNOWN: Final = np.float32(1e10)
_FLO_UNKNOWN_LIMIT: Final = 1e9
_KITTI_STEPS: Final = 64.0
_KITTI_ZERO: Final = 2**15
_KITTI_LIMIT: Final = 512.0
_PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"


def read_flow(path: str | Path) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    """Return a flow and where it is known, from a file of any known suffix.

    Args:
        path: A ``.flo``, ``.npy``, ``.npz`` or ``.png`` file.

    Returns:
        The flow (H, W, 2) float32, dx right, dy down, in px, and which pixels are known (H, W)
        bool, or None when all are. Unknown pixels have flow zero.

    Raises:
        FlowError: No such file, another kind of file than its suffix says, a truncated or damaged
            file, or more than 100 megapixels.
    """
    path = Path(path)
    suffix = _known_suffix(path)
    try:
        if suffix == ".flo":
            flow, valid = _read_flo(path), None
        elif suffix == ".npy":
            with path.open("rb") as file:
                flow, valid = _read_npy(file, path), None
        elif suffix == ".npz":
            flow, valid = _read_npz(path)
        else:
            flow, valid = _read_kitti(path)
    except FileNotFoundError as error:
        raise FlowError("There is no flow file at {path}; check the name.", path=path) from error
    except OSError as error:
        raise FlowError(
            "The flow file {path} can't be read: {reason}.", path=path, reason=error.strerror
        ) from error
    is_known = np.isfinite(flow) & (np.abs(flow) < _FLO_UNKNOWN_LIMIT)
    known = np.asarray(is_known.all(axis=2))
    if valid is not None:
        known = np.logical_and(known, valid)
    if known.all():
        return flow, None
    flow[~known] = 0
    return flow, known


def write_flow(
    path: str | Path, flow: NDArray[np.float32], valid: NDArray[np.bool_] | None = None
) -> None:
    """Write a flow in the format that the suffix names; the file appears when it is whole.

    Args:
        path: A ``.flo``, ``.npy``, ``.npz`` or ``.png`` name.
        flow: (H, W, 2), dx right, dy down, in px.
        valid: (H, W) bool, which pixels are known; None for all.

    Raises:
        FlowError: An unknown suffix, a wrong shape, known values that are not finite numbers or
            too long for the format, or a place that can't be written to.
    """
    path = Path(path)
    suffix = _known_suffix(path)
    flow = np.asarray(flow)
    if flow.ndim != 3 or flow.shape[2] != 2 or flow.size == 0 or flow.dtype.kind != "f":
        raise FlowError(
            "Expected a flow of shape (H, W, 2) in floats, got shape {shape} of {dtype}.",
            shape=flow.shape,
            dtype=flow.dtype,
        )
    if valid is not None and (valid.shape != flow.shape[:2] or valid.dtype != np.bool_):
        raise FlowError(
            "Expected a mask of shape {size} of bool, got shape {shape} of {dtype}.",
            size=flow.shape[:2],
            shape=valid.shape,
            dtype=valid.dtype,
        )
    known = np.ones(flow.shape[:2], np.bool_) if valid is None else valid
    if not np.isfinite(flow[known]).all():
        raise FlowError("The flow holds values that are not finite numbers; mark them not valid.")
    flow = np.ascontiguousarray(flow, "<f4")
    with _writing(path) as file:
        if suffix == ".flo":
            marked = np.where(known[..., None], flow, _FLO_UNKNOWN)
            file.write(_FLO_MAGIC + struct.pack("<ii", flow.shape[1], flow.shape[0]))
            file.write(marked.astype("<f4").tobytes())
        elif suffix == ".npy":
            np.save(file, np.where(known[..., None], flow, np.float32(np.nan)), allow_pickle=False)
        elif suffix == ".npz":
            # One call for each: numpy's stubs do not take optional arrays as keywords.
            if valid is None:
                np.savez_compressed(file, flow=flow)
            else:
                np.savez_compressed(file, flow=np.where(known[..., None], flow, 0), valid=valid)
        else:
            file.write(_encode_kitti(flow, known))


def _known_suffix(path: Path) -> str:
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise FlowError(
            "Expected a flow file named {suffixes}, got {name}; rename it.",
            suffixes=", ".join(SUFFIXES),
            name=path.name,
        )
    return suffix


@contextmanager
def _writing(path: Path) -> Iterator[IO[bytes]]:
    try:
        with partial_file(path) as partial, partial.open("wb") as file:
            yield file
    except OSError as error:
        raise FlowError(describe_os_error(error, path)) from error


def _check_size(height: int, width: int, path: Path) -> None:
    if height < 1 or width < 1 or height * width > MAX_PIXELS:
        raise FlowError(
            "{name} says that it holds {width} x {height} px; expected at least one and at most "
            "{megapixels} megapixels. It is damaged or no flow file.",
            name=path.name,
            width=width,
            height=height,
            megapixels=MAX_PIXELS // 1_000_000,
        )


def _read_flo(path: Path) -> NDArray[np.float32]:
    with path.open("rb") as file:
        header = file.read(12)
        if header[:4] != _FLO_MAGIC:
            raise FlowError(
                "{name} is no Middlebury flow file: it starts with {start!r}, expected "
                "{flo_magic!r}.",
                name=path.name,
                start=header[:4],
                flo_magic=_FLO_MAGIC,
            )
        if len(header) < 12:
            raise _truncated(path, 12, len(header))
        width, height = struct.unpack("<ii", header[4:])
        _check_size(height, width, path)
        expected = width * height * 8
        data = file.read(expected + 1)
    if len(data) < expected:
        raise _truncated(path, expected + 12, len(data) + 12)
    if len(data) > expected:
        raise FlowError(
            "{name} is longer than its {width} x {height} px; it is damaged.",
            name=path.name,
            width=width,
            height=height,
        )
    flow = np.frombuffer(data, "<f4").reshape(height, width, 2)
    return flow.astype(np.float32)


def _truncated(path: Path, expected: int, got: int) -> FlowError:
    return FlowError(
        "{name} is truncated: expected {expected} bytes, got {got}; copy or make it again.",
        name=path.name,
        expected=expected,
        got=got,
    )


def _read_npy(file: IO[bytes], path: Path, *, kind: str = "f") -> NDArray[np.float32]:
    """Read one array; the size is checked before memory is taken for it."""
    try:
        version = np.lib.format.read_magic(file)
        if version == (1, 0):
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
        else:
            shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    except ValueError as error:
        raise FlowError("{name} is no numpy file: {error}.", name=path.name, error=error) from error
    is_flow = kind == "f" and len(shape) == 3 and shape[2] == 2 and dtype.kind == "f"
    is_mask = kind == "b" and len(shape) == 2 and dtype == np.bool_
    if not is_flow and not is_mask:
        wanted = "(H, W, 2) in floats" if kind == "f" else "(H, W) of bool"
        raise FlowError(
            "{name} holds an array {shape} of {dtype}; expected {wanted}.",
            name=path.name,
            shape=shape,
            dtype=dtype,
            wanted=wanted,
        )
    _check_size(shape[0], shape[1], path)
    file.seek(0)
    try:
        array = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise FlowError("{name} is truncated: {error}.", name=path.name, error=error) from error
    return array if kind == "b" else array.astype(np.float32)


def _read_npz(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_] | None]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            if "flow.npy" not in names:
                raise FlowError(
                    "{name} has no array called 'flow'; it has {known}.",
                    name=path.name,
                    known=", ".join(sorted(name.removesuffix(".npy") for name in names)) or "none",
                )
            with archive.open("flow.npy") as file:
                flow = _read_npy(file, path)
            if "valid.npy" not in names:
                return flow, None
            with archive.open("valid.npy") as file:
                valid = _read_npy(file, path, kind="b").astype(np.bool_)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise FlowError(
            "{name} is no numpy archive, or damaged: {error}.", name=path.name, error=error
        ) from error
    if valid.shape != flow.shape[:2]:
        raise FlowError(
            "{name} holds a flow of {size} and a mask of {shape}; expected the same size.",
            name=path.name,
            size=flow.shape[:2],
            shape=valid.shape,
        )
    return flow, valid


def _encode_kitti(flow: NDArray[np.float32], known: NDArray[np.bool_]) -> bytes:
    steps = np.rint(flow.astype(np.float64) * _KITTI_STEPS) + _KITTI_ZERO
    steps[~known] = 0
    if steps.min() < 0 or steps.max() >= 2**16:
        longest = float(np.abs(flow[known]).max())
        raise FlowError(
            "A KITTI PNG holds displacements below {limit:.0f} px, got {longest:.1f} px; write "
            ".flo or .npy.",
            limit=_KITTI_LIMIT,
            longest=longest,
        )
    blue_green_red = np.dstack([known.astype(np.uint16), steps[..., ::-1].astype(np.uint16)])
    is_done, encoded = cv2.imencode(".png", blue_green_red)
    if not is_done:  # pragma: no cover - OpenCV has PNG in every build
        raise FlowError("This build of OpenCV can't write PNG files; write .flo or .npy.")
    return encoded.tobytes()


def _read_kitti(path: Path) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    data = path.read_bytes()
    _check_png(data, path)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if image is None or image.dtype != np.uint16 or image.ndim != 3 or image.shape[2] != 3:
        raise FlowError("{name} is a damaged PNG file; copy or make it again.", name=path.name)
    flow = (image[..., :0:-1].astype(np.float32) - _KITTI_ZERO) / np.float32(_KITTI_STEPS)
    return flow, image[..., 0] > 0


def _check_png(data: bytes, path: Path) -> None:
    """Check that a PNG is whole and 16-bit RGB; OpenCV decodes what is there without a word."""
    if data[:8] != _PNG_MAGIC:
        raise FlowError("{name} is no PNG file; expected a KITTI flow PNG.", name=path.name)
    position, kind = 8, b""
    while kind != b"IEND":
        if position + 12 > len(data):
            raise FlowError("{name} is truncated; copy or make it again.", name=path.name)
        (length,) = struct.unpack_from(">I", data, position)
        kind = data[position + 4 : position + 8]
        end = position + 12 + length
        if end > len(data):
            raise FlowError("{name} is truncated; copy or make it again.", name=path.name)
        (check,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(data[position + 4 : end - 4]) != check:
            raise FlowError("{name} is a damaged PNG file; copy or make it again.", name=path.name)
        if position == 8:
            _check_png_header(kind, data[16 : 16 + length], path)
        position = end


def _check_png_header(kind: bytes, header: bytes, path: Path) -> None:
    if kind != b"IHDR" or len(header) != 13:
        raise FlowError("{name} is a damaged PNG file; copy or make it again.", name=path.name)
    width, height, bits, color = struct.unpack_from(">IIBB", header)
    if (bits, color) != (16, 2):
        raise FlowError(
            "{name} is a picture of {bits} bits a channel, not a KITTI flow PNG, which is RGB with "
            "16 bits a channel.",
            name=path.name,
            bits=bits,
        )
    _check_size(height, width, path)
