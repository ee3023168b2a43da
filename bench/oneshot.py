"""Within-alphabet 20-way one-shot classification, by the protocol of Omniglot: an embedding against
pixels and against the best model of 62 characters.

Judged on alphabets that no training saw: the evaluation set where it is at hand, otherwise those of the
background set that the embedding's own recipe leaves out (`--model` names the run that was trained so;
the model that is shipped was trained on all of them). Each alphabet gives RUNS runs of 20 characters
and two people, 20 trials each way. The other models were trained on Latin letters and digits only.
"""

from __future__ import annotations

import os

import numpy as np

from bench.records import append
from engine.data.forms.omniglot import alphabet_of
from engine.errors import DataError
from engine.lab import Lab
from engine.recipes.fields import DataSpec
from engine.recognition.one_shot import draw_runs, errors_of, interval
from engine.services.few_shot import EMBEDDER
from engine.store.store import Store

RUNS = 200
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


def embedded(store: Store, model: str | None, data: str) -> np.ndarray:
    """(N, D) float32 of all images of a data set, L2-normalised; without a model the pixels."""
    if model is None:
        spec = DataSpec(name=data, style="digit", size=28, validation=0)
        flat = store.dataset(spec).images.reshape(-1, 28 * 28).astype(np.float32)
        return flat / np.linalg.norm(flat, axis=1, keepdims=True)
    meta = store.model_meta(model)
    spec = DataSpec(name=data, style=meta["style"], size=meta["size"], validation=0)
    return store.predictor(model).embed(store.dataset(spec).images)


def main(model: str | None = None) -> dict[str, float]:
    """Returns figures by name, appended to records.csv too: mean over alphabets of the share of
    wrong trials, in percent, and its 95% interval. Raises DataError.
    """
    lab = Lab.open(os.environ)
    model = model or EMBEDDER
    data, chosen = judged(lab.store, model)
    images = lab.store.dataset(DataSpec(name=data, size=28, validation=0))
    alphabets = np.array([alphabet_of(images.classes[label]) for label in images.labels])
    drawers = np.array([file.rpartition("_")[2] for file in images.files])
    runs = [
        run
        for run in draw_runs(alphabets, images.labels, drawers, RUNS)
        if chosen is None or run.alphabet in chosen
    ]
    names = [run.alphabet for run in runs]
    out: dict[str, float] = {}
    for name, asked in (("pixels", None), *((one, one) for one in BASELINES), (EMBEDDER, model)):
        errors = errors_of(runs, embedded(lab.store, asked, data))
        each = {one: 100 * errors[[n == one for n in names]].mean() for one in sorted(set(names))}
        low, high = interval(errors, names)
        label = f"{name} on {data}"
        out[f"{label}, {len(each)} alphabets, error %"] = float(np.mean(list(each.values())))
        out[f"{label}, {len(each)} alphabets, error %, 95% from"] = 100 * low
        out[f"{label}, {len(each)} alphabets, error %, 95% to"] = 100 * high
        out |= {f"{label}, {one}, error %": float(value) for one, value in each.items()}
    append(
        {"bench_or_recipe": "oneshot", "metric": metric, "value": f"{value:.4g}"}
        for metric, value in out.items()
    )
    return out
