"""Names of classes come from other people's files: wherever a page shows them, they stand there as they
are, and are no link, tag, formula or colour.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from noisy_labels import diagnosed
from PIL import Image
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Block
from weblab import learning_rows, open_page

from app.charts.words import literal
from engine.embedding.projection import Options
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.runs.run import create_run
from engine.runs.run_info import figures_of

EVIL = ("[x](http:evil)", "<b>", "$x$", ":red[x]", "**x**")
# Fields of Streamlit's elements that it reads as Markdown, or as HTML.
READ = ("body", "label", "help", "caption", "content", "tooltip", "options")
PLAIN_OPTIONS = ("selectbox", "multiselect")  # whose options are not
HOLDS_TEXT_ONLY = ("bidi_component", "arrow_data_frame", "plotly_chart", "text_input")


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.model, lab.other = _trained(lab), _trained(lab)
    _pictures(lab, "evil", bare=False)
    _pictures(lab, "bare", bare=True)
    for data in ("evil", "bare"):
        space = lab.spaces.embed(lab.model, data, "all")
        lab.spaces.map(space, Options("pca"))
    names = [f"0{n}{EVIL[n % len(EVIL)]}" for n in range(10)]
    diagnosed(lab, "complementary", 0.98, names=names)
    diagnosed(lab, "pairs", 0.3, "swapped", names=names)
    lab.noisy = lab.dataset("noisy").files[0]
    lab.first = lab.dataset("evil").files[0]
    return lab


def _pictures(lab: Lab, called: str, bare: bool) -> None:
    """Digits in folders of evil names. bare: most of them without a label."""
    data = lab.dataset("digits")
    (lab.home / "uploads").mkdir(exist_ok=True)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for digit, name in enumerate(EVIL):
            for number, at in enumerate(np.flatnonzero(data.labels == digit)[:20]):
                folder = "unlabelled" if bare and number > 1 else name
                picture = io.BytesIO()
                Image.fromarray(255 - data.images[at, 0]).save(picture, "PNG")
                archive.writestr(f"{folder}/{digit}-{number}.png", picture.getvalue())
    staged = lab.data.imports.stage(f"{called}.zip", out.getvalue())
    lab.data.imports.look_at(staged)
    lab.data.imports.keep(staged)


def _trained(lab: Lab) -> str:
    """A run whose model knows the evil classes, and confuses them."""
    recipe = lab.recipe("quick")
    run = create_run(lab.home, recipe, None)
    confusion = (np.eye(len(EVIL), dtype=int) * 9 + 1).tolist()
    final = {"test_accuracy": 0.9, "test_n": 70, "test_data": "evil", "test_split": "test"}
    final |= {"val_accuracy": 0.9, "confusion": confusion, "seconds": 6.0, "epochs": recipe.epochs}
    with run.take_lock():
        run.own()
        run.write_status(state="running", started=run.status()["created"])
        for row in (*learning_rows(recipe.epochs), {"kind": "final", **final}):
            run.append_metrics(row)
        torch.manual_seed(0)
        network = build_model(recipe.model.name, recipe.model.options, 1, len(EVIL), 28)
        save_checkpoint(
            run.best, network.state_dict(), recipe, EVIL, final, style="digit", input_size=28
        )
        run.end("finished", figures=figures_of(final))
    return run.id


def read_as_markdown(page: AppTest) -> Iterator[tuple[str, str, str]]:
    """Every text of a page that Streamlit reads as Markdown or HTML: the element's kind, the field's
    name, the text.
    """
    waiting: list[Any] = [page.main, page.sidebar]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Block):
            waiting += one.children.values()
        proto, kind = getattr(one, "proto", None), getattr(one, "type", "")
        if proto is not None and kind not in HOLDS_TEXT_ONLY:
            yield from _texts_in(kind, proto)


def _texts_in(kind: str, proto: Any) -> Iterator[tuple[str, str, str]]:
    for field, value in proto.ListFields():
        if field.type == field.TYPE_MESSAGE:
            for inner in [value] if hasattr(value, "ListFields") else value:
                yield from _texts_in(kind, inner)
        elif field.type == field.TYPE_STRING and field.name in READ:
            if field.name == "options" and kind in PLAIN_OPTIONS:
                continue
            for text in [value] if isinstance(value, str) else value:
                yield kind, field.name, text


def check(page: AppTest) -> None:
    found = list(read_as_markdown(page))
    assert found, "nothing was read"
    wrong = [
        (kind, field, text)
        for kind, field, text in found
        if any(name in text for name in (("<b>",) if kind == "html" else EVIL))
    ]
    assert not wrong, wrong


def _filled(text: str, given: dict[str, str]) -> str:
    return ",".join(given.get(part, part) for part in text.split(","))


PAGES = (
    ("home", {}),
    ("data", {"data": "evil"}),
    ("data", {"data": "bare"}),
    ("sample", {"data": "evil", "sample": "FIRST"}),
    ("embeddings", {"data": "evil", "model": "MODEL", "part": "all", "method": "pca"}),
    ("embeddings", {"data": "evil", "model": "MODEL", "part": "all", "method": "pca", "at": "0"}),
    ("embeddings", {"data": "bare", "model": "MODEL", "part": "all", "method": "pca"}),
    ("label", {"data": "bare", "model": "MODEL"}),
    ("label", {"data": "evil", "model": "MODEL"}),
    ("noise", {"data": "evil"}),
    ("noise", {"data": "noisy"}),
    ("noise", {"data": "swapped"}),
    ("sample", {"data": "noisy", "sample": "NOISY"}),
    ("compare", {"runs": "MODEL,OTHER"}),
    ("models", {"model": "MODEL"}),
    ("compare", {"runs": "MODEL"}),
    ("train", {"run": "MODEL"}),
    ("runs", {}),
    ("study", {}),
    ("sweeps", {}),
    ("draw", {}),
)


@pytest.mark.parametrize(("name", "query"), PAGES)
def test_names_of_classes_stand_on_every_page_as_they_are(lab, monkeypatch, name, query):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    given = {"MODEL": lab.model, "OTHER": lab.other, "FIRST": lab.first, "NOISY": lab.noisy}
    check(open_page(name, **{key: _filled(value, given) for key, value in query.items()}))


def test_what_a_name_is_made_of_does_not_matter():
    for name in (*EVIL, "a@b.example", "# x", "- x", "1. x", "https://e.example", "~~x~~", "`x`"):
        shown = literal(name)
        assert not shown.startswith(name), name
