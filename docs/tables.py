"""Print the lab's tables into the README, so that no list is kept twice: `make docs`, or `python -m
docs.tables --check`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; everything between is replaced.
tests/test_architecture.py fails when the README is behind.
"""

from __future__ import annotations

import importlib
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; bars in cells are escaped and line breaks become spaces."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += [
        "| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in row) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def pages() -> str:
    """The pages in the order of the menu."""
    from app.widgets.links import PAGES

    return table(
        ("page", "what one does there", "file"),
        [(line.title, line.about, f"`pages/{name}.py`") for name, line in PAGES.items()],
    )


def commands() -> str:
    from engine.cli import COMMANDS

    rows = [
        (f"`python -m engine {name}`", importlib.import_module(module).HELP)
        for name, module in COMMANDS.items()
        if not name.startswith("_")
    ]
    return table(("command", "what it does"), rows)


def settings() -> str:
    from engine.settings import SETTINGS

    return table(
        ("variable", "default", "what it is for"),
        [(f"`{s.name}`", f"`{s.default}`" if s.default else "", s.help) for s in SETTINGS],
    )


def recipes() -> str:
    from engine.recipe import shipped_recipe, shipped_recipe_names

    rows = []
    for name in shipped_recipe_names():
        recipe = shipped_recipe(name)
        said = recipe.published
        figure = (
            ""
            if said is None
            else f"{said.value:g}% {said.metric}"
            if said.value is not None
            else said.metric
        )
        rows.append((f"`{name}`", recipe.title, figure))
    return table(("recipe", "what it is", "published"), rows)


def datasets() -> str:
    from engine.data.catalog import DATASETS

    return table(
        ("data set", "what it is"),
        [(f"`{name}`", source.about) for name, source in DATASETS.items()],
    )


def models() -> str:
    from engine.models.catalog import MODELS

    return table(
        ("model", "what it is"), [(f"`{name}`", entry.about) for name, entry in MODELS.items()]
    )


def shipped() -> str:
    """The saved models that come with the lab, with the figures of their checkpoints."""
    rows = []
    for file in sorted((ROOT / "checkpoints").glob("*/checkpoint.json")):
        meta = json.loads(file.read_text(encoding="utf-8"))
        metrics = meta["metrics"]
        data = metrics.get("test_data", meta["recipe"]["data"]["name"])
        if held := meta.get("held_out"):
            accuracy = (
                f"{held['accuracy']:.2%} of {held['n']:,} held-out images of {data}, mean of"
                f" {held['models']} models of its recipe"
            )
        else:
            accuracy = (
                f"{metrics['test_accuracy']:.2%} of {metrics['test_n']:,} test images of {data}"
            )
        rows.append(
            (
                f"`{file.parent.name}`",
                f"{len(meta['classes'])}",
                f"{meta['parameters']:,}",
                accuracy,
            )
        )
    return table(("model", "classes", "parameters", "accuracy"), rows)


def results() -> str:
    """Test accuracies of recipes in bench/records.csv: the mean over the seeds of the newest commit
    that recorded the recipe.
    """
    from bench.records import read

    newest: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read():
        if row["metric"] == "test_accuracy":
            rows = newest.setdefault((row["bench_or_recipe"], row["scale"]), [])
            if rows and rows[-1]["commit"] != row["commit"]:
                rows.clear()
            rows.append(row)
    lines = []
    for (name, scale), rows in sorted(newest.items()):
        values = [float(row["value"]) * 100 for row in rows]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        seconds = statistics.mean(float(row["seconds"] or 0) for row in rows)
        lines.append(
            (
                f"`{name}`",
                scale,
                f"{statistics.mean(values):.2f}%{spread}",
                len(values),
                f"{seconds:,.0f} s",
                rows[-1]["device"],
                rows[-1]["commit"],
            )
        )
    return table(
        ("recipe", "scale", "test accuracy", "seeds", "time a run", "device", "commit"), lines
    )


TABLES: dict[str, Callable[[], str]] = {
    "pages": pages,
    "commands": commands,
    "settings": settings,
    "recipes": recipes,
    "datasets": datasets,
    "models": models,
    "shipped": shipped,
    "results": results,
}


def filled(text: str) -> str:
    """`text` with every marked table printed anew."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def main() -> int:
    """Rewrite README.md, or with --check only say whether it is behind."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    new = filled(text)
    if "--check" in sys.argv[1:]:
        print(
            (
                "README.md is behind the tables: run `make docs`"
                if new != text
                else "README.md agrees with the tables"
            ),
            file=sys.stderr,
        )
        return int(new != text)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
