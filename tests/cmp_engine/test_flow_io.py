import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from cmp_engine.errors import FlowError
from cmp_engine.flow_io import SUFFIXES, read_flow, write_flow


def random_flow(height=7, width=11, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(-40, 40, (height, width, 2)).astype(np.float32)


def tolerance(suffix):
    return 1 / 128 + 1e-6 if suffix == ".png" else 0.0


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_flow_when_written_by_us_then_the_same(suffix, tmp_path):
    flow = random_flow()
    before = flow.copy()
    write_flow(tmp_path / f"flow{suffix}", flow)
    back, valid = read_flow(tmp_path / f"flow{suffix}")
    assert back.dtype == np.float32
    assert np.abs(back - flow).max() <= tolerance(suffix)
    assert valid is None
    assert np.array_equal(flow, before)
    assert [path.name for path in tmp_path.iterdir()] == [f"flow{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_flow_when_some_pixels_are_unknown_then_so_they_come_back(suffix, tmp_path):
    flow = random_flow()
    valid = np.random.default_rng(1).random((7, 11)) < 0.5
    flow[~valid] = np.nan
    write_flow(str(tmp_path / f"flow{suffix}"), flow, valid)
    back, known = read_flow(str(tmp_path / f"flow{suffix}"))
    assert np.array_equal(known, valid)
    assert np.abs(back[valid] - flow[valid]).max() <= tolerance(suffix)
    assert (back[~valid] == 0).all()


@settings(max_examples=30)
@given(
    flow=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(2)),
        elements=st.floats(-500, 500, width=32),
    ),
    suffix=st.sampled_from(SUFFIXES),
)
def test_flow_files_when_there_and_back_then_identical(flow, suffix, tmp_path_factory):
    path = tmp_path_factory.mktemp("flows") / f"flow{suffix}"
    write_flow(path, flow)
    back, valid = read_flow(path)
    assert valid is None
    assert np.abs(back - flow).max() <= tolerance(suffix)


def test_write_flow_when_flo_then_the_bytes_are_middlebury(tmp_path):
    flow = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    write_flow(tmp_path / "a.flo", flow)
    data = (tmp_path / "a.flo").read_bytes()
    assert struct.unpack("<f", data[:4])[0] == 202021.25
    assert struct.unpack("<ii", data[4:12]) == (3, 2)
    assert np.frombuffer(data[12:], "<f4").tolist() == list(range(12))


def test_write_flow_when_png_then_the_pixels_are_kitti(tmp_path):
    flow = np.array([[[1.5, -2.0], [0.0, 511.0]]], np.float32)
    write_flow(tmp_path / "a.png", flow, np.array([[True, False]]))
    blue, green, red = cv2.split(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED))
    assert red.dtype == np.uint16
    assert (red[0, 0], green[0, 0], blue[0, 0]) == (2**15 + 96, 2**15 - 128, 1)
    assert (red[0, 1], green[0, 1], blue[0, 1]) == (0, 0, 0)


