"""A list of pictures to probe: a CSV file with a row for each."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from pathlib import Path

from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.experiment import Pair


@dataclass(frozen=True, slots=True)
class ProbedPicture:
    """One row of a list.

    Attributes:
        image: Path of the picture.
        points: Places to probe, px of the picture; none for probes that need none.
        line: Number of the row's line in the list.
    """

    image: Path
    points: tuple[Pair, ...]
    line: int


def read_probe_list(path: Path) -> tuple[list[ProbedPicture], list[str]]:
    """Return the rows of a list, and a sentence for each row that makes no sense.

    The list is a CSV file with the columns ``image`` and, if wanted, ``at``. Places are
    ``X,Y X,Y``, so they stand in quotes. Pictures without a folder lie beside the list.

    Raises:
        ExperimentError: The file can't be read, or has no such columns or no rows.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ExperimentError("There is no file {path}; check the name.", path=path) from error
    except OSError as error:
        raise ExperimentError(
            "{path} can't be read: {reason}.", path=path, reason=error.strerror or error
        ) from error
    except UnicodeDecodeError as error:
        raise ExperimentError(
            "{path} is no text in UTF-8; save the list as CSV.", path=path
        ) from error
    reader = csv.DictReader(io.StringIO(text))
    if "image" not in {(name or "").strip() for name in reader.fieldnames or ()}:
        raise ExperimentError(
            "The list {path} should begin with the columns image,at, got {found}.",
            path=path,
            found=",".join(reader.fieldnames or ()) or "nothing",
        )
    rows: list[ProbedPicture] = []
    failures: list[str] = []
    for raw in reader:
        row = {(name or "").strip(): value or "" for name, value in raw.items() if name}
        line = reader.line_num
        try:
            image = path.parent / row["image"].strip()
            rows.append(ProbedPicture(image, _places(row.get("at", "")), line))
        except ValueError as error:
            failures.append(f"Line {line} of {path.name}: {error}")
    if not rows and not failures:
        raise ExperimentError("The list {path} has no rows; add one for each picture.", path=path)
    return rows, failures


def _places(text: str) -> tuple[Pair, ...]:
    places = []
    for word in text.replace(";", " ").split():
        try:
            x, y = (float(part) for part in word.split(","))
        except ValueError:
            raise ValueError(f"{word!r} should be a place X,Y such as 320,200.") from None
        if not (math.isfinite(x) and math.isfinite(y)):
            raise ValueError(f"{word!r} should be a place of two finite numbers.")
        places.append((x, y))
    return tuple(places)
