"""The ablation of the label-noise pipeline: each variant leaves out its part and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.ablation import PARTS, VALUES, Case, ablate, load, record, rows, true_labels
from engine.errors import DataError
from engine.lab import Lab
from engine.noise.config import CONFIG, Effort
from engine.recipes.fields import DataSpec

LITTLE = replace(
    CONFIG,
    efforts={"full": Effort(3_000, 2_400, 0, 0, "little", 16)},
    folds_by_size=((5_000, 2),),
    descriptor_network_epochs=8,
    hypothesis_training_images=500,
    tta_copies=1,
    significant_nats=1.0,
)


def test_each_variant_changes_what_it_leaves_out() -> None:
    def without(name: str):
        return PARTS[name].change(CONFIG)

    assert without("nothing") == CONFIG
    for name, field in (("students", "student_images"), ("ensemble", "ensemble_size")):
        assert getattr(without(name).efforts["full"], field) == 0
        assert replace(without(name), efforts=CONFIG.efforts) == CONFIG
    assert without("posterior targets") == replace(CONFIG, posterior_targets=False)
    assert without("neighbour labels") == replace(CONFIG, neighbour_shares=(0.0,))
    assert without("test-time augmentation") == replace(CONFIG, tta_copies=0)
    assert VALUES["label_weight 2"].change(CONFIG) == replace(CONFIG, label_weight=2.0)


def test_the_pipeline_runs_with_and_without_its_parts_on_common_teachers(tmp_path) -> None:
    """Three classes, of which a complementary label excludes a third: quickly learned."""
    data = Lab(tmp_path).dataset(DataSpec(name="digits", classes=("0", "1", "2"), size=16))
    true = np.where(np.arange(len(data)) < 150, data.labels, -1).astype(np.int64)
    case = Case("digits", "complementary", 1.0)
    parts = {name: PARTS[name] for name in ("nothing", "students", "descriptors")}
    found = list(ablate(lambda *_: (data, true), [case], [0], LITTLE, parts, "cpu"))
    assert [(row.without, row.n) for row in found] == [(name, 150) for name in parts]
    wrong = [(row.regime, row.wrong) for row in found]
    assert all(row.regime == "complementary" and row.wrong < 0.4 for row in found), wrong
    assert len({row.wrong for row in found}) > 1
    # two folds: the whole pipeline trains teachers and students, which the others find
    assert [row.trainings for row in found] == [4, 0, 0]
    assert record(found[1], False)["metric"] == "likely classes wrong, without students"


def test_the_table_is_of_what_was_recorded_last() -> None:
    def row(seed: int, without: str, value: float, scale: str = "full") -> dict[str, str]:
        return {
            "bench_or_recipe": "ablation emnist62 complementary 1, 9 images",
            "scale": scale,
            "metric": f"likely classes wrong, without {without}",
            "seed": str(seed),
            "value": str(value),
        }

    recorded = [
        row(0, "nothing", 0.9),
        row(0, "nothing", 0.01),
        row(1, "nothing", 0.02),
        row(0, "students", 0.03),
        row(1, "students", 0.06),
        row(2, "students", 0.9, "small"),
    ]
    assert rows(recorded=recorded) == [
        ("emnist62 complementary 1, 9 images", "2", "nothing", "1.50 ± 0.71", ""),
        ("emnist62 complementary 1, 9 images", "2", "students", "4.50 ± 2.12", "+3.00 ± 1.41"),
    ]
    assert rows(True, recorded) == []


def test_a_part_that_a_noise_does_not_use_is_not_run_for_it(tmp_path) -> None:
    data = Lab(tmp_path).dataset("digits")
    none = np.full(len(data), -1, np.int64)
    case = Case("digits", "symmetric", 0.5)
    with pytest.raises(DataError, match="too small"):  # a part that is used would be run
        list(ablate(lambda *_: (data, none), [case], [0], LITTLE))
    parts = {name: PARTS[name] for name in ("neighbour labels", "ensemble")}
    assert list(ablate(lambda *_: (data, none), [case], [0], LITTLE, parts)) == []


def test_true_labels_are_found_by_the_images_themselves(tmp_path) -> None:
    lab = Lab(tmp_path)
    data, true = load(lab, Case("digits", "symmetric", 0.5, limit=100))
    assert (true >= 0).sum() == 100 and (true == data.labels)[true >= 0].all()
    other, again = load(lab, Case("digits", "symmetric", 0.5, limit=100), 100)
    assert not ((again >= 0) & (true >= 0)).any() and len(other) == len(data)
    found = true_labels(np.roll(np.asarray(data.images), 1, 0), data)
    assert (found == np.roll(data.labels, 1)).mean() > 0.99  # all but images that occur twice
