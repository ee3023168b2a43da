"""The panel of label noise: every kind of the family of noise models, its parameters drawn by seeds, on
six data sets; diagnosed, and trained through by each method with the same network.

A row says whether the regime is right, undecided or wrong, whether the interval holds the true share of
wrong labels, how high wrong labels are ranked beside cleanlab's label quality on logistic regression of
pixels, how far T is off, and, on `COMPARED` sets, accuracy on test images with true labels.
Finished trials are kept in the lab's home, so that a run that was stopped continues; the table is written
to noise.md.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import numpy as np

from bench.noise_rows import average_precision, cleanlab_quality, data_set, holds, verdict
from bench.records import commit, device, versions
from engine.noise.noise_family import BLIND_FROM, FAMILY

SETS: dict[str, int] = {  # training images
    "digits": 1_442,
    "mnist": 1_500,
    "emnist-digits": 1_500,
    "emnist-letters": 2_600,
    "katakana": 752,
    "characters": 1_984,
}
COMPARED = tuple(SETS)  # on which the methods are trained, too: three quarters of the time
TESTED = 2_000  # images, at most
SEEDS = tuple(BLIND_FROM + k for k in (18, 19, 20))
EFFORT = "quick"
SEEN = 20_000  # images, by each network
TABLE = Path(__file__).parent / "noise.md"
EXCLUDES = ("complementary", "biased")  # kinds whose labels never name the class
HEAD = (
    "data",
    "noise",
    "seeds",
    "true",
    "diagnosis",
    "interval",
    "T off by",
    "AP",
    "cleanlab's AP",
)


def trial(
    name: str,
    kind: str,
    seed: int,
    images: int,
    effort: str = EFFORT,
    seen: int = SEEN,
    compare: bool = True,
) -> dict[str, Any]:
    """One noise, drawn by `seed`, on so many training images of a data set: what JSON can hold of its
    diagnosis and, to `compare`, of accuracies.
    """
    from bench.noise_methods import EXCLUDING, NAMED, Problem
    from engine.noise.benchmark import posteriors
    from engine.noise.inject import true_transition
    from engine.noise.network import noisy_data
    from engine.noise.noise_family import corrupt
    from engine.noise.pipeline import run_pipeline

    data = data_set(name)
    train, test = halves(data, images, seed)
    noisy = corrupt(kind, data.images[train], data.labels[train], len(data.classes), seed)
    true = data.labels[test]
    if noisy.gone is not None:  # the class has no name: none can be learned
        test, true = test[true != noisy.gone], true[true != noisy.gone]
        true = true - (true > noisy.gone)
    n, classes = len(noisy.given), len(data.classes) - (noisy.gone is not None)
    both = replace(
        data,
        images=np.concatenate([noisy.images, data.images[test]]),
        labels=np.concatenate([noisy.given, true]),
        classes=tuple(c for k, c in enumerate(data.classes) if k != noisy.gone),
        files=[str(i) for i in range(n + len(test))],
        splits={"train": np.arange(n), "test": np.arange(n, n + len(test))},
        sources=None,
        fingerprint=f"{name}-{kind}-{seed}",
    )
    begun = time.process_time()
    result = run_pipeline(both, "train", effort, "cpu", seed)
    seconds, found = time.process_time() - begun, result.findings
    rank = np.empty(n)
    rank[result.suspects.order] = -np.arange(n)
    problem = Problem(
        data=noisy_data(both, device="cpu"),
        train=both.splits["train"],
        test=both.splits["test"],
        true=np.concatenate([noisy.true, true]),
        posterior=posteriors(result, n + len(test), classes),
        rate=float(noisy.wrong.mean()),
        epochs=min(30, max(4, round(seen / n))),
        seed=seed,
    )
    known = noisy.true >= 0
    actual = true_transition(noisy.true[known], noisy.given[known], classes)
    methods = EXCLUDING if kind in EXCLUDES else NAMED
    plain = 1 - cleanlab_quality(noisy.images, noisy.given)
    return {
        "data": name,
        "noise": kind,
        "seed": seed,
        "about": noisy.about,
        "rate": problem.rate,
        "regime": found.regime,
        "low": found.rate_low,
        "high": found.rate_high,
        "verdict": verdict(found, kind, problem.rate),
        "transition_error": float(np.abs(found.matrix - actual).mean()),
        "ap": average_precision(rank, noisy.wrong) if problem.rate else None,
        "plain_ap": average_precision(plain, noisy.wrong) if problem.rate else None,
        "seconds": seconds,
        "tested": len(test),
        "accuracy": {method: run(problem) for method, run in methods.items() if compare},
        "commit": commit(),
    }


def halves(data: Any, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions of `count` training images and of at most TESTED test images, drawn by `seed`; of a data
    set without a test split, a fifth.
    """
    from engine.data.splits import stratified

    test = data.splits.get("test", np.empty(0, np.int64))
    if not len(test):
        test = stratified(data.labels, round(0.2 * len(data)), seed, keep_one=True)
    train = np.setdiff1d(np.arange(len(data)), test)
    train = train[stratified(data.labels[train], count, seed)]
    return np.sort(train), np.sort(test[stratified(data.labels[test], TESTED, seed)])


