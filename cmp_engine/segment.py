"""Object masks from a few clicks.

    segmenter = ClickSegmenter(predictor)
    segmenter.set_image(image)                      # or predictor.set_image(image)
    result = segmenter.mask([(320, 200)], [(40, 60)])
    result.mask, result.score, result.flows

Clicks on the object are pulled in several directions, clicks beside it are held still, and what
follows the pull is the object (paper sec. 4.3). How the answers become one score is a fusion
(`cmp_engine.click_fusion`). Small objects are looked at once more in a crop of their own.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from cmp_engine.click_evidence import EdgeFollower
from cmp_engine.click_fusion import (
    DEFAULT_FUSION,
    PUBLISHED_SHORT_SIDE,
    Fusion,
    FusionRule,
    PictureEvidence,
    fusion_rule,
    with_affinity,
)
from cmp_engine.click_view import Box, click_pixels, crop_around, in_box, working_size
from cmp_engine.errors import ConfigError, GuidanceError, NotReadyError
from cmp_engine.geometry import resize_image
from cmp_engine.guidance import check_guidance
from cmp_engine.predictor import MotionPredictor

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]

_CROPS: Final = 4
"""Crops whose features are kept, so that the next click on the same object is quick."""

_ANSWERS: Final = 48
"""Answers that are kept, so that going back to earlier clicks or settings asks nothing."""

_LOOK_DIRECTIONS: Final = 2
"""Directions that are enough to see whether an object is small."""


@dataclass(frozen=True)
class MaskResult:
    """What the clicks stand for.

    Attributes:
        mask: (H, W) bool, True on the object.
        score: (H, W) float32 in 0..1, how surely a pixel belongs to the object.
        directions: (D, 2) float32 unit vectors x, y, in which the positive clicks were pulled.
        box: The crop that was looked at, or the whole picture.
        threshold: Score from which a pixel belongs.
        coarse_flows: (D, h, w, 2) float32 forward flow of each direction on a small grid over
            `box`, px of the picture.
    """

    mask: Bool
    score: Float
    directions: Float
    box: Box
    threshold: float
    coarse_flows: Float
    _clicks: tuple[Float, Float]
    _keeps_all: bool

    @cached_property
    def flows(self) -> Float:
        """(D, H, W, 2) float32 forward flow of each direction, px of the picture.

        It is worked out when it is first asked for; outside of `box` it is zero.
        """
        flows = np.zeros((len(self.coarse_flows), *self.score.shape, 2), np.float32)
        box = self.box
        for flow, coarse in zip(flows, self.coarse_flows, strict=True):
            flow[box.rows, box.columns] = cv2.resize(coarse, (box.width, box.height))
        return flows

    def at(self, threshold: float) -> Bool:
        """Return the mask (H, W) at another threshold, without the network.

        Raises:
            ConfigError: A threshold that is not between 0 and 1.
        """
        _check_threshold(threshold)
        return object_mask(self.score, threshold, self._clicks[0], keeps_all=self._keeps_all)


class ClickSegmenter:
    """Turns clicks on the predictor's picture into masks.

    As thread-safe as its predictor is not: call it from one thread at a time.

    Args:
        predictor: With any network. Its picture is the one that is clicked on.
        fusion: How the answers become a score; a name in `cmp_engine.click_fusion.FUSIONS`.
        threshold: Score from which a pixel belongs to the object.
        speed: Length of the pull, px at short side 384.
        zoom_factor: Side of the crop for small objects, in units of the object's extent; 0 never
            zooms. Default: the fusion's own.

    Raises:
        ConfigError: An option that makes no sense.
    """

    def __init__(
        self,
        predictor: MotionPredictor,
        *,
        fusion: Fusion = DEFAULT_FUSION,
        threshold: float = 0.5,
        speed: float = 30.0,
        zoom_factor: float | None = None,
    ) -> None:
        _check_threshold(threshold)
        self._predictor = predictor
        self._fusion, self._speed, self._zoom = fusion, speed, zoom_factor
        self._threshold = threshold
        self._way_of(None, None, None)
        self._picture: NDArray[np.uint8] | None = None
        self._views: OrderedDict[Box, _View] = OrderedDict()
        self._answers: OrderedDict[Hashable, Float] = OrderedDict()

    def set_image(self, image: NDArray[np.uint8]) -> None:
        """Give the predictor a picture; the same as calling its `set_image`.

        Raises:
            ImageError: Not a picture that the engine takes.
            DeviceError: Out of memory on the CPU.
        """
        self._predictor.set_image(image)

    def mask(
        self,
        positive: ArrayLike,
        negative: ArrayLike = (),
        *,
        exclude: Bool | None = None,
        fusion: Fusion | None = None,
        speed: float | None = None,
        zoom_factor: float | None = None,
    ) -> MaskResult:
        """Return the object that the clicks stand for.

        The answer depends on the arguments alone, not on the clicks before. What the network said
        lately is kept: another zoom factor asks it only where that shows another part of the
        picture.

        Args:
            positive: (N, 2) x, y px of the picture on the object, pixel centres at integers;
                at least one.
            negative: (M, 2) x, y px of the picture beside the object.
            exclude: (H, W) bool, what belongs to other objects.
            fusion: In place of the segmenter's own.
            speed: The same.
            zoom_factor: The same.

        Raises:
            ConfigError: An option that makes no sense.
            NotReadyError: No picture yet.
            GuidanceError: No positive click, or clicks or a mask that make no sense.
            EngineError: The network's answer holds a value that is not a finite number.
            DeviceError: Out of memory on the CPU.
        """
        way = self._way_of(fusion, speed, zoom_factor)
        picture = self._predictor.image
        if picture is None:
            raise NotReadyError("There is no picture yet; call set_image before mask.")
        image_hw = (picture.shape[0], picture.shape[1])
        clicks = (
            _checked(positive, image_hw, "Positive"),
            _checked(negative, image_hw, "Negative"),
        )
        if not len(clicks[0]):
            raise GuidanceError("Expected at least one click on the object, got none; click on it.")
        if exclude is not None and exclude.shape != image_hw:
            raise GuidanceError(
                "Expected a mask of the other objects of the picture's size {image_hw}, got "
                "{shape}.",
                image_hw=image_hw,
                shape=exclude.shape,
            )
        if picture is not self._picture:
            self._views.clear()
            self._answers.clear()
            self._picture = picture
        view, flows = self._look(picture, clicks, way)
        work = self._kept(
            (view.box, _key(clicks), way.rule, way.speed),
            lambda: view.score(flows, way.rule, clicks),
        )
        score = np.zeros(image_hw, np.float32)
        score[view.box.rows, view.box.columns] = view.at_full_size(work, way.rule)
        if exclude is not None:
            score[exclude] = 0
        _stamp(score, clicks)
        keeps_all = way.rule.keeps_all
        return MaskResult(
            mask=object_mask(score, self._threshold, clicks[0], keeps_all=keeps_all),
            score=score,
            directions=np.asarray(way.rule.directions, np.float32),
            box=view.box,
            threshold=self._threshold,
            coarse_flows=flows * np.float32(view.pull(way.speed)),
            _clicks=clicks,
            _keeps_all=keeps_all,
        )

    def _way_of(self, fusion: Fusion | None, speed: float | None, zoom: float | None) -> _Way:
        """Return how to ask, with the segmenter's own settings where nothing is said."""
        rule = fusion_rule(self._fusion if fusion is None else fusion)
        speed = self._speed if speed is None else speed
        if not 0 < speed < 1e4:
            raise ConfigError(
                "The speed must be a number of px above 0, got {speed:g}.", speed=speed
            )
        zoom = self._zoom if zoom is None else zoom
        zoom = rule.zoom_factor if zoom is None else zoom
        if zoom != 0 and not 1 <= zoom < 1e4:
            raise ConfigError(
                "The zoom factor must be 1 or more, or 0 for none, got {zoom:g}.", zoom=zoom
            )
        return _Way(rule, speed, zoom)

    def _look(
        self, picture: NDArray[np.uint8], clicks: tuple[Float, Float], way: _Way
    ) -> tuple[_View, Float]:
        """Return the view on the object, and the flows of all directions in it."""
        rule, speed = way.rule, way.speed
        whole_box = Box(0, 0, picture.shape[0], picture.shape[1])
        whole = self._view(whole_box, picture)
        directions = rule.directions
        first = np.zeros((0, *whole.work_hw, 2), np.float32)
        if way.zoom:
            box: Box | None
            if rule.zooms_on_clicks:
                box = crop_around(clicks[0], whole_box, way.zoom) if len(clicks[0]) > 1 else None
            else:
                first = self._flows(whole, clicks, directions[:_LOOK_DIRECTIONS], speed)
                seen = whole.seen(first, rule, clicks)
                box = crop_around(np.concatenate([seen, clicks[0]]), whole_box, way.zoom)
            if box is not None:
                view = self._view(box, picture)
                return view, self._flows(view, clicks, directions, speed)
        rest = self._flows(whole, clicks, directions[len(first) :], speed)
        return whole, np.concatenate([first, rest])

    def _flows(
        self,
        view: _View,
        clicks: tuple[Float, Float],
        directions: tuple[tuple[float, float], ...],
        speed: float,
    ) -> Float:
        """Return the flows of a view, which may be there already."""
        return self._kept(
            (view.box, _key(clicks), directions, speed),
            lambda: view.flows(clicks, directions, speed),
        )

    def _kept(self, key: Hashable, make: Callable[[], Float]) -> Float:
        found = self._answers.pop(key, None)
        self._answers[key] = answer = make() if found is None else found
        if len(self._answers) > _ANSWERS:
            self._answers.popitem(last=False)
        return answer

    def _view(self, box: Box, picture: NDArray[np.uint8]) -> _View:
        if box in self._views:
            if len(self._views) > 1 and box != next(iter(self._views)):
                self._views.move_to_end(box)
        else:
            is_whole = (box.height, box.width) == picture.shape[:2]
            predictor = self._predictor
            if not is_whole:
                predictor = predictor.twin()
                predictor.set_image(np.ascontiguousarray(picture[box.rows, box.columns]))
            self._views[box] = _View(box, predictor, picture[box.rows, box.columns])
            if len(self._views) > _CROPS + 1:  # the whole picture came first, and stays
                del self._views[list(self._views)[1]]
        return self._views[box]


