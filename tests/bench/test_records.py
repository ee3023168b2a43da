"""Figures are only ever added to the records, and read back as they were written."""

from __future__ import annotations

from bench.records import COLUMNS, append, append_figures, read
from engine.device import in_cores


def test_rows_are_added_below_one_heading_with_the_commit_and_the_machine(tmp_path):
    file = tmp_path / "records.csv"
    assert read(file) == []
    for value in ("0.5", "0.7"):
        row = {"bench_or_recipe": "quick", "metric": "val_accuracy", "value": value, "seconds": 3}
        append([row], file)
    assert file.read_text(encoding="utf-8").splitlines()[0] == ",".join(COLUMNS)
    assert [row["value"] for row in read(file)] == ["0.5", "0.7"]
    assert read(file)[0]["scale"] == "full" and all(
        read(file)[1][name] for name in ("commit", "device")
    )


def test_one_core_is_no_cores(tmp_path):
    file = tmp_path / "records.csv"
    row = {"bench_or_recipe": "quick", "metric": "val_accuracy", "value": 1}
    for device in ("AMD EPYC, 1 cores", "AMD EPYC, 11 cores"):
        append([{**row, "device": device}], file)
    assert [row["device"] for row in read(file)] == ["AMD EPYC, 1 core", "AMD EPYC, 11 cores"]
    assert (in_cores("EPYC", 1), in_cores("EPYC", 2)) == ("EPYC, 1 core", "EPYC, 2 cores")


def test_figures_of_one_measurement_are_rows_to_a_few_digits(tmp_path):
    file = tmp_path / "records.csv"
    append_figures("map", {"opened, ms": 1674.25, "share": 1.0}, 12.345, file=file, seed=3)
    append_figures("task3", {"right": 0.9954549}, digits=6, file=file)
    rows = [(r["bench_or_recipe"], r["metric"], r["value"], r["seconds"]) for r in read(file)]
    assert rows == [
        ("map", "opened, ms", "1674", "12.3"),
        ("map", "share", "1", "12.3"),
        ("task3", "right", "0.995455", ""),
    ]
    assert [row["seed"] for row in read(file)] == ["3", "3", ""]
