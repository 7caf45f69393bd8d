"""All services of one window, made in the right order and stopped in the right order."""

from __future__ import annotations

from PySide6.QtCore import QObject

from cmp_studio.document.scene import Scene
from cmp_studio.services.advice import Advice
from cmp_studio.services.annotator import Annotator
from cmp_studio.services.autosave import Autosave
from cmp_studio.services.background import Background
from cmp_studio.services.brush import Brush
from cmp_studio.services.export_job import ExportJob, ExportSettings
from cmp_studio.services.export_queue import ExportQueue
from cmp_studio.services.heap import HeapTrimmer
from cmp_studio.services.layer_commands import LayerCommands
from cmp_studio.services.loop_range import LoopRange
from cmp_studio.services.mask_tints import MaskTints
from cmp_studio.services.modes import ANIMATE, Modes
from cmp_studio.services.motion_backend import EngineChoice, EngineFactory, load_engine
from cmp_studio.services.path_pen import PathPen
from cmp_studio.services.playback import Playback
from cmp_studio.services.plotter import Plotter
from cmp_studio.services.predictor_worker import PredictorWorker
from cmp_studio.services.preferences import Preferences
from cmp_studio.services.preview import Preview
from cmp_studio.services.probe_exports import ProbeExports
from cmp_studio.services.probe_tools import ProbeTools
from cmp_studio.services.prober import Prober
from cmp_studio.services.recent_thumbnails import RecentThumbnails
from cmp_studio.services.recorder import Recorder
from cmp_studio.services.scene_command import command_of
from cmp_studio.services.scene_files import SceneFiles
from cmp_studio.services.session import Session
from cmp_studio.services.tools import CanvasTools
from cmp_studio.services.track_commands import TrackCommands
from cmp_studio.services.view_options import ViewOptions
from cmp_studio.services.weights_store import WeightsStore


class Studio(QObject):
    """What the widgets work with.

    Args:
        preferences: What is remembered between runs.
        make_engine: Loads weights onto a device; called on worker threads.
    """

    def __init__(
        self,
        preferences: Preferences,
        make_engine: EngineFactory = load_engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._make_engine = make_engine
        self._has_film_paused = False
        self.preferences = preferences
        self.modes = Modes(self)
        self.background = Background(self)
        self.session = Session(self)
        self.playback = Playback(self)
        self.worker = PredictorWorker(make_engine, self)
        self.preview = Preview(self.session, self.playback, self.worker, parent=self)
        self.loop_range = LoopRange(self.session, self.preview, self.playback, self)
        self.commands = TrackCommands(self.session)
        self.pen = PathPen(self.session, self)
        self.brush = Brush(self.session, self.background, self)
        self.layers = LayerCommands(self.session, self.brush, self.background, self)
        self.recorder = Recorder(self.session, self.preview, self.playback, preferences, self)
        self.tools = CanvasTools(
            self.session, self.commands, self.pen, self.brush, self.recorder, self
        )
        self.options = ViewOptions(preferences, self)
        self.files = SceneFiles(self.session, self.background, preferences, self)
        self.weights = WeightsStore(self)
        self.autosave = Autosave(self.session, self.background, preferences.folder, self)
        self.files.recovered.connect(self.autosave.on_recovered)
        self.thumbnails = RecentThumbnails(self.background, self)
        self.exports = ExportQueue(self)
        self.tints = MaskTints(self.background, self)
        self.advice = Advice(self.session, self.preview, self)
        self.annotator = Annotator(self.session, self.worker, self.background, preferences, self)
        self.prober = Prober(self.session, self.preview, self.worker, make_engine, self)
        self.probe_tools = ProbeTools(self.prober, self)
        self.probe_exports = ProbeExports(self.prober, self.session, self.background, self)
        self.plotter = Plotter(self)
        self.heap = HeapTrimmer(self.background, self)
        self.preview.busy_changed.connect(self.heap.on_work_done)
        self.exports.ended.connect(self.heap.on_work_done)
        self.session.opened.connect(self.heap.on_work_done)
        self.worker.busy_changed.connect(self.heap.on_work_done)
        self.annotator.masks.changed.connect(self.heap.on_work_done)
        self.modes.changed.connect(self.on_mode_changed)

    def engine_choice(self) -> EngineChoice:
        """The weights and the device that the user chose last."""
        return EngineChoice(
            self.preferences.text("engine/weights", "default"),
            self.preferences.text("engine/device", "auto"),
        )

    def load_engine(self, choice: EngineChoice) -> None:
        """Take other weights or another device, and remember the choice."""
        self.preferences.set_text("engine/weights", choice.weights)
        self.preferences.set_text("engine/device", choice.device)
        self.preview.load_engine(choice)

    def on_mode_changed(self, name: str) -> None:
        """Leave the network to the mode that is on: only in Animate the film goes on."""
        if name == ANIMATE:
            self.worker.hold_frames(is_held=False)
            self.preview.resume()
            if self._has_film_paused and self.session.scene is not None:
                self.playback.play()
            self._has_film_paused = False
        elif not self.worker.holds_frames:
            self.session.commit()
            self._has_film_paused = self.playback.is_playing
            self.playback.pause()
            self.worker.hold_frames(is_held=True)

    def make_export(self, scene: Scene, settings: ExportSettings) -> ExportJob:
        """Return an export of ``scene``, not started yet, with the engine in use."""
        picture = self.session.picture
        if picture is None:
            raise RuntimeError("No scene is open; open a picture first.")
        engine = self.preview.engine
        choice = self.engine_choice() if engine is None else engine.choice
        return ExportJob(scene, picture, settings, choice, self._make_engine, self)

    def command(self) -> str | None:
        """The open scene as a command line; None when nothing is open or it must be saved."""
        session = self.session
        if session.scene is None:
            return None
        return command_of(
            session.scene,
            path=session.path,
            is_saved=not session.is_dirty,
            weights=self.engine_choice().weights,
        )

    def shutdown(self) -> bool:
        """Stop every thread and save the preferences; return whether all threads have ended.

        Unsaved work stays in the autosave, unless `Autosave.close` came before.
        """
        self.playback.pause()
        self.autosave.write()
        ended = [
            self.exports.stop(),
            self.annotator.stop(),
            self.worker.stop(),
            self.weights.stop(),
            self.background.stop(),
        ]
        ended.append(self.plotter.stop())
        self.autosave.release()
        self.preferences.save()
        return all(ended)
