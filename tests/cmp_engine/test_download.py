"""Downloads from servers that stall, break off and lie."""

from __future__ import annotations

import hashlib
import socket
from functools import partial
from pathlib import Path

import pytest

from cmp_engine import download
from cmp_engine.errors import Cancelled, WeightsDownloadError

DATA = bytes(range(256)) * 2000  # 512,000 bytes: several chunks
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def fetch(pauses):
    """`download.fetch` of DATA, which notes its pauses instead of waiting."""
    return partial(
        download.fetch, size=len(DATA), sha256=SHA256, timeout_s=0.3, pause=pauses.append
    )


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "folder" / "weights.pth.tar"


def _part(target: Path) -> Path:
    return target.with_name(target.name + ".part")


def test_fetch_brings_the_file_and_tells_its_progress(fetch, file_server, target):
    seen: list[tuple[int, int]] = []

    fetch(file_server(DATA), target, progress=lambda *counts: seen.append(counts))

    assert target.read_bytes() == DATA
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert seen[0] == (0, len(DATA))
    assert seen[-1] == (len(DATA), len(DATA))
    assert len(seen) > 3
    assert seen == sorted(seen)


def test_fetch_when_the_file_is_there_then_asks_nothing(fetch, file_server, target):
    url = file_server(DATA)
    target.parent.mkdir()
    target.write_bytes(DATA)

    fetch(url, target)

    assert file_server.ranges(url) == []


def test_fetch_when_another_file_is_there_then_replaces_it(fetch, file_server, target):
    target.parent.mkdir()
    target.write_bytes(b"old")

    fetch(file_server(DATA), target)

    assert target.read_bytes() == DATA


@pytest.mark.parametrize(
    "plan",
    [
        ("broken", "good"),
        ("broken", "broken", "broken", "broken", "broken", "broken", "broken", "good"),
        ("stalling", "good"),
        ("silent", "good"),
        ("status:503", "status:500", "status:429", "good"),
        ("garbage", "good"),
        ("redirecting", "good"),
        ("whole",),
        ("unannounced",),
        ("broken", "whole"),
        ("whole_broken", "whole_broken", "whole"),
        ("broken", "other_part", "good"),
        ("broken", "status:416", "good"),
    ],
    ids=" ".join,
)
def test_fetch_when_the_line_is_bad_for_a_while_then_brings_the_file(
    fetch, file_server, target, plan
):
    fetch(file_server(DATA, plan), target)

    assert target.read_bytes() == DATA
    assert not _part(target).exists()


def test_fetch_when_the_line_breaks_then_asks_for_the_rest_alone(fetch, file_server, target):
    url = file_server(DATA, ("broken", "good"))

    fetch(url, target)

    assert file_server.ranges(url) == ["bytes=0-", f"bytes={len(DATA) // 2}-"]


def test_fetch_when_an_earlier_part_is_there_then_goes_on_from_it(fetch, file_server, target):
    url = file_server(DATA)
    target.parent.mkdir()
    _part(target).write_bytes(DATA[:100_000])

    fetch(url, target)

    assert file_server.ranges(url) == ["bytes=100000-"]
    assert target.read_bytes() == DATA


def test_fetch_when_the_part_is_whole_then_checks_it_and_asks_nothing(fetch, file_server, target):
    url = file_server(DATA)
    target.parent.mkdir()
    _part(target).write_bytes(DATA)

    fetch(url, target)

    assert file_server.ranges(url) == []
    assert target.read_bytes() == DATA


def test_fetch_when_the_part_is_too_long_then_starts_again(fetch, file_server, target):
    target.parent.mkdir()
    _part(target).write_bytes(DATA + b"x")

    fetch(file_server(DATA), target)

    assert target.read_bytes() == DATA


def test_fetch_when_the_part_is_of_another_file_then_refuses_and_removes_it(
    fetch, file_server, target
):
    url = file_server(DATA)
    target.parent.mkdir()
    _part(target).write_bytes(b"?" * 100_000)

    with pytest.raises(WeightsDownloadError, match="sha256 differs"):
        fetch(url, target)
    assert not _part(target).exists()

    fetch(url, target)
    assert target.read_bytes() == DATA


