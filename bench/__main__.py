"""`make bench`: run the benchmarks, append to records.csv, and print the newest figures into
bench/README.md.
"""

from __future__ import annotations

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
    "space": "exact neighbours and a map of 60,000 embeddings, against scikit-learn and umap-learn",
    "noise": (
        "labels spoiled in ten known ways on three data sets: diagnosis, and training through it"
    ),
    "many-runs": "every page of a lab with a thousand runs, alone and thirty at once, in a browser",
    "streaming": "a set larger than memory, streamed from disk, against one that is held",
}
README = Path(__file__).parent / "README.md"
MARK = "<!-- newest figures: written by `make bench` -->\n"


def newest() -> str:
    """The newest row of each benchmark's figures as a Markdown table."""
    names = tuple(f"{name} " for name in BENCHES if name != "noise")  # which has a table of its own
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


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all. Returns 2 for a name that is not one."""
    if wrong := set(names) - set(BENCHES):
        print(f"no benchmark '{wrong.pop()}'; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    for name in names or BENCHES:
        print(f"{name}: {BENCHES[name]}")
        for metric, value in import_module(f"bench.{name.replace('-', '_')}").main().items():
            print(f"  {metric}: {value:,.4g}")
    README.write_text(
        README.read_text(encoding="utf-8").split(MARK)[0] + MARK + newest(), encoding="utf-8"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
