"""``cmp-studio weights``: which networks there are, and where they come from."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cmp_studio.cli import options as shared
from cmp_studio.cli.console import Console, size_text

if TYPE_CHECKING:
    from cmp_engine.config import ModelConfig
    from cmp_engine.weights import WeightsEntry, WeightsInfo

_DESCRIPTION = """\
Weights are what a network has learned. `default` comes with the program; `cmp-official` is the
network of the paper's demos, which can be fetched. Others lie in your own folder."""

_EXAMPLES = """\
  cmp-studio weights list
  cmp-studio weights fetch cmp-official            228 MB, goes on where it was broken off
  cmp-studio weights import ckpt_iter_42000.pth.tar --name mine
  cmp-studio weights info default                  how they were trained and what they score
  cmp-studio weights verify                        read all of them and check every value

Use them with --weights: cmp-studio animate photo.jpg --arrow ... --weights cmp-official -o a.mp4"""

_DEFAULT_FETCH: Final = "cmp-official"


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command and its own commands."""
    parser = commands.add_parser(
        "weights",
        help="list, fetch, import, describe and check networks",
        description=_DESCRIPTION,
        epilog=f"examples:\n{_EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    _add_verb(verbs, "list", "show which weights there are")
    fetch = _add_verb(verbs, "fetch", "download published weights")
    fetch.add_argument(
        "name", nargs="?", default=_DEFAULT_FETCH, help=f"which (default: {_DEFAULT_FETCH})"
    )
    fetch.add_argument("--url", help="another place to get the same file from")
    take = _add_verb(verbs, "import", "take in a file of your own: .safetensors or .pth.tar")
    take.add_argument("file", type=Path, metavar="FILE")
    take.add_argument("--name", help="what to call it (default: the file's name)")
    take.add_argument("--replace", action="store_true", help="overwrite weights of that name")
    take.add_argument(
        "--image-encoder",
        choices=("alexnet_stride8", "alexnet_stride32"),
        help="which AlexNet it is; published files of both look alike (default: stride 32)",
    )
    info = _add_verb(verbs, "info", "tell what is known about weights")
    info.add_argument("name", nargs="?", default="default", help="a name or a file")
    check = _add_verb(verbs, "verify", "read weights completely and check every value")
    check.add_argument("names", nargs="*", metavar="NAME", help="names or files (default: all)")


def run(options: argparse.Namespace, console: Console) -> int:
    """Run the command and return its exit code."""
    verbs: dict[str, Callable[[argparse.Namespace, Console], int]] = {
        "list": _list,
        "fetch": _fetch,
        "import": _import,
        "info": _info,
        "verify": _verify,
    }
    return verbs[options.verb](options, console)


def _add_verb(
    verbs: argparse._SubParsersAction[argparse.ArgumentParser], name: str, summary: str
) -> argparse.ArgumentParser:
    parser = verbs.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    shared.add_console_options(parser)
    return parser


def _list(options: argparse.Namespace, console: Console) -> int:
    from cmp_engine.weights import list_weights, weights_folder

    entries = list_weights()
    width = max(len(entry.name) for entry in entries)
    lines = [f"{entry.name:{width}}  {_row_text(entry)}" for entry in entries]
    lines.append(f"\nYour own weights lie in {weights_folder()}")
    values = {"folder": str(weights_folder()), "weights": [_row_values(e) for e in entries]}
    console.report("\n".join(lines), {"ok": True, "command": "weights list", **values})
    return 0


def _fetch(options: argparse.Namespace, console: Console) -> int:
    from cmp_engine.weights import OFFICIAL_URL, fetch_weights

    progress = console.progress(f"Fetching {options.name}", amount=size_text)
    info = fetch_weights(options.name, progress, url=options.url or OFFICIAL_URL)
    console.result(
        f"{info.name} is ready: use it with --weights {info.name}", _values("fetch", info)
    )
    return 0


def _import(options: argparse.Namespace, console: Console) -> int:
    console.step("Reading the weights")
    from cmp_engine.weights import import_weights

    info = import_weights(
        options.file,
        options.name,
        replace=options.replace,
        image_encoder=options.image_encoder,
    )
    console.result(
        f"{info.name} is ready: use it with --weights {info.name}", _values("import", info)
    )
    return 0


def _info(options: argparse.Namespace, console: Console) -> int:
    console.step("Reading the weights")
    from cmp_engine.weights import load_model

    model = load_model(options.name)
    info, network = model.info, model.network
    parameters = sum(parameter.numel() for parameter in network.parameters())
    rows = {
        "name": info.name,
        "file": f"{info.path} ({size_text(info.path.stat().st_size)})",
        "sha256": info.sha256,
        "network": _network_text(info.config),
        "parameters": f"{parameters / 1e6:.1f} million",
        **info.metadata,
    }
    width = max(len(key) for key in rows)
    text = "\n".join(f"{key:{width}}  {value}" for key, value in rows.items())
    values = {**_values("info", info), "parameters": parameters}
    console.report(text, {"ok": True, **values})
    return 0


def _verify(options: argparse.Namespace, console: Console) -> int:
    console.step("Reading the weights")
    from cmp_engine.errors import WeightsError
    from cmp_engine.weights import list_weights, verify

    names = options.names or [entry.name for entry in list_weights() if entry.path is not None]
    if not names:
        console.fail("there are no weights to verify: the program's own are missing.")
        return 1
    lines, rows = [], []
    for name in names:
        try:
            info = verify(name)
        except WeightsError as error:
            lines.append(f"BROKEN  {name}: {error}")
            rows.append({"name": name, "ok": False, "error": str(error)})
        else:
            lines.append(f"ok      {name}: sha256 {info.sha256}")
            rows.append({"name": name, "ok": True, "sha256": info.sha256})
    is_well = all(row["ok"] for row in rows)
    values = {"ok": is_well, "command": "weights verify", "weights": rows}
    console.report("\n".join(lines), values)
    return 0 if is_well else 1


def _row_text(entry: WeightsEntry) -> str:
    if entry.problem is not None:
        return f"BROKEN: {entry.problem}"
    if entry.path is None:
        return (
            f"{size_text(entry.size)}, not here yet: get it with "
            f"`cmp-studio weights fetch {entry.name}`"
        )
    network = "" if entry.config is None else f", {_network_text(entry.config)}"
    return f"{size_text(entry.size)}{network}, {entry.path}"


def _row_values(entry: WeightsEntry) -> dict[str, object]:
    return {
        "name": entry.name,
        "path": None if entry.path is None else str(entry.path),
        "bytes": entry.size,
        "is_here": entry.path is not None,
        "problem": entry.problem,
        "metadata": dict(entry.metadata),
    }


def _values(verb: str, info: WeightsInfo) -> dict[str, object]:
    return {
        "command": f"weights {verb}",
        "name": info.name,
        "path": str(info.path),
        "sha256": info.sha256,
        "network": _network_text(info.config),
        "metadata": dict(info.metadata),
    }


def _network_text(config: ModelConfig) -> str:
    return f"{config.image_encoder} + {config.decoder}, {config.head}"
