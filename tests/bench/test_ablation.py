"""The ablation of the label-noise pipeline: each variant leaves out its part and no other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from bench.ablation import PARTS, Case, ablate, load, records, table, true_labels
from engine.errors import DataError
from engine.lab import Lab
from engine.noise.config import CONFIG, Effort
from engine.recipes.fields import DataSpec

LITTLE = replace(
    CONFIG,
    efforts={"full": Effort(2_000, 1_000, 1_000, 1, "little")},
    hypothesis_views=2_000,
    tta_copies=2,
    significant_nats=1.0,
)


def test_each_variant_changes_what_it_leaves_out() -> None:
    def without(name: str):
        return PARTS[name].without(CONFIG)

    assert without("nothing") == CONFIG
    for name, field in (("students", "student_images"), ("ensemble", "ensemble_size")):
        assert getattr(without(name).efforts["full"], field) == 0
        assert replace(without(name), efforts=CONFIG.efforts) == CONFIG
    assert without("posterior targets") == replace(CONFIG, posterior_targets=False)
    assert without("neighbour labels") == replace(CONFIG, neighbour_shares=(0.0,))
    assert without("test-time augmentation") == replace(CONFIG, tta_copies=0)


def test_the_pipeline_runs_with_and_without_its_parts_and_the_table_compares_them(tmp_path) -> None:
    """Three classes, of which a complementary label excludes a third: quickly learned."""
    data = Lab(tmp_path).dataset(DataSpec(name="digits", classes=("0", "1", "2")))
    true = np.where(np.arange(len(data)) < 200, data.labels, -1).astype(np.int64)
    case = Case("digits", "complementary", 1.0)
    names = ("nothing", "students", "ensemble")
    rows = ablate(lambda _: (data, true), [case], [0], LITTLE, names, "cpu")
    assert [(row.without, row.n) for row in rows] == [(name, 200) for name in names]
    assert all(row.regime == "complementary" and row.wrong < 0.4 for row in rows)
    assert len({row.wrong for row in rows}) > 1
    text = table(rows)
    assert "| digits | 200 | complementary 100% | 1 | nothing |" in text
    assert f"{100 * (rows[2].wrong - rows[0].wrong):+.2f} |" in text
    assert records(rows, False)[1]["metric"] == "likely classes wrong, without students"


def test_a_part_that_a_noise_does_not_use_is_not_run_for_it(tmp_path) -> None:
    data = Lab(tmp_path).dataset("digits")
    none = np.full(len(data), -1, np.int64)
    with pytest.raises(DataError, match="too small"):  # a part that is used would be run
        ablate(lambda _: (data, none), [Case("digits", "symmetric", 0.5)], [0], LITTLE)
    names = ("neighbour labels", "ensemble", "test-time augmentation")
    case = Case("digits", "symmetric", 0.5)
    assert ablate(lambda _: (data, none), [case], [0], LITTLE, names) == []


def test_true_labels_are_found_by_the_images_themselves(tmp_path) -> None:
    lab = Lab(tmp_path)
    data, true = load(lab, Case("digits", "symmetric", 0.5), 100)
    assert (true >= 0).sum() == 100 and (true == data.labels)[true >= 0].all()
    shuffled = data.with_labels(np.roll(data.labels, 1), "rolled")
    found = true_labels(shuffled, data)
    assert (found == data.labels).mean() > 0.99  # all but images that occur twice
