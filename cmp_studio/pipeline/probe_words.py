"""What the numbers and columns of probes are called, for people."""

from __future__ import annotations

import re
from typing import Final

from cmp_engine.sentences import Sentence

_WORDS: Final = (
    Sentence("pull x"),
    Sentence("pull y"),
    Sentence("at point u"),
    Sentence("at point v"),
    Sentence("at point magnitude"),
    Sentence("at point angle"),
    Sentence("longest"),
    Sentence("rigid share"),
    Sentence("mean follow"),
    Sentence("mean agreement"),
    Sentence("pulls"),
    Sentence("mean follow of rigid part"),
    Sentence("kind"),
    Sentence("center x"),
    Sentence("center y"),
    Sentence("turning share"),
    Sentence("residual share"),
    Sentence("angle"),
    Sentence("strongest angle"),
    Sentence("strongest translation x"),
    Sentence("strongest translation y"),
    Sentence("strongest residual"),
    Sentence("strongest residual share"),
    Sentence("strongest divergence"),
    Sentence("strongest curl"),
    Sentence("saturates at"),
    Sentence("best gain"),
    Sentence("last gain"),
    Sentence("longest pull"),
    Sentence("pull"),
    Sentence("at point"),
    Sentence("region"),
    Sentence("moving share"),
    Sentence("pulled"),
    Sentence("parts"),
    Sentence("probes"),
    Sentence("mean confidence"),
    Sentence("number"),
    Sentence("eigenvalue"),
    Sentence("arrows"),
    Sentence("distance to all"),
    Sentence("mean distance"),
    Sentence("largest distance"),
    Sentence("differing share"),
    Sentence("overlap"),
    Sentence("mean turn"),
    Sentence("line"),
    Sentence("level"),
    Sentence("distance"),
    Sentence("value"),
    Sentence("length"),
    Sentence("along"),
    Sentence("across"),
    Sentence("x"),
    Sentence("y"),
    Sentence("u"),
    Sentence("v"),
)
_KNOWN: Final = {
    **{str(words).replace(" ", "_"): words for words in _WORDS},
    "follows_by_half_share": Sentence("follows by half"),
}

KIND_WORDS: Final = {
    "shift": Sentence("shift"),
    "rotate": Sentence("rotate"),
    "still": Sentence("still"),
}
"""What a part may do when it is pulled."""

AS_FAR: Final = Sentence("as far as pulled")
WHO_FOLLOWS: Final = Sentence("who follows")
WHO_IS_PULLED: Final = Sentence("who is pulled")


def name_words(name: str) -> Sentence:
    """Return what a number or a column is called, without its unit.

    Args:
        name: As in files: ``turning_share``, ``pull_px``, ``part_3_share``, ``1_pulls_2``.
    """
    name = name.removesuffix("_degrees").removesuffix("_px")
    if name in _KNOWN:
        return _KNOWN[name]
    if match := re.fullmatch(r"part_(\d+)_share", name):
        return Sentence("part {number} share", number=match[1])
    if match := re.fullmatch(r"(\d+)_pulls_(\d+)", name):
        return Sentence("{one} pulls {other}", one=match[1], other=match[2])
    if match := re.fullmatch(r"moving_share_(\d+)", name):
        return Sentence("moving share {number}", number=match[1])
    if match := re.fullmatch(r"to_last_(\d+)", name):
        return Sentence("to last {number}", number=match[1])
    return Sentence(name.replace("_", " "))