def best_of_others(trials: list[dict[str, Any]]) -> tuple[str, float]:
    """The best method beside ours and the true labels, and its mean accuracy."""
    names = [m for m in trials[0]["accuracy"] if m not in ("ours", "true labels")]
    means = {m: _mean(trials, m) for m in names}
    return max(means.items(), key=lambda item: item[1])


def within(trials: list[dict[str, Any]]) -> bool:
    """Whether ours is the best or within the 95% interval of the best: of the difference of two shares
    of as many test images, each with the variance of its own draw.
    """
    _, best = best_of_others(trials)
    ours, tested = _mean(trials, "ours"), sum(t["tested"] for t in trials)
    return ours >= best - 1.96 * math.sqrt((best * (1 - best) + ours * (1 - ours)) / tested)


def _mean(trials: list[dict[str, Any]], method: str) -> float:
    """Mean accuracy 0..1 over the seeds; a method that has given up scores 0."""
    return fmean(t["accuracy"][method] or 0.0 for t in trials)


def table(trials: list[dict[str, Any]]) -> str:
    """The trials as Markdown: a row for those that differ in their seed only."""
    alike: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in trials:
        alike.setdefault((each["data"], each["noise"]), []).append(each)
    counts = {v: sum(t["verdict"] == v for t in trials) for v in ("right", "undecided", "WRONG")}
    held = sum(holds(t["low"], t["rate"], t["high"]) for t in trials)
    false_clean = sum(t["regime"] == "clean" and t["rate"] > 0.01 for t in trials)
    ranked = [t for t in trials if t["ap"] is not None]
    compared = {key: rows for key, rows in alike.items() if rows[0]["accuracy"]}
    best = sum(within(rows) for rows in compared.values())
    lines = [
        "# Panel of label noise",
        "",
        "Every kind of `engine/noise/noise_family.py`, its parameters drawn by seeds that played no part"
        " in any choice, on training images whose labels are taken as true; diagnosed at effort"
        f" {EFFORT}."
        + (
            f" Then trained through by each method: the same network, {SEEN:,} images seen by each; test"
            " images keep their labels and are read once a method."
            if compared
            else ""
        )
        + f" {device()}, {versions()}, commit {commit()}. Written by `python -m bench noise`.",
        "",
        f"Of {len(trials)} diagnoses the regime is right in {counts['right']}, undecided in"
        f" {counts['undecided']}, wrong in {counts['WRONG']}; the interval holds the true share in {held};"
        f" *clean* with more than 1% wrong: {false_clean}. Suspects are ranked above cleanlab's in"
        f" {sum(t['ap'] >= t['plain_ap'] for t in ranked)} of {len(ranked)}."
        + (
            f" Training on the diagnosis is best, or within the interval of the best, in {best} of"
            f" {len(compared)} rows."
            if compared
            else " The methods were not trained on this seed; their last accuracies are in"
            " blind_noise_read.md."
        ),
        "",
        "## Diagnoses",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---" * len(HEAD) + "|",
        *("| " + " | ".join(_diagnosed(rows)) + " |" for rows in alike.values()),
        "",
        "True: share of wrong labels. T off by: mean distance of its entries from the true T's. AP:"
        " average precision of wrong labels among suspects; cleanlab's: its label quality on logistic"
        " regression of pixels. Right or not: by the regimes that `noise_family.FAMILY` names; less than one"
        " wrong label in twenty is *few errors* as well.",
    ]
    if not compared:
        return "\n".join(lines) + "\n"
    for title, excludes in (("Labels that name the class", False), ("Labels that do not", True)):
        chosen = [rows for (_, kind), rows in compared.items() if (kind in EXCLUDES) == excludes]
        if chosen:
            names = list(chosen[0][0]["accuracy"])
            head = ("data", "noise", "test images", *names, "")
            lines += ["", f"## Accuracy: {title[0].lower()}{title[1:]}", ""]
            lines += ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
            lines += ["| " + " | ".join(_scored(rows, names)) + " |" for rows in chosen]
    lines += [
        "",
        "✗: ours is below the interval of the best. Several seeds: mean ± standard deviation. Co-teaching"
        " is told the true share of wrong labels, as in its paper; NN, L-W, SCL-NL and forward that"
        " labels exclude a class, each alike.",
    ]
    return "\n".join(lines) + "\n"


