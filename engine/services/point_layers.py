"""What the points of a map can be coloured by: classes, answers, mistakes, confidence, origin, how
far a label is believed, other runs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from engine.embedding.space import Space
from engine.embedding.space_files import read_predictions
from engine.errors import DamagedError, GlyphlabError
from engine.files.checked import map_array
from engine.labels.journal import FILE, journal_of
from engine.noise.review import EARLIER
from engine.services.layer import Layer, graded, named
from engine.services.people_layers import model_layers, people_layers
from engine.services.selections import as_now
from engine.services.spaces import UNTRAINED

if TYPE_CHECKING:
    from engine.noise.storage import Diagnosis
    from engine.services.label_noise import Noise
    from engine.services.spaces import Spaces


def layers(spaces: Spaces, noise: Noise, space: Space) -> dict[str, Layer]:
    """The layers a space has, by the name that stands in the page's address."""
    journals = (noise.home.parent / "labels").glob(f"*/{FILE}")
    found = space.folder.glob("clusters-*.npy")
    kept = [spaces.home, noise.home, *noise.home.glob(f"*/{EARLIER}"), *journals, *sorted(found)]
    return _layers(
        spaces,
        noise,
        space,
        tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in kept),
    )


@lru_cache(maxsize=8)
def _layers(
    spaces: Spaces, noise: Noise, space: Space, stamps: tuple[int, ...]
) -> dict[str, Layer]:
    # `stamps` change with every new diagnosis, decision or space; a click on the map must not pay
    # for what has not changed.
    judged = _diagnosed(noise, space)
    out = {
        "label": named("Given label", space.labels, space.classes),
        "true": judged.pop("true", None)
        or named("True class (as labelled)", space.labels, space.classes),
        "predicted": _answers(space),
        "error": named(
            "Error",
            np.where(space.labels < 0, 2, space.wrong),
            ("right", "wrong", "unknown"),
            "verdict",
        ),
        "confidence": graded("Confidence", space.confidence),
        "split": _splits(space),
    }
    if space.images.sources is not None and len(space.images.source_names) > 1:
        out["source"] = named(
            "Source", space.images.sources[space.index], space.images.source_names, "few"
        )
    out |= _clusters(space) | _decided(noise, space) | people_layers(noise.store, space)
    return out | judged | model_layers(spaces, space) | _rivals(spaces, space)


def _answers(space: Space) -> Layer:
    """The model's answers in the order, and so the colours, of the data's classes; classes that
    only the model knows come after.
    """
    names = list(dict.fromkeys([*space.classes, *space.model_classes]))
    order = np.array([names.index(name) for name in space.model_classes])
    return named("Predicted class", order[space.predicted], names)


def _clusters(space: Space) -> dict[str, Layer]:
    """The clusters that were found on the maps of the space, a layer a map."""
    out: dict[str, Layer] = {}
    for file in sorted(space.folder.glob("clusters-*.npy")):
        with suppress(DamagedError):  # they are found again
            codes = np.asarray(map_array(file, ""), np.int64)
            if codes.shape == (len(space),):
                count = int(codes.max(initial=-1)) + 1
                names = [_cluster_name(space, codes, number) for number in range(count)]
                layer = named("Cluster", codes, names, unnamed="no cluster")
                middles = _middles(space, file.stem.removeprefix("clusters-"), codes, count)
                out[file.stem] = replace(layer, middles=middles)
    return out


def _middles(
    space: Space, map: str, codes: np.ndarray, count: int
) -> tuple[tuple[float, ...], ...]:
    """The median of each of `count` clusters on the map of this name; none if the map is gone."""
    try:
        coordinates = space.coordinates(map)
    except GlyphlabError:
        return ()
    if len(coordinates) != len(codes):
        return ()
    medians = (np.median(coordinates[codes == number], axis=0) for number in range(count))
    return tuple(tuple(median.tolist()) for median in medians)


def _cluster_name(space: Space, codes: np.ndarray, number: int) -> str:
    """The class that most of a cluster's images are given, or else predicted, and its number."""
    labels = space.labels[codes == number]
    labels = labels[labels >= 0]
    if len(labels):
        name = space.classes[np.bincount(labels).argmax()]
    elif (codes == number).any():
        name = space.model_classes[np.bincount(space.predicted[codes == number]).argmax()]
    else:
        name = "empty"
    return f"{name} · cluster {number + 1}"


