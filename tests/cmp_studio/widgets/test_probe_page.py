import json
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog

from cmp_engine.flow_io import read_flow
from cmp_engine.image_io import read_image
from cmp_studio.pipeline.probe_plots import load_plots
from cmp_studio.services.probe_views import VIEWS

LEFT, NO_KEYS = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier


class ProbeHand:
    """The Probe page with a hand on its mouse and keys."""

    def __init__(self, hand):
        self.window, self.studio, self.predictor = hand.window, hand.studio, hand.predictor
        self.window.modes.choose("probe")
        self.page = self.window.modes.page
        self.canvas, self.panel = self.page.canvas, self.page.panel
        self.prober = self.studio.prober
        self.prober.apply(replace(self.prober.board, directions=2, probes=9), "Small")

    def at(self, x, y):
        position = self.canvas.view_transform.to_screen((x, y))
        return QPoint(round(position.x()), round(position.y()))

    def move(self, x, y):
        QTest.mouseMove(self.canvas, self.at(x + 4, y))  # a mouse that is there does not move
        QTest.mouseMove(self.canvas, self.at(x, y))

    def click(self, x, y, button=LEFT):
        self.move(x, y)
        QTest.mouseClick(self.canvas, button, NO_KEYS, self.at(x, y))

    def drag(self, start, end):
        a, b = self.at(*start), self.at(*end)
        QTest.mouseMove(self.canvas, a)
        QTest.mousePress(self.canvas, LEFT, NO_KEYS, a)
        for step in (1, 2, 3, 4):
            QTest.mouseMove(self.canvas, a + (b - a) * step / 4)
        QTest.mouseRelease(self.canvas, LEFT, NO_KEYS, b)

    def key(self, key, keys=NO_KEYS):
        QTest.keyClick(self.canvas, key, keys)

    def wheel(self, x, y, steps, keys=NO_KEYS):
        place = QPointF(self.at(x, y))
        turn = QPoint(0, 120 * steps)
        event = QWheelEvent(
            place, self.canvas.mapToGlobal(place), QPoint(), turn, Qt.MouseButton.NoButton, keys,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas, event)

    def show(self, kind):
        self.page.set_view(kind)

    @property
    def is_settled(self):
        prober = self.prober
        return lambda: prober.shown is not None and not prober.is_waiting and not prober.is_outdated


@pytest.fixture(autouse=True, scope="module")
def _plots_are_loaded():
    load_plots()  # its first import takes seconds, outside of any wait


@pytest.fixture
def probe(qtbot, opened):
    return ProbeHand(opened)


def near(point):
    return pytest.approx(point, abs=1.0)


def test_page_when_entered_then_says_what_to_do(probe):
    assert "Move over the photo" in probe.panel.found.sentence.text()
    assert probe.window.status.hint.text().startswith("Move: pulls what is under the mouse")
    assert not probe.page.export_button.isEnabled()
    assert [probe.page.list.item(row).text() for row in range(8)] == [v.title for v in VIEWS]


def test_mouse_when_it_moves_then_its_place_is_pulled_and_the_numbers_follow(qtbot, probe):
    probe.move(60, 80)
    qtbot.waitUntil(probe.is_settled)
    assert probe.prober.pulled == near((60, 80))
    assert "follows at least by half" in probe.panel.found.sentence.text()
    assert "pull x" in probe.panel.found.names.text()
    assert probe.page.show_options.layer == "flow"


def test_wheel_when_turned_then_the_pull_turns_and_with_ctrl_the_view_zooms(qtbot, probe):
    probe.move(60, 80)
    scale = probe.canvas.view_transform.scale
    probe.wheel(60, 80, -2)
    assert probe.prober.board.angle == 30
    assert probe.canvas.view_transform.scale == scale
    probe.wheel(60, 80, 1, SHIFT)
    assert probe.prober.board.length > 160 / 24
    probe.wheel(60, 80, 1, CTRL)
    assert probe.canvas.view_transform.scale > scale
    assert probe.prober.board.angle == 30


def test_keys_when_pressed_then_turn_and_lengthen_the_pull(probe):
    probe.move(60, 80)
    probe.key(Qt.Key.Key_Right)
    probe.key(Qt.Key.Key_Right, SHIFT)
    assert probe.prober.board.angle == pytest.approx(16)
    probe.key(Qt.Key.Key_Down)
    assert probe.prober.board.length < 160 / 24


