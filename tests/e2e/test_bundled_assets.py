from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cmp_engine.image_io import read_image
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.motion import film_seconds, peak_guidance
from cmp_studio.document.project_file import load_scene, load_thumbnail

ASSETS = Path(__file__).parents[2] / "assets"
NAMES = ["creature", "machine", "marionette"]


def test_samples_when_listed_then_all_three_and_light():
    scenes = sorted((ASSETS / "samples").glob("*.cmps"))
    assert [path.stem for path in scenes] == NAMES
    pictures = [ASSETS / "samples" / f"{name}.jpg" for name in NAMES]
    assert sum(path.stat().st_size for path in pictures) < 2.5e6


@pytest.mark.parametrize("name", NAMES)
def test_sample_when_loaded_then_picture_tracks_and_film_fit(name):
    path = ASSETS / "samples" / f"{name}.cmps"
    scene = load_scene(path)
    image = read_image(scene.picture.data)
    assert image.shape == (960, 1280, 3)
    assert scene.picture.data == (ASSETS / "samples" / f"{name}.jpg").read_bytes()
    assert load_thumbnail(path) is not None
    kinds = [track.kind for track in scene.tracks]
    assert kinds.count("pin") >= 3
    assert len(kinds) - kinds.count("pin") >= 2
    points, displacements = (np.array(values) for values in peak_guidance(scene))
    heads = points + displacements
    assert (points >= 0).all()
    assert (heads >= 0).all()
    assert (heads < [1280, 960]).all()
    assert 1.5 <= film_seconds(scene.film) <= 6


@pytest.mark.parametrize("name", NAMES)
def test_sample_when_frozen_then_no_arrow_starts_on_scenery(name):
    scene = load_scene(ASSETS / "samples" / f"{name}.cmps")
    assert scene.freeze is not None
    mask = mask_to_array(scene.freeze)
    for track in scene.tracks:
        if track.kind != "pin":
            x, y = track.tail
            assert mask[round(y), round(x)] == 0, track.name


@pytest.mark.parametrize("side", [16, 24, 32, 48, 64, 128, 256, 512])
def test_icon_when_read_then_has_its_size_and_round_corners(side):
    with Image.open(ASSETS / "icons" / f"cmp-studio-{side}.png") as icon:
        assert icon.size == (side, side)
        alpha = np.asarray(icon.convert("RGBA"))[..., 3]
    assert alpha[0, 0] == 0
    assert alpha[side // 2, side // 2] == 255


def test_readme_when_read_then_every_asset_is_named():
    text = (ASSETS / "README.md").read_text()
    named = ["samples/*.cmps", "samples/*.py", "samples/*_still.png", "icons/cmp-studio.svg"]
    named += ["weights/default.safetensors", *(f"samples/{name}.jpg" for name in NAMES)]
    for name in named:
        assert name in text
