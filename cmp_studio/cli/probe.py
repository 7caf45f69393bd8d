"""``cmp-studio probe``: ask the network what it believes about a picture."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_studio.cli import options as shared
from cmp_studio.cli import values as parse
from cmp_studio.cli import work
from cmp_studio.cli.console import Console
from cmp_studio.pipeline.experiment import (
    KINDS,
    Experiment,
    Numbers,
    ProbeKind,
    changed_numbers,
    digest,
    load_experiment,
    run_experiment,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from cmp_engine.predictor import MotionPredictor

_DESCRIPTION = """\
Ask the network what it believes about a picture, and write the answers into a folder: pictures with
legends, .flo, .npz, CSV, one HTML page, and an experiment that can be run again.

  response     what one pull moves, with isolines
  rigidity     what hangs together with a point, whichever way it is pulled
  motion       whether the part shifts or rotates, and about which joint
  saturation   the answer against the pull
  influence    who follows whom among several points
  parts        the picture in rigid parts, found without labels
  sufficiency  how the motion grows with each further arrow
  compare      A against B: other arrows, other weights

Without --what, one --at is probed by the first four; several --at add influence, several --arrow
add sufficiency, and a B adds compare.

With --list, many pictures at once: a CSV file with the columns image and at, a row for each
picture, and a folder in -o for each. What can't be probed is named, and the rest goes on.

  image,at
  street.jpg,"320,200 350,210\""""