@pytest.mark.parametrize("plan", [("stalling",), ("silent",), ("status:503",), ("garbage",)])
def test_fetch_when_the_line_stays_bad_then_gives_up_and_keeps_what_came(
    fetch, file_server, target, plan, pauses
):
    url = file_server(DATA, ("broken", *plan))

    with pytest.raises(WeightsDownloadError, match="did not finish"):
        fetch(url, target, attempts=3, timeout_s=0.1)

    assert not target.exists()
    assert len(DATA) // 2 <= _part(target).stat().st_size < len(DATA)
    assert sum(pauses) > 0


def test_fetch_when_a_server_without_ranges_always_breaks_then_gives_up(fetch, file_server, target):
    url = file_server(DATA, ("whole_broken",))

    with pytest.raises(WeightsDownloadError, match="did not finish"):
        fetch(url, target, attempts=3)

    assert len(file_server.ranges(url)) == 4


def test_fetch_when_the_server_is_not_there_then_gives_up(fetch, target):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

    with pytest.raises(WeightsDownloadError, match="did not finish"):
        fetch(f"http://127.0.0.1:{port}/x", target, attempts=2)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_fetch_when_the_file_is_not_to_be_had_then_says_so_at_once(
    fetch, file_server, target, status, pauses
):
    with pytest.raises(WeightsDownloadError, match=f"answered {status}"):
        fetch(file_server(DATA, (f"status:{status}",)), target)

    assert pauses == []


@pytest.mark.parametrize("length", [len(DATA) - 1, len(DATA) + 1, 10 * len(DATA)])
def test_fetch_when_the_server_announces_another_size_then_says_so_at_once(
    fetch, file_server, target, length, pauses
):
    with pytest.raises(WeightsDownloadError, match=r"512,000 bytes .* but the server has one of"):
        fetch(file_server(DATA, (f"announcing:{length}",)), target)

    assert pauses == []
    assert not target.exists()


def test_fetch_when_the_server_sends_more_than_the_size_then_refuses(fetch, file_server, target):
    with pytest.raises(WeightsDownloadError, match="sent more"):
        fetch(file_server(DATA, ("overflowing",)), target)

    assert not _part(target).exists()


def test_fetch_when_the_server_sends_another_file_of_that_size_then_removes_it(
    fetch, file_server, target
):
    with pytest.raises(WeightsDownloadError, match="sha256 differs"):
        fetch(file_server(DATA[::-1]), target)

    assert list(target.parent.iterdir()) == []


def test_fetch_when_cancelled_midway_then_keeps_the_part_and_goes_on_later(
    fetch, file_server, target
):
    url = file_server(DATA)
    answers = iter([False] * 4 + [True])

    with pytest.raises(Cancelled):
        fetch(url, target, cancel=lambda: next(answers))
    have = _part(target).stat().st_size
    assert 0 < have < len(DATA)
    assert not target.exists()

    fetch(url, target)
    assert file_server.ranges(url)[-1] == f"bytes={have}-"
    assert target.read_bytes() == DATA


def test_fetch_when_cancelled_while_it_waits_to_try_again_then_stops_waiting(
    fetch, file_server, target, pauses
):
    with pytest.raises(Cancelled):
        fetch(
            file_server(DATA, ("status:503",)), target, cancel=lambda: len(pauses) >= 2, attempts=99
        )

    assert len(pauses) == 2


def test_fetch_when_the_folder_can_not_be_made_then_says_so(fetch, file_server, tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(WeightsDownloadError, match="can't be written"):
        fetch(file_server(DATA), tmp_path / "file" / "weights.pth.tar")


def test_fetch_when_the_disk_is_full_then_says_so(fetch, file_server, target, monkeypatch):
    class FullDisk:
        def __init__(self, file):
            self._file = file

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def __getattr__(self, name):
            return getattr(self._file, name)

        def write(self, _data):
            raise OSError(28, "No space left on device")

    real_open = Path.open

    def open_(path, mode="r", *args, **kwargs):
        file = real_open(path, mode, *args, **kwargs)
        return FullDisk(file) if mode == "wb" and path.suffix == ".part" else file

    monkeypatch.setattr(Path, "open", open_)

    with pytest.raises(WeightsDownloadError, match="full"):
        fetch(file_server(DATA), target)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "weights.pth.tar", ""])
def test_fetch_when_the_address_is_not_of_the_web_then_refuses(fetch, target, url):
    with pytest.raises(WeightsDownloadError, match="http or https"):
        fetch(url, target)
