from PySide6.QtCore import Qt


def test_hint_when_the_mouse_moves_then_says_what_a_click_would_do(opened):
    opened.trigger("tool_pin")
    assert "Click sets a pin" in opened.window.status.hint.text()


def test_engine_when_loaded_then_device_and_weights_are_shown(opened):
    assert opened.window.status.engine.text() == "Processor · default"


def test_answer_when_a_drag_was_rendered_then_its_time_is_shown(qtbot, opened):
    with qtbot.waitSignal(opened.studio.preview.answered, timeout=20_000):
        opened.drag((40, 40), (80, 60), release=False)
    assert opened.window.status.speed.text().endswith(" ms")
    opened.key(Qt.Key.Key_Escape)


def test_zoom_when_clicked_then_the_whole_photo_is_shown(opened):
    canvas = opened.window.canvas
    canvas.zoom_by(8)
    assert opened.window.status.zoom.text() != "200 %"
    opened.window.status.zoom.click()
    rect = canvas.view_transform.rect((160, 240))
    assert canvas.rect().contains(rect.toAlignedRect())


def test_message_when_its_time_is_over_then_the_hint_is_back(qtbot, opened):
    status = opened.window.status
    hint = status.hint.text()
    status.show_message("Saved.")
    assert status.hint.text() == "Saved."
    status.on_message_over()
    assert status.hint.text() == hint


def test_busy_when_it_takes_longer_than_a_moment_then_shown_and_then_gone(qtbot, opened):
    status = opened.window.status
    opened.predictor.hold.clear()
    opened.drag((40, 40), (80, 60), release=False)
    qtbot.waitUntil(status.busy.isVisible)
    opened.predictor.hold.set()
    qtbot.waitUntil(lambda: not status.busy.isVisible())
    opened.key(Qt.Key.Key_Escape)


def test_document_when_closed_then_no_zoom_and_no_speed(opened):
    assert opened.window.status.zoom.isVisible()
    opened.trigger("close")
    assert not opened.window.status.zoom.isVisible()
