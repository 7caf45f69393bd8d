import os
import subprocess
import sys
import textwrap

import pytest

from cmp_studio.document.project_file import load_scene
from cmp_studio.services.autosave import Autosave


@pytest.fixture
def autosave(session, background, tmp_path):
    made = Autosave(session, background, tmp_path)
    yield made
    made.release()


def found_by(qtbot, session, background, folder):
    looker = Autosave(session, background, folder)
    with qtbot.waitSignal(looker.found, timeout=20_000) as caught:
        looker.look()
    return caught.args[0]


def test_write_when_unsaved_then_the_scene_is_there_and_gone_once_saved(
    qtbot, session, autosave, tmp_path
):
    session.add_pin((10.0, 10.0))
    with qtbot.waitSignal(autosave.written, timeout=20_000):
        autosave.write()
    assert load_scene(autosave.scene_path) == session.scene
    session.mark_saved(tmp_path / "kept.cmps", session.scene)
    qtbot.waitUntil(lambda: not autosave.scene_path.exists(), timeout=20_000)


def test_look_when_another_window_lives_then_its_work_is_left_alone(
    qtbot, session, background, autosave, tmp_path
):
    session.add_pin((10.0, 10.0))
    with qtbot.waitSignal(autosave.written, timeout=20_000):
        autosave.write()
    looker = Autosave(session, background, tmp_path)
    found = []
    looker.found.connect(found.append)
    looker.look()
    qtbot.waitUntil(lambda: not background.is_busy, timeout=20_000)
    assert found == []
    autosave.release()  # as a crash does
    (leftover,) = found_by(qtbot, session, background, tmp_path)
    assert leftover.title == "photo"
    assert leftover.path is None
    assert leftover.thumbnail


def test_discard_when_asked_then_nothing_is_left(qtbot, session, background, autosave, tmp_path):
    session.add_pin((10.0, 10.0))
    with qtbot.waitSignal(autosave.written, timeout=20_000):
        autosave.write()
    autosave.release()
    leftovers = found_by(qtbot, session, background, tmp_path)
    autosave.discard(leftovers)
    qtbot.waitUntil(lambda: not autosave.scene_path.exists(), timeout=20_000)


def test_close_when_work_is_given_up_then_nothing_is_written_any_more(
    qtbot, session, background, autosave
):
    session.add_pin((10.0, 10.0))
    autosave.close()
    autosave.write()
    qtbot.waitUntil(lambda: not background.is_busy, timeout=20_000)
    assert not autosave.scene_path.exists()


def test_look_when_a_process_was_killed_then_its_work_is_found(
    qtbot, session, background, tmp_path, repository_root
):
    script = f"""
        import os, signal, sys
        sys.path.insert(0, {str(repository_root)!r})
        from pathlib import Path
        from PySide6.QtCore import QCoreApplication
        from cmp_studio.services.autosave import Autosave
        from cmp_studio.services.background import Background
        from cmp_studio.services.pictures import open_picture
        from cmp_studio.services.session import Session
        from tests.cmp_studio.fakes import make_scene
        application = QCoreApplication([])
        session, background = Session(), Background()
        autosave = Autosave(session, background, Path({str(tmp_path)!r}))
        scene = make_scene(pins=1)
        session.start(scene, open_picture(scene.picture), path=Path("/elsewhere/mine.cmps"))
        session.add_pin((30.0, 30.0))
        autosave.written.connect(lambda: os.kill(os.getpid(), signal.SIGKILL))
        autosave.write()
        application.exec()
    """
    ended = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=dict(os.environ), timeout=120
    )
    assert ended.returncode != 0
    (leftover,) = found_by(qtbot, session, background, tmp_path)
    assert leftover.title == "mine"
    assert str(leftover.path).endswith("mine.cmps")
    assert [track.kind for track in load_scene(leftover.scene_path).tracks] == ["pin", "pin"]
