"""From a run to a file of weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from cmp_engine.build import build_network
from cmp_engine.weights import load_model
from train.config import load_recipe
from train.release import main
from train.train_state import new_state, save_state

TINY = Path(__file__).parents[2] / "train" / "configs" / "tiny.toml"


def test_release_when_a_run_is_there_then_its_averaged_weights_with_what_is_known(tmp_path):
    recipe = load_recipe(TINY)
    state = new_state(build_network(recipe.model), recipe, torch.device("cpu"))
    state.step, state.seconds = 7, 5400.0
    with torch.no_grad():
        for parameter in state.network.parameters():
            parameter.add_(1.0)
    save_state(state, recipe, tmp_path / "state.pt")
    scores, out = tmp_path / "scores.json", tmp_path / "made.safetensors"
    scores.write_text('{"balanced": 1.5}')

    assert main([str(tmp_path), "--out", str(out), "--scores", str(scores)]) == 0

    model = load_model(out)
    known = model.info.metadata
    assert known["steps"] == "7"
    assert known["hours"] == "1.50"
    assert "synthetic puppet scenes" in known["data"]
    assert json.loads(known["scores"]) == {"balanced": 1.5}
    assert json.loads(known["recipe"])["schedule"]["steps"] == recipe.schedule.steps
    assert known["commit"]
    assert state.ema is not None
    averaged = state.ema.state_dict()
    for name, tensor in model.network.state_dict().items():
        torch.testing.assert_close(tensor, averaged[name].half().float(), msg=name)


def test_release_when_there_is_no_run_then_says_so(tmp_path, capsys):
    assert main([str(tmp_path), "--out", str(tmp_path / "x.safetensors")]) == 1
    assert "state.pt is missing" in capsys.readouterr().err


def test_release_after_another_run_then_tells_of_both(tmp_path):
    recipe = load_recipe(TINY)
    for name, step, seconds in (("first", 5, 1800.0), ("second", 2, 3600.0)):
        state = new_state(build_network(recipe.model), recipe, torch.device("cpu"))
        state.step, state.seconds = step, seconds
        (tmp_path / name).mkdir()
        save_state(state, recipe, tmp_path / name / "state.pt")
    out = tmp_path / "made.safetensors"

    first, second = tmp_path / "first", tmp_path / "second"
    assert main([str(second), "--after", str(first), "--out", str(out)]) == 0

    known = load_model(out).info.metadata
    assert known["steps"] == "5 + 2"
    assert known["hours"] == "1.50"
    assert known["data"].count("synthetic puppet scenes") == 2
    assert known["recipe_before"] == known["recipe"]


def test_release_after_a_released_file_then_goes_on_counting_from_it(tmp_path):
    recipe = load_recipe(TINY)
    state = new_state(build_network(recipe.model), recipe, torch.device("cpu"))
    state.step, state.seconds = recipe.schedule.steps // 2, 1800.0
    save_state(state, recipe, tmp_path / "state.pt")
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert main([str(tmp_path), "--out", str(first)]) == 0

    assert main([str(tmp_path), "--after", str(first), str(tmp_path), "--out", str(second)]) == 0

    known, before = (load_model(path).info.metadata for path in (second, first))
    assert known["steps"] == " + ".join([before["steps"]] * 3)
    assert known["hours"] == "1.50"
    assert known["data"] == "; then ".join([before["data"]] * 3)
    # Half of the steps, so half of the pictures that the recipe names.
    pictures = sum(
        stage.batch * recipe.schedule.steps * (stage.until - start)
        for stage, start in zip(
            recipe.schedule.stages, [0.0, *(s.until for s in recipe.schedule.stages)], strict=False
        )
    )
    assert before["data"].startswith(f"{pictures / 2:.0f} synthetic puppet scenes")
    assert known["license"] == before["license"] == "MIT"
