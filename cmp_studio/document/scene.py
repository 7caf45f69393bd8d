"""The scene: a picture, what moves on it and how the film is made. Immutable.

Functions here return a new scene and leave the old one as it is; unchanged parts are shared. A
scene that exists is whole: ids are unique, every track starts on the picture, the mask fits.
"""

from __future__ import annotations

import hashlib
import io
import struct
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, Literal, get_args

from cmp_studio.document.errors import PictureError, SceneError, TrackError
from cmp_studio.document.groups import Group
from cmp_studio.document.masks import Mask
from cmp_studio.document.tracks import Track

if TYPE_CHECKING:
    from PIL import Image

LoopMode = Literal["once", "ping_pong", "seamless", "hold"]

SequenceMode = Literal["total", "chained"]
HoleFill = Literal["stretch", "inpaint", "plate"]

LOOP_MODES: Final = get_args(LoopMode)
SEQUENCE_MODES: Final = get_args(SequenceMode)
HOLE_FILLS: Final = get_args(HoleFill)
MIN_SIDE: Final = 16
MAX_PIXELS: Final = 100_000_000
MAX_DURATION: Final = 600.0
MAX_FPS: Final = 240.0
MAX_STRENGTH: Final = 4.0
MAX_SHUTTER: Final = 720.0
MAX_SUBFRAMES: Final = 64
MAX_SUPERSAMPLE: Final = 4
MAX_GROUPS: Final = 32

_ASPECT_SLACK: Final = 0.02

_ORIENTATION_TAG: Final = 0x0112

PICTURE_SUFFIXES: Final = {
    "JPEG": ".jpg",
    "PNG": ".png",
    "WEBP": ".webp",
    "TIFF": ".tif",
    "BMP": ".bmp",
    "GIF": ".gif",
    "AVIF": ".avif",
}
"""Pillow's name of each picture format known here, and the suffix it is stored under."""

_SIGNATURES: Final = (
    (b"\xff\xd8", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"RIFF", ".webp"),
    (b"II", ".tif"),
    (b"MM", ".tif"),
    (b"BM", ".bmp"),
    (b"GIF8", ".gif"),
)


@dataclass(frozen=True, slots=True)
class Picture:
    """The photo, as it was opened.

    Attributes:
        name: File name without folders, for people.
        width: Px, as shown (after the camera's orientation).
        height: Px, as shown.
        data: The bytes of the original file.
        digest: SHA-256 of ``data``, hexadecimal. Two pictures with one digest are equal.
    """

    name: str
    width: int
    height: int
    data: bytes = field(repr=False, compare=False)
    digest: str

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if min(self.width, self.height) < MIN_SIDE or self.width * self.height > MAX_PIXELS:
            raise PictureError(
                "A picture must have sides of at least {min_side} px and at most {megapixels} "
                "megapixels, got {width} x {height}.",
                min_side=MIN_SIDE,
                megapixels=MAX_PIXELS // 1_000_000,
                width=self.width,
                height=self.height,
            )


@dataclass(frozen=True, slots=True)
class FilmSettings:
    """How the scene becomes a film.

    Attributes:
        duration: Length of the timeline, seconds. A ping-pong film lasts twice that, because it
            goes there and back.
        fps: Frames per second.
        loop: ``once`` plays to the end and stops; ``ping_pong`` goes there and back; ``seamless``
            brings every motion back to its start within the duration; ``hold`` plays to the end
            and rests there for a moment before it starts again.
        strength: Factor on every displacement.
        mode: ``total`` predicts every frame from the still picture; ``chained`` predicts step by
            step on the moved picture, for large motion. Neither drifts nor blurs.
        shutter: Shutter angle of the motion blur, degrees: 360 is open for the whole time of a
            frame, 180 for half of it, 0 is no blur.
        subframes: How many moments a blurred frame is the average of.
        supersample: Fineness of the grid that frames are drawn on before they are averaged down;
            1 is the grid of the frame, 2 has four pixels for each of its pixels.
    """

    duration: float = 2.0
    fps: float = 24.0
    loop: LoopMode = "ping_pong"
    strength: float = 1.0
    mode: SequenceMode = "total"
    shutter: float = 0.0
    subframes: int = 8
    supersample: int = 1

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        if not 0 < self.duration <= MAX_DURATION:  # NaN fails too
            raise SceneError(
                "Duration must be more than 0 and at most {max_duration:g} s, got {duration}.",
                max_duration=MAX_DURATION,
                duration=self.duration,
            )
        if not 0 < self.fps <= MAX_FPS:
            raise SceneError(
                "Frames per second must be more than 0 and at most {max_fps:g}, got {fps}.",
                max_fps=MAX_FPS,
                fps=self.fps,
            )
        if not 0 <= self.strength <= MAX_STRENGTH:
            raise SceneError(
                "Strength must be from 0 to {max_strength:g}, got {strength}.",
                max_strength=MAX_STRENGTH,
                strength=self.strength,
            )
        if self.loop not in LOOP_MODES:
            raise SceneError(
                "Loop must be one of {modes}, got {loop!r}.",
                modes=", ".join(LOOP_MODES),
                loop=self.loop,
            )
        if self.mode not in SEQUENCE_MODES:
            raise SceneError(
                "Mode must be one of {modes}, got {mode!r}.",
                modes=", ".join(SEQUENCE_MODES),
                mode=self.mode,
            )
        if not 0 <= self.shutter <= MAX_SHUTTER:
            raise SceneError(
                "The shutter angle must be from 0 to {max_shutter:g} degrees, got {shutter}.",
                max_shutter=MAX_SHUTTER,
                shutter=self.shutter,
            )
        if not 1 <= self.subframes <= MAX_SUBFRAMES:
            raise SceneError(
                "Subframes must be from 1 to {max_subframes}, got {subframes}.",
                max_subframes=MAX_SUBFRAMES,
                subframes=self.subframes,
            )
        if not 1 <= self.supersample <= MAX_SUPERSAMPLE:
            raise SceneError(
                "Supersampling must be from 1 to {max_supersample}, got {supersample}.",
                max_supersample=MAX_SUPERSAMPLE,
                supersample=self.supersample,
            )


