"""What the pad's script asks for: the answer that follows the pen, and the views beside it. All of
it JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from PIL import Image

from app.canvas_tabs.cards import Cards
from app.canvas_tabs.class_map import MAP_SIZE, map_of
from app.canvas_tabs.drawing import data_uri, decode_picture
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.said import say
from app.canvas_tabs.taught_views import nearest_examples, why_taught
from engine.errors import GlyphlabError, ImageError
from engine.imaging import images
from engine.recognition.confusables import group_of, in_short
from engine.services.gallery import Gallery

if TYPE_CHECKING:
    from app.canvas_tabs.drawn import Drawn
    from engine.models.predictor import Prediction

NEIGHBOURS = 12
MOST_PIXELS = 4_000_000  # of a drawing; the pad's own has under a tenth of that
MOST_BESIDE = 6  # models that predict one drawing


class Look(NamedTuple):
    """A question about a drawing. model: which reads it; needed: models that are to see it; view: what
    is shown beside the answer; beside: models whose answers are.
    """

    drawn: Drawn
    needed: list[str]
    model: str
    view: str
    beside: list[str]


class Views:
    """The pad's questions about one lab."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self._cards = reader, Cards()
        self._maps: dict[str, dict[str, Any]] = {}

    def functions(self) -> list[Callable[..., Any]]:
        """What the script may call. Each takes one list of arguments and returns JSON; a mistake
        comes back as words.
        """

        def look(data: list[Any]) -> dict[str, Any]:
            try:
                return self.answer(self.read(data))
            except GlyphlabError as error:
                return in_words(error)

        def why(data: list[Any]) -> dict[str, Any]:
            try:
                return self.why(*_words(data, 2))
            except GlyphlabError as error:
                return {"kind": "message", "note": str(error)}

        def models(data: list[Any]) -> dict[str, Any]:
            found = self.reader.models(keep=_words(data, 1)[0] if data else "")
            return {"models": found, "best": found[0]["name"] if found else ""}

        def prepare(data: list[Any]) -> dict[str, Any]:
            try:
                (model,) = _words(data, 1)
                self.reader.galleries.path(model)  # nothing is started for one that is not there
                return {"task": self.reader.lab.start_task("gallery", model=model)}
            except GlyphlabError as error:
                return {"error": str(error)}

        return [look, why, models, prepare]

    def read(self, data: list[Any]) -> Look:
        """The pad's question about a drawing, opened and prepared for the models that it needs. Raises
        GlyphlabError.
        """
        picture, model, view, beside = _words(data, 4, beside=3)
        drawn = self.reader.drawn(_drawing(picture))
        model = model or self.reader.best()
        needed = self.reader.needed(model)
        for name in needed:
            drawn.square(name)
        return Look(drawn, needed, model, view, beside)

    def answer(self, asked: Look) -> dict[str, Any]:
        """The answer for a drawing: kind, glyph, headline, note, bars, what the model sees, and the
        open view.
        """
        drawn, model, view = asked.drawn, asked.model, asked.view
        out, prediction, gallery, match, alike = say(self.reader, drawn, model)
        if prediction.blank:
            return out
        if self.reader.lab.may("lead"):  # the first steps are of whoever leads
            self.reader.lab.tour.drawn()
        if view == "nearest" and match is not None and alike:
            out["view"] = nearest_examples(alike, match, data_uri)
        elif view == "nearest":
            out["view"] = self._nearest(prediction, gallery, model)
        elif view == "models":
            out["view"] = self._beside(drawn, asked.beside)
        elif view == "map":
            out["view"] = self._map(prediction, gallery, model)
        return out

    def why(self, picture: str, model: str) -> dict[str, Any]:
        """Which strokes are evidence for the likeliest class, for each image that the model sees."""
        from engine.explain.saliency import overlay, saliency

        model = model or self.reader.best()
        drawn = self.reader.drawn(_drawing(picture))
        prediction, _, match, _ = self.reader.answer(drawn, model)
        if prediction.blank:
            return {"kind": "message", "note": "Nothing is drawn."}
        if match and (alike := self.reader.examples_like(drawn, model)):
            return why_taught(prediction, alike, match, data_uri)
        maps = saliency(drawn.predictor(model), prediction.square, prediction.label)
        titles = {"duo": ("the character alone", "the whole page")}.get(
            drawn.predictor(model).checkpoint.style,
            (f"evidence for and against {prediction.label}",),
        )
        items = [
            {"title": title, "image": data_uri(Image.fromarray(overlay(channel, found)))}
            for title, channel, found in zip(titles, prediction.square, maps, strict=False)
        ]
        note = (
            f"Orange strokes are evidence for {prediction.label}, blue ones evidence against it"
            " (integrated gradients: each pixel's effect on the output for it, added up from a blank page"
            " to your drawing)."
        )
        if len(items) > 1:
            note += (
                " This network sees a character twice: alone, as large as the square, and as it stands on the"
                " page."
            )
            note += " Where one picture is mostly blue, that view lowers the output for the class."
        return {"kind": "why", "items": items, "note": note}

    def _nearest(
        self, prediction: Prediction, gallery: Gallery | None, model: str
    ) -> dict[str, Any]:
        if gallery is None:
            return self._not_built(model, "The training images nearest to your drawing")
        near, lab = gallery.nearest(prediction.embedding, NEIGHBOURS), self.reader.lab
        votes = gallery.vote(near)
        alike = set(group_of(prediction.label))
        counts = ", ".join(f"{count} for {name}" for name, count in votes)
        items = [
            {
                "label": one.label,
                "similarity": one.similarity,
                "image": _training_image(one.image.tobytes(), len(one.image)),
                "same": one.label in alike,
                "card": self._cards.query(lab, gallery, one, model),
            }
            for one in near
        ]
        return {
            "kind": "nearest",
            "items": items,
            "note": (
                f"Of {len(gallery.labels):,} training images the {len(near)} nearest vote: {counts}. Below"
                " each: its label, and how similar this model finds it to your drawing (1 at most; pictures"
                " that look different can come close to that)."
            ),
        }

    def _beside(self, drawn: Drawn, beside: list[str]) -> dict[str, Any]:
        items = []
        for name in beside[:MOST_BESIDE]:
            try:
                prediction, verdict = drawn.by(name), self.reader.verdict(drawn, name)
            except GlyphlabError as error:
                items.append({"model": name, "glyph": "", "note": str(error), "seen": ""})
                continue
            items.append(
                {
                    "model": name,
                    "glyph": prediction.label,
                    "note": in_short(verdict),
                    "seen": data_uri(images.as_picture(prediction.square)),
                }
            )
        return {"kind": "models", "items": items}

    def _map(self, prediction: Prediction, gallery: Gallery | None, model: str) -> dict[str, Any]:
        here = gallery.place(prediction.embedding) if gallery else None
        if gallery is None or here is None:
            return self._not_built(model, "A map of the training images, with your drawing in it,")
        path = str(self.reader.galleries.path(model))
        if path not in self._maps:
            self._maps[path] = map_of(gallery)
        drawn = self._maps[path]
        x, y = (np.array(here) - drawn["low"]) * drawn["scale"] + drawn["shift"]
        return {
            "kind": "map",
            "stamp": path,
            "points": drawn["points"],
            "labels": drawn["labels"],
            "marks": drawn["marks"],
            "here": [round(float(x), 1), round(float(MAP_SIZE[1] - y), 1)],
            "note": (
                "Each mark is a training image. Those that the model finds alike lie close together;"
                " how far apart groups lie, and how large they are, means little. The ring is your"
                f" drawing, placed among the nearest of {len(gallery.labels):,} such images. The map is made"
                " by UMAP from the model's embeddings, the numbers by which it describes images."
            ),
        }

    def _not_built(self, model: str, what: str) -> dict[str, Any]:
        for task in self.reader.lab.tasks("gallery"):
            if task.arguments.get("model") == model:
                if task.state in ("queued", "running"):
                    share = f" ({100 * task.done // task.total}%)" if task.total else ""
                    return {
                        "kind": "message",
                        "again": True,
                        "note": f"Preparing: {task.what or 'starting'}{share} …",
                    }
                if task.state == "failed":
                    failed = {"kind": "message", "note": f"{what} can't be shown: {task.error}"}
                    may = self.reader.lab.may("compute")  # its data set may be here by now
                    return failed | ({"action": "Try again"} if may else {})
                break
        if why := self.reader.lab.why_not("compute"):
            return {"kind": "message", "note": f"{what} can't be shown yet. {why}"}
        note = (
            f"{what} can be shown once they have been embedded: a minute or so, in the background."
        )
        return {"kind": "message", "note": note, "action": "Prepare"}


