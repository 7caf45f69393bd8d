import pytest

from cmp_studio.services.pictures import open_picture
from cmp_studio.services.session import Session
from tests.cmp_studio.fakes import make_scene


@pytest.fixture
def session(qtbot):
    """A session with a small photo open."""
    made = Session()
    scene = make_scene()
    made.start(scene, open_picture(scene.picture))
    return made
