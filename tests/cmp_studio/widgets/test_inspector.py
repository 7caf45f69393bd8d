from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from cmp_studio.document.tracks import Timing


def select_arrow(opened):
    scene = opened.studio.session.with_arrow((50, 40), (80, 60))
    opened.studio.session.apply(scene, "Draw arrow")
    opened.studio.session.select([1])
    return opened.window.inspector.track_section


def typed(field, text):
    field.setFocus(Qt.FocusReason.TabFocusReason)
    field.selectAll()
    QTest.keyClicks(field, text)
    QTest.keyClick(field, Qt.Key.Key_Return)


def track_of(opened):
    return opened.studio.session.scene.tracks[0]


def test_section_when_nothing_is_selected_then_says_what_to_do(opened):
    section = opened.window.inspector.track_section
    assert section._title.text() == "Nothing selected"
    assert "Click an arrow" in section._hint.text()
    assert not section.tail_x.isVisible()


def test_section_when_an_arrow_is_selected_then_shows_its_numbers(opened):
    section = select_arrow(opened)
    assert section._title.text() == "Arrow 1"
    assert (section.tail_x.value(), section.tail_y.value()) == (50, 40)
    assert (section.dx.value(), section.dy.value()) == (30, 20)
    assert section.length.text() == "36 px, 326°"
    assert section.easing.value() == "ease"


def test_section_when_a_pin_is_selected_then_only_its_position(opened):
    opened.studio.session.add_pin((10, 20))
    section = opened.window.inspector.track_section
    assert section.tail_x.isVisible()
    assert not section.dx.isVisible()
    assert not section.easing.isVisible()
    assert section._hint.text() == "Holds this spot still."


def test_section_when_several_are_selected_then_only_what_they_share(opened):
    section = select_arrow(opened)
    opened.studio.session.add_pin((10, 20))
    opened.studio.session.select_all()
    assert section._title.text() == "2 tracks selected"
    assert not section.tail_x.isVisible()
    assert section.easing.isVisible()


def test_inspector_when_something_is_selected_then_as_wide_as_before(opened):
    inspector = opened.window.inspector
    before = inspector.minimumWidth()
    needs = []
    for make in (select_arrow, lambda _: opened.studio.session.add_pin((10, 20))):
        make(opened)
        opened.studio.options.set_mode("flow")
        inspector._panel.layout().activate()
        needs.append(inspector._panel.minimumSizeHint().width())
        inspector._fit_width()
        assert inspector.minimumWidth() == before
    bar = inspector.verticalScrollBar().sizeHint().width()
    assert max(needs) + bar <= before


def test_position_when_typed_then_the_whole_arrow_moves_as_one_step(opened):
    section = select_arrow(opened)
    typed(section.tail_x, "100")
    assert track_of(opened).points == ((100.0, 40.0), (130.0, 60.0))
    opened.studio.session.undo()
    assert track_of(opened).points == ((50.0, 40.0), (80.0, 60.0))


def test_position_when_outside_of_the_photo_then_kept_on_it(opened):
    section = select_arrow(opened)
    typed(section.tail_y, "9000")
    assert track_of(opened).tail == (50.0, 159.0)


def test_movement_when_typed_then_only_the_head_moves(opened):
    section = select_arrow(opened)
    typed(section.dy, "-15")
    assert track_of(opened).points == ((50.0, 40.0), (80.0, 25.0))
    assert opened.studio.session.undo_label == "Change arrow"


def test_timing_when_chosen_then_in_the_scene(opened):
    section = select_arrow(opened)
    section.easing.show_value("spring")
    section.easing.on_activated(0)
    section.repeat.show_value("sway")
    section.repeat.on_activated(0)
    typed(section.start, "0.1")
    typed(section.end, "0.3")
    assert track_of(opened).timing == Timing(0.1, 0.3, "spring", "sway")


def test_timing_when_the_end_comes_before_the_start_then_refused_and_shown_as_it_is(opened):
    section = select_arrow(opened)
    typed(section.start, "0.3")
    typed(section.end, "0.2")
    assert track_of(opened).timing.end is None
    assert section.end.value() == 0.5


def test_switch_when_clicked_then_off(opened):
    section = select_arrow(opened)
    section.is_on.click()
    assert not track_of(opened).is_on
    assert opened.studio.session.undo_label == "Switch off arrow"


def test_film_when_changed_then_in_the_scene(opened):
    section = opened.window.inspector.film_section
    typed(section.duration, "3")
    typed(section.fps, "12")
    section.loop.show_value("seamless")
    section.loop.on_activated(0)
    section.strength.slider.setValue(150)
    opened.studio.session.commit()
    film = opened.studio.session.scene.film
    assert (film.duration, film.fps, film.loop, film.strength) == (3, 12, "seamless", 1.5)
    assert section.summary.text() == "36 frames, 3.0 s in all"


def test_strength_when_slid_then_one_step(opened):
    section = opened.window.inspector.film_section
    for value in (110, 120, 130):
        section.strength.slider.setValue(value)
    opened.studio.session.undo()
    assert opened.studio.session.scene.film.strength == 1.0


def test_flow_when_changed_then_in_the_options(opened):
    opened.trigger("view_flow")
    section = opened.window.inspector.flow_section
    section.style_box.show_value("needles")
    section.style_box.on_activated(0)
    section.opacity.slider.setValue(40)
    section.is_automatic.click()
    typed(section.scale, "25")
    options = opened.studio.options
    assert (options.flow_style, options.flow_opacity) == ("needles", 0.4)
    assert (options.flow_scale, options.is_scale_automatic) == (25, False)


def test_field_when_the_scene_holds_fractions_then_showing_does_not_round_them(opened):
    scene = opened.studio.session.with_arrow((50.4, 40.6), (80.3, 60.2))
    opened.studio.session.apply(scene, "Draw arrow")
    opened.studio.session.select([1])
    section = opened.window.inspector.track_section
    typed(section.dx, "40")
    track = track_of(opened)
    assert track.tail == (50.4, 40.6)
    assert track.head == (90.4, 60.2)


def test_loop_menu_when_chosen_then_in_the_scene_and_the_inspector(opened):
    timeline = opened.window.timeline
    action = next(a for a in timeline.loop_menu.actions() if a.data() == "hold")
    action.trigger()
    assert opened.studio.session.scene.film.loop == "hold"
    assert opened.window.inspector.film_section.loop.value() == "hold"
    opened.studio.session.set_film(replace(opened.studio.session.scene.film, fps=6), "Change")
