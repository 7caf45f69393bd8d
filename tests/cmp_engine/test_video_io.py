import errno
import gc
import os
import re
import stat
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from cmp_engine import ffmpeg_process, film_target, video_io
from cmp_engine.errors import Cancelled, VideoError
from cmp_engine.video_io import read_video, write_video

FORMATS = ["a.mp4", "a.gif", "a.webm", "a.webp", "frames"]
FLAT_COLOURS = [(200, 40, 40), (40, 170, 60), (50, 60, 200), (230, 200, 40), (128, 128, 128)]


def film(count: int = 6, height: int = 64, width: int = 96) -> Iterator[np.ndarray]:
    """Flat stripes in colours that a wrong matrix or range would shift, and a box that moves."""
    stripes = np.repeat(np.array(FLAT_COLOURS, np.uint8), -(-width // 5), axis=0)[:width]
    for index in range(count):
        frame = np.broadcast_to(stripes, (height, width, 3)).copy()
        frame[8:20, 4 + 3 * index : 16 + 3 * index] = 255
        yield frame


def probe(path: Path) -> str:
    """What ffmpeg says of a file."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def boxes(path: Path) -> list[bytes]:
    """The names of an MP4's top-level boxes, in order."""
    data, at, names = path.read_bytes(), 0, []
    while at < len(data):
        names.append(data[at + 4 : at + 8])
        at += int.from_bytes(data[at : at + 4], "big")
    return names


def stripe_error(frame: np.ndarray, height: int = 64, width: int = 96) -> float:
    """The greatest difference from the flat colours, in the middle of each stripe."""
    step = -(-width // 5)
    middles = [min(index * step + step // 2, width - 4) for index in range(5)]
    lower = frame[height // 2 :, middles].reshape(-1, 5, 3).astype(float)
    return float(np.abs(lower - np.array(FLAT_COLOURS)).max())


@pytest.fixture(autouse=True)
def no_leftovers(tmp_path):
    """After every test: no hidden folder beside the film, and no ffmpeg left to be reaped."""
    yield
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []
    gc.collect()
    if os.name == "posix":
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, os.WNOHANG)


def test_write_when_mp4_then_any_player_plays_it(tmp_path):
    path = write_video(tmp_path / "a.mp4", film(), fps=24, frame_count=6)
    told = probe(path)
    assert re.search(r"Video: h264 \(High\)", told)
    assert "yuv420p(tv, bt709" in told
    assert "96x64" in told
    assert "24 fps" in told
    assert boxes(path).index(b"moov") < boxes(path).index(b"mdat")
    frames = list(read_video(path))
    assert len(frames) == 6
    assert max(stripe_error(frame) for frame in frames) < 6


@pytest.mark.parametrize(
    ("fps", "told"), [(12.5, "12.50 fps"), (29.97, "29.97 fps"), (60, "60 fps")]
)
def test_write_when_fps_is_odd_then_file_keeps_it(tmp_path, fps, told):
    path = write_video(tmp_path / "a.mp4", film(), fps=fps, frame_count=6)
    assert told.replace(".50", ".5").split(" ")[0] in probe(path)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_write_when_sides_are_odd_then_edge_is_repeated(tmp_path, name):
    path = write_video(tmp_path / name, film(3, 45, 77), fps=24, frame_count=3)
    frame = next(read_video(path))
    assert frame.shape == (46, 78, 3)
    assert np.abs(frame[45].astype(int) - frame[44]).max() < 12
    assert stripe_error(frame[:45, :77], 45, 77) < 10


def test_write_when_webm_then_vp9_in_bt709(tmp_path):
    path = write_video(tmp_path / "a.webm", film(), fps=24, frame_count=6, quality="draft")
    told = probe(path)
    assert "Video: vp9" in told
    assert "yuv420p(tv, bt709" in told
    frames = list(read_video(path))
    assert len(frames) == 6
    assert stripe_error(frames[-1]) < 8


@pytest.mark.parametrize("loop", [True, False])
def test_write_when_gif_then_loop_size_and_colours_are_right(tmp_path, loop):
    path = write_video(tmp_path / "a.gif", film(), fps=25, frame_count=6, loop=loop)
    assert (b"NETSCAPE2.0" in path.read_bytes()) == loop
    with Image.open(path) as gif:
        assert gif.n_frames == 6
        assert gif.size == (96, 64)
        assert gif.info["duration"] == 40
        assert gif.info.get("loop") == (0 if loop else None)
        for index in range(6):
            gif.seek(index)
            assert stripe_error(np.asarray(gif.convert("RGB"))) < 6


def test_write_when_gif_of_24_fps_then_it_lasts_as_long(tmp_path):
    path = write_video(tmp_path / "a.gif", film(24), fps=24, frame_count=24)
    with Image.open(path) as gif:
        durations = []
        for index in range(gif.n_frames):
            gif.seek(index)
            durations.append(gif.info["duration"])
    assert abs(sum(durations) - 1000) <= 20


def test_write_when_gif_is_faster_than_browsers_show_then_frames_are_left_out(tmp_path):
    path = write_video(tmp_path / "a.gif", film(24), fps=100, frame_count=24)
    with Image.open(path) as gif:
        assert gif.n_frames == 12
        assert gif.info["duration"] == 20


@pytest.mark.parametrize("loop", [True, False])
def test_write_when_webp_then_animation_loops_as_asked(tmp_path, loop):
    path = write_video(
        tmp_path / "a.webp", film(), fps=25, frame_count=6, loop=loop, quality="best"
    )
    with Image.open(path) as webp:
        assert webp.n_frames == 6
        assert webp.size == (96, 64)
        assert webp.info["loop"] == (0 if loop else 1)
        webp.seek(5)
        webp.load()
        assert webp.info["duration"] == 40
        assert stripe_error(np.asarray(webp.convert("RGB"))) < 12


def test_write_when_png_then_folder_of_exact_frames(tmp_path):
    folder = write_video(tmp_path / "100% frames", film(), fps=24, frame_count=6)
    assert sorted(entry.name for entry in folder.iterdir()) == [
        f"frame_{number:05d}.png" for number in range(1, 7)
    ]
    for ours, read in zip(film(), read_video(folder), strict=True):
        np.testing.assert_array_equal(read, ours)


def test_write_when_folder_holds_an_earlier_film_then_it_is_replaced(tmp_path):
    folder = tmp_path / "frames"
    write_video(folder, film(6), fps=24, frame_count=6)
    write_video(folder, film(2), fps=24, frame_count=2)
    assert len(list(folder.iterdir())) == 2


@pytest.mark.parametrize("name", FORMATS)
def test_write_when_one_frame_of_16_px_then_film_of_one_frame(tmp_path, name):
    path = write_video(tmp_path / name, film(1, 16, 20), fps=10, frame_count=1)
    frames = list(read_video(path))
    assert len(frames) == 1
    assert frames[0].shape == (16, 20, 3)


@pytest.mark.parametrize("quality", ["draft", "good", "best"])
@pytest.mark.parametrize("name", FORMATS)
def test_write_when_any_quality_then_every_frame_is_there(tmp_path, name, quality):
    path = write_video(tmp_path / name, film(4), fps=24, frame_count=4, quality=quality)
    assert len(list(read_video(path))) == 4


def test_write_when_file_exists_then_it_is_replaced_with_ordinary_rights(tmp_path):
    path = tmp_path / "a.mp4"
    path.write_text("old")
    write_video(path, film(), fps=24, frame_count=6)
    (tmp_path / "plain").touch()
    assert len(list(read_video(path))) == 6
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_write_when_format_is_given_then_name_needs_no_suffix(tmp_path):
    path = write_video(tmp_path / "film", film(), fps=24, frame_count=6, format="gif")
    assert path.read_bytes()[:4] == b"GIF8"


def test_write_when_frame_is_not_contiguous_then_it_is_written_as_seen(tmp_path):
    flipped = [frame[:, ::-1] for frame in film()]
    folder = write_video(tmp_path / "frames", flipped, fps=24, frame_count=6)
    np.testing.assert_array_equal(next(read_video(folder)), flipped[0])


@pytest.mark.parametrize("expected", [6, 3, 20])
@pytest.mark.parametrize("name", FORMATS)
def test_write_when_done_then_progress_grew_to_the_end(tmp_path, name, expected):
    seen: list[tuple[int, int]] = []
    path = tmp_path / name

    def progress(done: int, total: int) -> None:
        assert path.exists() == (done == total)
        seen.append((done, total))

    write_video(path, film(), fps=24, frame_count=expected, progress=progress)
    done = [step for step, _ in seen]
    assert done == sorted(set(done))
    assert seen[-1][0] == seen[-1][1]
    if expected == 6:
        assert len(done) >= 6


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("asked", [1, 3])
def test_write_when_cancelled_then_nothing_is_left(tmp_path, name, asked):
    answers = iter([False] * asked + [True] * 100)
    with pytest.raises(Cancelled):
        write_video(tmp_path / name, film(), fps=24, frame_count=6, cancelled=lambda: next(answers))
    assert list(tmp_path.iterdir()) == []


def test_write_when_gif_is_cancelled_in_the_second_pass_then_nothing_is_left(tmp_path):
    done: list[int] = []
    with pytest.raises(Cancelled):
        write_video(
            tmp_path / "a.gif", film(40), fps=24, frame_count=40,
            progress=lambda step, _: done.append(step), cancelled=lambda: 40 in done,
        )  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", FORMATS)
def test_write_when_cancelled_then_an_earlier_film_stays(tmp_path, name):
    path = write_video(tmp_path / name, film(), fps=24, frame_count=6)
    with pytest.raises(Cancelled):
        write_video(path, film(), fps=24, frame_count=6, cancelled=lambda: True)
    assert len(list(read_video(path))) == 6


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, Cancelled])
def test_write_when_frames_raise_then_it_comes_through_and_nothing_is_left(tmp_path, error):
    def broken() -> Iterator[np.ndarray]:
        yield from film(3)
        raise error("stop")

    with pytest.raises(error):
        write_video(tmp_path / "a.mp4", broken(), fps=24, frame_count=6)
    assert list(tmp_path.iterdir()) == []


def test_write_when_frames_raise_os_error_then_it_is_not_blamed_on_the_film(tmp_path):
    def broken() -> Iterator[np.ndarray]:
        yield from film(3)
        raise OSError(errno.ENOSPC, "a cache is full")

    with pytest.raises(VideoError, match="Frame 4 could not be made"):
        write_video(tmp_path / "a.mp4", broken(), fps=24, frame_count=6)


@pytest.mark.parametrize(
    ("frames", "match"),
    [
        ([], "at least one frame, and none came"),
        ([np.zeros((32, 32, 3), np.uint8), np.zeros((32, 34, 3), np.uint8)], "frame 2 has 34 x 32"),
        ([np.zeros((32, 32, 3), np.float32)], "uint8"),
        ([np.zeros((32, 32), np.uint8)], "height, width, 3"),
        ([np.zeros((32, 32, 4), np.uint8)], "height, width, 3"),
        ([np.zeros((0, 32, 3), np.uint8)], "height, width, 3"),
        (["frame"], "str"),
        ([np.zeros((2, 16386, 3), np.uint8)], "at most 16384"),
    ],
)
def test_write_when_frames_are_wrong_then_sentence_and_nothing_left(tmp_path, frames, match):
    with pytest.raises(VideoError, match=match):
        write_video(tmp_path / "a.mp4", frames, fps=24, frame_count=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("a.avi", {}, "ends in .avi"),
        ("a.png", {"format": "png"}, "go to a folder"),
        ("a.mp4", {"format": "gif"}, "gif was asked for"),
        ("a.mp4", {"format": "mov"}, "'mov'"),
        ("a.mp4", {"quality": "superb"}, "'superb'"),
        ("a.mp4", {"fps": 0}, "0 came"),
        ("a.mp4", {"fps": float("nan")}, "nan came"),
        ("a.mp4", {"fps": 1e9}, "came"),
        ("a.mp4", {"frame_count": 0}, "at least one frame"),
        ("missing/a.mp4", {}, "does not exist"),
        ("missing/frames", {}, "does not exist"),
        ("text.txt/a.mp4", {}, "does not exist"),
        ("folder.mp4", {}, "is a folder"),
        ("full", {}, "holds other files, such as letter.txt"),
        ("plain", {}, "is a file"),
        ("x" * 300 + ".mp4", {}, "too long"),
    ],
)
def test_write_when_request_is_wrong_then_sentence_and_nothing_left(tmp_path, name, options, match):
    (tmp_path / "text.txt").touch()
    (tmp_path / "plain").touch()
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("dear")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(VideoError, match=match) as caught:
        write_video(tmp_path / name, film(), **{"fps": 24, "frame_count": 6, **options})
    assert str(caught.value).endswith(".")
    assert sorted(tmp_path.rglob("*")) == before


def test_write_when_folder_is_read_only_then_sentence(tmp_path, monkeypatch):
    def refuse(**_: object) -> str:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(film_target.tempfile, "mkdtemp", refuse)
    with pytest.raises(VideoError, match="read-only"):
        write_video(tmp_path / "a.mp4", film(), fps=24, frame_count=6)


def noise(count: int) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    for _ in range(count):
        yield rng.integers(0, 255, (240, 320, 3), np.uint8)


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of 128 kilobytes."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, check=False).returncode
    except OSError:
        done = 1
    if done != 0:
        pytest.skip("mounting a small file system needs rights that this user has not")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.expected_logs("ffmpeg failed")
def test_write_when_disk_is_full_then_sentence_and_room_is_given_back(tiny_disk, name):
    with pytest.raises(VideoError, match="is full"):
        write_video(tiny_disk / name, noise(6), fps=24, frame_count=6, quality="best")
    assert list(tiny_disk.iterdir()) == []


def fake_ffmpeg(folder: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Put a small Python program in ffmpeg's place."""
    script = folder / "ffmpeg.py"
    script.write_text(f"#!{sys.executable}\nimport sys, time\n{code}\n")
    script.chmod(0o755)
    monkeypatch.setattr(ffmpeg_process, "ffmpeg_executable", lambda: str(script))


@pytest.mark.skipif(os.name != "posix", reason="a script stands in for ffmpeg")
@pytest.mark.parametrize(
    ("complaint", "match"),
    [
        ("av_interleaved_write_frame(): No space left on device", "is full"),
        ("Unknown encoder 'libx264'", "can't write .mp4 films"),
        ("Something else", "ffmpeg failed, so a.mp4 was not written"),
    ],
)
@pytest.mark.parametrize("when", ["at once", "at the end"])
@pytest.mark.expected_logs("ffmpeg failed")
def test_write_when_ffmpeg_dies_then_sentence_and_its_words_in_the_log(
    tmp_path, tmp_path_factory, monkeypatch, complaint, match, when
):
    read = "" if when == "at once" else "sys.stdin.buffer.read()"
    code = f"{read}\nsys.stderr.write({complaint!r})\nsys.exit(1)"
    fake_ffmpeg(tmp_path_factory.mktemp("bin"), monkeypatch, code)
    with pytest.raises(VideoError, match=match) as caught:
        write_video(tmp_path / "a.mp4", noise(30), fps=24, frame_count=30)
    assert complaint not in str(caught.value)
    assert complaint in str(caught.value.__cause__)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="a script stands in for ffmpeg")
def test_write_when_cancelled_while_ffmpeg_hangs_then_it_is_ended(
    tmp_path, tmp_path_factory, monkeypatch
):
    code = "sys.stdin.buffer.read()\ntime.sleep(600)"
    fake_ffmpeg(tmp_path_factory.mktemp("bin"), monkeypatch, code)
    answers = iter([False] * 10 + [True] * 10)
    with pytest.raises(Cancelled):
        write_video(
            tmp_path / "a.mp4", film(), fps=24, frame_count=6, cancelled=lambda: next(answers)
        )
    assert list(tmp_path.iterdir()) == []


def test_write_when_there_is_no_ffmpeg_then_sentence(tmp_path, monkeypatch):
    def missing() -> str:
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr(ffmpeg_process.imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(VideoError, match="imageio-ffmpeg"):
        write_video(tmp_path / "a.mp4", film(), fps=24, frame_count=6)


def test_write_when_ffmpeg_can_not_start_then_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr(ffmpeg_process, "ffmpeg_executable", lambda: str(tmp_path / "nothing"))
    with pytest.raises(VideoError, match="could not be started"):
        write_video(tmp_path / "a.mp4", film(), fps=24, frame_count=6)


@pytest.mark.parametrize("name", FORMATS)
def test_write_when_film_is_long_then_memory_does_not_grow(tmp_path, name):
    peaks = []
    frame_bytes = 240 * 320 * 3
    for count in (10, 100):
        frames = (np.full((240, 320, 3), index % 250, np.uint8) for index in range(count))
        gc.collect()
        tracemalloc.start()
        write_video(tmp_path / f"{count}{name}", frames, fps=24, frame_count=count, quality="draft")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 2 * frame_bytes


def test_read_when_max_frames_then_no_more_come(tmp_path):
    path = write_video(tmp_path / "a.mp4", film(), fps=24, frame_count=6)
    assert len(list(read_video(path, max_frames=2))) == 2
    assert list(read_video(path, max_frames=0)) == []


def test_read_when_left_early_then_ffmpeg_is_ended(tmp_path):
    path = write_video(tmp_path / "a.mp4", film(40), fps=24, frame_count=40)
    reader = read_video(path)
    frame = next(reader)
    reader.close()
    assert frame.flags.writeable


@pytest.mark.expected_logs("ffmpeg failed")
def test_read_when_there_is_no_film_then_sentence(tmp_path):
    (tmp_path / "text.mp4").write_text("no film")
    (tmp_path / "empty folder").mkdir()
    for name, match in [
        ("missing.mp4", "no film"),
        ("text.mp4", "no film that can be read"),
        ("empty folder", "no pictures"),
    ]:
        with pytest.raises(VideoError, match=match):
            list(read_video(tmp_path / name))


def test_video_io_when_imported_then_torch_and_qt_are_not():
    code = (
        "import sys, cmp_engine.video_io, cmp_engine.image_io; "
        "print(sorted({'torch', 'PySide6', 'cv2'} & set(sys.modules)))"
    )
    root = Path(video_io.__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root
    )
    assert done.stdout.strip() == "[]"
