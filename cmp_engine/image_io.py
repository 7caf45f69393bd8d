"""Pictures from files or bytes to 8-bit sRGB arrays, and back.

What a picture goes through, in order: the first frame of an animation, 16 bits to 8, the embedded
colour profile to sRGB, transparency over white (what viewers and browsers show for a cut-out, and
a film has no transparency), the orientation that the camera noted.
"""

from __future__ import annotations

import io
import logging
import struct
import warnings
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms, UnidentifiedImageError

from cmp_engine.errors import ImageError
from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_engine.sentences import Sentence

logger = logging.getLogger(__name__)

MAX_PIXELS: Final = 100_000_000
"""Largest picture that is read, in px."""

MIN_SIDE: Final = 16
"""Shortest side that is read, in px."""

READABLE_SUFFIXES: Final = (
    ".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".avif",
)  # fmt: skip
"""Suffixes of the files that `read_image` reads, for file dialogs. The contents decide, though."""

WRITABLE_SUFFIXES: Final = (".png", ".jpg", ".jpeg", ".webp")
"""Suffixes that `write_image` knows."""

_READABLE_FORMATS: Final = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "DIB", "GIF", "AVIF")
_EXPECTED: Final = Sentence("a JPEG, PNG, WebP, TIFF, BMP, GIF or AVIF picture is expected")
_ORIENTATION_TAG: Final = 0x0112
_MAX_SIDES: Final = {"JPEG": 65_500, "WEBP": 16_383, "PNG": 2**31 - 1}
_FORMAT_OF_SUFFIX: Final = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}

_TURN_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_image(source: str | Path | bytes) -> NDArray[np.uint8]:
    """Return a picture as it is meant to be seen.

    Args:
        source: A file, or the bytes of one. The contents say which format it is, not the name.

    Returns:
        (H, W, 3) uint8 sRGB, upright, contiguous, a copy of its own. Transparent pixels lie over
        white; 16-bit and float values are scaled to 8 bits; of an animation it is the first frame.

    Raises:
        ImageError: There is no file, it is no picture of a known kind, it is damaged or cut off,
            it has more than `MAX_PIXELS`, or a side below `MIN_SIDE`.
    """
    name = "The picture" if isinstance(source, bytes) else str(source)
    opened = io.BytesIO(source) if isinstance(source, bytes) else _checked_file(Path(source))
    if isinstance(opened, io.BytesIO) and not source:
        raise ImageError("{name} is empty (0 bytes); {expected}.", name=name, expected=_EXPECTED)
    with warnings.catch_warnings():
        # Pillow warns of large pictures and of odd metadata. The size is checked here, against
        # our own limit and before any pixel is decoded; odd metadata is no reason to refuse.
        warnings.simplefilter("ignore")
        with _open(opened, name) as picture:
            _check_size(picture.size, name)
            _decode(picture, name)
            try:
                upright = _upright_rgb(picture)
            except MemoryError as error:
                raise ImageError(
                    "{name} needs more memory than there is; make the picture smaller.", name=name
                ) from error
            return np.array(upright, dtype=np.uint8)


def write_image(path: str | Path, image: NDArray[np.uint8]) -> None:
    """Write a picture as PNG, JPEG or WebP, by the suffix; the file appears whole or not at all.

    Args:
        path: Where to. A file of that name is replaced.
        image: (H, W, 3) uint8 sRGB.

    Raises:
        ImageError: The array is no picture, the suffix is unknown, or the file can't be written.
    """
    target = Path(path)
    encoded = encode_image(image, suffix=target.suffix)
    try:
        if target.is_dir():
            raise ImageError(
                "{target} is a folder, and a file is expected; choose another name.", target=target
            )
        with partial_file(target) as partial:
            partial.write_bytes(encoded)
    except OSError as error:
        raise ImageError(describe_os_error(error, target)) from error