@lru_cache(maxsize=2000)
def _training_image(ink: bytes, side: int) -> str:
    """A gallery's image, encoded once: twelve of them would be a third of the time that an answer
    takes.
    """
    return data_uri(Image.fromarray(255 - np.frombuffer(ink, np.uint8).reshape(side, side)))


def _words(data: object, count: int, beside: int | None = None) -> list[Any]:
    """The `count` texts of a question; the one at `beside` is a list of texts. Raises ImageError."""
    if isinstance(data, list) and len(data) == count:
        texts = [data[place] for place in range(count) if place != beside]
        several = data[beside] if beside is not None else []
        if isinstance(several, list) and all(map(_is_text, texts + several)):
            return data
    raise ImageError(
        "the question can't be read", expected=f"{count} texts", hint="Reload the page."
    )


def _is_text(value: object) -> bool:
    """Whether it is text that an answer can repeat: half a surrogate pair is none."""
    try:
        return isinstance(value, str) and value.encode() is not None
    except UnicodeEncodeError:
        return False


def _drawing(picture: str) -> Image.Image:
    """The pad's picture. Raises ImageError if it can't be read or is larger than any pad."""
    return images.open_picture(decode_picture(picture), "the drawing", MOST_PIXELS)


def in_words(error: GlyphlabError) -> dict[str, Any]:
    """The answer to a drawing that can't be read."""
    return {"kind": "blank", "headline": "This can't be read", "note": str(error), "rows": []}
