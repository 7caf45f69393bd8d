"""The open scene and the only place that changes it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.footprint import scene_parts
from cmp_studio.document.history import History
from cmp_studio.document.scene import (
    FilmSettings,
    LoopMode,
    Scene,
    add_track,
    remove_tracks,
    replace_track,
    set_film,
)
from cmp_studio.document.tracks import (
    Point,
    Track,
    keep_inside,
    make_arrow,
    make_path,
    make_pin,
    move_track,
)
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.translation import tr
from cmp_studio.services.window_work import WINDOW_WORK
from cmp_studio.services.wording import tracks_title

MERGE_MS: Final = 800
"""Edits of the same field within this time are one undo step."""

DUPLICATE_OFFSET_PX: Final = 24.0
PALETTE_SIZE: Final = 8


class Session(QObject):
    """Holds the open scene, its history and the selection.

    A change is one of three: `apply` (one undo step), a gesture (`preview` as often as it likes,
    then `commit` or `abort`), or `adjust` (steps of the same field merge while they follow each
    other quickly).

    Thread: GUI thread only.

    Signals:
        scene_changed(): `scene` is another one, by an edit, a gesture, undo, or opening.
        opened(): Another document is open (or none); comes before its `scene_changed`.
        history_changed(): What undo and redo would do is another.
        selection_changed(): `selection` is another set.
        dirty_changed(is_dirty): There is something to save, or no longer.
        path_changed(): The scene has another file.
    """

    scene_changed = Signal()
    opened = Signal()
    history_changed = Signal()
    selection_changed = Signal()
    dirty_changed = Signal(bool)
    path_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._history: History[Scene] | None = None
        self._picture: OpenedPicture | None = None
        self._path: Path | None = None
        self._selection: frozenset[int] = frozenset()
        self._edited: frozenset[int] = frozenset()
        self._merge_key = ""
        self._merge_label = ""
        self._was_dirty = False
        self._is_live = False
        self._merge_timer = QTimer(self)
        self._merge_timer.setSingleShot(True)
        self._merge_timer.setInterval(MERGE_MS)
        self._merge_timer.timeout.connect(self.commit)

    # What is open.

    @property
    def scene(self) -> Scene | None:
        """The scene to draw, with the open gesture in it; None when nothing is open."""
        return None if self._history is None else self._history.state

    @property
    def picture(self) -> OpenedPicture | None:
        """The decoded photo of the scene."""
        return self._picture

    @property
    def path(self) -> Path | None:
        """The scene's file; None before it was saved."""
        return self._path

    @property
    def title(self) -> str:
        """What the window calls the document."""
        if self._path is not None:
            return self._path.stem
        return "" if self._picture is None else Path(self._picture.picture.name).stem

    @property
    def is_dirty(self) -> bool:
        """Whether something would be lost by closing."""
        history = self._history
        return history is not None and (not history.is_saved or history.has_gesture)

    @property
    def has_gesture(self) -> bool:
        """Whether a change is being made that is no step yet."""
        return self._history is not None and self._history.has_gesture

    @property
    def is_live(self) -> bool:
        """Whether the open gesture goes on while the film plays: a drag is being recorded."""
        return self.has_gesture and self._is_live

    @property
    def edited(self) -> frozenset[int]:
        """Ids of the tracks that the open gesture (or the last one) changes."""
        return self._edited

    @property
    def selection(self) -> frozenset[int]:
        """Ids of the selected tracks; all of them are in the scene."""
        return self._selection

    @property
    def selected_tracks(self) -> tuple[Track, ...]:
        """The selected tracks in the order of the scene."""
        scene = self.scene
        if scene is None:
            return ()
        return tuple(track for track in scene.tracks if track.id in self._selection)

    @property
    def undo_label(self) -> str:
        """Name of the step that `undo` takes back; empty when there is none."""
        if self._history is None:
            return ""
        if self._merge_key:
            return self._merge_label
        return self._history.undo_label

    @property
    def redo_label(self) -> str:
        """Name of the step that `redo` does again; empty when there is none."""
        return "" if self._history is None else self._history.redo_label

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of all steps that can be undone or redone; the first is the start, without one."""
        return () if self._history is None else self._history.labels

    @property
    def step_index(self) -> int:
        """Which of `steps` was the last one."""
        return 0 if self._history is None else self._history.index

    @property
    def saved_step(self) -> int | None:
        """Which of `steps` is in the scene's file; None where none is."""
        return None if self._history is None else self._history.saved_index

    def start(
        self,
        scene: Scene,
        picture: OpenedPicture,
        *,
        path: Path | None = None,
        is_saved: bool = True,
    ) -> None:
        """Open ``scene`` in place of the one that is open, with a history of its own."""
        self._merge_timer.stop()
        self._merge_key = ""
        self._history = History(scene, parts=scene_parts)
        if not is_saved:
            self._history.mark_unsaved()
        self._picture = picture
        self._path = path
        self._edited = frozenset()
        self._set_selection(frozenset())
        with WINDOW_WORK:
            self.opened.emit()
            self.path_changed.emit()
            self._announce()

    def close(self) -> None:
        """Close the document; unsaved changes are gone."""
        self._merge_timer.stop()
        self._merge_key = ""
        self._history = None
        self._picture = None
        self._path = None
        self._set_selection(frozenset())
        with WINDOW_WORK:
            self.opened.emit()
            self.path_changed.emit()
            self._announce()

    def mark_saved(self, path: Path, scene: Scene) -> None:
        """Note that ``scene`` is in the file ``path`` now.

        Edits made while it was being written count as unsaved.
        """
        self._path = path
        if self._history is not None and self._history.committed is scene:
            self._history.mark_saved()
        self.path_changed.emit()
        self._announce_dirty()

    # Changes.

    def apply(self, scene: Scene, label: str) -> None:
        """Make ``scene`` current as one undo step called ``label``."""
        history = self._require_history()
        self.commit()
        if scene is history.state or scene == history.state:
            return
        history.push(scene, label)
        self._announce()

    def preview(
        self, scene: Scene, label: str, *, edited: Iterable[int] = (), is_live: bool = False
    ) -> None:
        """Show ``scene`` as part of an open gesture that `commit` will call ``label``.

        Args:
            scene: What is being made, as it is now.
            label: Name of the step.
            edited: Ids of the tracks that the gesture changes.
            is_live: Show it at the moment where the playhead is, not where most moves.
        """
        if self._merge_key:
            self.commit()
        self._is_live = is_live
        self._edited = frozenset(edited)
        self._require_history().preview(scene, label)
        self._announce()

    def adjust(self, scene: Scene, label: str, *, key: str, edited: Iterable[int] = ()) -> None:
        """Change one field; quick changes with the same ``key`` become one step."""
        history = self._require_history()
        if self._merge_key != key or not history.has_gesture:
            self.commit()
            if scene == history.state:
                return
        self._is_live = False
        self._merge_key = key
        self._merge_label = label
        self._merge_timer.start()
        self._edited = frozenset(edited)
        history.preview(scene, label)
        self._announce()

    def commit(self) -> None:
        """End the open gesture as one step; nothing happens without one."""
        self._merge_timer.stop()
        self._merge_key = ""
        if self._history is not None and self._history.has_gesture:
            self._history.commit()
            self._announce()

    def abort(self) -> None:
        """End the open gesture and forget what it did."""
        self._merge_timer.stop()
        self._merge_key = ""
        if self._history is not None and self._history.has_gesture:
            self._history.abort()
            self._announce()

    def undo(self) -> None:
        """Take the last step back."""
        self.commit()
        if self._history is not None and self._history.can_undo:
            self._history.undo()
            self._announce()

    def redo(self) -> None:
        """Do the step again that was last taken back."""
        self.commit()
        if self._history is not None and self._history.can_redo:
            self._history.redo()
            self._announce()

    def go_to(self, index: int) -> None:
        """Undo or redo until step number ``index`` of `steps` was the last one."""
        self.commit()
        if self._history is not None and 0 <= index < len(self._history.labels):
            self._history.go_to(index)
            self._announce()

    # Selection.

    def select(self, track_ids: Iterable[int]) -> None:
        """Select exactly these tracks; ids that are not there are ignored."""
        scene = self.scene
        there = {track.id for track in scene.tracks} if scene is not None else set()
        self._set_selection(frozenset(track_ids) & there)

    def toggle_selected(self, track_id: int) -> None:
        """Select a track that is not, unselect one that is."""
        self.select(self._selection ^ {track_id})

    def select_all(self) -> None:
        """Select every track."""
        scene = self.scene
        self.select(track.id for track in scene.tracks) if scene is not None else None

    # Commands.

    def with_arrow(self, start: Point, end: Point) -> Scene:
        """The scene with one more arrow, px of the picture; its id is the last track's."""
        return self._with_track(make_arrow(start, end))

    def with_pin(self, point: Point) -> Scene:
        """The scene with one more pin, px of the picture; its id is the last track's."""
        return self._with_track(make_pin(point))

    def with_path(self, points: tuple[Point, ...]) -> Scene:
        """The scene with one more path, px of the picture; its id is the last track's."""
        return self._with_track(make_path(points))

    def moved(self, track_ids: Collection[int], dx: float, dy: float) -> Scene:
        """The recorded scene with these tracks moved by ``dx``, ``dy`` px, kept on the picture."""
        scene = self._require_history().committed
        width, height = scene.picture.width, scene.picture.height
        for track in scene.tracks:
            if track.id in track_ids:
                moved = keep_inside(move_track(track, dx, dy), width, height)
                scene = replace_track(scene, moved)
        return scene

    def add_pin(self, point: Point) -> None:
        """Set a pin and select it."""
        scene = self.with_pin(point)
        self.apply(scene, tr("Set pin"))
        self.select([scene.tracks[-1].id])

    def remove(self, track_ids: Collection[int]) -> None:
        """Delete these tracks."""
        self.commit()
        scene = self._require_history().state
        gone = [track for track in scene.tracks if track.id in track_ids]
        if gone:
            self.apply(
                remove_tracks(scene, track_ids),
                tr("Delete {tracks}").format(tracks=tracks_title(gone)),
            )

    def remove_selected(self) -> None:
        """Delete the selected tracks."""
        if self._selection:
            self.remove(self._selection)

    def remove_all(self) -> None:
        """Delete every track."""
        scene = self.scene
        if scene is not None and scene.tracks:
            self.remove([track.id for track in scene.tracks])

    def nudge_selected(self, dx: float, dy: float) -> None:
        """Move the selected tracks by ``dx``, ``dy`` px; quick nudges are one step."""
        scene = self.scene
        tracks = self.selected_tracks
        if scene is None or not tracks:
            return
        for track in tracks:
            moved = keep_inside(
                move_track(track, dx, dy), scene.picture.width, scene.picture.height
            )
            scene = replace_track(scene, moved)
        key = f"nudge {sorted(self._selection)}"
        self.adjust(
            scene,
            tr("Move {tracks}").format(tracks=tracks_title(tracks)),
            key=key,
            edited=self._selection,
        )

    def duplicate_selected(self) -> None:
        """Put a copy of the selected tracks beside them and select the copies."""
        self.commit()
        scene = self.scene
        tracks = self.selected_tracks
        if scene is None or not tracks:
            return
        copies = []
        for track in tracks:
            copy = move_track(track, DUPLICATE_OFFSET_PX, DUPLICATE_OFFSET_PX)
            copy = keep_inside(copy, scene.picture.width, scene.picture.height)
            scene = add_track(scene, replace(copy, name=""))
            copies.append(scene.tracks[-1].id)
        self.apply(scene, tr("Duplicate {tracks}").format(tracks=tracks_title(tracks)))
        self.select(copies)

    def set_tracks(self, tracks: Collection[Track], label: str, *, key: str = "") -> None:
        """Replace tracks of the same ids; with a ``key`` quick changes are one step."""
        scene = self.scene
        if scene is None:
            return
        for track in tracks:
            scene = replace_track(scene, track)
        self._change(scene, label, key, [track.id for track in tracks])

    def set_film(self, film: FilmSettings, label: str, *, key: str = "") -> None:
        """Replace the film settings; with a ``key`` quick changes are one step."""
        scene = self.scene
        if scene is not None:
            self._change(set_film(scene, film), label, key, ())

    def set_film_loop(self, loop: LoopMode) -> None:
        """Change what follows the last frame."""
        scene = self.scene
        if scene is not None:
            self.set_film(replace(scene.film, loop=loop), tr("Change loop"))

    def _change(self, scene: Scene, label: str, key: str, edited: Iterable[int]) -> None:
        if key:
            self.adjust(scene, label, key=key, edited=edited)
        else:
            self.apply(scene, label)

    def _with_track(self, track: Track) -> Scene:
        scene = self._require_history().committed
        track = keep_inside(track, scene.picture.width, scene.picture.height)
        return add_track(scene, replace(track, color=(scene.next_id - 1) % PALETTE_SIZE))

    def _require_history(self) -> History[Scene]:
        if self._history is None:
            raise RuntimeError("No scene is open; open a picture first.")
        return self._history

    def _set_selection(self, selection: frozenset[int]) -> None:
        if selection != self._selection:
            self._selection = selection
            self.selection_changed.emit()

    def _announce(self) -> None:
        scene = self.scene
        there = {track.id for track in scene.tracks} if scene is not None else set()
        with WINDOW_WORK:
            self.scene_changed.emit()
            self._set_selection(self._selection & there)
            self.history_changed.emit()
            self._announce_dirty()

    def _announce_dirty(self) -> None:
        if self.is_dirty != self._was_dirty:
            self._was_dirty = self.is_dirty
            self.dirty_changed.emit(self._was_dirty)
