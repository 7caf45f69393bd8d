"""``cmp-studio flow``: a picture and arrows to the dense motion that the network sees in them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from cmp_studio.cli import drawing, work
from cmp_studio.cli import options as shared
from cmp_studio.cli import values as parse
from cmp_studio.cli.console import Console

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_DESCRIPTION = """\
Write the dense motion that arrows and pins stand for: forward flow, which says where every pixel of
the picture goes, in pixels, dx to the right and dy down, with every arrow at its goal.

By default it is the flow that films are made with: upsampled along the picture's edges, long arrows
walked in steps, the mask held. --raw gives one bare prediction instead."""

_EXAMPLES = """\
  cmp-studio flow photo.jpg --arrow 320,200,40,-10 --pin 300,420 -o flow.flo
      Middlebury .flo; flow.npy is an array (H, W, 2), flow.npz the same compressed,
      flow.png a 16-bit KITTI picture
  cmp-studio flow photo.jpg --arrow 320,200,40,-10 --color wheel.png
      a picture in the colours of the Middlebury wheel, with its legend
  cmp-studio flow photo.jpg --arrow 320,200,40,-10 --color wheel.png --max-flow 50
      the full colour is 50 px, so that pictures can be compared
  cmp-studio flow photo.jpg --arrow 320,200,40,-10 --raw --upsampling bilinear -o flow.npy
      as the published program answers
  cmp-studio flow scene.cmps -o flow.flo
      a scene's arrows"""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = shared.command_parser(
        commands,
        "flow",
        usage="IMAGE --arrow X,Y,DX,DY ... [--pin X,Y ...] -o OUT [options]",
        summary="a picture and arrows to dense motion",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    parser.add_argument("source", type=Path, metavar="IMAGE", help="a picture, or a scene (.cmps)")
    shared.add_guidance_options(parser)
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="flow.flo, flow.npy, flow.npz or flow.png"
    )
    group.add_argument(
        "--color", type=Path, metavar="PICTURE.png", help="the flow as a picture, with a legend"
    )
    group.add_argument(
        "--max-flow",
        type=parse.positive,
        metavar="PX",
        help="length of the full colour (default: the longest)",
    )
    group.add_argument("--raw", action="store_true", help="one prediction, no steps and no mask")
    group.add_argument(
        "--upsampling",
        choices=("edge_aware", "bilinear"),
        default="edge_aware",
        help="how --raw gets to full size (default: edge_aware; bilinear is as published)",
    )
    shared.add_engine_options(parser)
    shared.add_console_options(parser)
    parser.set_defaults(usage_error=parser.error)


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    if options.output is None and options.color is None:
        options.usage_error("say where the flow goes with -o flow.flo, or --color wheel.png")
    if options.upsampling != "edge_aware" and not options.raw:
        options.usage_error("--upsampling belongs to --raw")
    scene = drawing.scene_of(options)
    predictor = work.load_predictor(options, console)
    from cmp_studio.pipeline.flow import predicted_flow, scene_flow

    console.step("Predicting")
    if options.raw:
        flow = predicted_flow(scene, predictor, upsampling=options.upsampling)
    else:
        flow = scene_flow(scene, predictor)
    outputs = _write(flow, options)
    values = _values(flow)
    console.result(
        "\n".join(
            f"{path}: {values['width']} x {values['height']}, longest {values['longest']} px, "
            f"{values['moving_percent']} % of the picture moves"
            for path in outputs
        ),
        {
            "command": "flow",
            "outputs": [str(path) for path in outputs],
            **values,
            **work.engine_values(predictor),
        },
    )
    return 0


def _write(flow: NDArray[np.float32], options: argparse.Namespace) -> list[Path]:
    from cmp_engine.flow_io import write_flow
    from cmp_engine.flow_viz import automatic_scale, draw_legend, flow_to_color
    from cmp_engine.image_io import write_image

    outputs = []
    if options.output is not None:
        write_flow(options.output, flow)
        outputs.append(options.output)
    if options.color is not None:
        scale = options.max_flow or automatic_scale(flow)
        picture = draw_legend(flow_to_color(flow, max_flow=scale), scale)
        write_image(options.color, picture)
        outputs.append(options.color)
    return outputs


def _values(flow: NDArray[np.float32]) -> dict[str, object]:
    import numpy as np

    length = np.hypot(flow[..., 0], flow[..., 1])
    return {
        "width": flow.shape[1],
        "height": flow.shape[0],
        "longest": round(float(length.max()), 2),
        "moving_percent": round(100 * float((length > 1).mean()), 1),
    }
