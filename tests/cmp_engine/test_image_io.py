import io
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms

from cmp_engine.errors import ImageError
from cmp_engine.image_io import encode_image, read_image, write_image


def picture(height: int = 40, width: int = 60) -> np.ndarray:
    """A smooth picture whose four corners differ, so that turns and colours show."""
    y, x = np.mgrid[0:height, 0:width]
    red = 255 * x / (width - 1)
    green = 255 * y / (height - 1)
    return np.stack([red, green, 128 + 0 * red], axis=2).round().astype(np.uint8)


def encoded(image: Image.Image, file_format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format=file_format, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("file_format", ["PNG", "TIFF", "BMP"])
def test_read_when_lossless_then_pixels_are_exact(file_format):
    image = picture()
    result = read_image(encoded(Image.fromarray(image), file_format))
    np.testing.assert_array_equal(result, image)
    assert result.flags.writeable
    assert result.flags.c_contiguous


@pytest.mark.parametrize("file_format", ["JPEG", "WEBP", "AVIF"])
def test_read_when_lossy_then_pixels_are_near(file_format):
    image = picture()
    result = read_image(encoded(Image.fromarray(image), file_format, quality=95))
    assert np.abs(result.astype(int) - image).mean() < 4


@pytest.mark.parametrize("orientation", range(1, 9))
def test_read_when_camera_was_turned_then_picture_is_upright(orientation):
    image = picture()
    stored = {
        1: image,
        2: image[:, ::-1],
        3: image[::-1, ::-1],
        4: image[::-1],
        5: image.transpose(1, 0, 2),
        6: np.rot90(image),
        7: np.rot90(image, 2).transpose(1, 0, 2),
        8: np.rot90(image, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    np.testing.assert_array_equal(read_image(data), image)


def test_read_when_exif_is_broken_then_picture_is_taken_as_upright():
    data = encoded(Image.fromarray(picture()), "JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff\0\0")
    assert read_image(data).shape == (40, 60, 3)


def test_read_when_transparent_then_it_lies_over_white():
    rgba = np.dstack([picture(), np.full((40, 60), 255, np.uint8)])
    rgba[:20, :, 3] = 0
    rgba[20:30, :, 3] = 128
    result = read_image(encoded(Image.fromarray(rgba), "PNG"))
    assert (result[:20] == 255).all()
    np.testing.assert_array_equal(result[30:], rgba[30:, :, :3])
    half = (rgba[20:30, :, :3].astype(float) * 128 + 255.0 * 127) / 255
    np.testing.assert_allclose(result[20:30], half, atol=1)


@pytest.mark.parametrize("mode", ["LA", "P", "RGB", "L"])
def test_read_when_transparent_in_other_modes_then_hole_is_white(mode):
    base = Image.new("L", (32, 32), 90)
    base.paste(10, (0, 0, 16, 32))
    if mode == "LA":
        image = Image.merge("LA", [base, base.point(lambda value: 255 if value == 90 else 0)])
        data = encoded(image, "PNG")
    else:
        hole = (10, 10, 10) if mode == "RGB" else 10
        image = base.convert(mode) if mode != "P" else base.copy()
        if mode == "P":
            image.putpalette([value for index in range(256) for value in (index, index, index)])
        data = encoded(image, "PNG", transparency=hole)
    result = read_image(data)
    assert (result[:, :16] == 255).all()
    assert (result[:, 16:] == 90).all()


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK", "YCbCr"])
def test_read_when_not_rgb_then_colours_are_converted(mode):
    image = Image.fromarray(picture()).convert(mode)
    data = encoded(image, "TIFF")
    np.testing.assert_allclose(read_image(data), np.asarray(image.convert("RGB")), atol=2)


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_read_when_grey_has_16_bits_then_full_range_becomes_8_bits(file_format):
    ramp = np.linspace(0, 65535, 64 * 32).reshape(32, 64).round().astype(np.uint16)
    result = read_image(encoded(Image.fromarray(ramp), file_format))
    np.testing.assert_allclose(result[..., 0], ramp / 257.0, atol=0.51)
    assert (result[..., 0] == result[..., 2]).all()


def test_read_when_colour_png_has_16_bits_then_it_becomes_8_bits():
    ramp = np.linspace(0, 65535, 64 * 32 * 3).reshape(32, 64, 3).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in ramp)

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 64, 32, 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(read_image(data), ramp / 257.0, atol=1)


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.0, 700.0)])
def test_read_when_float_tiff_then_range_becomes_8_bits(low, high):
    ramp = np.linspace(low, high, 32 * 32, dtype=np.float32).reshape(32, 32)
    result = read_image(encoded(Image.fromarray(ramp), "TIFF"))
    np.testing.assert_allclose(result[..., 1], (ramp - low) / (high - low) * 255, atol=0.51)


