import json
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from cmp_engine.errors import Cancelled, GuidanceError
from cmp_engine.flow_io import read_flow
from cmp_engine.image_io import read_image
from cmp_studio.pipeline import probe_files, probe_plots
from cmp_studio.pipeline.errors import ExperimentError
from cmp_studio.pipeline.experiment import (
    KINDS,
    Experiment,
    changed_numbers,
    load_experiment,
    run_experiment,
    save_experiment,
)
from cmp_studio.pipeline.findings import Table
from cmp_studio.pipeline.probe_files import write_findings
from tests.cmp_studio.fakes import FakePredictor

IMAGE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


@pytest.fixture
def predictor():
    fake = FakePredictor()
    fake.set_image(IMAGE)
    return fake


@pytest.fixture
def everything(tmp_path):
    """An experiment with every probe in it."""
    return Experiment(
        kinds=KINDS,
        picture=str(tmp_path / "photo.png"),
        picture_sha256="12ab",
        weights="default",
        weights_sha256="34cd",
        points=((20.0, 20.0), (40.0, 30.0)),
        pull=(6.0, 2.0),
        arrows=((20.0, 20.0, 5.0, 0.0), (40.0, 30.0, 0.0, 5.0)),
        other_arrows=((20.0, 20.0, 0.0, 5.0),),
        directions=4,
        lengths=(3.0, 6.0),
        probes=20,
        parts=3,
        max_side=32,
    )


def test_experiment_when_run_then_answers_each_probe_in_order(everything, predictor):
    steps = []
    findings = run_experiment(
        everything, predictor, progress=lambda done, total: steps.append((done, total))
    )
    assert [finding.kind for finding in findings] == list(KINDS)
    assert all(finding.sentence.endswith(".") for finding in findings)
    assert steps[0] == (1, 1)
    numbers = {finding.kind: finding.numbers for finding in findings}
    assert numbers["parts"]["parts"] == 3
    assert numbers["rigidity"]["pulls"] == 8
    assert set(numbers["influence"]) == {f"{a}_pulls_{b}" for a in (1, 2) for b in (1, 2)}
    assert numbers["compare"]["mean_distance"] > 0
    json.dumps(numbers, allow_nan=False)


def test_experiment_when_cancelled_then_stops(everything, predictor):
    with pytest.raises(Cancelled):
        run_experiment(everything, predictor, cancelled=lambda: True)


def test_experiment_when_saved_and_loaded_then_is_the_same(everything, predictor, tmp_path):
    path = tmp_path / "experiment.json"
    findings = run_experiment(everything, predictor)
    save_experiment(everything, findings, path)
    assert json.loads(path.read_text())["experiment"]["picture"] == "photo.png"  # can be moved
    saved = load_experiment(tmp_path)
    assert saved.experiment == everything
    assert changed_numbers(saved.numbers, run_experiment(saved.experiment, predictor)) == []


def test_changed_numbers_when_asked_otherwise_then_names_what_differs(everything, predictor):
    one = replace(everything, kinds=("response",))
    before = run_experiment(one, predictor)
    saved = {finding.kind: finding.numbers for finding in before}
    after = run_experiment(replace(one, pull=(0.0, 9.0)), predictor)
    assert "response pull_x: 6.0 before, 0.0 now" in changed_numbers(saved, after)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ()}, "Say what to probe"),
        ({"kinds": ("flavour",)}, "no probe 'flavour'"),
        ({"points": ()}, "needs a point"),
        ({"points": ((1.0, 2.0),), "kinds": ("influence",)}, "at least two points, got 1"),
        ({"arrows": (), "kinds": ("sufficiency",)}, "needs at least one arrow"),
        ({"other_arrows": (), "kinds": ("compare",)}, "needs a B"),
    ],
)
def test_experiment_when_something_is_missing_then_says_what(everything, change, message):
    with pytest.raises(ExperimentError, match=message):
        replace(everything, **change)


def test_experiment_when_a_point_is_outside_then_says_so(everything, predictor):
    outside = replace(everything, points=((70.0, 5.0),), kinds=("rigidity",))
    with pytest.raises(GuidanceError, match="outside of the picture"):
        run_experiment(outside, predictor)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no experiment"),
        ("[]", "no experiment of this program"),
        ('{"format": "cmp-studio experiment", "version": 9}', "version 9"),
        ('{"format": "cmp-studio experiment", "version": 1}', "damaged"),
        (
            '{"format": "cmp-studio experiment", "version": 1, "numbers": {}, '
            '"experiment": {"colour": 1}}',
            "unknown fields colour",
        ),
        (
            '{"format": "cmp-studio experiment", "version": 1, "numbers": {}, '
            '"experiment": {"points": [["left", 3]]}}',
            "points is",
        ),
    ],
)
def test_load_when_the_file_is_something_else_then_says_so(tmp_path, text, message):
    path = tmp_path / "experiment.json"
    path.write_text(text)
    with pytest.raises(ExperimentError, match=message):
        load_experiment(path)


