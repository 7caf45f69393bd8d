"""``cmp-studio mask``: a picture and clicks to the object that they stand for."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cmp_studio.cli import options as shared
from cmp_studio.cli import values as parse
from cmp_studio.cli import work
from cmp_studio.cli.console import Console

if TYPE_CHECKING:
    from cmp_engine.click_fusion import Fusion
    from cmp_engine.segment import ClickSegmenter

_FUSIONS: Final = ("colors", "published", "agreement", "agreement8")
_FILES: Final = ("indexed", "objects", "coco", "labelme", "csv")

_DESCRIPTION = """\
Cut out an object by a few clicks: positive ones on it, negative ones beside it, where the mask
went too far. The mask is a grey PNG, 255 on the object. An object of several parts needs a click
on each; a hole needs a negative click in it.

With --list, many objects of many pictures at once. The list is a CSV file with a row for each
object, and -o names a folder, which gets all kinds of files, or those of --files:

  image,label,positive,negative
  street.jpg,car,"320,200 350,210","40,60\""""

_EXAMPLES = """\
  cmp-studio mask photo.jpg --positive 320,200 -o mask.png
  cmp-studio mask photo.jpg --positive 320,200 --positive 300,260 --negative 40,60 -o mask.png
  cmp-studio mask photo.jpg --positive 320,200 -o mask.png --score score.png --threshold 0.4
      the score shows how sure each pixel is; the threshold says how sure is enough
  cmp-studio animate photo.jpg --arrow 320,200,40,-10 --freeze mask.png -o film.mp4
      a mask holds its object still
  cmp-studio mask --list clicks.csv -o annotations --files coco labelme"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "mask",
        usage="IMAGE --positive X,Y ... [--negative X,Y ...] -o OUT.png [options]\n"
        "       cmp-studio mask --list CLICKS.csv -o FOLDER [options]",
        summary="a picture and clicks to the mask of an object",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="IMAGE", nargs="?", help="a picture")
    group = parser.add_argument_group("clicks")
    for name, what in (("positive", "on the object"), ("negative", "beside it, or in a hole")):
        group.add_argument(
            f"--{name}",
            action="append",
            default=[],
            type=parse.point,
            metavar="X,Y",
            help=f"a spot {what}, px; may come several times",
        )
    group.add_argument("--list", type=Path, metavar="CLICKS.csv", help="many objects at once")
    group = parser.add_argument_group("how clicks become a mask")
    group.add_argument(
        "--fusion",
        choices=_FUSIONS,
        default="colors",
        help="colors: the network and the picture's colours and edges; agreement: the network "
        "alone; published: as the published demo (default: colors)",
    )
    group.add_argument(
        "--threshold",
        type=parse.factor,
        default=0.5,
        metavar="0..1",
        help="how sure a pixel must be (default: 0.5)",
    )
    group.add_argument(
        "--speed",
        type=parse.positive,
        default=30.0,
        metavar="PX",
        help="length of the pull at a short side of 384 px (default: 30)",
    )
    group.add_argument(
        "--zoom",
        type=parse.factor,
        metavar="FACTOR",
        help="side of the crop for small objects, in units of the object; 0 for none "
        "(default: 2; 4 for published)",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="OUT",
        help="mask.png, or a folder for --list",
    )
    group.add_argument("--score", type=Path, metavar="SCORE.png", help="how sure each pixel is")
    group.add_argument(
        "--files",
        nargs="+",
        choices=_FILES,
        default=list(_FILES),
        help="what --list writes: indexed PNG, a 0/255 PNG for each object, COCO and labelme JSON, "
        "CSV of clicks and times (default: all)",
    )
    shared.add_engine_options(parser)
    shared.add_console_options(parser)
    parser.set_defaults(usage_error=parser.error)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    if (options.source is None) == (options.list is None):
        options.usage_error("give a picture with its clicks, or a --list of many")
    if options.threshold > 1:
        options.usage_error("--threshold should be a number from 0 to 1")
    if options.zoom is not None and 0 < options.zoom < 1:
        options.usage_error("--zoom should be 1 or more, or 0 for none")
    if options.list is not None:
        if options.positive or options.negative or options.score:
            options.usage_error(
                "--positive, --negative and --score go with one picture, not --list"
            )
        return _run_list(options, console)
    if not options.positive:
        options.usage_error("say where the object is with --positive X,Y")
    if options.output.suffix.lower() != ".png":
        options.usage_error("the mask is a PNG: say where it goes with -o mask.png")
    return _run_one(options, console)


def _run_one(options: argparse.Namespace, console: Console) -> int:
    from cmp_engine.image_io import read_image
    from cmp_studio.pipeline.annotation_files import write_mask, write_score

    picture = read_image(options.source)
    segmenter, values = _segmenter(options, console)
    console.step("Looking at the picture")
    segmenter.set_image(picture)
    result = segmenter.mask(options.positive, options.negative)
    write_mask(options.output, result.mask)
    outputs = [options.output]
    if options.score is not None:
        write_score(options.score, result.score)
        outputs.append(options.score)
    height, width = result.mask.shape
    percent = round(100 * float(result.mask.mean()), 1)
    console.result(
        "\n".join(f"{path}: {width} x {height}, the object covers {percent} %" for path in outputs),
        {
            "command": "mask",
            "outputs": [str(path) for path in outputs],
            "width": width,
            "height": height,
            "area_px": int(result.mask.sum()),
            "area_percent": percent,
            "box": [result.box.left, result.box.top, result.box.width, result.box.height],
            **values,
        },
    )
    return 0


def _run_list(options: argparse.Namespace, console: Console) -> int:
    from cmp_studio.pipeline.annotate import annotate, read_click_list
    from cmp_studio.pipeline.annotation_export import write_annotations
    from cmp_studio.pipeline.errors import AnnotationError

    objects, failures = read_click_list(options.list)
    folder: Path = options.output
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AnnotationError(
            f"The folder {folder} can't be made ({error.strerror}); choose another one."
        ) from error
    segmenter, values = _segmenter(options, console)
    done = annotate(objects, segmenter, progress=console.progress("Annotating"))
    outputs = write_annotations(folder, done.images, done.paths, options.files)
    failures += done.failures
    for sentence in failures:
        console.skip(sentence)
    count = sum(len(image.objects) for image in done.images)
    console.result(
        f"{folder}: {count} objects of {len(done.images)} pictures"
        + (f", {len(failures)} failed" if failures else ""),
        {
            "ok": not failures,
            "command": "mask",
            "outputs": [str(path) for path in outputs],
            "objects": [
                {"image": image.name, "label": item.label, "area_px": int(item.mask.sum())}
                for image in done.images
                for item in image.objects
            ],
            "failures": failures,
            **values,
        },
    )
    return 1 if failures else 0


def _segmenter(
    options: argparse.Namespace, console: Console
) -> tuple[ClickSegmenter, dict[str, object]]:
    predictor = work.load_predictor(options, console)
    from cmp_engine.segment import ClickSegmenter

    fusion: Fusion = options.fusion
    segmenter = ClickSegmenter(
        predictor,
        fusion=fusion,
        threshold=options.threshold,
        speed=options.speed,
        zoom_factor=options.zoom,
    )
    return segmenter, {"fusion": fusion, **work.engine_values(predictor)}
