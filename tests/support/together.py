"""One of several processes that work on a home at once: `python together.py HOME NUMBER ROUNDS`."""

from __future__ import annotations

import sys
from pathlib import Path

from made_lab import SMALL, drawn, lab_at

from engine.jobs.executor import LocalExecutor
from engine.recipes.recipe import make_recipe
from engine.runs.run import Run


class Nowhere(LocalExecutor):
    """An executor that starts no run: what is under test is that every run is written down once."""

    def start(self, run: Run) -> None:
        pass


def main(home: str, number: int, rounds: int) -> None:
    lab = lab_at(Path(home))
    lab.launcher.executor = Nowhere(lab.settings)
    review = lab.noise.review(lab.noise.find("shapes"))
    print("ready", flush=True)
    sys.stdin.readline()
    lab.start_task("load", name="shapes", style="duo", size=12)
    for turn in range(rounds):
        lab.submit(make_recipe({**SMALL, "name": f"run-{number}-{turn}"}))
        lab.taught.add("ß", drawn(turn))
        lab.drawings.save(drawn(number), "A")
        lab.save_recipe(make_recipe({**SMALL, "name": "shared", "epochs": 1 + turn}))
        review.decide(number * rounds + turn, turn % 3)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
