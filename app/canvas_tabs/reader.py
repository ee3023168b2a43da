"""What the canvas answers: a drawing or a picture file → probabilities, and the words for them."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from app.canvas_tabs.drawn import Drawn
from app.people.asking import in_canvas
from engine.errors import ModelError
from engine.imaging import images
from engine.imaging.formats import image_in
from engine.recognition.confusables import groups_in_words
from engine.recognition.few_shot import WITHOUT_GALLERY
from engine.recognition.shape_similarity import likeness_vectors
from engine.services.readers import readers
from engine.services.verdicts import verdict_of, verdict_on
from engine.settings import COMMAND
from engine.store.models import without_trials

if TYPE_CHECKING:
    import numpy as np

    from engine.lab import Lab
    from engine.models.predictor import Prediction, Predictor
    from engine.recognition.confusables import Answer, Group
    from engine.recognition.few_shot import Match
    from engine.services.few_shot import Example
    from engine.services.galleries import Galleries
    from engine.services.gallery import Gallery
    from engine.store.models import ModelInfo

FAVOURITES = ("canvas-characters", "canvas-digits")  # shipped with the lab, best first
LARGE_PIXELS = 4_000_000  # more are read one at a time: 50 million take 0.6 GB on their way
_large = threading.Lock()


class Reader:
    """Answers for one lab (`whole`), as whoever asks has it (`lab`). Safe to call from several threads."""

    def __init__(self, lab: Lab) -> None:
        self.whole = lab
        self._quiet = threading.Event()

    @property
    def lab(self) -> Lab:
        return in_canvas(self.whole)

    @property
    def galleries(self) -> Galleries:
        return self.whole.galleries

    def models(self, keep: str = "") -> list[dict[str, str]]:
        """name, title, label, what stands in the list (short) and below it (about), and which characters
        count as one (alike) of the models that can read drawings, the best first, shipped ones before those
        of runs. Of a sweep's trials there is the best, and the one called `keep`.
        """
        found = {model.name: model for model in readers(without_trials(self.lab.models(), (keep,)))}
        names = [name for name in FAVOURITES if name in found] + [
            name for name in found if name not in FAVOURITES
        ]
        return [_in_words(found[name]) for name in names]

    def best(self) -> str:
        """The model asked when none is named. Raises ModelError if there is none at all."""
        for model in self.models():
            return model["name"]
        raise ModelError(
            "there is no model yet",
            hint=f"Train one on the Train page or with `{COMMAND} train quick`.",
        )

    def predictor(self, name: str | None) -> Predictor:
        """The predictor for `name`, or for the best model. Raises CheckpointError, ModelError."""
        if (
            not self._quiet.is_set()
        ):  # a drawing is answered in milliseconds by one thread; more would starve a training run
            import torch

            torch.set_num_threads(1)
            self._quiet.set()
        return self.lab.predictor(name or self.best())

    def warm(self) -> None:
        """Load the best model, and have it predict once: the first time takes longer. Raises ModelError,
        CheckpointError.
        """
        self.predictor(None).predict([_blank_page()])

    def drawn(self, picture: Image.Image) -> Drawn:
        """A drawing to be answered."""
        return Drawn(images.Page(picture), self.predictor)

    def needed(self, model: str) -> list[str]:
        """The models that a drawing is shown which `model` reads: it, and the one that tells taught
        symbols apart where there are some.
        """
        taught = self.lab.taught
        names = [model, taught.embedder(model)] if taught.symbols() else [model]
        return list(dict.fromkeys(names))

    def answer(
        self, drawn: Drawn, model: str
    ) -> tuple[Prediction, Answer, Match | None, Gallery | None]:
        """A prediction, what to say about it, the taught symbol it shows if any, and the model's
        gallery if it has been built.
        """
        prediction, gallery = drawn.by(model), self.galleries.get(model)
        if prediction.blank:
            return prediction, verdict_of(prediction, None), None, None
        match = self._taught(drawn, prediction, model)
        if match is not None:
            return prediction, verdict_of(prediction, gallery), match, gallery
        return prediction, self.model_says(drawn, model), None, gallery

    def model_says(self, drawn: Drawn, model: str) -> Answer:
        """What to say about a picture by a model's own classes, whatever symbols were taught."""
        return verdict_on(
            drawn.page, drawn.by(model), drawn.predictor(model), self.galleries.get(model)
        )

    def verdict(self, drawn: Drawn, model: str) -> Answer:
        """What to say about one character, by one model: also whether it is unlike all that this model
        was trained on, once its gallery has been built.
        """
        return verdict_of(drawn.by(model), self.galleries.get(model))

    def examples_like(self, drawn: Drawn, model: str) -> list[Example]:
        """The taught examples, those most like a drawing first."""
        return self.lab.taught.most_alike(*self._embedded(drawn, model))

    def _taught(self, drawn: Drawn, prediction: Prediction, model: str) -> Match | None:
        """The taught symbol that a drawing shows; None if it is none of them, or more like one of
        the characters that `model` tells apart.
        """
        taught = self.lab.taught
        if not taught.symbols():
            return None
        vector, embedder = self._embedded(drawn, model)
        gallery = self.galleries.get(embedder)
        known = gallery.likeness_of_classes(vector, prediction.classes) if gallery else None
        return taught.recognise(vector, embedder, WITHOUT_GALLERY if known is None else known)

    def _embedded(self, drawn: Drawn, model: str) -> tuple[np.ndarray, str]:
        """A drawing's likeness vector (D + 196,) float32 by which taught symbols are told apart, and
        the name of the model that makes it.
        """
        embedder = self.lab.taught.embedder(model)
        prediction = drawn.by(embedder)
        vectors = likeness_vectors(prediction.embedding[None], prediction.square[None])
        return vectors[0], embedder


