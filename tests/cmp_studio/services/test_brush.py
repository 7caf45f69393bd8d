from cmp_studio.document.groups import Group
from cmp_studio.document.masks import mask_to_array
from cmp_studio.document.scene_edits import add_group
from cmp_studio.services.pointer import Pointer


def at(x, y, **held):
    return Pointer((float(x), float(y)), 4.0, **held)


def stroke(tools, *points, **held):
    tools.press(at(*points[0], **held))
    for point in points[1:]:
        tools.move(at(*point, **held))
    tools.release(at(*points[-1], **held))


def test_brush_when_painted_and_erased_then_each_stroke_is_a_step(qtbot, session, tools, brush):
    tools.set_tool("brush")
    brush.set_radius(5)
    stroke(tools, (20, 20), (60, 20))
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    mask = mask_to_array(session.scene.freeze)
    assert mask[20, 40] == 255
    assert mask[40, 40] == 0
    stroke(tools, (40, 20), (42, 20), is_shift=True)
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    assert mask_to_array(session.scene.freeze)[20, 40] == 0
    session.undo()
    assert mask_to_array(session.scene.freeze)[20, 40] == 255
    session.undo()
    assert session.scene.freeze is None


def test_brush_when_two_quick_strokes_then_both_are_in_the_mask(qtbot, session, tools, brush):
    tools.set_tool("brush")
    stroke(tools, (20, 20), (22, 20))
    stroke(tools, (70, 50), (72, 50))
    assert len(brush.strokes) == 2
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    mask = mask_to_array(session.scene.freeze)
    assert mask[20, 21] == 255
    assert mask[50, 71] == 255


def test_brush_when_undone_while_painting_then_the_stroke_is_painted_on_what_is_left(
    qtbot, session, tools, brush
):
    tools.set_tool("brush")
    stroke(tools, (20, 20), (22, 20))
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    stroke(tools, (70, 50), (72, 50))
    session.undo()
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    mask = mask_to_array(session.scene.freeze)
    assert mask[20, 21] == 0
    assert mask[50, 71] == 255


def test_brush_when_a_group_is_its_target_then_paints_its_mask(qtbot, session, tools, brush):
    scene = add_group(session.scene, Group(name="Arm"))
    session.apply(scene, "New layer")
    brush.set_target(scene.groups[-1].id)
    tools.set_tool("brush")
    assert "Arm" in tools.hint
    stroke(tools, (20, 20), (22, 20))
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    assert session.scene.freeze is None
    assert mask_to_array(session.scene.groups[0].mask)[20, 21] == 255
    session.undo()
    session.undo()
    assert brush.target == 0


def test_brush_when_its_group_goes_while_it_paints_then_the_stroke_goes_too(
    qtbot, session, tools, brush
):
    scene = add_group(session.scene, Group(name="Arm"))
    session.apply(scene, "New layer")
    brush.set_target(scene.groups[-1].id)
    tools.set_tool("brush")
    stroke(tools, (20, 20), (60, 20))
    session.undo()
    qtbot.waitUntil(lambda: not brush.is_busy, timeout=20_000)
    assert session.scene.groups == ()
    assert session.scene.freeze is None


def test_brush_when_escaped_then_the_stroke_is_forgotten(session, tools, brush):
    tools.set_tool("brush")
    tools.press(at(20, 20))
    tools.move(at(40, 20))
    tools.cancel()
    tools.release(at(40, 20))
    assert brush.strokes == ()
    assert session.scene.freeze is None


def test_brush_when_grown_then_larger_and_never_below_one_px(brush):
    before = brush.radius
    brush.grow(1)
    assert brush.radius > before
    brush.grow(-100)
    assert brush.radius == 1.0
