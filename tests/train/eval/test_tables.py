"""The paper's tables beside runs on disk: each run stands where it belongs, and only there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cmp_engine.config import preset
from train.eval import paper_tables as paper
from train.eval.own_runs import find
from train.eval.tables import main


def write_run(folder: Path, scores: dict, *, task="voc", layout="voc", network="alexnet_plain",
              method="cmp", recipe=None, config=None, partner=None) -> None:  # fmt: skip
    """Leave what a run of a task leaves."""
    description = json.loads(preset(network).to_json()) | (config or {})
    metadata = {"data": "pairs of clips", "steps": "140000", "hours": "30.00"}
    metadata |= {"recipe": json.dumps(recipe)} if recipe is not None else {}
    encoder = {"method": method, "weights": f"runs/{method}", "sha256": "", "config": description,
               "metadata": metadata}  # fmt: skip
    values = {
        "task": task, "data": "10582 pictures, judged on 1449", "encoder": encoder,
        "recipe": {"data": {"layout": layout}}, "scores": scores, "step": 20000, "hours": 6.5,
        "commit": "abc1234", "device": "a GPU",
    }  # fmt: skip
    name = "scores.json"
    if partner is not None:
        values["with"] = {"encoder": encoder | {"method": partner, "weights": partner}}
        name = "ensemble.json"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(json.dumps(values))


def printed(runs: Path, tmp_path: Path) -> dict[str, dict[str, list[str]]]:
    """Return the cells of each table by the first words of its title and of the row."""
    out = tmp_path / "tables.json"
    assert main(["--runs", str(runs), "--json", str(out)]) == 0
    return {
        table["title"].partition(".")[0]: {row[0]: row[1:] for row in table["rows"]}
        for table in json.loads(out.read_text())
    }


def test_tables_when_there_are_no_runs_then_the_reported_figures_alone(tmp_path, capsys):
    (tmp_path / "runs").mkdir()
    tables = printed(tmp_path / "runs", tmp_path)
    assert list(tables) == [
        "Table 1", "Table 2", "Table 3", "Table 4", "Figure 4", "Figure 5, left", "Figure 5, right",
    ]  # fmt: skip
    assert tables["Table 1"]["CMP (ours)"] == ["44.5", "-"]
    assert tables["Table 2"]["Walker [31]"] == ["54.5", "-", "31.5", "-", "29.2", "-"]
    assert tables["Table 3"]["CMP⋆ (ours)"] == ["42.9", "-", "55.8", "-"]
    assert tables["Table 4"]["CMP (ours)"] == ["unsupervised", "10.2 s", "0/170", "yes", "yes"]
    assert tables["Figure 5, left"]["{1}"] == ["drawn", "-"]
    assert "None was found." in capsys.readouterr().out


def test_reported_figures_when_summed_then_those_of_the_paper():
    """Sums over the paper's columns: a slip in one figure shows."""
    columns = [
        [float(row.values[index]) for row in table.rows]
        for table in paper.TABLES
        for index in range(len(table.columns))
    ]
    assert [len(column) for column in columns] == [16, 5, 5, 5, 6, 6]
    sums = [round(sum(column), 1) for column in columns]
    assert sums == [603.6, 279.5, 148.4, 137.7, 231.4, 302.5]


def test_run_when_as_in_the_paper_then_in_its_table_with_commit_data_and_hours(tmp_path, capsys):
    runs = tmp_path / "runs"
    write_run(runs / "a", {"miou": 0.4321, "iou/cat": 0.5})
    write_run(runs / "b", {"miou": 0.2}, method="random")
    resnet = {"network": "resnet50_plain"}
    write_run(runs / "c", {"box_ap": 0.301, "mask_ap": 0.28}, task="coco", layout="coco", **resnet)
    write_run(runs / "d", {"miou": 0.4}, task="lip", layout="lip", **resnet)
    write_run(runs / "d", {"miou": 0.41}, task="lip", layout="lip", partner="imagenet", **resnet)
    write_run(runs / "e", {"miou": 0.51}, task="lip", layout="cihp", method="pathak", **resnet)
    tables = printed(runs, tmp_path)
    assert tables["Table 1"]["CMP (ours)"] == ["44.5", "43.2 [2]"]
    assert tables["Table 1"]["Random"] == ["19.8", "20.0 [1]"]
    assert tables["Table 2"]["CMP (ours)"] == ["59.0", "-", "32.3", "30.1 [3]", "29.8", "28.0 [3]"]
    assert tables["Table 3"]["CMP (ours)"] == ["40.2", "40.0 [5]", "52.9", "-"]
    assert tables["Table 3"]["CMP⋆ (ours)"] == ["42.9", "41.0 [6]", "55.8", "-"]
    assert tables["Table 3"]["Pathak [28]"] == ["36.6", "-", "50.9", "51.0 [4]"]
    assert not any("no table" in title for title in tables)
    line = next(x for x in capsys.readouterr().out.splitlines() if x.startswith("[2]"))
    for word in (str(runs / "a"), "abc1234", "10582 pictures", "6.50 h", "pairs of clips", "30.00"):
        assert word in line


