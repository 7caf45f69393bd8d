import shlex
from dataclasses import replace
from pathlib import Path

from cmp_studio.cli.main import _parse
from cmp_studio.document.groups import Group
from cmp_studio.document.scene import FilmSettings, add_track, set_film
from cmp_studio.document.scene_edits import add_group
from cmp_studio.document.tracks import Timing, make_path
from cmp_studio.services.scene_command import command_of
from tests.cmp_studio.fakes import make_scene


def test_command_when_saved_then_renders_the_file():
    path = Path("/tmp/my scene.cmps")
    command = command_of(make_scene(), path=path, is_saved=True, weights="mine")
    words = shlex.split(command)
    assert words[:3] == ["cmp-studio", "render", str(path)]
    assert words[-2:] == ["--weights", "mine"]


def test_command_when_not_saved_then_the_arrows_are_on_the_line():
    scene = make_scene(arrows=1, pins=1)
    scene = add_track(scene, make_path(((1.0, 2.0), (3.0, 4.5), (5.0, 6.0))))
    scene = set_film(scene, FilmSettings(duration=3, loop="seamless"))
    command = command_of(scene, path=None, is_saved=False)
    assert "--arrow 10,20,8,4" in command
    assert "--pin 10,54" in command
    assert "--path 1,2:3,4.5:5,6" in command
    assert "--duration 3 --loop seamless" in command
    options = _parse(shlex.split(command)[1:])
    assert len(options.arrows) == len(options.pins) == len(options.paths) == 1


def test_command_when_the_scene_holds_more_then_it_must_be_saved():
    scene = make_scene(arrows=2)
    later = replace(scene.tracks[0], timing=Timing(start=0.5))
    scene = replace(scene, tracks=(later, scene.tracks[1]))
    assert command_of(scene, path=None, is_saved=False) is None
    assert command_of(scene, path=Path("a.cmps"), is_saved=False) is None


def test_command_when_a_track_is_in_a_group_then_it_must_be_saved():
    scene = add_group(make_scene(arrows=1), Group(name="Arm"))
    track = replace(scene.tracks[0], group=scene.groups[0].id)
    scene = replace(scene, tracks=(track,))
    assert command_of(scene, path=None, is_saved=False) is None
