"""What the canvas shows: the pose that is dragged, the frame that is due, or the photo itself."""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal

from cmp_studio.document.scene import Scene
from cmp_studio.services.film_frames import (
    coarse_to_fine,
    peak_index,
    posed,
    preview_times,
    previewed_film,
)
from cmp_studio.services.frame_cache import CachedFrame, FrameCache
from cmp_studio.services.motion_backend import (
    REST,
    EngineChoice,
    EngineInfo,
    Pose,
    Stage,
)
from cmp_studio.services.pictures import fitted_size
from cmp_studio.services.playback import Playback
from cmp_studio.services.pose_plan import PosePlan
from cmp_studio.services.predictor_worker import FrameAnswer, PredictorWorker
from cmp_studio.services.session import Session

log = logging.getLogger(__name__)

LONG_SIDE_DRAG_CPU: Final = 640
"""Frames are smaller while something is dragged: the answer comes in half the time."""

LONG_SIDE_CPU: Final = 800
LONG_SIDE_GPU: Final = 1600
LONG_SIDE_STILL: Final = 2560
STILL_DELAY_MS: Final = 300
_CACHE_SHARE: Final = 0.8
"""Share of the frame cache that one film may fill; the rest is for what undo brings back."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What is to be drawn.

    Attributes:
        frame: A rendered frame, or None for the photo itself.
        pose: What it shows.
        is_exact: False while a neighbouring frame stands in for one that is being rendered.
    """

    frame: CachedFrame | None
    pose: Pose
    is_exact: bool


