"""What the canvas answers: a drawing or a picture file → probabilities, and the words for them."""

from __future__ import annotations

import base64
import io
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.canvas_pad import decode_picture
from engine import images
from engine.errors import GlyphlabError, ModelError

if TYPE_CHECKING:
    import numpy as np

    from engine.lab import Lab
    from engine.predict import Predictor

FAVOURITES = ("canvas-characters", "canvas-digits")  # shipped with the lab, best first
NOTHING = "nothing drawn"
ROWS = 6  # bars on the page


class Reader:
    """Answers for one lab. Safe to call from several threads."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._quiet = threading.Event()

    def models(self) -> list[str]:
        """Names of the models that can read drawings, the best first."""
        names = [model.name for model in self.lab.models()]
        return [name for name in FAVOURITES if name in names] + [name for name in names if name not in FAVOURITES]

    def best(self) -> str:
        """The model asked when none is named. Raises ModelError if there is none at all."""
        names = self.models()
        if not names:
            raise ModelError("there is no model yet", hint="Train one on the Train page or with `python -m engine train quick`.")
        return names[0]

    def predictor(self, name: str | None) -> Predictor:
        """The predictor for `name`, or for the best model."""
        if not self._quiet.is_set():  # a drawing is answered in milliseconds by one thread; more would starve a training run
            import torch

            torch.set_num_threads(1)
            self._quiet.set()
        return self.lab.predictor(name or self.best())

    def probabilities(self, picture: Path | bytes, model: str | None) -> dict[str, float] | str:
        """Class → probability, likeliest first, all classes; NOTHING if nothing is drawn. Both are values of `gr.Label`."""
        prediction = self.predictor(model).predict([picture])[0]
        return NOTHING if prediction.blank else {name: float(share) for name, share in prediction.top(len(prediction.classes))}

    def look(self, picture: bytes, model: str | None) -> dict[str, Any]:
        """The answer that the page shows: glyph, headline, note, rows of label and p, the image that the model sees, milliseconds."""
        started = time.perf_counter()
        prediction = self.predictor(model).predict([picture])[0]
        if prediction.blank:
            return {"headline": "Nothing drawn yet", "note": "The answer follows your pen.", "rows": []}
        rows = [{"label": label, "p": share} for label, share in prediction.top(ROWS)]
        best = rows[0]
        return {
            "glyph": best["label"], "headline": f"This is {best['label']}", "note": f"{best['p']:.0%} sure", "rows": rows,
            "seen": data_uri(prediction.square), "milliseconds": round(1000 * (time.perf_counter() - started), 1),
        }


def server_functions(reader: Reader) -> list[Any]:
    """What the pad's script may call. Each takes one list of arguments and returns JSON; a mistake comes back as words, not as a failure."""

    def look(data: list[Any]) -> dict[str, Any]:
        picture, model = data[0], data[1]
        try:
            return reader.look(decode_picture(picture), model or None)
        except GlyphlabError as error:
            return {"headline": "This can't be read", "note": str(error), "rows": []}

    def models(data: list[Any]) -> dict[str, Any]:
        names = reader.models()
        return {"models": [{"name": name, "label": name} for name in names], "best": names[0] if names else ""}

    return [look, models]


def data_uri(square: np.ndarray) -> str:
    """A square (C, S, S) uint8 as a PNG data URI, dark on white."""
    out = io.BytesIO()
    images.as_picture(square).save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
