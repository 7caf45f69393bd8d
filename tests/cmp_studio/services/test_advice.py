from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QObject, Signal

from cmp_studio.document.scene import add_track
from cmp_studio.document.takes import take_from
from cmp_studio.document.tracks import make_arrow, make_take
from cmp_studio.services import advice
from cmp_studio.services.frame_cache import CachedFrame
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import make_scene

END = 2.0


def frame(flow):
    return CachedFrame(np.zeros((64, 96, 3), np.uint8), np.asarray(flow, np.float16))


@pytest.fixture
def scene():
    made = make_scene(arrows=1)
    return replace(made, film=replace(made.film, loop="once"))


def test_advice_when_the_spot_follows_then_nothing_to_say(scene):
    flow = np.zeros((64, 96, 2))
    flow[14:26, 4:16] = (8, 4)
    assert advice.advise(scene, scene.tracks[0], frame(flow), END) == ""


def test_advice_when_nothing_moves_then_says_what_to_try(scene):
    still = frame(np.zeros((64, 96, 2)))
    assert advice.advise(scene, scene.tracks[0], still, END) == advice.NOTHING_MOVED


def test_advice_when_all_moves_and_nothing_is_pinned_then_pin(scene):
    flow = np.full((64, 96, 2), (8.0, 4.0))
    assert advice.advise(scene, scene.tracks[0], frame(flow), END) == advice.ALL_MOVED


def test_advice_when_beyond_the_reach_then_amber(scene):
    flow = np.full((64, 96, 2), (8.0, 4.0))
    told = advice.advise(scene, scene.tracks[0], frame(flow), END, reach_px=5.0)
    assert told == advice.TOO_FAR


def test_advice_when_all_is_off_then_said(scene):
    off = replace(scene, tracks=(replace(scene.tracks[0], is_on=False),))
    assert advice.advise(off, None, None, 0.0) == advice.ALL_STILL


class NotYet(QObject):
    """A preview that has rendered nothing exactly."""

    shown_changed = Signal()
    shown = SimpleNamespace(pose=None, is_exact=False, frame=None)


def test_advice_when_another_track_is_selected_then_what_was_said_of_the_first_is_gone(qapp):
    take = make_take((10.0, 10.0), take_from([(0, 0, 0), (0.5, 9, 0)]))
    scene = add_track(add_track(make_scene(), make_arrow((5, 5), (6, 5))), take)
    session, preview = Session(), NotYet()
    told = advice.Advice(session, preview)
    session.start(scene, open_picture(scene.picture))
    session.select([1])
    told.look()
    assert told.sentence == advice.TOO_SHORT
    session.select([2])
    assert told.sentence == ""
    told.look()  # a take has no head to be dragged further
    assert told.sentence == ""
