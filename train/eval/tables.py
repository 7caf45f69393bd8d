"""Prints every table and figure of the paper beside this project's own runs found on disk.

::

    python -m train.eval.tables                        # runs below the folder runs
    python -m train.eval.tables --runs runs /mnt/runs --json tables.json

*Reported* figures are the paper's. A figure under *here* is of this project's runs, with the number
of the run in brackets; the list at the end tells each run's commit, data, steps and hours. Several
runs of one kind, such as seeds, are shown as their mean and standard deviation.
"""

from __future__ import annotations

import argparse
import json
import logging
import statistics
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from train.eval import paper_tables as paper
from train.eval.own_runs import PAPER_GUIDANCE, Found, OwnRun, find

_NONE: Final = "-"
_FRACTION_TOLERANCE: Final = 0.05


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """A table or figure, ready to be printed.

    Attributes:
        title: Over it.
        head: Of the columns.
        rows: Cells.
        notes: Under it.
    """

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """Return the table as GitHub's Markdown, its columns aligned."""
        table = [self.head, *self.rows]
        widths = [max(len(row[index]) for row in table) for index in range(len(self.head))]
        rows = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in table]
        rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
        return [self.title, "", rows[0], rule, *rows[1:], *self.notes]


class Printer:
    """Makes the tables.

    Args:
        found: This project's runs.

    Attributes:
        shown: The runs in the tables so far; a run's number is its place, from 1.
    """

    def __init__(self, found: Found) -> None:
        self.found = found
        self.shown: list[OwnRun] = []

    def tables(self) -> list[PrintedTable]:
        """Return all tables and figures of the paper, and one of runs that are in none."""
        made = [self._table(table) for table in paper.TABLES]
        made += [self._table_4(), self._figure_4(), self._figure_5_strides(), self._figure_5_data()]
        rest = [run for run in self.found.runs if run not in self.shown]
        return [*made, *([self._other(rest)] if rest else [])]

    def run_lines(self) -> list[str]:
        """Return a line for each run that was shown."""
        return [f"[{i}] {run.folder}: {run.facts}" for i, run in enumerate(self.shown, 1)]

    def _table(self, table: paper.ReportedTable) -> PrintedTable:
        rows = []
        for row in table.rows:
            cells = [row.label]
            for column, value in zip(table.columns, row.values, strict=True):
                runs = [
                    run
                    for run in self._runs(column, table.encoder)
                    if row.method == run.method and run.is_paper
                ]
                cells += [value, self._cell(runs, column.score)]
            rows.append(tuple(cells))
        return PrintedTable(table.title, _head(table.columns), tuple(rows), _notes(table.notes))

    def _table_4(self) -> PrintedTable:
        head = ("method", *(f"{name}: reported" for name in paper.TABLE_4_COLUMNS))
        rows = [(row.label, *row.values) for row in paper.TABLE_4]
        notes = list(paper.TABLE_4_NOTES)
        for path, failures in self.found.clicks.items():
            words = ", ".join(f"{name} {100 * share:.1f} %" for name, share in failures.items())
            notes.append(
                f"Here, with simulated clicks ({path}): objects that never reach 85 % IoU: {words}."
            )
        return PrintedTable(paper.TABLE_4_TITLE, head, tuple(rows), _notes(notes))

    def _figure_4(self) -> PrintedTable:
        runs = [
            run
            for run in self._alexnet_runs()
            if run.pretraining.has_paper_strides and run.pretraining.fraction == 1
        ]
        walker = [run for run in runs if run.method == "walker"]
        cmp = [run for run in runs if run.method == "cmp" and run.pretraining.head == "bins"]
        usual = PAPER_GUIDANCE[0]
        rows = [
            self._row(paper.FIGURE_4[0], walker),
            self._row(paper.FIGURE_4[1], [r for r in cmp if r.pretraining.guidance == usual]),
        ]
        others = {r.pretraining.guidance for r in cmp if r.pretraining.guidance} - {usual}
        for kernel, stride in sorted(others, reverse=True):
            some = [run for run in cmp if run.pretraining.guidance == (kernel, stride)]
            row = paper.ReportedRow(f"K = {kernel}, G = {stride}", (_NONE,))
            rows.append(self._row(row, some))
        return _figure(paper.FIGURE_4_TITLE, rows, paper.FIGURE_4_NOTES)

    def _figure_5_strides(self) -> PrintedTable:
        def is_of(run: OwnRun, row: paper.ReportedRow) -> bool:
            strides = ",".join(map(str, run.pretraining.strides))
            return row.label.startswith(f"{{{strides}}}") and run.pretraining.fraction == 1

        rows = self._figure_rows(paper.FIGURE_5_STRIDES, is_of)
        return _figure(paper.FIGURE_5_STRIDES_TITLE, rows, ())

    def _figure_5_data(self) -> PrintedTable:
        fractions = dict(zip(paper.FIGURE_5_DATA, paper.FIGURE_5_FRACTIONS, strict=True))

        def is_of(run: OwnRun, row: paper.ReportedRow) -> bool:
            wanted, fraction = fractions[row], run.pretraining.fraction
            return (
                abs(fraction - wanted) <= _FRACTION_TOLERANCE * wanted
                and run.pretraining.has_paper_strides
            )

        rows = self._figure_rows(paper.FIGURE_5_DATA, is_of)
        return _figure(paper.FIGURE_5_DATA_TITLE, rows, paper.FIGURE_5_NOTES)

    def _figure_rows(
        self,
        reported: Iterable[paper.ReportedRow],
        is_of: Callable[[OwnRun, paper.ReportedRow], bool],
    ) -> list[tuple[str, ...]]:
        """Return the rows of a figure that keeps the paper's guidance."""
        runs = [
            run
            for run in self._alexnet_runs()
            if run.method == "cmp"
            and run.pretraining.guidance == PAPER_GUIDANCE[0]
            and run.pretraining.head == "bins"
            and run.pretraining.is_plain
        ]
        return [self._row(row, [run for run in runs if is_of(run, row)]) for row in reported]

    def _other(self, runs: Sequence[OwnRun]) -> PrintedTable:
        rows = []
        for run in sorted(runs, key=lambda r: (r.task, r.layout, r.encoder, str(r.folder))):
            main = {name: value for name, value in run.scores.items() if "/" not in name}
            words = ", ".join(f"{name} {100 * value:.1f}" for name, value in main.items())
            rows.append(
                (f"{run.task} ({run.layout})", run.encoder, run.method, self._mark([run], words))
            )
        head = ("task", "encoder", "method", "here, in %")
        return PrintedTable("Runs of this project that are in no table above", head, tuple(rows))

    def _runs(self, column: paper.Column, family: str) -> list[OwnRun]:
        return [
            run
            for run in self.found.runs
            if (run.task, run.layout, run.family) == (column.task, column.layout, family)
            and column.score in run.scores
        ]

    def _alexnet_runs(self) -> list[OwnRun]:
        return self._runs(paper.TABLE_1.columns[0], "alexnet")

    def _row(self, row: paper.ReportedRow, runs: Sequence[OwnRun]) -> tuple[str, ...]:
        return row.label, row.values[0], self._cell(runs, "miou")

    def _cell(self, runs: Sequence[OwnRun], score: str) -> str:
        if not runs:
            return _NONE
        values = [100 * run.scores[score] for run in runs]
        words = f"{statistics.fmean(values):.1f}"
        if len(values) > 1:
            words += f" ± {statistics.stdev(values):.1f}"
        return self._mark(runs, words)

    def _mark(self, runs: Sequence[OwnRun], words: str) -> str:
        self.shown += [run for run in runs if run not in self.shown]
        return f"{words} [{', '.join(str(self.shown.index(run) + 1) for run in runs)}]"


