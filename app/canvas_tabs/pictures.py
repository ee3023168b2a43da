"""Pictures from files and from the pad, read: what is said about one, probabilities of one or many, and lines
of writing. What
the process that reads answers; all of it JSON.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.canvas_tabs.drawing import data_uri, drawing_of
from app.canvas_tabs.reader import Reader, in_turn, opened, pixels
from app.canvas_tabs.said import say
from engine.errors import ImageError
from engine.imaging import images
from engine.imaging.ink import reduction
from engine.recognition.confusables import NOTHING
from engine.recognition.word_reader import read_lines, text_of

MOST_BARS = 10  # of the groups of classes that a picture may be of
MOST_TOGETHER = 2_000_000_000  # pixels of the pictures of one question: 500 scans of 4 million
WORTH_NAMING = 0.02  # probability from which a second reading of a character in a word is shown


class Pictures:
    """The questions about pictures of one lab."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def picture(self, file: str, model: str | None) -> dict[str, Any]:
        """What is said about a picture of one character, as `say` has it. Raises ImageError,
        CheckpointError.
        """
        path, name = Path(file), model or self.reader.best()
        with in_turn([path]):
            shown = say(self.reader, self.reader.drawn(opened(path)), name, MOST_BARS).shown
        blank = {"headline": "Nothing is drawn in this picture", "note": ""}
        return shown | (blank if shown["kind"] == "blank" else {})

    def probabilities(self, file: str, model: str | None) -> dict[str, Any]:
        """The likeliest class of a picture as `label` (NOTHING if nothing is drawn), all classes with
        their `confidences`, likeliest first, and the `verdict`: whether the model may be trusted there.
        Raises ImageError, CheckpointError.
        """
        path, name = Path(file), model or self.reader.best()
        with in_turn([path]):
            drawn = self.reader.drawn(opened(path))
            prediction, verdict = drawn.by(name), self.reader.model_says(drawn, name)
        if prediction.blank:
            return {"label": NOTHING, "verdict": verdict.kind, "confidences": []}
        likeliest = prediction.top(len(prediction.classes))
        rows = [{"label": one, "confidence": share} for one, share in likeliest]
        return {"label": prediction.label, "verdict": verdict.kind, "confidences": rows}

    def batch(self, files: Sequence[str], model: str | None) -> list[dict[str, Any]]:
        """For each file its name with what `probabilities` answers, or with `error` where it can't be
        read. Raises CheckpointError, ImageError where they are too many pixels together.
        """
        together = sum(map(pixels, map(Path, files)))
        if together > MOST_TOGETHER:
            raise ImageError(
                "these pictures are too large together",
                expected=f"at most {MOST_TOGETHER / 1e6:,.0f} million pixels",
                got=f"{together / 1e6:,.0f} million",
                hint="Send fewer at once.",
            )
        out = []
        for file in files:
            try:
                found = self.probabilities(file, model)
            except ImageError as error:
                found = {"error": str(error)}
            out.append({"file": Path(file).name, **found})
        return out

    def lines(self, file: str, model: str | None) -> dict[str, Any]:
        """The text in a picture, and its characters. Raises ImageError, CheckpointError."""
        return self._lines(Path(file), model)

    def drawn_lines(self, value: str | None) -> dict[str, Any]:
        """The same of what is on the pad, by its value. Raises ImageError, CheckpointError."""
        drawing = drawing_of(value)
        return self._lines(drawing.picture, drawing.model)

    def _lines(self, picture: Path | bytes, model: str | None) -> dict[str, Any]:
        with in_turn([picture]):
            predictor = self.reader.predictor(model or None)
            page = opened(picture)
            lines = read_lines(predictor, images.ink_of(page))
            times = reduction(page)  # ink is looked for in a smaller picture, boxes are of the page
        characters = [
            {
                "label": one.label,
                "confidence": one.groups[0].members[0][1],
                "box": [
                    min(times * value, most)
                    for value, most in zip(one.box, 2 * page.size, strict=True)
                ],
                "line": number,
                "after_space": one.after_space,
                "alternatives": [
                    group.best for group in one.groups[1:3] if group.share >= WORTH_NAMING
                ],
                "image": data_uri(images.as_picture(one.square)),
            }
            for number, line in enumerate(lines)
            for one in line
        ]
        return {"text": text_of(lines), "characters": characters}
