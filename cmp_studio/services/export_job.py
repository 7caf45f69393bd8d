"""Writing the film to a file while the window stays in use."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from PySide6.QtCore import QObject, Signal

from cmp_engine.errors import Cancelled
from cmp_studio.document.motion import film_seconds, frame_times
from cmp_studio.document.scene import FilmSettings, Scene, set_film
from cmp_studio.services.motion_backend import EngineChoice, EngineFactory, load_engine
from cmp_studio.services.pictures import OpenedPicture
from cmp_studio.services.thread_priority import step_back
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.window_work import give_way
from cmp_studio.services.wording import sentence_of

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor

log = logging.getLogger(__name__)

ExportFormat = Literal["mp4", "gif", "webm", "webp", "png"]
ExportQuality = Literal["draft", "good", "best"]

FORMAT_NAMES: Final[Words[ExportFormat]] = Words(
    {
        "mp4": mark("MP4 film"),
        "gif": mark("GIF animation"),
        "webm": mark("WebM film"),
        "webp": mark("WebP animation"),
        "png": mark("PNG pictures"),
    }
)
FORMAT_HINTS: Final[Words[ExportFormat]] = Words(
    {
        "mp4": mark("Plays everywhere."),
        "gif": mark("For messages and web pages; 256 colours, large files."),
        "webm": mark("Small files for web pages."),
        "webp": mark("Like GIF with all colours; for web pages."),
        "png": mark("A folder with one picture for each frame."),
    }
)
QUALITY_NAMES: Final[Words[ExportQuality]] = Words(
    {
        "draft": mark("Draft"),
        "good": mark("Good"),
        "best": mark("Best"),
    }
)
_PROGRESS_INTERVAL: Final = 0.05


@dataclass(frozen=True, slots=True)
class ExportSettings:
    """What to write.

    Attributes:
        path: The film; for PNG pictures a folder.
        format: Kind of film.
        size_hw: Size of the frames, px.
        fps: Frames per second.
        duration: Length of the timeline, seconds.
        loops: How often the film is gone through.
        quality: From small and quick to large and fine.
    """

    path: Path
    format: ExportFormat
    size_hw: tuple[int, int]
    fps: float
    duration: float
    loops: int = 1
    quality: ExportQuality = "good"


@dataclass(frozen=True, slots=True)
class ExportProgress:
    """How far an export is.

    Attributes:
        done: Steps done; 0 while the network is being loaded.
        total: Steps in all.
        seconds_left: A guess, or None when there is nothing to guess from yet.
    """

    done: int
    total: int
    seconds_left: float | None


def export_film_settings(film: FilmSettings, *, fps: float, duration: float) -> FilmSettings:
    """Return the scene's film settings with what the export asks for."""
    return replace(film, fps=fps, duration=duration)


def export_summary(film: FilmSettings, loops: int) -> tuple[int, float]:
    """Return the number of frames and the seconds of an exported film."""
    return len(frame_times(film)) * loops, film_seconds(film) * loops


class ExportJob(QObject):
    """One film being written on a thread of its own, with a predictor of its own.

    Thread: create and start on the GUI thread. Signals come from the job's thread, so connect
    bound methods of QObjects.

    Signals:
        progressed(progress): An `ExportProgress`.
        succeeded(path): The film is there.
        cancelled(): It was stopped; nothing was left behind.
        failed(sentence): It could not be written; nothing was left behind.
        ended(): One of the three came.
    """

    progressed = Signal(object)
    succeeded = Signal(object)
    cancelled = Signal()
    failed = Signal(str)
    ended = Signal()

    def __init__(
        self,
        scene: Scene,
        picture: OpenedPicture,
        settings: ExportSettings,
        choice: EngineChoice,
        make_engine: EngineFactory = load_engine,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        film = export_film_settings(scene.film, fps=settings.fps, duration=settings.duration)
        self._scene = set_film(scene, film)
        self._picture = picture
        self._settings = settings
        self._choice = choice
        self._make_engine = make_engine
        self._stop = threading.Event()
        self._started_at = 0.0
        self._reported_at = 0.0
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)

    @property
    def settings(self) -> ExportSettings:
        """What is being written."""
        return self._settings

    @property
    def is_running(self) -> bool:
        """Whether the thread still works."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """Ask the job to stop before its next frame."""
        self._stop.set()

    def wait(self, timeout: float = 20.0) -> bool:
        """Wait for the end, ``timeout`` seconds at most; return whether it came."""
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    # On the job's thread.

    def _run(self) -> None:
        step_back()
        give_way()
        try:
            path = self._export()
        except Cancelled:
            self.cancelled.emit()
        except Exception as error:
            log.info("export failed", exc_info=True)
            self.failed.emit(sentence_of(error))
        else:
            self.succeeded.emit(path)
        self.ended.emit()

    def _export(self) -> Path:
        from cmp_studio.pipeline.export import export_film

        predictor = self._load()
        predictor.set_image(self._picture.image)
        self._started_at = time.monotonic()
        settings = self._settings
        return export_film(
            self._scene,
            predictor,
            settings.path,
            format=settings.format,
            size_hw=settings.size_hw,
            quality=settings.quality,
            loops=settings.loops,
            image=self._picture.image,
            progress=self._on_progress,
            cancelled=self._stop.is_set,
        )

    def _load(self) -> MotionPredictor:
        predictor = self._make_engine(self._choice).predictor
        if self._stop.is_set():
            raise Cancelled(tr("The export was cancelled."))
        return predictor

    def _on_progress(self, done: int, total: int) -> None:
        now = time.monotonic()
        if done < total and now - self._reported_at < _PROGRESS_INTERVAL:
            return
        self._reported_at = now
        spent = now - self._started_at
        left = spent / done * (total - done) if done > 1 else None
        self.progressed.emit(ExportProgress(done, total, left))
