"""The panel on the right: numbers of the selected tracks, of the film and of the view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, get_args

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from cmp_studio.document.motion import film_seconds, frame_times
from cmp_studio.document.scene import FilmSettings, LoopMode, SequenceMode
from cmp_studio.services.session import Session
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.view_options import FlowStyle, ViewOptions
from cmp_studio.services.wording import LOOP_HINTS, LOOP_NAMES, MODE_HINTS, MODE_NAMES
from cmp_studio.widgets.controls import (
    ChoiceBox,
    NumberField,
    SliderField,
    Switch,
    make_label,
    make_line,
)
from cmp_studio.widgets.section import Section
from cmp_studio.widgets.theme import GRID, ThemeManager
from cmp_studio.widgets.track_section import TrackSection

_FLOW_STYLES: Final[Words[str]] = Words(
    {
        "colors": mark("Colours"),
        "needles": mark("Needles"),
        "both": mark("Both"),
    }
)

_LEAST_WIDTH = 232


class Inspector(QScrollArea):
    """Shows one section for each thing that can be set now."""

    def __init__(
        self,
        session: Session,
        options: ViewOptions,
        themes: ThemeManager,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setAccessibleName(tr("Inspector"))
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        panel = self._panel = QWidget()
        panel.setProperty("role", "panel")
        column = QVBoxLayout(panel)
        column.setContentsMargins(2 * GRID, 2 * GRID, 2 * GRID, 2 * GRID)
        column.setSpacing(2 * GRID)
        self.track_section = TrackSection(session, themes)
        self.film_section = FilmSection(session, themes)
        self.flow_section = FlowSection(options, themes)
        self._flow_line = make_line()
        column.addWidget(self.track_section)
        column.addWidget(make_line())
        column.addWidget(self.film_section)
        column.addWidget(self._flow_line)
        column.addWidget(self.flow_section)
        column.addStretch(1)
        self.setWidget(panel)
        self._fit_width()
        self._options = options
        options.changed.connect(self.on_options_changed)
        self.on_options_changed()

    def on_options_changed(self) -> None:
        """Show the flow's settings only where flow is shown."""
        is_flow = self._options.mode == "flow"
        self.flow_section.setVisible(is_flow)
        self._flow_line.setVisible(is_flow)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep wide enough for what is in it: there is no bar to scroll sideways."""
        if watched is self._panel and event.type() == QEvent.Type.LayoutRequest:
            self._fit_width()
        return super().eventFilter(watched, event)

    def _fit_width(self) -> None:
        """Make room for every row that may come: the photo must not move when one is chosen."""
        sections = (self.track_section, self.film_section, self.flow_section)
        rows = max(section.least_width() for section in sections) + 4 * GRID
        needed = max(rows, self._panel.minimumSizeHint().width())
        needed += self.verticalScrollBar().sizeHint().width()
        self.setMinimumWidth(max(_LEAST_WIDTH, self.minimumWidth(), needed))


class FilmSection(Section):
    """Length, rate, loop and strength of the film."""

    def __init__(
        self, session: Session, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Film"), parent)
        self._session = session
        self.duration = NumberField(tr("Duration"), 0.1, 600, decimals=1, step=0.5, suffix=" s")
        self.fps = NumberField(tr("Frame rate"), 1, 120, suffix=" fps")
        self.loop = ChoiceBox(tr("Loop"), LOOP_NAMES, themes)
        self.strength = SliderField(tr("Strength"), 0, 300)
        self.strength.slider.setToolTip(tr("How far everything moves"))
        self.add_row(mark("Duration"), self.duration)
        self.add_row(mark("Frame rate"), self.fps)
        self.add_row(mark("Loop"), self.loop)
        self.add_row(mark("Strength"), self.strength)
        self.mode = ChoiceBox(tr("Way of moving"), MODE_NAMES, themes)
        self.shutter = SliderField(tr("Motion blur"), 0, 360, suffix="°")
        self.shutter.slider.setToolTip(
            tr("How long the shutter is open; 180° looks like film. Seen in the exported film.")
        )
        self.supersample = NumberField(tr("Fine sampling"), 1, 4, suffix=" x")
        self.supersample.setToolTip(
            tr("Draws each frame larger and shrinks it, in the exported film")
        )
        self.summary = make_label("", "muted")
        self.add_row("", self.summary)
        self.add_row(mark("Large moves"), self.mode)
        self.add_row(mark("Motion blur"), self.shutter)
        self.add_row(mark("Sampling"), self.supersample)
        self.duration.edited.connect(self.on_duration_edited)
        self.fps.edited.connect(self.on_fps_edited)
        self.loop.chosen.connect(self.on_loop_chosen)
        self.strength.edited.connect(self.on_strength_edited)
        self.mode.chosen.connect(self.on_mode_chosen)
        self.shutter.edited.connect(self.on_shutter_edited)
        self.supersample.edited.connect(self.on_supersample_edited)
        session.scene_changed.connect(self.on_scene_changed)
        self.on_scene_changed()

    def on_scene_changed(self) -> None:
        """Show the film settings as they are now."""
        scene = self._session.scene
        self.setEnabled(scene is not None)
        film = FilmSettings() if scene is None else scene.film
        self.duration.show_value(film.duration)
        self.fps.show_value(film.fps)
        self.loop.show_value(film.loop)
        self.loop.setToolTip(LOOP_HINTS[film.loop])
        self.strength.show_value(film.strength * 100)
        self.mode.show_value(film.mode)
        self.mode.setToolTip(MODE_HINTS[film.mode])
        self.shutter.show_value(film.shutter)
        self.supersample.show_value(film.supersample)
        self.summary.setText(
            tr("{count} frames, {seconds:.1f} s in all").format(
                count=len(frame_times(film)), seconds=film_seconds(film)
            )
        )

    def on_duration_edited(self, value: float) -> None:
        """Make the film longer or shorter."""
        self._set(tr("Change duration"), lambda film: replace(film, duration=value))

    def on_fps_edited(self, value: float) -> None:
        """Change the frame rate."""
        self._set(tr("Change frame rate"), lambda film: replace(film, fps=value))

    def on_loop_chosen(self, value: str) -> None:
        """Change what follows the last frame."""
        loop: LoopMode = next(known for known in get_args(LoopMode) if known == value)
        self._session.set_film_loop(loop)

    def on_strength_edited(self, value: float) -> None:
        """Let everything move more or less."""
        self._set(tr("Change strength"), lambda film: replace(film, strength=value / 100))

    def on_mode_chosen(self, value: str) -> None:
        """Change how large motions are made."""
        mode: SequenceMode = next(known for known in get_args(SequenceMode) if known == value)
        self._set(tr("Change way of moving"), lambda film: replace(film, mode=mode))

    def on_shutter_edited(self, value: float) -> None:
        """Change the motion blur."""
        self._set(tr("Change motion blur"), lambda film: replace(film, shutter=value))

    def on_supersample_edited(self, value: float) -> None:
        """Change how finely frames are drawn."""
        self._set(tr("Change sampling"), lambda film: replace(film, supersample=round(value)))

    def _set(self, label: str, change: Callable[[FilmSettings], FilmSettings]) -> None:
        scene = self._session.scene
        if scene is not None:
            self._session.set_film(change(scene.film), label, key=label)


class FlowSection(Section):
    """How the flow is shown."""

    def __init__(
        self, options: ViewOptions, themes: ThemeManager, parent: QWidget | None = None
    ) -> None:
        super().__init__(tr("Flow"), parent)
        self._options = options
        self.style_box = ChoiceBox(tr("Flow style"), _FLOW_STYLES, themes)
        self.opacity = SliderField(tr("Flow opacity"), 0, 100)
        self.is_automatic = Switch(tr("Automatic"), themes)
        self.is_automatic.setToolTip(tr("The longest arrow gets the full colour"))
        self.scale = NumberField(tr("Flow scale"), 1, 2000, suffix=" px")
        self.scale.setToolTip(tr("Length that gets the full colour"))
        self.add_row(mark("Show"), self.style_box)
        self.add_row(mark("Opacity"), self.opacity)
        self.add_row(mark("Scale"), self.is_automatic)
        self.add_row(mark("Full at"), self.scale)
        self.style_box.chosen.connect(self.on_style_chosen)
        self.opacity.edited.connect(self.on_opacity_edited)
        self.is_automatic.clicked.connect(self.on_scale_edited)
        self.scale.edited.connect(self.on_scale_edited)
        options.changed.connect(self.on_options_changed)
        self.on_options_changed()

    def on_options_changed(self) -> None:
        """Show the options as they are now."""
        options = self._options
        self.style_box.show_value(options.flow_style)
        self.opacity.show_value(options.flow_opacity * 100)
        self.is_automatic.setChecked(options.is_scale_automatic)
        self.scale.show_value(options.flow_scale)
        self.scale.setEnabled(not options.is_scale_automatic)

    def on_style_chosen(self, value: str) -> None:
        """Show colours, needles or both."""
        self._options.set_flow_style(next(k for k in get_args(FlowStyle) if k == value))

    def on_opacity_edited(self, value: float) -> None:
        """Cover more or less of the picture."""
        self._options.set_flow_opacity(value / 100)

    def on_scale_edited(self) -> None:
        """Fix the scale or let it follow the arrows."""
        self._options.set_flow_scale(self.scale.value(), is_automatic=self.is_automatic.isChecked())
