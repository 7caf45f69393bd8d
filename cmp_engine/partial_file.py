"""Files that appear under their name only when they are whole."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cmp_engine.sentences import Sentence


@contextmanager
def partial_file(target: Path) -> Iterator[Path]:
    """Yield a new empty file beside the target, which takes the target's name at the end.

    The file is hidden, ends in ``.part``, and is removed when the block raises, so that nothing
    half written is ever found under the target's name or any other.

    Args:
        target: Where the whole file is to lie. A file of that name is replaced.

    Yields:
        The path to write to.

    Raises:
        OSError: The folder is missing, can't be written to, or is full.
    """
    partial = _partial_name(target)
    with partial.open("xb"):
        pass
    try:
        yield partial
        partial.replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def describe_os_error(error: OSError, target: Path) -> Sentence:
    """Return one sentence on why the target can't be written, and what to do about it.

    Args:
        error: What the system answered.
        target: The file or folder that was to be written.

    Returns:
        The sentence, with its full stop.
    """
    folder = target.parent
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Sentence(
            "The disk that holds {folder} is full, so {name} can't be written; free some space or "
            "choose another folder.",
            folder=folder,
            name=target.name,
        )
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return Sentence(
            "{name} can't be written because the folder {folder} does not exist; create it or "
            "choose another one.",
            name=target.name,
            folder=folder,
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return Sentence(
            "{name} can't be written because the folder {folder} is read-only for you; choose "
            "another folder.",
            name=target.name,
            folder=folder,
        )
    if error.errno == errno.EISDIR:
        return Sentence(
            "{target} is a folder, and a file is expected; choose another name.", target=target
        )
    if error.errno == errno.ENAMETOOLONG:
        return Sentence(
            "The name {name}… is too long for this disk; choose a shorter one.",
            name=target.name[:40],
        )
    reason = os.strerror(error.errno) if error.errno else str(error)
    return Sentence(
        "{target} can't be written ({reason}); choose another name or folder.",
        target=target,
        reason=reason,
    )


def _partial_name(target: Path) -> Path:
    stem = target.stem.lstrip(".")[:40]
    return target.parent / f".{stem}.{secrets.token_hex(4)}.part"
