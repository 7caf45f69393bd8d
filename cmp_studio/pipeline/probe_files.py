"""Everything that an experiment leaves in a folder: numbers, arrays, flows, pictures, a report."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cmp_engine.flow_io import write_flow
from cmp_engine.image_io import write_image
from cmp_engine.partial_file import describe_os_error, partial_file
from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.experiment import FILE_NAME, Experiment, save_experiment
from cmp_studio.pipeline.findings import Finding, Table
from cmp_studio.pipeline.probe_pictures import finding_pictures
from cmp_studio.pipeline.probe_report import report_html

REPORT_NAME: Final = "report.html"

Array: TypeAlias = NDArray[np.float32] | NDArray[np.int64]


def write_findings(
    folder: Path,
    experiment: Experiment,
    findings: Sequence[Finding],
    image: NDArray[np.uint8],
    *,
    has_report: bool = True,
) -> list[Path]:
    """Write an experiment and what it found; return the paths, the experiment's file first.

    ========================== =========================================================
    ``experiment.json``        what was asked and found; runs again
    ``KIND.npz``               all arrays of a probe, flows in px of their own grid
    ``KIND_NAME.flo``          each flow, Middlebury, forward, px of its own grid
    ``KIND_NAME.png``          each map and flow with its legend
    ``KIND_NAME.csv``          each table
    ``numbers.csv``            every value
    ``report.html``            one page with all of it, on its own
    ========================== =========================================================

    Args:
        folder: Made when it is not there; its parent must be.
        experiment: What was asked.
        findings: What was found.
        image: (H, W, 3) uint8 RGB, the picture that was probed.
        has_report: Whether to write ``report.html``.

    Raises:
        ExperimentError: The folder can't be written to.
        EngineError: A file can't be written.
    """
    make_folder(folder)
    paths = [folder / FILE_NAME]
    save_experiment(experiment, findings, paths[0])
    pictures: dict[tuple[str, str], NDArray[np.uint8]] = {}
    for finding in findings:
        if arrays := _arrays_of(finding):
            paths.append(folder / f"{finding.kind}.npz")
            _write_arrays(paths[-1], arrays)
        for name, flow in finding.flows.items():
            paths.append(folder / f"{finding.kind}_{name}.flo")
            write_flow(paths[-1], flow)
        for name, table in finding.tables.items():
            paths.append(folder / f"{finding.kind}_{name}.csv")
            _write_text(paths[-1], _csv(table))
        for name, picture in finding_pictures(finding, image):
            paths.append(folder / f"{finding.kind}_{name}.png")
            write_image(paths[-1], picture)
            pictures[finding.kind, name] = picture
    paths.append(folder / "numbers.csv")
    _write_text(paths[-1], _csv(_number_table(findings)))
    if has_report:
        paths.append(folder / REPORT_NAME)
        _write_text(paths[-1], report_html(experiment, findings, image, pictures))
    return paths


def write_finding(
    path: Path,
    experiment: Experiment,
    finding: Finding,
    image: NDArray[np.uint8],
    *,
    layer: str,
    line: Table | None = None,
) -> None:
    """Write one file of what was found; the suffix of its name says which.

    Args:
        path: ``.png`` (a layer with its legend), ``.flo`` (a flow), ``.npz`` (all arrays), ``.csv``
            (a table) or ``.html`` (a report).
        experiment: What was asked.
        finding: What was found.
        image: (H, W, 3) uint8 RGB, the picture that was probed.
        layer: Which layer, for a picture and a flow; the first one where it is not there.
        line: The table of a CSV file, in place of the finding's own first one.

    Raises:
        ExperimentError: The probe has nothing of this kind, or the file can't be written.
        EngineError: The file can't be written.
    """
    suffix = path.suffix.lower()
    pictures = dict(finding_pictures(finding, image)) if suffix in (".png", ".html") else {}
    if suffix == ".png":
        write_image(path, pictures.get(layer, next(iter(pictures.values()))))
    elif suffix == ".flo":
        if not finding.flows:
            raise ExperimentError("This probe has no flow; a .csv or .npz file holds its numbers.")
        write_flow(path, finding.flows.get(layer, next(iter(finding.flows.values()))))
    elif suffix == ".npz":
        if not (arrays := _arrays_of(finding)):
            raise ExperimentError("This probe has no arrays; a .csv file holds its numbers.")
        _write_arrays(path, arrays)
    elif suffix == ".csv":
        tables = [table for table in (line, *finding.tables.values()) if table is not None]
        _write_text(path, _csv(tables[0] if tables else _number_table([finding])))
    elif suffix == ".html":
        kind: str = finding.kind
        named = {(kind, name): picture for name, picture in pictures.items()}
        _write_text(path, report_html(experiment, [finding], image, named))
    else:
        raise ExperimentError(
            "The name {name} should end in .png, .flo, .npz, .csv or .html, which says what is "
            "written.",
            name=path.name,
        )


def make_folder(folder: Path) -> None:
    """Make a folder, where it is not there.

    Raises:
        ExperimentError: Its parent is missing, or it can't be made.
    """
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        raise ExperimentError(
            "{folder} is a file, and a folder is expected; choose another name.", folder=folder
        ) from error
    except OSError as error:
        raise ExperimentError(describe_os_error(error, folder.absolute())) from error


def write_bytes(path: Path, data: bytes) -> None:
    """Write some bytes; the file appears when it is whole.

    Raises:
        ExperimentError: The file can't be written.
    """
    try:
        with partial_file(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise ExperimentError(describe_os_error(error, path)) from error


def _arrays_of(finding: Finding) -> dict[str, Array]:
    arrays: dict[str, Array] = {**finding.flows, **finding.maps}
    arrays.update(finding.labels)
    return arrays


def _number_table(findings: Sequence[Finding]) -> Table:
    rows = tuple(
        (finding.kind, name, "" if value is None else value)
        for finding in findings
        for name, value in finding.numbers.items()
    )
    return Table(("probe", "name", "value"), rows)


def _write_arrays(path: Path, arrays: dict[str, Array]) -> None:
    try:
        with partial_file(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)
    except OSError as error:
        raise ExperimentError(describe_os_error(error, path)) from error


def _write_text(path: Path, text: str) -> None:
    try:
        with partial_file(path) as partial:
            partial.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ExperimentError(describe_os_error(error, path)) from error


def _csv(table: Table) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(table.columns)
    writer.writerows(table.rows)
    return buffer.getvalue()
