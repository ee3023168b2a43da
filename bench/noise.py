"""Injected label noise: every noise model on three data sets, diagnosed and trained through, in one
run.

For each: the diagnosis, the estimated and the true share of wrong labels, and accuracy on test
images with true labels after plain training, after cleanlab's filter, and after ours, all with the
same network and the same number of training images. Finished trials are kept in the lab's home, so
that a run that was stopped continues; the table is written to noise.md, the figures are appended to
records.csv.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from bench.records import append, commit, device, versions

SETS: dict[str, int | None] = {
    "digits": None,
    "mnist": 3_000,
    "emnist62": 6_000,
}  # at most so many training images
SEEDS: dict[str, int] = {"digits": 3, "mnist": 1, "emnist62": 1}
EFFORT = "quick"
NOISES: tuple[tuple[str, float], ...] = (
    ("clean", 0.0),
    ("rare", 0.001),
    ("rare", 0.01),
    ("rare", 0.05),
    ("symmetric", 0.2),
    ("symmetric", 0.5),
    ("symmetric", 0.8),
    ("pairs", 0.4),
    ("complementary", 1.0),
    ("independent", 1.0),
)
TABLE = Path(__file__).parent / "noise.md"
HEAD = (
    "data",
    "images",
    "noise",
    "seeds",
    "diagnosis",
    "wrong: true",
    "wrong: estimated (95%)",
    "T off by",
    "suspects found",
    "plain",
    "cleanlab",
    "ours",
    "true labels",
)
EXPECTED = {
    "rare": "few errors",
    "pairs": "class-dependent",
}  # the regime of a noise model, where it has another name


def table(trials: list[dict]) -> str:
    """The trials as Markdown, a row for those that differ in their seed only: means, and of accuracies
    the standard deviation.
    """
    lines = [
        "# Injected label noise",
        "",
        "Labels taken as true are corrupted by a known noise model. Every network is the same and",
        f"sees as many images; test images keep their labels. {device()}, {versions()},",
        f"commit {commit()}, effort {EFFORT}; several seeds: mean ± standard deviation.",
        "Written by `python -m bench noise`.",
        "",
        "| " + " | ".join(HEAD) + " |",
        "|---" * len(HEAD) + "|",
    ]
    alike: dict[str, list[dict]] = {}
    for trial in trials:
        alike.setdefault(_name(trial), []).append(trial)
    lines += ["| " + " | ".join(_cells(same)) + " |" for same in alike.values()]
    lines += [
        "",
        "T off by: mean distance of its entries from the true T's. Suspects found: of the labels",
        "that are sought (the wrong ones; for complementary labels the correct ones), the share",
        "that is among as many first suspects.",
        "",
        "✗: not the noise that was injected. A label that excludes one of 62 classes carries 0.016",
        "nats; 6,000 of them carry 98, and which name belongs to which of 62 groups of images",
        "takes 197.",
    ]
    return "\n".join(lines) + "\n"


def _cells(trials: list[dict]) -> list[str]:
    """The row of trials that differ in their seed only."""
    from engine.noise.shares import share

    first = trials[0]
    found = [t["found_first"] for t in trials if t["found_first"] is not None]
    low, high = zip(*(t["noise_rate_interval"] for t in trials), strict=True)
    regimes = dict.fromkeys(
        t["regime"] + ("" if t["regime"] == EXPECTED.get(t["noise"], t["noise"]) else " ✗")
        for t in trials
    )
    scores: dict[str, list[float | None]] = {}
    for trial in trials:
        for row in trial["methods"]:
            scores.setdefault(row["name"], []).append(row["accuracy"])
    return [
        first["dataset"],
        f"{first['n']:,}",
        f"{first['noise']} {share(first['rate'])}" if first["rate"] else first["noise"],
        str(len(trials)),
        ", ".join(regimes),
        share(fmean(t["true_rate"] for t in trials)),
        f"{share(fmean(t['noise_rate'] for t in trials))} ({share(min(low))} to {share(max(high))})",
        f"{fmean(t['transition_error'] for t in trials):.4f}",
        share(fmean(found)) if found else "",
        *(_accuracy(scores[name]) for name in ("plain", "cleanlab", "ours", "truth")),
    ]


def _accuracy(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if len(known) < len(values):
        return "gives up"
    return f"{fmean(known):.2f}%" + (f" ± {stdev(known):.2f}" if len(known) > 1 else "")


def main(sets: list[str] | None = None) -> dict[str, float]:
    """Run the trials that are not there yet, write the table and the records, and return the
    accuracies of ours.
    """
    from engine.lab import Lab
    from engine.progress import bar

    lab = Lab.open(os.environ)
    found: list[dict] = []
    rows: list[dict[str, object]] = []
    for wanted in plan(sets):
        trial = next(
            (
                t
                for t in lab.noise.trials()
                if all(t.get(key) == value for key, value in wanted.items())
            ),
            None,
        )
        if trial is None:
            trial = lab.noise.try_noise(**wanted, progress=bar(sys.stderr))
            rows += records(trial)
        found.append(trial)
        TABLE.write_text(table(found), encoding="utf-8")
    append(rows)
    return {
        f"{_name(t)}, seed {t['seed']}, ours": r["accuracy"]
        for t in found
        for r in t["methods"]
        if r["name"] == "ours"
    }


def plan(sets: list[str] | None = None) -> list[dict[str, Any]]:
    """The trials of these data sets (all, if none is named), as `try_noise` takes them."""
    return [
        {
            "dataset": name,
            "noise": noise,
            "rate": rate,
            "limit": SETS[name],
            "effort": EFFORT,
            "seed": seed,
        }
        for name in sets or list(SETS)
        for noise, rate in NOISES
        for seed in range(SEEDS[name])
    ]


def _name(trial: dict) -> str:
    return f"{trial['dataset']} {trial['noise']} {trial['rate']:g}"


def records(trial: dict) -> list[dict[str, object]]:
    """The rows of records.csv for one trial."""
    name = f"noise {_name(trial)}"
    figures = {"noise rate, true": trial["true_rate"], "noise rate, estimated": trial["noise_rate"]}
    figures["T, mean error"] = trial["transition_error"]
    figures |= {
        f"test accuracy, {row['name']}": row["accuracy"]
        for row in trial["methods"]
        if row["accuracy"] is not None
    }
    return [
        {
            "bench_or_recipe": name,
            "scale": trial["effort"],
            "seed": trial["seed"],
            "metric": metric,
            "value": f"{value:.5g}",
            "seconds": trial["seconds"],
        }
        for metric, value in figures.items()
    ]


if __name__ == "__main__":
    for metric, value in main(sys.argv[1:]).items():
        print(f"{metric}: {value:.4f}")
