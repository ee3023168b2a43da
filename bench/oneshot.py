"""Within-alphabet 20-way one-shot classification, by the protocol of Omniglot: an embedding against
pixels and against the best model of 62 characters.

Judged on alphabets that no training saw: the evaluation set where it is at hand, otherwise those of the
background set that the embedding's own recipe leaves out (`--model` names the run that was trained so;
the model that is shipped was trained on all of them). Each alphabet gives RUNS runs of 20 characters
and two people, 20 trials each way. The other models were trained on Latin letters and digits only.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from bench.records import append
from engine.data.forms.omniglot import alphabet_of
from engine.errors import DataError
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.recognition.few_shot import Bank, nearest_symbol
from engine.recognition.one_shot import draw_runs, errors_of, interval
from engine.recognition.open_set import OpenSet, draw_episodes, measure
from engine.recognition.shape_similarity import likeness_vectors
from engine.services.few_shot import EMBEDDER
from engine.store.store import Store

RUNS, EPISODES = 200, 150  # of each alphabet
BASELINES = ("characters-best",)


def judged(store: Store, model: str) -> tuple[str, set[str] | None]:
    """The data set to judge a model on, and which of its alphabets (None: all). Raises DataError if
    it was trained on all that are here.
    """
    try:
        store.dataset(DataSpec(name="omniglot-evaluation", size=28, validation=0))
        return "omniglot-evaluation", None
    except DataError:
        pass
    recipe = store.model_meta(model)["recipe"]["data"]
    left_out = {name.removesuffix(" *") for name in recipe.get("without", ())}
    if "omniglot" not in recipe["name"].split("+"):
        return "omniglot", None
    if not left_out:
        raise DataError(
            f"{model} was trained on all alphabets that are here",
            hint="Put images_evaluation.zip into a folder of GLYPHLAB_DATA, or name with --model a"
            " run whose recipe leaves some out (data.without).",
        )
    return "omniglot", left_out


def embedded(
    store: Store, model: str | None, data: str, asked: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (n, D) float32, L2-normalised, of the images of a data set at `asked` (n,), and the
    squares that the model was given; without a model their pixels.
    """
    look = {"style": "digit", "size": 28}
    if model is not None:
        meta = store.model_meta(model)
        look = {"style": meta["style"], "size": meta["size"]}
    squares = store.dataset(DataSpec.model_validate({"name": data, "validation": 0, **look})).images
    squares = np.asarray(squares[asked])
    if model is not None:
        return store.predictor(model).embed(squares), squares
    flat = squares.reshape(len(squares), -1).astype(np.float32)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True), squares


def open_set(
    vectors: np.ndarray, alphabets: np.ndarray, characters: np.ndarray, drawers: np.ndarray
) -> OpenSet:
    """How well "none of these" is told by the rule of Teach (`nearest_symbol`: how much more likeness
    than the symbol asks for). vectors: likeness vectors (N, D + 196) of the drawings asked about.
    """

    def surely(bank: Bank, vector: np.ndarray) -> tuple[str, float]:
        match = nearest_symbol(bank, vector)
        return match.name, match.likeness - match.least

    episodes = list(draw_episodes(alphabets, characters, drawers, EPISODES))
    return measure(episodes, characters, vectors, surely)


def main(model: str | None = None) -> dict[str, float]:
    """Returns figures by name, appended to records.csv too. Errors are shares of wrong trials in
    percent, of each alphabet and their mean, with the mean's 95% interval. Raises DataError.
    """
    lab = Lab.open(os.environ)
    model = model or EMBEDDER
    data, chosen = judged(lab.store, model)
    spec = DataSpec(name=data, size=28, validation=0)
    images = lab.store.dataset(spec)
    alphabets = np.array([alphabet_of(images.classes[label]) for label in images.labels])
    drawers = np.array([file.rpartition("_")[2] for file in images.files])
    asked = np.flatnonzero(np.isin(alphabets, sorted(chosen or set(alphabets))))
    about = alphabets[asked], images.labels[asked], drawers[asked]
    runs = list(draw_runs(*about, RUNS))
    names = [run.alphabet for run in runs]
    out: dict[str, float] = {}
    own = Path(model).name
    for name, source in (("pixels", None), *((one, one) for one in BASELINES), (own, model)):
        vectors, squares = embedded(lab.store, source, data, asked)
        errors = 100 * errors_of(runs, vectors)
        each = {one: errors[[n == one for n in names]].mean() for one in sorted(set(names))}
        low, high = interval(errors, names)
        label = f"{name}, {len(each)} alphabets of {data}, errors %"
        out |= {label: float(np.mean(list(each.values())))}
        out |= {f"{label}, 95% from": low, f"{label}, 95% to": high}
        out |= {f"{name}, {one}, errors %": float(value) for one, value in each.items()}
        if source == model:
            found = open_set(likeness_vectors(vectors, squares), *about)
            out[f"{name}, none of five symbols, equal error %"] = 100 * found.equal_error
            out[f"{name}, none of five symbols, threshold there"] = found.threshold
            out[f"{name}, which of five symbols, right %"] = 100 * found.right
    append(
        {"bench_or_recipe": "oneshot", "metric": metric, "value": f"{value:.4g}"}
        for metric, value in out.items()
    )
    return out
