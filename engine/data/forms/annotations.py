"""Exports of annotation tools that name classes of whole pictures: Label Studio (JSON, JSON-MIN and,
as any table, CSV), CVAT (XML for images, Datumaro JSON) and COCO's JSON.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
# (JSON leaves the kinds of its values open.)
from __future__ import annotations

import json
from typing import Any
from xml.etree import ElementTree

from engine.errors import DataError

Record = dict[str, Any]
MOST_SHOWN = 3


def rows_of_json(value: Any) -> list[Record] | None:
    """A record for each label that was given to a picture; None if the value is no such export."""
    if isinstance(value, dict) and isinstance(value.get("items"), list) and "categories" in value:
        return _datumaro(value)
    if isinstance(value, dict) and isinstance(value.get("annotations"), list):
        return _coco(value)
    if isinstance(value, list) and value and all(isinstance(one, dict) for one in value):
        if all(isinstance(one.get("data"), dict) for one in value):
            return [row for task in value for row in _label_studio(task)]
        if all("choice" in one for one in value):
            return [{**one, "choice": _choice(one["choice"])} for one in value]
    return None


def doubts_of_json(value: Any) -> tuple[str, ...]:
    """What to say of COCO's annotations that do not fit its lists of pictures and of categories."""
    if not isinstance(value, dict) or not isinstance(value.get("annotations"), list):
        return ()
    images, categories = value.get("images"), value.get("categories")
    if not isinstance(images, list) or not isinstance(categories, list):
        return ()
    listed = {one.get("id"): one.get("file_name") for one in images if isinstance(one, dict)}
    known = {one.get("id") for one in categories if isinstance(one, dict)}
    given = [one for one in value["annotations"] if isinstance(one, dict)]
    strays = [one.get("image_id") for one in given if one.get("image_id") not in listed]
    named = {one.get("image_id") for one in given}
    bare = [name for number, name in listed.items() if number not in named]
    other = [one.get("category_id") for one in given if one.get("category_id") not in known]
    return tuple(
        f"{what}: {len(found):,} ({', '.join(map(str, found[:MOST_SHOWN]))}"
        f"{' …' if len(found) > MOST_SHOWN else ''})."
        for found, what in (
            (strays, "annotations of pictures that it does not list, by image_id"),
            (bare, "pictures that it lists without an annotation, which have no label"),
            (other, "annotations of categories that it does not list, by category_id"),
        )
        if found
    )


def rows_of_xml(name: str, text: str) -> list[Record]:
    """The pictures of a CVAT file with their tags; none if it is another XML file. Raises DataError
    for XML that is broken or defines entities.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise DataError(f"{name} defines XML entities", hint="Export it again without them.")
    if "<image" not in text:
        return []
    try:
        root = ElementTree.fromstring(text.encode("utf-8"))
    except (ElementTree.ParseError, ValueError) as error:
        raise DataError(f"{name} is not XML", got=str(error)[:100]) from None
    rows: list[Record] = []
    for image in root.iter("image"):
        path = image.get("name")
        if not path:
            continue
        row = {"path": path} | ({"split": image.get("subset")} if image.get("subset") else {})
        tags = [tag.get("label") for tag in image.iter("tag")]
        rows += [{**row, "label": tag} for tag in tags] or [{**row, "label": None}]
    return rows


def _label_studio(task: Record) -> list[Record]:
    """One record for each annotator's choice in a task; one without a label if there is none."""
    data: Record = task["data"]
    texts = {key: value for key, value in data.items() if isinstance(value, str | int | float)}
    paths = [key for key, value in texts.items() if "/" in str(value) or "." in str(value)]
    image = "image" if "image" in texts else next(iter(paths), "")
    row = {"path": texts.pop(image, ""), **{k: v for k, v in texts.items() if k != "label"}}
    rows: list[Record] = []
    for annotation in task.get("annotations") or task.get("completions") or ():
        if not isinstance(annotation, dict) or annotation.get("was_cancelled"):
            continue
        who = annotation.get("completed_by")
        who = who.get("email") or who.get("id") if isinstance(who, dict) else who
        for result in annotation.get("result") or ():
            value = result.get("value") if isinstance(result, dict) else None
            if isinstance(value, dict) and value.get("choices"):
                rows.append({**row, "label": _choice(value["choices"]), "annotator": who})
    return rows or [{**row, "label": None, "annotator": None}]


def _choice(value: Any) -> str | None:
    """The one choice in '7', ['7'] or {'choices': ['7']}, also as JSON text; several are joined by
    '+'.
    """
    if isinstance(value, str) and value.startswith(("{", "[")):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, dict):
        value = value.get("choices")
    if isinstance(value, list):
        return "+".join(str(one) for one in value) or None
    return None if value is None else str(value)


def _datumaro(value: Record) -> list[Record]:
    labels = value["categories"].get("label", {}) if isinstance(value["categories"], dict) else {}
    names = [one.get("name") for one in labels.get("labels", ()) if isinstance(one, dict)]
    rows: list[Record] = []
    for item in value["items"]:
        if not isinstance(item, dict):
            continue
        image = item.get("image") or {}
        row = {"path": image.get("path") or item.get("id")}
        if item.get("subset"):
            row["split"] = item["subset"]
        given = [
            names[one["label_id"]]
            for one in item.get("annotations") or ()
            if one.get("type") == "label" and 0 <= one.get("label_id", -1) < len(names)
        ]
        rows += [{**row, "label": label} for label in given] or [{**row, "label": None}]
    return rows


def _coco(value: Record) -> list[Record] | None:
    """COCO's annotations, where each picture is of one class."""
    images, categories = value.get("images"), value.get("categories")
    if not isinstance(images, list) or not isinstance(categories, list):
        return None
    names = {one.get("id"): one.get("name") for one in categories if isinstance(one, dict)}
    given: dict[Any, list[Any]] = {}
    for one in value["annotations"]:
        if isinstance(one, dict):
            given.setdefault(one.get("image_id"), []).append(names.get(one.get("category_id")))
    rows: list[Record] = []
    for image in images:
        if not isinstance(image, dict):
            continue
        row = {"path": image.get("file_name")}
        labels = dict.fromkeys(given.get(image.get("id"), [None]))
        rows += [{**row, "label": label} for label in labels]
    return rows
