"""Print the lab's tables into the README, so that no list is kept twice: `make docs`, or `python -m docs.tables --check`.

A table stands between `<!-- table: NAME -->` and `<!-- end -->`; everything between is replaced. tests/test_architecture.py
fails when the README is behind.
"""

from __future__ import annotations

import ast
import importlib
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent
BLOCK = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.S)


def table(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A Markdown table; bars in cells are escaped and line breaks become spaces."""
    head = list(head)
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(" ".join(str(cell).split()).replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def pages() -> str:
    """The pages in the order of the menu, each with the first sentence of its module."""
    from app.dashboard import PAGES

    rows = []
    for page in PAGES:
        path = ROOT / "pages" / f"{page.name}.py"
        rows.append(
            (page.title, first_sentence(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""), f"`pages/{page.name}.py`")
        )
    return table(("page", "what it is for", "file"), rows)


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
        ("variable", "default", "what it is for"), [(f"`{s.name}`", f"`{s.default}`" if s.default else "", s.help) for s in SETTINGS]
    )


def recipes() -> str:
    from engine.recipe import shipped_recipe, shipped_recipe_names

    rows = []
    for name in shipped_recipe_names():
        recipe = shipped_recipe(name)
        said = recipe.published
        rows.append((f"`{name}`", recipe.title, f"{said.value:g}% {said.metric}, {said.source}" if said else ""))
    return table(("recipe", "what it is", "published"), rows)


def datasets() -> str:
    from engine.data.catalog import DATASETS

    return table(("data set", "what it is"), [(f"`{name}`", source.about) for name, source in DATASETS.items()])


def models() -> str:
    from engine.models.catalog import MODELS

    return table(("model", "what it is"), [(f"`{name}`", entry.about) for name, entry in MODELS.items()])


TABLES: dict[str, Callable[[], str]] = {
    "pages": pages, "commands": commands, "settings": settings, "recipes": recipes, "datasets": datasets, "models": models,
}  # fmt: skip


def filled(text: str) -> str:
    """`text` with every marked table printed anew."""
    return BLOCK.sub(lambda found: found[1] + TABLES[found[2]]() + found[3], text)


def first_sentence(text: str) -> str:
    return re.split(r"(?<=[.:])\s", " ".join(text.split()), maxsplit=1)[0].rstrip(".:")


def main() -> int:
    """Rewrite README.md, or with --check only say whether it is behind."""
    path = ROOT / "README.md"
    text = path.read_text(encoding="utf-8")
    new = filled(text)
    if "--check" in sys.argv[1:]:
        print("README.md is behind the tables: run `make docs`" if new != text else "README.md agrees with the tables", file=sys.stderr)
        return int(new != text)
    path.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
