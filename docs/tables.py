"""Print the lab's tables into README.md and the pages of docs/, so that no list is kept twice:
`make docs`, or `python -m docs.tables --check`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; everything between is replaced.
tests/test_architecture.py fails when a page is behind.
"""

from __future__ import annotations

import importlib
import json
import re
import statistics
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

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
        ("page", "what it is for", "file"),
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
    from engine.cli.recipes import published_words
    from engine.recipes.recipe import shipped_recipe, shipped_recipe_names

    rows = []
    for name in shipped_recipe_names():
        recipe = shipped_recipe(name)
        published = recipe.published and recipe.published.model_dump()
        figure = published_words(name, published)
        rows.append((f"`{name}`", recipe.title, figure))
    return table(("recipe", "what it is", "reported"), rows)


def datasets() -> str:
    from engine.data.catalog import DATASETS

    return table(
        ("data set", "what it is", "licence"),
        [(f"`{name}`", source.about, source.licence) for name, source in DATASETS.items()],
    )


def models() -> str:
    from engine.models.catalog import MODELS

    return table(
        ("model", "what it is"), [(f"`{name}`", entry.about) for name, entry in MODELS.items()]
    )


def shipped() -> str:
    """The saved models that come with the lab, with the figures of their checkpoints."""
    from engine.models.metadata import sets_tested_on

    rows = []
    for file in sorted((ROOT / "checkpoints").glob("*/checkpoint.json")):
        meta = json.loads(file.read_text(encoding="utf-8"))
        metrics, data = meta["metrics"], meta["recipe"]["data"]["name"]
        if held := meta.get("held_out"):
            accuracy = (
                f"{held['accuracy']:.2%} of {held['models']} × {held['n']:,} held-out images of {data}, mean"
                f" of {held['models']} models of its recipe, this one not among them"
            )
        elif unseen := meta.get("unseen_alphabets"):
            accuracy = (
                f"{unseen['error']:.1%} errors in 20-way one-shot classification of"
                f" {len(unseen['errors'])} alphabets before it was trained on them"
            )
        else:
            accuracy = (
                f"{metrics['test_accuracy']:.2%} of {metrics['test_n']:,} test images of"
                f" {sets_tested_on(metrics)}"
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
    """Test accuracies of recipes in bench/records.csv: the mean over its seeds or splits, each by
    the newest commit that recorded it.
    """
    from bench.records import read
    from engine.services.study_results import each_once, newest_of_seeds

    recorded: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in read():
        if row["metric"] == "test_accuracy":
            recorded.setdefault((row["bench_or_recipe"], row["scale"]), []).append(row)
    lines = []
    for (name, scale), all_rows in sorted(recorded.items()):
        rows = newest_of_seeds(all_rows)
        values = [float(row["value"]) * 100 for row in rows]
        spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
        seconds = statistics.mean(float(row["seconds"] or 0) for row in rows)
        lines.append(
            (
                f"`{name}`",
                scale,
                _data(name, scale),
                f"{statistics.mean(values):.2f}%{spread}",
                differ([row["seed"] for row in rows]),
                f"{seconds:,.0f} s",
                each_once(row["device"] for row in rows),
                each_once(row["commit"] for row in rows),
            )
        )
    return table(
        (
            "recipe",
            "scale",
            "data",
            "test accuracy",
            "mean of",
            "time a run",
            "device",
            "commit",
        ),
        lines,
    )


def _data(name: str, scale: str) -> str:
    """What a recipe learns from, and is tested on where that is another data set; at scale small it may be
    others.
    """
    from engine.recipes.recipe import shipped_recipe

    data = shipped_recipe(name, {"scale": scale}).data
    return f"`{data.name}`" + (f", tested on `{data.test_on}`" if data.test_on else "")


def differ(seeds: list[str]) -> str:
    """What the runs of one measurement differ in, from their '0, split 3': '5 splits', '4 seeds'."""
    parts = [seed.partition(", split ") for seed in seeds]
    several = [
        kind
        for kind, values in (
            ("seeds", {seed for seed, _, _ in parts}),
            ("splits", {split for _, _, split in parts}),
        )
        if len(values) > 1
    ]
    return f"{len(seeds)} {' and '.join(several) or ('run' if len(seeds) == 1 else 'runs')}"


def fields(name: str) -> str:
    """Every field of a model in engine.recipes.recipe: what it may be, its default and what it means."""
    from engine.recipes import recipe

    model = getattr(recipe, name)
    inherited = set().union(
        *(base.model_fields for base in model.__mro__[1:] if hasattr(base, "model_fields"))
    )
    rows = []
    for key, field in model.model_fields.items():
        if key in inherited:
            continue
        if field.is_required():
            default = "required"
        else:
            value = field.get_default(call_default_factory=True)
            plain = value is None or isinstance(value, str | int | float | tuple)
            default = f"`{json.dumps(value)}`" if plain else ""
        rows.append(
            (f"`{key}`", _kind(field.annotation, field.metadata), default, field.description or "")
        )
    return table(("field", "may be", "default", "meaning"), rows)


def _kind(annotation: Any, limits: Iterable[Any]) -> str:
    """'a number, 0 to 1' for float with ge=0 and le=1."""
    options = [each for each in get_args(annotation) if each is not type(None)]
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{each}`" for each in options)
    if get_origin(annotation) in (Union, UnionType):
        words = [_kind(each, limits) for each in options]
        return ", or ".join(words + ["none"] * (type(None) in get_args(annotation)))
    if get_origin(annotation) is tuple:
        return f"a list: {_kind(options[0], ())}"
    if get_origin(annotation) is dict or annotation is dict:
        return "keys and values"
    if annotation in (int, float):
        word = "a whole number" if annotation is int else "a number"
        bounds = {
            key: value
            for limit in limits
            for key in ("ge", "gt", "le", "lt")
            if (value := getattr(limit, key, None)) is not None
        }
        low, high = bounds.get("ge", bounds.get("gt")), bounds.get("le", bounds.get("lt"))
        low_word = None if low is None else f"{'above' if 'gt' in bounds else 'from'} {low:g}"
        high_word = None if high is None else f"{'below' if 'lt' in bounds else 'to'} {high:g}"
        return ", ".join([word, " ".join(filter(None, (low_word, high_word)))]).rstrip(", ")
    return {str: "text", bool: "`true` or `false`"}.get(annotation, "see below")


def losses() -> str:
    from engine.training.objectives import LOSSES

    return table(
        ("loss", "reads", "what it is"),
        [(f"`{name}`", entry.reads, entry.about) for name, entry in LOSSES.items()],
    )


def metric_learning() -> str:
    from engine.recipes.metric_learning import LOSSES, MINERS

    return table(
        ("name", "as", "options"),
        [
            (f"`{name}`", kind, ", ".join(f"`{option}`" for option in options))
            for kind, known in (("loss", LOSSES), ("miner", MINERS))
            for name, options in known.items()
        ],
    )


def styles() -> str:
    from engine.imaging.images import STYLES

    return table(
        ("style", "channels", "what it does"),
        [(f"`{name}`", style.channels, style.about) for name, style in STYLES.items()],
    )


def faults() -> str:
    from bench.faults import rows

    if not (found := rows()):
        return "No run of the long form is recorded yet.\n"
    return table(("fault", "tried", "lost", "command"), found)


def scale() -> str:
    from bench.scale import rows

    if not (found := rows()):
        return "`python -m bench scale` has not been run yet.\n"
    return table(("what", "figure", "machine"), found)


def load() -> str:
    from bench.many_runs import rows

    return table(("what", "took"), rows())


def crowd() -> str:
    from bench.load import rows

    heads = ("what", "ten minutes", "aim", "one process, 90 s", "two processes", "and a told pace")
    return table(heads, rows())


def glossary() -> str:
    """The entries of the page Glossary."""
    from app.glossary import as_markdown

    return as_markdown(level=2) + "\n"


def endpoints() -> str:
    """Every door of the lab with the roles that may come there."""
    from app.doors.table import CANVAS, DASHBOARD, LAB, Door

    def row(part: str, prefix: str, door: Door) -> tuple[str, str, str, str]:
        who = door.who.replace(" ", ", ")
        return f"`{prefix}{door.path}`", door.methods.replace(" ", ", "), who, part

    rows = [row("the lab", "", door) for door in LAB]
    rows += [row("Streamlit", "", door) for door in DASHBOARD]
    rows += [("`/` and the name of a page", "GET, HEAD", rows[-1][2], "Streamlit")]
    rows += [row("Gradio", "/canvas", door) for door in CANVAS]
    return table(("address", "methods", "who", "whose"), rows)


def rights() -> str:
    """Every deed with the roles beside owner and teacher that may do it."""
    from engine.people.rights import DEEDS

    rows = []
    for name, deed in DEEDS.items():
        who = deed.others.replace(" ", ", ") or "nobody else"
        bounds = ("only of their own", deed.own), ("not while locked", not deed.calm)
        rows.append((name, who, ", ".join(text for text, holds in bounds if holds and deed.others)))
    return table(("deed", "who else", ""), rows)


def ablation(values: bool = False) -> str:
    from bench.ablation import rows

    if not (found := rows(values)):
        return "It is not recorded yet.\n"
    what = "with" if values else "without"
    return table(("data and noise", "seeds", what, "wrong, %", "difference, points"), found)


TABLES: dict[str, Callable[[], str]] = {
    "pages": pages,
    "commands": commands,
    "settings": settings,
    "recipes": recipes,
    "datasets": datasets,
    "models": models,
    "shipped": shipped,
    "results": results,
    "recipe_fields": partial(fields, "Recipe"),
    "stage_fields": partial(fields, "Stage"),
    "data_fields": partial(fields, "DataSpec"),
    "model_fields": partial(fields, "ModelSpec"),
    "augment_fields": partial(fields, "Augment"),
    "resource_fields": partial(fields, "Resources"),
    "published_fields": partial(fields, "Published"),
    "losses": losses,
    "metric_learning": metric_learning,
    "styles": styles,
    "glossary": glossary,
    "faults": faults,
    "load": load,
    "scale": scale,
    "crowd": crowd,
    "endpoints": endpoints,
    "rights": rights,
    "ablation": ablation,
    "noise_values": partial(ablation, True),
}


def files() -> list[Path]:
    """The files that hold tables."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def filled(text: str) -> str:
    """`text` with every marked table printed anew."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def behind() -> dict[Path, str]:
    """The files whose tables are not what the lab says now, with the text that they should have."""
    out = {}
    for path in files():
        text = path.read_text(encoding="utf-8")
        if (new := filled(text)) != text:
            out[path] = new
    return out


def main() -> int:
    """Rewrite the files, or with --check only say which are behind."""
    old = behind()
    if "--check" in sys.argv[1:]:
        for path in old:
            print(
                f"{path.relative_to(ROOT)} is behind the tables: run `make docs`", file=sys.stderr
            )
        return int(bool(old))
    for path, text in old.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