def test_dial_and_slider_when_used_then_the_pull_is_theirs_and_can_be_undone(probe):
    pull = probe.panel.pull
    QTest.mouseClick(pull.dial, LEFT, NO_KEYS, QPoint(pull.dial.width() // 2, 50))
    assert probe.prober.board.angle == 90
    pull.length.slider.setValue(20)
    assert probe.prober.board.length == 20
    probe.window.actions_by_name["undo"].trigger()
    assert probe.prober.board.length is None
    probe.window.actions_by_name["undo"].trigger()
    assert probe.prober.board.angle == 0
    assert probe.window.actions_by_name["redo"].text() == "Redo turn the pull"


def test_click_when_pulling_then_the_point_stays_until_a_right_click(qtbot, probe):
    probe.click(60, 80)
    probe.move(150, 40)
    assert probe.prober.pulled == near((60, 80))
    assert "Right-click: let go" in probe.window.status.hint.text()
    probe.click(10, 10, Qt.MouseButton.RightButton)
    probe.move(150, 40)
    assert probe.prober.pulled == near((150, 40))


def test_drag_when_pulling_then_says_where_to(qtbot, probe):
    probe.drag((60, 80), (60, 100))
    assert probe.prober.board.points[0] == near((60, 80))
    assert probe.prober.board.angle == pytest.approx(90, abs=3)
    assert probe.prober.board.length == pytest.approx(20, abs=1)
    probe.key(Qt.Key.Key_Z, CTRL)
    assert probe.prober.board.points == ()


def test_hint_when_the_length_does_not_matter_then_does_not_speak_of_it(probe):
    probe.show("saturation")
    assert "wheel turns it" in probe.window.status.hint.text()
    assert "longer" not in probe.window.status.hint.text()
    probe.show("motion")
    assert "in all directions" in probe.window.status.hint.text()


def test_influence_when_places_are_clicked_then_a_matrix_and_lines(qtbot, probe):
    probe.show("influence")
    probe.click(60, 80)
    assert "at least two places" in probe.panel.found.sentence.text()
    probe.click(80, 80)
    qtbot.waitUntil(probe.is_settled)
    assert probe.page.show_options.table.plot == "matrix"
    assert "1 pulls 2" in probe.panel.found.names.text()
    probe.drag((80, 80), (120, 40))
    assert probe.prober.board.points[1] == near((120, 40))
    probe.click(60, 80, Qt.MouseButton.RightButton)
    assert len(probe.prober.board.points) == 1
    assert "Ctrl+Z brings it back" in probe.window.status.hint.text()


def test_parts_when_found_then_each_is_named_under_the_mouse(qtbot, probe):
    probe.show("parts")
    assert probe.panel.parts.find_button.isEnabled()
    QTest.mouseClick(probe.panel.parts.find_button, LEFT)
    qtbot.waitUntil(probe.is_settled)
    assert not probe.panel.parts.find_button.isEnabled()
    assert probe.page.show_options.painted.legend == "parts"
    assert probe.page.show_options.read((60, 80)).part >= 1
    probe.panel.parts.is_open.click()
    probe.panel.parts.count.setValue(3)
    qtbot.waitUntil(probe.is_settled)
    assert probe.panel.found.sentence.text().startswith("3 parts")


def test_parts_when_cancelled_then_the_window_says_how_to_go_on(qtbot, probe):
    probe.show("parts")
    probe.predictor.started.clear()
    probe.predictor.hold.clear()
    probe.panel.parts.find_button.click()
    assert probe.predictor.started.wait(10)
    assert probe.prober.is_waiting
    probe.panel.found.cancel.click()
    probe.predictor.hold.set()
    assert not probe.prober.is_waiting
    assert probe.panel.parts.find_button.isEnabled()


def test_arrows_when_drawn_for_a_and_b_then_the_difference_is_shown(qtbot, probe):
    probe.show("compare")
    probe.drag((60, 80), (75, 80))
    assert probe.prober.shown is None  # there is no B yet
    probe.panel.sides.side.button("b").click()
    probe.drag((60, 80), (45, 80))
    qtbot.waitUntil(probe.is_settled)
    assert probe.page.show_options.layer == "difference"
    assert probe.page.show_options.layers == ("a", "b", "difference", "photo")
    assert len(probe.prober.board.arrows) == len(probe.prober.board.other_arrows) == 1
    probe.drag((45, 80), (60, 100))  # takes hold of the tip
    assert len(probe.prober.board.other_arrows) == 1


def test_arrows_when_added_then_each_step_is_a_layer_and_side_by_side(qtbot, probe):
    probe.show("sufficiency")
    probe.drag((60, 80), (75, 80))
    probe.drag((150, 80), (150, 95))
    qtbot.waitUntil(probe.is_settled)
    assert probe.page.show_options.layers == ("flow_1", "flow_2", "photo")
    assert probe.page.show_options.layer == "flow_2"
    probe.key(Qt.Key.Key_B)
    qtbot.waitUntil(lambda: probe.page.board.tile_count == 2)
    assert probe.page.seen.button("board").isChecked()


def test_line_when_drawn_then_its_values_are_plotted_and_marked_on_the_photo(qtbot, probe):
    probe.click(60, 80)
    qtbot.waitUntil(probe.is_settled)
    probe.key(Qt.Key.Key_L)
    assert "Drag a line" in probe.window.status.hint.text()
    probe.drag((20, 80), (200, 80))
    qtbot.waitUntil(lambda: probe.page.plot.has_plot)
    table = probe.page.show_options.table
    assert table.columns[:4] == ("distance_px", "x", "y", "length_px")
    assert max(row[3] for row in table.rows) > 0
    plot = probe.page.plot
    QTest.mouseMove(plot, QPoint(plot.width() // 2, plot.height() // 2))
    with qtbot.waitSignal(plot.row_hovered):
        QTest.mouseMove(plot, QPoint(plot.width() // 3, plot.height() // 2))


def test_snapshot_when_kept_then_is_side_by_side_until_removed(qtbot, probe):
    probe.move(60, 80)
    qtbot.waitUntil(probe.is_settled)
    probe.key(Qt.Key.Key_K)
    probe.wheel(60, 80, 3)
    qtbot.waitUntil(probe.is_settled)
    probe.key(Qt.Key.Key_K)
    assert "Kept snapshot 2" in probe.window.status.hint.text()
    probe.key(Qt.Key.Key_B)
    qtbot.waitUntil(lambda: probe.page.board.tile_count == 4)  # flow, follow and two snapshots
    probe.page.on_removed(1)
    assert probe.page.board.tile_count == 3


def test_scale_when_fixed_then_the_wheel_keeps_it(qtbot, probe):
    probe.move(60, 80)
    qtbot.waitUntil(probe.is_settled)
    looks = probe.panel.looks
    assert probe.page.show_options.painted.high == pytest.approx(160 / 24, abs=0.01)
    looks.is_automatic.click()
    looks.scale.setValue(40)
    assert probe.page.show_options.painted.high == 40
    probe.move(150, 40)
    qtbot.waitUntil(probe.is_settled)
    assert probe.page.show_options.painted.high == 40


@pytest.mark.parametrize("suffix", ["png", "flo", "npz", "csv", "html"])
def test_export_when_a_name_is_chosen_then_its_suffix_says_what(
    qtbot, probe, tmp_path, monkeypatch, suffix
):
    probe.click(60, 80)
    qtbot.waitUntil(probe.is_settled)
    path = tmp_path / f"found.{suffix}"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    with qtbot.waitSignal(probe.page.told, timeout=20_000):
        probe.key(Qt.Key.Key_E, CTRL)
    flow = probe.prober.shown.finding.flows["flow"]
    if suffix == "png":
        assert read_image(path).shape[2] == 3
    elif suffix == "flo":
        np.testing.assert_array_equal(read_flow(path)[0], flow)
    elif suffix == "npz":
        with np.load(path) as arrays:
            np.testing.assert_array_equal(arrays["flow"], flow)
    elif suffix == "csv":
        assert path.read_text().startswith("line,level,x,y")
    else:
        assert "What one pull moves" in path.read_text()


def test_export_when_the_name_means_nothing_then_says_what_would(
    qtbot, probe, tmp_path, monkeypatch
):
    probe.click(60, 80)
    qtbot.waitUntil(probe.is_settled)
    path = tmp_path / "found.doc"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(path), ""))
    with qtbot.waitSignal(probe.page.warned) as heard:
        probe.page.on_export()
    assert "should end in .png" in heard.args[0]


def test_experiment_when_saved_then_opens_and_gives_the_same_numbers(
    qtbot, probe, tmp_path, monkeypatch
):
    probe.show("motion")
    probe.click(60, 80)
    qtbot.waitUntil(probe.is_settled)
    folder = tmp_path / "experiment"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *args: (str(folder), ""))
    with qtbot.waitSignal(probe.page.told, timeout=20_000):
        probe.key(Qt.Key.Key_S, CTRL)
    saved = json.loads((folder / "experiment.json").read_text())
    assert (folder / saved["experiment"]["picture"]).exists()
    probe.show("response")
    probe.prober.undo()
    path = folder / "experiment.json"
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *args: (str(path), ""))
    with qtbot.waitSignal(probe.prober.compared, timeout=20_000) as heard:
        probe.page.on_open()
    assert heard.args == ["The numbers are the same as before"]
    assert probe.prober.view == "motion"
    assert probe.prober.board.points[0] == near((60, 80))


def test_experiment_when_its_picture_is_gone_then_says_so(qtbot, probe, tmp_path):
    path = tmp_path / "experiment.json"
    path.write_text("{}")
    with qtbot.waitSignal(probe.page.warned) as heard:
        probe.studio.probe_exports.open(path)
    assert "no experiment of this program" in heard.args[0]


def test_mode_when_left_then_animate_is_as_before_and_the_marks_stay(qtbot, probe):
    probe.click(60, 80)
    probe.window.modes.choose("animate")
    assert probe.window.canvas.isVisible()
    assert probe.studio.session.scene.tracks == ()
    probe.window.modes.choose("probe")
    assert probe.prober.board.points[0] == near((60, 80))
