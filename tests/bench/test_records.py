"""Figures are only ever added to the records, and read back as they were written."""

from __future__ import annotations

from bench.records import COLUMNS, append, read


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
