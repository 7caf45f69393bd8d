"""Turns videos into training pairs: ``python -m train.data.prepare VIDEOS… --out DIR``.

VIDEOS are video files, folders of them, folders of pictures, or text files in the published list
format. In a folder of pictures with ready-made flow, ``NAME.flo`` leads from ``NAME.png`` to the
next picture. Every clip becomes one file of `train.data.shards`; clips that have theirs are
skipped, so that an interrupted run goes on where it stopped. Under ``torchrun`` each process takes
its part.

Example:
    python -m train.data.prepare ../shared/data/video/train --out data/train_pairs \
        --pairs-per-clip 24 --cap droid=0.3 --jobs 2
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Final, get_args

import cv2
import numpy as np

from train.data.flow_estimation import EstimatorName, make_estimator
from train.data.flow_refinement import refine_pair
from train.data.published_list import ListedPair, load_listed, pairs_of_folder, read_list
from train.data.shards import write_shard
from train.data.video import (
    VIDEO_SUFFIXES,
    MeasuredPair,
    choose_pairs,
    measure,
    read_frames,
    scan,
    why_useless,
)
from train.errors import DataError

LIST_SUFFIX: Final = ".txt"
_NONE: Final = ".none"  # stands for the file of a clip that has no pair worth keeping
_LINES: Final = 256  # of a list, in one file of pairs
_SUFFIX: Final = ".safetensors"


@dataclass(frozen=True, slots=True)
class Settings:
    """How clips become pairs.

    Attributes:
        short_side: Frames are scaled down to it, px.
        stride: The flow of every ``stride``-th pixel is kept.
        estimator: Which flow.
        raft_weights: File of RAFT's weights, if that is the estimator.
        seed: Of the choice of pairs.
        gaps: Least and most frames from the first to the second picture; None chooses by motion.
        has_refinement: Whether to mend flow in plain areas (`train.data.flow_refinement`).
        root: Where the relative paths of lists begin; the list's own folder if None.
    """

    short_side: int = 288
    stride: int = 2
    estimator: EstimatorName = "dis"
    raft_weights: Path | None = None
    seed: int = 0
    gaps: tuple[int, int] | None = None
    has_refinement: bool = True
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class ClipReport:
    """What became of one clip: pairs written, pairs left out by reason, or why it is broken."""

    clip: str
    written: int
    left_out: dict[str, int]
    problem: str | None = None


def prepare_clip(path: Path, target: Path, count: int, settings: Settings) -> ClipReport:
    """Write the pairs of one clip; a clip that can't be read is reported, not raised."""
    cv2.setNumThreads(1)
    clip = path.stem if path.is_file() else path.name
    left_out: Counter[str] = Counter()
    pairs: list[MeasuredPair] = []
    try:
        frames = read_frames(path, settings.short_side)
        rng = np.random.default_rng([settings.seed, zlib.crc32(clip.encode())])
        scanned = scan(frames)
        estimator = make_estimator(settings.estimator, settings.raft_weights)
        for first, second in choose_pairs(scanned, count, rng, gaps=settings.gaps):
            images = (frames[first], frames[second])
            flows = np.stack([estimator(*images), estimator(*images[::-1])])
            pair = measure((first, second), images, flows)
            problem = why_useless(pair)
            if problem is None:
                pairs.append(refine_pair(pair) if settings.has_refinement else pair)
            else:
                left_out[problem] += 1
        if pairs:
            write_shard(
                target,
                pairs,
                clip=clip,
                stride=settings.stride,
                settings={
                    "source": source_of(clip),
                    "flow": settings.estimator + (" refined" if settings.has_refinement else ""),
                },
            )
    except (DataError, cv2.error, ValueError, OSError, MemoryError) as error:
        return ClipReport(clip, 0, dict(left_out), str(error))
    if not pairs:
        target.with_suffix(_NONE).write_text(json.dumps(left_out) + "\n", encoding="utf-8")
    return ClipReport(clip, len(pairs), dict(left_out), None)