def test_runs_when_of_several_seeds_then_mean_and_deviation(tmp_path):
    for seed, value in enumerate((0.40, 0.42, 0.44)):
        write_run(tmp_path / "runs" / str(seed), {"miou": value})
    cell = printed(tmp_path / "runs", tmp_path)["Table 1"]["CMP (ours)"][1]
    assert cell == "42.0 ± 2.0 [1, 2, 3]"


def test_run_when_an_ablation_then_in_its_figure_and_in_no_table(tmp_path):
    runs = tmp_path / "runs"
    guidance = {"sampler": "watershed", "kernel": 25, "grid_stride": 64}
    write_run(runs / "points", {"miou": 0.43}, recipe={"guidance": guidance})
    write_run(runs / "none", {"miou": 0.39}, method="walker", recipe={"objective": "walker"})
    write_run(runs / "strides", {"miou": 0.41}, config={"propagation_strides": [1]})
    write_run(runs / "data", {"miou": 0.38}, recipe={"data": {"fraction": 0.196}})
    tables = printed(runs, tmp_path)
    assert tables["Table 1"]["CMP (ours)"] == ["44.5", "-"]
    assert tables["Table 1"]["Walker et al. [31]†, flow prediction"] == ["40.4", "39.0 [1]"]
    figure = tables["Figure 4"]
    assert figure["0 points (Walker et al. [31])"] == ["40.4", "39.0 [1]"]
    assert figure["13.5 points (K = 81, G = 200), the peak"] == ["44.5", "-"]
    assert figure["K = 25, G = 64"] == ["-", "43.0 [2]"]
    assert tables["Figure 5, left"]["{1}"] == ["drawn", "41.0 [3]"]
    assert tables["Figure 5, left"]["{1,2,4}, the best"] == ["44.5", "-"]
    assert tables["Figure 5, right"]["0.63, 1/2 YFCC"] == ["drawn", "38.0 [4]"]


def test_run_when_of_another_encoder_then_listed_on_its_own(tmp_path):
    write_run(tmp_path / "runs" / "a", {"miou": 0.3}, config={"image_encoder": "resnet18"})
    tables = printed(tmp_path / "runs", tmp_path)
    assert tables["Runs of this project that are in no table above"] == {
        "voc (voc)": ["resnet18", "cmp", "miou 30.0 [1]"]
    }
    assert tables["Table 1"]["CMP (ours)"] == ["44.5", "-"]


def test_reports_when_of_plans_or_clicks_then_printed_with_what_is_known(tmp_path, capsys):
    runs = tmp_path / "runs"
    (runs / "small").mkdir(parents=True)
    (runs / "small" / "report.md").write_text("| CMP | 12.5 |")
    known = {"commits": ["abc"], "machine": "2 cores", "minutes of fine-tuning": 61.0}
    (runs / "small" / "results.json").write_text(json.dumps(known))
    clicks = {"colors": {"ious": {"1": 0.4}, "clicks_to": {"0.85": 6}, "failures": {"0.85": 0.15}}}
    (runs / "clicks.json").write_text(json.dumps(clicks))
    assert main(["--runs", str(runs)]) == 0
    text = capsys.readouterr().out
    assert "| CMP | 12.5 |" in text
    assert "commit abc; 2 cores; 61 min of fine-tuning" in text
    assert "never reach 85 % IoU: colors 15.0 %" in text


def test_file_when_damaged_then_named_and_the_others_shown(tmp_path, caplog):
    write_run(tmp_path / "a", {"miou": 0.4})
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "scores.json").write_text('{"task": ')
    found = find([tmp_path])
    assert len(found.runs) == 1
    assert "b/scores.json is left out" in caplog.text


def test_folder_when_missing_then_one_sentence(tmp_path, capsys):
    assert main(["--runs", str(tmp_path / "nowhere")]) == 1
    assert "There is no folder" in capsys.readouterr().err


@pytest.mark.parametrize("recipe", [None, {"guidance": {"sampler": "watershed"}}])
def test_run_when_its_weights_tell_little_then_counts_as_the_papers(tmp_path, recipe):
    write_run(tmp_path / "a", {"miou": 0.4}, recipe=recipe)
    assert find([tmp_path]).runs[0].is_paper
