"""`render` of a saved scene, and the export of the same scene in memory: the same frames."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cmp_engine.image_io import encode_image
from cmp_engine.video_io import read_video
from cmp_studio.cli import main, work
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.project_file import save_scene
from cmp_studio.document.scene import FilmSettings, Scene, add_track, picture_from_bytes
from cmp_studio.document.scene_edits import add_group
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import make_arrow, make_path, make_pin, make_take
from cmp_studio.pipeline.export import export_film
from cmp_studio.pipeline.film import Film
from cmp_studio.pipeline.sizes import output_size
from tests.cmp_studio.fakes import FakePredictor

HEIGHT, WIDTH = 72, 96


class QuickPredictor(FakePredictor):
    """Answers at once; what is compared does not depend on the network."""

    device = "cpu"


@pytest.fixture(scope="module")
def scene():
    """A scene with some of everything."""
    rng = np.random.default_rng(6)
    image = cv2.GaussianBlur(rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8), (0, 0), 2)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[15:55, 50:80] = 255
    frozen = np.zeros((HEIGHT, WIDTH), np.uint8)
    frozen[64:] = 255
    film = FilmSettings(0.5, 6.0, "seamless", 1.2, "chained", 180.0, 2, 2)
    scene = Scene(
        picture_from_bytes(encode_image(image, suffix=".png"), "noise.png"),
        film=film,
        freeze=mask_from_array(frozen, feather=2.0),
        fill="inpaint",
    )
    scene = add_track(scene, make_arrow((60, 30), (64, 27)))
    scene = add_track(scene, make_path(((20, 20), (23, 22), (24, 24))))
    scene = add_track(scene, make_pin((10, 50), stiffness=6))
    take = take_from([(0, 0, 0), (0.2, 3, 1), (0.4, 1, 4)])
    scene = add_track(scene, make_take((35, 45), replace(take, smoothing=0.05)))
    return add_group(scene, Group(mask=mask_from_array(mask, feather=1.0)), track_ids=[1])


@pytest.mark.parametrize("max_side", [None, 40])
def test_render_when_a_scene_was_saved_then_gives_the_frames_of_the_export(
    scene, tmp_path, capsys, monkeypatch, max_side
):
    monkeypatch.setattr(work, "load_predictor", lambda options, console: QuickPredictor())
    save_scene(scene, tmp_path / "scene.cmps")
    options = [] if max_side is None else ["--max-side", str(max_side)]
    code = main(["render", str(tmp_path / "scene.cmps"), "-o", str(tmp_path / "a"), *options])
    assert code == 0, capsys.readouterr().err
    size_hw = output_size(scene.picture, max_side=max_side)
    export_film(scene, QuickPredictor(), tmp_path / "b", format="png", size_hw=size_hw)
    rendered, exported = (list(read_video(tmp_path / name)) for name in ("a", "b"))
    assert len(rendered) == len(exported) == 3
    assert all(np.array_equal(a, b) for a, b in zip(rendered, exported, strict=True))
    assert not np.array_equal(rendered[0], rendered[1])


def test_film_when_it_has_some_of_everything_then_closes(scene):
    difference = Film(scene, QuickPredictor()).loop_difference()
    assert (difference.motion_px, difference.mean, difference.largest) == (0, 0, 0)
