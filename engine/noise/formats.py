"""Diagnoses that earlier versions wrote, under the names of today.

Format 1 has no entry `format`. Renaming keeps what is not as expected as it is: whether a document
is whole is checked afterwards, by `kinds.DiagnosisDocument`.
"""

from __future__ import annotations

from typing import Any

FORMAT = 2  # raise when names in the document or the arrays change, and read the old ones here
# What format 1 called the hypotheses, the document's entries and the arrays.
HYPOTHESES_1 = {"names": "symmetric", "excludes": "complementary", "pattern": "class-dependent"}
DOCUMENT_1 = {"readings": "hypotheses", "reading": "hypothesis", "look_alike": "ambiguous"}
HYPOTHESIS_1 = {"certain": "significant", "right": "diagonal"}
FIGURES_1 = {
    "clear": "confident",
    "clear_agree": "confident_agreement",
    "agree": "agreement",
    "collisions": "coincidence",
}
ARRAYS_1 = {"sure": "confidence", "odds": "log_odds"}


def as_today(document: Any) -> Any:
    """A diagnosis document of any format, in FORMAT."""
    if not isinstance(document, dict) or document.get("format", 1) != 1:
        return document
    out = _renamed(document, DOCUMENT_1) | {"format": FORMAT}
    if "figures" in out:
        out["figures"] = _renamed(out["figures"], FIGURES_1)
    if "hypothesis" in out:
        out["hypothesis"] = _name(out["hypothesis"])
    if isinstance(out.get("hypotheses"), list):
        out["hypotheses"] = [_hypothesis(row) for row in out["hypotheses"]]
    return out


def _hypothesis(row: Any) -> Any:
    row = _renamed(row, HYPOTHESIS_1)
    return {**row, "name": _name(row["name"])} if isinstance(row, dict) and "name" in row else row


def _name(name: Any) -> Any:
    return HYPOTHESES_1.get(name, name) if isinstance(name, str) else name


def _renamed(entries: Any, names: dict[str, str]) -> Any:
    if not isinstance(entries, dict):
        return entries
    return {names.get(name, name): value for name, value in entries.items()}
