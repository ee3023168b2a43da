"""The scripts of the pages' own components: ES modules, joined into the one text that Streamlit and
Gradio take.

Both hand a component's script to the browser as a text of its own, from which a relative import
leads nowhere. So the modules are joined here, each after what it imports, without their `import`
lines and `export` words. They then share one scope: a name that two of them declare is an error.
"""

from __future__ import annotations

import re
from pathlib import Path

# One statement a line, as the formatter of our scripts leaves them. No default or renamed imports.
IMPORT = re.compile(r'^import \{[^}]*\} from "(\./[\w./-]+\.js)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:const|let|class|function|async function) )", re.M)
DECLARED = re.compile(r"^(?:export )?(?:const|let|class|function|async function) (\w+)", re.M)


def joined(entry: Path) -> str:
    """The module `entry` with all that it imports, as one script. Its `export default` stays.

    Raises ValueError for a name that two modules declare, or an import that is not understood.
    """
    parts: dict[Path, str] = {}
    owners: dict[str, Path] = {}

    def add(path: Path) -> None:
        if path in parts:
            return
        parts[path] = ""  # before its imports: modules that import each other end here
        text = path.read_text(encoding="utf-8")
        for name in IMPORT.findall(text):
            add((path.parent / name).resolve())
        for name in DECLARED.findall(text):
            if name in owners:
                raise ValueError(
                    f"{path.name} and {owners[name].name} both declare '{name}': rename one"
                )
            owners[name] = path
        body = EXPORT.sub("", IMPORT.sub("", text))
        if left := re.search(r"^import\b.*", body, re.M):
            raise ValueError(
                f"{path.name}: '{left[0]}' is not of the form 'import {{ name }} from \"./x.js\";'"
            )
        del parts[path]
        parts[path] = body

    add(entry.resolve())
    return "\n".join(parts.values())