_EXAMPLES = """\
  cmp-studio probe photo.jpg --at 320,200 -o probes
  cmp-studio probe photo.jpg --at 320,200 --at 300,420 --what influence -o probes --json
  cmp-studio probe photo.jpg --what parts --parts 6 -o probes
  cmp-studio probe photo.jpg --arrow 320,200,40,-10 --arrow 300,420,0,20 -o probes
  cmp-studio probe photo.jpg --arrow 320,200,40,0 --against-weights cmp-official -o probes
  cmp-studio probe --list pictures.csv --what rigidity -o probes
  cmp-studio probe --again probes -o probes2
      run a saved experiment again, and say whether the numbers are the same"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "probe",
        usage="IMAGE --at X,Y -o FOLDER [options]",
        summary="ask the network what is rigid, what turns, who follows whom",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("source", type=Path, nargs="?", metavar="IMAGE", help="a picture")
    group = parser.add_argument_group("what is asked", "Coordinates are pixels of the picture.")
    group.add_argument(
        "--at",
        dest="points",
        action="append",
        default=[],
        type=parse.point,
        metavar="X,Y",
        help="a point to probe; may come several times",
    )
    group.add_argument(
        "--what", nargs="+", choices=KINDS, metavar="PROBE", help=f"one or more: {', '.join(KINDS)}"
    )
    group.add_argument(
        "--pull", type=parse.point, metavar="DX,DY", help="pull this way (motion: this way alone)"
    )
    group.add_argument(
        "--arrow",
        dest="arrows",
        action="append",
        default=[],
        type=parse.arrow,
        metavar="X,Y,DX,DY",
        help="for sufficiency, in order, and for compare (A); may come several times",
    )
    group.add_argument(
        "--against-arrow",
        dest="other_arrows",
        action="append",
        default=[],
        type=parse.arrow,
        metavar="X,Y,DX,DY",
        help="B's arrows for compare; may come several times",
    )
    group.add_argument(
        "--against-weights", metavar="NAME", help="B's weights for compare (default: A's)"
    )
    group.add_argument("--again", type=Path, metavar="EXPERIMENT", help="run this saved one again")
    group.add_argument("--list", type=Path, metavar="PICTURES.csv", help="many pictures at once")
    group = parser.add_argument_group("how it is asked")
    group.add_argument(
        "--directions", type=parse.count, default=8, metavar="N", help="around (default: 8)"
    )
    group.add_argument(
        "--length",
        dest="lengths",
        action="append",
        default=[],
        type=parse.positive,
        metavar="PX",
        help="length of pulls of rigidity and saturation; may come several times",
    )
    group.add_argument(
        "--parts", type=parse.count, metavar="N", help="number of parts (default: found)"
    )
    group.add_argument(
        "--probes",
        type=parse.count,
        default=144,
        metavar="N",
        help="how many points to pull for parts (default: 144)",
    )
    group.add_argument(
        "--max-side",
        type=parse.count,
        default=512,
        metavar="PX",
        help="longest side of the answers (default: 512)",
    )
    group.add_argument("--full-size", action="store_true", help="answers of the picture's own size")
    group.add_argument(
        "--upsampling",
        choices=("edge_aware", "bilinear"),
        default="edge_aware",
        help="how answers get to that size (default: edge_aware; bilinear is as published)",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="where everything goes"
    )
    group.add_argument("--no-report", action="store_true", help="leave the HTML page out")
    shared.add_engine_options(parser)
    shared.add_console_options(parser)
    parser.set_defaults(usage_error=parser.error, weights=None)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    if options.list is not None:
        if options.source is not None or options.again is not None or options.points:
            options.usage_error(
                "--list names the pictures and places; leave IMAGE, --at and --again out"
            )
        return _run_list(options, console)
    if options.source is None and options.again is None:
        options.usage_error("say which picture, or which saved experiment with --again")
    from cmp_studio.pipeline.probe_files import make_folder

    saved = None if options.again is None else load_experiment(options.again)
    if saved is None:
        experiment = _experiment(options)
    else:
        experiment = saved.experiment
        if options.source is not None:
            experiment = replace(experiment, picture=str(options.source))
        if options.weights is not None:
            experiment = replace(experiment, weights=options.weights)
    experiment, image = _with_picture(experiment)
    make_folder(options.output)
    predictor, digest_a = _predictor(experiment.weights, options, console)
    other, digest_b = None, ""
    if experiment.other_weights is not None and "compare" in experiment.kinds:
        other, digest_b = _predictor(experiment.other_weights, options, console)
    if saved is not None and digest_a != saved.experiment.weights_sha256:
        console.note(f"The weights {experiment.weights} are not those that were asked before.")
    experiment = replace(experiment, weights_sha256=digest_a, other_weights_sha256=digest_b)
    for one in (predictor, other):
        if one is not None:
            one.set_image(image)
    progress = console.progress("Probing")
    findings = run_experiment(experiment, predictor, other=other, progress=progress)
    console.step("Writing")
    from cmp_studio.pipeline.probe_files import write_findings

    paths = write_findings(
        options.output, experiment, findings, image, has_report=not options.no_report
    )
    lines = [f"{finding.kind}: {finding.sentence}" for finding in findings]
    again: dict[str, object] = {}
    if saved is not None:
        changed = changed_numbers(saved.numbers, findings)
        again = {"is_same": not changed, "changed": changed}
        lines += changed or ["The numbers are the same as before."]
    lines.append(f"{len(paths)} files in {options.output}")
    found: dict[ProbeKind, Numbers] = {finding.kind: finding.numbers for finding in findings}
    console.result(
        "\n".join(lines),
        {
            "command": "probe",
            "found": found,
            **again,
            "outputs": [str(path) for path in paths],
            **work.engine_values(predictor),
        },
    )
    return 0


def _run_list(options: argparse.Namespace, console: Console) -> int:
    """Probe every picture of a list; what fails is named, and the rest goes on."""
    from cmp_engine.errors import EngineError
    from cmp_studio.pipeline.errors import ExperimentError, PipelineError
    from cmp_studio.pipeline.probe_files import make_folder, write_findings
    from cmp_studio.pipeline.probe_list import read_probe_list

    rows, failures = read_probe_list(options.list)
    make_folder(options.output)
    name = options.weights or "default"
    predictor, digest_a = _predictor(name, options, console)
    other, digest_b = None, ""
    if options.against_weights is not None:
        other, digest_b = _predictor(options.against_weights, options, console)
    options.weights = name
    outputs: list[Path] = []
    found: list[dict[str, object]] = []
    progress = console.progress("Probing")
    for number, row in enumerate(rows, 1):
        options.source, options.points = row.image, row.points
        try:
            if not (options.what or row.points or options.arrows):
                raise ExperimentError(
                    "no place to probe; fill the column at, or say what with --what."
                )
            experiment, image = _with_picture(_experiment(options))
            experiment = replace(experiment, weights_sha256=digest_a, other_weights_sha256=digest_b)
            for one in (predictor, other):
                if one is not None:
                    one.set_image(image)
            findings = run_experiment(experiment, predictor, other=other)
            folder = _free_folder(options.output, row.image.stem, outputs)
            write_findings(folder, experiment, findings, image, has_report=not options.no_report)
        except (EngineError, PipelineError) as error:
            failures.append(f"{row.image.name}, line {row.line} of {options.list.name}: {error}")
        else:
            outputs.append(folder)
            numbers = {finding.kind: finding.numbers for finding in findings}
            found.append({"image": str(row.image), "found": numbers, "output": str(folder)})
        progress(number, len(rows))
    for sentence in failures:
        console.skip(sentence)
    console.result(
        f"{options.output}: {len(outputs)} pictures"
        + (f", {len(failures)} failed" if failures else ""),
        {
            "ok": not failures,
            "command": "probe",
            "pictures": found,
            "failures": failures,
            "outputs": [str(path) for path in outputs],
            **work.engine_values(predictor),
        },
    )
    return 1 if failures else 0


def _free_folder(parent: Path, stem: str, taken: list[Path]) -> Path:
    """Return a folder for one picture; of pictures with one name, each its own."""
    folder, number = parent / stem, 2
    while folder in taken:
        folder, number = parent / f"{stem}-{number}", number + 1
    return folder


def _experiment(options: argparse.Namespace) -> Experiment:
    kinds: list[ProbeKind] = list(options.what or [])
    if not kinds:
        if options.points:
            kinds += ["response", "rigidity", "motion", "saturation"]
        if len(options.points) > 1:
            kinds.append("influence")
        if len(options.arrows) > 1:
            kinds.append("sufficiency")
        if options.other_arrows or options.against_weights is not None:
            kinds.append("compare")
    if not kinds:
        options.usage_error("say what to probe: a point with --at, arrows, or --what parts")
    return Experiment(
        kinds=tuple(dict.fromkeys(kinds)),
        picture=str(options.source),
        picture_sha256="",
        weights=options.weights or "default",
        weights_sha256="",
        points=tuple(options.points),
        pull=options.pull,
        arrows=tuple(_flat(arrow) for arrow in options.arrows),
        other_arrows=tuple(_flat(arrow) for arrow in options.other_arrows),
        other_weights=options.against_weights,
        directions=options.directions,
        lengths=tuple(options.lengths),
        parts=options.parts,
        probes=options.probes,
        max_side=None if options.full_size else options.max_side,
        upsampling=options.upsampling,
    )


def _with_picture(experiment: Experiment) -> tuple[Experiment, NDArray[np.uint8]]:
    """Return the experiment with its picture's digest, and the picture.

    Raises:
        ImageError: There is no such picture, or it can't be read.
        ExperimentError: It is not the picture that was probed before.
    """
    from cmp_engine.image_io import read_image
    from cmp_studio.pipeline.errors import ExperimentError

    data = work.read_bytes(Path(experiment.picture))
    image = read_image(data)
    found = digest(data)
    if experiment.picture_sha256 not in ("", found):
        raise ExperimentError(
            f"{experiment.picture} is not the picture that was probed; name the one of sha256 "
            f"{experiment.picture_sha256[:12]}... before --again."
        )
    return replace(experiment, picture_sha256=found), image


def _predictor(
    weights: str, options: argparse.Namespace, console: Console
) -> tuple[MotionPredictor, str]:
    options.weights = weights
    predictor = work.load_predictor(options, console)
    return predictor, "" if predictor.info is None else predictor.info.sha256


def _flat(
    arrow: tuple[tuple[float, float], tuple[float, float]],
) -> tuple[float, float, float, float]:
    (x, y), (end_x, end_y) = arrow
    return x, y, end_x - x, end_y - y
