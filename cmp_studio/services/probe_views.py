"""The views of the Probe mode: what each is called, answers, needs and offers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cmp_studio.pipeline.experiment import ProbeKind
from cmp_studio.pipeline.probe_words import KIND_WORDS, name_words
from cmp_studio.services.translation import Words, mark, tr, translated

PHOTO: Final = "photo"
"""Layer that shows the photo alone."""


@dataclass(frozen=True, slots=True)
class ProbeView:
    """One view.

    Attributes:
        kind: The probe that it shows.
        title: In lists; marked, as all words here.
        question: What it answers, for people.
        how: What to do first; shown while there is nothing to show.
        layer: What covers the photo unless another layer is chosen; of several flows the last.
        has_point: Whether it probes one place.
        has_pull: Whether the direction of the pull matters.
        has_length: Whether the length of the pull matters.
        has_directions: Whether it pulls in several directions.
        has_arrows: Whether arrows are drawn in it.
    """

    kind: ProbeKind
    title: str
    question: str
    how: str
    layer: str = PHOTO
    has_point: bool = False
    has_pull: bool = False
    has_length: bool = True
    has_directions: bool = False
    has_arrows: bool = False


VIEWS: Final[tuple[ProbeView, ...]] = (
    ProbeView(
        "response",
        mark("One pull"),
        mark("What moves along if this place is pulled this way?"),
        mark("Move over the photo: the place under the mouse is pulled."),
        layer="flow",
        has_point=True,
        has_pull=True,
    ),
    ProbeView(
        "rigidity",
        mark("Rigidity"),
        mark("What hangs together with this place, whichever way and however far it is pulled?"),
        mark("Click a place on the photo."),
        layer="rigidity",
        has_point=True,
        has_directions=True,
    ),
    ProbeView(
        "motion",
        mark("Shift or rotate"),
        mark("Does the part shift or turn when it is pulled, and about which joint?"),
        mark("Click a place on the photo."),
        layer="flow",
        has_point=True,
        has_pull=True,
        has_directions=True,
    ),
    ProbeView(
        "saturation",
        mark("Saturation"),
        mark("How does the answer grow with the pull, and where does it stop?"),
        mark("Click a place on the photo."),
        has_point=True,
        has_pull=True,
        has_length=False,
    ),
    ProbeView(
        "influence",
        mark("Influence"),
        mark("Who follows whom, and by how much?"),
        mark("Click at least two places, such as a body and a hand."),
        has_directions=True,
    ),
    ProbeView(
        "parts",
        mark("Rigid parts"),
        mark("Which parts does the network see, without any label?"),
        mark("Press Find parts. It pulls at many places, which takes a while."),
        layer="parts",
    ),
    ProbeView(
        "sufficiency",
        mark("More arrows"),
        mark("How does the motion grow with each further arrow?"),
        mark("Drag arrows on the photo, one after the other."),
        layer="flow",
        has_length=False,
        has_arrows=True,
    ),
    ProbeView(
        "compare",
        mark("A against B"),
        mark("How do other arrows, or other weights, change the motion?"),
        mark("Drag arrows for A, then choose B and drag others, or choose other weights for B."),
        layer="difference",
        has_length=False,
        has_arrows=True,
    ),
)


def view_of(kind: ProbeKind) -> ProbeView:
    """The view of one probe."""
    return next(view for view in VIEWS if view.kind == kind)


LAYER_NAMES: Final[Words[str]] = Words(
    {
        PHOTO: mark("Photo"),
        "flow": mark("Flow"),
        "follow": mark("How far it follows"),
        "rigidity": mark("Rigidity"),
        "mean_follow": mark("How far it follows"),
        "agreement": mark("How alike"),
        "region": mark("What was fitted"),
        "residual": mark("Off the fit"),
        "divergence": mark("Divergence"),
        "curl": mark("Curl"),
        "confidence": mark("How sure"),
        "parts": mark("Parts"),
        "a": "A",
        "b": "B",
        "difference": mark("B minus A"),
    }
)

LAYER_HINTS: Final[Words[str]] = Words(
    {
        "flow": mark("Where everything goes: hue is the direction, strength the length"),
        "follow": mark("Length of the answer as a share of the pull"),
        "rigidity": mark("How far and how alike each pixel follows, over all pulls"),
        "mean_follow": mark("Length of the answer as a share of the pull, over all pulls"),
        "agreement": mark("1 where all pulls are answered by the same share at the same angle"),
        "region": mark("The connected part that follows; the rigid motion is fitted to it"),
        "residual": mark(
            "Distance of the answer from the fitted rigid motion, as a share of the pull"
        ),
        "divergence": mark("Where the motion spreads (above 0) or shrinks"),
        "curl": mark("Where the motion turns: clockwise above 0"),
        "confidence": mark("How much better its part fits than the next best one"),
        "parts": mark("Each colour is one rigid part; the ground is one, too"),
        "difference": mark("The flow of B minus that of A"),
    }
)


def layer_title(name: str) -> str:
    """What a layer is called."""
    if name.startswith("flow_"):
        count = int(name.removeprefix("flow_"))
        return tr("%n arrows", "", count, one="1 arrow")
    return LAYER_NAMES.get(name, name.replace("_", " "))


_IN_PX: Final = frozenset(
    (
        *("pull_x", "pull_y", "at_point_u", "at_point_v", "at_point_magnitude", "longest"),
        *("center_x", "center_y", "strongest_translation_x", "strongest_translation_y"),
        *("strongest_residual", "saturates_at", "longest_pull"),
        *("mean_distance", "largest_distance"),
    )
)


def column_title(name: str) -> str:
    """What a column of a table is called, without its unit."""
    return translated(name_words(name))


def number_row(name: str, value: float | int | str | None) -> tuple[str, str]:
    """Return one number of a finding in words, and with its unit: "turning share", "6.6 %"."""
    words = column_title(name)
    if value is None:
        return words, "\u2013"
    if not isinstance(value, float):
        text = translated(KIND_WORDS.get(value, value)) if isinstance(value, str) else str(value)
        return words, f"{value} px" if name in _IN_PX else text
    if name.endswith("_share"):
        return words, f"{100 * value:.1f} %"
    if name.endswith("_degrees"):
        return words, f"{value:.1f}°"
    if name in _IN_PX:
        return words, f"{value:.2f} px"
    return words, f"{value:.3g}"
