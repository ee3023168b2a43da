"""`lab.samples`: everything that is known about one image of a data set."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from engine.data.cache import stored_squares
from engine.data.decode import Target, decode, read_raw
from engine.data.duplicates import copies_of
from engine.data.listing import SPLITS, TEST, TRAIN
from engine.data.sources import part_of
from engine.errors import DataError
from engine.imaging.formats import image_in
from engine.imaging.images import STYLES, as_picture, open_picture
from engine.labels.replay import Current, Event
from engine.services.contents import USUAL_SIZE
from engine.services.image_spaces import space_on_map, spaces_with

if TYPE_CHECKING:
    from engine.data.listing import Listing
    from engine.embedding.projection import Options
    from engine.embedding.space import Space
    from engine.services.label_noise import Noise
    from engine.services.labels import Labels
    from engine.services.spaces import Spaces
    from engine.store.store import Store

SENT_AS_THEY_ARE = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp"}
SHOWN = 5  # classes of a prediction
MOST_SPACES = 4  # embeddings that are opened for one image
NEIGHBOURS = 13  # nearest images that a page shows of one; odd, so that two classes seldom tie
KEPT = 200  # predictions that were asked for and are kept


@dataclass(frozen=True)
class Sample:
    """One image. given: its label in the data set; label: the one that holds now; each None where
    there is none. split: the data set's own, '' for an image without a label, and for a training image where
    each run draws its own test images. place: which it is of
    the `of` images that count, from 0 on; None: it can't be read, and does not. enlarged: what the
    picture was made from, '' where it is as it lies in the data set.
    """

    data: str
    name: str
    place: int | None
    of: int
    given: str | None
    label: str | None
    excluded: bool
    tags: tuple[str, ...]
    split: str
    enlarged: str
    classes: tuple[str, ...]
    history: tuple[Event, ...]


class Predicted(NamedTuple):
    """What a model predicts: (class, probability) of the likeliest, best first."""

    model: str
    likeliest: tuple[tuple[str, float], ...]


class Near(NamedTuple):
    """A neighbour by a model's embedding: its name, label and cosine similarity."""

    name: str
    label: str | None
    similarity: float


class Suspicion(NamedTuple):
    """What the diagnosis says of a label. quality: probability (0..1) that the given label is correct,
    None where that is not decided; likely: the likely class; reason: a sentence or two; now: the same
    probability of the label of now, NaN where nobody knows; by_accident: the `rank` is that among
    complementary labels, of which those come first that are likeliest correct.
    """

    quality: float | None
    likely: str
    reason: str
    rank: int
    of: int
    now: float
    by_accident: bool = False


