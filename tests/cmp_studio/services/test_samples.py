import cmp_studio.services.samples as samples_module
from cmp_studio.document.project_file import save_scene
from cmp_studio.services.samples import first_sample, list_samples
from tests.cmp_studio.fakes import make_scene, photo_bytes


def test_samples_when_bundled_then_named_with_their_pictures(monkeypatch, tmp_path):
    monkeypatch.setattr(samples_module, "samples_folder", lambda: tmp_path)
    save_scene(make_scene(), tmp_path / "old_clock.cmps", thumbnail=photo_bytes(20, 20))
    save_scene(make_scene(), tmp_path / "marionette.cmps")
    found = list_samples()
    assert [sample.name for sample in found] == ["Marionette", "Old clock"]
    assert found[1].thumbnail
    assert first_sample() == tmp_path / "marionette.cmps"


def test_samples_when_there_are_none_then_none(monkeypatch, tmp_path):
    monkeypatch.setattr(samples_module, "samples_folder", lambda: tmp_path)
    assert list_samples() == []
    assert first_sample() is None
    monkeypatch.setattr(samples_module, "samples_folder", lambda: None)
    assert list_samples() == []
    assert first_sample() is None
