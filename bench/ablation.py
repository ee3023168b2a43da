"""Ablation of the label-noise pipeline: what each of its parts contributes.

Noise is injected into labels that are taken as true, and the pipeline runs as it is and with one
part left out, from the same seeds. What is compared is the share of images whose likely class is
wrong. Small by default: bundled digits, one seed, a fifth of the training. `--full` takes EMNIST's
digits, which played no part in any choice, and three seeds.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bench.records import append, commit, device, versions
from engine.errors import DataError, unknown
from engine.noise.config import CONFIG, Effort, NoiseConfig

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.lab import Lab

TABLE = Path(__file__).parent / "ablation.md"
DIGITS = tuple("0123456789")
SMALL_EFFORT = Effort(
    teacher_images=80_000,
    student_images=72_000,
    ensemble_images=168_000,
    ensemble_size=3,
    about="a fifth of the full training",
)


class Part(NamedTuple):
    """A part of the pipeline: how to leave it out, and for which noise it is there at all."""

    without: Callable[[NoiseConfig], NoiseConfig]
    noises: tuple[str, ...]
    about: str


def _effort(**changes: int) -> Callable[[NoiseConfig], NoiseConfig]:
    def change(config: NoiseConfig) -> NoiseConfig:
        efforts = {name: replace(effort, **changes) for name, effort in config.efforts.items()}
        return replace(config, efforts=efforts)

    return change


EVERY, COMPLEMENTARY_ONLY = ("complementary", "symmetric"), ("complementary",)
PARTS: dict[str, Part] = {
    "nothing": Part(lambda config: config, EVERY, "the whole pipeline"),
    "students": Part(_effort(student_images=0), EVERY, "teachers' predictions take their place"),
    "posterior targets": Part(
        lambda config: replace(config, posterior_targets=False),
        EVERY,
        "targets are predictions, whatever the given label",
    ),
    "neighbour labels": Part(
        lambda config: replace(config, neighbour_shares=(0.0,)),
        COMPLEMENTARY_ONLY,
        "the ensemble's targets are the students' alone",
    ),
    "ensemble": Part(
        _effort(ensemble_size=0), COMPLEMENTARY_ONLY, "likely classes are the students'"
    ),
    "test-time augmentation": Part(
        lambda config: replace(config, tta_copies=0),
        COMPLEMENTARY_ONLY,
        "each image is predicted once",
    ),
}


class Case(NamedTuple):
    """A data set with labels taken as true (`task3`: with its own noise), the noise to inject and
    its rate.
    """

    dataset: str
    noise: str
    rate: float


class Row(NamedTuple):
    """One run: the part that was left out, and the share of likely classes that are wrong."""

    case: Case
    without: str
    seed: int
    regime: str
    wrong: float
    n: int


def ablate(
    images: Callable[[Case], tuple[ImageSet, np.ndarray]],
    cases: Iterable[Case],
    seeds: Iterable[int],
    config: NoiseConfig,
    parts: Iterable[str] = tuple(PARTS),
    device: str = "auto",
) -> list[Row]:
    """Run the pipeline on each case and seed with each part left out, where the part is there.

    images: a case's data set, and the true labels (N,) int64 of its images, -1 where unknown.
    """
    from engine.noise.inject import add_noise
    from engine.noise.pipeline import run_pipeline

    rows, seeds, parts = [], tuple(seeds), tuple(parts)
    for case in cases:
        data, true = images(case)
        for seed in seeds:
            noisy = data
            if case.dataset != "task3":
                given = np.full(len(true), -1)
                known = true >= 0
                given[known] = add_noise(
                    true[known], len(data.classes), case.noise, case.rate, seed
                )
                noisy = data.with_labels(given, f"{data.fingerprint}+{case.noise}")
            for name in parts:
                if case.noise not in PARTS[name].noises:
                    continue
                result = run_pipeline(
                    noisy, device=device, seed=seed, config=PARTS[name].without(config)
                )
                truth = true[result.index]
                wrong = float((result.suspects.likely != truth)[truth >= 0].mean())
                rows.append(
                    Row(case, name, seed, result.findings.regime, wrong, int((truth >= 0).sum()))
                )
                print(f"  {case.dataset} {case.noise}, without {name}, seed {seed}: {wrong:.2%}")
    return rows


def load(lab: Lab, case: Case, limit: int | None, seed: int = 0) -> tuple[ImageSet, np.ndarray]:
    """The images of a case, at most `limit` (stratified), and their true labels (N,)."""
    from engine.data.splits import stratified
    from engine.recipes.fields import DataSpec

    if case.dataset == "task3":
        data = lab.dataset("task3")
        return data, true_labels(data, lab.dataset("mnist"))
    classes = DIGITS if case.dataset != "digits" else None
    data = lab.dataset(DataSpec(name=case.dataset, classes=classes))
    true = np.array(data.labels, np.int64)
    if limit is not None and limit < len(true):
        out = np.full(len(true), -1)
        chosen = stratified(true, limit, seed)
        out[chosen] = true[chosen]
        true = out
    return data, true


def true_labels(data: ImageSet, known: ImageSet) -> np.ndarray:
    """Labels (N,) int64 of `data`'s images by looking them up, pixel by pixel, in a set whose
    labels are known; -1 for images that are not there.
    """
    label_of = {
        image.tobytes(): int(label) for image, label in zip(known.images, known.labels, strict=True)
    }
    return np.array([label_of.get(image.tobytes(), -1) for image in data.images], np.int64)


def table(rows: list[Row]) -> str:
    """The rows as Markdown: mean and standard deviation over seeds, and the difference from the
    whole pipeline in percentage points.
    """
    lines = [
        "# Ablation of the label-noise pipeline",
        "",
        "Share of images whose likely class is wrong, in percent, mean ± standard deviation over",
        f"seeds. {device()}, {versions()}, commit {commit()}. Written by `python -m bench",
        "ablation`.",
        "",
        "| data | images | noise | seeds | without | wrong | difference |",
        "|---|---|---|---|---|---|---|",
    ]
    whole: dict[Case, float] = {}
    for (case, name), wrong in _by_part(rows).items():
        mean = statistics.fmean(wrong)
        spread = f" ± {100 * statistics.stdev(wrong):.2f}" if len(wrong) > 1 else ""
        whole.setdefault(case, mean)
        difference = "" if name == "nothing" else f"{100 * (mean - whole[case]):+.2f}"
        n = next(row.n for row in rows if row.case == case)
        noise = case.noise if case.dataset == "task3" else f"{case.noise} {case.rate:.0%}"
        lines.append(
            f"| {case.dataset} | {n:,} | {noise} | {len(wrong)} | {name} |"
            f" {100 * mean:.2f}{spread} | {difference} |"
        )
    lines += ["", *(f"- without {name}: {part.about}" for name, part in PARTS.items())]
    return "\n".join(lines) + "\n"


def _by_part(rows: list[Row]) -> dict[tuple[Case, str], list[float]]:
    out: dict[tuple[Case, str], list[float]] = {}
    for row in rows:
        out.setdefault((row.case, row.without), []).append(row.wrong)
    return out


CASES: dict[str, tuple[Case, ...]] = {
    "digits": (Case("digits", "complementary", 1.0), Case("digits", "symmetric", 0.5)),
    "emnist62": (Case("emnist62", "complementary", 1.0), Case("emnist62", "symmetric", 0.5)),
    "task3": (Case("task3", "complementary", 1.0),),
}


def main(full: bool = False, data: str | None = None) -> dict[str, float]:
    """Run the ablation, write the table and the records, and return the share of wrong likely
    classes by part. Raises DataError for data that is not a name in CASES.
    """
    from engine.lab import Lab

    name = data or ("emnist62" if full else "digits")
    if name not in CASES:
        raise DataError(unknown("data of the ablation", name, CASES))
    lab = Lab.open(os.environ)
    config = CONFIG if full else replace(CONFIG, efforts={"full": SMALL_EFFORT})
    rows = ablate(
        lambda case: load(lab, case, 6_000),
        CASES[name],
        range(3 if full else 1),
        config,
        device=lab.settings.device,
    )
    TABLE.write_text(table(rows), encoding="utf-8")
    append(records(rows, full))
    return {
        f"{case.dataset} {case.noise}, without {name}": statistics.fmean(wrong)
        for (case, name), wrong in _by_part(rows).items()
    }


def records(rows: list[Row], full: bool) -> list[dict[str, Any]]:
    """The rows of records.csv."""
    return [
        {
            "bench_or_recipe": f"ablation {row.case.dataset} {row.case.noise} {row.case.rate:g}",
            "scale": "full" if full else "small",
            "seed": row.seed,
            "metric": f"likely classes wrong, without {row.without}",
            "value": f"{row.wrong:.5g}",
        }
        for row in rows
    ]