def _head(columns: Iterable[paper.Column]) -> tuple[str, ...]:
    pairs = ((f"{column.title}: reported", "here") for column in columns)
    return "method", *(title for pair in pairs for title in pair)


def _figure(title: str, rows: Iterable[tuple[str, ...]], notes: Iterable[str]) -> PrintedTable:
    return PrintedTable(title, ("", "reported", "here"), tuple(rows), _notes(notes))


def _notes(notes: Iterable[str]) -> tuple[str, ...]:
    made = tuple(f"{note}" for note in notes)
    return ("", *made) if made else ()


def print_all(found: Found) -> tuple[str, list[PrintedTable]]:
    """Return all that there is to print, and the tables of it."""
    printer = Printer(found)
    tables = printer.tables()
    lines = [
        "Figures are in %. Reported: by the paper. Here: this project's own runs, whose numbers in",
        "brackets are explained at the end; a dash where there is none.",
    ]
    for table in tables:
        lines += ["", *table.lines()]
    for comparison in found.comparisons:
        lines += [
            "",
            f"Comparison in {comparison.folder} ({comparison.facts})",
            "",
            comparison.text,
        ]
    lines += ["", "Runs of this project", "", *(printer.run_lines() or ["None was found."])]
    return "\n".join(lines), tables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 0 done, 1 failed on the input."""
    parser = argparse.ArgumentParser(
        prog="python -m train.eval.tables",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs", type=Path, nargs="+", default=[Path("runs")], help="folders to search for runs"
    )
    parser.add_argument("--json", type=Path, help="also write the tables to this file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    missing = [folder for folder in options.runs if not folder.is_dir()]
    if missing and options.runs != parser.get_default("runs"):
        sys.stderr.write(f"There is no folder {missing[0]}; give folders of runs with --runs.\n")
        return 1
    text, tables = print_all(find(options.runs))
    print(text)
    if options.json is not None:
        values = [
            {"title": table.title, "head": table.head, "rows": table.rows} for table in tables
        ]
        options.json.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
