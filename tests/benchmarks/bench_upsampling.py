"""Edge-aware upsampling against the usual ways: error near motion edges, and time.

Run: ``python -m tests.benchmarks.bench_upsampling [--data FOLDER] [--stride 4] [--threads 2]``

Each scene has a picture and its exact flow: parts that turn and stretch over a still background.
Drawn scenes are textured polygons, ellipses and limbs over clutter; with ``--data`` there are also
real pictures whose object mask moves (``davis345``). The network's answer is made from the exact
flow: its mean over each coarse pixel (``exact``), or that mean of a flow whose outlines are off by
2 px, blurred and noisy, as a network's are (``rough``).

Errors are mean end-point errors in px of the picture: ``near`` within 8 px (of the network grid)
of a motion edge, ``moving`` and ``still`` elsewhere. ``wrong`` is the share of near pixels whose
error exceeds a quarter of the longest displacement.

Budgets: 10 ms for an edit at the size of the network grid, 2.5 s at 12 megapixels, on two cores.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from cmp_engine.device import describe_device
from cmp_engine.geometry import ImageGeometry
from cmp_engine.upsampling import FlowUpsampler

Array = np.ndarray[Any, Any]
NEAR = 8.0


@dataclass(frozen=True)
class Scene:
    image: Array  # (H, W, 3) uint8
    flow: Array  # (H, W, 2) px of the picture
    parts: Array  # (H, W) int, 0 is still


# Scenes.


def smooth_noise(rng: np.random.Generator, height: int, width: int, scale: float) -> Array:
    size = (int(height / scale) + 3, int(width / scale) + 3, 3)
    return cv2.resize(rng.normal(size=size).astype(np.float32), (width, height))


def texture(rng: np.random.Generator, height: int, width: int) -> Array:
    answer = np.full((height, width, 3), rng.uniform(40, 215, 3), np.float32)
    for scale in (height / 4, height / 16, height / 64, 2.0):
        answer += smooth_noise(rng, height, width, max(1.5, scale)) * rng.uniform(4, 20)
    if rng.random() < 0.4:
        y, x = np.mgrid[:height, :width]
        angle, period = rng.uniform(0, np.pi), rng.uniform(height / 80, height / 15)
        phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period
        answer += np.sin(phase)[..., None] * rng.uniform(10, 40)
    return answer


def outline(rng: np.random.Generator, height: int, width: int, size: float) -> Array:
    """An ellipse, a polygon or a limb as coverage 0..1."""
    mask = np.zeros((2 * height, 2 * width), np.uint8)
    center = rng.uniform(0.2, 0.8, 2) * (width, height)
    kind = rng.integers(3)
    if kind == 0:
        axes = (int(2 * size), int(2 * size * rng.uniform(0.3, 1)))
        place = (int(2 * center[0]), int(2 * center[1]))
        cv2.ellipse(mask, place, axes, rng.uniform(0, 180), 0, 360, 255, -1)
    elif kind == 1:
        count = int(rng.integers(4, 9))
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        radius = size * rng.uniform(0.5, 1.3, count)
        corners = center + np.stack([np.cos(angle) * radius, np.sin(angle) * radius], 1)
        cv2.fillPoly(mask, [np.int32(2 * corners)], 255)
    else:
        thickness, angle = int(max(6, 2 * size * rng.uniform(0.12, 0.4))), rng.uniform(0, 2 * np.pi)
        for _ in range(3):
            end = center + size * np.array([np.cos(angle), np.sin(angle)])
            cv2.line(
                mask, *(tuple(np.int32(2 * p).tolist()) for p in (center, end)), 255, thickness
            )
            center, angle = end, angle + rng.uniform(-1, 1)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32) / 255


def part_flow(rng: np.random.Generator, is_part: Array) -> Array:
    """A turn, a stretch and a shift about the part's middle."""
    height, width = is_part.shape
    rows, columns = np.nonzero(is_part)
    y, x = np.mgrid[:height, :width]
    x, y = x - columns.mean(), y - rows.mean()
    turn, stretch = rng.uniform(-0.12, 0.12), rng.uniform(-0.04, 0.04)
    length, angle = rng.uniform(4, 20) * min(height, width) / 384, rng.uniform(0, 2 * np.pi)
    dx = stretch * x - turn * y + length * np.cos(angle)
    dy = turn * x + stretch * y + length * np.sin(angle)
    return np.dstack([dx, dy]).astype(np.float32)


