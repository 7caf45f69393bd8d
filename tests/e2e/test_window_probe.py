"""The Probe mode for real: `main` starts the window, mouse and keys drive it, files come out."""

import json

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog

from cmp_engine.flow_io import read_flow
from cmp_engine.image_io import read_image
from cmp_studio.cli import main
from tests.e2e.window_driver import CTRL, run, use
from tests.e2e.window_driver import at_on as at
from tests.e2e.window_driver import click_on as click
from tests.e2e.window_driver import drag_on as drag

HEIGHT, WIDTH = 120, 160
RIGHT = Qt.MouseButton.RightButton


@pytest.mark.timeout(600)
def test_probe_mode_when_driven_through_all_views_then_each_answers_and_leaves_files(
    qapp, weights, disc, tmp_path, monkeypatch
):
    use(weights)
    found = {}
    folder = tmp_path / "experiment"

    def script(window):
        studio = window.studio
        prober = studio.prober
        yield lambda: studio.session.scene is not None and studio.preview.engine is not None
        QTest.keyClick(window.canvas, Qt.Key.Key_F4)
        yield lambda: studio.modes.current == "probe"
        page = window.modes.page
        canvas, panel = page.canvas, page.panel

        def is_settled():
            return prober.shown is not None and not prober.is_waiting and not prober.is_outdated

        def choose(number):
            QTest.keyClick(canvas, getattr(Qt.Key, f"Key_{number}"), CTRL)

        # The mouse alone pulls, and a drag says where to.
        QTest.mouseMove(canvas, at(canvas, 62, 60))
        QTest.mouseMove(canvas, at(canvas, 60, 60))
        yield is_settled
        assert prober.shown.finding.numbers["follows_by_half_share"] > 0
        before = canvas.grab().toImage()
        drag(canvas, (60, 60), (60, 80))
        yield is_settled
        assert prober.board.angle == pytest.approx(90, abs=4)
        assert canvas.grab().toImage() != before
        QTest.keyClick(canvas, Qt.Key.Key_Z, CTRL)
        assert prober.board.points == ()
        QTest.keyClick(canvas, Qt.Key.Key_Z, CTRL | Qt.KeyboardModifier.ShiftModifier)
        assert len(prober.board.points) == 1
        yield is_settled

        # A line of values, its plot, the quiver, a snapshot.
        QTest.keyClick(canvas, Qt.Key.Key_L)
        assert "Drag a line" in window.status.hint.text()
        drag(canvas, (10, 60), (150, 60))
        QTest.keyClick(canvas, Qt.Key.Key_L)
        QTest.keyClick(canvas, Qt.Key.Key_Q)
        yield lambda: page.plot.has_plot
        assert page.show_options.has_needles
        assert page.show_options.read((60, 60)).magnitude > 0
        QTest.keyClick(canvas, Qt.Key.Key_K)

        # Every other view.
        panel.pull.count.setValue(4)
        for number, name in ((2, "rigidity"), (3, "motion"), (4, "saturation")):
            choose(number)
            yield is_settled
            found[name] = prober.shown.finding
        choose(5)
        click(canvas, 70, 70)
        click(canvas, 130, 30)
        yield is_settled
        found["influence"] = prober.shown.finding
        choose(6)
        panel.parts.places.setValue(18)
        panel.parts.find_button.click()
        yield is_settled
        found["parts"] = prober.shown.finding
        choose(7)
        drag(canvas, (60, 60), (75, 60))
        drag(canvas, (130, 30), (130, 45))
        yield is_settled
        found["sufficiency"] = prober.shown.finding
        choose(8)
        panel.sides.side.button("b").click()
        drag(canvas, (60, 60), (50, 50))
        yield is_settled
        found["compare"] = prober.shown.finding
        QTest.keyClick(canvas, Qt.Key.Key_B)
        yield lambda: page.board.tile_count == 4  # A, B, their difference, the snapshot
        page.set_seen("photo")

        # Files.
        for suffix in ("png", "flo", "npz", "csv", "html"):
            path = tmp_path / f"found.{suffix}"
            monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, p=path: (str(p), ""))
            QTest.keyClick(canvas, Qt.Key.Key_E, CTRL)
            yield path.exists
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a: (str(folder), ""))
        QTest.keyClick(canvas, Qt.Key.Key_S, CTRL)
        yield (folder / "report.html").exists

        # And back to the film.
        QTest.keyClick(canvas, Qt.Key.Key_F2)
        yield lambda: studio.modes.current == "animate"
        assert window.canvas.isVisible()

    assert run(script, disc) == 0
    assert {name: finding.kind for name, finding in found.items()} == {n: n for n in found}
    assert found["motion"].numbers["kind"] in ("shift", "rotate", "still")
    assert found["parts"].labels["parts"].max() >= 1
    assert len(found["influence"].marks) == 3
    assert len(found["sufficiency"].flows) == 2
    assert found["compare"].numbers["mean_distance"] > 0
    assert read_image(tmp_path / "found.png").shape[2] == 3
    flow = read_flow(tmp_path / "found.flo")[0]
    np.testing.assert_array_equal(flow, found["compare"].flows["difference"])
    with np.load(tmp_path / "found.npz") as arrays:
        assert set(arrays) == {"a", "b", "difference"}
    assert "A and B" in (tmp_path / "found.html").read_text()

    # The command line finds the very same numbers.
    saved = json.loads((folder / "experiment.json").read_text())
    assert len(saved["experiment"]["weights_sha256"]) == 64
    again = tmp_path / "again"
    words = ["probe", "--again", folder, "-o", again, "--no-report", "--device", "cpu", "-q"]
    assert main([str(word) for word in words]) == 0
    repeated = json.loads((again / "experiment.json").read_text())
    for name, value in saved["numbers"]["compare"].items():
        assert repeated["numbers"]["compare"][name] == pytest.approx(value, rel=1e-3, abs=1e-3)
