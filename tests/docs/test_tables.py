"""The tables of the documentation: what their cells say."""

from __future__ import annotations

from docs.tables import differ, results


def test_what_the_runs_of_a_mean_differ_in_is_named():
    assert differ(["0, split 0", "0, split 1", "0, split 2"]) == "3 splits"
    assert differ(["0, split 0", "1, split 0"]) == "2 seeds"
    assert differ(["0, split 0", "1, split 1"]) == "2 seeds and splits"
    assert differ(["0, split 0"]) == "1 run"
    assert differ(["0", "0"]) == "2 runs"


def test_the_five_models_of_five_splits_are_no_five_seeds():
    row = next(line for line in results().splitlines() if "`characters-best` | full" in line)
    assert " | 5 splits | " in row and "1 cores" not in results()


def test_a_mean_names_every_commit_and_device_that_it_is_of():
    row = next(line for line in results().splitlines() if "`mnist-best` | full" in line)
    assert row.endswith("| AMD EPYC, 1 thread and AMD EPYC, 1 core | e31a6d4 and dddbaef |")