@dataclass(frozen=True, slots=True)
class _Way:
    """How clicks are turned into a mask."""

    rule: FusionRule
    speed: float
    zoom: float


class _View:
    """The picture or a crop of it, with the network's features of it."""

    def __init__(self, box: Box, predictor: MotionPredictor, picture: NDArray[np.uint8]) -> None:
        self.box = box
        self.picture = picture
        self.work_hw = working_size((box.height, box.width))
        self._predictor = predictor
        self._evidence: PictureEvidence | None = None
        self._follower: EdgeFollower | None = None

    def flows(
        self,
        clicks: tuple[Float, Float],
        directions: Sequence[tuple[float, float]],
        speed: float,
    ) -> Float:
        """Return flows (D, h, w, 2) on the working grid, in units of the pull."""
        if not directions:
            return np.zeros((0, *self.work_hw, 2), np.float32)
        positive, negative = (in_box(part, self.box) for part in clicks)
        pull = self.pull(speed)
        points = np.concatenate([positive, negative])
        sets = []
        for direction in directions:
            vectors = np.zeros_like(points)
            vectors[: len(positive)] = np.float32(pull) * np.asarray(direction, np.float32)
            sets.append((points, vectors))
        flows = self._predictor.predict_many(
            sets, upsampling="bilinear", size_hw=self.work_hw, limbs=False
        )
        flows /= np.float32(pull) * self._scale_xy()
        return flows

    def seen(self, flows: Float, rule: FusionRule, clicks: tuple[Float, Float]) -> Float:
        """Return where the object is at first sight: (N, 2) x, y px of the picture."""
        score = rule.fuse(flows, np.asarray(rule.directions[: len(flows)], np.float32))
        inside = in_box(clicks[0], self.box)
        kept = _with_clicks(score > 0.5, click_pixels(inside, self._box_hw(), self.work_hw))
        rows, columns = np.nonzero(kept)
        places = np.stack([columns, rows], axis=1).astype(np.float32)
        return np.asarray((places + 0.5) / self._scale_xy() - 0.5, np.float32)

    def score(self, flows: Float, rule: FusionRule, clicks: tuple[Float, Float]) -> Float:
        """Return the score (h, w) on the working grid."""
        score = rule.fuse(flows, np.asarray(rule.directions, np.float32))
        if rule.affinity:
            score = self._with_affinity(score, rule, clicks)
        if not rule.uses_picture:
            return score
        if self._evidence is None:
            self._evidence = PictureEvidence(resize_image(self.picture, self.work_hw))
        positive, negative = (
            click_pixels(in_box(part, self.box), self._box_hw(), self.work_hw) for part in clicks
        )
        return self._evidence.refine(score, positive, negative)

    def _with_affinity(self, score: Float, rule: FusionRule, clicks: tuple[Float, Float]) -> Float:
        positive, negative = (in_box(part, self.box) for part in clicks)
        if not len(positive):
            return score
        both = self._predictor.affinity(np.concatenate([positive, negative]), size_hw=self.work_hw)
        if both is None:
            return score
        ups, downs = both[: len(positive)], both[len(positive) :]
        return with_affinity(score, ups, downs, weight=rule.affinity)

    def at_full_size(self, score: Float, rule: FusionRule) -> Float:
        """Return a score of the working grid on the picture's own, inside of the box."""
        if not rule.uses_picture:
            resized = cv2.resize(score, (self.box.width, self.box.height))
            return np.asarray(resized, np.float32)
        if self._follower is None:
            self._follower = EdgeFollower(self.picture)
        return self._follower.follow(score)

    def pull(self, speed: float) -> float:
        """Return the length of the pull, px of the picture."""
        return speed * min(self.box.height, self.box.width) / PUBLISHED_SHORT_SIDE

    def _box_hw(self) -> tuple[int, int]:
        return self.box.height, self.box.width

    def _scale_xy(self) -> Float:
        """Px of the working grid per px of the picture, x and y."""
        return np.array(
            [self.work_hw[1] / self.box.width, self.work_hw[0] / self.box.height], np.float32
        )


