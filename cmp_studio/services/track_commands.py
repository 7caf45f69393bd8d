"""Commands on the selected tracks: clipboard, mirror, kinds, layers. Each is one undo step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from cmp_studio.document.hints import beyond_reach, split_track
from cmp_studio.document.presets import Preset, apply_preset
from cmp_studio.document.scene import Scene
from cmp_studio.document.scene_edits import (
    add_tracks,
    mirror_tracks,
    set_group,
)
from cmp_studio.document.track_edits import (
    MirrorAxis,
    insert_point_near,
    path_from_take,
    remove_point,
    set_smooth,
)
from cmp_studio.document.track_json import tracks_from_text, tracks_to_text
from cmp_studio.document.tracks import Point, Track, move_track
from cmp_studio.services.session import Session
from cmp_studio.services.translation import tr
from cmp_studio.services.wording import PRESET_NAMES, tracks_title

PASTE_OFFSET_PX = 24.0


class TrackCommands:
    """What can be done to the selected tracks besides moving them.

    Thread: GUI thread only.

    Args:
        session: Holds the scene and the selection.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pasted = ""
        self._paste_count = 0

    def copied(self) -> str:
        """The selected tracks as text for the clipboard; empty when none is selected."""
        tracks = self._session.selected_tracks
        return tracks_to_text(tracks) if tracks else ""

    def cut(self) -> str:
        """The selected tracks as text; they leave the scene."""
        text = self.copied()
        self._session.remove_selected()
        return text

    def paste(self, text: str) -> int:
        """Add the tracks of a clipboard text and select them; return how many there were.

        Copies come a little beside where they were taken from, each paste further on.

        Raises:
            TrackError: The text holds no tracks.
        """
        tracks = tracks_from_text(text)
        session = self._session
        session.commit()
        scene = session.scene
        if scene is None or not tracks:
            return 0
        self._paste_count = self._paste_count + 1 if text == self._pasted else 1
        self._pasted = text
        taken = {track.tail for track in scene.tracks}
        if any(track.tail in taken for track in tracks):
            by = PASTE_OFFSET_PX * self._paste_count
            tracks = tuple(move_track(track, by, by) for track in tracks)
        known = len(scene.tracks)
        changed = add_tracks(scene, tracks)
        session.apply(changed, tr("Paste {tracks}").format(tracks=tracks_title(tracks)))
        session.select(track.id for track in changed.tracks[known:])
        return len(tracks)

    def mirror(self, axis: MirrorAxis) -> None:
        """Mirror the selected tracks at their middle; a track alone turns on its spot."""
        self._apply(tr("Mirror"), lambda scene, ids: mirror_tracks(scene, ids, axis))

    def set_group(self, group_id: int) -> None:
        """Put the selected tracks into a group; 0 is the rest of the picture."""
        self._apply(tr("Change layer of"), lambda scene, ids: set_group(scene, ids, group_id))

    def toggle_smooth(self) -> None:
        """Make the selected paths smooth, or straight when they are smooth already."""
        paths = [track for track in self._session.selected_tracks if track.kind == "path"]
        if paths:
            is_smooth = not all(track.is_smooth for track in paths)
            verb = tr("Smooth") if is_smooth else tr("Straighten")
            changed = [set_smooth(track, is_smooth) for track in paths]
            self._session.set_tracks(changed, f"{verb} {tracks_title(paths)}")

    def takes_to_paths(self) -> None:
        """Turn the selected takes into paths of few points, for editing by hand."""
        takes = [track for track in self._session.selected_tracks if track.kind == "take"]
        if takes:
            changed = [path_from_take(track) for track in takes]
            self._session.set_tracks(
                changed, tr("Make path of {tracks}").format(tracks=tracks_title(takes))
            )

    def insert_point(self, track: Track, point: Point) -> None:
        """Put a point into an arrow or path, px of the picture."""
        changed, _ = insert_point_near(track, point)
        self._session.commit()
        self._session.set_tracks([changed], tr("Insert point"))
        self._session.select([track.id])

    def remove_point(self, track: Track, index: int) -> None:
        """Take a point out of a path."""
        self._session.commit()
        self._session.set_tracks([remove_point(track, index)], tr("Remove point"))

    def split(self, reach_px: float) -> bool:
        """Split the selected tracks that go further than one answer can; whether there were any."""
        scene = self._session.scene
        if scene is None:
            return False
        far = set(beyond_reach(scene, reach_px))
        tracks = [track for track in self._session.selected_tracks if track.id in far]
        if tracks:
            changed = [split_track(track, reach_px) for track in tracks]
            self._session.set_tracks(
                changed, tr("Split {tracks}").format(tracks=tracks_title(tracks))
            )
        return bool(tracks)

    def apply_preset(self, name: Preset, *, group: int = 0, amount: float = 1.0) -> bool:
        """Put a recipe onto the selected tracks, or where it fits; whether it did anything."""
        session = self._session
        session.commit()
        scene = session.scene
        if scene is None:
            return False
        known = {track.id for track in scene.tracks}
        ids = tuple(session.selection)
        changed = apply_preset(scene, name, track_ids=ids, group=group, amount=amount)
        session.apply(changed, tr("{name} preset").format(name=PRESET_NAMES[name]))
        session.select([t.id for t in changed.tracks if t.id not in known] or session.selection)
        return changed != scene

    def add_in_middle(self, kind: Literal["arrow", "pin"]) -> None:
        """Put an arrow or a pin into the middle of the photo and select it: a start for the keys.

        Several of them lie side by side.
        """
        session = self._session
        session.commit()
        scene = session.scene
        if scene is None:
            return
        width, height = scene.picture.width, scene.picture.height
        step = max(width, height) / 20
        taken = {track.tail for track in scene.tracks}
        x, y = width / 2, height / 2
        while (x, y) in taken and x + step < width:
            x += step
        if kind == "pin":
            session.add_pin((x, y))
            return
        drawn = session.with_arrow((x, y), (x, max(0.0, y - 2 * step)))
        session.apply(drawn, tr("Draw arrow"))
        session.select([drawn.tracks[-1].id])

    def _apply(self, verb: str, change: Callable[[Scene, frozenset[int]], Scene]) -> None:
        session = self._session
        session.commit()
        tracks = session.selected_tracks
        if session.scene is not None and tracks:
            changed = change(session.scene, session.selection)
            session.apply(changed, f"{verb} {tracks_title(tracks)}")
