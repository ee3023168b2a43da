"""Diagnoses that earlier versions wrote, under the names of today."""

from __future__ import annotations

from typing import Any

FORMAT = 3  # raise when names in the document or the arrays change, and read the old ones here
# What format 1 called the hypotheses, the document's entries and the arrays.
FORMAT_1_HYPOTHESES = {
    "names": "symmetric",
    "excludes": "complementary",
    "pattern": "class-dependent",
}
FORMAT_1_DOCUMENT = {
    "readings": "hypotheses",
    "reading": "hypothesis",
    "look_alike": "ambiguous",
}
FORMAT_1_HYPOTHESIS = {"certain": "significant", "right": "diagonal"}
FORMAT_1_FIGURES = {
    "clear": "confident",
    "clear_agree": "confident_agreement",
    "agree": "agreement",
    "collisions": "coincidence",
}
FORMAT_1_ARRAYS = {"sure": "confidence", "odds": "log_odds"}
# What format 2 said nothing about.
SINCE_FORMAT_3: dict[str, Any] = {"groups": [], "clear": {}, "copies": {}}


def upgraded(document: dict[str, Any]) -> dict[str, Any]:
    """A document of any format under the names of FORMAT. Raises AttributeError, KeyError or
    TypeError if it is none.
    """
    if document.get("format", 1) < 2:
        document = _of_format_2(document)
    if document["format"] < FORMAT:
        document = {**SINCE_FORMAT_3, **document, "format": FORMAT}
    return document


def _of_format_2(document: dict[str, Any]) -> dict[str, Any]:
    document = _renamed(document, FORMAT_1_DOCUMENT)
    document["figures"] = _renamed(document["figures"], FORMAT_1_FIGURES)
    document["hypothesis"] = FORMAT_1_HYPOTHESES.get(document["hypothesis"])
    document["hypotheses"] = [
        {**_renamed(row, FORMAT_1_HYPOTHESIS), "name": FORMAT_1_HYPOTHESES[row["name"]]}
        for row in document["hypotheses"]
    ]
    return document | {"format": 2}


def _renamed(entries: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in entries.items()}
