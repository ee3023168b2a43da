"""`make bench`: run the benchmarks, append to records.csv, and print the newest figures into
bench/README.md.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from bench.records import read

BENCHES: dict[str, str] = {
    "throughput": "batches from tensors on the device, against PIL transforms in a DataLoader",
    "canvas": (
        "a drawing judged by a running lab, and from a stroke to its bars in a browser, beside a"
        " training run too"
    ),
    "drawings": (
        "a fifth of the tablet drawings, kept from the canvas models' training, read as drawn and"
        " changed"
    ),
    "foreign": "drawings that are none of a model's classes: how many are named without a doubt",
    "space": "exact neighbours and a map of 60,000 embeddings, against scikit-learn and umap-learn",
    "noise": (
        "noise of fifteen kinds on six data sets: diagnosis, and training through it by each method"
    ),
    "ablation": (
        "the label-noise pipeline without each of its parts; --full: at full size, --data: on"
        " other data"
    ),
    "task3": (
        "mnistTask3 diagnosed at full effort and read by MNIST's labels; 40 minutes, by name only"
    ),
    "labelling": "which images to label next: accuracy against labels given, beside asking at random",
    "loop": (
        "MNIST with 500 wrong labels in a browser: lasso, relabel, review, train again, before and"
        " after, with a picture of each step in --out; by name only: it trains twice"
    ),
    "map": "the embedding explorer's map in a browser, with 60,000 points and with a million",
    "load": "50 people who draw, 20 who watch a live run, and a run that trains, for ten minutes",
    "many-runs": "every page of a lab with a thousand runs, alone and thirty at once, in a browser",
    "parallel": "a run in two processes, or on two GPUs, against the same run in one",
    "portable": "500 drawings read by the ONNX package outside the lab, and by the lab",
    "decoding": "1,200 × 900 pages from their files to squares, pages a minute on all cores",
    "oneshot": (
        "characters of alphabets that no training saw, named by one drawing of each: the embedding,"
        " pixels and the model of 62 characters; --model: another embedding"
    ),
    "studies": (
        "the published experiments at full size, side by side within --minutes; asked for by name"
        " only, since it takes what it is given"
    ),
    "scale": (
        "a run's way to its first live point on this machine, Ray and Slurm; sixty runs through two"
        " slots; pages with 200 live runs; with the environment of `make test-cluster`, by name only"
    ),
    "streaming": "a set larger than memory, streamed from disk, against one that is held",
}
LONG = {"loop", "scale", "studies", "task3"}  # run only when named
README = Path(__file__).parent / "README.md"
MARK = "<!-- newest figures: written by `make bench` -->\n"


def newest() -> str:
    """The newest row of each benchmark's figures as a Markdown table."""
    names = tuple(f"{name} " for name in BENCHES if name not in ("noise", "ablation"))  # own tables
    last = {
        (row["bench_or_recipe"], row["metric"], row["device"]): row
        for row in read()
        if f"{row['bench_or_recipe']} ".startswith(names)
    }
    lines = [
        "| benchmark | figure | value | device | versions | commit |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['bench_or_recipe']} | {r['metric']} | {float(r['value']):,.4g} | {r['device']} |"
        f" {r['versions']} | {r['commit']} |"
        for r in last.values()
    ]
    return "\n".join(lines) + "\n"


def names(text: str) -> tuple[str, ...]:
    """`a,b` as names."""
    return tuple(filter(None, text.split(",")))


def numbers(text: str) -> tuple[int, ...]:
    """`0,1` as numbers. Raises ValueError."""
    return tuple(map(int, names(text)))


def main(arguments: list[str]) -> int:
    """Run the named benchmarks, or all. Returns 2 for a name that is not one."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHES))
    parser.add_argument("--full", action="store_true", help="ablation: at full size")
    parser.add_argument("--data", help="ablation: its data set, a name in bench.ablation.CASES")
    parser.add_argument("--seconds", type=float, help="load: instead of ten minutes; not recorded")
    parser.add_argument("--model", help="oneshot: a model or run to judge")
    parser.add_argument(
        "--home", type=Path, help="loop: a lab's folder that is kept and gone on with"
    )
    studies = parser.add_argument_group("studies")
    studies.add_argument("--rows", type=names, default=(), help="experiments, all without")
    studies.add_argument("--device", default="auto", help="cpu, cuda, mps")
    studies.add_argument("--minutes", type=float, default=9, help="then it stops, and can go on")
    studies.add_argument("--seeds", type=numbers, default=(0,), help="0,1,2: a run with each")
    studies.add_argument("--splits", type=numbers, default=(0,), help="0,1,2: of the validation")
    studies.add_argument("--scale", choices=("full", "small"), default="full", help="scale, too")
    studies.add_argument("--at-once", type=int, default=0, help="runs side by side")
    studies.add_argument("--out", type=Path, help="what is brought back; loop: its pictures")
    args = parser.parse_args(arguments)
    if wrong := set(args.names) - set(BENCHES):
        print(f"no benchmark '{wrong.pop()}'; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in args.names or [name for name in BENCHES if name not in LONG]:
        print(f"{name}: {BENCHES[name]}")
        run = import_module(f"bench.{name.replace('-', '_')}").main
        options: dict[str, object] = {}
        if name == "ablation":
            options = {"full": args.full, "data": args.data}
        elif name == "load" and args.seconds:
            options = {"seconds": args.seconds}
        elif name == "loop":
            options = {"home": args.home, "out": args.out or Path("loop")}
        elif name == "scale":
            options = {"scale": args.scale}
        elif name == "oneshot":
            options = {"model": args.model}
        elif name == "studies":
            args.out = args.out or Path("studies")
            given = ("device", "minutes", "seeds", "splits", "scale", "at_once", "out")
            options = {"names": args.rows, **{key: getattr(args, key) for key in given}}
        for metric, value in run(**options).items():
            print(f"  {metric}: {value:,.4g}")
    README.write_text(
        README.read_text(encoding="utf-8").split(MARK)[0] + MARK + newest(), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
