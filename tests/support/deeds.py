"""What a lab does that must survive a fault: each deed small, the same every time, and with what can be seen of it
afterwards.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from made_lab import SMALL, drawn, zipped

from engine.embedding.projection import Options
from engine.jobs.executor import resume
from engine.lab import Lab
from engine.noise.cleaned_labels import clean
from engine.noise.storage import key_of, make_document, save_diagnosis
from engine.recipes.recipe import make_recipe
from engine.runs.run import Run
from engine.services.cleaned_datasets import publish
from engine.sweep.spec import make_sweep

TIMES = ("seconds", "images_per_second")  # figures that no two runs share
READS = "test_reads"  # of one that was killed after it had read its test images, once more


class Deed(NamedTuple):
    """do: brings it about. seen: what there is of it, None for nothing. finish: what a person does after a fault, if
    not simply the same again.
    """

    do: Callable[[Lab], object]
    seen: Callable[[Lab], Any]
    finish: Callable[[Lab], object] | None = None

    def go_on(self, lab: Lab) -> None:
        (self.finish or self.do)(lab)


# training


def _train(**fields: Any) -> Deed:
    recipe = make_recipe({**SMALL, **fields})

    def seen(lab: Lab) -> Any:
        for info in lab.runs():
            if info.name == recipe.name and info.state == "finished":
                return trained(lab.run(info.id))
        return None

    def finish(lab: Lab) -> None:
        found = [run for run in lab.runs() if run.name == recipe.name]
        if not found:
            lab.submit(recipe)
        for run in found:
            if run.state != "finished":
                resume(lab.launcher.executor, lab.run(run.id))

    return Deed(lambda lab: lab.submit(recipe), seen, finish)


def trained(run: Run) -> dict[str, Any]:
    """What a run came to, without times and attempts: weights, epochs, figures, saved predictions."""
    meta = json.loads((run.best / "checkpoint.json").read_text(encoding="utf-8"))
    final = {
        key: value for key, value in run.final().items() if not key.startswith((*TIMES, READS))
    }
    rows = [
        {key: value for key, value in row.items() if key not in TIMES}
        for row in run.metrics()
        if row["kind"] == "epoch"
    ]
    return {
        "weights": _digest(run.best / meta["weights"]),
        "epochs": rows,
        "final": final,
        "predictions": _digest_arrays(run.path / "predictions.npz"),
    }


def _sweep() -> Deed:
    fields = {"data.validation": 0.2, "data.size": 16, "epochs": 1, "batch_size": 40}
    spec = make_sweep(
        {
            "name": "tried",
            "recipe": "quick",
            "trials": 3,
            "sampler": "grid",
            "space": {"lr": [0.1, 0.02, 0.004]},
            "changes": {**fields, "data.name": "shapes", "model.options.width": 4},
        }
    )

    def do(lab: Lab) -> None:
        lab.sweeps.create(spec)
        lab.sweeps.work("tried")

    def seen(lab: Lab) -> Any:
        found = lab.sweeps.list()
        if not found or found[0].state != "finished":
            return None
        return sorted((trial.values["lr"], trial.value) for trial in lab.sweeps.trials("tried"))

    return Deed(do, seen)


# what is computed once and kept


def _decode(lab: Lab) -> Any:
    return lab.dataset("shapes", style="duo", size=20)


def _decoded(lab: Lab) -> Any:
    data = _decode(lab)  # decoded again, if what is kept is damaged: it must be right in any case
    return hashlib.blake2b(np.ascontiguousarray(data.images).tobytes()).hexdigest()


def _embedded(lab: Lab) -> Any:
    space = lab.spaces.find("mmmmmm", "shapes", "all")
    return None if space is None else np.asarray(space.embeddings).tobytes()


def _map(lab: Lab) -> None:
    lab.spaces.map(lab.spaces.embed("mmmmmm", "shapes", "all"), Options(method="pca"))


def _mapped(lab: Lab) -> Any:
    space = lab.spaces.find("mmmmmm", "shapes", "all")
    found = space.find_map(Options(method="pca")) if space else None
    return None if found is None else found.coordinates.tobytes()


def _diagnose(lab: Lab) -> None:
    """Keep a diagnosis whose predictions are made up: what is computed before touches no file."""
    from noisy_labels import result_of

    data = lab.noise.data("shapes")
    true = np.asarray(data.labels)
    found = result_of((true + (np.arange(len(true)) % 7 == 0)) % 3, true, 3)
    folder = lab.noise.home / key_of(data, "all", "full")
    if not (folder / "diagnosis.json").exists():
        save_diagnosis(folder, make_document(data, "all", "full", found, 1.5), found)


def _diagnosed(lab: Lab) -> Any:
    found = lab.noise.find("shapes")
    if found is None:
        return None
    return {name: array.tobytes() for name, array in found.arrays.items()}


def _review(lab: Lab) -> None:
    _diagnose(lab)
    review = lab.noise.review(lab.noise.find("shapes"))
    review.decide(7, 1)


def _reviewed(lab: Lab) -> Any:
    found = lab.noise.find("shapes")
    decided = lab.noise.review(found).decisions() if found else {}
    return sorted((at, decision.label) for at, decision in decided.items()) or None


def _publish(lab: Lab) -> None:
    _diagnose(lab)
    found = lab.noise.find("shapes")
    publish(lab.store, found, clean(found, {}, "likely", 0.9), "mended")


def _uploaded(name: str) -> Callable[[Lab], Any]:
    def seen(lab: Lab) -> Any:
        found = [each for each in lab.datasets() if each.name == name]
        return len(lab.dataset(name)) if found else None

    return seen


def _unless(seen: Callable[[Lab], Any], do: Callable[[Lab], object]) -> Callable[[Lab], object]:
    """What a person does again only where nothing is there of the first time."""
    return lambda lab: None if seen(lab) else do(lab)


def _kept_once(do: Callable[[Lab], object], seen: Callable[[Lab], Any]) -> Deed:
    return Deed(do, seen, _unless(seen, do))


def _recipes(lab: Lab) -> Any:
    own = [lab.recipe(info.name).to_yaml() for info in lab.recipes() if info.name == "mine"]
    return own[0] if own else None


def _symbols(lab: Lab) -> Any:
    return [
        (each.name, [_digest(path) for path in each.examples])
        for each in lab.taught.symbols()
        if each.examples
    ] or None


def _drawings(lab: Lab) -> Any:
    return sorted((each.label, _digest(each.path)) for each in lab.drawings.all()) or None


def _digest(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=12).hexdigest()


def _digest_arrays(path: Path) -> dict[str, str]:
    with np.load(path) as arrays:
        return {name: hashlib.blake2b(arrays[name].tobytes()).hexdigest() for name in arrays}


DEEDS: dict[str, Deed] = {
    "training": _train(name="trained", epochs=3),
    "recovered": _train(
        name="recovered",
        method="recovered",
        stages=[
            {"epochs": 4, "loss": "forward", "loss_options": {"right": 0.95}},
            {"epochs": 2, "loss": "cross_entropy", "ema": 0.9},
        ],
    ),
    "sweep": _sweep(),
    "cache": Deed(_decode, _decoded),
    "embed": Deed(lambda lab: lab.spaces.embed("mmmmmm", "shapes", "all"), _embedded),
    "map": Deed(_map, _mapped),
    "diagnosis": Deed(_diagnose, _diagnosed),
    "review": Deed(_review, _reviewed),
    "publish": _kept_once(_publish, _uploaded("mended")),
    "upload": _kept_once(lambda lab: lab.data.upload("more.zip", zipped(9, 1)), _uploaded("more")),
    "recipe": Deed(lambda lab: lab.save_recipe(make_recipe({**SMALL, "name": "mine"})), _recipes),
    "teach": _kept_once(lambda lab: lab.taught.add("ß", drawn()), _symbols),
    "drawing": _kept_once(lambda lab: lab.drawings.save(drawn(), "A"), _drawings),
}