def encode_image(image: NDArray[np.uint8], *, suffix: str = ".png") -> bytes:
    """Return the bytes of a picture file.

    PNG keeps every pixel; JPEG and WebP are written at quality 95, JPEG without colour subsampling.

    Args:
        image: (H, W, 3) uint8 sRGB.
        suffix: One of `WRITABLE_SUFFIXES`, in either case.

    Returns:
        The file's contents.

    Raises:
        ImageError: The array is no picture, or the suffix is unknown.
    """
    file_format = _FORMAT_OF_SUFFIX.get(suffix.lower())
    if file_format is None:
        raise ImageError(
            "A picture's name must end in {suffixes}, and it ends in {suffix!r}; change the name.",
            suffixes=", ".join(WRITABLE_SUFFIXES),
            suffix=suffix or "nothing",
        )
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise ImageError(
            "A picture of shape (height, width, 3) and type uint8 is expected, and {shape} of "
            "{dtype} came.",
            shape=image.shape,
            dtype=image.dtype,
        )
    if max(image.shape[:2]) > _MAX_SIDES[file_format]:
        raise ImageError(
            "{file_format} holds at most {most} px a side, and the picture has {width} x {height}; "
            "write a PNG or a smaller picture.",
            file_format=file_format,
            most=_MAX_SIDES[file_format],
            width=image.shape[1],
            height=image.shape[0],
        )
    buffer = io.BytesIO()
    picture = Image.fromarray(np.ascontiguousarray(image))
    if file_format == "PNG":
        picture.save(buffer, format="PNG", compress_level=4)
    elif file_format == "JPEG":
        picture.save(buffer, format="JPEG", quality=95, subsampling=0)
    else:
        picture.save(buffer, format="WEBP", quality=95)
    return buffer.getvalue()


def _checked_file(path: Path) -> Path:
    """Return the path of a readable file with something in it, or raise the sentence for it."""
    try:
        if path.is_dir():
            raise ImageError(
                "{path} is a folder, and one picture is expected; choose a file.", path=path
            )
        if not path.exists():
            raise ImageError("There is no file {path}; check the name.", path=path)
        if not path.is_file():
            raise ImageError(
                "{path} is not an ordinary file; {expected}.", path=path, expected=_EXPECTED
            )
        if path.stat().st_size == 0:
            raise ImageError(
                "{path} is empty (0 bytes); {expected}.", path=path, expected=_EXPECTED
            )
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise ImageError(
            "{path!s} can't be read ({error}); check the name.", path=path, error=error
        ) from error
    return path


def _open(source: Path | io.BytesIO, name: str) -> Image.Image:
    """Read the header of a picture."""
    Image.init()  # AVIF is there in newer versions of Pillow only
    formats: list[str] = [name for name in _READABLE_FORMATS if name in Image.OPEN]
    try:
        return Image.open(source, formats=formats)
    except PermissionError as error:
        raise ImageError("You may not read {name}; change its permissions.", name=name) from error
    except Image.DecompressionBombError as error:
        raise ImageError(
            "{name} has far more than the {megapixels} megapixels that can be used; make it "
            "smaller.",
            name=name,
            megapixels=MAX_PIXELS // 10**6,
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(
            "{name} is no picture that can be read here{hint}.", name=name, hint=_hint(source)
        ) from error
    except Exception as error:
        raise ImageError(_damaged(name)) from error


def _hint(source: Path | io.BytesIO) -> Sentence:
    """Say what to do about a file that no decoder knows."""
    if isinstance(source, io.BytesIO):
        head = source.getvalue()[:16]
    else:
        with source.open("rb") as file:
            head = file.read(16)
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"mif1", b"heim", b"msf1"):
        return Sentence(" (it is a HEIC photo); save it as JPEG first")
    if head[:4] == b"%PDF":
        return Sentence(" (it is a PDF); save its page as PNG first")
    if head[:4] == b"8BPS":
        return Sentence(" (it is a Photoshop document); save it as PNG first")
    if b"<svg" in head or head[:5] == b"<?xml":
        return Sentence(" (it is a drawing in SVG or XML); save it as PNG first")
    return Sentence("; {expected}", expected=_EXPECTED)


def _check_size(size_wh: tuple[int, int], name: str) -> None:
    width, height = size_wh
    if width * height > MAX_PIXELS:
        raise ImageError(
            "{name} has {width} x {height} px, which is {megapixels:.0f} megapixels; at most "
            "{most} can be used, make it smaller.",
            name=name,
            width=width,
            height=height,
            megapixels=width * height / 1e6,
            most=MAX_PIXELS // 10**6,
        )
    if min(width, height) < MIN_SIDE:
        raise ImageError(
            "{name} has {width} x {height} px; at least {min_side} px a side are needed.",
            name=name,
            width=width,
            height=height,
            min_side=MIN_SIDE,
        )


