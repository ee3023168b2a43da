"""The sentence on rising loss: the same words for one run and for several."""

from __future__ import annotations

import pytest
from compared import compared_run

from engine.lab import Lab

FALLS = (1.0, 0.5, 0.3)


@pytest.mark.parametrize("seeds", [1, 3])
@pytest.mark.parametrize(
    ("losses", "words"),
    [
        (FALLS, "the validation loss of *lr 0.1* never rose"),
        (
            (1.0, 0.1, 0.101),
            "less than 0.5% of the change in the validation loss of *lr 0.1* was up",
        ),
        ((1.0, 0.5, 0.75), "33% of the change in the validation loss of *lr 0.1* was upwards"),
    ],
)
def test_a_loss_that_rose_a_little_never_rose_by_nothing(tmp_path, seeds, losses, words):
    lab = Lab(tmp_path)
    runs = [
        compared_run(lab, losses=losses, changes={"lr": 0.1, "seed": seed}) for seed in range(seeds)
    ]
    runs.append(compared_run(lab, losses=FALLS, changes={"lr": 0.2}))
    said = "\n".join(lab.compare.answers(lab.compare.subjects([run.id for run in runs])))
    assert words in said and "0% of the change" not in said.replace("less than 0.5%", "")
    assert "the validation loss of *lr 0.2* never rose" in said
