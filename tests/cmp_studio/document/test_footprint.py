from dataclasses import replace

import numpy as np

from cmp_studio.document.footprint import scene_parts
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_from_array
from cmp_studio.document.scene import Picture, Scene, add_track, set_freeze
from cmp_studio.document.scene_edits import add_group, replace_group, set_fill
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import make_path, make_take

PICTURE = Picture("a.png", 64, 48, bytes(1000), "0")
MASK = mask_from_array(np.full((48, 64), 255, np.uint8))


def sizes(scene):
    """Bytes by identity."""
    return {id(part): nbytes for part, nbytes in scene_parts(scene)}


def test_scene_parts_when_a_scene_has_all_kinds_then_each_is_there_with_its_bytes():
    scene = add_track(Scene(PICTURE), make_path(tuple((float(x), 9.0) for x in range(50))))
    take = take_from([(0.0, 0.0, 0.0), (0.5, 3.0, 1.0), (1.0, 9.0, 2.0)])
    scene = add_track(scene, make_take((5.0, 5.0), take))
    scene = set_freeze(add_group(scene, Group(mask=MASK)), replace(MASK, feather=3.0))
    plate = replace(PICTURE, data=bytes(700), digest="1")
    found = sizes(set_fill(scene, "plate", plate=plate))
    assert found[id(PICTURE.data)] == 1000
    assert found[id(plate.data)] == 700
    assert found[id(MASK.png)] == len(MASK.png)
    assert found[id(scene.tracks[0].points)] > 50 * 2 * 8
    assert found[id(scene.tracks[1].takes[0].samples)] > 3 * 3 * 8


def test_scene_parts_when_a_scene_is_edited_then_what_is_shared_stays_the_same():
    scene = add_group(Scene(PICTURE), Group(mask=MASK))
    softer = replace(scene.groups[0], mask=replace(MASK, feather=9.0), name="soft")
    assert sizes(replace_group(scene, softer)) == sizes(scene)
    other = mask_from_array(np.zeros((48, 64), np.uint8))
    assert set(sizes(replace_group(scene, replace(softer, mask=other)))) == {
        id(PICTURE.data), id(other.png)
    }  # fmt: skip