def _decided(noise: Noise, space: Space) -> dict[str, Layer]:
    """What people decided about the images: their labels now, and where a decision changed them."""
    current = journal_of(noise.store.home, space.data).current()
    there = {
        place: now
        for sample, now in current.items()
        if (place := space.place_of(sample)) is not None
    }
    if not there:
        return {}
    names, codes = list(space.classes), space.labels.copy()
    verdicts = np.zeros(len(space), np.int64)
    for place, now in there.items():
        if now.label is not None:
            if now.label not in names:
                names.append(now.label)
            codes[place] = names.index(now.label)
            verdicts[place] = 1 if codes[place] == space.labels[place] else 2
        if now.excluded:
            codes[place], verdicts[place] = -1, 3
    words = ["not looked at", "confirmed", "relabelled", "excluded"]
    return {
        "now": named("Label now", codes, names),
        "decided": named("Decision", verdicts, words, "few"),
    }


def _splits(space: Space) -> Layer:
    names = [name for name in ("train", "val", "test") if len(space.images.splits.get(name, ()))]
    codes = np.full(len(space.images), -1)
    for number, name in enumerate(names):
        codes[space.images.splits[name]] = number
    words = {"train": "training", "val": "validation", "test": "test"}
    return named("Split", codes[space.index], [words[name] for name in names], "few")


def _diagnosed(noise: Noise, space: Space) -> dict[str, Layer]:
    """From the newest diagnosis of the data set's labels, if there is one: the quality of the labels as
    they are now, and the true class as far as it is known: a person's decision, or else the likely class.
    """
    found = next((info for info in noise.list() if info.name == space.data), None)
    diagnosis = noise.find(found.name, found.split) if found else None
    if (
        diagnosis is None
        or len(diagnosis.data) != len(space.images)
        or diagnosis.classes != space.classes
    ):
        return {}
    index = diagnosis.arrays["index"]
    quality, true = np.full(len(space.images), np.nan), np.array(space.images.labels, np.int64)
    quality[index], true[index] = diagnosis.arrays["score"], diagnosis.arrays["likely"]
    decided = np.zeros(len(space.images), bool)
    for decision in noise.review(diagnosis).decisions().values():
        place = index[decision.position]
        true[place], decided[place] = decision.label, True
    by_hand = int(decided[space.index].sum())  # of the diagnosis, more may have been decided
    scores, mended = _quality_now(noise, space, diagnosis, quality[space.index])
    scored = np.isfinite(scores)
    if not scored.any():
        return {}
    said = [f"{mended:,} changed by hand"] * bool(mended)
    said += ["1 where unknown"] * (not scored.all())
    title = (
        "True class (diagnosis)"
        if not by_hand
        else f"True class (diagnosis, {by_hand:,} decided by hand)"
    )
    return {
        "true": named(title, true[space.index], space.classes),
        "quality": graded(
            "Label quality" + (f" ({'; '.join(said)})" if said else ""),
            np.where(scored, scores, 1.0),
        ),
    }


def _quality_now(
    noise: Noise, space: Space, diagnosis: Diagnosis, scores: np.ndarray
) -> tuple[np.ndarray, int]:
    """The label quality of each image of a space (N,), where `scores` (N,) are of the labels that the
    images came with: NaN of one without a label now, or with one that the diagnosis can't judge; and of
    how many images the label was changed.
    """
    from engine.noise.label_quality import label_quality

    now = as_now(space, journal_of(noise.store.home, space.data).current())
    changed = np.flatnonzero(now.changed)
    scores[changed] = np.nan
    names = [str(space.images.files[int(space.index[place])]) for place in changed]
    known = [at for at, name in enumerate(names) if name in diagnosis.places]
    positions = np.array([diagnosis.places[names[at]] for at in known], np.int64)
    labels = [now.label(int(changed[at])) for at in known]
    scores[changed[known]] = label_quality(diagnosis, positions, labels)
    return scores, len(changed)


def _rivals(spaces: Spaces, space: Space) -> dict[str, Layer]:
    """Against every other model or run that was asked about the same images: which of the two reads
    an image rightly.
    """
    out: dict[str, Layer] = {}
    for info in spaces.list():  # newest first: an older one of the same model is out of date
        key = f"run-{info.model}"
        same = (info.data, info.part) == (space.data, space.part)
        if not same or info.model == space.model or info.model.startswith(UNTRAINED) or key in out:
            continue
        theirs = read_predictions(spaces.home / info.name)
        if not np.array_equal(theirs.index, space.index):
            continue  # split in another way
        wrong = space.misses(theirs.classes, theirs.predicted)
        codes = np.where(space.labels < 0, -1, 2 * space.wrong + wrong)
        names = ("both right", "only this model right", "only the other right", "both wrong")
        out[key] = named(f"Run against run: {info.model}", codes, names, "rivals")
    return out