def test_load_when_there_is_no_file_then_says_so(tmp_path):
    with pytest.raises(ExperimentError, match="There is no experiment at"):
        load_experiment(tmp_path / "none.json")


# Files


def test_files_when_written_then_every_kind_is_there_and_reads_back(
    everything, predictor, tmp_path
):
    few = replace(everything, kinds=("response", "influence", "parts"))
    findings = run_experiment(few, predictor)
    folder = tmp_path / "out"
    paths = write_findings(folder, few, findings, IMAGE)
    assert sorted(folder.iterdir()) == sorted(paths)
    flow, known = read_flow(folder / "response_flow.flo")
    np.testing.assert_array_equal(flow, findings[0].flows["flow"])
    assert known is None
    with np.load(folder / "parts.npz") as arrays:
        np.testing.assert_array_equal(arrays["parts"], findings[2].labels["parts"])
    for path in paths:
        if path.suffix == ".png":
            assert min(read_image(path).shape[:2]) >= 500
    lines = (folder / "numbers.csv").read_text().splitlines()
    assert lines[0] == "probe,name,value"
    assert len(lines) == 1 + sum(len(finding.numbers) for finding in findings)


def test_report_when_written_then_stands_alone(everything, predictor, tmp_path):
    picture = str(tmp_path / "<b>photo.png")
    strange = replace(everything, picture=picture, kinds=("response", "influence"))
    findings = run_experiment(strange, predictor)
    write_findings(tmp_path, strange, findings, IMAGE)
    page = (tmp_path / "report.html").read_text()
    assert "&lt;b&gt;photo.png" in page
    assert "<b>photo" not in page
    assert 'src="data:image/jpeg;base64,' in page
    assert not re.search(r"(src|href|url)\W{1,3}(https?:)?//", page)
    assert "12ab" in page
    assert "34cd" in page
    assert "who follows" in page[page.index("<svg") :]
    assert "rows are in response_isolines.csv" in page


def test_plot_when_drawn_then_is_svg_and_repeatable():
    table = Table(("pull_px", "at_point_px", "moving_share"), ((1, 0.5, 0.1), (2, 0.9, 0.2)))
    first, again = probe_plots.plot_table(table), probe_plots.plot_table(table)
    assert first.startswith("<svg")
    assert first == again
    matrix = probe_plots.plot_table(Table(("pulled", "1"), (("1", 0.5),), "matrix"))
    assert "who follows" in matrix


def test_plot_when_drawn_as_pixels_then_has_the_size_and_says_where_its_axes_are():
    table = Table(("pull_px", "at_point_px"), ((1, 0.5), (2, 0.9), (3, 0.9)), mark=2)
    dark = probe_plots.PlotLook("#222222", "#ececec", "#383838")
    plot = probe_plots.plot_pixels(table, (400, 200), ratio=1.0, look=dark)
    assert plot.pixels.shape == (200, 400, 4)
    assert plot.pixels[0, 0].tolist() == [0x22, 0x22, 0x22, 255]
    left, top, width, height = plot.axes
    assert 0 < left < left + width <= 400
    assert 0 < top < top + height <= 200
    assert plot.x_range[0] < 1 < 3 < plot.x_range[1]


def test_files_when_the_folder_is_a_file_then_says_so(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(ExperimentError, match="is a file, and a folder is expected"):
        probe_files.make_folder(path)


def test_files_when_the_parent_is_missing_then_says_so(tmp_path):
    with pytest.raises(ExperimentError, match="does not exist"):
        probe_files.make_folder(tmp_path / "none" / "out")


def test_pictures_when_arrows_are_given_then_each_flow_shows_its_own(everything, predictor):
    from cmp_studio.pipeline.probe_pictures import finding_pictures

    (finding,) = run_experiment(replace(everything, kinds=("sufficiency",)), predictor)
    assert {name: len(arrows) for name, arrows in finding.arrows_of.items()} == {
        "flow_1": 1,
        "flow_2": 2,
    }
    pictures = dict(finding_pictures(finding, IMAGE))
    assert set(pictures) == {"flow_1", "flow_2"}
    assert all(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).std() > 1 for picture in pictures.values())
