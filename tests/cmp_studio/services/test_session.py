from dataclasses import replace
from pathlib import Path

import pytest

from cmp_studio.document.scene_edits import set_fill
from cmp_studio.document.tracks import move_head
from cmp_studio.services.pictures import open_picture
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import make_scene


def heard(signal):
    calls = []
    signal.connect(lambda *arguments: calls.append(arguments))
    return calls


def test_session_when_nothing_is_open_then_commands_do_nothing(qtbot):
    session = Session()
    session.undo()
    session.redo()
    session.commit()
    session.abort()
    session.select_all()
    session.remove_selected()
    session.remove_all()
    session.duplicate_selected()
    session.nudge_selected(1, 1)
    assert session.scene is None
    assert session.selected_tracks == ()
    assert not session.is_dirty
    assert session.title == ""


def test_apply_when_nothing_is_open_then_says_what_to_do(qtbot):
    with pytest.raises(RuntimeError, match="open a picture first"):
        Session().apply(make_scene(), "Change")


def test_add_pin_when_undone_and_redone_then_gone_and_back(session):
    session.add_pin((10, 10))
    assert session.undo_label == "Set pin"
    session.undo()
    assert session.scene.tracks == ()
    assert session.redo_label == "Set pin"
    session.redo()
    assert session.scene.tracks[0].points == ((10.0, 10.0),)


def test_add_pin_when_undone_then_the_selection_forgets_it(session):
    session.add_pin((10, 10))
    assert len(session.selection) == 1
    session.undo()
    assert session.selection == frozenset()


def test_preview_when_committed_then_one_step(session):
    for x in (20, 30, 40):
        drawn = session.with_arrow((10, 10), (x, 10))
        session.preview(drawn, "Draw arrow", edited=[drawn.tracks[-1].id])
    assert session.has_gesture
    session.commit()
    assert session.scene.tracks[0].head == (40.0, 10.0)
    session.undo()
    assert session.scene.tracks == ()
    assert session.undo_label == ""


def test_preview_when_aborted_then_no_trace(session):
    session.preview(session.with_arrow((10, 10), (20, 10)), "Draw arrow")
    session.abort()
    assert session.scene.tracks == ()
    assert session.undo_label == ""
    assert not session.is_dirty


def test_adjust_when_same_field_follows_quickly_then_one_step(session):
    session.add_pin((10, 10))
    for dx in range(5):
        session.nudge_selected(1, dx)
    session.commit()
    session.undo()
    assert session.scene.tracks[0].tail == (10.0, 10.0)


def test_adjust_when_another_field_follows_then_two_steps(session):
    film = session.scene.film
    session.set_film(replace(film, fps=12), "Change frame rate", key="fps")
    session.set_film(replace(session.scene.film, duration=3), "Change duration", key="duration")
    session.undo()
    assert session.scene.film.fps == 12
    assert session.scene.film.duration == film.duration


def test_adjust_when_time_has_passed_then_committed(qtbot, session):
    session.set_film(replace(session.scene.film, fps=12), "Change frame rate", key="fps")
    assert session.has_gesture
    assert session.undo_label == "Change frame rate"
    qtbot.waitUntil(lambda: not session.has_gesture)
    assert session.undo_label == "Change frame rate"


def test_adjust_when_nothing_changes_then_no_step(session):
    session.set_film(session.scene.film, "Change frame rate", key="fps")
    assert session.undo_label == ""


def test_moved_when_the_tail_would_leave_the_picture_then_kept_on_it(session):
    session.add_pin((5, 5))
    moved = session.moved(session.selection, -50, 500)
    assert moved.tracks[0].tail == (0.0, 63.0)


def test_remove_when_several_then_named_and_one_step(session):
    for x in (10, 20, 30):
        session.add_pin((x, 10))
    session.select_all()
    session.remove_selected()
    assert session.scene.tracks == ()
    assert session.undo_label == "Delete 3 pins"
    session.undo()
    assert len(session.scene.tracks) == 3


def test_duplicate_when_called_then_copies_are_selected_beside_the_originals(session):
    session.add_pin((10, 10))
    original = session.selection
    session.duplicate_selected()
    assert len(session.scene.tracks) == 2
    assert session.selection.isdisjoint(original)
    assert session.selected_tracks[0].tail == (34.0, 34.0)


def test_dirty_when_undone_to_the_saved_state_then_clean(session):
    said = heard(session.dirty_changed)
    session.add_pin((10, 10))
    session.mark_saved(Path("here.cmps"), session.scene)
    session.add_pin((20, 10))
    session.undo()
    assert not session.is_dirty
    assert said == [(True,), (False,), (True,), (False,)]


def test_mark_saved_when_edited_meanwhile_then_still_dirty(session):
    session.add_pin((10, 10))
    written = session.scene
    session.add_pin((20, 10))
    session.mark_saved(Path("here.cmps"), written)
    assert session.is_dirty
    assert session.path == Path("here.cmps")


def test_start_when_another_scene_is_open_then_history_and_selection_begin_anew(session):
    session.add_pin((10, 10))
    scene = make_scene(arrows=1)
    opened = heard(session.opened)
    session.start(scene, open_picture(scene.picture))
    assert opened
    assert session.undo_label == ""
    assert session.selection == frozenset()
    assert not session.is_dirty


def test_start_when_pasted_then_dirty(session):
    scene = make_scene()
    session.start(scene, open_picture(scene.picture), is_saved=False)
    assert session.is_dirty


def test_close_when_open_then_nothing_is(session):
    session.add_pin((10, 10))
    session.close()
    assert session.scene is None
    assert session.picture is None
    assert not session.is_dirty


def test_select_when_ids_are_unknown_then_ignored(session):
    session.add_pin((10, 10))
    known = session.selection
    session.select([*known, 99])
    assert session.selection == known
    session.toggle_selected(next(iter(known)))
    assert session.selection == frozenset()


def test_set_tracks_when_replaced_then_one_named_step(session):
    scene = session.with_arrow((10, 10), (20, 10))
    session.apply(scene, "Draw arrow")
    session.set_tracks([move_head(session.scene.tracks[0], (5, 5))], "Change arrow")
    assert session.scene.tracks[0].head == (5.0, 5.0)
    assert session.undo_label == "Change arrow"


def test_new_tracks_when_added_then_each_has_the_next_colour(session):
    for x in range(10):
        session.add_pin((x, 10))
    assert [track.color for track in session.scene.tracks] == [0, 1, 2, 3, 4, 5, 6, 7, 0, 1]


def test_scene_changed_when_a_selected_track_goes_then_selection_was_told_after_it(session):
    session.add_pin((10, 10))
    order = []
    session.scene_changed.connect(lambda: order.append("scene"))
    session.selection_changed.connect(lambda: order.append("selection"))
    session.remove_selected()
    assert order == ["scene", "selection"]


def test_history_when_plates_are_changed_all_day_then_its_bytes_are_bounded(session):
    picture, size = session.scene.picture, 20 * 2**20
    for number in range(60):
        plate = replace(picture, data=bytes(size), digest=str(number))  # pages that nobody touches
        session.apply(set_fill(session.scene, "plate", plate=plate), f"Plate {number}")
    assert session.steps == tuple(f"Plate {number}" for number in range(35, 60))
    assert session.step_index == 24
    session.go_to(0)
    assert session.scene.plate.digest == "35"
    assert session.is_dirty
    assert session.saved_step is None
