"""What a person marked on one picture: objects made of clicks and brush strokes.

Everything here is immutable; every edit returns another annotation. Masks are no part of it: they
follow from the clicks (`cmp_studio.pipeline.annotation_masks`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from cmp_studio.document.errors import MarkError
from cmp_studio.document.tracks import Point

Method: TypeAlias = Literal["colors", "agreement", "agreement8", "published"]
METHODS: Final[tuple[Method, ...]] = ("colors", "agreement", "agreement8", "published")

MAX_OBJECTS: Final = 254
"""As many as an indexed PNG tells apart, with 0 for background and 255 free for "ignore"."""

MIN_SPEED, MAX_SPEED = 5.0, 100.0
MIN_ZOOM, MAX_ZOOM = 1.0, 8.0


@dataclass(frozen=True, slots=True)
class Click:
    """A spot that was clicked.

    Attributes:
        point: Px of the picture.
        is_positive: It is on the object; otherwise beside it.
    """

    point: Point
    is_positive: bool = True


@dataclass(frozen=True, slots=True)
class BrushStroke:
    """One stroke of the brush on a mask.

    Attributes:
        points: Where it went, px of the picture.
        radius: Of the brush, px of the picture.
        is_erasing: It takes away.
    """

    points: tuple[Point, ...]
    radius: float
    is_erasing: bool = False

    def __post_init__(self) -> None:
        """Refuse strokes that draw nothing."""
        if not self.points or not 0 < self.radius < 1e5:
            raise MarkError(
                "A stroke has at least one point and a radius above 0, got {count} points and "
                "{radius:g} px.",
                count=len(self.points),
                radius=self.radius,
            )


@dataclass(frozen=True, slots=True)
class MaskSettings:
    """How clicks become a mask.

    Attributes:
        method: The fusion, by its name in `cmp_engine.click_fusion`.
        threshold: How sure a pixel must be, 0 to 1.
        speed: Length of the pull, px at short side 384.
        zoom: Side of the crop for small objects, in units of the object; 0 never zooms.
    """

    method: Method = "colors"
    threshold: float = 0.5
    speed: float = 30.0
    zoom: float = 2.0

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        is_zoom_fine = self.zoom == 0 or MIN_ZOOM <= self.zoom <= MAX_ZOOM
        if (
            self.method not in METHODS
            or not 0 <= self.threshold <= 1
            or not MIN_SPEED <= self.speed <= MAX_SPEED
            or not is_zoom_fine
        ):
            raise MarkError(
                "Expected a known method, a threshold from 0 to 1, a speed from {min_speed:g} to "
                "{max_speed:g} px and a zoom of 0 or {min_zoom:g} to {max_zoom:g}, got {settings}.",
                min_speed=MIN_SPEED,
                max_speed=MAX_SPEED,
                min_zoom=MIN_ZOOM,
                max_zoom=MAX_ZOOM,
                settings=self,
            )


@dataclass(frozen=True, slots=True)
class ClickedThing:
    """One object of a picture.

    Attributes:
        id: Unique in its annotation.
        label: Its category.
        clicks: In the order in which they were set.
        strokes: Of the brush, in order; they count more than the clicks.
        others: Positive clicks of the other objects when this one was clicked last: they count as
            negative ones. Kept here, so that an object does not change while another is edited.
        settings: How its clicks become its mask.
    """

    id: int
    label: str
    clicks: tuple[Click, ...] = ()
    strokes: tuple[BrushStroke, ...] = ()
    others: tuple[Point, ...] = ()
    settings: MaskSettings = field(default_factory=MaskSettings)

    @property
    def positive(self) -> tuple[Point, ...]:
        """Clicks on the object."""
        return tuple(click.point for click in self.clicks if click.is_positive)

    @property
    def negative(self) -> tuple[Point, ...]:
        """Clicks beside it, without those of the other objects."""
        return tuple(click.point for click in self.clicks if not click.is_positive)

    @property
    def score_key(self) -> Hashable:
        """What the network's answer depends on; None where there is nothing to ask."""
        if not self.positive:
            return None
        settings = self.settings
        return self.clicks_key, (settings.method, settings.speed, settings.zoom)

    @property
    def clicks_key(self) -> Hashable:
        """What stays the same while only the settings change."""
        return self.positive, self.negative, self.others

    @property
    def mask_key(self) -> Hashable:
        """What the mask from the clicks depends on; None where there are no positive ones."""
        key = self.score_key
        return None if key is None else (key, self.settings.threshold)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was marked."""
        return not self.clicks and not self.strokes


@dataclass(frozen=True, slots=True)
class Annotation:
    """All objects of one picture.

    Attributes:
        objects: In the order in which they were begun; where masks meet, the earlier one keeps
            what it has, unless a later one is painted over it.
        next_id: Id of the next object.
    """

    objects: tuple[ClickedThing, ...] = ()
    next_id: int = 1

    def find(self, object_id: int | None) -> ClickedThing | None:
        """Return the object with this id, or None."""
        return next((thing for thing in self.objects if thing.id == object_id), None)

    def get(self, object_id: int) -> ClickedThing:
        """Return the object with this id.

        Raises:
            MarkError: There is none.
        """
        thing = self.find(object_id)
        if thing is None:
            raise MarkError("The annotation has no object number {object_id}.", object_id=object_id)
        return thing


def add_object(annotation: Annotation, label: str, settings: MaskSettings) -> Annotation:
    """Return the annotation with one empty object more; its id is ``result.objects[-1].id``.

    Raises:
        MarkError: There are too many.
    """
    if len(annotation.objects) >= MAX_OBJECTS:
        raise MarkError(
            "A picture has at most {max_objects} objects; remove one first.",
            max_objects=MAX_OBJECTS,
        )
    thing = ClickedThing(annotation.next_id, label, settings=settings)
    return Annotation((*annotation.objects, thing), annotation.next_id + 1)


def replace_object(annotation: Annotation, thing: ClickedThing) -> Annotation:
    """Return the annotation with ``thing`` in the place of the object with its id.

    Raises:
        MarkError: There is none.
    """
    annotation.get(thing.id)
    objects = tuple(thing if old.id == thing.id else old for old in annotation.objects)
    return replace(annotation, objects=objects)


def remove_object(annotation: Annotation, object_id: int) -> Annotation:
    """Return the annotation without an object."""
    objects = tuple(thing for thing in annotation.objects if thing.id != object_id)
    return replace(annotation, objects=objects)


def add_click(annotation: Annotation, object_id: int, click: Click) -> Annotation:
    """Return the annotation with one click more on an object.

    Raises:
        MarkError: No such object.
    """
    thing = annotation.get(object_id)
    return _clicked(annotation, replace(thing, clicks=(*thing.clicks, click)))


def move_click(annotation: Annotation, object_id: int, index: int, point: Point) -> Annotation:
    """Return the annotation with a click elsewhere.

    Raises:
        MarkError: No such object.
    """
    thing = annotation.get(object_id)
    clicks = list(thing.clicks)
    clicks[index] = replace(clicks[index], point=point)
    return _clicked(annotation, replace(thing, clicks=tuple(clicks)))


def remove_click(annotation: Annotation, object_id: int, index: int) -> Annotation:
    """Return the annotation without a click; an object without any mark is gone.

    Raises:
        MarkError: No such object.
    """
    thing = annotation.get(object_id)
    thing = replace(thing, clicks=(*thing.clicks[:index], *thing.clicks[index + 1 :]))
    if thing.is_empty:
        return remove_object(annotation, object_id)
    return _clicked(annotation, thing)


def add_stroke(annotation: Annotation, object_id: int, stroke: BrushStroke) -> Annotation:
    """Return the annotation with one stroke more on an object.

    Raises:
        MarkError: No such object.
    """
    thing = annotation.get(object_id)
    return replace_object(annotation, replace(thing, strokes=(*thing.strokes, stroke)))


@dataclass(frozen=True, slots=True)
class ClickHit:
    """A click that the mouse is on.

    Attributes:
        object_id: Whose click it is.
        index: Its place among the object's clicks.
    """

    object_id: int
    index: int


def click_near(
    annotation: Annotation, point: Point, radius: float, *, first: int | None = None
) -> ClickHit | None:
    """Return the click next to a point, or None where none is within ``radius`` px.

    Args:
        annotation: Any.
        point: Px of the picture.
        radius: Px of the picture.
        first: Clicks of this object come before those of the others.
    """
    best: ClickHit | None = None
    best_key = (True, radius)
    for thing in annotation.objects:
        for index, click in enumerate(thing.clicks):
            distance = math.dist(click.point, point)
            key = (thing.id != first, distance)
            if distance <= radius and (best is None or key < best_key):
                best, best_key = ClickHit(thing.id, index), key
    return best


def _clicked(annotation: Annotation, thing: ClickedThing) -> Annotation:
    """Put an object in that was just clicked: now it sees the clicks of the others."""
    others = tuple(p for old in annotation.objects if old.id != thing.id for p in old.positive)
    return replace_object(annotation, replace(thing, others=others))
