"""Draws plots off the GUI thread, the newest first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cmp_studio.services.latest_wins import Failure, Interrupted, Job, LatestWinsRunner
from cmp_studio.services.translation import translated
from cmp_studio.services.wording import sentence_of

if TYPE_CHECKING:
    from cmp_studio.pipeline.findings import Table


@dataclass(frozen=True, slots=True, eq=False)
class PlotRequest:
    """A plot to draw.

    Attributes:
        table: What is in it; None draws nothing and only loads the library.
        size: Width and height, device px.
        ratio: Device px for each logical px.
        colors: Ground, text and grid, as ``#rrggbb``.
    """

    table: Table | None
    size: tuple[int, int]
    ratio: float
    colors: tuple[str, str, str]


class Plotter(QObject):
    """Draws what is asked for last; a plot that nobody waits for any more is not drawn.

    matplotlib is imported with the first request, on the plotter's own thread.

    Thread: GUI thread; the work is done on a thread of its own.

    Signals:
        drawn(plot): A `cmp_studio.pipeline.probe_plots.PlotPicture` of the last request.
        failed(sentence): It could not be drawn.
    """

    drawn = Signal(object)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._asked = 0
        self._is_started = False
        self._runner = LatestWinsRunner(_draw, name="plots", parent=self)
        self._runner.answered.connect(self.on_answered)
        self._runner.failed.connect(self.on_failed)

    def load(self) -> None:
        """Import the library, so that the first plot comes at once."""
        self.ask(PlotRequest(None, (1, 1), 1.0, ("", "", "")))

    def ask(self, request: PlotRequest) -> None:
        """Draw this; what still waits is forgotten."""
        if not self._is_started:
            self._is_started = True
            self._runner.start()
        self._asked = self._runner.submit(request)

    def stop(self, timeout: float = 20.0) -> bool:
        """End the thread; return whether it has ended."""
        return self._runner.stop(timeout)

    def on_answered(self, job: Job, plot: object) -> None:
        """Hand on the plot that was asked for last."""
        if job.number == self._asked and plot is not None:
            self.drawn.emit(plot)

    def on_failed(self, failure: Failure) -> None:
        """Say what went wrong."""
        self.failed.emit(sentence_of(failure.error))


def _draw(job: Job, is_interrupted: Callable[[], bool]) -> object:
    from cmp_studio.pipeline.probe_plots import PlotLook, load_plots, plot_pixels

    request = job.request
    if is_interrupted():  # a newer plot waits
        raise Interrupted
    if not isinstance(request, PlotRequest) or request.table is None:
        load_plots()
        return None
    look = PlotLook(*request.colors, say=translated)
    return plot_pixels(request.table, request.size, ratio=request.ratio, look=look)
