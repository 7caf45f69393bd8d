import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.history import History

OPS = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.integers(0, 9)),
        st.tuples(st.just("drag"), st.lists(st.integers(0, 9), max_size=4)),
        st.tuples(st.just("esc"), st.lists(st.integers(0, 9), max_size=4)),
        st.tuples(st.sampled_from(["undo", "redo"]), st.none()),
    ),
    max_size=40,
)


@given(ops=OPS, limit=st.integers(1, 5))
def test_history_when_used_at_random_then_matches_two_stacks(ops, limit):
    history = History(0, limit=limit)
    undo, now, redo = [], 0, []

    def record(value):
        nonlocal now
        undo.append(now)
        del undo[:-limit]
        now = value
        redo.clear()

    for op, arg in ops:
        if op == "push":
            history.push(arg, "push")
            record(arg)
        elif op == "drag":
            for value in arg:
                history.preview(value, "drag")
                assert (history.state, history.committed) == (value, now)
                assert not history.can_undo
            history.commit()
            if arg and arg[-1] != now:
                record(arg[-1])
        elif op == "esc":
            for value in arg:
                history.preview(value, "drag")
            history.abort()
        elif op == "undo":
            history.undo()
            if undo:
                redo.append(now)
                now = undo.pop()
        elif op == "redo":
            history.redo()
            if redo:
                undo.append(now)
                now = redo.pop()
        assert history.state == now
        assert history.can_undo == bool(undo)
        assert history.can_redo == bool(redo)


@given(ops=OPS)
def test_history_when_undone_and_redone_to_the_ends_then_is_back(ops):
    history = History(0)
    for op, arg in ops:
        if op == "push":
            history.push(arg, "push")
    last = history.state
    while history.can_undo:
        history.undo()
    assert history.state == 0
    while history.can_redo:
        history.redo()
    assert history.state == last


def test_labels_when_steps_were_taken_then_name_the_next_undo_and_redo():
    history = History("a")
    history.push("b", "Draw arrow")
    history.push("c", "Move arrow")
    assert (history.undo_label, history.redo_label) == ("Move arrow", "")
    history.undo()
    assert (history.undo_label, history.redo_label) == ("Draw arrow", "Move arrow")
    assert (history.labels, history.index) == (("", "Draw arrow", "Move arrow"), 1)
    history.undo()
    assert (history.undo_label, history.redo_label) == ("", "Draw arrow")


def test_is_saved_when_undone_away_and_back_then_follows():
    history = History("a")
    assert history.is_saved
    history.push("b", "step")
    assert not history.is_saved
    history.mark_saved()
    history.push("c", "step")
    history.undo()
    assert history.is_saved
    history.undo()
    assert not history.is_saved
    history.push("b", "step")  # equal to what is on disk, but another step: ask rather than lose
    assert not history.is_saved
    history.mark_saved()
    history.mark_unsaved()
    assert not history.is_saved


def test_push_when_a_gesture_is_open_then_drops_it():
    history = History("a")
    history.preview("dragged", "drag")
    assert history.has_gesture
    history.push("b", "step")
    assert (history.state, history.has_gesture) == ("b", False)
    history.commit()
    assert history.labels == ("", "step")


def test_history_when_the_limit_is_below_one_then_refuses():
    with pytest.raises(ValueError, match="at least 1"):
        History(0, limit=0)


def test_go_to_when_any_step_is_named_then_its_state_and_all_steps_stay():
    history = History(0)
    for state in (1, 2, 3):
        history.push(state, f"step {state}")
    history.go_to(1)
    assert (history.state, history.index) == (1, 1)
    assert history.labels == ("", "step 1", "step 2", "step 3")
    history.go_to(3)
    assert history.state == 3
    assert history.saved_index == 0
    with pytest.raises(IndexError, match="steps go from 0 to 3"):
        history.go_to(4)


def test_go_to_when_a_gesture_is_open_then_nothing_happens():
    history = History(0)
    history.push(1, "one")
    history.preview(2, "two")
    history.go_to(0)
    assert history.state == 2
