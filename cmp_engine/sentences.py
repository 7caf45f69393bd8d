"""Sentences that remember how they were made, so that a program can say them in another language.

The engine speaks English. What it says is a template with named values, and both stay with the
finished sentence; a program that knows a translation of the template fills it in anew.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["Sentence", "SentenceError"]


class Sentence(str):
    """A sentence, or a part of one, in English.

    Args:
        template: With a field for each value, as for `str.format`; taken as it is where there are
            no values. A `Sentence` stays what it is.
        values: By name. One that is a sentence itself, or an error of a package of this project,
            can be translated, too.

    Attributes:
        template: Before the values were filled in.
        values: By name.
    """

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, object]

    def __new__(cls, template: str = "", /, **values: object) -> Sentence:
        """Fill the values in."""
        if isinstance(template, Sentence) and not values:
            return template
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = values
        return made


class SentenceError(Exception):
    """An error that says a `Sentence`.

    Attributes:
        template: The message before the values were filled in.
        values: By name.
    """

    def __init__(self, template: str = "", /, **values: object) -> None:
        sentence = Sentence(template, **values)
        super().__init__(str(sentence))
        self.template = sentence.template
        self.values = sentence.values
