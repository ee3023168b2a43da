"""What the training loop yields and the rows that are written of it have the same fields."""

from __future__ import annotations

from dataclasses import fields
from typing import get_type_hints

import pytest

from engine.files.documents import EpochRow, StepRow
from engine.training.stats import EpochStats, StepStats


@pytest.mark.parametrize(
    ("row", "stats", "extra"),
    [(StepRow, StepStats, set()), (EpochRow, EpochStats, {"test_accuracy", "test_loss"})],
)
def test_a_row_is_what_the_loop_yields_with_its_kind(row, stats, extra) -> None:
    """`extra` of an epoch is laid flat in its row."""
    yielded = get_type_hints(stats)
    written = get_type_hints(row)
    del written["kind"]
    assert {field.name for field in fields(stats)} - {"extra"} == set(written) - extra
    assert all(written[name] == yielded[name] for name in set(written) - extra)
