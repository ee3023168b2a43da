"""`lab.labelling`: what to label next among the images of a data set that have no label, and a linear head
that learns with every label.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from engine.data.listing import TEST
from engine.data.sources import names_in
from engine.embedding.proposals import STRATEGIES, Head, Pool, fit_head, held_out_right
from engine.errors import DataError, unknown
from engine.metrics import wilson_interval

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.recipes.recipe import Recipe
    from engine.services.labels import Labels

AT_ONCE = 10  # proposals
LEAST_SCORED = 20  # labels
ENOUGH = 0.5  # share of fewer labels that a model predicts rightly, for its predictions to be shown
FEW = 500  # labels, up to which a first model is trained in small batches
# First the last layer alone, then all gently: with few images, training all at once spoils what the
# network has learned (linear probing then fine-tuning, Kumar et al. 2022). Augmentation as in the shipped
# recipe `few-pretrained`.
FIRST_MODEL: dict[str, Any] = {
    "name": "first-model",
    "title": "First model of new labels",
    "select": "last",
    "stages": [{"epochs": 30, "freeze": 99, "lr": 1e-2}, {"epochs": 10, "lr": 3e-4}],
    "augment": {"rotate": 10, "translate": 0.08, "zoom": 0.1, "shear": 8},
}
MOST_FITTED = 1_000  # labels that the head is fitted to: 0.3 s with 26 classes, on one core


class Proposal(NamedTuple):
    """An image to label: its place in the space, its name, what is predicted of it ('' where nothing is)
    and with which probability.
    """

    place: int
    name: str
    likely: str
    confidence: float


class Standing(NamedTuple):
    """How far the labelling is. labelled, waiting, excluded: images; by_hand: of the labelled ones,
    those that a person decided about; classes: how many images each has.
    """

    labelled: int
    waiting: int
    excluded: int
    by_hand: int
    classes: dict[str, int]


class Score(NamedTuple):
    """How good the head is: the share of n labelled images that heads fitted without them predict
    rightly, with its 95% interval; chance: the share that random guesses among the classes would.
    """

    accuracy: float
    low: float
    high: float
    n: int
    chance: float


class Labelling:
    """Labelling images of an embedded data set; the labels go into its label journal."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self._heads: dict[tuple[str, int], Head | None] = {}
        self._scores: dict[tuple[str, int], Score | None] = {}

    def standing(self, space: Space) -> Standing:
        """How many images of the space have a label, and how many wait."""
        current = self.labels.current(space.data)
        now = self._now(space)
        excluded = sum(
            one.excluded for name, one in current.items() if space.place_of(name) is not None
        )
        classes: dict[str, int] = {}
        for label in now:
            if label is not None:
                classes[label] = classes.get(label, 0) + 1
        by_hand = sum(one.label is not None and not one.excluded for one in current.values())
        labelled = sum(classes.values())
        return Standing(labelled, len(now) - labelled - excluded, excluded, by_hand, classes)

    def proposals(
        self,
        space: Space,
        strategy: str = "uncertainty",
        count: int = AT_ONCE,
        skipped: Collection[str] = (),
    ) -> list[Proposal]:
        """The next images to label, by a name in STRATEGIES; excluded images and `skipped` ones are not
        proposed. Raises DataError for an unknown strategy.
        """
        if strategy not in STRATEGIES:
            raise DataError(unknown("strategy", strategy, STRATEGIES))
        now, current = self._now(space), self.labels.current(space.data)
        names = [str(space.images.files[int(number)]) for number in space.index]
        labelled = np.array([i for i, label in enumerate(now) if label is not None], np.int64)
        out_of_play = {name for name, one in current.items() if one.excluded} | set(skipped)
        waiting = np.array(
            [i for i, label in enumerate(now) if label is None and names[i] not in out_of_play],
            np.int64,
        )
        head = self.head(space)
        vectors = np.asarray(space.embeddings)
        p = (
            head.probabilities(vectors[waiting])
            if head is not None
            else np.zeros((len(waiting), 0), np.float32)
        )
        rng = np.random.default_rng(len(labelled))
        chosen = STRATEGIES[strategy](Pool(vectors, labelled, waiting, p), count, rng)
        return self.predicted(space, [names[place] for place in chosen.tolist()])

    def predicted(self, space: Space, names: Sequence[str]) -> list[Proposal]:
        """What is predicted of images of the space: by its model while `model_predicts`, else by the
        head; nothing without one. Raises DataError for an image that is not in the space.
        """
        found = [space.place_of(name) for name in names]
        if None in found:
            raise DataError(f"{space.data} has no image {names[found.index(None)]} embedded")
        places = np.array(found, np.int64)
        own = self.model_predicts(space)
        head = None if own else self.head(space)
        if head is not None:
            p = head.probabilities(np.asarray(space.embeddings[places]))
            likely, sure = np.array(head.classes)[p.argmax(1)], p.max(1)
        elif own:
            likely = np.array(space.model_classes)[space.predicted[places]]
            sure = space.confidence[places]
        else:
            likely, sure = np.full(len(places), ""), np.zeros(len(places))
        rows = zip(places.tolist(), names, likely.tolist(), sure.tolist(), strict=True)
        return [Proposal(*row) for row in rows]

    def model_predicts(self, space: Space) -> bool:
        """Whether the space's own model predicts better than the head: it knows all classes that the
        data set has so far, and of the labelled images it is right about a larger share than heads
        that were fitted without them, or where these are not scored, about at least half of a few.
        """
        if not {*self.labels.classes(space.data)} <= {*space.model_classes}:
            return False
        now = self._now(space)
        places = [i for i, label in enumerate(now) if label is not None]
        if not places:
            return True
        said = np.array(space.model_classes)[space.predicted[places]]
        share = float(np.mean(said == np.array([now[i] for i in places])))
        score = self.score(space)
        if score is None:
            return len(places) < LEAST_SCORED and share >= ENOUGH
        return share > score.accuracy

    def score(self, space: Space) -> Score | None:
        """How good the head is by five-fold cross-validation over the labels; None with less than
        LEAST_SCORED of them, or more than it is fitted to.
        """
        now = self._now(space)
        places = [i for i, label in enumerate(now) if label is not None]
        key = (space.key, len(self.labels.decisions(space.data).entries()))
        if not LEAST_SCORED <= len(places) <= MOST_FITTED:
            return None
        if key not in self._scores:
            labels = [label for label in now if label is not None]
            right = held_out_right(np.asarray(space.embeddings[places]), labels)
            low, high = wilson_interval(int(right.sum()), len(right))
            chance = 1 / len(set(labels))
            self._scores = {key: Score(float(right.mean()), low, high, len(right), chance)}
        return self._scores[key]

    def recipe(self, space: Space) -> Recipe:
        """A recipe for a first model of the labels: the network of the embedding's model, begun with
        its weights, on the mended labels of the data set. Raises CheckpointError.
        """
        from engine.recipes.recipe import make_recipe

        meta = self.labels.store.model_meta(space.model)
        wanted = {"style": meta["style"], "size": meta["size"], "labels": "mended"}
        few = self.standing(space).labelled < FEW
        listings = [self.labels.listing(name) for name in names_in(space.data)]
        own = all((listing.official == TEST).any() for listing in listings)
        test = 0 if own else 0.2  # a share is refused where there is a test split already
        return make_recipe(
            {
                **FIRST_MODEL,
                "batch_size": 8 if few else 64,
                "data": {"name": space.data, **wanted, "validation": 0.1, "test": test},
                "model": meta["recipe"]["model"],
                "init_from": space.model,
            }
        )

    def head(self, space: Space) -> Head | None:
        """The linear head fitted to all labels as they are now, the latest MOST_FITTED of them; None
        with fewer than two classes.
        """
        key = (space.key, len(self.labels.decisions(space.data).entries()))
        if key not in self._heads:
            now = self._now(space)
            places = [i for i, label in enumerate(now) if label is not None]
            if len(places) > MOST_FITTED:
                current = self.labels.current(space.data)
                own = {space.place_of(name) for name in current}
                others = [i for i in places if i not in own]
                drawn = np.random.default_rng(0).permutation(others)
                places = sorted([*(i for i in places if i in own), *drawn.tolist()][:MOST_FITTED])
            labels = [label for i in places if (label := now[i]) is not None]
            self._heads = {key: fit_head(np.asarray(space.embeddings[places]), labels)}
        return self._heads[key]

    def _now(self, space: Space) -> list[str | None]:
        names = [str(space.images.files[int(number)]) for number in space.index]
        return self.labels.labels_now(space.data, names)
