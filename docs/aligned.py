"""Docstrings for the documentation: aligned lines, `name   what it is`, become a list.

In the code, a docstring lists fields as two columns, because that is how people read them there. As
Markdown they would run together in one paragraph. Loaded by mkdocstrings, see mkdocs.yml.
"""

from __future__ import annotations

import re
from typing import Any

from griffe import Extension, Object

ROW = re.compile(r"^(\w+(?:, \w+)*)(?: {2,}| +(?=\())(\S.*)$")


def listed(text: str) -> str:
    """`text` with every run of two and more aligned lines as a Markdown list; lines indented below
    one belong to it.
    """
    out: list[str] = []
    lines, at = text.splitlines(), 0
    while at < len(lines):
        rows: list[str] = []
        end = at
        while end < len(lines) and lines[end].strip():
            if found := ROW.match(lines[end]):
                rows.append(f"- `{found[1]}`: {found[2]}")
            elif rows and lines[end].startswith("  "):
                rows[-1] += " " + lines[end].strip()
            else:
                break
            end += 1
        if len(rows) >= 2:
            out += ([""] if out and out[-1].strip() else []) + rows + [""]
            at = end
        else:
            out.append(lines[at])
            at += 1
    return "\n".join(out).rstrip()


class Aligned(Extension):
    """Rewrites every docstring of the modules that are documented."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            obj.docstring.value = listed(obj.docstring.value)
