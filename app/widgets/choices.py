"""What a person may choose from, read from the literal tables in the engine's source.

The tables stand beside the code they name, which imports torch. A form only needs the names, and
the web process should not spend seconds and hundreds of megabytes on them, so the source is parsed
instead of imported.
"""

from __future__ import annotations

import ast
from functools import lru_cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


def _tree(module: str) -> ast.Module:
    return ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))


@lru_cache
def choices(module: str, table: str) -> dict[str, str]:
    """The names in the literal table `table` of an engine module, in its order, each with what the
    table says about it (or nothing).
    """
    for node in _tree(module).body:
        if (
            isinstance(node, ast.AnnAssign)
            and getattr(node.target, "id", "") == table
            and isinstance(node.value, ast.Dict)
        ):
            pairs = zip(node.value.keys, node.value.values, strict=True)
            return {
                str(key.value): _about(value)
                for key, value in pairs
                if isinstance(key, ast.Constant)
            }
    raise LookupError(f"{module} has no literal table {table}")


@lru_cache
def model_options(model: str) -> dict[str, Any]:
    """A model's options with their defaults: the keyword-only arguments of its builder. Empty for
    an unknown model.
    """
    catalog = _tree("engine.models.catalog")
    homes = {
        alias.name: node.module
        for node in catalog.body
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }
    builders = {
        getattr(key, "value", ""): getattr(getattr(value, "args", [None])[0], "id", "")
        for node in catalog.body
        if isinstance(node, ast.AnnAssign)
        and getattr(node.target, "id", "") == "MODELS"
        and isinstance(node.value, ast.Dict)
        for key, value in zip(node.value.keys, node.value.values, strict=True)
    }
    builder = builders.get(model)
    for node in _tree(homes[builder]).body if builder in homes else ():
        if isinstance(node, ast.FunctionDef) and node.name == builder:
            pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
            return {
                argument.arg: ast.literal_eval(default)
                for argument, default in pairs
                if default is not None
            }
    return {}


def _about(value: ast.expr) -> str:
    arguments = value.args if isinstance(value, ast.Call) else []
    texts = [
        part.value
        for part in arguments
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    ]
    return texts[-1] if texts else ""