@dataclass(frozen=True, slots=True)
class Scene:
    """The document.

    Attributes:
        picture: The photo.
        tracks: Arrows, paths, pins and takes, in the order in which they were drawn.
        film: How the film is made.
        freeze: What may not move, or None for no mask; the size of the picture.
        next_id: The id that the next track or group gets; grows only, so no id is used twice.
        groups: Parts that move on their own, from back to front.
        base_place: How many of the groups lie behind the rest of the picture.
        fill: What holes behind a moving part show: the neighbouring background, a background that
            is painted in, or the plate.
        plate: The picture without the parts that move, for ``fill`` of ``plate``; None for none.
        loop_range: First and last second that the window plays over and over; None for the whole
            timeline. A film that is written is always the whole.
    """

    picture: Picture
    tracks: tuple[Track, ...] = ()
    film: FilmSettings = FilmSettings()
    freeze: Mask | None = None
    next_id: int = 1
    groups: tuple[Group, ...] = ()
    base_place: int = 0
    fill: HoleFill = "stretch"
    plate: Picture | None = None
    loop_range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Refuse values that make no sense."""
        self._check_groups()
        ids = [track.id for track in self.tracks] + [group.id for group in self.groups]
        if len(set(ids)) != len(ids):
            raise TrackError("Every track needs an id of its own, got {ids}.", ids=sorted(ids))
        if any(not 0 < track_id < self.next_id for track_id in ids):
            raise TrackError(
                "Track ids must be from 1 up and below next_id, {next_id}, got {ids}.",
                next_id=self.next_id,
                ids=sorted(ids),
            )
        width, height = self.picture.width, self.picture.height
        for track in self.tracks:
            x, y = track.tail
            if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                raise TrackError(
                    "The {kind} at ({x:g}, {y:g}) starts outside of the picture, which is {width} "
                    "x {height}: x from 0 to {right} and y from 0 to {bottom}.",
                    kind=track.kind,
                    x=x,
                    y=y,
                    width=width,
                    height=height,
                    right=width - 1,
                    bottom=height - 1,
                )
        mask = self.freeze
        if mask is not None and (mask.width, mask.height) != (width, height):
            raise SceneError(
                "The freeze mask must have the size of the picture, {width} x {height}, got "
                "{mask_width} x {mask_height}.",
                width=width,
                height=height,
                mask_width=mask.width,
                mask_height=mask.height,
            )

        self._check_plate()
        if self.loop_range is not None:
            first, last = self.loop_range
            if not 0 <= first < last <= MAX_DURATION:  # NaN fails too
                raise SceneError(
                    "A loop range must go from 0 s or later to a later moment, at most "
                    "{max_duration:g} s, got {first} to {last}.",
                    max_duration=MAX_DURATION,
                    first=first,
                    last=last,
                )

    def _check_groups(self) -> None:
        size = self.picture.width, self.picture.height
        known = {0, *(group.id for group in self.groups)}
        if len(self.groups) > MAX_GROUPS:
            raise SceneError(
                "A scene has at most {max_groups} groups, got {count}.",
                max_groups=MAX_GROUPS,
                count=len(self.groups),
            )
        if not 0 <= self.base_place <= len(self.groups):
            raise SceneError(
                "From 0 to {count} groups can lie behind the rest of the picture, got "
                "{base_place}.",
                count=len(self.groups),
                base_place=self.base_place,
            )
        for track in self.tracks:
            if track.group not in known:
                raise TrackError(
                    "A track is in group {group}, which the scene has not.", group=track.group
                )
        for group in self.groups:
            mask = group.mask
            if mask is not None and (mask.width, mask.height) != size:
                raise SceneError(
                    "A group's mask must have the size of the picture, {width} x {height}, got "
                    "{mask_width} x {mask_height}.",
                    width=size[0],
                    height=size[1],
                    mask_width=mask.width,
                    mask_height=mask.height,
                )

    def _check_plate(self) -> None:
        if self.fill not in HOLE_FILLS:
            raise SceneError(
                "Fill must be one of {fills}, got {fill!r}.",
                fills=", ".join(HOLE_FILLS),
                fill=self.fill,
            )
        plate = self.plate
        if plate is None:
            if self.fill == "plate":
                raise SceneError("Holes can't show the plate: the scene has none; choose a file.")
            return
        own, its = self.picture.width / self.picture.height, plate.width / plate.height
        if abs(its / own - 1) > _ASPECT_SLACK:
            raise SceneError(
                "The background plate must have the shape of the picture, {width} x {height}, got "
                "{plate_width} x {plate_height}.",
                width=self.picture.width,
                height=self.picture.height,
                plate_width=plate.width,
                plate_height=plate.height,
            )

    def group(self, group_id: int) -> Group:
        """Return the group with this id.

        Raises:
            SceneError: There is none.
        """
        for group in self.groups:
            if group.id == group_id:
                return group
        raise SceneError("The scene has no group number {group_id}.", group_id=group_id)

    def track(self, track_id: int) -> Track:
        """Return the track with this id.

        Raises:
            TrackError: There is none.
        """
        for track in self.tracks:
            if track.id == track_id:
                return track
        raise TrackError("The scene has no track number {track_id}.", track_id=track_id)


def picture_from_bytes(data: bytes, name: str) -> Picture:
    """Return the picture of a file's bytes, measured but not decoded where its kind allows that.

    Args:
        data: A whole JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF file.
        name: File name; folders are dropped.

    Raises:
        PictureError: Not such a file, or too small or too large.
    """
    from PIL import Image, UnidentifiedImageError

    name = name.replace("\\", "/").rsplit("/", 1)[-1] or "picture"
    Image.init()
    known = [kind for kind in PICTURE_SUFFIXES if kind in Image.OPEN]
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures, which have a limit below, and of odd metadata.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(data), formats=known) as image:
                width, height = image.size
                if _orientation(image) in (5, 6, 7, 8):  # the camera lay on its side
                    width, height = height, width
    except UnidentifiedImageError as error:
        raise PictureError(
            "{name} is not a picture known here; open a JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF.",
            name=name,
        ) from error
    except Image.DecompressionBombError as error:
        raise PictureError(
            "{name} is too large: a picture may have at most {megapixels} megapixels.",
            name=name,
            megapixels=MAX_PIXELS // 1_000_000,
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise PictureError(
            "{name} is not a readable picture: {error}.", name=name, error=error
        ) from error
    return Picture(name, width, height, data, hashlib.sha256(data).hexdigest())


def picture_suffix(picture: Picture) -> str:
    """Return the suffix of a picture's file kind, such as ``.jpg``, whatever it was called.

    Raises:
        PictureError: The bytes are of no kind known here.
    """
    data = picture.data
    for start, suffix in _SIGNATURES:
        if data.startswith(start):
            return suffix
    if data[4:8] == b"ftyp":
        return ".avif"
    raise PictureError("{name} is of no kind known here, so it can't be stored.", name=picture.name)


def _orientation(image: Image.Image) -> int:
    """Return the camera's orientation; 1, upright, where it is absent or unreadable."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except (SyntaxError, ValueError, KeyError, TypeError, struct.error):
        return 1
    return value if isinstance(value, int) else 1


