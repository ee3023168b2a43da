"""The benchmark of training methods on injected noise, at a size at which it only shows that it
runs and compares.
"""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.data.imageset import ImageSet
from engine.errors import DataError
from engine.lab import Lab
from engine.noise.benchmark import TRAINING_METHODS, Trial, run_trial
from engine.noise.config import CONFIG, Effort
from engine.noise.kinds import TrialDocument
from engine.recipes.fields import DataSpec

LITTLE = replace(
    CONFIG,
    efforts={"quick": Effort(3_000, 0, 0, 0, "little", 16)},
    folds_by_size=((5_000, 2),),
    descriptor_network_epochs=8,
)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> ImageSet:
    """Three classes of the bundled digits, with their own test split."""
    spec = DataSpec(name="digits", classes=("0", "1", "2"), size=16)
    return Lab(tmp_path_factory.mktemp("lab")).dataset(spec)


def test_every_method_is_scored_on_true_labels_and_the_diagnosis_stands_beside_the_truth(
    digits: ImageSet,
) -> None:
    reported = []
    trial = Trial("digits", "symmetric", 0.4, limit=150, effort="quick")
    result = run_trial(
        digits, trial, "cpu", lambda done, total, what: reported.append((done, total)), LITTLE
    )
    json.dumps(result, allow_nan=False)
    assert (result["n"], result["classes"]) == (150, ["0", "1", "2"])
    assert result["n_test"] == len(digits.splits["test"])
    assert result["true_rate"] == pytest.approx(0.4, abs=0.1)
    assert np.diag(result["true_transition"]).mean() == pytest.approx(0.6, abs=0.1)
    scores = {row["name"]: row["accuracy"] for row in result["methods"]}
    assert list(scores) == list(TRAINING_METHODS)
    # True labels can be learned; their scores are on test images, which were not corrupted.
    assert scores["truth"] > 0.9 and scores["truth"] >= scores["plain"] - 0.02
    assert all(done <= total for done, total in reported) and reported[-1][0] == reported[-1][1]


def test_without_a_comparison_the_wrong_labels_are_found_and_listed_and_nothing_else_is_trained(
    digits: ImageSet,
) -> None:
    told: list[str] = []
    trial = Trial("digits", "symmetric", 0.1, limit=150, effort="quick", compare=False)
    result = run_trial(digits, trial, "cpu", lambda done, total, what: told.append(what), LITTLE)
    TrialDocument.model_validate(result | {"created": "now"})
    assert result["methods"] == [] and "plain training" not in told
    first = result["suspects"]
    assert [set(row) for row in first] == [{"image", "given", "likely", "true"}] * len(first)
    found = sum(row["given"] != row["true"] for row in first[: result["sought"]])
    assert (
        found == round(result["found_first"] * result["sought"]) >= 0.5 * result["sought"]
    )  # at random: a tenth
    assert {row["image"] for row in first} <= set(map(str, digits.files))


def test_a_trial_refuses_what_it_can_not_run(digits: ImageSet) -> None:
    with pytest.raises(DataError, match="did you mean 'quick'"):
        run_trial(digits, Trial("digits", "symmetric", 0.4, effort="quik"), "cpu")
    with pytest.raises(DataError, match="too small for a trial"):
        run_trial(digits, Trial("digits", "symmetric", 0.4, limit=20), "cpu")
    with pytest.raises(DataError, match="did you mean 'symmetric'"):
        run_trial(digits, Trial("digits", "symetric", 0.4, limit=100), "cpu")
