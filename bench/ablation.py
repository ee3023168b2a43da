"""Ablation of the label-noise pipeline: what each of its parts contributes, and which values of its
thresholds are best where labels are complementary.

Noise is injected into labels that are taken as true, and the pipeline runs as it is and with one
part left out, from the same seeds. Compared is the share of images whose likely class is wrong.
Small by default: bundled digits, one seed. `--full` takes EMNIST's digits and a part of mnistTask3,
and three seeds; `--data values` compares values of thresholds, on other images of EMNIST's digits, so many
that a threshold costs or saves dozens of mistakes.

Networks that variants have in common are trained once, and all see a fraction of the full effort's
images: about an hour on one core. docs/label-noise.md prints the records.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.records import append, read
from engine.errors import DataError, unknown
from engine.noise.config import CONFIG, Effort, NoiseConfig
from engine.noise.prediction_cache import PredictionCache, Predictions

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.lab import Lab

DIGITS = tuple("0123456789")
LESS = Effort(
    teacher_images=12_000,
    student_images=12_000,
    ensemble_images=20_000,
    ensemble_size=1,
    about="a fraction of the full training",
)
SAME = 0.97  # cosine similarity from which two images are one, compressed or not


class Part(NamedTuple):
    """A change of the pipeline, and for which noise it matters at all."""

    change: Callable[[NoiseConfig], NoiseConfig]
    noises: tuple[str, ...]


def _effort(**changes: int) -> Callable[[NoiseConfig], NoiseConfig]:
    def change(config: NoiseConfig) -> NoiseConfig:
        efforts = {name: replace(effort, **changes) for name, effort in config.efforts.items()}
        return replace(config, efforts=efforts)

    return change


def _field(name: str, value: object) -> Callable[[NoiseConfig], NoiseConfig]:
    return lambda config: replace(config, **{name: value})  # pyright: ignore


EVERY, COMPLEMENTARY_ONLY = ("complementary", "symmetric"), ("complementary",)
NOTHING = "nothing"
PARTS: dict[str, Part] = {
    NOTHING: Part(lambda config: config, EVERY),
    "students": Part(_effort(student_images=0), EVERY),  # teachers' predictions take their place
    "posterior targets": Part(_field("posterior_targets", False), EVERY),  # but predictions
    "descriptors": Part(_field("descriptor_shares", (0.0,)), EVERY),
    "neighbour labels": Part(_field("neighbour_shares", (0.0,)), COMPLEMENTARY_ONLY),
    "ensemble": Part(_effort(ensemble_size=0), COMPLEMENTARY_ONLY),
    "test-time augmentation": Part(_field("tta_copies", 0), COMPLEMENTARY_ONLY),
}
TRIED: dict[str, tuple[float, ...]] = {
    "label_weight": (0.0, 2.0, 12.0),
    "target_confidence": (0.8, 0.99),
    "mostly_certain": (0.0, 1.1),
    "tta_copies": (3,),
    "tta_below": (0.9,),
}
VALUES: dict[str, Part] = {
    NOTHING: PARTS[NOTHING],
    **{
        f"{name} {value:g}": Part(_field(name, value), COMPLEMENTARY_ONLY)
        for name, values in TRIED.items()
        for value in values
    },
}


class Case(NamedTuple):
    """At most `limit` images of the first `classes` digits of a data set, with labels taken as true
    (`task3`: of all, with its own noise), the noise to inject and its rate.
    """

    dataset: str
    noise: str
    rate: float
    limit: int = 1_400
    classes: int = 10


class Row(NamedTuple):
    """One run: the part that was changed, and the share of likely classes that are wrong; trainings:
    networks of the cross-validation that were trained for it and not for an earlier run.
    """

    case: Case
    without: str
    seed: int
    regime: str
    wrong: float
    n: int
    seconds: float = 0.0
    trainings: int = 0


class Shared(PredictionCache):
    """Predictions of networks that variants have in common, by what they were trained on."""

    def __init__(self) -> None:
        super().__init__(None)
        self.found: dict[tuple[object, ...], Predictions] = {}
        self.config = CONFIG

    def get(self, name: str, train: Callable[[], Predictions]) -> Predictions:
        targets = (self.config.posterior_targets, self.config.label_weight)
        key = (name,) if name.startswith("teacher") else (name, *targets)
        if key not in self.found:
            self.found[key] = train()
        return self.found[key]


def ablate(
    images: Callable[[Case, int], tuple[ImageSet, np.ndarray]],
    cases: Iterable[Case],
    seeds: Iterable[int],
    config: NoiseConfig,
    parts: Mapping[str, Part] = PARTS,
    device: str = "auto",
) -> Iterable[Row]:
    """Run the pipeline on each case and seed with each part left out, where the part is there.

    images: a case's data set, and the true labels (N,) int64 of the images that a seed draws, -1 for
    all others.
    """
    from engine.noise.inject import add_noise
    from engine.noise.pipeline import run_pipeline

    cases = tuple(cases)
    for seed in seeds:  # outermost: what is stopped has whole seeds
        for case in cases:
            data, true = images(case, seed)
            known, shared = true >= 0, Shared()
            given = np.where(known, data.labels, -1)
            if case.dataset != "task3":
                given[known] = add_noise(
                    true[known], len(data.classes), case.noise, case.rate, seed
                )
            noisy = data.with_labels(given, f"{data.fingerprint}+{case.noise}")
            for name, part in parts.items():
                if case.noise not in part.noises:
                    continue
                shared.config, begun = part.change(config), time.process_time()
                before = len(shared.found)
                result = run_pipeline(
                    noisy, device=device, seed=seed, config=shared.config, cache=shared
                )
                wrong = float((result.suspects.likely != true[result.index]).mean())
                yield Row(
                    case=case,
                    without=name,
                    seed=seed,
                    regime=result.findings.regime,
                    wrong=wrong,
                    n=len(result.index),
                    seconds=time.process_time() - begun,
                    trainings=len(shared.found) - before,
                )


def load(lab: Lab, case: Case, seed: int = 0) -> tuple[ImageSet, np.ndarray]:
    """The images of a case, at most its `limit` (stratified, drawn by `seed`), and their true labels
    (N,), -1 for all others.
    """
    from engine.data.splits import stratified
    from engine.recipes.fields import DataSpec

    if case.dataset == "task3":
        data = lab.dataset("task3")
    else:
        data = lab.dataset(DataSpec(name=case.dataset, classes=DIGITS[: case.classes]))
    labels = np.asarray(data.labels, np.int64)
    chosen = np.arange(len(labels))
    if 2 * case.limit < len(labels):  # values are not chosen on images that the ablation takes
        chosen = chosen[int(seed >= VALUES_FROM) :: 2]
    if case.limit < len(chosen):
        chosen = np.sort(chosen[stratified(labels[chosen], case.limit, seed)])
    true = np.full(len(labels), -1)
    true[chosen] = labels[chosen]
    if case.dataset == "task3":
        true[chosen] = true_labels(np.asarray(data.images[chosen]), lab.dataset("mnist"))
    return data, true


def true_labels(images: np.ndarray, known: ImageSet) -> np.ndarray:
    """Labels (n,) int64 of images (n, C, H, W) by the one that is the same in a set whose labels are
    known; -1 for images that are not there.
    """
    from engine.embedding.neighbours import Neighbours

    pixels = np.asarray(known.images).reshape(len(known.images), -1).astype(np.float32)
    similarity, place = Neighbours(pixels).search(images.reshape(len(images), -1), 1)
    return np.where(similarity[:, 0] > SAME, known.labels[place[:, 0]], -1).astype(np.int64)


def rows(
    values: bool = False, recorded: Iterable[Mapping[str, str]] | None = None
) -> list[tuple[str, ...]]:
    """What was recorded last of each case: data and noise, seeds, what was left out (or which value
    changed), wrong likely classes in percent, and the difference from the whole pipeline in points;
    of rows of records.csv, None: all.
    """
    found: dict[tuple[str, str], dict[str, str]] = {}
    kind = "values" if values else "ablation"
    for row in read() if recorded is None else recorded:
        name, _, case = row["bench_or_recipe"].partition(" ")
        if name == kind and row["scale"] == "full":
            without = row["metric"].removeprefix("likely classes wrong, ").removeprefix("without ")
            found.setdefault((case, without), {})[row["seed"]] = row["value"]
    out = []
    for (case, without), by_seed in found.items():
        wrong = {seed: float(value) for seed, value in by_seed.items()}
        whole = found.get((case, NOTHING), {})
        mean = statistics.fmean(wrong.values())
        gained = [wrong[seed] - float(value) for seed, value in whole.items() if seed in wrong]
        spread = f" ± {100 * statistics.stdev(wrong.values()):.2f}" if len(wrong) > 1 else ""
        more = f" ± {100 * statistics.stdev(gained):.2f}" if len(gained) > 1 else ""
        less = f"{100 * statistics.fmean(gained):+.2f}{more}" if gained else ""
        out.append(
            (
                case,
                str(len(wrong)),
                without,
                f"{100 * mean:.2f}{spread}",
                less * (without != NOTHING),
            )
        )
    return out


COMPLEMENTARY, SYMMETRIC = ("complementary", 1.0), ("symmetric", 0.5)
CASES: dict[str, tuple[Case, ...]] = {
    "digits": (Case("digits", *COMPLEMENTARY), Case("digits", *SYMMETRIC)),
    "emnist62": (
        Case("emnist62", *COMPLEMENTARY, limit=1_200),
        Case("emnist62", *SYMMETRIC, limit=1_200),
    ),
    "task3": (Case("task3", *COMPLEMENTARY, limit=1_200),),
    "values": (Case("emnist62", *COMPLEMENTARY, limit=7_000),),
}
CASES["full"] = CASES["emnist62"] + CASES["task3"]
VALUES_FROM, VALUES_SEEDS = 100, 3  # of the images on which values are compared


def main(full: bool = False, data: str | None = None) -> dict[str, float]:
    """Run the ablation, append a record after each run, and return the share of wrong likely classes by
    part. Raises DataError for data that is not a name in CASES.
    """
    from engine.lab import Lab

    name = data or ("full" if full else "digits")
    if name not in CASES:
        raise DataError(unknown("data of the ablation", name, CASES))
    lab, values = Lab.open(os.environ), name == "values"
    first, count = (VALUES_FROM, VALUES_SEEDS) if values else (0, 3 if full else 1)
    seeds = range(first, first + count)
    less = replace(CONFIG, efforts={"full": LESS})
    parts, found = VALUES if values else PARTS, []
    for row in ablate(partial(load, lab), CASES[name], seeds, less, parts, lab.settings.device):
        print(f"  {row.case.dataset} {row.case.noise}, {row.without}, {row.seed}: {row.wrong:.2%}")
        append([record(row, full or values, "values" if values else "ablation")])
        found.append(row)
    return {
        f"{case.dataset} {case.noise}, {without}": statistics.fmean(
            row.wrong for row in found if (row.case, row.without) == (case, without)
        )
        for case, without in dict.fromkeys((row.case, row.without) for row in found)
    }


def record(row: Row, full: bool, kind: str = "ablation") -> dict[str, Any]:
    """The row of records.csv for one run."""
    noise = row.case.noise if row.case.dataset == "task3" else f"{row.case.noise} {row.case.rate:g}"
    without = "" if kind == "values" else "without "
    return {
        "bench_or_recipe": f"{kind} {row.case.dataset} {noise}, {row.n:,} images",
        "scale": "full" if full else "small",
        "seed": row.seed,
        "metric": f"likely classes wrong, {without}{row.without}",
        "value": f"{row.wrong:.5g}",
        "seconds": f"{row.seconds:.1f}",
    }
