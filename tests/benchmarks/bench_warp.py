"""How good and how fast the ways from forward flow to the next frame are.

    python tests/benchmarks/bench_warp.py              # tables of quality and of speed
    python tests/benchmarks/bench_warp.py --speed      # speed alone

Quality is the PSNR (dB, mean over pairs) of the rendered next frame against the true one, on the
whole frame, near motion edges (4 px around every jump of the flow by more than 1 px, where it was
and where it goes), outside holes, and in holes. Synthetic pairs are `puppet_pair`s, with exact flow
and with the flow as a network would give it; real pairs are frames 1 to 6 apart from the clips in
the data folder, with OpenCV's DIS flow at the full size of the clip.

Budgets: a backward map and a frame at 384 x 384 in 12 ms on two cores, full HD in 250 ms,
12 megapixels in a few seconds and with bounded memory.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import PIL.Image

from cmp_engine import MotionPredictor, load_model
from cmp_engine.holes import fill_holes
from cmp_engine.resample import pixel_grid
from cmp_engine.sequence import FrameRenderer
from cmp_engine.tidy import tidied
from cmp_engine.warp import BackwardMap, backward_map, warp_image

ROOT = Path(__file__).parents[2]
GAPS = (1, 2, 3, 4, 5, 6)


@dataclass(frozen=True)
class Pair:
    """A frame, the next one, and the forward flow between them."""

    name: str
    first: np.ndarray
    second: np.ndarray
    flow: np.ndarray


# --- synthetic pairs


def _texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return (size, size, 3) float32: blotches of several sizes, stripes or checks on them."""
    image = np.zeros((size, size, 3), np.float32)
    for octave in (4, 8, 16, 32, 64, 128):
        noise = rng.standard_normal((octave, octave, 3)).astype(np.float32)
        image += cv2.resize(noise, (size, size), interpolation=cv2.INTER_CUBIC) * octave**-0.5
    image = image / np.abs(image).max() * 90 + rng.uniform(40, 215, 3)
    if rng.random() < 0.5:
        x, y = np.meshgrid(np.arange(size), np.arange(size))
        angle, period = rng.uniform(0, np.pi), rng.uniform(6, 24)
        phase = (x * np.cos(angle) + y * np.sin(angle)) * 2 * np.pi / period
        image += rng.uniform(-50, 50, 3) * np.clip(3 * np.sin(phase), -1, 1)[..., None]
    return np.clip(image, 0, 255).astype(np.float32)