class Samples:
    """The images of a lab's data sets, one at a time, by data set and name."""

    def __init__(self, store: Store, labels: Labels, noise: Noise, spaces: Spaces) -> None:
        self.store, self.labels, self.noise, self.spaces = store, labels, noise, spaces
        self._predicted: OrderedDict[tuple[str, str, str], Predicted] = OrderedDict()

    def find(self, data: str, name: str) -> Sample:
        """What is known of an image without computing anything. Raises DataError if there is none."""
        listing, place = self._place(data, name)
        given, read = int(listing.labels[place]), self._read(listing)
        split = SPLITS[listing.official[place]]
        drawn = split == SPLITS[TRAIN] and TEST not in listing.official
        at = int(np.searchsorted(read, place))
        current = self.labels.current(data).get(name, Current())
        return Sample(
            data,
            name,
            at if place in read[at : at + 1] else None,
            len(read),
            listing.classes[given] if given >= 0 else None,
            self.labels.labels_now(data, [name])[0],
            current.excluded,
            tuple(sorted(current.tags)),
            split if given >= 0 and not drawn else "",
            listing.notes.get("enlarged", ""),
            self.labels.classes(data),
            tuple(self.labels.history(data, name)),
        )

    def beside(self, data: str, name: str) -> tuple[str | None, str | None]:
        """The names of the image before and of that after it in the data set, without those that
        can't be read.
        """
        listing, place = self._place(data, name)
        read = self._read(listing)
        earlier, later = read[read < place], read[read > place]
        before = str(listing.files[int(earlier[-1])]) if len(earlier) else None
        return before, str(listing.files[int(later[0])]) if len(later) else None

    def original(self, data: str, name: str) -> tuple[bytes, str]:
        """The picture as it lies in the data set, in all its pixels: content and media type. Files
        that browsers don't show, and glyphs without a file, become PNG. Raises DataError, ImageError.
        """
        listing, place = self._place(data, name)
        _, raw = read_raw(listing, place)
        if isinstance(raw, str):
            raise DataError(f"{name} can't be read", got=raw)
        stream = io.BytesIO()
        if isinstance(raw, bytes):
            picture = open_picture(raw, name)
            with suppress(OSError), image_in(raw) as opened:
                if opened.format in SENT_AS_THEY_ARE:
                    return raw, SENT_AS_THEY_ARE[opened.format]
        else:
            picture = as_picture(np.asarray(raw, np.uint8)[None])
        picture.save(stream, "PNG", compress_level=1)
        return stream.getvalue(), "image/png"

    def check_same(self, data: str, name: str, image: np.ndarray, style: str) -> None:
        """Raise DataError if the image of this name is another one now than `image` (S, S) uint8, a square
        of `style`'s first channel that was made of it before.
        """
        listing, place = self._place(data, name)
        target = Target(style, len(image), listing.convention)
        chunk = decode([read_raw(listing, place)], place, target)
        if not len(chunk.images) or not np.array_equal(chunk.images[0][0], image):
            raise DataError(
                f"data set {data} has another image named {name} now",
                hint="It was changed since the model was trained on it.",
            )

    # models

    def predictions(self, data: str, name: str) -> list[Predicted]:
        """What models predicted of this image before: from embedded data sets, and what `predict` was
        asked for. Computes nothing.
        """
        out = {}
        for space, place in islice(self._spaces(data, name), MOST_SPACES):
            likeliest = (
                space.model_classes[space.predicted[place]],
                float(space.confidence[place]),
            )
            out[space.model] = Predicted(space.model, (likeliest,))
        for (of, sample, model), found in self._predicted.items():
            if (of, sample) == (data, name):
                out[model] = found
        return list(out.values())

    def predict(self, data: str, name: str, model: str) -> Predicted:
        """What a saved model predicts of the image. Raises CheckpointError, DataError."""
        listing, place = self._place(data, name)
        meta, predictor = self.store.model_meta(model), self.store.predictor(model)
        target = Target(meta["style"], meta["size"], listing.convention)
        chunk = decode([read_raw(listing, place)], place, target)
        if not len(chunk.images):
            raise DataError(f"{name} can't be read", got=chunk.skipped[0][1])
        p = predictor.squares(chunk.images)[0]
        order = np.argsort(-p, kind="stable")[:SHOWN]
        found = Predicted(model, tuple((predictor.classes[i], float(p[i])) for i in order))
        self._predicted[data, name, model] = found
        while len(self._predicted) > KEPT:
            self._predicted.popitem(last=False)
        return found

    def models(self, data: str) -> list[str]:
        """The saved models that know all classes of a data set, those trained on it first."""
        classes = set(self.labels.listing(data).classes)
        fitting = []
        for info in self.store.models():
            if classes <= set(self.store.model_meta(info.name)["classes"]):
                fitting.append(info)
        return [info.name for info in sorted(fitting, key=lambda info: info.data != data)]

    def neighbours(
        self, data: str, name: str, k: int = NEIGHBOURS
    ) -> tuple[str | None, list[Near], Space | None]:
        """The nearest images by the newest embedding of the data set that holds this one: its model,
        the neighbours, nearest first, and the space; none of them where nothing is embedded.
        """
        for space, place in self._spaces(data, name):
            near = space.near(place, k)
            names = [str(space.images.files[int(space.index[i])]) for i in near.index]
            labels = self.labels.labels_now(data, names)
            pairs = zip(names, labels, near.similarity, strict=True)
            return space.model, [Near(n, label, float(s)) for n, label, s in pairs], space
        return None, [], None

    def on_map(self, data: str, name: str) -> tuple[Space | None, Options | None]:
        """As `engine.services.image_spaces.space_on_map`."""
        return space_on_map(self.spaces, data, name)

    def suspicion(self, data: str, name: str) -> Suspicion | None:
        """What the diagnosis of the data set says of this image's given label; None without one."""
        from engine.noise.explanation import (
            NOT_DECIDED,
            explain_label,
            label_neighbours,
            not_decided,
        )
        from engine.noise.label_quality import label_quality

        found = self.noise.find(data)
        if found is None or name not in found.places:
            return None
        place, arrays = found.places[name], found.arrays
        left_open = bool(not_decided(found)[place])
        return Suspicion(
            None if left_open else float(arrays["score"][place]),
            NOT_DECIDED if left_open else found.classes[arrays["likely"][place]],
            explain_label(found, place, label_neighbours(found, place)),
            int(np.flatnonzero(arrays["order"] == place)[0]) + 1,
            found.n,
            float(label_quality(found, np.array([place]), self.labels.labels_now(data, [name]))[0]),
            found.document["regime"] == "complementary",
        )

    def copies(self, data: str, name: str) -> list[tuple[str, bool]]:
        """Other images that are identical (True) or nearly so (False). Looks through the whole data
        set. Raises DataError.
        """
        images = self.noise.data(data)
        files = [str(file) for file in images.files]
        if name not in files:
            raise DataError(f"{name} can't be read, so it can't be compared")
        return [(files[at], same) for at, same in copies_of(images.images, files.index(name))]

    def squares(self, data: str, names: Sequence[str], size: int = 64) -> np.ndarray:
        """Images as squares show them: (n, C, size, size) uint8; one that can't be read is empty.
        Raises DataError for one that is not there.
        """
        out = []
        for name in names:
            listing, place = self._place(data, name)
            target = Target(listing.kind, size, listing.convention)
            chunk = decode([read_raw(listing, place)], place, target)
            empty = np.zeros((STYLES[listing.kind].channels, size, size), np.uint8)
            out.append(chunk.images[0] if len(chunk.images) else empty)
        return np.stack(out) if out else np.zeros((0, 1, size, size), np.uint8)

    def _spaces(self, data: str, name: str) -> Iterator[tuple[Space, int]]:
        return spaces_with(self.spaces, data, name)

    def _read(self, listing: Listing) -> np.ndarray:
        """The places of the images that count, in order, as everywhere in the lab: once all have been
        decoded, those that can't be read are known and left out.
        """
        usual = listing.kind, USUAL_SIZE[listing.kind]
        stored = stored_squares(listing, *usual, self.store.home)
        return np.arange(len(listing)) if stored is None else stored.kept

    def _place(self, data: str, name: str) -> tuple[Listing, int]:
        """The listing of the data set that an image is of, and its place there."""
        own, sample = part_of(data, name)
        listing = self.labels.listing(own)
        place = self.labels.places(own).get(sample)
        if place is None:
            raise DataError(f"data set {data} has no such image", got=repr(name))
        return listing, place
