"""A process that is killed, or whose disk is full, at any of its operations on files: the lab opens, and doing the same
again gives what it would have given.
"""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from deeds import DEEDS
from faulty import Runner, why_not
from made_lab import furnish, lab_at, looked_at

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())

# (kills, full disks) in the long form: fifty kills in all, a full disk at each of a short deed's operations.
TIMES = {
    "training": (10, 40),
    "recovered": (8, 30),
    "sweep": (6, 40),
    "cache": (4, 1000),
    "embed": (4, 1000),
    "map": (4, 1000),
    "diagnosis": (4, 1000),
    "review": (2, 1000),
    "publish": (3, 40),
    "upload": (2, 1000),
    "recipe": (1, 1000),
    "teach": (1, 1000),
    "drawing": (1, 1000),
}


class Stage(NamedTuple):
    """Where deeds are done: a home as it was made, the process that faults hit, and what each deed comes to."""

    made: Path
    runner: Runner
    come_to: dict[str, tuple[Any, int]]

    def undisturbed(self, deed: str, home: Path) -> tuple[Any, int]:
        """What can be seen of the deed when nothing happens to it, and how many operations it takes."""
        if deed not in self.come_to:
            said, count = self.runner.do(deed, shutil.copytree(self.made, home / "undisturbed"))
            assert said == "done", said
            self.come_to[deed] = DEEDS[deed].seen(lab_at(home / "undisturbed")), count
        return self.come_to[deed]


@pytest.fixture(scope="module")
def stage(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    furnish(folder / "made")
    runner = Runner(folder)
    yield Stage(folder / "made", runner, {})
    runner.close()


def moments(deed: str, count: int, times: int, why: str) -> list[int]:
    """`times` of a deed's operations, drawn with a seed; all of them if they are no more."""
    return sorted(random.Random(f"{why} {deed}").sample(range(1, count + 1), min(times, count)))


def goes_on(stage: Stage, deed: str, home: Path, expected: Any, fault: str) -> None:
    looked_at(lab_at(home))
    said, _ = stage.runner.do(deed, home, go_on=True)
    assert said == "done", f"after {fault}: {said}"
    assert DEEDS[deed].seen(lab_at(home)) == expected, f"{fault}: something else came of it"
    shutil.rmtree(home)


@pytest.mark.parametrize("deed", DEEDS)
def test_what_is_killed_comes_to_the_same_when_it_goes_on(deed, stage, tmp_path, tally):
    expected, count = stage.undisturbed(deed, tmp_path)
    assert expected
    times = TIMES[deed][0]
    for at in moments(deed, count, tally.of(-(-times // 5), times), "kill"):
        home = shutil.copytree(stage.made, tmp_path / f"kill-{at}")
        said, _ = stage.runner.do(deed, home, "kill", at)
        assert said in ("killed", "done"), said  # the order of two threads' operations may differ
        goes_on(stage, deed, home, expected, f"SIGKILL at operation {at} of {count}")
        tally.add("kills")


@pytest.mark.parametrize("deed", DEEDS)
def test_a_full_disk_is_said_in_words_and_costs_nothing_that_was_there(
    deed, stage, tmp_path, tally
):
    expected, count = stage.undisturbed(deed, tmp_path)
    times = TIMES[deed][1]
    for at in moments(deed, count, tally.of(2 if times > 100 else 1, times), "full"):
        home = shutil.copytree(stage.made, tmp_path / f"full-{at}")
        said, _ = stage.runner.do(deed, home, "full", at)
        assert said == "done" or (said.startswith("refused") and "no room left" in said), (
            f"disk full from operation {at} of {count} on: {said}"
        )
        goes_on(stage, deed, home, expected, f"disk full from operation {at} of {count} on")
        tally.add("full disks")
