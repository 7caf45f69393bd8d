"""Reading JSON values that nobody vouches for: every field is asked for by type and checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TypeAlias, TypeVar

from cmp_studio.document.errors import SceneFileError
from cmp_studio.document.tracks import Point

JsonObject: TypeAlias = dict[str, object]

_ChoiceT = TypeVar("_ChoiceT", bound=str)


class JsonReader:
    """A JSON object whose fields are asked for by type; the wrong type is a sentence.

    Args:
        values: What was read.
        where: What it is, for the sentence.
        file: What kind of file it is from, for the sentence.
    """

    def __init__(self, values: object, where: str, *, file: str = "scene file") -> None:
        if not isinstance(values, Mapping):
            raise SceneFileError(
                "The {file} is damaged: {where} must be an object.", file=file, where=where
            )
        self._values = values
        self._where = where
        self._file = file

    def only(self, *names: str) -> None:
        """Refuse fields with other names."""
        unknown = sorted(str(name) for name in self._values if name not in names)
        if unknown:
            raise SceneFileError(
                "The {file} is damaged: {where} has the unknown field {unknown!r}.",
                file=self._file,
                where=self._where,
                unknown=unknown[0],
            )

    def value(self, name: str) -> object:
        """Return a field of any type."""
        if name not in self._values:
            raise SceneFileError(
                "The {file} is damaged: {where} lacks {name!r}.",
                file=self._file,
                where=self._where,
                name=name,
            )
        return self._values[name]

    def child(self, name: str) -> JsonReader:
        """Return a field that is an object."""
        return JsonReader(self.value(name), f"{name!r} of {self._where}", file=self._file)

    def items(self, name: str, limit: int) -> list[object]:
        """Return a field that is a list of at most ``limit`` items."""
        value = self.value(name)
        if not isinstance(value, list) or len(value) > limit:
            raise self._wrong(name, f"a list of at most {limit} items")
        return value

    def text(self, name: str) -> str:
        """Return a field that is text."""
        value = self.value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def flag(self, name: str) -> bool:
        """Return a field that is true or false."""
        value = self.value(name)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def integer(self, name: str) -> int:
        """Return a field that is a whole number."""
        value = self.value(name)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**53:
            raise self._wrong(name, "a whole number of 0 or more")
        return value

    def number(self, name: str) -> float:
        """Return a field that is a finite number."""
        number = number_of(self.value(name))
        if number is None:
            raise self._wrong(name, "a finite number")
        return number

    def choice(self, name: str, choices: tuple[_ChoiceT, ...]) -> _ChoiceT:
        """Return a field that is one of ``choices``."""
        value = self.value(name)
        for choice in choices:
            if value == choice:
                return choice
        raise self._wrong(name, f"one of {', '.join(choices)}")

    def point(self, value: object) -> Point:
        """Return an item that is a point."""
        x, y = self.numbers("points", value, 2, "pairs [x, y] of finite numbers")
        return x, y

    def numbers(self, name: str, value: object, count: int, wanted: str) -> tuple[float, ...]:
        """Return an item of field ``name`` that is a list of so many finite numbers."""
        if isinstance(value, list) and len(value) == count:
            numbers = [number_of(item) for item in value]
            found = tuple(number for number in numbers if number is not None)
            if len(found) == count:
                return found
        raise self._wrong(name, wanted)

    def numbers_of(self, name: str, limit: int) -> tuple[float, ...]:
        """Return a field that is a list of at most ``limit`` finite numbers."""
        value = self.items(name, limit)
        return self.numbers(name, value, len(value), "a list of finite numbers")

    def _wrong(self, name: str, wanted: str) -> SceneFileError:
        came = repr(self.value(name))
        came = came if len(came) <= 60 else f"{came[:57]}..."
        return SceneFileError(
            "The {file} is damaged: {name!r} of {where} must be {wanted}, got {came}.",
            file=self._file,
            name=name,
            where=self._where,
            wanted=wanted,
            came=came,
        )


def number_of(value: object) -> float | None:
    """Return a finite number as a float, or None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
