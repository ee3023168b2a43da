"""How to cite the software and a model: BibTeX, and a sentence with what decided a figure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from engine import __version__
from engine.models.recipe_changes import mended, recipe_changes

if TYPE_CHECKING:
    from engine.files.documents import CheckpointMeta

# As in CITATION.cff, which a wheel does not hold; a test compares them.
TITLE = "Glyphlab: a lab for handwriting recognition and wrong labels"
AUTHORS = "The Glyphlab authors"
LICENCE = "Apache-2.0"
RELEASED = "2026-11-28"


def software() -> str:
    """BibTeX of the software."""
    return _bibtex(
        "software",
        "glyphlab",
        {
            "title": f"{{{TITLE}}}",
            "author": f"{{{AUTHORS}}}",
            "version": __version__,
            "year": RELEASED[:4],
            "date": RELEASED,
            "license": LICENCE,
        },
    )


def recipe_hash(recipe: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits of what decides a result: the recipe without its prose."""
    fields = {
        key: value
        for key, value in recipe.items()
        if key not in ("about", "published", "small", "title", "name")
    }
    text = json.dumps(fields, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=4).hexdigest()


def sentence_on(meta: CheckpointMeta, name: str, figure: str) -> str:
    """What to write beside a figure of a model. figure: it with its images and interval, in words;
    '' where none was measured.
    """
    recipe = meta["recipe"]
    data = recipe.get("data") or {}
    changes = "; ".join(recipe_changes(recipe, of_all="held_out" in meta, words=str)).replace(
        "`", ""
    )
    parts = [
        f"recipe {recipe.get('name', meta['name'])}{f', changed: {changes}' if changes else ''}",
        f"seed {recipe.get('seed', 0)}",
        f"settings hash {recipe_hash(recipe)}",
        f"data {data.get('name', '')}{mended(data)}",
    ]
    if fingerprint := meta.get("fingerprint"):
        parts.append(f"data fingerprint {fingerprint[:12]}")
    versions = meta["versions"]
    parts.append(f"Glyphlab {meta['glyphlab']}")
    parts += [f"{one} {versions[one]}" for one in ("torch", "git") if versions.get(one)]
    measured = f"{figure}. " if figure else ""
    return f"Model {name}, {meta['model']}, {meta['created'][:10]}. {measured}{'; '.join(parts)}."


def of_model(meta: CheckpointMeta, name: str, figure: str) -> str:
    """BibTeX of a model. figure: as in `sentence_on`."""
    return _bibtex(
        "misc",
        f"glyphlab-{re.sub(r'[^a-z0-9]+', '-', name.lower()).strip('-')}",
        {
            "title": f"{{{meta['title'] or name}}}",
            "howpublished": f"Model trained with Glyphlab {meta['glyphlab']}",
            "year": meta["created"][:4],
            "note": sentence_on(meta, name, figure).rstrip("."),
        },
    )


def _bibtex(kind: str, key: str, fields: Mapping[str, str]) -> str:
    lines = [f"  {name} = {{{_escaped(value)}}}" for name, value in fields.items() if value]
    return f"@{kind}{{{key},\n" + ",\n".join(lines) + "\n}"


def _escaped(text: str) -> str:
    """The text with what BibTeX takes for commands escaped."""
    return re.sub(r"([%&#_$])", r"\\\1", text)