def _decode(picture: Image.Image, name: str) -> None:
    """Decode the first frame's pixels."""
    try:
        picture.seek(0)
        picture.load()
    except MemoryError as error:
        raise ImageError(
            "{name} needs more memory than there is; make the picture smaller.", name=name
        ) from error
    except Exception as error:
        raise ImageError(_damaged(name)) from error


def _damaged(name: str) -> Sentence:
    return Sentence(
        "{name} is damaged or cut off, so it can't be read; get the file anew.", name=name
    )


def _upright_rgb(picture: Image.Image) -> Image.Image:
    """Return the decoded picture as upright 8-bit sRGB over white."""
    transform = _TURN_UPRIGHT.get(_orientation(picture))
    profile = picture.info.get("icc_profile")
    flat = _eight_bits(picture)
    alpha = _alpha(flat)
    colours = _to_srgb(flat, profile)
    if alpha is not None and alpha.getextrema() != (255, 255):
        white = Image.new("RGB", colours.size, (255, 255, 255))
        white.paste(colours, mask=alpha)
        colours = white
    return colours if transform is None else colours.transpose(transform)


def _orientation(picture: Image.Image) -> int:
    """Return the camera's orientation, 1 (upright) when it is absent or unreadable."""
    try:
        value = picture.getexif().get(_ORIENTATION_TAG, 1)
    except (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error) as error:
        logger.info("Unreadable EXIF data, the orientation is taken as upright: %s", error)
        return 1
    return value if isinstance(value, int) else 1


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return a picture of 16-bit, 32-bit or float grey as 8-bit grey, others as they are.

    16-bit grey maps 0..65535 to 0..255. 32-bit and float values have no agreed white: float
    within 0..1 and integers within 0..65535 are taken so, anything else from its least to its
    greatest value (own choice).
    """
    if not picture.mode.startswith(("I", "F")):
        return picture
    values = np.asarray(picture, dtype=np.float64)
    values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(values.min()), float(values.max())
    if picture.mode.startswith("I") and low >= 0 and high <= 65535:
        low, high = 0.0, 65535.0
    elif picture.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    scaled = (values - low) * (255.0 / max(high - low, 1e-12))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _alpha(picture: Image.Image) -> Image.Image | None:
    """Return the transparency of a picture as 8-bit grey, None for an opaque one."""
    if picture.mode in ("RGBA", "LA"):
        return picture.getchannel("A")
    if picture.mode in ("RGBa", "La", "PA") or "transparency" in picture.info:
        return picture.convert("RGBA").getchannel("A")
    return None


def _to_srgb(picture: Image.Image, profile: object) -> Image.Image:
    """Return the colours of a picture in sRGB, through its embedded profile where it has one."""
    if picture.mode == "LAB":
        lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
        return _transformed(picture, lab) or picture.getchannel("L").convert("RGB")
    plain = _without_alpha(picture)
    if isinstance(profile, bytes) and profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if "srgb" not in ImageCms.getProfileDescription(source).lower():
                converted = _transformed(plain, source)
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError) as error:
            logger.info("Unreadable colour profile, the colours are taken as sRGB: %s", error)
    return plain.convert("RGB")


def _without_alpha(picture: Image.Image) -> Image.Image:
    """Return the picture as plain grey, RGB or CMYK, without a palette or transparency."""
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    if picture.mode in ("1", "LA", "La"):
        return picture.convert("L") if picture.mode != "La" else picture.convert("LA").convert("L")
    if picture.mode in ("RGBA", "P", "PA", "RGBa"):
        return picture.convert("RGBA").convert("RGB")
    return picture.convert("RGB")


def _transformed(picture: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    """Return the picture brought from a profile to sRGB, None where they don't fit together."""
    try:
        return ImageCms.profileToProfile(
            picture,
            source,
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, ValueError) as error:
        logger.info("The colour profile does not fit the picture, it is ignored: %s", error)
        return None
