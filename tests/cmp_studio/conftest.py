import gc

import pytest


@pytest.fixture(autouse=True)
def _garbage_stays_on_this_thread(request):
    """Qt objects in cyclic garbage end the process when a worker's thread collects them."""
    if "qtbot" not in request.fixturenames and "qapp" not in request.fixturenames:
        yield
        return
    was_enabled = gc.isenabled()
    gc.disable()
    yield
    gc.collect()
    gc.freeze()  # what is left belongs to modules and fixtures; later rounds need not look at it
    if was_enabled:
        gc.enable()


@pytest.fixture(autouse=True, scope="session")
def _everything_is_collected_at_the_end():
    yield
    gc.unfreeze()
