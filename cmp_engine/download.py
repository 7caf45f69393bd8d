"""Fetches one known file over HTTP, so that a broken line costs the missing bytes only."""

from __future__ import annotations

import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cmp_engine.errors import Cancelled, WeightsDownloadError
from cmp_engine.partial_file import describe_os_error

CHUNK_BYTES: Final = 1 << 16
MAX_PAUSE_SECONDS: Final = 16.0
PAUSE_STEP_SECONDS: Final = 0.25
_FINAL_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 410, 451})
_RESTART_STATUS: Final = 416


class _LineBroken(Exception):
    """The connection failed in a way that another attempt may mend."""


def fetch(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    progress: Callable[[int, int], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    timeout_s: float = 15.0,
    attempts: int = 5,
    pause: Callable[[float], None] = time.sleep,
) -> Path:
    """Download a file whose size and checksum are known.

    What has come so far lies in ``target`` + ``.part``. A broken or cancelled download leaves it
    there and a later call goes on from it; one with a wrong checksum removes it.

    Args:
        url: An http or https address; redirects are followed.
        target: Where the whole file is to lie. If it lies there already, nothing is fetched.
        size: Expected bytes.
        sha256: Expected checksum, lower-case hexadecimal.
        progress: Called with the bytes that are there and the bytes expected.
        cancel: Asked between chunks; True stops.
        timeout_s: How long the server may be silent.
        attempts: Attempts in a row that bring nothing before giving up.
        pause: Waits between attempts, seconds.

    Returns:
        ``target``.

    Raises:
        WeightsDownloadError: The file did not come whole, or is not the expected one.
        Cancelled: ``cancel`` answered True.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise WeightsDownloadError("Expected an http or https address, got {url!r:.80}.", url=url)
    part = target.with_name(target.name + ".part")
    try:
        if _is_expected(target, size, sha256):
            return target
        target.parent.mkdir(parents=True, exist_ok=True)
        transfer = _Transfer(url, part, size, progress or _ignore, cancel or _never, timeout_s)
        _persist(transfer, attempts, pause)
        if not _is_expected(part, size, sha256):
            part.unlink()
            raise WeightsDownloadError(
                "What came from {url} is not the expected file (its sha256 differs), so it was "
                "removed; the server may hold another version.",
                url=url,
            )
        part.replace(target)
    except OSError as error:
        raise WeightsDownloadError(describe_os_error(error, target)) from error
    return target


class _Transfer:
    """One file on its way: appends to the partial file, over as many requests as it takes."""

    def __init__(
        self,
        url: str,
        part: Path,
        size: int,
        progress: Callable[[int, int], None],
        cancel: Callable[[], bool],
        timeout_s: float,
    ) -> None:
        self._url = url
        self._part = part
        self._size = size
        self._progress = progress
        self._cancel = cancel
        self._timeout_s = timeout_s

    @property
    def have(self) -> int:
        """Bytes in the partial file."""
        return self._part.stat().st_size if self._part.exists() else 0

    def check_cancelled(self) -> None:
        """Raise Cancelled if the caller asked to stop."""
        if self._cancel():
            raise Cancelled("The download was stopped; it goes on from here the next time.")

    def attempt(self) -> None:
        """Ask for the missing bytes and append what comes.

        Raises:
            _LineBroken: Another attempt may help.
            WeightsDownloadError: Another attempt will not.
        """
        have = self.have
        if have > self._size:
            self._part.unlink()
            have = 0
        self._progress(have, self._size)
        if have == self._size:
            return
        request = urllib.request.Request(
            self._url,
            headers={
                "Range": f"bytes={have}-",
                "Accept-Encoding": "identity",
                "User-Agent": "cmp-studio",
            },
        )
        try:
            response = urllib.request.urlopen(request, timeout=self._timeout_s)
        except urllib.error.HTTPError as error:
            error.close()
            self._explain_status(error.code)
        except (http.client.HTTPException, OSError) as error:
            raise _LineBroken(_describe(error)) from error
        else:
            with response:
                self._receive(response, have)

    def _explain_status(self, status: int) -> None:
        if status == _RESTART_STATUS:
            self._part.unlink(missing_ok=True)
        elif status in _FINAL_STATUSES:
            raise WeightsDownloadError(
                "The server answered {status} ({answer}) for {url}; the file is no longer there or "
                "not open to everyone.",
                status=status,
                answer=http.client.responses[status],
                url=self._url,
            )
        raise _LineBroken(f"the server answered {status}")

    def _receive(self, response: http.client.HTTPResponse, have: int) -> None:
        start = have if _resumes_at(response, have) else 0
        announced = response.headers.get("Content-Length")
        if announced is not None and announced.isdigit() and start + int(announced) != self._size:
            raise WeightsDownloadError(
                "Expected a file of {size:,} bytes at {url}, but the server has one of "
                "{expected:,} bytes.",
                size=self._size,
                url=self._url,
                expected=start + int(announced),
            )
        with self._part.open("r+b" if start else "wb") as file:
            file.seek(start)
            have = start
            while have < self._size:
                self.check_cancelled()
                chunk = _read_chunk(response)
                if not chunk:
                    raise _LineBroken("the connection broke off")
                if have + len(chunk) > self._size:
                    file.close()
                    self._part.unlink()
                    raise WeightsDownloadError(
                        "Expected a file of {size:,} bytes at {url}, but the server sent more.",
                        size=self._size,
                        url=self._url,
                    )
                file.write(chunk)
                have += len(chunk)
                self._progress(have, self._size)


def _persist(transfer: _Transfer, attempts: int, pause: Callable[[float], None]) -> None:
    """Repeat until the file is whole; give up after ``attempts`` in a row that bring nothing."""
    failures = 0
    while True:
        transfer.check_cancelled()
        before = transfer.have
        try:
            transfer.attempt()
        except _LineBroken as error:
            failures = 0 if transfer.have > before else failures + 1
            if failures >= attempts:
                raise WeightsDownloadError(
                    "The download did not finish ({error}); what came is kept, so try again later.",
                    error=error,
                ) from error
            waited = 0.0
            while waited < min(2.0**failures, MAX_PAUSE_SECONDS):
                transfer.check_cancelled()
                pause(PAUSE_STEP_SECONDS)
                waited += PAUSE_STEP_SECONDS
        else:
            return


def _read_chunk(response: http.client.HTTPResponse) -> bytes:
    """Return what has come, at most a chunk; nothing at the end."""
    try:
        return response.read1(CHUNK_BYTES)
    except (http.client.HTTPException, OSError) as error:
        raise _LineBroken(_describe(error)) from error


def _describe(error: Exception) -> str:
    if isinstance(error, http.client.HTTPException):
        return "the server's answer makes no sense"
    reason = str(getattr(error, "reason", None) or error)
    return " ".join(reason.split())[:100] or type(error).__name__


def _resumes_at(response: http.client.HTTPResponse, have: int) -> bool:
    if response.status != http.client.PARTIAL_CONTENT:
        return False
    start = response.headers.get("Content-Range", "").removeprefix("bytes ").split("-")[0]
    if start != str(have):
        raise _LineBroken("the server sent another part than the one asked for")
    return True


def _is_expected(path: Path, size: int, sha256: str) -> bool:
    if not path.is_file() or path.stat().st_size != size:
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == sha256


def _ignore(have: int, size: int) -> None:
    pass


def _never() -> bool:
    return False
