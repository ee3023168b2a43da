"""Layers of a map that say what people did, and where models differ: annotators, tags, agreement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from engine.embedding.space_files import read_predictions
from engine.labels.journal import journal_of
from engine.services.annotators import Annotators
from engine.services.labels import Labels
from engine.services.layer import Layer, graded, named
from engine.services.spaces import UNTRAINED

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.services.spaces import Spaces
    from engine.store.store import Store

NOBODY, SEVERAL, SEVERAL_TAGS = "nobody", "several people", "several tags"
MOST_NAMED = 20  # tags and pairs of them; of more, nobody finds one in the legend


def people_layers(store: Store, space: Space) -> dict[str, Layer]:
    """Who labelled an image, whether they agree, and its tag; each where there is any."""
    out: dict[str, Layer] = {}
    votes = Annotators(Labels(store)).votes(space.data)
    by_place = {
        place: each for name, each in votes.items() if (place := space.place_of(name)) is not None
    }
    if by_place:
        people = sorted({who for each in by_place.values() for who in each})
        names = [NOBODY, *people, SEVERAL]
        who, alike = np.zeros(len(space), np.int64), np.zeros(len(space), np.int64)
        for place, each in by_place.items():
            alone = len(each) == 1
            who[place] = 1 + people.index(next(iter(each))) if alone else len(names) - 1
            alike[place] = 1 if alone else 2 if len(set(each.values())) == 1 else 3
        words = ("labelled by nobody", "by one", "all agree", "disputed")
        out["annotator"] = named("Annotator", who, names, "few")
        out["agreement"] = named("Agreement", alike, words, "few")
    current = journal_of(store.home, space.data).current()
    tagged = {
        place: sorted(now.tags)
        for name, now in current.items()
        if now.tags and (place := space.place_of(name)) is not None
    }
    if tagged:
        out["tag"] = _tags(tagged, len(space))
    return out


def _tags(tagged: Mapping[int, list[str]], count: int) -> Layer:
    """The tags of `count` points, by place: 'torn', 'smudge + torn'."""
    tags = sorted({tag for each in tagged.values() for tag in each})
    together = sorted({" + ".join(each) for each in tagged.values() if len(each) > 1})
    few = len(tags) + len(together) <= MOST_NAMED
    names = ["no tag", *tags, *(together if few else [SEVERAL_TAGS])]
    codes = np.zeros(count, np.int64)
    for place, each in tagged.items():
        name = " + ".join(each) if few or len(each) == 1 else SEVERAL_TAGS
        codes[place] = names.index(name)
    return named("Tag", codes, names, "few")


def model_layers(spaces: Spaces, space: Space) -> dict[str, Layer]:
    """Where the models that were asked about the same images differ: the share of them that predict
    another class than most do.
    """
    answers = [np.array(space.model_classes)[space.predicted]]
    seen = {space.model}
    for info in spaces.list():  # newest first: an older one of the same model is out of date
        same = (info.data, info.part) == (space.data, space.part)
        if not same or info.model in seen or info.model.startswith(UNTRAINED):
            continue
        theirs = read_predictions(spaces.home / info.name)
        if np.array_equal(theirs.index, space.index):
            seen.add(info.model)
            answers.append(np.array(theirs.classes)[theirs.predicted])
    if len(answers) < 2:
        return {}
    each = np.stack(answers)  # (models, N)
    most = np.max([(each == row).sum(0) for row in each], axis=0)
    return {"differ": graded(f"Disagreement of {len(each)} models", 1 - most / len(each), 0.0)}
