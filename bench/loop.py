"""The loop in a browser: MNIST with 500 of its 60,000 training labels made wrong, seen on the map, mended,
trained again and compared.

Prepared beforehand, each timed: the data set (100 ones are called sevens, 400 labels are any wrong one, by
seed 23), a model of it, its map and a diagnosis of its labels. Then the walk of bench/loop_walk.py, with a
picture of each step. `prepare` and `walk` stand alone: the home is kept where `home` is given, and what is
there is not made again.
"""

from __future__ import annotations

import gzip
import io
import os
import tempfile
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.canvas import Lab as Server
from bench.canvas import chromium
from bench.loop_walk import Walk, walk
from bench.records import append_figures
from engine.lab import Lab

SEED = 23
SIZE = {"width": 1440, "height": 1000}


class Case(NamedTuple):
    """What is spoiled, and with what it is learned.

    source   the data set; `wrong` of its training labels are spoiled, `group` of which are images of
             class `true` that are called `given`
    recipe   trained before and after, for so many epochs
    """

    source: str = "mnist"
    wrong: int = 500
    group: int = 100
    true: str = "1"
    given: str = "7"
    recipe: str = "mnist-convnet"
    epochs: int = 2
    effort: str = "quick"

    @property
    def name(self) -> str:
        return f"{self.source}-spoiled"


class Spoiled(NamedTuple):
    """A data set with wrong labels: its name, the true label of each image whose label is wrong, by name,
    and how many images it is trained on.
    """

    name: str
    truth: dict[str, str]
    images: int


def spoil(lab: Lab, case: Case) -> Spoiled:
    """The data set with wrong labels, kept as an upload unless it is there."""
    data = lab.dataset(case.source, "digit", 28)
    test = np.asarray(data.splits["test"])
    train = np.setdiff1d(np.arange(len(data)), test)
    labels = np.asarray(data.labels)
    given, rng = labels.copy(), np.random.default_rng(SEED)
    true, called = data.classes.index(case.true), data.classes.index(case.given)
    group = rng.choice(train[labels[train] == true], case.group, replace=False)
    rest = rng.choice(np.setdiff1d(train, group), case.wrong - case.group, replace=False)
    given[group] = called
    given[rest] = (labels[rest] + rng.integers(1, len(data.classes), len(rest))) % len(data.classes)
    if case.name not in {info.name for info in lab.datasets()}:
        with io.BytesIO() as out:
            with zipfile.ZipFile(out, "w") as archive:
                for split, places in (("train", train), ("t10k", test)):
                    _write(archive, split, np.asarray(data.images[places, 0]), given[places])
            lab.data.upload(f"{case.name}.zip", out.getvalue())
    wrong = np.flatnonzero(given[train] != labels[train])
    truth = {f"train/{at}": data.classes[labels[train[at]]] for at in wrong}
    return Spoiled(case.name, truth, len(train))


def _write(archive: zipfile.ZipFile, split: str, images: np.ndarray, labels: np.ndarray) -> None:
    """Two IDX files of images (N, h, w) uint8 and labels (N,)."""
    for kind, code, array in (("images-idx3", 2051, images), ("labels-idx1", 2049, labels)):
        head = b"".join(int(value).to_bytes(4, "big") for value in (code, *array.shape))
        body = gzip.compress(head + array.astype(np.uint8).tobytes(), 1, mtime=0)
        archive.writestr(f"{split}-{kind}-ubyte.gz", body)


def train_before(lab: Lab, case: Case) -> str:
    """The run on the spoiled labels, trained unless it is there: its id."""
    for run in lab.runs():
        if run.data == case.name and run.before is None and run.state == "finished":
            return run.id
    changes = {"data.name": case.name, "epochs": case.epochs, "name": f"{case.name}-before"}
    run = lab.train(lab.recipe(case.recipe, changes), name=case.name)
    if run.status()["state"] != "finished":
        raise RuntimeError(f"the model to begin with was not trained: {run.log_tail(5)}")
    return run.id


def prepare(lab: Lab, case: Case) -> tuple[Spoiled, str, dict[str, float]]:
    """All that the walk begins with: the data set, the run, and the seconds that each took."""
    from engine.embedding.projection import Options

    seconds: dict[str, float] = {}

    def timed(name: str, work):  # noqa: ANN001, ANN202
        began = time.perf_counter()
        found = work()
        seconds[f"prepared, {name}, s"] = time.perf_counter() - began
        print(f"  prepared, {name}: {seconds[f'prepared, {name}, s']:.0f} s", flush=True)
        return found

    spoiled = timed("data set", lambda: spoil(lab, case))
    run = timed("model", lambda: train_before(lab, case))
    space = timed("embedding", lambda: lab.spaces.embed(run, case.name, "train"))
    timed("map", lambda: lab.spaces.map(space, Options()))
    timed("diagnosis", lambda: lab.noise.diagnose(case.name, "all", case.effort))
    return spoiled, run, seconds


def wrong_now(lab: Lab, spoiled: Spoiled) -> int:
    """How many labels are wrong now: those spoiled and not mended, and those that a person made wrong."""
    names = list(spoiled.truth)
    now = dict(zip(names, lab.labels.labels_now(spoiled.name, names), strict=True))
    left = sum(now[name] != spoiled.truth[name] for name in names)
    given = lab.labels.given(spoiled.name)
    others = {k: v for k, v in lab.labels.current(spoiled.name).items() if k not in spoiled.truth}
    return left + sum(v.label not in (None, given[k]) for k, v in others.items())


def figures(on: Walk, spoiled: Spoiled, prepared: dict[str, float]) -> dict[str, float]:
    """Every figure by name."""
    out = dict(prepared)
    for name, (machine, person) in on.seconds.items():
        out[f"{name}, machine, s"], out[f"{name}, person, s"] = machine, person
    machine, person = np.sum(list(on.seconds.values()), axis=0)
    out |= {"all steps, machine, s": float(machine), "all steps, person, s": float(person)}
    found = next(task for task in on.lab.tasks("score-together") if task.state == "finished").result
    before, after = found["models"]
    return out | {
        "wrong labels before": float(len(spoiled.truth)),
        "wrong labels after": float(wrong_now(on.lab, spoiled)),
        "accuracy before": before["accuracy"],
        "accuracy after": after["accuracy"],
        "McNemar's p": found["tests"][0]["p"],
    }


def main(home: Path | None = None, out: Path = Path("loop")) -> dict[str, float]:
    """Prepare, walk, append to records.csv, and return every figure by name. home: a lab's folder that is
    kept; out: where the pictures go.
    """
    from playwright.sync_api import sync_playwright

    program = chromium()
    if not program:
        raise SystemExit("the loop is walked in Chromium, which is not here")
    case = Case()
    with tempfile.TemporaryDirectory() as temporary:
        place = home or Path(temporary)
        place.mkdir(parents=True, exist_ok=True)
        lab = Lab.open({**os.environ, "GLYPHLAB_HOME": str(place)})
        spoiled, run, prepared = prepare(lab, case)
        server = Server(place)
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
                page = browser.new_page(viewport=SIZE)  # pyright: ignore[reportArgumentType]
                page.set_default_timeout(180_000)
                base = f"http://127.0.0.1:{server.port}"
                group = (case.given, case.true)
                on = Walk(page, base, lab, run, case.name, spoiled.truth, group, out)
                walk(on)
                browser.close()
        finally:
            server.close()
        found = figures(on, spoiled, prepared)
    append_figures("loop", found, seed=SEED)
    return found
