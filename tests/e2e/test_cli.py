"""The command line for real: pictures in, films out, read back. Only the window is left out.

The shipped weights are used where they are there, else a small network with random weights, which
moves things somehow.
"""

import json
import os
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from cmp_engine.flow_io import read_flow
from cmp_engine.image_io import read_image, write_image
from cmp_engine.video_io import read_video
from cmp_studio.cli import main
from cmp_studio.document.project_file import load_scene, load_thumbnail
from tests.e2e.conftest import write_disc

HEIGHT, WIDTH = 90, 121  # an odd side, and an aspect of its own


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    """A disc on a flat, faintly textured ground."""
    path = tmp_path_factory.mktemp("photos") / "größe 1.png"
    return write_disc(path, (HEIGHT, WIDTH), (45, 45), 22)


@pytest.fixture
def run(weights, capsys):
    """Run a command with the weights on the CPU; give exit code, stdout and stderr."""

    def call(*arguments):
        capsys.readouterr()
        words = [str(argument) for argument in arguments]
        if words[0] in ("animate", "render", "flow", "doctor"):
            words += ["--weights", weights, "--device", "cpu"]
        code = main(words)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


SHORT = ("--duration", "0.5", "--fps", "8")
ARROW = ("--arrow", "45,45,12,-6", "--pin", "110,80")


