import pytest

from cmp_studio.services.modes import ANIMATE_MODE, Mode, Modes

PROBE = Mode("probe", "Probe", "Ask what the network believes")


def test_modes_when_new_then_animate_alone():
    modes = Modes()
    assert modes.current == "animate"
    assert modes.known == (ANIMATE_MODE,)


def test_choose_when_added_then_current_and_said_once():
    modes, said = Modes(), []
    modes.changed.connect(said.append)
    modes.add(PROBE)
    modes.choose("probe")
    modes.choose("probe")
    assert modes.current == "probe"
    assert said == ["probe"]


def test_choose_when_unknown_then_refused():
    with pytest.raises(ValueError, match="no mode 'probe'"):
        Modes().choose("probe")


def test_add_when_twice_then_refused():
    modes = Modes()
    modes.add(PROBE)
    with pytest.raises(ValueError, match="already"):
        modes.add(PROBE)
