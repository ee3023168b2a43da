"""The power goes off at any moment: the lab opens, what it had answered for is there, the rest can be
done again.
"""

from __future__ import annotations

import random
import shutil
import sys
from typing import Any

import pytest
from deeds import DEEDS
from made_lab import furnish, lab_at, looked_at
from power import Disk, states

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="needs Linux: files are read back through /proc"
)
SHORT = ("recipe", "teach", "drawing", "upload", "embed", "map", "diagnosis", "review", "cache")
LONG = ("training", "recovered", "sweep", "publish")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    home = tmp_path_factory.mktemp("power") / "made"
    furnish(home)
    return home


@pytest.mark.parametrize("deed", (*SHORT, *LONG))
def test_what_was_answered_for_outlasts_a_power_cut(deed, made, tmp_path, tally):
    if deed in LONG and not tally.full:
        pytest.skip("only in the long form: python -m bench faults")
    home = shutil.copytree(made, tmp_path / "home")
    disk = Disk(home)
    with disk.recorded():
        DEEDS[deed].do(lab_at(home))
        answered = len(disk.moments)
        disk.note("answered")
    expected = DEEDS[deed].seen(lab_at(home))
    assert expected and answered
    rng = random.Random(deed)
    chosen = rng.sample(range(answered), min(answered, tally.of(2, 60)))
    for number in sorted({*chosen, answered}):
        for name, build in states(disk, disk.moments[number], number):
            found = tmp_path / "found"
            build(found)
            what = f"power cut after {disk.moments[number].after} ({number} of {answered}): {name}"
            _is_sound(deed, found, expected, number == answered, what)
            shutil.rmtree(found)
            tally.add("states after power cuts")


def _is_sound(deed: str, home: Any, expected: Any, answered: bool, what: str) -> None:
    try:
        looked_at(lab_at(home))
        if answered:
            assert DEEDS[deed].seen(lab_at(home)) == expected, "lost, though it was answered for"
        DEEDS[deed].go_on(lab_at(home))
        assert DEEDS[deed].seen(lab_at(home)) == expected, "something else came of it"
    except Exception as error:
        raise AssertionError(f"{what}: {error}") from error
