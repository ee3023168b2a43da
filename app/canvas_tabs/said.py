"""What is said about a picture, as the page shows it: beside the pad, and of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from app.canvas_tabs.drawing import data_uri
from app.canvas_tabs.reader import Reader, rows_of
from app.canvas_tabs.taught_views import compared_with, symbol_rows
from app.charts.words import similar
from engine.imaging import images
from engine.recognition.confusables import note_of

if TYPE_CHECKING:
    from app.canvas_tabs.drawn import Drawn
    from engine.models.predictor import Prediction
    from engine.recognition.few_shot import Match
    from engine.services.few_shot import Example
    from engine.services.gallery import Gallery

ROWS = 6  # bars


class Said(NamedTuple):
    """shown: kind, glyph, headline, note, bars (`rows`, of `of`), and what the model sees (`seen`); all
    of it JSON. match: the taught symbol that it is, with the examples most `alike`.
    """

    shown: dict[str, Any]
    prediction: Prediction
    gallery: Gallery | None
    match: Match | None
    alike: list[Example]


def say(reader: Reader, drawn: Drawn, model: str, most: int = ROWS) -> Said:
    """What is said about a picture by a model, with at most `most` bars. Raises ImageError."""
    prediction, verdict, match, gallery = reader.answer(drawn, model)
    if prediction.blank:
        words = {"headline": verdict.headline, "note": verdict.note}
        return Said({"kind": "blank", **words, "rows": []}, prediction, None, None, [])
    shown: dict[str, Any] = {
        "kind": verdict.kind,
        "glyph": "…" if verdict.kind == "several" else verdict.groups[0].best,
        "headline": verdict.headline,
        "note": note_of(verdict, prediction.classes),
        "rows": rows_of(verdict.groups, most),
        "of": len(verdict.groups),
        "seen": data_uri(images.as_picture(prediction.square)),
    }
    alike: list[Example] = []
    if match is not None:
        alike = reader.examples_like(drawn, model)
        shown |= {
            "kind": "taught",
            "glyph": match.name,
            "headline": f"This is {match.name}",
            "note": f"A symbol you taught; similarity {similar(match.likeness)} to"
            f" {compared_with(match, alike)}.",
        }
        if rows := symbol_rows(alike):
            shown |= {"rows": rows, "of": len(rows)}
    if drawn.page.drawn is not drawn.page.ink:
        shown["note"] += " A stray dot was left out."
    return Said(shown, prediction, gallery, match, alike)
