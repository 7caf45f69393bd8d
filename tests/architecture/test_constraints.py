"""constraints.txt pins everything that pyproject.toml leads to, on every platform."""

from __future__ import annotations

import importlib.metadata
import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PLATFORMS = [
    {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"},
    {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix"},
    {"sys_platform": "win32", "platform_system": "Windows", "os_name": "nt"},
]
PYTHONS = ["3.11", "3.12", "3.13", "3.14"]
PINNED_BY_TORCH = re.compile(r"nvidia-|cuda-|triton$")


@pytest.fixture(scope="module")
def setup_env():
    sys.path.insert(0, str(ROOT))
    try:
        import setup_env
    finally:
        sys.path.remove(str(ROOT))
    return setup_env


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(name): version for name, version in pairs}


def applies(requirement: Requirement, extras: set[str]) -> bool:
    """Whether the requirement counts on any platform and Python that the project supports."""
    return requirement.marker is None or any(
        requirement.marker.evaluate(
            {
                **platform,
                "python_version": python,
                "python_full_version": python + ".0",
                "extra": extra,
            }
        )
        for platform in PLATFORMS
        for python in PYTHONS
        for extra in extras | {""}
    )


def reachable(requirements: list[str]) -> list[Requirement]:
    """Every requirement that installing ``requirements`` leads to."""
    found: dict[str, Requirement] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        requirement = waiting.pop()
        key = f"{canonicalize_name(requirement.name)}[{sorted(requirement.extras)}]"
        if key in found or PINNED_BY_TORCH.match(canonicalize_name(requirement.name)):
            continue
        found[key] = requirement
        try:
            needs = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:  # needed on another platform only
            continue
        waiting += [r for r in map(Requirement, needs) if applies(r, requirement.extras)]
    return list(found.values())


def test_constraints_when_followed_then_pin_everything_reachable(setup_env, pins):
    wanted = reachable(setup_env.wanted_requirements("dev"))
    assert len(wanted) > 40
    assert sorted({r.name for r in wanted if canonicalize_name(r.name) not in pins}) == []


def test_constraints_when_compared_then_satisfy_each_requirement(setup_env, pins):
    wanted = reachable(setup_env.wanted_requirements("dev"))
    clashes = [
        f"{requirement} but {pins[name]} is pinned"
        for requirement in wanted
        if (name := canonicalize_name(requirement.name)) in pins
        and not requirement.specifier.contains(pins[name], prereleases=True)
    ]
    assert clashes == []


def test_constraints_when_nothing_leads_to_a_pin_then_it_is_not_there(setup_env, pins):
    wanted = {canonicalize_name(r.name) for r in reachable(setup_env.wanted_requirements("dev"))}
    assert sorted(set(pins) - wanted) == []


def test_setup_when_only_the_program_is_wanted_then_leaves_the_tools_out(setup_env):
    run, dev = (setup_env.wanted_requirements(level) for level in ("run", "dev"))
    assert set(run) < set(dev)
    assert not any(r.startswith(("pytest", "ruff", "tensorboard")) for r in run)
    assert any(r.startswith("hatchling") for r in run)
