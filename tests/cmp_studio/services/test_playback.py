import pytest

from cmp_studio.services.playback import Playback


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def playback(qtbot, clock):
    made = Playback(clock=clock)
    made.set_film(48, 24.0)
    yield made
    made.pause()


def test_tick_when_time_passes_then_frame_follows_the_clock(playback, clock):
    playback.play()
    clock.now += 0.5
    playback.on_tick()
    assert playback.index == 12


def test_tick_when_late_then_frames_are_dropped_not_queued(playback, clock):
    shown = []
    playback.frame_changed.connect(shown.append)
    playback.play()
    clock.now += 1.0
    playback.on_tick()
    assert shown == [24]


def test_tick_when_past_the_end_then_begins_again(playback, clock):
    playback.play()
    clock.now += 2.25
    playback.on_tick()
    assert playback.index == 6
    assert playback.is_playing


def test_tick_when_film_does_not_loop_then_stops_at_its_end(playback, clock):
    playback.set_film(48, 24.0, is_looping=False)
    playback.play()
    clock.now += 9
    playback.on_tick()
    assert playback.index == 47
    assert not playback.is_playing


def test_play_when_at_the_end_of_a_film_that_does_not_loop_then_from_the_start(playback):
    playback.set_film(48, 24.0, is_looping=False)
    playback.seek(47)
    playback.play()
    assert playback.index == 0


def test_seek_when_playing_then_time_runs_on_from_there(playback, clock):
    playback.play()
    playback.seek(40)
    clock.now += 1 / 24
    playback.on_tick()
    assert playback.index == 41


@pytest.mark.parametrize(("wanted", "got"), [(-5, 0), (500, 47)])
def test_seek_when_outside_then_clamped(playback, wanted, got):
    playback.seek(wanted)
    assert playback.index == got


def test_step_when_at_the_start_then_back_means_the_end(playback):
    playback.play()
    playback.step(-1)
    assert playback.index == 47
    assert not playback.is_playing


def test_set_film_when_rate_changes_then_seconds_stay(playback):
    playback.seek(24)
    playback.set_film(24, 12.0)
    assert playback.index == 12
    assert playback.position == pytest.approx(1.0)


def test_set_film_when_shorter_then_index_stays_inside(playback):
    playback.seek(47)
    playback.set_film(10, 24.0)
    assert playback.index == 9


def test_pause_when_paused_then_nothing_is_said(playback):
    said = []
    playback.playing_changed.connect(said.append)
    playback.pause()
    assert said == []


def test_range_when_set_then_only_these_frames_are_played(playback, clock):
    playback.set_range(12, 17)
    playback.play()
    assert playback.index == 12
    seen = []
    playback.frame_changed.connect(seen.append)
    for _ in range(14):
        clock.now += 1 / 24
        playback.on_tick()
    assert set(seen) == {12, 13, 14, 15, 16, 17}
    playback.clear_range()
    assert playback.range is None


def test_range_when_it_is_no_range_or_the_film_changes_then_the_whole_film(playback):
    playback.set_range(5, 5)
    assert playback.range is None
    playback.set_range(5, 9)
    playback.set_film(30, 24.0)
    assert playback.range is None
