import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cmp_engine import upsampling as upsampling_module
from cmp_engine.config import PRESETS, preset
from cmp_engine.edge_positions import MAX_OFFSET, GuidedOffsets, edge_positions
from cmp_engine.geometry import ImageGeometry
from cmp_engine.upsampling import FlowUpsampler, grid_alignment, output_stride

SIDES = st.integers(16, 150)


def cluttered(height, width, seed=0):
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (max(2, height // 12), max(2, width // 12), 3), np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def upsampler(image, *, stride=4, alignment="centers", short_side=64):
    geometry = ImageGeometry.fit(image.shape[:2], short_side=short_side)
    return geometry, FlowUpsampler(
        image,
        geometry.image_to_network(image),
        geometry,
        stride=stride,
        alignment=alignment,
    )


def coarse_zeros(geometry, stride=4):
    return np.zeros((*(side // stride for side in geometry.network_hw), 2), np.float32)


def answer(up, flow, size_hw, method="edge_aware"):
    out = np.full((*size_hw, 2), np.nan, np.float32)
    up.upsample(flow, method=method, out=out)
    return out


@pytest.mark.parametrize("method", ["edge_aware", "bilinear"])
@pytest.mark.parametrize("size", [(96, 128), (40, 50), (64, 85), (200, 300)])
def test_upsample_when_zero_then_exactly_zero(method, size):
    image = cluttered(96, 128)
    geometry, up = upsampler(image)
    assert not answer(up, coarse_zeros(geometry), size, method).any()


@settings(max_examples=15)
@given(
    height=SIDES,
    width=SIDES,
    alignment=st.sampled_from(["centers", "corners"]),
    stride=st.sampled_from([2, 4, 8, 32]),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
)
def test_upsample_when_constant_then_constant(height, width, alignment, stride, size):
    geometry, up = upsampler(cluttered(height, width), stride=stride, alignment=alignment)
    flow = coarse_zeros(geometry, stride) + np.array([3.5, -8.25], np.float32)
    out = answer(up, flow, size)
    resized_h, resized_w = geometry.resized_hw
    assert np.allclose(out[..., 0], 3.5 * size[1] / resized_w, rtol=1e-4)
    assert np.allclose(out[..., 1], -8.25 * size[0] / resized_h, rtol=1e-4)


@settings(max_examples=15)
@given(
    height=SIDES,
    width=SIDES,
    seed=st.integers(0, 99),
    alignment=st.sampled_from(["centers", "corners"]),
)
def test_upsample_when_any_flow_then_nothing_beyond_its_range(height, width, seed, alignment):
    geometry, up = upsampler(cluttered(height, width, seed), alignment=alignment)
    rng = np.random.default_rng(seed)
    flow = rng.normal(0, 20, coarse_zeros(geometry).shape).astype(np.float32)
    out = answer(up, flow, (height, width))
    scale = np.array([width / geometry.resized_hw[1], height / geometry.resized_hw[0]])
    low, high = flow.min(axis=(0, 1)) * scale, flow.max(axis=(0, 1)) * scale
    assert (out >= low - 1e-3 * np.abs(low)).all()
    assert (out <= high + 1e-3 * np.abs(high)).all()


def test_upsample_when_one_coarse_pixel_moves_then_only_its_neighbourhood_does():
    image = cluttered(128, 128)
    geometry, up = upsampler(image, short_side=128)
    flow = coarse_zeros(geometry)
    flow[16, 16] = 10
    moved = np.argwhere(answer(up, flow, (128, 128)).any(axis=2))
    assert len(moved)
    assert np.abs(moved - (16 * 4 + 1.5)).max() < 8 * 4


def half_and_half(size):
    """Two even halves of different colour, and the flow of the left one moving, coarse."""
    image = np.full((size, size, 3), 60, np.uint8)
    edge = size // 2 + size // 24
    image[:, edge:] = (200, 150, 90)
    geometry, up = upsampler(image, short_side=min(size, 96))
    fine = np.zeros((*geometry.network_hw, 2), np.float32)
    fine[:, : round(edge * geometry.scale_xy[0])] = (8, 3)
    flow = cv2.resize(fine, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    exact = np.zeros((size, size, 2), np.float32)
    exact[:, :edge] = np.array([8, 3]) / geometry.scale_xy[0]
    return up, flow, exact, edge


@pytest.mark.parametrize("size", [96, 200, 480])
def test_upsample_when_the_picture_has_an_edge_then_the_flow_ends_there(size):
    up, flow, exact, edge = half_and_half(size)
    near = np.s_[:, edge - size // 12 : edge + size // 12]
    errors = {
        method: np.abs(answer(up, flow, (size, size), method) - exact)[near].mean()
        for method in ("edge_aware", "bilinear")
    }
    assert errors["edge_aware"] < 0.4 * errors["bilinear"]


@pytest.mark.parametrize("alignment", ["centers", "corners"])
def test_upsample_when_motion_is_smooth_then_texture_does_not_ripple_it(alignment):
    image = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    geometry, up = upsampler(image, alignment=alignment, short_side=96)
    height, width = geometry.network_hw
    y, x = np.mgrid[: height // 4, : width // 4].astype(np.float32)
    flow = np.dstack([20 + 0.4 * x - 0.2 * y, 0.2 * x + 0.4 * y])  # a turn and a stretch
    difference = answer(up, flow, (96, 128)) - answer(up, flow, (96, 128), "bilinear")
    assert np.abs(difference[12:-12, 12:-12]).max() < 0.05


@pytest.mark.parametrize("stride", [2, 8, 32])
def test_upsample_when_bilinear_and_corners_then_as_published(stride):
    image = cluttered(384, 384)
    geometry, up = upsampler(image, stride=stride, alignment="corners", short_side=384)
    flow = np.random.default_rng(0).normal(0, 9, coarse_zeros(geometry, stride).shape)
    flow = flow.astype(np.float32)
    expected = torch.nn.functional.interpolate(
        torch.from_numpy(flow).permute(2, 0, 1)[None],
        size=(384, 384),
        mode="bilinear",
        align_corners=True,
    )[0].permute(1, 2, 0)
    assert np.array_equal(answer(up, flow, (384, 384), "bilinear"), expected.numpy())


def test_upsample_when_done_in_strips_then_the_same(monkeypatch):
    image = cluttered(200, 300)
    geometry, up = upsampler(image)
    flow = np.random.default_rng(0).normal(0, 9, coarse_zeros(geometry).shape).astype(np.float32)
    at_once = answer(up, flow, (200, 300))
    assert np.array_equal(answer(up, flow, (200, 300)), at_once)  # from kept positions
    monkeypatch.setattr(upsampling_module, "_CACHED_PIXELS", 0)
    monkeypatch.setattr(upsampling_module, "_STRIP_PIXELS", 7 * 300)
    monkeypatch.setattr(upsampling_module, "_MAX_REMAP_SIDE", 100)
    up._cached = None
    assert np.allclose(answer(up, flow, (200, 300)), at_once, atol=1e-4)


def test_upsample_when_wider_than_opencv_takes_then_complete():
    image = cluttered(16, 40_000)
    geometry, up = upsampler(image)
    flow = coarse_zeros(geometry) + 2
    out = answer(up, flow, (16, 40_000))
    assert np.allclose(out[..., 0], 2 * 40_000 / geometry.resized_hw[1], rtol=1e-4)


def test_edge_positions_when_the_picture_is_even_then_nothing_moves():
    x, y = edge_positions(np.full((40, 60, 3), 99, np.uint8), 12.0)
    expected_y, expected_x = np.mgrid[:40, :60]
    assert np.abs(x - expected_x).max() < 1.2
    assert np.abs(y - expected_y).max() < 1.2


def test_edge_positions_when_there_is_an_edge_then_each_side_moves_away_from_it():
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, 30:] = 255
    x, y = edge_positions(image, 12.0)
    assert (x[:, 28] < 25).all()
    assert (x[:, 31] > 34).all()
    assert np.abs(x + x[:, ::-1] - 59).max() < 0.01  # both sides alike
    assert np.abs(y - np.mgrid[:40, :60][0]).max() < 1.2
    assert x.min() >= 0
    assert x.max() <= 59


def test_guided_offsets_when_the_picture_is_even_then_plain_half_pixel_positions():
    offsets = GuidedOffsets(np.full((20, 30, 3), 99, np.uint8))
    fine = np.full((80, 120, 3), 99, np.uint8)
    x, y = offsets.strip(fine, 8, 12)
    assert x.shape == y.shape == (4, 120)
    assert np.allclose(x, (np.arange(120) + 0.5) / 4 - 0.5, atol=1e-3)
    assert np.allclose(y, ((np.arange(8, 12) + 0.5) / 4 - 0.5)[:, None], atol=1e-3)


def test_guided_offsets_when_anything_then_they_stay_within_their_bound():
    image = cluttered(60, 80)
    offsets = GuidedOffsets(cv2.resize(image, (20, 15), interpolation=cv2.INTER_AREA))
    x, _ = offsets.strip(image, 0, 60)
    assert np.abs(x - ((np.arange(80) + 0.5) / 4 - 0.5)).max() <= MAX_OFFSET + 1e-4


@pytest.mark.parametrize("name", PRESETS)
def test_grid_of_the_output_when_any_preset_then_it_is_known(name):
    stride = {"resnet50_skip": 2, "alexnet_plain": 32, "default": 4}.get(name, 8)
    assert output_stride(preset(name)) == stride
    assert grid_alignment(preset(name)) == ("centers" if name == "default" else "corners")
