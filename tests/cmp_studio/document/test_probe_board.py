import math

import pytest

from cmp_studio.document.probe_board import (
    ProbeBoard,
    add_point,
    arrows_of,
    kept_on,
    move_point,
    remove_point,
    set_arrows,
    set_first_point,
    turned,
    with_pull,
    wrapped,
)

SIZE = (240, 320)


def test_pull_when_nothing_is_chosen_then_goes_right_by_a_24th_of_the_short_side():
    assert ProbeBoard().pull(SIZE) == (10.0, 0.0)


def test_pull_when_turned_then_goes_clockwise_on_the_screen():
    board = turned(ProbeBoard(length=8.0), 90)
    assert board.pull(SIZE) == (0.0, 8.0)
    assert turned(board, 180).angle == -90


@pytest.mark.parametrize(("degrees", "wanted"), [(180, 180), (-180, 180), (190, -170), (720, 0)])
def test_wrapped_when_beyond_half_a_turn_then_comes_back(degrees, wanted):
    assert wrapped(degrees) == wanted


def test_pull_when_dragged_then_is_as_long_as_allowed():
    board = with_pull(ProbeBoard(), 30, -40, SIZE)
    assert board.length == 50
    assert board.angle == pytest.approx(math.degrees(math.atan2(-40, 30)), abs=1e-4)
    assert with_pull(ProbeBoard(), 3000, 0, SIZE).length == 80
    assert with_pull(ProbeBoard(), 0.1, 0, SIZE).length == 1


def test_points_when_edited_then_the_others_stay():
    board = add_point(add_point(ProbeBoard(), (1, 2)), (3, 4))
    assert set_first_point(board, (9, 9)).points == ((9, 9), (3, 4))
    assert move_point(board, 1, (5, 6)).points == ((1, 2), (5, 6))
    assert remove_point(board, 0).points == ((3, 4),)
    assert set_first_point(ProbeBoard(), (7, 7)).points == ((7, 7),)


def test_arrows_when_set_for_one_side_then_the_other_keeps_its_own():
    board = set_arrows(ProbeBoard(arrows=((1, 1, 2, 0),)), "b", ((3, 3, 0, 2),))
    assert arrows_of(board, "a") == ((1, 1, 2, 0),)
    assert arrows_of(board, "b") == ((3, 3, 0, 2),)


def test_kept_on_when_the_picture_is_smaller_then_drops_what_is_outside():
    board = ProbeBoard(
        points=((10, 10), (300, 10)),
        arrows=((10, 10, 500, 0), (10, 230, 1, 1)),
        line=((0, 0), (300, 100)),
    )
    kept = kept_on(board, (200, 280))
    assert kept.points == ((10, 10),)
    assert kept.arrows == ((10, 10, 500, 0),)
    assert kept.line is None
