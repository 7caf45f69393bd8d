import ast
from pathlib import Path

import pytest

from cmp_studio.pipeline import probe_finders, probe_readout
from cmp_studio.pipeline.probe_words import name_words


def names_in(module):
    """Names of the numbers and columns that a module writes out."""
    found = set()
    for node in ast.walk(ast.parse(Path(module.__file__).read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "id", "")
        if name == "_rounded":
            found |= {keyword.arg for keyword in node.keywords if keyword.arg is not None}
        elif name in ("Table", "_table") and isinstance(node.args[0], ast.Tuple):
            columns = node.args[0].elts
            found |= {column.value for column in columns if isinstance(column, ast.Constant)}
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "columns":
            found |= {column.value for column in getattr(node.value, "elts", ())}
    return found


def test_name_words_when_a_probe_writes_a_name_then_it_is_known():
    names = names_in(probe_finders) | names_in(probe_readout)
    assert {"turning_share", "pull_px", "eigenvalue", "u_px", "distance_px"} <= names
    plain = {name.removesuffix("_px").removesuffix("_degrees") for name in names}
    plain.discard("follows_by_half_share")
    assert {name for name in plain if str(name_words(name)) != name.replace("_", " ")} == set()
    known = ast.parse(Path(name_words.__code__.co_filename).read_text(encoding="utf-8"))
    literals = {node.value for node in ast.walk(known) if isinstance(node, ast.Constant)}
    assert {name for name in plain if name.replace("_", " ") not in literals} == set()


@pytest.mark.parametrize(
    ("name", "words", "template"),
    [
        ("follows_by_half_share", "follows by half", "follows by half"),
        ("part_12_share", "part 12 share", "part {number} share"),
        ("1_pulls_12", "1 pulls 12", "{one} pulls {other}"),
        ("moving_share_3", "moving share 3", "moving share {number}"),
        ("to_last_3", "to last 3", "to last {number}"),
        ("mean_turn_degrees", "mean turn", "mean turn"),
        ("of_another_program", "of another program", "of another program"),
    ],
)
def test_name_words_when_a_name_holds_numbers_then_its_template_is_one_for_all(
    name, words, template
):
    found = name_words(name)
    assert (found, found.template) == (words, template)
