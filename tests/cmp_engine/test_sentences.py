import copy
import pickle

import pytest

from cmp_engine.errors import EngineError, ImageError
from cmp_engine.partial_file import describe_os_error
from cmp_engine.sentences import Sentence
from cmp_studio.document.errors import MaskError
from cmp_studio.pipeline.errors import PipelineError


def test_sentence_when_made_then_it_is_text_and_knows_how():
    sentence = Sentence("{name} has {count:,} px; {what!r}", name="a.png", count=12000, what="no")
    assert sentence == "a.png has 12,000 px; 'no'"
    assert sentence.template == "{name} has {count:,} px; {what!r}"
    assert sentence.values == {"name": "a.png", "count": 12000, "what": "no"}
    assert Sentence(sentence) is sentence


def test_sentence_when_it_has_no_values_then_braces_are_braces():
    assert Sentence("{not a field}") == "{not a field}"
    assert Sentence("{not a field}").values == {}


def test_sentence_when_copied_or_pickled_then_the_same():
    sentence = Sentence("{name} is empty.", name="a.png")
    for again in (copy.deepcopy(sentence), pickle.loads(pickle.dumps(sentence))):
        assert again == sentence
        assert (again.template, again.values) == (sentence.template, sentence.values)


@pytest.mark.parametrize("kind", [EngineError, ImageError, MaskError, PipelineError])
def test_error_when_raised_then_says_the_sentence_and_knows_its_template(kind):
    error = kind("{name} is too large ({size:.1f} MB).", name="a.png", size=7.25)
    assert str(error) == "a.png is too large (7.2 MB)."
    assert error.template == "{name} is too large ({size:.1f} MB)."
    assert error.values == {"name": "a.png", "size": 7.25}
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.template) == (kind, str(error), error.template)
    assert again.values == error.values
    assert str(kind("50 % of {a}")) == "50 % of {a}"
    assert str(kind()) == ""


@pytest.mark.parametrize("kind", [ImageError, PipelineError])
def test_error_when_made_of_a_sentence_then_takes_its_template(kind, tmp_path):
    sentence = describe_os_error(OSError(28, "full"), tmp_path / "a.png")
    error = kind(sentence)
    assert str(error) == sentence
    assert error.template == sentence.template
    assert error.values["name"] == "a.png"
