"""What the mouse and the keys do on the picture in the Probe mode."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_studio.document.probe_board import (
    LONGEST_PULL_SHARE,
    Arrow,
    ProbeBoard,
    Side,
    add_point,
    arrows_of,
    move_point,
    remove_point,
    set_arrows,
    set_first_point,
    turned,
    with_pull,
)
from cmp_studio.document.tracks import Point
from cmp_studio.services.pointer import HIT_RADIUS_SCREEN_PX, Pointer
from cmp_studio.services.probe_views import view_of
from cmp_studio.services.prober import LIVE, Prober
from cmp_studio.services.translation import tr

DRAG_SCREEN_PX: Final = 5.0
TURN_DEGREES: Final = 15.0
_LENGTH_STEP: Final = 1.1

_Gesture = Literal["", "press", "point", "pull", "arrow", "line", "nothing"]


class ProbeTools(QObject):
    """Turns presses, drags, the wheel and keys into changes of the board.

    Thread: GUI thread only.

    Signals:
        hint_changed(): `hint` is another sentence.
        changed(): `side`, `is_line_on` or `hovered` is another.
        told(text): What was removed, and how to get it back.
    """

    hint_changed = Signal()
    changed = Signal()
    told = Signal(str)

    def __init__(self, prober: Prober, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._prober = prober
        self._gesture: _Gesture = ""
        self._start: Pointer | None = None
        self._index = -1
        self._part: Literal["tail", "head"] = "tail"
        self._side: Side = "a"
        self._is_line_on = False
        self._pointer: Pointer | None = None
        prober.view_changed.connect(self.on_view_changed)
        prober.board_changed.connect(self.hint_changed)

    @property
    def side(self) -> Side:
        """Which arrows are drawn in a comparison."""
        return self._side

    @property
    def is_line_on(self) -> bool:
        """Whether a drag draws the line that values are read along."""
        return self._is_line_on

    @property
    def is_active(self) -> bool:
        """Whether a button is down."""
        return self._gesture != ""

    @property
    def cursor_point(self) -> Point | None:
        """Where the mouse is, px of the picture, while it is over it."""
        pointer, picture = self._pointer, self._prober.picture
        if pointer is None or picture is None:
            return None
        height, width = picture.image_hw
        x, y = pointer.point
        return (x, y) if -0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5 else None

    @property
    def does_turn(self) -> bool:
        """Whether the wheel turns the pull now."""
        view = view_of(self._prober.view)
        is_all_around = self._prober.view == "motion" and self._prober.board.is_every_way
        return view.has_pull and not is_all_around and self._prober.pulled is not None

    @property
    def hint(self) -> str:
        """What a click would do."""
        prober = self._prober
        if prober.picture is None:
            return tr("Open a photo first: drop one on the window, or Ctrl+O")
        if self._is_line_on:
            return tr("Drag a line: the values along it are shown below  ·  L ends that")
        view, board = view_of(prober.view), prober.board
        turn = tr("wheel turns it")
        if view.has_length:
            turn = tr("wheel turns it, Shift+wheel makes it longer")
        if view.kind == LIVE:
            if board.points:
                return tr(
                    "Click: pull there  ·  drag: pull that way  ·  {turn}  ·  Right-click: let go"
                ).format(turn=turn)
            return tr(
                "Move: pulls what is under the mouse  ·  {turn}  ·  Click: stay there"
            ).format(turn=turn)
        if view.has_point:
            if not view.has_pull:
                return tr("Click or drag: probe that place")
            if prober.view == "motion" and board.is_every_way:
                return tr(
                    "Click: probe that place, in all directions  ·  drag: pull that way alone"
                )
            return tr("Click: probe that place  ·  drag: pull that way  ·  {turn}").format(
                turn=turn
            )
        if view.kind == "influence":
            return tr("Click: add a place  ·  drag: move it  ·  Right-click: remove it")
        if view.has_arrows:
            words = tr("Drag: draw an arrow  ·  Double-click: a pin  ·  Right-click: remove")
            if view.kind != "compare":
                return words
            return tr(
                "Drag: draw an arrow for {side}  ·  Double-click: a pin  ·  Right-click: remove"
            ).format(side=self._side.upper())
        return tr("Enter: find parts  ·  move over a part to see its number")

    def set_side(self, side: Side) -> None:
        """Draw arrows for A or for B."""
        if side != self._side:
            self._side = side
            self.changed.emit()
            self.hint_changed.emit()

    def set_line_on(self, *, is_on: bool) -> None:
        """Let a drag draw a line, or what it does otherwise."""
        if is_on != self._is_line_on:
            self.cancel()
            self._is_line_on = is_on
            self.changed.emit()
            self.hint_changed.emit()

    # The mouse.

    def press(self, pointer: Pointer) -> None:
        """The left button goes down."""
        self._pointer = pointer
        place = self._place(pointer)
        if place is None:
            return
        self._start = replace(pointer, point=place)
        self._gesture = "press"
        board, view = self._prober.board, view_of(self._prober.view)
        if self._is_line_on or pointer.is_alt:
            self._gesture = "line"
        elif view.has_arrows:
            self._take_arrow(pointer)
        elif view.kind == "influence":
            self._index = _nearest(pointer, board.points)
        elif not view.has_point:
            self._gesture = "nothing"
        elif self._is_on_tip(pointer):
            self._gesture = "pull"
            self._index = 0
        else:
            self._index = 0 if _nearest(pointer, board.points[:1]) == 0 else -1

    def move(self, pointer: Pointer) -> None:
        """The mouse moves, with or without the button."""
        self._pointer = pointer
        start = self._start
        if start is None or not self._gesture:
            if self.cursor_point is not None and not self._is_line_on:
                self._prober.hover_at(self.cursor_point)
            self.changed.emit()
            return
        if self._gesture == "press":
            if start.screen_distance(pointer) < DRAG_SCREEN_PX:
                return
            self._gesture = self._drag_kind()
        self._drag(start, pointer)

    def release(self, pointer: Pointer) -> None:
        """The left button goes up."""
        self._pointer = pointer
        start, gesture = self._start, self._gesture
        self._start, self._gesture = None, ""
        if start is None:
            return
        if gesture == "press":
            self._click(start)
        elif gesture != "nothing":
            self._prober.commit()
        self.hint_changed.emit()

    def double_click(self, pointer: Pointer) -> None:
        """Set a pin among the arrows."""
        place = self._place(pointer)
        if place is not None and view_of(self._prober.view).has_arrows and not self._is_line_on:
            board = self._prober.board
            arrows = (*arrows_of(board, self._drawn), (*place, 0.0, 0.0))
            self._prober.apply(set_arrows(board, self._drawn, arrows), tr("Set pin"))

    def right_click(self, pointer: Pointer) -> None:
        """Remove what is nearest."""
        board, view = self._prober.board, view_of(self._prober.view)
        if view.has_arrows:
            arrows = arrows_of(board, self._drawn)
            index = _nearest_arrow(pointer, arrows)
            if index >= 0:
                rest = arrows[:index] + arrows[index + 1 :]
                self._prober.apply(set_arrows(board, self._drawn, rest), tr("Remove arrow"))
                self.told.emit(tr("Arrow removed · Ctrl+Z brings it back"))
        elif view.kind == "influence":
            index = _nearest(pointer, board.points)
            if index >= 0:
                self._prober.apply(remove_point(board, index), tr("Remove point"))
                self.told.emit(tr("Point removed · Ctrl+Z brings it back"))
        elif view.has_point and board.points:
            self._prober.apply(replace(board, points=board.points[1:]), tr("Let go of the point"))

    def leave(self) -> None:
        """The mouse leaves the picture."""
        self._pointer = None
        self.changed.emit()

    def cancel(self) -> bool:
        """Give up the drag; return whether there was one."""
        was_active = self.is_active
        self._start, self._gesture = None, ""
        self._prober.abort()
        return was_active

    # The pull.

    def turn(self, steps: float) -> None:
        """Turn the pull clockwise by steps of 15 degrees."""
        self._prober.adjust(turned(self._prober.board, TURN_DEGREES * steps), tr("Turn the pull"))

    def lengthen(self, steps: float) -> None:
        """Make the pull longer, or shorter."""
        picture, board = self._prober.picture, self._prober.board
        if picture is not None:
            longest = LONGEST_PULL_SHARE * min(picture.image_hw)
            length = board.pull_length(picture.image_hw) * _LENGTH_STEP**steps
            length = round(min(max(length, 1.0), longest), 2)
            self._prober.adjust(replace(board, length=length), tr("Change length"))

    def on_view_changed(self) -> None:
        """Another probe: forget the drag."""
        self._start, self._gesture = None, ""
        self.hint_changed.emit()

    # Inside.

    @property
    def _drawn(self) -> Side:
        return self._side if self._prober.view == "compare" else "a"

    def _place(self, pointer: Pointer) -> Point | None:
        """The place on the picture, or None beside it."""
        point = self.cursor_point
        return None if point is None else (round(point[0], 2), round(point[1], 2))

    def _take_arrow(self, pointer: Pointer) -> None:
        self._index = -1
        for index, (x, y, dx, dy) in enumerate(arrows_of(self._prober.board, self._drawn)):
            if pointer.screen_distance_to((x + dx, y + dy)) <= HIT_RADIUS_SCREEN_PX:
                self._index, self._part = index, "head"
            elif pointer.screen_distance_to((x, y)) <= HIT_RADIUS_SCREEN_PX:
                self._index, self._part = index, "tail"

    def _is_on_tip(self, pointer: Pointer) -> bool:
        board, picture = self._prober.board, self._prober.picture
        if not self.does_turn or not board.points or picture is None:
            return False
        (x, y), (dx, dy) = board.points[0], board.pull(picture.image_hw)
        is_nearer = pointer.screen_distance_to((x + dx, y + dy)) < pointer.screen_distance_to(
            (x, y)
        )
        return is_nearer and pointer.screen_distance_to((x + dx, y + dy)) <= HIT_RADIUS_SCREEN_PX

    def _drag_kind(self) -> _Gesture:
        view = view_of(self._prober.view)
        if view.has_arrows:
            return "arrow"
        if view.kind == "influence" or self._index == 0 or not view.has_pull:
            return "point"
        return "pull"

    def _drag(self, start: Pointer, pointer: Pointer) -> None:
        picture, board = self._prober.picture, self._prober.settled
        if picture is None or self._gesture == "nothing":
            return
        height, width = picture.image_hw
        x = round(min(max(pointer.point[0], 0.0), width - 1.0), 2)
        y = round(min(max(pointer.point[1], 0.0), height - 1.0), 2)
        if self._gesture == "line":
            if (x, y) != start.point:
                self._prober.preview_board(
                    replace(board, line=(start.point, (x, y))), tr("Draw line")
                )
        elif self._gesture == "arrow":
            self._drag_arrow(board, start, pointer.point, (x, y))
        elif self._gesture == "point":
            self._drag_point(board, (x, y))
        elif self._gesture == "pull":
            self._drag_pull(board, start, pointer.point, picture.image_hw)

    def _drag_point(self, board: ProbeBoard, place: Point) -> None:
        if view_of(self._prober.view).kind != "influence":
            self._prober.preview_board(set_first_point(board, place), tr("Move point"))
        elif self._index >= 0:
            self._prober.preview_board(move_point(board, self._index, place), tr("Move point"))
        else:
            self._prober.preview_board(add_point(board, place), tr("Add point"))

    def _drag_pull(
        self, board: ProbeBoard, start: Pointer, to: Point, image_hw: tuple[int, int]
    ) -> None:
        if self._index < 0:
            board = set_first_point(board, start.point)
        (x, y), is_every_way = board.points[0], board.is_every_way
        if self._prober.view == "motion":
            is_every_way = False
        pulled = with_pull(
            replace(board, is_every_way=is_every_way), to[0] - x, to[1] - y, image_hw
        )
        self._prober.preview_board(pulled, tr("Pull"))

    def _drag_arrow(self, board: ProbeBoard, start: Pointer, to: Point, place: Point) -> None:
        arrows = list(arrows_of(board, self._drawn))
        if self._index < 0:
            (x, y), label = start.point, tr("Draw arrow")
            arrows.append((x, y, round(to[0] - x, 2), round(to[1] - y, 2)))
        else:
            x, y, dx, dy = arrows[self._index]
            label = tr("Change arrow")
            if self._part == "head":
                arrows[self._index] = (x, y, round(to[0] - x, 2), round(to[1] - y, 2))
            else:
                arrows[self._index] = (*place, dx, dy)
        self._prober.preview_board(set_arrows(board, self._drawn, tuple(arrows)), label)

    def _click(self, start: Pointer) -> None:
        board, view = self._prober.board, view_of(self._prober.view)
        if view.kind == "influence":
            if self._index < 0:
                self._prober.apply(add_point(board, start.point), tr("Add point"))
        elif view.has_point and self._index != 0:
            self._prober.apply(set_first_point(board, start.point), tr("Set point"))


def _nearest(pointer: Pointer, points: tuple[Point, ...]) -> int:
    """Number of the point within reach that is nearest, or -1."""
    near = [(pointer.screen_distance_to(point), index) for index, point in enumerate(points)]
    near = [pair for pair in near if pair[0] <= HIT_RADIUS_SCREEN_PX]
    return min(near)[1] if near else -1


def _nearest_arrow(pointer: Pointer, arrows: tuple[Arrow, ...]) -> int:
    """Number of the arrow that is nearest, or -1 where none is near."""
    near = [
        (_distance_to_line(pointer.point, arrow) * pointer.scale, index)
        for index, arrow in enumerate(arrows)
    ]
    near = [pair for pair in near if pair[0] <= 4 * HIT_RADIUS_SCREEN_PX]
    return min(near)[1] if near else -1


def _distance_to_line(point: Point, arrow: Arrow) -> float:
    x, y, dx, dy = arrow
    length = dx * dx + dy * dy
    share = 0.0 if length == 0 else ((point[0] - x) * dx + (point[1] - y) * dy) / length
    share = min(max(share, 0.0), 1.0)
    return math.dist(point, (x + share * dx, y + share * dy))
