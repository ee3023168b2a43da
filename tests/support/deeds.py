"""What a lab does that must survive a fault: each deed small, the same every time, and with what can be seen of it
afterwards.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from factories import CLASSES, shapes
from PIL import Image
from trained import model_run

from engine.embedding.projection import Options
from engine.jobs.executor import resume
from engine.jobs.queue import queue_up
from engine.jobs.worker import work
from engine.lab import Lab
from engine.noise.cleaned_labels import clean
from engine.noise.storage import describe, keep, key_of
from engine.recipe import make_recipe
from engine.runs.run import Run
from engine.services.cleaned_datasets import publish
from engine.sweep.space import make_sweep

SMALL = {
    "data": {"name": "shapes", "size": 16, "validation": 0.2, "test": 0.2},
    "model": {"options": {"width": 8}},
    "precision": "float32",
    "batch_size": 16,
    "lr": 0.01,
}
TIMES = ("seconds", "images_per_second")  # figures that no two runs share


class Deed(NamedTuple):
    """do: brings it about. seen: what there is of it, None for nothing. finish: what a person does after a fault, if
    not simply the same again.
    """

    do: Callable[[Lab], object]
    seen: Callable[[Lab], Any]
    finish: Callable[[Lab], object] | None = None

    def go_on(self, lab: Lab) -> None:
        (self.finish or self.do)(lab)


class Here:
    """An executor that computes a run at once in this process, so that a fault hits it and whoever started it."""

    def __init__(self, lab: Lab) -> None:
        self.store = lab.store

    def start(self, run: Run) -> None:
        lock = run.take_lock()
        (run.path / "stop").unlink(missing_ok=True)
        run.write_status(state="queued", message="", error=None, finished=None, pid=None)
        work(self.store, run, lock, queue_up(self.store.home, "cpu", run.path))

    def stop(self, run: Run, at_once: bool = False) -> None:
        run.ask_to_stop()


def lab_at(home: Path) -> Lab:
    """The lab in a home, as its web server or a command opens it, and training where it is."""
    lab = Lab.open({"GLYPHLAB_HOME": str(home), "GLYPHLAB_DEVICE": "cpu", "GLYPHLAB_THREADS": "1"})
    lab.launcher.executor = Here(lab)
    return lab


def furnish(home: Path) -> Lab:
    """A lab with a data set of 120 shapes, a saved model 'mmmmmm' and a diagnosis, as deeds find it."""
    lab = lab_at(home)
    lab.data.upload("shapes.zip", zipped(120))
    run = model_run(lab, CLASSES)
    run.path.rename(run.path.with_name(f"{run.path.name[:-6]}mmmmmm"))
    return lab


def zipped(count: int, seed: int = 0) -> bytes:
    """A zip of shapes in class folders."""
    data, out = shapes(count, seed=seed), io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number, (image, label) in enumerate(zip(data.images, data.labels, strict=True)):
            picture = io.BytesIO()
            Image.fromarray(255 - image[0]).save(picture, "PNG")
            archive.writestr(f"{CLASSES[label]}/{number:03d}.png", picture.getvalue())
    return out.getvalue()


def drawn(seed: int = 0) -> bytes:
    """A drawing, dark on white, as PNG."""
    page, out = np.full((60, 60), 255, np.uint8), io.BytesIO()
    page[10 : 50 - seed % 9, 20 + seed % 11 : 30 + seed % 11] = 0
    Image.fromarray(page).save(out, "PNG")
    return out.getvalue()


def looked_at(lab: Lab) -> dict[str, int]:
    """Everything that pages list, listed: none of it may fail. Counts by kind."""
    found = {
        "runs": lab.runs(),
        "models": lab.models(),
        "recipes": lab.recipes(),
        "data sets": lab.datasets(),
        "tasks": lab.tasks(),
        "sweeps": lab.sweeps.list(),
        "spaces": lab.spaces.list(),
        "diagnoses": lab.noise.list(),
        "drawings": lab.drawings.all(),
        "symbols": lab.taught.symbols(),
    }
    assert lab.health()["version"]
    for run in lab.runs():
        lab.run(run.id).metrics()
    return {kind: len(list(items)) for kind, items in found.items()}


# training


def _train(**fields: Any) -> Deed:
    recipe = make_recipe({**SMALL, **fields})

    def seen(lab: Lab) -> Any:
        for info in lab.runs():
            if info.name == recipe.name and info.state == "finished":
                return _trained(lab.run(info.id))
        return None

    def finish(lab: Lab) -> None:
        found = [run for run in lab.runs() if run.name == recipe.name]
        if not found:
            lab.submit(recipe)
        for run in found:
            if run.state != "finished":
                resume(lab.launcher.executor, lab.run(run.id))

    return Deed(lambda lab: lab.submit(recipe), seen, finish)


def _trained(run: Run) -> dict[str, Any]:
    """What a run came to, without times: weights, epochs, figures, saved predictions."""
    meta = json.loads((run.best / "checkpoint.json").read_text(encoding="utf-8"))
    final = {key: value for key, value in run.final().items() if not key.startswith(TIMES)}
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


def _examine(lab: Lab) -> None:
    """Keep a diagnosis whose predictions are made up: what is computed before touches no file."""
    from doubted import examined

    data = lab.noise.data("shapes")
    true = np.asarray(data.labels)
    found = examined((true + (np.arange(len(true)) % 7 == 0)) % 3, true, 3)
    folder = lab.noise.home / key_of(data, "all", "full")
    if not (folder / "diagnosis.json").exists():
        keep(folder, describe(data, "all", "full", found, 1.5), found)


def _examined(lab: Lab) -> Any:
    found = lab.noise.find("shapes")
    if found is None:
        return None
    return {name: array.tobytes() for name, array in found.arrays.items()}


def _review(lab: Lab) -> None:
    _examine(lab)
    review = lab.noise.review(lab.noise.find("shapes"))
    review.decide(7, 1)


def _reviewed(lab: Lab) -> Any:
    found = lab.noise.find("shapes")
    decided = lab.noise.review(found).decisions() if found else {}
    return sorted((at, decision.label) for at, decision in decided.items()) or None


def _publish(lab: Lab) -> None:
    _examine(lab)
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
    return [(each.name, [_digest(path) for path in each.examples]) for each in lab.taught.symbols()] or None


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
    "diagnosis": Deed(_examine, _examined),
    "review": Deed(_review, _reviewed),
    "publish": _kept_once(_publish, _uploaded("mended")),
    "upload": _kept_once(lambda lab: lab.data.upload("more.zip", zipped(9, 1)), _uploaded("more")),
    "recipe": Deed(lambda lab: lab.save_recipe(make_recipe({**SMALL, "name": "mine"})), _recipes),
    "teach": _kept_once(lambda lab: lab.taught.add("ß", drawn()), _symbols),
    "drawing": _kept_once(lambda lab: lab.drawings.save(drawn(), "A"), _drawings),
}
