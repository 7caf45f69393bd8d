from dataclasses import replace

import numpy as np
import pytest

from cmp_engine.errors import Cancelled, VideoError
from cmp_engine.video_io import read_video
from cmp_studio.document.scene import FilmSettings
from cmp_studio.pipeline.export import export_film
from cmp_studio.pipeline.film import Film


@pytest.fixture
def short(scene):
    return replace(scene, film=FilmSettings(0.5, 8.0))


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "frames"])
def test_export_film_when_read_back_then_shows_the_frames(short, predictor, tmp_path, name):
    steps = []
    path = export_film(
        short, predictor, tmp_path / name, progress=lambda done, total: steps.append((done, total))
    )
    frames = list(read_video(path))
    expected = list(Film(short, predictor))
    assert len(frames) == len(expected) == 6
    for frame, wanted in zip(frames, expected, strict=True):
        assert frame.shape == wanted.shape
        difference = np.abs(frame.astype(int) - wanted.astype(int))
        assert difference.mean() < (12 if name.endswith("gif") else 5)
    if name == "frames":
        np.testing.assert_array_equal(frames, expected)
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == sorted(done for done, _ in steps)


def test_export_film_when_fps_and_size_and_loops_are_given_then_follows(short, predictor, tmp_path):
    path = export_film(short, predictor, tmp_path / "a.mp4", fps=16.0, size_hw=(24, 32), loops=2)
    frames = list(read_video(path))
    assert (len(frames), frames[0].shape) == (28, (24, 32, 3))


def test_export_film_when_cancelled_then_leaves_nothing(short, predictor, tmp_path):
    with pytest.raises(Cancelled):
        export_film(short, predictor, tmp_path / "a.mp4", cancelled=lambda: predictor.answered > 0)
    assert list(tmp_path.iterdir()) == []


def test_export_film_when_the_folder_is_missing_then_says_so(short, predictor, tmp_path):
    with pytest.raises(VideoError, match="does not exist"):
        export_film(short, predictor, tmp_path / "nowhere" / "a.mp4")