def _diagnosed(rows: list[dict[str, Any]]) -> list[str]:
    from engine.noise.shares import share

    def all_of(text: Any) -> str:
        return "; ".join(text(t) for t in rows)

    def mean(key: str) -> str:
        known = [t[key] for t in rows if t[key] is not None]
        return f"{fmean(known):.3f}" if known else ""

    def interval(t: dict[str, Any]) -> str:
        missed = "" if holds(t["low"], t["rate"], t["high"]) else " missed"
        return f"{share(t['low'])} to {share(t['high'])}{missed}"

    return [
        rows[0]["data"],
        rows[0]["noise"] + ": " + all_of(lambda t: t["about"]),
        str(len(rows)),
        all_of(lambda t: share(t["rate"])),
        all_of(lambda t: t["regime"] + (" ✗" if t["verdict"] == "WRONG" else "")),
        all_of(interval),
        f"{fmean(t['transition_error'] for t in rows):.4f}",
        mean("ap"),
        mean("plain_ap"),
    ]


def _scored(rows: list[dict[str, Any]], names: list[str]) -> list[str]:
    return [
        rows[0]["data"],
        rows[0]["noise"],
        f"{rows[0]['tested']:,}",
        *(_accuracy([t["accuracy"][name] for t in rows]) for name in names),
        "" if within(rows) else "✗",
    ]


def _accuracy(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return "gives up"
    return f"{fmean(known):.2f}%" + (f" ± {stdev(known):.2f}" if len(known) > 1 else "")


def main(sets: list[str] | None = None, seeds: tuple[int, ...] = SEEDS) -> dict[str, float]:
    """Run the trials that are not there yet, write the table, and return the accuracies of ours."""
    from engine.files.atomic import make_folder, write_json
    from engine.lab import Lab

    folder, found = make_folder(Lab.open(os.environ).home / "panel"), []
    for seed in seeds:
        for name in sets or SETS:
            for kind in FAMILY:
                file = folder / f"{name}-{kind}-{seed}.json"
                if not file.exists():
                    write_json(file, trial(name, kind, seed, SETS[name], compare=name in COMPARED))
                found.append(json.loads(file.read_text(encoding="utf-8")))
                TABLE.write_text(table(found), encoding="utf-8")
                print(_line(found[-1]), file=sys.stderr, flush=True)
    return {
        f"{t['data']} {t['noise']}, seed {t['seed']}, ours": t["accuracy"]["ours"] for t in found
    }


def _line(t: dict[str, Any]) -> str:
    scores = " ".join(f"{m} {100 * a:.1f}" for m, a in t["accuracy"].items() if a is not None)
    verdicts = f"{t['verdict']} {t['low']:.3f}..{t['high']:.3f} of {t['rate']:.3f}"
    return f"{t['seed']} {t['data']} {t['noise']}: {t['regime']} {verdicts}; {scores}"
