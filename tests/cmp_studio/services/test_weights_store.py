import threading

import pytest

import cmp_engine.weights as engine_weights
from cmp_engine.build import build_network
from cmp_engine.config import preset
from cmp_engine.errors import Cancelled
from cmp_engine.weights import save_model
from cmp_studio.services.weights_store import OFFICIAL_NAME, WeightsStore


@pytest.fixture
def store(qtbot):
    made = WeightsStore()
    yield made
    assert made.stop()


def test_refresh_when_listed_then_the_published_are_there_to_fetch(qtbot, store):
    with qtbot.waitSignal(store.listed):
        store.refresh()
    rows = {row.name: row for row in store.rows}
    assert not rows[OFFICIAL_NAME].is_there


def test_add_file_when_weights_then_added_and_listed(qtbot, store, tmp_path):
    path = tmp_path / "mine.safetensors"
    save_model(build_network(preset("alexnet_plain")), path, metadata={"recipe": "test"})
    with qtbot.waitSignals([store.added, store.listed], timeout=60_000):
        store.add_file(path)
    assert any(row.name == "mine" and row.is_there for row in store.rows)


def test_add_file_when_something_else_then_one_sentence(qtbot, store, tmp_path):
    path = tmp_path / "words.safetensors"
    path.write_text("no weights")
    with qtbot.waitSignal(store.failed) as caught:
        store.add_file(path)
    assert "words" in caught.args[0]


def test_fetch_when_stopped_then_no_failure_is_told(qtbot, store, monkeypatch):
    began = threading.Event()

    def fetch(progress, cancel):
        progress(10, 100)
        began.set()
        while not cancel():
            pass
        raise Cancelled("Stopped.")

    monkeypatch.setattr(engine_weights, "fetch_weights", fetch)
    failures, steps = [], []
    store.failed.connect(failures.append)
    store.progressed.connect(lambda done, total: steps.append((done, total)))
    store.fetch_official()
    assert store.is_fetching
    qtbot.waitUntil(began.is_set)
    store.cancel()
    qtbot.waitUntil(lambda: not store.is_fetching)
    assert failures == []
    assert steps == [(10, 100)]