class Preview(QObject):
    """Keeps the picture on the canvas in step with the scene and the clock.

    While a gesture is open, the pose at which the edited track has gone furthest is rendered over
    and over, newest first. Otherwise the frames of the film are rendered in the background, every
    16th first, then those between, and kept by what they show: undo finds them again, and a film
    that goes there and back renders each pose once.

    Thread: GUI thread only.

    Signals:
        shown_changed(): `shown` is another picture.
        cached_changed(): `cached` is another row of marks.
        engine_changed(): The engine was loaded, is being loaded, or could not be.
        answered(seconds): A pose of a drag was rendered in this time.
        engine_failed(sentence): The weights or the device can't be had.
        failed(sentence): A frame can't be rendered.
        busy_changed(): `is_busy` may be another.
        reach_changed(): `reach_px` is another.
    """

    reach_changed = Signal()
    shown_changed = Signal()
    cached_changed = Signal()
    engine_changed = Signal()
    answered = Signal(float)
    engine_failed = Signal(str)
    failed = Signal(str)
    busy_changed = Signal()

    def __init__(
        self,
        session: Session,
        playback: Playback,
        worker: PredictorWorker,
        *,
        cache: FrameCache | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._playback = playback
        self._worker = worker
        self._cache = cache or FrameCache()
        self._engine = 0
        self._info: EngineInfo | None = None
        self._is_loading = False
        self._stage: Stage | None = None
        self._poses: tuple[Pose, ...] = (REST,)
        self._shown = Shown(None, REST, is_exact=True)
        self._cached: tuple[bool, ...] = (True,)
        self._reach: float | None = None
        self._gesture_index: int | None = None
        self._goal: tuple[Scene, int] | None = None
        self._asked: Hashable | None = None
        self._view_long_side = 0
        self._film = None if session.scene is None else session.scene.film
        self._plan = PosePlan(self)
        self._plan.ready.connect(self.on_scene_changed)
        self._still_timer = QTimer(self)
        self._still_timer.setSingleShot(True)
        self._still_timer.setInterval(STILL_DELAY_MS)
        self._still_timer.timeout.connect(self.on_still_due)
        session.opened.connect(self.on_opened)
        session.scene_changed.connect(self.on_scene_changed)
        playback.frame_changed.connect(self.on_frame_changed)
        playback.playing_changed.connect(self.on_playing_changed)
        worker.loaded.connect(self.on_loaded)
        worker.load_failed.connect(self.on_load_failed)
        worker.frame_ready.connect(self.on_frame_ready)
        worker.failed.connect(self.on_render_failed)
        worker.busy_changed.connect(self.busy_changed)

    @property
    def shown(self) -> Shown:
        """What is to be drawn."""
        return self._shown

    @property
    def poses(self) -> tuple[Pose, ...]:
        """What each frame of the film shows."""
        return self._poses

    @property
    def due_time(self) -> float:
        """Seconds on the timeline that the due frame shows; 0 when nothing is open."""
        scene = self._session.scene
        if scene is None:
            return 0.0
        times = preview_times(scene.film)
        return times[min(self._playback.index, len(times) - 1)]

    @property
    def reach_px(self) -> float | None:
        """How far one answer of the network can go, px of the picture; None has no bound."""
        return self._reach

    @property
    def frame_seconds(self) -> float:
        """Time between two frames of the preview, seconds."""
        return 1 / self._playback.fps

    def time_of(self, index: int) -> float:
        """What a frame of the film shows, seconds on the timeline."""
        scene = self._session.scene
        if scene is None:
            return 0.0
        times = preview_times(scene.film)
        return times[min(max(index, 0), len(times) - 1)]

    def index_near(self, time: float) -> int:
        """The frame on the way there that is nearest to a time on the timeline."""
        index = self.index_of(time)
        after = self.index_of(time + self.frame_seconds * 1.01)
        nearer = abs(self.time_of(after) - time) < abs(self.time_of(index) - time)
        return after if nearer else index

    def goal_frame(self) -> CachedFrame | None:
        """The rendered frame in which everything has gone furthest, or None."""
        scene = self._session.scene
        if scene is None or not scene.tracks:
            return None
        if self._goal is None or self._goal[0] is not scene:
            ids = frozenset(track.id for track in scene.tracks)
            self._goal = scene, peak_index(scene, ids, self._playback.index)
        return self._frame(self._poses[min(self._goal[1], len(self._poses) - 1)])

    def worst_holes(self) -> tuple[float, int]:
        """The largest share of holes among the rendered frames, and the frame that has it."""
        worst, at = 0.0, 0
        for index, pose in enumerate(self._poses):
            frame = self._frame(pose)
            if frame is not None and frame.hole_share > worst:
                worst, at = frame.hole_share, index
        return worst, at

    def index_of(self, time: float) -> int:
        """The first frame of the film that shows a time on the timeline, or the one before it."""
        scene = self._session.scene
        if scene is None:
            return 0
        times = preview_times(scene.film)
        last = times.index(max(times))
        return max(0, bisect_right(times, time + 1e-9, hi=last + 1) - 1)

    @property
    def cached(self) -> tuple[bool, ...]:
        """For each frame of the film, whether it is rendered."""
        return self._cached

    @property
    def engine(self) -> EngineInfo | None:
        """What answers, or None before it is loaded."""
        return self._info

    @property
    def is_loading(self) -> bool:
        """Whether weights are being loaded."""
        return self._is_loading

    @property
    def is_busy(self) -> bool:
        """Whether something is being rendered or loaded."""
        return self._worker.is_busy or self._plan.is_busy

    def load_engine(self, choice: EngineChoice) -> None:
        """Load weights onto a device; what is open is rendered again with them."""
        self._is_loading = True
        self._worker.load(choice, self._engine + 1)
        self.engine_changed.emit()

    def set_view_long_side(self, pixels: int) -> None:
        """Say how large the photo is on the screen, longer side in device px."""
        self._view_long_side = pixels
        self._ask_still_later()

    def resume(self) -> None:
        """Ask again for all that is missing, after requests were dropped for a while."""
        self._asked = None
        self.on_scene_changed()

    # What happens.

    def on_opened(self) -> None:
        """Another document is open: begin at its first frame, playing."""
        self._worker.cancel_poses()
        self._worker.cancel_film()
        self._asked = None
        self._gesture_index = None
        self._playback.let_go()
        self._playback.seek(0)
        if self._session.scene is not None:
            self._playback.play()
        else:
            self._playback.pause()

    def on_scene_changed(self) -> None:
        """Render what changed."""
        scene = self._session.scene
        self._stage = self._make_stage()
        if scene is None:
            self._plan.cancel()
            self._poses, self._cached = (REST,), (True,)
            self._show(Shown(None, REST, is_exact=True))
            self.cached_changed.emit()
            return
        if self._session.has_gesture:
            self._follow_gesture(scene)
        else:
            self._plan_film(scene)

    def on_frame_changed(self, _index: int) -> None:
        """Show the frame that is due."""
        self._refresh()

    def on_playing_changed(self, _is_playing: bool) -> None:  # noqa: FBT001 - a slot
        """A paused frame is shown exactly, a playing one as well as can be."""
        self._refresh()

    def on_loaded(self, info: EngineInfo, engine: int) -> None:
        """Render with the new engine."""
        self._engine = engine
        self._info = info
        self._is_loading = False
        self._asked = None
        self._cache.clear()
        self.engine_changed.emit()
        self.on_scene_changed()

    def on_load_failed(self, sentence: str) -> None:
        """Keep the old engine and say so."""
        self._is_loading = False
        self.engine_changed.emit()
        self.engine_failed.emit(sentence)

    def on_frame_ready(self, answer: FrameAnswer) -> None:
        """Keep and show a frame that was rendered."""
        if answer.stage.engine != self._engine or self._stage is None:
            return
        if answer.is_live:
            self.answered.emit(answer.seconds)
        self._take_reach(answer.reach_px)
        if _key(answer.stage, answer.pose) == self._asked:
            self._asked = None
        is_wanted = answer.pose == self._wanted_pose()
        if is_wanted or not answer.is_live:
            self._cache.put(_key(answer.stage, answer.pose), answer.frame)
        is_same_photo = answer.stage.picture is self._stage.picture
        if answer.is_live and is_same_photo and self._session.has_gesture:
            self._show(Shown(answer.frame, answer.pose, is_exact=is_wanted))
        else:
            self._mark_cached()
            self._refresh()

    def _take_reach(self, reach_px: float | None) -> None:
        """Longer arrows are walked in steps, as soon as it is known how long they may be."""
        if reach_px != self._reach:
            self._reach = reach_px
            self.reach_changed.emit()
            self.on_scene_changed()

    def on_render_failed(self, sentence: str) -> None:
        """Say it; the same pose may be asked for again."""
        self._asked = None
        self.failed.emit(sentence)

    def on_still_due(self) -> None:
        """Render the frame that is looked at as sharp as the screen shows it."""
        stage = self._still_stage()
        if stage is None or self._playback.is_playing or self._session.has_gesture:
            return
        pose = self._wanted_pose()
        if pose != REST and _key(stage, pose) not in self._cache:
            self._worker.request_still(stage, pose)

    # Inside.

    def _make_stage(self) -> Stage | None:
        scene, picture = self._session.scene, self._session.picture
        if scene is None or picture is None:
            return None
        is_fast = self._info is not None and self._info.is_fast
        size_hw = fitted_size(picture.image_hw, LONG_SIDE_GPU if is_fast else LONG_SIDE_CPU)
        from cmp_studio.pipeline.stage import stage_key

        return Stage(picture, size_hw, scene, stage_key(scene), self._engine)

    def _drag_stage(self, stage: Stage) -> Stage:
        if self._info is not None and self._info.is_fast:
            return stage
        size_hw = fitted_size(stage.picture.image_hw, LONG_SIDE_DRAG_CPU)
        return replace(stage, size_hw=size_hw)

    def _still_stage(self) -> Stage | None:
        if self._stage is None:
            return None
        long_side = min(self._view_long_side, LONG_SIDE_STILL)
        size_hw = fitted_size(self._stage.picture.image_hw, -(-long_side // 320) * 320)
        if max(size_hw) <= max(self._stage.size_hw) * 1.1:
            return None
        return replace(self._stage, size_hw=size_hw)

    def _wanted_pose(self) -> Pose:
        scene = self._session.scene
        if scene is not None and self._gesture_index is not None:
            times = preview_times(scene.film)
            index = min(self._gesture_index, len(times) - 1)
            return posed(scene, times[index], self._reach)
        return self._poses[min(self._playback.index, len(self._poses) - 1)]

    def _follow_gesture(self, scene: Scene) -> None:
        self._plan.cancel()
        if self._session.is_live:
            self._gesture_index = self._playback.index
            self._worker.cancel_film()
            self._refresh()
            return
        edited = self._session.edited
        if edited:
            self._gesture_index = peak_index(scene, edited, self._playback.index)
        elif scene.film != self._film:
            # A film setting is being turned: show its effect where most moves.
            everything = frozenset(track.id for track in scene.tracks)
            self._gesture_index = peak_index(scene, everything, self._playback.index)
        self._worker.cancel_film()
        self._playback.hold()
        if self._gesture_index is not None:
            self._playback.seek(self._gesture_index)
        self._refresh()

    def _plan_film(self, scene: Scene) -> None:
        stage = self._stage
        poses = self._plan.poses(scene, self._reach)
        if poses is None:
            return  # a long film: comes again when they are there
        self._film = scene.film
        gesture_index, self._gesture_index = self._gesture_index, None
        self._poses = poses
        self._mark_cached()  # before the playback moves, which asks for a neighbour among them
        film = previewed_film(scene.film)
        self._playback.set_film(len(poses), film.fps, is_looping=film.loop != "once")
        if gesture_index is not None:
            self._playback.seek(gesture_index)
        self._playback.let_go()
        if stage is not None and self._info is not None:
            self._cache.touch(_key(stage, pose) for pose in set(poses))
            missing = tuple(p for p in self._order(poses) if _key(stage, p) not in self._cache)
            if missing:
                self._worker.request_film(stage, missing)
            else:
                self._worker.cancel_film()
        self._mark_cached()
        self._refresh()

    def _order(self, poses: Sequence[Pose]) -> list[Pose]:
        """Different poses in the order in which to render them, as many as the cache holds.

        The still pose is rendered too when it is the only one: the network then has seen the photo
        before the first arrow is drawn.
        """
        moving = list(dict.fromkeys(pose for pose in poses if pose != REST))
        if not moving:
            return [REST]
        stage = self._stage
        frame_bytes = 1 if stage is None else stage.size_hw[0] * stage.size_hw[1] * 4
        room = max(1, int(self._cache.max_bytes * _CACHE_SHARE // frame_bytes))
        return coarse_to_fine(moving)[:room]

    def _refresh(self) -> None:
        """Show the best there is of what is wanted, and ask for it when it is missing."""
        pose = self._wanted_pose()
        stage = self._stage
        frame = self._frame(pose)
        if pose == REST or frame is not None or stage is None:
            self._show(Shown(frame, pose, is_exact=True))
            self._ask_still_later()
            return
        if not self._playback.is_playing or self._session.has_gesture:
            stage = self._drag_stage(stage) if self._session.has_gesture else stage
            key = _key(stage, pose)
            if key != self._asked:  # the mouse moved, the pose did not
                self._asked = key
                self._worker.request_pose(stage, pose)
        if not self._session.has_gesture:
            neighbour = self._neighbour()
            if neighbour is not None:
                self._show(Shown(self._frame(neighbour), neighbour, is_exact=False))

    def _frame(self, pose: Pose) -> CachedFrame | None:
        if pose == REST or self._stage is None:
            return None
        if not self._playback.is_playing:
            still = self._still_stage()
            frame = None if still is None else self._cache.get(_key(still, pose))
            if frame is not None:
                return frame
        frame = self._cache.get(_key(self._stage, pose))
        if frame is None and self._session.has_gesture:
            frame = self._cache.get(_key(self._drag_stage(self._stage), pose))
        return frame

    def _neighbour(self) -> Pose | None:
        """The pose of the rendered frame that is nearest in time to the one that is due."""
        count, index = len(self._poses), self._playback.index
        if not any(self._cached):
            return None
        for distance in range(count // 2 + 1):
            for other in ((index - distance) % count, (index + distance) % count):
                if self._cached[other]:
                    return self._poses[other]
        return None

    def _show(self, shown: Shown) -> None:
        old, self._shown = self._shown, shown
        if shown.frame is not old.frame or shown.pose != old.pose or shown.is_exact != old.is_exact:
            self.shown_changed.emit()

    def _mark_cached(self) -> None:
        stage = self._stage
        if stage is None:
            return
        cached = tuple(pose == REST or _key(stage, pose) in self._cache for pose in self._poses)
        if cached != self._cached:
            self._cached = cached
            self.cached_changed.emit()

    def _ask_still_later(self) -> None:
        if not self._playback.is_playing and not self._session.has_gesture:
            self._still_timer.start()


def _key(stage: Stage, pose: Pose) -> Hashable:
    return stage.key, stage.size_hw, stage.engine, pose