@contextmanager
def in_turn(pictures: Sequence[Path | bytes]) -> Iterator[None]:
    """Wait until no other large picture is being read, if one of these is large; what it took is
    given back to the system afterwards.
    """
    if all(pixels(picture) <= LARGE_PIXELS for picture in pictures):
        yield
        return
    with _large:
        try:
            yield
        finally:
            with suppress(AttributeError, OSError):  # glibc keeps freed blocks of up to 32 MB
                ctypes.CDLL(None).malloc_trim(0)


def pixels(picture: Path | bytes) -> int:
    """The pixels that a picture says it has; 0 if it can't be read."""
    try:
        with image_in(picture) as found:
            return found.width * found.height
    except Exception:  # noqa: BLE001 - whoever opens it says what is wrong
        return 0


def opened(picture: Path | bytes) -> Image.Image:
    """A picture that was sent; what is wrong with it is said without its place on the server.
    Raises ImageError.
    """
    return images.open_picture(picture, picture.name if isinstance(picture, Path) else None)


def rows_of(groups: Sequence[Group], most: int = 6) -> list[dict[str, Any]]:
    """The bars: for each group of look-alikes its share and its members, those under 1% left out
    unless they lead.
    """
    out = []
    for group in groups[:most]:
        shown = [
            (name, share)
            for place, (name, share) in enumerate(group.members)
            if place == 0 or share >= 0.01
        ]
        out.append(
            {
                "share": group.share,
                "members": [{"label": name, "share": share} for name, share in shown],
            }
        )
    return out


def _in_words(model: ModelInfo) -> dict[str, str]:
    """A model of the list. Its closed list has room for a name, not for figures and what they are of."""
    quality = _quality_of(model)
    if model.where == "shipped":
        title = short = model.title
        about = quality
    else:
        title = f"{model.title}, trained on {model.data} ({model.name})"
        short, about = f"{model.title} ({model.name})", f"Trained on {model.data}: {quality}"
    words = {"title": title, "label": f"{title}: {quality}", "short": short, "about": about}
    alike = "" if model.merged is None else groups_in_words(model.alike)
    return {"name": model.name, **words, "alike": alike}


def _quality_of(model: ModelInfo) -> str:
    """How many classes a model tells apart, and what its accuracy is of."""
    quality = ""
    if model.merged is not None:
        quality = (
            f", {model.merged:.1%} with look-alikes counted as one ({model.accuracy:.1%} exact)"
        )
    elif model.accuracy is not None:
        quality = f", {model.accuracy:.1%}"
    if quality:
        quality += f" of {model.tested_on}"
    return f"{model.classes} classes{quality}"


def _blank_page() -> np.ndarray:
    import numpy as np

    return np.full((360, 480), 255, np.uint8)
