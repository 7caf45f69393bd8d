from typing import get_args

import pytest

from cmp_studio.document.scene import LoopMode
from cmp_studio.document.tracks import Easing, Repeat, make_arrow, make_pin
from cmp_studio.services.wording import (
    EASING_NAMES,
    LOOP_HINTS,
    LOOP_NAMES,
    REPEAT_NAMES,
    clock_text,
    duration_text,
    sentence_of,
    tracks_title,
)


def test_names_when_a_choice_exists_then_it_has_words():
    assert set(EASING_NAMES) == set(get_args(Easing))
    assert set(REPEAT_NAMES) == set(get_args(Repeat))
    assert set(LOOP_NAMES) == set(LOOP_HINTS) == set(get_args(LoopMode))


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00.0"), (1.24, "0:01.2"), (59.96, "1:00.0"), (75.5, "1:15.5")]
)
def test_clock_text_when_formatted_then_minutes_seconds_tenths(seconds, text):
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.2, "0 s"), (59, "59 s"), (130, "2 min 10 s"), (3900, "1 h 5 min")]
)
def test_duration_text_when_formatted_then_rough(seconds, text):
    assert duration_text(seconds) == text


def test_tracks_title_when_one_several_or_mixed_then_named():
    arrow, pin = make_arrow((0, 0), (1, 1)), make_pin((0, 0))
    assert tracks_title([arrow]) == "arrow"
    assert tracks_title([pin, pin]) == "2 pins"
    assert tracks_title([arrow, pin]) == "2 tracks"


def test_sentence_of_when_an_error_says_nothing_then_its_kind():
    assert sentence_of(ValueError("First.\nSecond.")) == "First."
    assert sentence_of(KeyError()) == "Something went wrong (KeyError)."
