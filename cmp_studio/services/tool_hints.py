"""What a click would do now, in one sentence without a full stop."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal

from cmp_studio.document.hit_test import Hit
from cmp_studio.document.motion import goal
from cmp_studio.document.scene import Scene
from cmp_studio.services.translation import Words, mark, tr
from cmp_studio.services.wording import track_title

ToolName = Literal["select", "arrow", "path", "pin", "brush"]
GestureKind = Literal["draw", "head", "move", "pin", "band", "point", "pen", "brush", "record"]

TOOLS: Final[tuple[ToolName, ...]] = ("select", "arrow", "path", "pin", "brush")
NOTHING_OPEN: Final = mark("Drop a photo anywhere in the window, or open one")

_IDLE: Final[Words[ToolName]] = Words(
    {
        "select": mark("Click selects · drag selects several · double-click sets a pin"),
        "arrow": mark("Drag draws an arrow: this spot will go there · double-click sets a pin"),
        "path": mark("Click sets the first point of a path · drag draws it in one go"),
        "pin": mark("Click sets a pin that holds this spot still"),
        "brush": mark("Drag paints what stays still · Shift erases · [ and ] change the size"),
    }
)


def idle_hint(tool: ToolName, *, layer: str = "") -> str:
    """What a click on an empty spot would do; ``layer`` is what the brush paints, if a group."""
    if tool == "brush" and layer:
        return tr(
            "Drag paints what belongs to {layer} · Shift erases · [ and ] change the size"
        ).format(layer=layer)
    return _IDLE[tool]


def pen_hint(count: int) -> str:
    """What a click would do while a path is drawn, with this many points set."""
    if count < 2:
        return tr("Click sets the next point · Esc gives the path up")
    return tr("Click sets the next point · double-click or Enter ends the path · Esc gives it up")


def target_hint(scene: Scene, target: Hit, *, is_control: bool, is_path_tool: bool) -> str:
    """What a press on a handle would do."""
    title = track_title(scene.track(target.track_id))
    if is_control:
        return tr("Hold Ctrl and drag to record {title} while the film plays").format(title=title)
    if target.part == "point":
        return tr("Drag to move this point of {title} · right-click removes it").format(title=title)
    if is_path_tool and target.part == "body":
        return tr("Click puts a point into {title} · right-click removes the track").format(
            title=title
        )
    if target.part == "head":
        return tr(
            "Drag to aim and lengthen {title} · Ctrl+drag records · right-click removes it"
        ).format(title=title)
    return tr("Drag to move {title} · Ctrl+drag records · right-click removes it").format(
        title=title
    )


def drag_hint(scene: Scene, kind: GestureKind, edited: Collection[int]) -> str:
    """What letting go would do, while something is dragged."""
    if kind == "record":
        return tr("Recording · let go to end the take · Esc cancels")
    if kind == "brush":
        return tr("Release ends the stroke · Esc cancels")
    if kind in ("draw", "head"):
        tracks = [track for track in scene.tracks if track.id in edited and track.kind != "pin"]
        if tracks:
            dx, dy = goal(tracks[0])
            return tr("Moves by {dx:+.0f}, {dy:+.0f} px · Esc cancels").format(dx=dx, dy=dy)
    if kind == "pen":
        return tr("Release ends the path · Esc cancels")
    if kind == "band":
        return tr("Release selects what the rectangle touches · Esc cancels")
    return tr("Release drops it here · Esc cancels")