def prepare_list(
    path: Path, lines: Sequence[ListedPair], target: Path, settings: Settings
) -> ClipReport:
    """Write the pairs of some lines of a list, with the flow named there; bad lines are counted.

    Pictures of another size than the first go into files of their own, numbered.
    """
    cv2.setNumThreads(1)
    left_out: Counter[str] = Counter()
    by_size: dict[tuple[int, ...], list[MeasuredPair]] = {}
    problems: list[str] = []
    for line in lines:
        try:
            pair = load_listed(line, settings.short_side)
        except DataError as error:
            left_out["broken"] += 1
            problems.append(f"line {line.line}: {error}")
            continue
        by_size.setdefault(pair.images[0].shape, []).append(pair)
    written = 0
    for number, pairs in enumerate(by_size.values()):
        name = target if number == 0 else target.with_stem(f"{target.stem}-{number}")
        write_shard(
            name,
            pairs,
            clip=path.stem,
            stride=settings.stride,
            settings={"source": source_of(path.stem), "flow": "given"},
        )
        written += len(pairs)
    return ClipReport(path.stem, written, dict(left_out), "; ".join(problems[:3]) or None)


def source_of(clip: str) -> str:
    """Return the source that a clip's name begins with, up to the first underscore."""
    return clip.split("_", 1)[0].lower()


