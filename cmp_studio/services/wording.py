"""Words for people, in one place: what the menus, the inspector and the status bar call things."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from cmp_studio.document.groups import Group
from cmp_studio.document.presets import Preset
from cmp_studio.document.scene import LoopMode, SequenceMode
from cmp_studio.document.tracks import Easing, Repeat, Track, TrackKind

KIND_NAMES: Final[dict[TrackKind, str]] = {
    "arrow": "Arrow",
    "path": "Path",
    "pin": "Pin",
    "take": "Take",
}

EASING_NAMES: Final[dict[Easing, str]] = {
    "linear": "Even",
    "ease": "Gentle",
    "spring": "Springy",
    "curve": "Custom curve",
}

REPEAT_NAMES: Final[dict[Repeat, str]] = {
    "once": "Go there",
    "ping_pong": "There and back",
    "sway": "Sway to both sides",
    "pulse": "Pulse",
}

MODE_NAMES: Final[dict[SequenceMode, str]] = {
    "total": "In one look",
    "chained": "Step by step",
}

MODE_HINTS: Final[dict[SequenceMode, str]] = {
    "total": "Every frame is worked out from the photo: steady, best for most.",
    "chained": "Looks again after every few px: for motions across the photo; slower.",
}

PRESET_NAMES: Final[dict[Preset, str]] = {
    "breathe": "Breathe",
    "sway": "Sway",
    "wave": "Wave",
    "nod": "Nod",
    "wind": "Wind",
    "flicker": "Flicker",
}

PRESET_HINTS: Final[dict[Preset, str]] = {
    "breathe": "Grows and shrinks from its middle: a chest, a balloon.",
    "sway": "Bends to both sides over its foot: a plant, a dancer.",
    "wave": "Goes up and down along its length: water, a scarf.",
    "nod": "Dips twice: a head, a flower.",
    "wind": "Gusts to one side: hair, leaves, a flag.",
    "flicker": "Licks upwards: a flame.",
}

LOOP_NAMES: Final[dict[LoopMode, str]] = {
    "ping_pong": "There and back",
    "seamless": "Seamless loop",
    "once": "Once",
    "hold": "Once, then hold",
}

LOOP_HINTS: Final[dict[LoopMode, str]] = {
    "ping_pong": "Plays to the end and back again.",
    "seamless": "Every motion is back at its start when the film ends.",
    "once": "Plays to the end.",
    "hold": "Plays to the end and rests there for a second.",
}


def track_title(track: Track) -> str:
    """What the track is called: the name that the user gave, or its kind and number."""
    return track.name or f"{KIND_NAMES[track.kind]} {track.id}"


def group_title(group: Group) -> str:
    """What a group is called: the name that the user gave, or its number."""
    return group.name or f"Layer {group.id}"


def tracks_title(tracks: Collection[Track]) -> str:
    """What several tracks are called together, in lower case: "arrow", "2 pins", "3 tracks"."""
    kinds = {track.kind for track in tracks}
    noun = KIND_NAMES[next(iter(kinds))].lower() if len(kinds) == 1 else "track"
    return noun if len(tracks) == 1 else f"{len(tracks)} {noun}s"


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
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def sentence_of(error: BaseException) -> str:
    """One sentence for a person out of ``error``; never empty."""
    text = str(error).strip()
    if text:
        return text.splitlines()[0]
    return f"Something went wrong ({type(error).__name__})."


def ago_text(seconds: float) -> str:
    """How long ago something was, roughly: "just now", "5 minutes ago", "3 days ago"."""
    minutes = max(0, round(seconds / 60))
    if minutes < 1:
        return "just now"
    for unit, length in (("day", 1440), ("hour", 60), ("minute", 1)):
        if minutes >= length:
            count = minutes // length
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