def draw_scene(seed: int, height: int = 480, width: int = 640) -> Scene:
    rng = np.random.default_rng(seed)
    image = texture(rng, height, width)
    flow = np.zeros((height, width, 2), np.float32)
    parts = np.zeros((height, width), np.int32)
    for index in range(int(rng.integers(10, 18))):
        mask = outline(rng, height, width, rng.uniform(0.08, 0.25) * height)
        image += mask[..., None] * (texture(rng, height, width) - image)
        is_part = mask > 0.5
        parts[is_part], flow[is_part] = 0, 0
        if index % 3 == 0 and is_part.sum() > 100:
            flow[is_part] = part_flow(rng, is_part)[is_part]
            parts[is_part] = index + 1
    image = cv2.GaussianBlur(image, (0, 0), 0.7) + rng.normal(0, 2, image.shape)
    return Scene(np.clip(image, 0, 255).astype(np.uint8), flow, parts)


def read_scenes(folder: Path, count: int) -> Iterator[Scene]:
    paths = sorted((folder / "davis345" / "images").iterdir())
    for seed, path in enumerate(paths[:: max(1, len(paths) // count)]):
        image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        mask = Image.open(folder / "davis345" / "masks" / f"{path.stem}.png")
        is_part = np.asarray(mask) == 1
        flow = np.zeros((*is_part.shape, 2), np.float32)
        flow[is_part] = part_flow(np.random.default_rng(seed), is_part)[is_part]
        yield Scene(image, flow, is_part.astype(np.int32))


def network_answer(scene: Scene, geometry: ImageGeometry, stride: int, *, is_rough: bool) -> Array:
    rng = np.random.default_rng(3)
    flow = scene.flow
    if is_rough:
        height, width = flow.shape[:2]
        off = smooth_noise(rng, height, width, height / 8) * (2.0 / geometry.scale_xy[0])
        y, x = np.mgrid[:height, :width].astype(np.float32)
        flow = cv2.remap(flow, x + off[..., 0], y + off[..., 1], cv2.INTER_NEAREST)
    height, width = geometry.network_hw
    size = (width // stride, height // stride)
    coarse = cv2.resize(geometry.flow_to_network(flow), size, interpolation=cv2.INTER_AREA)
    if is_rough:
        coarse = cv2.GaussianBlur(coarse, (0, 0), 0.8)
        noise = cv2.GaussianBlur(rng.normal(size=coarse.shape), (0, 0), 1.5)
        is_moving = np.abs(coarse).max(2, keepdims=True) > 0.05 * np.abs(coarse).max()
        coarse += (0.02 * np.abs(coarse).max() * noise * is_moving).astype(np.float32)
    return coarse


# Ways to upsample: from a coarse flow, px of the network grid, to the picture's grid.


def positions(scene: Scene, geometry: ImageGeometry, stride: int) -> tuple[Array, Array]:
    scale_x, scale_y = geometry.scale_xy
    y, x = np.mgrid[: scene.image.shape[0], : scene.image.shape[1]].astype(np.float32)
    return (x + 0.5) * scale_x / stride - 0.5, (y + 0.5) * scale_y / stride - 0.5


def to_lab(image: Array) -> Array:
    return cv2.cvtColor(image.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def joint_bilateral(scene: Scene, geometry: ImageGeometry, coarse: Array, stride: int) -> Array:
    """The mean of 5 x 5 coarse pixels, weighted by distance and by difference of colour."""
    guide = to_lab(scene.image)
    size = (coarse.shape[1], coarse.shape[0])
    colors = cv2.resize(to_lab(geometry.image_to_network(scene.image)), size, interpolation=3)
    x, y = positions(scene, geometry, stride)
    total = np.zeros((*guide.shape[:2], 2), np.float32)
    weights = np.full((*guide.shape[:2], 1), 1e-12, np.float32)
    for down in range(-2, 3):
        for right in range(-2, 3):
            column, row = np.rint(x).astype(int) + right, np.rint(y).astype(int) + down
            far = ((column - x) ** 2 + (row - y) ** 2) / (2 * 1.5**2)
            column, row = column.clip(0, size[0] - 1), row.clip(0, size[1] - 1)
            unlike = np.square(guide - colors[row, column]).sum(2) / (2 * 5.0**2)
            weight = np.exp(-far - unlike)[..., None] + 1e-9
            total += weight * coarse[row, column]
            weights += weight
    return total / weights


def guided_filter(scene: Scene, geometry: ImageGeometry, coarse: Array, stride: int) -> Array:
    """The fast guided filter: flow as a local linear function of colour, clamped to its range."""
    size = (coarse.shape[1], coarse.shape[0])
    colors = cv2.resize(to_lab(geometry.image_to_network(scene.image)), size, interpolation=3)
    mean = cv2.blur(colors, (3, 3))
    products = colors[..., :, None] * colors[..., None, :]
    covariance = cv2.blur(products.reshape(*products.shape[:2], 9), (3, 3)).reshape(products.shape)
    covariance = covariance - mean[..., :, None] * mean[..., None, :] + 4 * np.eye(3)
    flow_mean = cv2.blur(coarse, (3, 3))
    mixed = (colors[..., :, None] * coarse[..., None, :]).reshape(*coarse.shape[:2], 6)
    mixed = cv2.blur(mixed, (3, 3)).reshape(*coarse.shape[:2], 3, 2)
    slope = np.linalg.solve(covariance, mixed - mean[..., :, None] * flow_mean[..., None, :])
    offset = flow_mean - (mean[..., :, None] * slope).sum(2)
    x, y = positions(scene, geometry, stride)

    def fine(field: Array) -> Array:
        return cv2.remap(field.astype(np.float32), x, y, 1, borderMode=cv2.BORDER_REPLICATE)

    guide = to_lab(scene.image)
    answer = fine(cv2.blur(offset, (3, 3)))
    for axis in range(2):
        answer[..., axis] += (fine(cv2.blur(slope[..., axis], (3, 3))) * guide).sum(2)
    kernel = np.ones((3, 3), np.uint8)
    return answer.clip(fine(cv2.erode(coarse, kernel)), fine(cv2.dilate(coarse, kernel)))


def ours(scene: Scene, geometry: ImageGeometry, stride: int) -> FlowUpsampler:
    on_network = geometry.image_to_network(scene.image)
    return FlowUpsampler(scene.image, on_network, geometry, stride=stride, alignment="centers")


# Measuring.


def errors(scene: Scene, geometry: ImageGeometry, answer: Array) -> tuple[float, ...]:
    parts = scene.parts.astype(np.float32)
    kernel = np.ones((3, 3), np.uint8)
    is_edge = cv2.dilate(parts, kernel) != cv2.erode(parts, kernel)
    distance = cv2.distanceTransform((~is_edge).astype(np.uint8), cv2.DIST_L2, 5)
    near = distance <= NEAR / geometry.scale_xy[0]
    error = np.hypot(*np.moveaxis(answer - scene.flow, 2, 0))
    longest = np.hypot(*np.moveaxis(scene.flow, 2, 0)).max()
    moving, still = ~near & (scene.parts > 0), ~near & (scene.parts == 0)
    return (
        float(error[near].mean()),
        100 * float((error[near] > 0.25 * longest).mean()),
        float(error[moving].mean()) if moving.any() else float("nan"),
        float(error[still].mean()) if still.any() else float("nan"),
    )


def compare(scenes: list[Scene], stride: int, short_side: int) -> None:
    rows: dict[str, list[tuple[float, ...]]] = {}
    for scene in scenes:
        geometry = ImageGeometry.fit(scene.image.shape[:2], short_side=short_side)
        scale = 1 / np.array(geometry.scale_xy, np.float32)
        up = ours(scene, geometry, stride)
        for is_rough in (False, True):
            coarse = network_answer(scene, geometry, stride, is_rough=is_rough)
            answers = {
                "joint bilateral": joint_bilateral(scene, geometry, coarse, stride) * scale,
                "guided filter": guided_filter(scene, geometry, coarse, stride) * scale,
            }
            for method in ("bilinear", "edge_aware"):
                answers[method] = np.empty_like(scene.flow)
                up.upsample(coarse, method=method, out=answers[method])
            for name, answer in answers.items():
                key = f"{'rough' if is_rough else 'exact'} {name}"
                rows.setdefault(key, []).append(errors(scene, geometry, answer))
    for key in sorted(rows):
        near, wrong, moving, still = np.nanmean(rows[key], axis=0)
        print(f"  {key:24} {near:6.2f} {wrong:6.1f}% {moving:8.2f} {still:7.2f}")


def time_of(step: Callable[[], object], runs: int) -> str:
    times, busy = [], []
    step()
    for _ in range(runs):
        start, start_busy = time.perf_counter(), time.process_time()
        step()
        times.append(time.perf_counter() - start)
        busy.append(time.process_time() - start_busy)
    return (
        f"median {statistics.median(times) * 1e3:8.1f}  least {min(times) * 1e3:8.1f}  "
        f"CPU {statistics.median(busy) * 1e3:8.1f} ms"
    )


def measure_times(stride: int) -> None:
    scene = draw_scene(0)
    picture = cv2.resize(scene.image, (4000, 3000), interpolation=cv2.INTER_CUBIC)
    large = Scene(picture, np.zeros((3000, 4000, 2), np.float32), np.zeros((3000, 4000), np.int32))
    geometry = ImageGeometry.fit((3000, 4000))
    print(f"  weights of a picture     {time_of(lambda: ours(large, geometry, stride), 5)}")
    up = ours(large, geometry, stride)
    shape = (geometry.network_hw[0] // stride, geometry.network_hw[1] // stride, 2)
    coarse = np.random.default_rng(0).normal(0, 9, shape).astype(np.float32)
    for size_hw, runs in ((geometry.resized_hw, 30), ((768, 1024), 15), ((3000, 4000), 5)):
        out = np.empty((*size_hw, 2), np.float32)
        for method in ("bilinear", "edge_aware"):

            def step(method: Any = method, out: Array = out) -> None:
                up.upsample(coarse, method=method, out=out)

            name = f"{method} {size_hw[1]} x {size_hw[0]}"
            print(f"  {name:24} {time_of(step, runs)}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with davis345")
    parser.add_argument("--scenes", type=int, default=6)
    parser.add_argument("--stride", type=int, default=4)
    parser.add_argument("--short-side", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    print(f"{describe_device(torch.device('cpu'))}, OpenCV {cv2.__version__}")
    print(f"  stride {options.stride}, short side {options.short_side}")
    kinds = {"drawn": [draw_scene(seed) for seed in range(options.scenes)]}
    if options.data is not None:
        kinds["real pictures"] = list(read_scenes(options.data, options.scenes))
    for kind, scenes in kinds.items():
        print(f"{kind:26} {'near':>6} {'wrong':>7} {'moving':>8} {'still':>7}")
        compare(scenes, options.stride, options.short_side)
    print("time of an edit, after the network")
    measure_times(options.stride)


if __name__ == "__main__":
    main()