def test_animate_when_mp4_then_writes_a_film_that_starts_with_the_picture(run, photo, tmp_path):
    out = tmp_path / "film.mp4"
    code, text, _ = run("animate", photo, *ARROW, *SHORT, "-o", out)
    assert code == 0
    assert text.startswith(f"{out}: 6 frames of {WIDTH} x {HEIGHT}, 0.75 s, ")
    frames = list(read_video(out))
    assert len(frames) == 6
    assert frames[0].shape == (HEIGHT, WIDTH + 1, 3)  # even, as players want it
    picture = read_image(photo).astype(int)
    assert np.abs(frames[0][:, :WIDTH].astype(int) - picture).mean() < 5
    assert [entry.name for entry in tmp_path.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("suffix", ["gif", "webm", "webp"])
def test_animate_when_another_format_then_has_the_same_frames(run, photo, tmp_path, suffix):
    out = tmp_path / f"film.{suffix}"
    code, _, _ = run("animate", photo, *ARROW, *SHORT, "-o", out)
    assert code == 0
    if suffix == "webp":  # ffmpeg writes animated WebP but does not read it
        from PIL import Image

        with Image.open(out) as film:
            assert (film.n_frames, film.size) == (6, (WIDTH, HEIGHT))
    else:
        assert len(list(read_video(out))) == 6


def test_animate_when_a_folder_then_writes_lossless_frames_the_first_of_which_is_the_picture(
    run, photo, tmp_path
):
    code, _, _ = run("animate", photo, *ARROW, *SHORT, "-o", tmp_path / "frames")
    frames = list(read_video(tmp_path / "frames"))
    assert (code, len(frames)) == (0, 6)
    np.testing.assert_array_equal(frames[0], read_image(photo))
    assert any(np.abs(frame.astype(int) - frames[0]).max() > 8 for frame in frames[1:])


def test_animate_when_run_twice_then_gives_the_same_bytes(run, photo, tmp_path):
    for name in ("one", "two"):
        assert run("animate", photo, *ARROW, *SHORT, "-o", tmp_path / name)[0] == 0
    one, two = (list(read_video(tmp_path / name)) for name in ("one", "two"))
    np.testing.assert_array_equal(one, two)


def test_animate_when_frozen_then_what_is_white_in_the_mask_stays(run, photo, tmp_path):
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask[:, 60:] = 255
    write_image(tmp_path / "mask.png", mask)
    out = tmp_path / "frames"
    code, _, _ = run("animate", photo, *ARROW, *SHORT, "--freeze", tmp_path / "mask.png", "-o", out)
    assert code == 0
    picture = read_image(photo)
    for frame in read_video(out):
        changed = np.abs(frame[:, 90:].astype(int) - picture[:, 90:])
        assert changed.mean() < 2  # the moving part may pass over the edge of the mask


def test_animate_when_paths_size_loops_and_timing_are_given_then_follows(run, photo, tmp_path):
    out = tmp_path / "film.mp4"
    code, text, _ = run(
        "animate", photo, "--path", "45,45:60,40:70,50", "--loop", "seamless", "--easing", "linear",
        "--repeat", "sway", "--duration", "0.5", "--fps", "8", "--loops", "2", "--height", "60",
        "--strength", "0.5", "--quality", "draft", "-o", out, "--json",
    )  # fmt: skip
    assert code == 0
    result = json.loads(text)
    frames = list(read_video(out))
    assert result["frames"] == len(frames) == 8
    assert frames[0].shape == (60, 80, 3) == (result["height"], result["width"], 3)
    assert result["bytes"] == out.stat().st_size
    assert (result["ok"], result["fps"], result["seconds"]) == (True, 8.0, 1.0)
    assert len(result["weights"]["sha256"]) == 64


def test_scene_when_saved_by_animate_then_renders_to_the_same_frames(run, photo, tmp_path):
    scene = tmp_path / "scene.cmps"
    code, _, _ = run("animate", photo, *ARROW, *SHORT, "-o", tmp_path / "a", "--save-scene", scene)
    assert code == 0
    assert [track.kind for track in load_scene(scene).tracks] == ["arrow", "pin"]
    assert read_image(load_thumbnail(scene)).shape == (HEIGHT, WIDTH, 3)
    assert run("render", scene, "-o", tmp_path / "b")[0] == 0
    one, two = (list(read_video(tmp_path / name)) for name in "ab")
    np.testing.assert_array_equal(one, two)


def test_animate_when_only_a_scene_is_wanted_then_needs_no_network(run, photo, tmp_path, capsys):
    scene = tmp_path / "scene.cmps"
    code = main(["animate", str(photo), *ARROW, "--save-scene", str(scene), "--weights", "none"])
    assert code == 0
    assert load_scene(scene).picture.data == photo.read_bytes()
    assert load_thumbnail(scene) is not None


def test_render_when_settings_are_given_then_change_this_film_alone(run, photo, tmp_path):
    scene = tmp_path / "scene.cmps"
    run("animate", photo, *ARROW, *SHORT, "--save-scene", scene)
    before = scene.read_bytes()
    code, text, _ = run(
        "render", scene, "-o", tmp_path / "a.gif", "--loop", "hold", "--max-side", "64", "--json"
    )
    assert code == 0
    assert json.loads(text)["frames"] == 12  # half a second, and a second's rest
    assert next(read_video(tmp_path / "a.gif")).shape == (48, 64, 3)
    assert scene.read_bytes() == before


@pytest.mark.parametrize("suffix", ["flo", "png"])
def test_flow_when_written_then_is_read_back_as_the_flow_of_the_whole_picture(
    run, photo, tmp_path, suffix
):
    out = tmp_path / f"flow.{suffix}"
    code, text, _ = run("flow", photo, *ARROW, "-o", out, "--json")
    assert code == 0
    flow, _ = read_flow(out)
    assert flow.shape == (HEIGHT, WIDTH, 2)
    assert np.isfinite(flow).all()
    longest = float(np.hypot(*np.moveaxis(flow, -1, 0)).max())
    assert json.loads(text)["longest"] == pytest.approx(longest, abs=0.03)


def test_flow_when_a_picture_is_wanted_then_draws_it_with_a_legend(run, photo, tmp_path):
    color = tmp_path / "wheel.png"
    code, _, _ = run("flow", photo, *ARROW, "--color", color, "--max-flow", "50")
    assert code == 0
    assert read_image(color).shape == (HEIGHT, WIDTH, 3)


def test_flow_when_raw_and_bilinear_then_is_the_bare_prediction(run, photo, weights, tmp_path):
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.weights import load_model

    out = tmp_path / "flow.npy"
    assert run("flow", photo, *ARROW, "--raw", "--upsampling", "bilinear", "-o", out)[0] == 0
    predictor = MotionPredictor(load_model(weights), device="cpu")
    predictor.set_image(read_image(photo))
    expected = predictor.predict([(45, 45), (110, 80)], [(12, -6), (0, 0)], upsampling="bilinear")
    np.testing.assert_allclose(read_flow(out)[0], expected, atol=1e-4)


def test_flow_when_given_a_scene_then_uses_its_arrows(run, photo, tmp_path):
    scene = tmp_path / "scene.cmps"
    run("animate", photo, *ARROW, "--save-scene", scene)
    assert run("flow", scene, "-o", tmp_path / "a.npy")[0] == 0
    assert run("flow", photo, *ARROW, "-o", tmp_path / "b.npy")[0] == 0
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), np.load(tmp_path / "b.npy"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.png", "-o", "a.mp4"], "There is no file gone.png"),
        (["notes.txt", "-o", "a.mp4"], "notes.txt is not a picture known here"),
        (["PHOTO", "--arrow", "500,5,1,1", "-o", "a.mp4"], "outside of the picture, which is 121"),
        (["PHOTO", "-o", "a.avi"], "ends in .avi, change the name"),
        (["PHOTO", "-o", "nowhere/a.mp4"], "does not exist"),
        (["PHOTO", "-o", "a.mp4", "--max-side", "9"], "would give"),
        (["PHOTO", "-o", "a.mp4", "--strength", "9"], "Strength must be from 0 to 4"),
        (["PHOTO", "-o", "a.mp4", "--freeze", "notes.txt"], "not a readable picture"),
        (["PHOTO", "-o", "a.mp4", "--freeze", "small.png"], "size of the picture, 121 x 90"),
    ],
)
def test_animate_when_the_input_is_bad_then_is_one_line_and_leaves_nothing(
    run, photo, tmp_path, monkeypatch, arguments, message
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("hello")
    write_image(tmp_path / "small.png", np.zeros((20, 20, 3), np.uint8))
    code, out, err = run("animate", *(photo if word == "PHOTO" else word for word in arguments))
    assert (code, out) == (1, "")
    assert message in err
    assert "Traceback" not in err
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["notes.txt", "small.png"]


def test_animate_when_weights_or_device_are_not_there_then_says_so(photo, tmp_path, capsys, home):
    out = str(tmp_path / "a.mp4")
    assert main(["animate", str(photo), "-o", out, "--weights", "nobody"]) == 1
    assert "There are no weights named 'nobody'" in capsys.readouterr().err
    assert main(["animate", str(photo), "-o", out, "--weights", "cmp-official"]) == 1
    assert "cmp-studio weights fetch cmp-official" in capsys.readouterr().err
    assert not (tmp_path / "a.mp4").exists()


def test_animate_when_the_device_is_unknown_then_says_so(run, photo, tmp_path, weights, capsys):
    out = str(tmp_path / "a.mp4")
    code = main(["animate", str(photo), "-o", out, "--weights", weights, "--device", "abacus"])
    assert code == 1
    assert "expected auto, cpu, cuda" in capsys.readouterr().err


def test_render_when_the_scene_is_damaged_then_is_one_line(run, photo, tmp_path):
    scene = tmp_path / "scene.cmps"
    with zipfile.ZipFile(scene, "w") as archive:
        archive.writestr("scene.json", "{}")
    code, _, err = run("render", scene, "-o", tmp_path / "a.mp4")
    assert code == 1
    assert err == (
        "cmp-studio: scene.cmps: This is not a scene of CMP Studio: scene.json must be an object "
        "of format 'cmp-studio-scene'.\n"
    )


def test_weights_when_imported_then_are_listed_verified_told_of_and_used(
    run, weights, photo, tmp_path
):
    assert run("weights", "import", weights, "--name", "mine")[0] == 0
    code, _, err = run("weights", "import", weights, "--name", "mine")
    assert (code, "already" in err) == (1, True)
    assert run("weights", "import", weights, "--name", "mine", "--replace")[0] == 0
    code, text, _ = run("weights", "list", "--json")
    rows = {row["name"]: row for row in json.loads(text)["weights"]}
    assert (code, rows["mine"]["is_here"], rows["cmp-official"]["is_here"]) == (0, True, False)
    code, text, _ = run("weights", "verify", "mine")
    assert (code, text.startswith("ok      mine: sha256 ")) == (0, True)
    code, text, _ = run("weights", "info", "mine")
    assert code == 0
    rows = {line.split()[0]: line for line in text.splitlines()}
    assert {"network", "parameters", "sha256", "source"} <= set(rows)
    assert (
        main(["flow", str(photo), *ARROW, "-o", str(tmp_path / "a.flo"), "--weights", "mine", "-q"])
        == 0
    )


def test_weights_verify_when_a_file_is_damaged_then_says_broken_and_gives_1(run, weights, tmp_path):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(Path(weights).read_bytes()[:-1000])
    code, text, _ = run("weights", "verify", weights, bad)
    lines = text.splitlines()
    assert code == 1
    assert lines[0].startswith("ok ")
    assert lines[1].startswith("BROKEN ")


def test_doctor_when_all_is_well_then_every_check_is_ok_or_a_note(run):
    code, text, _ = run("doctor", "--json")
    report = json.loads(text)
    assert (code, report["ok"]) == (0, True), text
    names = {check["name"] for check in report["checks"]}
    assert names >= {"Python", "packages", "memory", "device", "weights", "ffmpeg", "window"}


def test_doctor_when_the_weights_are_missing_then_gives_1_and_says_what_to_do(capsys, home):
    assert main(["doctor", "--weights", "nobody"]) == 1
    out = capsys.readouterr().out
    assert "BROKEN  weights: There are no weights named 'nobody'" in out
    assert out.endswith("Broken: weights.\n")


@pytest.fixture
def heard_interrupts() -> Iterator[None]:
    """Let children hear Ctrl-C even where this run is in the background and ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heard_interrupts")
def test_animate_when_interrupted_then_leaves_nothing_and_gives_130(photo, weights, tmp_path):
    command = [
        sys.executable, "-m", "cmp_studio", "animate", str(photo), *ARROW, "--duration", "40",
        "--strength", "0", "--height", "720", "-o", str(tmp_path / "film.mp4"),
        "--weights", weights, "--device", "cpu",
    ]  # fmt: skip
    with subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        first = process.stderr.readline()
        os.killpg(process.pid, signal.SIGINT)  # as Ctrl-C does: ffmpeg hears it too
        errors = process.stderr.read()
    assert first.startswith("film.mp4: 25 % (")
    assert process.returncode == 130
    assert errors == "cmp-studio: stopped; nothing was left half written.\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.data
def test_animate_when_a_real_photo_then_moves_at_full_resolution(run, data_folder, tmp_path):
    photo = sorted((data_folder / "photos" / "images").glob("*.jpg"))[0]
    height, width = read_image(photo).shape[:2]
    arrow = f"{width // 2},{height // 2},{width // 30},0"
    out = tmp_path / "film.mp4"
    code, _, _ = run(
        "animate", photo, "--arrow", arrow, "--duration", "0.1", "--fps", "20", "-o", out
    )
    assert code == 0
    frame = next(read_video(out, max_frames=1))
    assert frame.shape == (height + height % 2, width + width % 2, 3)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "arrow", "pins"),
    [
        ("photo_espinasse", (250, 190, 15, 5), [(250, 400), (90, 200), (400, 200)]),
        ("lemur", (310, 190, 24, 6), [(240, 330), (400, 340), (80, 150), (560, 200)]),
        ("print_botanical", (200, 480, 12, -22), [(75, 490), (160, 300), (340, 540)]),
    ],
)
def test_flow_when_a_real_photo_and_the_shipped_weights_then_arrows_are_followed_and_pins_hold(
    data_folder, tmp_path, name, arrow, pins
):
    from cmp_engine.weights import list_weights

    if list_weights()[0].problem is not None:
        pytest.skip("the shipped weights are not there")
    photo = data_folder / "photos" / "images" / f"{name}.jpg"
    words = ["flow", str(photo), "--arrow", ",".join(map(str, arrow)), "--device", "cpu", "-q"]
    for x, y in pins:
        words += ["--pin", f"{x},{y}"]
    assert main([*words, "-o", str(tmp_path / "flow.npy")]) == 0
    flow = np.load(tmp_path / "flow.npy")
    x, y, dx, dy = arrow
    assert np.hypot(*(flow[y, x] - (dx, dy))) < 0.2 * np.hypot(dx, dy)
    for x, y in pins:
        assert np.hypot(*flow[y, x]) < 1
    assert 0.005 < (np.hypot(flow[..., 0], flow[..., 1]) > 1).mean() < 0.4
