import pytest

from cmp_studio.document.groups import Group
from cmp_studio.document.scene_edits import add_group, layer_order
from cmp_studio.services.layer_commands import LayerCommands

MOVES = ("front", "forward", "backward", "back")


@pytest.fixture
def layers(session, brush, background):
    """Commands on two layers, each with an arrow; a third arrow moves the rest."""
    scene = session.scene
    for x in (20, 40, 60):
        scene = session.with_arrow((x, 30), (x + 10, 30))
        session.apply(scene, "Draw")
    for track in scene.tracks[:2]:
        scene = add_group(scene, Group(), track_ids=[track.id])
    session.apply(scene, "Group")
    return LayerCommands(session, brush, background)


def ids(session):
    return [track.id for track in session.scene.tracks]


def groups(session):
    return [group.id for group in session.scene.groups]


def possible(layers):
    return [move for move in MOVES if layers.can_move(move)]


def test_move_when_a_track_is_selected_then_its_layer_moves_as_one_named_step(session, layers):
    back, front = groups(session)
    session.select([ids(session)[1]])
    assert possible(layers) == ["backward", "back"]
    layers.move("backward")
    assert layer_order(session.scene) == (0, front, back)
    assert session.undo_label == "Send layer backward"
    layers.move("back")
    assert layer_order(session.scene) == (front, 0, back)
    assert possible(layers) == ["front", "forward"]
    session.undo()
    session.undo()
    assert layer_order(session.scene) == (0, back, front)


def test_move_when_it_would_change_nothing_then_no_step(session, layers):
    steps = session.steps
    assert possible(layers) == []
    layers.move("back")
    session.select([ids(session)[1]])
    layers.move("front")
    assert session.steps == steps


def test_move_when_tracks_of_several_layers_are_selected_then_all_of_them_move(session, layers):
    back, front = groups(session)
    session.select([ids(session)[0], ids(session)[2]])
    layers.move("front")
    assert layer_order(session.scene) == (front, 0, back)


def test_move_when_a_row_was_chosen_last_then_it_counts_and_not_the_tracks(qtbot, session, layers):
    back, front = groups(session)
    session.select([ids(session)[2]])
    with qtbot.waitSignal(layers.chosen_changed):
        layers.choose(back)
    layers.move("forward")
    assert layer_order(session.scene) == (0, front, back)
    session.select([ids(session)[0], ids(session)[2]])
    assert layers.chosen == {0, back}


def test_choose_when_the_list_only_follows_then_the_selected_tracks_count(session, layers):
    back, front = groups(session)
    session.select([ids(session)[0]])
    layers.choose(front, is_wanted=False)
    assert layers.chosen == {back}
    session.select([])
    assert layers.chosen == {front}


def test_can_move_when_there_are_no_layers_or_no_scene_then_never(session, layers):
    while session.undo_label:
        session.undo()
    session.select(ids(session))
    layers.choose(0)
    assert possible(layers) == []
    session.close()
    assert possible(layers) == []
    layers.move("front")
    assert session.scene is None
