import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmp_studio.document.history import MIN_STEPS, History

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


class Blob:
    """Something large, told apart by identity."""


def parts_of(state):
    return [(blob, 10) for blob in state]


def pushed(history, states):
    for number, state in enumerate(states, 1):
        history.push(state, f"step {number}")


def test_push_when_the_parts_take_too_much_then_the_oldest_steps_go_but_never_the_last_few():
    blobs = [(Blob(),) for _ in range(60)]
    history = History(blobs[0], parts=parts_of, max_bytes=305)
    pushed(history, blobs[1:])
    assert history.nbytes == 300
    assert history.labels == tuple(f"step {number}" for number in range(30, 60))
    assert history.state is blobs[-1]
    while history.can_undo:
        history.undo()
    assert history.state is blobs[30]
    tight = History(blobs[0], parts=parts_of, max_bytes=15)
    pushed(tight, blobs[1:])
    assert len(tight.labels) == MIN_STEPS + 1
    assert tight.nbytes == 10 * (MIN_STEPS + 1)


def test_push_when_steps_share_a_part_then_it_counts_once():
    shared = Blob()
    states = [(shared, shared, Blob()) for _ in range(30)]
    history = History((shared,), parts=parts_of, max_bytes=311)
    pushed(history, states)
    assert history.nbytes == 310
    assert len(history.labels) == 31
    history.push((shared,), "one more")
    assert history.nbytes == 310


def test_push_when_a_redo_branch_goes_then_so_do_its_parts():
    history = History((), parts=parts_of)
    pushed(history, [(Blob(),) for _ in range(5)])
    history.go_to(1)
    assert history.nbytes == 50
    history.push((), "another way")
    assert history.nbytes == 10


def test_gesture_when_it_is_open_or_aborted_then_nothing_is_counted_or_dropped():
    history = History((Blob(),), parts=parts_of, max_bytes=10)
    history.preview((Blob(), Blob()), "drag")
    assert (history.nbytes, len(history.labels)) == (10, 1)
    history.abort()
    assert history.nbytes == 10
    history.preview((Blob(), Blob()), "drag")
    history.commit()
    assert history.nbytes == 30


@pytest.mark.parametrize("bound", [{"limit": 25}, {"max_bytes": 200}])
def test_saved_step_when_dropped_then_dirty_for_good_and_its_parts_are_free(bound):
    blob = Blob()
    freed = weakref.ref(blob)
    history = History((blob,), parts=parts_of, **bound)
    del blob
    pushed(history, [(Blob(),) for _ in range(15)])
    history.go_to(0)
    assert history.is_saved
    history.go_to(15)
    pushed(history, [(Blob(),) for _ in range(15)])
    assert history.saved_index is None
    while history.can_undo:
        history.undo()
        assert not history.is_saved
    gc.collect()
    assert freed() is None


BLOBS = [Blob() for _ in range(6)]


@given(
    ops=st.lists(
        st.one_of(
            st.lists(st.sampled_from(BLOBS), max_size=4).map(tuple),
            st.sampled_from(["undo", "redo"]),
        ),
        max_size=60,
    ),
    limit=st.integers(1, 30),
    max_bytes=st.integers(0, 60),
)
def test_history_when_used_at_random_then_holds_as_much_as_its_states(ops, limit, max_bytes):
    history = History((), parts=parts_of, limit=limit, max_bytes=max_bytes)
    states = [()]
    for op in ops:
        if op == "undo":
            history.undo()
        elif op == "redo":
            history.redo()
        else:
            del states[history.index + 1 :]
            history.push(op, "step")
            states = [*states, op][-len(history.labels) :]
    distinct = {id(blob) for state in states for blob in state}
    assert history.nbytes == 10 * len(distinct)
    assert len(states) <= limit + 1
    assert history.nbytes <= max_bytes or len(states) <= MIN_STEPS + 1
    history.go_to(0)
    seen = [history.state]
    while history.can_redo:
        history.redo()
        seen.append(history.state)
    assert seen == states