def test_read_flow_when_npy_holds_doubles_then_float32(tmp_path):
    np.save(tmp_path / "a.npy", random_flow().astype(np.float64))
    flow, _ = read_flow(tmp_path / "a.npy")
    assert flow.dtype == np.float32


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_flow_when_truncated_anywhere_then_flow_error(suffix, tmp_path):
    path = tmp_path / f"whole{suffix}"
    write_flow(path, random_flow(), np.random.default_rng(2).random((7, 11)) < 0.9)
    data = path.read_bytes()
    cut = tmp_path / f"cut{suffix}"
    for length in range(0, len(data), max(1, len(data) // 60)):
        cut.write_bytes(data[:length])
        with pytest.raises(FlowError, match=r"cut\."):
            read_flow(cut)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_read_flow_when_foreign_then_flow_error(suffix, tmp_path):
    path = tmp_path / f"foreign{suffix}"
    path.write_bytes(b"\xff\xd8\xff\xe0 this is no flow at all" * 20)
    with pytest.raises(FlowError, match=r"foreign\."):
        read_flow(path)


def test_read_flow_when_not_there_then_flow_error(tmp_path):
    with pytest.raises(FlowError, match="no flow file"):
        read_flow(tmp_path / "missing.flo")
    (tmp_path / "folder.flo").mkdir()
    with pytest.raises(FlowError, match="can't be read"):
        read_flow(tmp_path / "folder.flo")


def test_read_flow_when_the_suffix_is_unknown_then_flow_error(tmp_path):
    with pytest.raises(FlowError, match=r"\.flo, \.npy, \.npz, \.png"):
        read_flow(tmp_path / "flow.jpg")


def test_read_flow_when_flo_is_too_long_or_too_large_then_flow_error(tmp_path):
    path = tmp_path / "a.flo"
    write_flow(path, random_flow())
    path.write_bytes(path.read_bytes() + b"x")
    with pytest.raises(FlowError, match="longer"):
        read_flow(path)
    path.write_bytes(b"PIEH" + struct.pack("<ii", 2**30, 2**30))
    with pytest.raises(FlowError, match="megapixels"):
        read_flow(path)
    path.write_bytes(b"PIEH" + struct.pack("<ii", -4, -4))
    with pytest.raises(FlowError, match="megapixels"):
        read_flow(path)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 3), (3, 4, 2, 1)])
def test_read_flow_when_npy_has_another_shape_then_flow_error(shape, tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(shape, np.float32))
    with pytest.raises(FlowError, match=r"\(H, W, 2\)"):
        read_flow(tmp_path / "a.npy")


def test_read_flow_when_npy_is_a_pickle_then_it_is_refused(tmp_path):
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(FlowError, match="object"):
        read_flow(tmp_path / "a.npy")


def test_read_flow_when_npz_lacks_the_flow_or_the_mask_has_another_size_then_flow_error(tmp_path):
    np.savez(tmp_path / "a.npz", other=np.zeros(3))
    with pytest.raises(FlowError, match="it has other"):
        read_flow(tmp_path / "a.npz")
    np.savez(tmp_path / "b.npz", flow=random_flow(), valid=np.ones((2, 2), np.bool_))
    with pytest.raises(FlowError, match="same size"):
        read_flow(tmp_path / "b.npz")


def test_read_flow_when_png_is_a_plain_picture_then_flow_error(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(FlowError, match="8 bits"):
        read_flow(tmp_path / "a.png")


def test_read_flow_when_a_png_byte_is_flipped_then_flow_error(tmp_path):
    path = tmp_path / "a.png"
    write_flow(path, random_flow())
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(FlowError, match="damaged"):
        read_flow(path)


def test_read_flow_when_png_claims_gigapixels_then_flow_error(tmp_path):
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**30, 2**30, 16, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    with pytest.raises(FlowError, match="megapixels"):
        read_flow(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("flow", "valid", "words"),
    [
        (np.zeros((3, 4), np.float32), None, "shape"),
        (np.zeros((3, 4, 2), np.int32), None, "floats"),
        (np.zeros((0, 4, 2), np.float32), None, "shape"),
        (np.full((3, 4, 2), np.nan, np.float32), None, "not finite"),
        (np.zeros((3, 4, 2), np.float32), np.ones((4, 3), np.bool_), "mask"),
        (np.zeros((3, 4, 2), np.float32), np.ones((3, 4), np.uint8), "mask"),
    ],
)
def test_write_flow_when_it_makes_no_sense_then_flow_error(flow, valid, words, tmp_path):
    with pytest.raises(FlowError, match=words):
        write_flow(tmp_path / "a.flo", flow, valid)
    assert list(tmp_path.iterdir()) == []


def test_write_flow_when_too_long_for_kitti_then_flow_error_and_no_file(tmp_path):
    with pytest.raises(FlowError, match=r"600\.0 px"):
        write_flow(tmp_path / "a.png", np.full((2, 2, 2), 600, np.float32))
    assert list(tmp_path.iterdir()) == []


def test_write_flow_when_the_folder_is_missing_then_flow_error(tmp_path):
    with pytest.raises(FlowError, match="does not exist"):
        write_flow(tmp_path / "no" / "a.npy", random_flow())
