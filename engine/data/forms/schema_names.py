"""Class names that stand beside images in tables: in a schema's metadata, in `datasets`' own files, or
in a card.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (JSON and YAML leave the kinds of their values open.)
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.data.forms.sink import Sink
from engine.files.checked import texts_of_yaml

NOT_LISTED = (
    "state.json, which lists what the data set consists of, does not name it: it is a cache of the"
    " library `datasets`."
)


def features_of(metadata: Any) -> dict[str, Any]:
    """What `datasets` writes into a schema: kinds of columns by name."""
    try:
        found = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError, RecursionError):
        return {}
    lists = {
        key: {"feature": one[0]} for key, one in found.items() if isinstance(one, list) and one
    }
    return {key: one for key, one in found.items() if isinstance(one, dict)} | lists


def is_declared(feature: Any) -> bool:
    """Whether a column's kind is Image, or a list of it."""
    while isinstance(feature, dict) and "feature" in feature:
        feature = feature["feature"]
    return isinstance(feature, dict) and feature.get("_type") == "Image"


def names_in(metadata: Any) -> dict[str, Sequence[str]]:
    """Class names by column, from a schema."""
    return _class_labels(features_of(metadata))


def _class_labels(features: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    found: dict[str, Sequence[str]] = {}
    for key, one in features.items():
        while isinstance(one, dict) and "feature" in one:  # a list of labels
            one = one["feature"]
        if isinstance(one, dict) and isinstance(one.get("names"), list):
            found[key] = [str(name) for name in one["names"]]
    return found


def without_caches(
    files: Sequence[tuple[str, Path]], sink: Sink, about: Mapping[str, bytes]
) -> list[tuple[str, Path]]:
    """The files (name, path) without those that `map`, `filter` or `shuffle` put beside a saved data
    set: its state.json lists what it consists of.
    """
    kept = list(files)
    for name, raw in about.items():
        folder, _, last = name.rpartition("/")
        if last.lower() != "state.json":
            continue
        try:
            parts = {str(one["filename"]) for one in json.loads(raw)["_data_files"]}
        except (KeyError, ValueError, TypeError, RecursionError):
            continue
        beside = [one for one in kept if one[0].rpartition("/")[0] == folder]
        others = [one for one in beside if one[0].rpartition("/")[2] not in parts]
        if 0 < len(others) < len(beside):  # none of them: parts that were renamed
            kept = [one for one in kept if one not in others]
            shown = ", ".join(one[0] for one in others[:5]) + (" …" if len(others) > 5 else "")
            sink.note("note", "files", f"not read: {shown}. {NOT_LISTED}")
    return kept


def listed_names(about: Mapping[str, bytes]) -> dict[str, Sequence[str]]:
    """Class names by column, from the files that `datasets` puts beside the tables."""
    for name, raw in about.items():
        text = raw.decode("utf-8", "replace")
        if name.endswith(".json"):
            try:
                value = json.loads(text)
            except (ValueError, RecursionError):
                continue
            for each in (value, *(value.values() if isinstance(value, dict) else ())):
                features = each.get("features") if isinstance(each, dict) else None
                if isinstance(features, dict) and (found := _class_labels(features)):
                    return found
        elif text.startswith("---") and (found := _in_card(text)):
            return found
    return {}


def _in_card(text: str) -> dict[str, Sequence[str]]:
    """Class names in a card's head: dataset_info, features, dtype, class_label, names."""
    value = texts_of_yaml(text[3:].partition("\n---")[0])
    infos = value.get("dataset_info") if isinstance(value, dict) else None
    for info in infos if isinstance(infos, list) else [infos]:
        found: dict[str, Sequence[str]] = {}
        features = _at(info, "features")
        for one in features if isinstance(features, list) else ():
            column, names = _at(one, "name"), _at(one, "dtype", "class_label", "names")
            if not isinstance(column, str):
                continue
            if isinstance(names, dict):
                found[column] = [str(names[key]) for key in sorted(names, key=_number)]
            elif isinstance(names, list):
                found[column] = [str(name) for name in names]
        if found:
            return found
    return {}


def _at(value: Any, *keys: str) -> Any:
    """What lies at these keys, one within the other; None where something else does."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
