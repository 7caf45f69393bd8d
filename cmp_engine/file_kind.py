"""Tells from its first bytes whether a file can be weights, and names what it is otherwise."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Final, Literal, TypeAlias

from cmp_engine.errors import WeightsFormatError
from cmp_engine.sentences import Sentence

WeightsKind: TypeAlias = Literal["safetensors", "checkpoint"]

_LARGEST_HEADER: Final = 100_000_000
"""Bytes; the safetensors format itself has this bound."""


def sniff(path: Path) -> WeightsKind:
    """Return which kind of weights file this is, whatever it is called.

    Raises:
        WeightsFormatError: Neither kind; the message says what it seems to be.
        OSError: The file can't be read.
    """
    with path.open("rb") as file:
        opening = file.read(512)
    if opening[8:9] == b"{" and int.from_bytes(opening[:8], "little") <= _LARGEST_HEADER:
        return "safetensors"
    is_zip = opening.startswith(b"PK\x03\x04")
    problem = _problem_of_zip(path) if is_zip else _problem_of(opening)
    if problem is not None:
        raise WeightsFormatError("{name} is {problem}", name=path.name, problem=problem)
    return "checkpoint"


def _problem_of(opening: bytes) -> Sentence | None:
    text = opening.lstrip(b"\xef\xbb\xbf \t\r\n")[:32].lower()
    if not opening:
        return Sentence("empty; get it again.")
    if text.startswith(b"version https://git-lfs"):
        return Sentence("a Git LFS pointer, not the weights; download the file that it stands for.")
    if text.startswith((b"<!doctype", b"<html", b"<?xml")):
        return Sentence(
            "a web page, not weights; the download failed or asked for a confirmation, so get the "
            "file itself."
        )
    if opening[257:262] == b"ustar":
        return Sentence("a tar archive, not weights; unpack it and choose the file inside.")
    if opening.startswith(b"\x80"):
        return None
    if all(byte >= 32 or byte in b"\t\r\n\f" for byte in opening):
        return Sentence(
            "a text file, not weights; expected a published CMP file or a .safetensors file."
        )
    return Sentence("not weights; expected a published CMP file or a .safetensors file.")


def _problem_of_zip(path: Path) -> Sentence | None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        return Sentence("a zip that is damaged or was cut off; get it again.")
    if not any(member.filename.endswith("/data.pkl") for member in members):
        return Sentence("a zip archive, not weights; unpack it and choose the file inside.")
    if sum(member.file_size for member in members) > path.stat().st_size:
        return Sentence("a compressed zip, which PyTorch never writes; do not trust it.")
    return None
