"""What Annotate asks of the network. Runs on the worker's thread; imports PyTorch late."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cmp_studio.document.annotation import ClickedThing
from cmp_studio.services.latest_wins import Interrupted
from cmp_studio.services.pictures import OpenedPicture

if TYPE_CHECKING:
    from cmp_engine.predictor import MotionPredictor
    from cmp_engine.segment import ClickSegmenter

_KEPT: Final = 3
"""Pictures whose features are kept: the one before, this one, and the next."""


class Segmenters:
    """A segmenter for each of a few pictures, with the network's features of it.

    Thread: made anywhere, used on the worker's thread only.
    """

    def __init__(self) -> None:
        self._predictor: MotionPredictor | None = None
        self._kept: OrderedDict[str, ClickSegmenter] = OrderedDict()

    def of(self, predictor: MotionPredictor, picture: OpenedPicture) -> ClickSegmenter:
        """Return the segmenter of a picture; the network looks at it if it has not yet.

        Raises:
            cmp_engine.errors.EngineError: The network can't look at it.
        """
        from cmp_engine.segment import ClickSegmenter

        if predictor is not self._predictor:
            self._kept.clear()  # of other weights, or on another device
            self._predictor = predictor
        key = picture.picture.digest
        found = self._kept.pop(key, None)
        if found is None:
            twin = predictor.twin()
            twin.set_image(picture.image)
            found = ClickSegmenter(twin)
        self._kept[key] = found
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True, eq=False)
class ScoreQuestion:
    """What is the object that these clicks stand for?"""

    segmenters: Segmenters
    picture: OpenedPicture
    thing: ClickedThing

    def __call__(self, predictor: MotionPredictor, is_interrupted: Callable[[], bool]) -> object:
        """Return a `cmp_studio.pipeline.annotation_masks.ClickScore`."""
        from cmp_studio.pipeline.annotation_masks import click_score

        return click_score(self.segmenters.of(predictor, self.picture), self.thing)


@dataclass(frozen=True, slots=True, eq=False)
class LookAhead:
    """Look at a picture that will be clicked on soon."""

    segmenters: Segmenters
    picture: OpenedPicture

    def __call__(self, predictor: MotionPredictor, is_interrupted: Callable[[], bool]) -> object:
        """Return nothing; the features are kept."""
        if is_interrupted():
            raise Interrupted
        self.segmenters.of(predictor, self.picture)
        return None
