"""Linear undo and redo over immutable states, with the name of every step."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

StateT = TypeVar("StateT")

MAX_STEPS: Final = 1000
MAX_BYTES: Final = 512 * 2**20
MIN_STEPS: Final = 20
"""So many steps stay, however large they are."""


@dataclass(frozen=True, slots=True)
class _Entry(Generic[StateT]):
    state: StateT
    label: str


@dataclass(slots=True)
class _Held:
    """A large part, how many bytes it takes, and how often the states have it."""

    part: object  # held, so that no other object gets its id
    nbytes: int
    count: int


class History(Generic[StateT]):
    """Holds the current state and the way back and forth.

    States must be immutable; an entry costs one reference, because unchanged parts are shared
    between neighbouring states. A gesture (a drag, a slider) is previewed as often as it likes and
    becomes one step at its end, or none.

    Where the states have large parts, the oldest steps go when all of them together take too much.
    A part that is in several states counts once. A step costs a look at the parts of the state that
    comes and of each one that goes, never at the whole history.

    Args:
        state: Where it starts, taken as saved.
        limit: Most undo steps.
        parts: Yields the large parts of a state with their bytes, the same ones each time; parts
            are told apart by identity. None where states are small.
        max_bytes: Most bytes of all parts together, but the last `MIN_STEPS` steps stay.

    Raises:
        ValueError: ``limit`` is below 1.
    """

    def __init__(
        self,
        state: StateT,
        *,
        limit: int = MAX_STEPS,
        parts: Callable[[StateT], Iterable[tuple[object, int]]] | None = None,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        if limit < 1:
            raise ValueError(f"limit must be at least 1, got {limit}")
        self._entries: list[_Entry[StateT]] = []
        self._index = 0
        self._limit = limit
        self._parts = parts
        self._max_bytes = max_bytes
        self._nbytes = 0
        self._held: dict[int, _Held] = {}
        self._gesture: _Entry[StateT] | None = None
        self._append(_Entry(state, ""))
        self._saved: _Entry[StateT] | None = self._entries[0]

    @property
    def state(self) -> StateT:
        """The state to draw: the open gesture's if one is open."""
        return (self._gesture or self._entries[self._index]).state

    @property
    def committed(self) -> StateT:
        """The state as of the last recorded step, whatever gesture is open."""
        return self._entries[self._index].state

    @property
    def nbytes(self) -> int:
        """Bytes of the large parts of all steps, each part once; without an open gesture's."""
        return self._nbytes

    @property
    def has_gesture(self) -> bool:
        """Whether a gesture is open."""
        return self._gesture is not None

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would change the state."""
        return self._gesture is None and self._index > 0

    @property
    def can_redo(self) -> bool:
        """Whether `redo` would change the state."""
        return self._gesture is None and self._index < len(self._entries) - 1

    @property
    def undo_label(self) -> str:
        """Name of the step that `undo` takes back; empty without one."""
        return self._entries[self._index].label if self.can_undo else ""

    @property
    def redo_label(self) -> str:
        """Name of the step that `redo` does again; empty without one."""
        return self._entries[self._index + 1].label if self.can_redo else ""

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; the first belongs to the start and is empty."""
        return tuple(entry.label for entry in self._entries)

    @property
    def index(self) -> int:
        """Position of the current state in `labels`."""
        return self._index

    @property
    def saved_index(self) -> int | None:
        """Position in `labels` of the state that is on disk; None where it is not among them."""
        for index, entry in enumerate(self._entries):
            if entry is self._saved:
                return index
        return None

    @property
    def is_saved(self) -> bool:
        """Whether the recorded state is the one that `mark_saved` was last called on."""
        return self._entries[self._index] is self._saved

    def mark_saved(self) -> None:
        """Remember that the recorded state is on disk; undoing away from it and back counts."""
        self._saved = self._entries[self._index]

    def mark_unsaved(self) -> None:
        """Forget what is on disk: no state counts as saved until `mark_saved`."""
        self._saved = None

    def push(self, state: StateT, label: str) -> None:
        """Make ``state`` current as one undo step; drop the redo branch and any open gesture."""
        self._gesture = None
        while len(self._entries) - 1 > self._index:
            self._forget(self._entries.pop())
        self._append(_Entry(state, label))
        self._drop_oldest()
        self._index = len(self._entries) - 1

    def preview(self, state: StateT, label: str) -> None:
        """Show ``state`` during a gesture without recording a step."""
        self._gesture = _Entry(state, label)

    def commit(self) -> None:
        """Record the open gesture as one step; nothing happens without one or without a change."""
        gesture, self._gesture = self._gesture, None
        if gesture is not None and gesture.state != self._entries[self._index].state:
            self.push(gesture.state, gesture.label)

    def abort(self) -> None:
        """Forget the open gesture."""
        self._gesture = None

    def undo(self) -> None:
        """Step back once, if possible."""
        if self.can_undo:
            self._index -= 1

    def redo(self) -> None:
        """Step forward once, if possible."""
        if self.can_redo:
            self._index += 1

    def go_to(self, index: int) -> None:
        """Make the state after step number ``index`` of `labels` current, back or forth.

        Raises:
            IndexError: There is no such step.
        """
        if not 0 <= index < len(self._entries):
            raise IndexError(f"steps go from 0 to {len(self._entries) - 1}, got {index}")
        if self._gesture is None:
            self._index = index

    # Inside.

    def _append(self, entry: _Entry[StateT]) -> None:
        self._entries.append(entry)
        for part, nbytes in () if self._parts is None else self._parts(entry.state):
            held = self._held.get(id(part))
            if held is None:
                self._held[id(part)] = _Held(part, nbytes, 1)
                self._nbytes += nbytes
            else:
                held.count += 1

    def _forget(self, entry: _Entry[StateT]) -> None:
        """Let go of what only a step that left `_entries` had."""
        if entry is self._saved:
            self._saved = None  # it can't be reached any more
        for part, _ in () if self._parts is None else self._parts(entry.state):
            held = self._held[id(part)]
            held.count -= 1
            if held.count == 0:
                self._nbytes -= held.nbytes
                del self._held[id(part)]

    def _drop_oldest(self) -> None:
        gone = max(len(self._entries) - 1 - self._limit, 0)
        for entry in self._entries[:gone]:
            self._forget(entry)
        while self._nbytes > self._max_bytes and len(self._entries) - gone > MIN_STEPS + 1:
            self._forget(self._entries[gone])
            gone += 1
        del self._entries[:gone]
