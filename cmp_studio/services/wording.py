"""Words for people, in one place: what the menus, the inspector and the status bar call things."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cmp_studio.document.groups import Group
from cmp_studio.document.presets import Preset
from cmp_studio.document.scene import LoopMode, SequenceMode
from cmp_studio.document.tracks import Easing, Repeat, Track, TrackKind
from cmp_studio.services.translation import Words, mark, tr, translated

KIND_NAMES: Final[Words[TrackKind]] = Words(
    {
        "arrow": mark("Arrow"),
        "path": mark("Path"),
        "pin": mark("Pin"),
        "take": mark("Take"),
    }
)

EASING_NAMES: Final[Words[Easing]] = Words(
    {
        "linear": mark("Even"),
        "ease": mark("Gentle"),
        "spring": mark("Springy"),
        "curve": mark("Custom curve"),
    }
)

REPEAT_NAMES: Final[Words[Repeat]] = Words(
    {
        "once": mark("Go there"),
        "ping_pong": mark("There and back"),
        "sway": mark("Sway to both sides"),
        "pulse": mark("Pulse"),
    }
)

MODE_NAMES: Final[Words[SequenceMode]] = Words(
    {
        "total": mark("In one look"),
        "chained": mark("Step by step"),
    }
)

MODE_HINTS: Final[Words[SequenceMode]] = Words(
    {
        "total": mark("Every frame is worked out from the photo: steady, best for most."),
        "chained": mark("Looks again after every few px: for motions across the photo; slower."),
    }
)

PRESET_NAMES: Final[Words[Preset]] = Words(
    {
        "breathe": mark("Breathe"),
        "sway": mark("Sway"),
        "wave": mark("Wave"),
        "nod": mark("Nod"),
        "wind": mark("Wind"),
        "flicker": mark("Flicker"),
    }
)

PRESET_HINTS: Final[Words[Preset]] = Words(
    {
        "breathe": mark("Grows and shrinks from its middle: a chest, a balloon."),
        "sway": mark("Bends to both sides over its foot: a plant, a dancer."),
        "wave": mark("Goes up and down along its length: water, a scarf."),
        "nod": mark("Dips twice: a head, a flower."),
        "wind": mark("Gusts to one side: hair, leaves, a flag."),
        "flicker": mark("Licks upwards: a flame."),
    }
)

LOOP_NAMES: Final[Words[LoopMode]] = Words(
    {
        "ping_pong": mark("There and back"),
        "seamless": mark("Seamless loop"),
        "once": mark("Once"),
        "hold": mark("Once, then hold"),
    }
)

LOOP_HINTS: Final[Words[LoopMode]] = Words(
    {
        "ping_pong": mark("Plays to the end and back again."),
        "seamless": mark("Every motion is back at its start when the film ends."),
        "once": mark("Plays to the end."),
        "hold": mark("Plays to the end and rests there for a second."),
    }
)


def track_title(track: Track) -> str:
    """What the track is called: the name that the user gave, or its kind and number."""
    return track.name or tr("{kind} {number}").format(kind=KIND_NAMES[track.kind], number=track.id)


def group_title(group: Group) -> str:
    """What a group is called: the name that the user gave, or its number."""
    return group.name or tr("Layer {number}").format(number=group.id)


def tracks_title(tracks: Collection[Track]) -> str:
    """What several tracks are called together, in lower case: "arrow", "2 pins", "3 tracks"."""
    kinds, count = {track.kind for track in tracks}, len(tracks)
    kind = next(iter(kinds)) if len(kinds) == 1 else "track"
    if kind != "track" and count == 1:
        return KIND_NAMES[kind].lower()
    if kind == "arrow":
        return tr("%n arrows", "", count)
    if kind == "path":
        return tr("%n paths", "", count)
    if kind == "pin":
        return tr("%n pins", "", count)
    return tr("%n takes", "", count) if kind == "take" else tr("%n tracks", "", count)


def clock_text(seconds: float) -> str:
    """Minutes, seconds and tenths: "0:01.2"."""
    tenths = round(seconds * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def duration_text(seconds: float) -> str:
    """How long something takes, roughly: "8 s", "2 min 10 s", "1 h 5 min"."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return tr("{minutes} min {seconds} s").format(minutes=whole // 60, seconds=whole % 60)
    return tr("{hours} h {minutes} min").format(hours=whole // 3600, minutes=whole % 3600 // 60)


def sentence_of(error: BaseException) -> str:
    """One sentence for a person out of ``error``, in the user's language; never empty."""
    text = translated(error).strip()
    if text:
        return text.splitlines()[0]
    return tr("Something went wrong ({kind}).").format(kind=type(error).__name__)


def ago_text(seconds: float) -> str:
    """How long ago something was, roughly: "just now", "5 minutes ago", "3 days ago"."""
    minutes = max(0, round(seconds / 60))
    if minutes < 1:
        return tr("just now")
    if minutes >= 1440:
        return tr("%n days ago", "", minutes // 1440, one="1 day ago")
    if minutes >= 60:
        return tr("%n hours ago", "", minutes // 60, one="1 hour ago")
    return tr("%n minutes ago", "", minutes, one="1 minute ago")