def swapped_profile() -> bytes:
    """sRGB with red and blue swapped: a profile whose effect can't be overlooked."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = struct.unpack_from(">I", profile, 128)[0]
    for index in range(count):
        at = 132 + 12 * index
        name = bytes(profile[at : at + 4])
        if name in (b"rXYZ", b"bXYZ"):
            profile[at : at + 4] = b"bXYZ" if name == b"rXYZ" else b"rXYZ"
        if name == b"desc":
            offset, length = struct.unpack_from(">II", profile, at + 4)
            body = profile[offset : offset + length]
            body = body.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
            profile[offset : offset + length] = body
    return bytes(profile)


@pytest.mark.parametrize("alpha", [False, True])
def test_read_when_profile_is_embedded_then_colours_are_srgb(alpha):
    image = Image.fromarray(picture())
    if alpha:
        image.putalpha(255)
    result = read_image(encoded(image, "PNG", icc_profile=swapped_profile()))
    np.testing.assert_allclose(result, picture()[..., ::-1], atol=2)


def test_read_when_profile_is_srgb_then_pixels_are_untouched():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(Image.fromarray(picture()), "PNG", icc_profile=srgb)
    np.testing.assert_array_equal(read_image(data), picture())


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_read_when_profile_is_broken_or_of_another_mode_then_it_is_ignored(mode):
    image = Image.fromarray(picture()).convert(mode)
    expected = np.asarray(image.convert("RGB"))
    profiles = [b"nonsense" * 30]
    if mode != "RGB":
        profiles.append(swapped_profile())
    for profile in profiles:
        result = read_image(encoded(image, "TIFF", icc_profile=profile))
        np.testing.assert_allclose(result, expected, atol=2)


@pytest.mark.parametrize("file_format", ["GIF", "WEBP", "PNG", "TIFF"])
def test_read_when_animated_then_first_frame_comes(file_format):
    first, second = Image.new("RGB", (32, 32), (200, 30, 30)), Image.new("RGB", (32, 32), (0, 0, 9))
    data = encoded(first, file_format, save_all=True, append_images=[second])
    np.testing.assert_allclose(read_image(data), np.asarray(first), atol=4)


def test_read_when_path_is_string_or_path_then_both_work(tmp_path):
    path = tmp_path / "a picture with spaces and ü.png"
    Image.fromarray(picture()).save(path)
    np.testing.assert_array_equal(read_image(str(path)), read_image(path))


def test_read_when_suffix_lies_then_contents_decide(tmp_path):
    path = tmp_path / "lie.jpg"
    path.write_bytes(encoded(Image.fromarray(picture()), "PNG"))
    np.testing.assert_array_equal(read_image(path), picture())


def unreadable(tmp_path: Path) -> dict[str, tuple[Path | bytes, str]]:
    whole = encoded(Image.fromarray(np.tile(picture(), (8, 8, 1))), "JPEG")
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), "u1")
    png = encoded(Image.fromarray(noise), "PNG")
    wrong_crc = bytearray(png)
    wrong_crc[60] ^= 255
    contents = {
        "empty": (b"", "empty"),
        "text": (b"dear diary, today I saw a picture", "no picture"),
        "heic": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        "pdf": (b"%PDF-1.7 and so on", "PDF"),
        "psd": (b"8BPS\0\1 and so on 1234", "Photoshop"),
        "svg": (b"<svg xmlns='x'></svg>", "SVG"),
        "cut_jpeg": (whole[: len(whole) // 2], "damaged"),
        "cut_png": (png[: len(png) // 2], "damaged"),
        "wrong_crc": (bytes(wrong_crc), "damaged"),
        "cut_header": (png[:20], "no picture|damaged"),
        "thin": (encoded(Image.new("RGB", (500, 15)), "PNG"), "500 x 15"),
    }
    cases: dict[str, tuple[Path | bytes, str]] = {}
    for name, (data, match) in contents.items():
        path = tmp_path / name
        path.write_bytes(data)
        cases[name] = (path, match)
        cases[name + " (bytes)"] = (data, match)
    cases["folder"] = (tmp_path, "is a folder")
    cases["missing"] = (tmp_path / "nothing.png", "no file")
    cases["name too long"] = (tmp_path / ("x" * 300), "can't be read|no file")
    cases["zero byte in name"] = (Path("a\0b.png"), "can't be read|no file")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
        cases["fifo"] = (tmp_path / "fifo", "ordinary")
    return cases


def test_read_when_file_is_no_picture_then_one_sentence_says_why(tmp_path):
    for name, (source, match) in unreadable(tmp_path).items():
        with pytest.raises(ImageError, match=match) as caught:
            read_image(source)
        message = str(caught.value)
        assert message.endswith("."), name
        assert "\n" not in message, name


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it is huge and holds next to nothing."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"IHDR" + body
    idat = b"IDAT" + zlib.compress(b"\0" * 1000)
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
        + struct.pack(">I", len(idat) - 4) + idat + struct.pack(">I", zlib.crc32(idat))
    )  # fmt: skip


@pytest.mark.parametrize("size", [(10_001, 10_000), (14_000, 14_000), (60_000, 60_000)])
def test_read_when_picture_is_a_bomb_then_it_is_refused_before_decoding(size):
    with pytest.raises(ImageError, match="megapixels"):
        read_image(png_header(*size))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    file_format=st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF"]),
    changes=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8),
    kept=st.floats(0.05, 1),
)
def test_read_when_bytes_are_changed_then_picture_or_image_error(file_format, changes, kept):
    data = bytearray(encoded(Image.fromarray(picture()), file_format))
    for where, value in changes:
        data[int(where * (len(data) - 1))] = value
    try:
        result = read_image(bytes(data[: int(kept * len(data))]))
    except ImageError:
        return
    assert result.dtype == np.uint8
    assert result.shape[2] == 3


def test_write_when_png_then_it_reads_back_exactly(tmp_path):
    write_image(tmp_path / "a.png", picture())
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture())


@pytest.mark.parametrize("suffix", [".jpg", ".JPEG", ".webp"])
def test_write_when_lossy_then_it_reads_back_nearly(tmp_path, suffix):
    write_image(tmp_path / f"a{suffix}", picture())
    result = read_image(tmp_path / f"a{suffix}")
    assert np.abs(result.astype(int) - picture()).mean() < 2.5


def test_write_when_file_exists_then_it_is_replaced_and_nothing_is_left(tmp_path):
    path = tmp_path / "a.png"
    path.write_text("old")
    write_image(path, picture())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    assert read_image(path).shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("name", "image", "match"),
    [
        ("a.tga", picture(), "must end in"),
        ("a", picture(), "must end in"),
        ("a.png", picture().astype(np.float32), "uint8"),
        ("a.png", picture()[..., 0], "height, width, 3"),
        ("a.webp", np.zeros((16, 17000, 3), np.uint8), "at most 16383"),
        ("missing/a.png", picture(), "does not exist"),
        ("file.txt/a.png", picture(), "does not exist"),
        ("folder.png", picture(), "is a folder"),
        ("x" * 300 + ".png", picture(), "too long|shorter"),
    ],
)
def test_write_when_it_can_not_be_done_then_sentence_and_nothing_left(tmp_path, name, image, match):
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "file.txt").write_text("x")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ImageError, match=match):
        write_image(tmp_path / name, image)
    assert sorted(tmp_path.iterdir()) == before


def test_write_when_disk_is_full_then_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_text("old")

    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(ImageError, match="full"):
        write_image(path, picture())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]
    assert path.read_text() == "old"


def test_encode_when_png_then_bytes_read_back():
    np.testing.assert_array_equal(read_image(encode_image(picture())), picture())
