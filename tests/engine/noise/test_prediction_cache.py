"""A cross-validation that was stopped goes on after its last fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.lab import Lab
from engine.noise.config import Effort
from engine.noise.cross_validation import CrossValidation, OutOfSample
from engine.noise.hypotheses import SYMMETRIC
from engine.noise.network import noisy_data
from engine.noise.prediction_cache import PredictionCache
from engine.progress import Cancelled

IMAGES = np.arange(150)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory):
    return Lab(tmp_path_factory.mktemp("lab")).dataset("digits")


def crossed(digits, cache: PredictionCache, stop_in: str = "") -> tuple[OutOfSample, list[str]]:
    """The teachers' predictions, and what was trained; stopped where that begins with `stop_in`."""
    trained: list[str] = []

    def tell(done: int, total: int, what: str) -> None:
        trained.append(what)
        if stop_in and what.startswith(stop_in):
            raise Cancelled

    effort = Effort(1_500, 0, 0, 0, "little", 4)
    work = CrossValidation(noisy_data(digits, device="cpu"), IMAGES, effort, 0, tell, cache=cache)
    return work.teachers(SYMMETRIC), trained


def test_what_was_trained_before_a_stop_is_not_trained_again(digits, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        crossed(digits, PredictionCache(tmp_path), stop_in="cross-validation, fold 3")
    gone_on, trained = crossed(digits, PredictionCache(tmp_path))
    assert {what[:24] for what in trained} == {f"cross-validation, fold {k}" for k in (3, 4)}
    whole, trained = crossed(digits, PredictionCache())
    assert {what[:24] for what in trained} == {f"cross-validation, fold {k}" for k in (1, 2, 3, 4)}
    assert (gone_on.logits == whole.logits).all() and (gone_on.by_fold == whole.by_fold).all()


def test_a_damaged_fold_is_trained_again(digits, tmp_path: Path) -> None:
    crossed(digits, PredictionCache(tmp_path))
    (tmp_path / "teacher-symmetric-1.npz").write_bytes(b"cut off")
    _, trained = crossed(digits, PredictionCache(tmp_path))
    assert {what[:24] for what in trained} == {"cross-validation, fold 2"}