def _key(clicks: tuple[Float, Float]) -> Hashable:
    return tuple(part.tobytes() for part in clicks)


def _checked(clicks: ArrayLike, image_hw: tuple[int, int], name: str) -> Float:
    array = np.asarray(clicks, np.float64)
    count = len(array) if array.ndim else 0
    return check_guidance(array, np.zeros((count, 2)), image_hw, name=f"{name} click")[0]


def _check_threshold(threshold: float) -> None:
    if not 0 <= threshold <= 1:
        raise ConfigError(
            "The threshold must be a number from 0 to 1, got {threshold:g}.", threshold=threshold
        )


def _stamp(score: Float, clicks: tuple[Float, Float]) -> None:
    """Give the clicks' own spots to the side that was clicked; of two, the negative one counts."""
    radius = max(1, round(min(score.shape) / 160))
    for part, value in zip(clicks, (1.0, 0.0), strict=True):
        for row, column in click_pixels(part, (score.shape[0], score.shape[1]), score.shape):
            cv2.circle(score, (column, row), radius, value, -1)


def object_mask(
    score: NDArray[np.floating | np.integer],
    threshold: float,
    positive: Float,
    *,
    keeps_all: bool,
) -> Bool:
    """Return the mask of a score.

    Args:
        score: (H, W), of any scale.
        threshold: On the same scale; what lies above belongs to the object.
        positive: (N, 2) x, y px, the clicks on the object.
        keeps_all: Whether places count that hang together with no positive click.

    Returns:
        (H, W) bool.
    """
    above = np.asarray(score > threshold)
    if keeps_all:
        return above
    hw = (score.shape[0], score.shape[1])
    return _with_clicks(above, click_pixels(positive, hw, hw))


def _with_clicks(mask: Bool, clicks: list[tuple[int, int]]) -> Bool:
    """Return what hangs together with a click."""
    _, label = cv2.connectedComponents(mask.astype(np.uint8), connectivity=8)
    keep = {int(label[click]) for click in clicks} - {0}
    return np.asarray(np.isin(label, sorted(keep)), np.bool_)
