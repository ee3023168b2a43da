"""Tables of any kind as rows of texts: CSV and its kin, JSON, JSON lines, and annotations."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# pyright: reportMissingTypeStubs=false
# (JSON leaves the kinds of its values open.)
from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from engine.data.archive import CUT_SHORT
from engine.data.forms.annotations import doubts_of_json, rows_of_json, rows_of_xml
from engine.data.forms.arrow_parts import open_parts
from engine.data.forms.iam import iam_words
from engine.data.forms.text import Table, check_memory, in_words, read_text, separated, squared
from engine.errors import DataError

PARQUET = ".parquet"
MOST_BYTES = 500_000_000  # of a table that is read as a whole
TABLE_ENDINGS = tuple(".csv .tsv .tab .txt .lst .json .jsonl .ndjson .xml".split()) + (PARQUET,)
INSIDE = ("data", "images", "samples", "items", "records", "rows", "annotations", "tasks")
DEEPEST = 20
# Bytes of main memory that what begins with a sign takes as Python's values (3.11, measured): an object
# of JSON with a name in it, an array, a number behind another; an element of XML.
_JSON = {"{": 232, "[": 72, ",": 32}
NESTED = {".json": _JSON, ".jsonl": _JSON, ".ndjson": _JSON, ".xml": {"<": 120}}
MOST_INSIDE = 20  # values of a dict in a record that are taken for columns
VIA = "_via_img_metadata"  # of its project files


def read_table(name: str, raw: bytes) -> list[Table]:
    """The tables in a file; none if it holds no rows. A table whose first row may be a header has no
    `columns` yet. Raises DataError if it is no text, or can't be read.
    """
    if name.lower().endswith(PARQUET):
        return _of_parquet(name, raw)
    text, encoding = read_text(name, raw)
    signs = NESTED.get("." + name.lower().rpartition(".")[2], {})
    check_memory(name, sum(size * text.count(sign) for sign, size in signs.items()))
    try:
        found = _tables(name, text, encoding)
    except (TypeError, AttributeError, KeyError, ValueError) as error:
        # exports whose parts are of other kinds than the tool writes
        raise DataError(f"{name} is not built as its kind is", got=str(error)[:100]) from None
    return (
        found if encoding.startswith("utf") else [one._replace(guessed=encoding) for one in found]
    )


def read_table_at(path: Path) -> list[Table]:
    """As `read_table`, of a file of MOST_BYTES at most."""
    if (size := path.stat().st_size) > MOST_BYTES:
        raise DataError(
            f"{path.name} is too large a table",
            expected=f"at most {MOST_BYTES / 1e6:,.0f} MB",
            got=f"{size / 1e6:,.0f} MB",
            hint="Split it, or save it as Parquet.",
        )
    return read_table(path.name, path.read_bytes())


def _tables(name: str, text: str, encoding: str) -> list[Table]:
    lower = name.lower()
    if lower.endswith(".xml"):
        found = rows_of_xml(name, text)
        return [_of_records(name, found, "XML")] if found else []
    if lower.endswith((".jsonl", ".ndjson")):
        records, broken = _lines(text)
        return [_of_records(name, records, "JSON lines", broken)] if records else []
    if lower.endswith(".json"):
        return _of_json(name, text)
    if found := iam_words(name, text):
        return [_of_records(name, found, "IAM's words")]
    separator, rows = separated(name, text)
    if not rows:
        return []
    width = max((len(row) for row in rows[:100]), key=[len(row) for row in rows[:100]].count)
    cells, broken = squared(rows, width)
    how = in_words(separator, encoding, header=False).rpartition(", ")[0]
    return [Table(name, (), cells, how, tuple(broken))]


def _lines(text: str) -> tuple[list[dict[str, Any]], list[tuple[int, str]]]:
    records: list[dict[str, Any]] = []
    broken: list[tuple[int, str]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            broken.append((number, "it is not JSON"))
            continue
        if isinstance(value, dict):
            records += rows_of_json([value]) or [value]
        else:
            broken.append((number, "it is no JSON object"))
    return records, broken


def _of_json(name: str, text: str) -> list[Table]:
    try:
        value = json.loads(text)
    except RecursionError:
        raise DataError(f"{name} is nested too deeply") from None
    except ValueError as error:
        records, broken = _lines(text)  # JSON lines in a file called .json
        if records:
            return [_of_records(name, records, "JSON lines", broken)]
        raise DataError(f"{name} is not JSON", got=str(error)[:100]) from None
    if rows := _bare_rows(value):
        return [Table(name, (), rows, "JSON")]
    records = rows_of_json(value)
    if records is None:
        records = _records(value)
    doubts = doubts_of_json(value)
    return [_of_records(name, records, "JSON")._replace(doubts=doubts)] if records else []


def _bare_rows(value: Any) -> list[list[str | None]]:
    """The rows in a list of lists of texts and numbers; none if a value is something else."""
    if not (isinstance(value, list) and value and all(isinstance(one, list) for one in value)):
        return []
    width = len(value[0])
    plain = all(isinstance(cell, str | int | float | None) for one in value for cell in one)
    if not plain or width < 2 or any(len(one) != width for one in value):
        return []
    return [[as_text(cell) for cell in one] for one in value]


def _records(value: Any, depth: int = 0) -> list[dict[str, Any]]:
    """The records in a JSON value: a list of objects, columns by name, records by split, or a label
    by path.
    """
    if isinstance(value, list):
        return [one for one in value if isinstance(one, dict)]
    if not isinstance(value, dict) or depth > DEEPEST:
        return []
    lists = {key: one for key, one in value.items() if isinstance(one, list)}
    if lists and all(isinstance(one, dict) for each in lists.values() for one in each):
        inside = [key for key in lists if key in INSIDE] or list(lists)
        if len(inside) == 1:
            return _records(lists[inside[0]], depth + 1)
        return [{**one, "split": one.get("split", key)} for key in inside for one in lists[key]]
    lengths = {len(one) for one in lists.values()}
    if len(lists) > 1 and len(lengths) == 1:
        rows = zip(*lists.values(), strict=True)
        return [dict(zip(lists, row, strict=True)) for row in rows]
    texts = {key: one for key, one in value.items() if isinstance(one, str | int)}
    if texts and len(texts) == len(value):
        return [{"path": key, "label": one} for key, one in texts.items()]
    if lists and len(lists) == len(value):  # paths by label
        pairs = ((key, one) for key, each in lists.items() for one in each)
        return [{"path": one, "label": key} for key, one in pairs if isinstance(one, str)]
    if isinstance(value.get(VIA), dict):
        return _records(value[VIA], depth + 1)
    dicts = {key: one for key, one in value.items() if isinstance(one, dict)}
    if dicts and len(dicts) == len(value):  # a record by path
        return [{"path": key, **one} for key, one in dicts.items()]
    return []


def _of_parquet(name: str, raw: bytes) -> list[Table]:
    """The texts and numbers in a Parquet table; pictures in it are left."""
    import pyarrow as pa

    try:
        parts = open_parts(name, raw)
        kinds = zip(parts.schema.names, parts.schema.types, strict=True)
        wanted = [column for column, kind in kinds if _is_plain(kind)]
        batches = parts.read(wanted) if wanted else ()
        records = [record for batch in batches for record in batch.to_pylist()]
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{name} can't be read", got=str(error)[:100], hint=CUT_SHORT) from None
    return [_of_records(name, records, "Parquet")] if records else []


def _is_plain(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer)
    return any(test(kind) for test in (*tests, pa.types.is_floating, pa.types.is_boolean))


def _of_records(
    name: str,
    records: Sequence[dict[str, Any]],
    how: str,
    broken: Iterable[tuple[int, str]] = (),
) -> Table:
    records = [_flat(record) for record in records]
    columns = list(dict.fromkeys(key for record in records for key in record))
    rows = [[as_text(record.get(column)) for column in columns] for record in records]
    return Table(name, tuple(columns), rows, how, tuple(broken))


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A record with what is in its small dicts, such as VIA's file_attributes, as columns."""
    out: dict[str, Any] = {}
    for key, value in record.items():
        plain = isinstance(value, dict) and 0 < len(value) <= MOST_INSIDE
        if plain and not any(isinstance(one, dict | list) for one in value.values()):
            out |= {inner: one for inner, one in value.items() if inner not in record}
        else:
            out[key] = value
    return out


def as_text(value: Any) -> str | None:
    """A cell as text: 7 and 7.0 are '7', 007 stays, lists of one are what is in them."""
    if value is None or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list) and len(value) == 1:
        return as_text(value[0])
    if isinstance(value, list) and value and isinstance(value[0], int | float | list):
        return json.dumps(value)  # pixels, whole
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)[:1000]
    return str(value)
