"""Files that a page makes when its button is clicked: each is made here once, by its button."""

from __future__ import annotations

import ast
import csv
import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from compared import compared_run
from downloads import made_when_clicked
from noisy_labels import diagnosed
from weblab import ROOT, add_run, open_page

from engine.embedding.projection import Options
from engine.lab import Lab


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def made(name: str, **query: str) -> dict[str, bytes]:
    """The files of a page, by the keys of their buttons, without the names in them."""
    return dict(made_when_clicked(open_page(name, **query)))


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def names(content: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(content)) as file:
        return file.namelist()


def of_compare(lab: Lab) -> dict[str, bytes]:
    runs = [compared_run(lab, wrong=range(n)) for n in (5, 60)]
    model = add_run(lab)
    ids = [run.id for run in (*runs, model)]
    found = made("compare", runs=",".join(ids))
    cited = found["bibtex"].decode()
    assert cited.startswith("@software{") and f"glyphlab-{model.id}" in cited
    assert runs[0].id not in cited, "it kept no model"
    assert "<h1>Comparison of " in found["html-report"].decode()
    return found


def of_models(lab: Lab) -> dict[str, bytes]:
    run = add_run(lab)
    found = made("models", model=run.id)
    meta = lab.model_meta(run.id)
    weights = (lab.model_folder(run.id) / meta["weights"]).read_bytes()
    assert found[f"weights-{run.id}"] == weights
    assert {"model.onnx", "README.md"} <= {Path(one).name for one in names(found[f"onnx-{run.id}"])}
    return found


def of_data(lab: Lab) -> dict[str, bytes]:
    found = made("data", data="digits")
    pictures = [one for one in names(found["take-away-zip-digits"]) if one.endswith(".png")]
    assert len(pictures) == 1797
    return found


def of_selection(lab: Lab) -> dict[str, bytes]:
    run = add_run(lab)
    space = lab.spaces.embed(run.id, "digits", "test")
    lab.spaces.map(space, Options("pca"))
    query = {"model": run.id, "data": "digits", "part": "test", "method": "pca"}
    found = made("embeddings", selection=space.keep_selection(np.arange(25)), **query)
    (table,) = (file for key, file in found.items() if key.endswith("-csv"))
    (pictures,) = (file for key, file in found.items() if key.endswith("-zip"))
    assert len(rows(table)) == 25
    assert len([one for one in names(pictures) if one.endswith(".png")]) == 25
    return found


def of_cleaned(lab: Lab) -> dict[str, bytes]:
    found = diagnosed(lab, "rare", 0.03)
    files = made("noise", data="noisy", section="cleaned")
    kept = rows(files["clean-csv"])
    assert 0 < len(kept) <= found.n and set(kept[0]) == {"file", "index", "given", "label", "how"}
    pictures = [one for one in names(files["clean-zip"]) if one.endswith(".png")]
    assert len(pictures) == len([row for row in kept if row["label"]])
    suspects = rows(files["suspects-csv"])
    assert len(suspects) == found.n and "suspicion" in suspects[0]
    assert names(files["take-away-zip-noisy"])
    return files


PARTS = {
    of_compare: {"bibtex", "html-report"},
    of_models: {"weights-", "onnx-"},
    of_data: {"take-away-zip-"},
    of_selection: {"-csv", "-zip"},
    of_cleaned: {"clean-csv", "clean-zip", "suspects-csv"},
}


def key_of(call: ast.Call) -> str:
    """The key of a button, of which names are left out: 'weights-' of f"weights-{name}"."""
    (key,) = (word.value for word in call.keywords if word.arg == "key")
    parts = key.values if isinstance(key, ast.JoinedStr) else [key]
    return "".join(str(one.value) for one in parts if isinstance(one, ast.Constant))


def buttons() -> set[str]:
    """The keys of all download buttons of the lab whose data is a function."""
    found = set()
    for path in [*ROOT.glob("pages/*.py"), *ROOT.glob("app/**/*.py")]:
        nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        functions = {node.name for node in nodes if isinstance(node, ast.FunctionDef)}
        for node in nodes:
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("download_button"):
                (data,) = node.args[1:2] or [
                    word.value for word in node.keywords if word.arg == "data"
                ]
                named = isinstance(data, ast.Name) and data.id in functions
                if named or isinstance(data, ast.Lambda | ast.Attribute):
                    found.add(key_of(node))
    return found


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_every_button_hands_out_its_file(lab, part):
    found = part(lab)
    assert all(found.values()), "no file is empty"
    for key in PARTS[part]:
        assert any(key in one for one in found)


def test_every_file_that_is_made_when_asked_for_is_made_by_a_test():
    assert buttons() == set().union(*PARTS.values())