def find_clips(paths: Sequence[Path]) -> list[Path]:
    """Return the clips that paths name: files, and the clips of folders.

    A folder that holds pictures is a clip itself.

    Raises:
        DataError: A path is not there, or no clip is.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_file():
            found.append(path)
        elif path.is_dir():
            inner = sorted(path.rglob("*"))
            videos = [p for p in inner if p.suffix.lower() in VIDEO_SUFFIXES]
            pictures = {p.parent for p in inner if p.suffix.lower() in (".jpg", ".jpeg", ".png")}
            found += videos + sorted(pictures)
        else:
            raise DataError(f"{path} is not there; give video files or folders.")
    if not found:
        raise DataError("The given paths hold no video; give video files or folders.")
    return found


def quotas(clips: Sequence[Path], each: int, caps: dict[str, float]) -> dict[Path, int]:
    """Return how many pairs each clip should give.

    Args:
        clips: All clips.
        each: Pairs of a clip without a cap.
        caps: For a source, its largest share of all pairs (below 1), or pairs of a clip (from 1).
    """
    by_source = Counter(source_of(clip.stem) for clip in clips)
    free = sum(n for source, n in by_source.items() if source not in caps) * each
    share_of_caps = min(sum(value for value in caps.values() if value < 1), 0.95)
    total = free / (1 - share_of_caps) if free else each * len(clips)
    result = {}
    for clip in clips:
        source = source_of(clip.stem)
        cap = caps.get(source)
        if cap is None:
            result[clip] = each
        elif cap < 1:
            result[clip] = max(1, min(each, math.floor(total * cap / by_source[source])))
        else:
            result[clip] = min(each, int(cap))
    return result


def plan(
    clips: Sequence[Path],
    out: Path,
    settings: Settings,
    *,
    each: int = 24,
    caps: dict[str, float] | None = None,
) -> list[Task]:
    """Return the files that this process of a group is to make, the sources in turn.

    Raises:
        DataError: A list can't be read.
    """
    wanted = quotas(clips, each, caps or {})
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    # The sources take turns, so that what is there early is mixed already.
    turn: Counter[str] = Counter()
    order = []
    for clip in clips:
        source = source_of(clip.stem)
        order.append((turn[source], source, clip))
        turn[source] += 1
    ordered = [clip for *_, clip in sorted(order, key=lambda row: row[:2])]
    times = Counter(clip.stem for clip in clips)
    tasks = [
        task
        for clip in ordered
        for task in _tasks(
            clip,
            clip.stem if times[clip.stem] == 1 else f"{clip.stem}_in_{clip.parent.name}",
            out,
            wanted[clip],
            settings,
        )
    ]
    return tasks[rank::world]


def prepare(tasks: Sequence[Task], *, jobs: int = 1) -> Iterator[ClipReport]:
    """Yield a report for each file as it is made; those that are there are passed over."""
    tasks = [task for task in tasks if not task.is_done()]
    for task in tasks:
        task.target.parent.mkdir(parents=True, exist_ok=True)
    if jobs <= 1:
        for task in tasks:
            yield task.run()
        return
    broken: list[Task] = []
    with ProcessPoolExecutor(jobs) as pool:
        waiting = {pool.submit(task.run): task for task in tasks}
        for future in as_completed(waiting):
            try:
                yield future.result()
            except BrokenProcessPool:
                broken.append(waiting[future])
    for task in broken:  # one of them took all processes down
        yield _run_alone(task)


def _run_alone(task: Task) -> ClipReport:
    """Make a file in a process of its own, and report if that dies."""
    with ProcessPoolExecutor(1) as pool:
        try:
            return pool.submit(task.run).result()
        except BrokenProcessPool:
            return ClipReport(task.path.stem, 0, {}, "reading it ends the process; leave it out")


@dataclass(frozen=True, slots=True)
class Task:
    """One file of pairs to make: of a clip, or of some lines of a list."""

    path: Path
    target: Path
    count: int
    settings: Settings
    lines: tuple[ListedPair, ...] = ()

    def is_done(self) -> bool:
        """Return whether an earlier run has made the file, or found nothing to put into it."""
        return self.target.exists() or self.target.with_suffix(_NONE).exists()

    def run(self) -> ClipReport:
        """Make the file; report what came of it."""
        if self.lines:
            return prepare_list(self.path, self.lines, self.target, self.settings)
        return prepare_clip(self.path, self.target, self.count, self.settings)


def _tasks(path: Path, name: str, out: Path, count: int, settings: Settings) -> list[Task]:
    """Return the files to make of a clip or list."""
    if path.suffix.lower() == LIST_SUFFIX:
        lines = read_list(path, settings.root)
    else:
        lines = pairs_of_folder(path) if path.is_dir() else []
    if not lines:
        return [Task(path, out / f"{name}{_SUFFIX}", count, settings)]
    return [
        Task(
            path,
            out / f"{name}-{start:07d}{_SUFFIX}",
            count,
            settings,
            tuple(lines[start : start + _LINES]),
        )
        for start in range(0, len(lines), _LINES)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m train.data.prepare", description=__doc__)
    parser.add_argument("videos", nargs="+", type=Path, help="video files or folders of them")
    parser.add_argument("--out", required=True, type=Path, help="folder for the pairs")
    parser.add_argument("--pairs-per-clip", type=int, default=24)
    parser.add_argument(
        "--cap",
        action="append",
        default=[],
        metavar="SOURCE=LIMIT",
        help="largest share (below 1) or pairs per clip (from 1) of clips named SOURCE_…",
    )
    parser.add_argument("--short-side", type=int, default=288)
    parser.add_argument("--flow-stride", type=int, default=2)
    parser.add_argument("--estimator", choices=get_args(EstimatorName), default="dis")
    parser.add_argument("--raft-weights", type=Path)
    parser.add_argument("--root", type=Path, help="where the relative paths of lists begin")
    parser.add_argument(
        "--gaps",
        nargs=2,
        type=int,
        metavar=("LEAST", "MOST"),
        help="frames from the first to the second picture; without it, chosen by motion",
    )
    parser.add_argument(
        "--no-refinement", action="store_true", help="keep the flow of plain areas as estimated"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    settings = Settings(
        options.short_side,
        options.flow_stride,
        options.estimator,
        options.raft_weights,
        options.seed,
        tuple(options.gaps) if options.gaps else None,
        not options.no_refinement,
        options.root,
    )
    try:
        caps = _caps(options.cap)
        clips = find_clips(options.videos)
        tasks = plan(clips, options.out, settings, each=options.pairs_per_clip, caps=caps)
    except DataError as error:
        print(error, file=sys.stderr)  # a command-line entry point
        return 1
    return _run(tasks, options.jobs)


def _run(tasks: Sequence[Task], jobs: int) -> int:
    started = time.monotonic()
    done, pairs = 0, 0
    left_out: Counter[str] = Counter()
    problems: list[str] = []
    existing = sum(task.is_done() for task in tasks)
    total = len(tasks) - existing
    for report in prepare(tasks, jobs=jobs):
        done += 1
        pairs += report.written
        left_out.update(report.left_out)
        if report.problem:
            problems.append(f"{report.clip}: {report.problem}")
        spent = time.monotonic() - started
        eta = spent / done * (total - done)
        line = f"{done}/{total} files, {pairs} pairs, {spent:.0f} s, {eta:.0f} s left"
        print(f"\r{line}", end="", file=sys.stderr, flush=True)  # progress
    summary = {
        "files": done,
        "files_from_before": existing,
        "pairs": pairs,
        "pairs_left_out": dict(left_out),
        "broken": problems,
        "seconds": round(time.monotonic() - started, 1),
    }
    print("", file=sys.stderr)  # ends the progress line
    print(json.dumps(summary, indent=1))  # a command-line entry point
    return 0 if pairs or existing or not tasks else 1  # a process of a group may have none


def _caps(texts: Sequence[str]) -> dict[str, float]:
    caps = {}
    for text in texts:
        source, _, value = text.partition("=")
        try:
            caps[source.lower()] = float(value)
        except ValueError:
            raise DataError(
                f"--cap takes SOURCE=NUMBER, such as droid=0.3, got {text!r}."
            ) from None
    return caps


if __name__ == "__main__":
    sys.exit(main())