def add_track(scene: Scene, track: Track) -> Scene:
    """Return the scene with ``track`` on top of the others, under a new id.

    The id is ``result.tracks[-1].id``.

    Raises:
        TrackError: The track starts outside of the picture.
    """
    taken_in = replace(track, id=scene.next_id)
    return replace(scene, tracks=(*scene.tracks, taken_in), next_id=scene.next_id + 1)


def replace_track(scene: Scene, track: Track) -> Scene:
    """Return the scene with ``track`` in place of the one with the same id.

    Raises:
        TrackError: No track has this id, or it starts outside of the picture.
    """
    scene.track(track.id)
    tracks = tuple(track if old.id == track.id else old for old in scene.tracks)
    return replace(scene, tracks=tracks)


def remove_tracks(scene: Scene, track_ids: Iterable[int]) -> Scene:
    """Return the scene without these tracks; ids that are not there are ignored."""
    gone = set(track_ids)
    return replace(scene, tracks=tuple(track for track in scene.tracks if track.id not in gone))


def set_film(scene: Scene, film: FilmSettings) -> Scene:
    """Return the scene with other film settings."""
    return replace(scene, film=film)


def set_loop_range(scene: Scene, loop_range: tuple[float, float] | None) -> Scene:
    """Return the scene with another part that is played over and over, seconds, or the whole."""
    return replace(scene, loop_range=loop_range)


def set_freeze(scene: Scene, freeze: Mask | None) -> Scene:
    """Return the scene with another freeze mask, or none.

    Raises:
        SceneError: The mask has not the size of the picture.
    """
    return replace(scene, freeze=freeze)