def _placement(angle: float, origin: np.ndarray) -> np.ndarray:
    """Return the 2 x 3 matrix from a part's coordinates to the picture's."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s, origin[0]], [s, c, origin[1]]])


def _apply(matrix: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return (
        matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2],
        matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2],
    )


def _inverse(matrix: np.ndarray) -> np.ndarray:
    return np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]


class _Puppet:
    """Limbs of two capsules each, hinged at their ends, over a still ground."""

    def __init__(self, rng: np.random.Generator, size: int) -> None:
        self.size = size
        self.ground = _texture(rng, size)
        self.limbs = []
        for _ in range(rng.integers(2, 4)):
            root = rng.uniform(0.25, 0.75, 2) * size
            angles = np.cumsum(rng.uniform(-1.2, 1.2, 2) + np.array([rng.uniform(0, 6.28), 0]))
            bones = [
                (rng.uniform(0.14, 0.26) * size, rng.uniform(0.03, 0.07) * size, _texture(rng, 256))
                for _ in range(2)
            ]
            turns = rng.uniform(-0.35, 0.35, 2)
            self.limbs.append((root, angles, bones, turns))

    def parts(self, time: float) -> Iterator[tuple[np.ndarray, float, float, np.ndarray]]:
        """Yield placement, length, radius and texture of every part, the hindmost first."""
        for root, angles, bones, turns in self.limbs:
            origin = root
            turned = 0.0
            placed = []
            for angle, (length, radius, texture), turn in zip(angles, bones, turns, strict=True):
                turned += turn * time
                matrix = _placement(angle + turned, origin)
                placed.append((matrix, length, radius, texture))
                origin = np.array(_apply(matrix, np.array(length), np.array(0.0)))
            yield from placed

    def look(self, time: float, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the colours at positions, and the number of the part there (-1: ground)."""
        at = np.stack([x, y], axis=-1).astype(np.float32)
        color = cv2.remap(self.ground, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        part = np.full(x.shape, -1)
        for number, (matrix, length, radius, texture) in enumerate(self.parts(time)):
            along, across = _apply(_inverse(matrix), x, y)
            beyond = along - np.clip(along, 0, length)
            inside = beyond**2 + across**2 <= radius**2
            at = np.stack([along + 60, across + 128], axis=-1).astype(np.float32)
            own = cv2.remap(texture, at, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
            color[inside] = own[inside]
            part[inside] = number
        return color, part

    def draw(self, time: float, *, samples: int = 4) -> np.ndarray:
        """Return the picture, antialiased."""
        side = self.size * samples
        axis = (np.arange(side) + 0.5) / samples - 0.5
        color, _ = self.look(time, *np.meshgrid(axis, axis))
        small = cv2.resize(color, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.clip(np.rint(small), 0, 255).astype(np.uint8)


def puppet_pair(seed: int, *, size: int = 384) -> Pair:
    """Return two pictures of an articulated puppet, and the exact flow from first to second."""
    puppet = _Puppet(np.random.default_rng(seed), size)
    x, y = np.meshgrid(np.arange(size, dtype=float), np.arange(size, dtype=float))
    _, part = puppet.look(0, x, y)
    flow = np.zeros((size, size, 2), np.float32)
    for number, (before, after) in enumerate(zip(puppet.parts(0), puppet.parts(1), strict=True)):
        own = part == number
        moved = _apply(after[0], *_apply(_inverse(before[0]), x[own], y[own]))
        flow[own, 0] = moved[0] - x[own]
        flow[own, 1] = moved[1] - y[own]
    return Pair(f"puppet {seed}", puppet.draw(0), puppet.draw(1), flow)


def softened(flow: np.ndarray, stride: int) -> np.ndarray:
    """Return the flow as a network with this output stride gives it at best."""
    height, width = flow.shape[:2]
    coarse = cv2.resize(flow, (width // stride, height // stride), interpolation=cv2.INTER_AREA)
    return cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)


# --- cut-outs of photographs


def cutout_pairs(folder: Path, count: int, *, size: int = 384) -> Iterator[Pair]:
    """Yield objects cut out of photographs, moved over other photographs; the flow is exact.

    The cut is as soft as a lens makes it, 1 to 3 px, or as fur: its mask jittered by noise.
    """
    images = sorted((folder / "coco_mval" / "images").iterdir())
    rng = np.random.default_rng(7)
    while count:
        front, back = (images[i] for i in rng.choice(len(images), 2, replace=False))
        picture, ground = (cv2.imread(str(p))[..., ::-1] for p in (front, back))
        mask = np.array(PIL.Image.open(folder / "coco_mval" / "masks" / f"{front.stem}.png")) == 1
        side = min(mask.shape)
        y, x = np.nonzero(mask)
        if not 0.05 < mask[:side, :side].mean() < 0.35 or min(ground.shape[:2]) < size:
            continue
        count -= 1
        scale = size / side
        picture = cv2.resize(picture[:side, :side], (size, size), interpolation=cv2.INTER_AREA)
        alpha = cv2.resize(mask[:side, :side].astype(np.float32), (size, size))
        if rng.random() < 0.3:
            noise = cv2.GaussianBlur(
                rng.standard_normal((size, size)).astype(np.float32), (0, 0), 1.2
            )
            alpha = np.clip(cv2.GaussianBlur(alpha, (0, 0), 3) * 3 - 1.5 + 1.5 * noise, 0, 1)
        alpha = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.6, 1.8))
        alpha = np.clip(alpha * 1.6 - 0.6, 0, 1)
        center = np.array([x.mean(), y.mean()]) * scale
        pivot = center + rng.uniform(-0.25, 0.25, 2) * size
        turn = np.rad2deg(rng.uniform(-0.25, 0.25))
        matrix = cv2.getRotationMatrix2D(tuple(pivot), turn, 1)
        matrix[:, 2] += rng.uniform(-0.04, 0.04, 2) * size
        ground = ground[:size, :size].astype(np.float32)
        pasted = alpha[..., None] * picture
        moved = [
            cv2.warpAffine(v, matrix, (size, size), flags=cv2.INTER_CUBIC) for v in (pasted, alpha)
        ]
        first = pasted + (1 - alpha[..., None]) * ground
        second = moved[0] + (1 - moved[1][..., None]) * ground
        flow = np.stack(_apply(matrix, *np.meshgrid(np.arange(size), np.arange(size))), axis=-1)
        flow = (flow - pixel_grid(size, size)) * (alpha[..., None] > 0.5)
        to_bytes = [np.clip(np.rint(v), 0, 255).astype(np.uint8) for v in (first, second)]
        yield Pair(f"{front.stem} over {back.stem}", *to_bytes, flow.astype(np.float32))


# --- real pairs


def real_pairs(folder: Path, count: int) -> Iterator[Pair]:
    """Yield pairs of frames 1 to 6 apart, two of each clip, from as many clips as it takes."""
    clips = [
        path
        for path in sorted((folder / "video" / "val").glob("*.mp4"))
        + sorted((folder / "video" / "train").glob("*.mp4"))
        if not path.name.startswith("droid_")
    ]
    clips = clips[:: max(1, len(clips) // max(1, count // 2))]
    dis = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    for number, path in enumerate(clips):
        for half, gap in enumerate((GAPS[number % 6], GAPS[(number + 3) % 6])):
            frames = _frames(path, half, gap)
            if frames is None:
                continue
            first, second = frames
            gray = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (first, second)]
            yield Pair(f"{path.stem} +{gap}", first, second, dis.calc(gray[0], gray[1], None))


def _frames(path: Path, half: int, gap: int) -> tuple[np.ndarray, np.ndarray] | None:
    video = cv2.VideoCapture(str(path))
    count = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    start = int(count * (0.25 + 0.5 * half))
    if start + gap >= count:
        return None
    video.set(cv2.CAP_PROP_POS_FRAMES, start)
    frames = [video.read()[1] for _ in range(gap + 1)]
    video.release()
    if frames[-1] is None:
        return None
    return tuple(np.ascontiguousarray(frame[..., ::-1]) for frame in (frames[0], frames[-1]))


def network_flow(pair: Pair, predictor: MotionPredictor) -> np.ndarray:
    """Return the network's flow of a pair, from 8 arrows and 4 pins sampled from its own flow."""
    rng = np.random.default_rng(len(pair.name))
    speed = cv2.GaussianBlur(np.linalg.norm(pair.flow, axis=-1), (0, 0), 2)
    width = speed.shape[1]
    points = []
    for weight, count in ((speed**2, 8), (np.float32(speed < 0.5), 4)):
        weight = weight.astype(float).ravel() + 1e-9
        points.append(rng.choice(weight.size, count, replace=False, p=weight / weight.sum()))
    index = np.concatenate(points)
    predictor.set_image(pair.first)
    at = np.stack([index % width, index // width], axis=-1).astype(np.float32)
    return predictor.predict(at, pair.flow.reshape(-1, 2)[index])


# --- the ways that are compared


def _plain_splat(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest splat of source coordinates, what moves more last; no refinement."""
    height, width = flow.shape[:2]
    grid = pixel_grid(height, width)
    to = np.rint(grid + flow).astype(int)
    rank = np.argsort(np.linalg.norm(flow, axis=-1), axis=None, kind="stable")
    column, row = to[..., 0].ravel()[rank], to[..., 1].ravel()[rank]
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    map_xy = np.full((height, width, 2), np.nan, np.float32)
    map_xy[row[inside], column[inside]] = grid.reshape(-1, 2)[rank[inside]]
    holes = np.isnan(map_xy[..., 0])
    return np.nan_to_num(map_xy), holes


def _softmax_splat(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bilinear splat of source coordinates, weighted by exp(speed)."""
    height, width = flow.shape[:2]
    grid = pixel_grid(height, width)
    to = grid + flow
    speed = np.linalg.norm(flow, axis=-1)
    importance = np.exp(np.clip(speed - speed.max(), -40, 0)).ravel()
    corner = np.floor(to).astype(int)
    total = np.zeros((height * width, 3))
    for dy in (0, 1):
        for dx in (0, 1):
            x, y = corner[..., 0] + dx, corner[..., 1] + dy
            weight = (1 - np.abs(to[..., 0] - x)) * (1 - np.abs(to[..., 1] - y))
            inside = ((x >= 0) & (x < width) & (y >= 0) & (y < height)).ravel()
            at = (y * width + x).ravel()[inside]
            weight = (weight.ravel() * importance)[inside]
            for axis, value in enumerate(
                (grid[..., 0] - to[..., 0] + x, grid[..., 1] - to[..., 1] + y)
            ):
                total[:, axis] += np.bincount(at, weight * value.ravel()[inside], height * width)
            total[:, 2] += np.bincount(at, weight, height * width)
    holes = (total[:, 2] <= 1e-30).reshape(height, width)
    map_xy = total[:, :2] / np.maximum(total[:, 2:], 1e-30)
    return map_xy.reshape(height, width, 2).astype(np.float32), holes


def _filled(result: tuple[np.ndarray, np.ndarray]) -> BackwardMap:
    map_xy, holes = result
    border = cv2.dilate(holes.view(np.uint8), np.ones((3, 3), np.uint8)).view(bool) & ~holes
    fill_holes(map_xy, holes, border, fill="stretch")
    return BackwardMap(map_xy, holes)


Method = Callable[[np.ndarray, np.ndarray], BackwardMap]

METHODS: dict[str, Method] = {
    "negated flow": lambda flow, image: backward_map(flow, method="negate"),
    "fixed point": lambda flow, image: backward_map(flow, method="fixed_point"),
    "nearest splat": lambda flow, image: _filled(_plain_splat(flow)),
    "softmax splat": lambda flow, image: _filled(_softmax_splat(flow)),
    "splat, refined": lambda flow, image: backward_map(flow, soft_edges=False),
    "the same, layered": lambda flow, image: backward_map(flow),
    "the same, by colour": lambda flow, image: backward_map(flow, guide=image),
    "tidied, by colour": lambda flow, image: backward_map(tidied(flow), guide=image),
}


# --- quality


def _edges(flow: np.ndarray) -> np.ndarray:
    height, width = flow.shape[:2]
    jump = np.zeros((height, width), bool)
    jump[:, 1:] |= np.linalg.norm(flow[:, 1:] - flow[:, :-1], axis=-1) > 1
    jump[1:] |= np.linalg.norm(flow[1:] - flow[:-1], axis=-1) > 1
    y, x = np.nonzero(cv2.dilate(jump.view(np.uint8), np.ones((3, 3), np.uint8)))
    edges = np.zeros((height, width), np.uint8)
    edges[y, x] = 1
    to_x, to_y = np.rint(x + flow[y, x, 0]).astype(int), np.rint(y + flow[y, x, 1]).astype(int)
    inside = (to_x >= 0) & (to_x < width) & (to_y >= 0) & (to_y < height)
    edges[to_y[inside], to_x[inside]] = 1
    return cv2.dilate(edges, np.ones((7, 7), np.uint8)).view(bool)


def _psnr(image: np.ndarray, truth: np.ndarray, where: np.ndarray | None = None) -> float:
    error = (image.astype(float) - truth) ** 2
    if where is not None:
        if where.sum() < 50:
            return np.nan
        error = error[where]
    return min(60.0, 10 * np.log10(255**2 / max(1e-9, error.mean())))


def quality(title: str, pairs: list[tuple[Pair, np.ndarray]]) -> None:
    """Print the table of one kind of pairs; each comes with the flow to use."""
    print(f"\n{title}, {len(pairs)} pairs")
    print(f"{'':22s}{'overall':>9s}{'edges':>9s}{'no holes':>9s}{'holes':>9s}")
    rows: dict[str, list[list[float]]] = {name: [] for name in METHODS}
    for pair, flow in pairs:
        holes = _filled(_plain_splat(pair.flow)).holes
        holes = cv2.morphologyEx(holes.view(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        edges = _edges(pair.flow)
        for name, method in METHODS.items():
            frame = warp_image(pair.first, method(flow, pair.first))
            rows[name].append(
                [_psnr(frame, pair.second, w) for w in (None, edges, holes == 0, holes == 1)]
            )
    for name, values in rows.items():
        means = np.nanmean(np.array(values), axis=0)
        print(f"{name:22s}" + "".join(f"{mean:9.2f}" for mean in means))


# --- speed


def _timed(function: Callable[[], object], *, seconds: float = 2.0) -> str:
    function()
    times, cpu = [], []
    begin = time.perf_counter()
    while time.perf_counter() - begin < seconds or len(times) < 3:
        wall, process = time.perf_counter(), time.process_time()
        function()
        times.append(1000 * (time.perf_counter() - wall))
        cpu.append(1000 * (time.process_time() - process))
    times.sort()
    return (
        f"{statistics.median(times):8.1f}{times[0]:8.1f}{times[-1]:8.1f}"
        f"{statistics.median(cpu):8.1f}"
    )


class _Film:
    """Predicts a puppet's flow, scaled by the length of the arrow."""

    reach_px = None

    def __init__(self, flow: np.ndarray) -> None:
        self.flow = flow
        self.image_hw = flow.shape[:2]

    def set_image(self, image: np.ndarray) -> None:
        raise AssertionError("no arrow is long enough for steps")

    def predict_many(self, guidance: Sequence, *, size_hw: tuple[int, int]) -> np.ndarray:
        return np.stack([self.flow * np.float32(vectors[0][0]) for _, vectors in guidance])


def speed() -> None:
    """Print how long a map, a frame and a film take, at several sizes."""
    print(f"\n{os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, OpenCV {cv2.__version__}")
    print(f"{'ms':42s}{'median':>8s}{'best':>8s}{'worst':>8s}{'cpu':>8s}")
    small = puppet_pair(1)
    for height, width in ((384, 384), (1080, 1920), (3000, 4000)):
        image = cv2.resize(small.first, (width, height), interpolation=cv2.INTER_CUBIC)
        flow = cv2.resize(small.flow, (width, height), interpolation=cv2.INTER_NEAREST)
        flow = flow * np.array([width / 384, height / 384], np.float32)
        whole = flow + np.float32([3.3, -2.1])
        backward = backward_map(flow, guide=image)
        for name, work in {
            "negate": partial(backward_map, flow, method="negate"),
            "fixed_point": partial(backward_map, flow, method="fixed_point"),
            "splat": partial(backward_map, flow),
            "splat by colour": partial(backward_map, flow, guide=image),
            "splat by colour, all moving": partial(backward_map, whole, guide=image),
            "tidied": partial(tidied, flow),
            "warp_image": partial(warp_image, image, backward),
        }.items():
            print(f"{f'{width} x {height} {name}':42s}{_timed(work)}", flush=True)
        renderer = FrameRenderer(_Film(flow), image)
        guidance = [([[5, 5]], [[part, 0]]) for part in np.linspace(0.1, 1, 16)]
        begin, process = time.perf_counter(), time.process_time()
        count = sum(1 for _ in renderer.frames(guidance[: 16 if height < 2000 else 2]))
        wall = 1000 * (time.perf_counter() - begin) / count
        cpu = 1000 * (time.process_time() - process) / count
        name = f"{width} x {height} film, a frame"
        print(f"{name:42s}{wall:8.1f}{'':16s}{cpu:8.1f}", flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{'':4s}peak memory {peak:.2f} GB")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--speed", action="store_true", help="speed alone")
    parser.add_argument("--quality", action="store_true", help="quality alone")
    parser.add_argument("--puppets", type=int, default=24)
    parser.add_argument("--pairs", type=int, default=48, help="real pairs")
    options = parser.parse_args()
    if not options.speed:
        puppets = [puppet_pair(seed) for seed in range(options.puppets)]
        quality("Puppets, exact flow", [(pair, pair.flow) for pair in puppets])
        for stride in (2, 8):
            quality(
                f"Puppets, flow at stride {stride}",
                [(pair, softened(pair.flow, stride)) for pair in puppets],
            )
        folder = Path(os.environ.get("CMP_STUDIO_DATA", ROOT.parent / "shared" / "data"))
        if folder.is_dir():
            cutouts = list(cutout_pairs(folder, options.puppets))
            for stride in (1, 2, 8):
                quality(
                    f"Cut-outs, flow at stride {stride}",
                    [(pair, softened(pair.flow, stride)) for pair in cutouts],
                )
            pairs = list(real_pairs(folder, options.pairs))
            quality("Real pairs, DIS flow", [(pair, pair.flow) for pair in pairs])
            predictor = MotionPredictor(load_model(), device="cpu")
            guided = [(pair, network_flow(pair, predictor)) for pair in pairs]
            quality("Real pairs, flow of the default network from 12 points", guided)
        else:
            print(f"no real pairs: there is no folder {folder} (set CMP_STUDIO_DATA)")
    if not options.quality:
        speed()


if __name__ == "__main__":
    main()
