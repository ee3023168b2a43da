"""The label journal as a table, a row for each image of each entry: CSV for spreadsheets, Parquet for
programs. What one lab wrote another takes in; a plain list of images and labels is taken in too.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import DataError, unknown
from engine.files.atomic import failure, replacing
from engine.files.sheets import cell, write_table
from engine.labels.entries import Entry, new_id
from engine.labels.journal import Decisions, Made

COLUMNS = (
    "entry",
    "id",
    "at",
    "who",
    "action",
    "sample",
    "from",
    "to",
    "tag",
    "why",
    "own",
    "undoes",
)
FORMATS: dict[str, str] = {
    ".csv": "a table for spreadsheets",
    ".parquet": "a table for programs",
}
LabelsNow = Callable[
    [Sequence[str]], list[str | None]
]  # samples → the label that each has, or None
PLAIN = ("sample", "label")  # the columns of a list of labels that no journal wrote


def rows_of_entries(entries: Iterable[Entry]) -> Iterator[tuple[Any, ...]]:
    """Rows of COLUMNS."""
    for entry in entries:
        for number, sample in enumerate(entry.samples):
            yield (
                entry.entry,
                entry.id,
                entry.at,
                entry.who,
                entry.action,
                sample,
                entry.before[number] if entry.before else None,
                entry.to[number] if entry.to else None,
                entry.tag,
                entry.why,
                entry.own,
                entry.undoes,
            )


def write_journal(journal: Decisions, file: Path) -> Path:
    """Write all entries as a table, in the format of the file's ending, whole or not at all. Raises
    DataError for another ending, GlyphlabError if the disk is full.
    """
    ending = _format(file)
    rows = rows_of_entries(journal.entries())
    try:
        with replacing(file) as fresh:
            if ending == ".csv":
                with open(fresh, "w", newline="", encoding="utf-8") as out:
                    write_table(out, COLUMNS, rows)
            else:
                _write_parquet(fresh, list(rows))
    except OSError as error:
        raise failure(error, file) from error
    return file


def read_rows(file: Path) -> list[dict[str, Any]]:
    """The rows of a table, by column. Raises DataError if it can't be read."""
    ending = _format(file)
    try:
        if ending == ".csv":
            with open(file, newline="", encoding="utf-8-sig") as text:
                return [
                    {name: _text(value) for name, value in row.items() if name is not None}
                    for row in csv.DictReader(text)
                ]
        from engine.data.forms.arrow_parts import open_parts

        return [row for part in open_parts(file.name, file).read(None) for row in part.to_pylist()]
    except (OSError, ValueError, csv.Error) as error:
        why = getattr(error, "strerror", None) or " ".join(str(error).split())[:120]
        raise DataError(f"{file.name} can't be read", got=why) from None


def entries_of(
    rows: Sequence[Mapping[str, Any]], who: str, why: str, labels_now: LabelsNow
) -> list[tuple[str, Made]]:
    """The entries in a table, as (id, what makes the entry). A plain list (columns sample, label)
    is one entry by `who`, from the labels that its samples have now. Raises DataError, naming the
    columns, if it is neither.
    """
    columns = set(rows[0]) if rows else set(COLUMNS)
    if columns >= {"id", "at", "who", "action", "sample"}:
        groups: dict[str, list[Mapping[str, Any]]] = {}
        for row in rows:
            groups.setdefault(str(row["id"]), []).append(row)
        return [(id, _copied(group)) for id, group in groups.items()]
    if columns >= set(PLAIN):
        return [(new_id(), _listed(rows, who, why, labels_now))]
    raise DataError(
        "the table is neither a label journal nor a list of labels",
        expected=f"columns {', '.join(PLAIN)}, or {', '.join(COLUMNS)}",
        got=", ".join(map(str, sorted(columns, key=str)))[:200],
    )


def _copied(rows: Sequence[Mapping[str, Any]]) -> Made:
    first = rows[0]

    def made(number: int, at: str) -> Entry:
        before = [row.get("from") or None for row in rows]
        return Entry.model_validate(
            {
                "entry": number,
                "id": str(first["id"]),
                "at": str(first["at"]),
                "who": str(first["who"] or ""),
                "action": first["action"],
                "why": first.get("why") or "",
                "own": str(first.get("own")).lower() != "false",
                "samples": [str(row["sample"]) for row in rows],
                "before": before if any(before) else [],
                "to": [str(row["to"]) for row in rows] if first["action"] == "relabel" else [],
                "tag": first.get("tag") or "",
                "undoes": first.get("undoes") or "",
            }
        )

    return made


def _listed(rows: Sequence[Mapping[str, Any]], who: str, why: str, labels_now: LabelsNow) -> Made:
    wanted = {
        str(row["sample"]): str(row["label"]) for row in rows if row["label"] not in (None, "")
    }
    before = labels_now(list(wanted))

    def made(number: int, at: str) -> Entry:
        return Entry.model_validate(
            {
                "entry": number,
                "id": new_id(),
                "at": at,
                "who": who,
                "action": "relabel",
                "why": why,
                "samples": list(wanted),
                "before": before,
                "to": list(wanted.values()),
            }
        )

    return made


def _write_parquet(file: Path, rows: list[tuple[Any, ...]]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {"entry": pa.int64(), "own": pa.bool_()}
    schema = pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
    columns = {name: [row[at] for row in rows] for at, name in enumerate(COLUMNS)}
    pq.write_table(pa.Table.from_pydict(columns, schema=schema), file)


def _format(file: Path) -> str:
    if file.suffix.lower() not in FORMATS:
        raise DataError(unknown("format", file.suffix or file.name, FORMATS))
    return file.suffix.lower()


def _text(value: Any) -> Any:
    """A cell as it was before `cell` guarded it."""
    if isinstance(value, str) and value.startswith("'") and cell(value[1:]) == value:
        return value[1:]
    return value
