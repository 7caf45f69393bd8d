import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication


def wheel(canvas, at, steps):
    event = QWheelEvent(
        QPointF(at),
        canvas.mapToGlobal(QPointF(at)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(canvas, event)


def rounded(tracks):
    return [(kind, [(round(x), round(y)) for x, y in points]) for kind, points in tracks]


def test_drag_when_released_then_an_arrow_in_px_of_the_photo(opened):
    opened.drag((40, 40), (80, 60))
    assert rounded(opened.tracks()) == [("arrow", [(40, 40), (80, 60)])]


def test_drag_when_zoomed_in_then_still_in_px_of_the_photo(opened):
    wheel(opened.window.canvas, opened.at(60, 50), 4)
    opened.drag((50, 45), (70, 55))
    kind, points = rounded(opened.tracks())[0]
    assert kind == "arrow"
    assert points == [(50, 45), (70, 55)]


def test_drag_when_going_on_then_the_photo_moves_before_the_release(qtbot, opened):
    with qtbot.waitSignal(opened.studio.preview.answered, timeout=20_000):
        opened.drag((40, 40), (80, 60), release=False)
    assert opened.studio.preview.shown.frame is not None
    opened.key(Qt.Key.Key_Escape)
    assert opened.tracks() == []
    assert opened.studio.preview.shown.frame is None


def test_double_click_when_on_the_photo_then_a_pin(opened):
    opened.double_click(100, 90)
    assert rounded(opened.tracks()) == [("pin", [(100, 90)])]


def test_right_click_when_beside_then_the_nearest_is_removed_and_said(opened):
    opened.double_click(100, 90)
    opened.click(130, 120, button=Qt.MouseButton.RightButton)
    assert opened.tracks() == []
    assert "Ctrl+Z" in opened.window.status.hint.text()


def test_wheel_when_turned_then_what_is_under_the_mouse_stays(opened):
    canvas = opened.window.canvas
    at = QPointF(opened.at(200, 20))
    before = canvas.view_transform.to_picture(at)
    wheel(canvas, at.toPoint(), 3)
    after = canvas.view_transform.to_picture(at)
    assert after == pytest.approx(before, abs=1e-6)
    assert canvas.view_transform.scale > 1


@pytest.mark.parametrize("way", ["space", "middle"])
def test_pan_when_dragged_then_the_photo_follows_and_nothing_is_drawn(opened, way):
    canvas = opened.window.canvas
    wheel(canvas, QPoint(300, 200), 6)
    before = canvas.view_transform
    button = Qt.MouseButton.MiddleButton if way == "middle" else Qt.MouseButton.LeftButton
    nothing = Qt.KeyboardModifier.NoModifier
    if way == "space":
        QTest.keyPress(canvas, Qt.Key.Key_Space)
    QTest.mousePress(canvas, button, nothing, QPoint(300, 200))
    QTest.mouseMove(canvas, QPoint(340, 230))
    QTest.mouseRelease(canvas, button, nothing, QPoint(340, 230))
    was_playing = opened.studio.playback.is_playing
    if way == "space":
        QTest.keyRelease(canvas, Qt.Key.Key_Space)
    after = canvas.view_transform
    assert (after.left - before.left, after.top - before.top) == (40, 30)
    assert opened.tracks() == []
    assert opened.studio.playback.is_playing == was_playing


def test_space_when_tapped_then_plays_or_pauses(opened):
    assert opened.studio.playback.is_playing
    opened.key(Qt.Key.Key_Space)
    assert not opened.studio.playback.is_playing
    opened.key(Qt.Key.Key_Space)
    assert opened.studio.playback.is_playing


def test_arrow_keys_when_something_is_selected_then_nudged(opened):
    opened.double_click(100, 90)
    x, y = opened.studio.session.scene.tracks[0].tail
    opened.key(Qt.Key.Key_Right)
    opened.key(Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    assert opened.studio.session.scene.tracks[0].tail == (x + 1, y + 10)


def test_arrow_keys_when_nothing_is_selected_then_frames_are_stepped(opened):
    opened.studio.playback.pause()
    opened.studio.playback.seek(2)
    opened.key(Qt.Key.Key_Right)
    assert opened.studio.playback.index == 3
    opened.key(Qt.Key.Key_Left)
    assert opened.studio.playback.index == 2


def test_keys_when_pressed_then_fit_and_actual_size(qtbot, opened):
    canvas = opened.window.canvas
    wheel(canvas, QPoint(300, 200), 6)
    opened.trigger("fit")
    rect = canvas.view_transform.rect((160, 240))
    assert canvas.rect().contains(rect.toAlignedRect())
    opened.trigger("actual_size")
    assert canvas.view_transform.scale == pytest.approx(1 / canvas.devicePixelRatioF())


def test_resize_when_fitted_then_stays_fitted(opened):
    opened.trigger("fit")
    opened.window.resize(700, 500)
    rect = opened.window.canvas.view_transform.rect((160, 240))
    assert opened.window.canvas.rect().contains(rect.toAlignedRect())


def test_paint_when_views_change_then_other_pixels(qtbot, opened):
    opened.drag((60, 60), (110, 80))
    opened.studio.playback.pause()
    opened.studio.playback.seek(3)
    qtbot.waitUntil(lambda: all(opened.studio.preview.cached), timeout=20_000)
    opened.studio.session.select([])
    pictures = []
    for mode in ("photo", "motion", "flow"):
        opened.studio.options.set_mode(mode)
        opened.studio.options.set_flow_style("both")
        pictures.append(opened.window.canvas.grab().toImage())
    opened.studio.options.set_has_overlays(value=False)
    pictures.append(opened.window.canvas.grab().toImage())
    assert all(a != b for i, a in enumerate(pictures) for b in pictures[:i])


def test_paint_when_a_track_is_drawn_at_any_zoom_then_its_handle_keeps_its_size(opened):
    opened.studio.playback.pause()
    opened.double_click(120, 80)
    opened.studio.session.select([])
    widths = []
    for steps in (0, 6):
        wheel(opened.window.canvas, opened.at(120, 80), steps)
        opened.window.canvas.leaveEvent(None)
        image = opened.window.canvas.grab().toImage()
        at = opened.at(120, 80)
        color = image.pixelColor(at.x() + 4, at.y())
        width = 0
        while image.pixelColor(at.x() + 4 + width, at.y()) == color:
            width += 1
        widths.append(width)
    assert abs(widths[0] - widths[1]) <= 1


def test_focus_when_lost_while_panning_then_space_is_forgotten(opened):
    canvas = opened.window.canvas
    QTest.keyPress(canvas, Qt.Key.Key_Space)
    canvas.clearFocus()
    assert canvas.cursor().shape() != Qt.CursorShape.OpenHandCursor
