"""The Hub, by a stand-in that speaks its HTTP API: what is pushed and pulled is equal to the bit, and
what a stranger put there is checked.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hub_stand_in import TOKEN, Hub, hub_stand_in
from pictures import files, png, small_page
from trained import model_run

from engine.cli import load, parser_of
from engine.errors import CheckpointError, GlyphlabError
from engine.lab import Lab
from engine.progress import no_progress

MODEL = ("models", "someone/quick")


@pytest.fixture
def hub(monkeypatch) -> Iterator[Hub]:
    with hub_stand_in() as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        yield running


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def zipped(content: Mapping[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, raw in content.items():
            archive.writestr(name, raw)
    return out.getvalue()


def call(lab: Lab, command: str, *arguments: str):
    module = load(command)
    document = module.run(lab, parser_of(command).parse_args(arguments), no_progress)
    return document, module.show(document)


def test_a_model_goes_to_the_hub_and_comes_into_another_lab_as_it_was(hub, tmp_path):
    lab, other = Lab(tmp_path / "one"), Lab(tmp_path / "other")
    run = model_run(lab)
    document, text = call(lab, "push", run.id, "someone/quick")
    assert document["url"] == f"{hub.url}/someone/quick" and document["url"] in text
    pushed = hub.repositories[MODEL]
    own = contents(run.best)
    assert {name: pushed[name] for name in own} == own
    assert set(pushed) - set(own) == {
        f"onnx/{name}" for name in ("model.onnx", "classes.json", "README.md", "example.py")
    }
    document, text = call(other, "pull", "hf://someone/quick")
    assert document["name"] == "someone--quick" and "predict someone--quick" in text
    folder = other.model_folder("someone--quick")
    assert contents(folder) == own
    package = other.exports.package("someone--quick", tmp_path / "package")
    assert {f"onnx/{name}": content for name, content in contents(package).items()} == {
        name: content for name, content in pushed.items() if name.startswith("onnx/")
    }
    (model,) = [model for model in other.models() if model.where == "hub"]
    assert (model.name, model.network) == ("someone--quick", "convnet")
    document, text = call(other, "delete", "someone--quick")
    assert "model someone--quick is in the trash" in text and not folder.exists()


def test_a_data_set_goes_to_the_hub_as_parquet_with_its_card(hub, tmp_path):
    lab = Lab(tmp_path)
    document, _ = call(lab, "push", "digits", "someone/digits", "--data", "--private")
    assert document["url"] == f"{hub.url}/datasets/someone/digits"
    pushed = hub.repositories["datasets", "someone/digits"]
    assert set(pushed) == {
        "README.md",
        "croissant.json",
        "data/test.parquet",
        "data/train.parquet",
    }
    assert b"split: train" in pushed["README.md"]


def test_a_data_set_of_the_hub_is_fetched_once_and_read_by_its_address(hub, tmp_path):
    lab, other = Lab(tmp_path / "one"), Lab(tmp_path / "other")
    call(lab, "push", "digits", "someone/digits", "--data")
    document, text = call(other, "datasets", "--fetch", "hf://someone/digits")
    assert document["name"] == "someone--digits" and "someone--digits is in" in text
    hub.requests.clear()
    there, here = other.dataset("hf://someone/digits"), lab.dataset("digits")
    assert np.array_equal(there.counts(), here.counts()) and there.classes == here.classes
    assert len(there.splits["test"]) == len(here.splits["test"]) and not hub.requests
    assert other.data.contents("hf://someone/digits").report.form == "Parquet or Arrow tables"
    (known,) = [info for info in other.datasets() if info.uploaded]
    assert (known.name, known.images) == ("someone--digits", 1797)
    call(other, "datasets", "--fetch", "hf://someone/digits")  # takes the place of the earlier one
    assert [info.name for info in other.datasets() if info.uploaded] == ["someone--digits"]
    other.data.remove_upload("someone--digits")
    assert not list((other.home / "uploads").glob("*/*"))
    assert len(other.dataset("hf://someone/digits")) == 1797  # a recipe's data set, fetched again


def test_which_files_of_a_repository_are_the_data(hub, tmp_path):
    lab = Lab(tmp_path)
    card = "---\nconfigs:\n" + "".join(
        f"- config_name: {name}\n  data_files:\n  - split: train\n    path: {name}/*\n"
        for name in ("small", "large")
    )
    content = {f"{name}/{c}.png": png(small_page(c)) for name in ("small", "large") for c in "24"}
    table = b"file,label\nsmall/2.png,x\nsmall/4.png,y\n"
    repository = content | {"README.md": card.encode() + b"---\n", "small/labels.csv": table}
    hub.repositories["datasets", "a/b"] = repository
    with pytest.raises(GlyphlabError, match="several data sets: small, large.*hf://a/b#small"):
        lab.data.imports.fetch("hf://a/b")
    taken = lab.data.imports.fetch("hf://a/b#small")
    assert (taken.name, taken.classes, taken.images) == ("a--b--small", ("x", "y"), 2)
    hub.repositories["datasets", "a/c"] = {"set.zip": zipped(files("p", "q")), "code.py": b"x"}
    assert lab.data.imports.fetch("hf://a/c").path.name == "a--c.zip"
    for content, words in (
        ({"code.py": b"x"}, "holds no images that can be read: code.py. Needed: Parquet"),
        ({"a.zip": b"x", "b.zip": b"x"}, "Fetch the archives one by one"),
        ({"train.parquet": b"PAR1 and no more"}, "train.parquet can't be read"),
        ({"../x.parquet": b"PAR1"}, "outside itself"),
    ):
        hub.repositories["datasets", "a/d"] = content
        with pytest.raises(GlyphlabError, match=words):
            lab.data.imports.fetch("hf://a/d")
    with pytest.raises(GlyphlabError, match="is too large: .*Allowed: at most 0 bytes"):
        lab.data.imports.fetch("hf://a/c", most_mb=0)
    kept = {path.name for path in (lab.home / "uploads").iterdir() if path.name != ".lock"}
    assert kept == {"a--b--small", "a--b--small.json", "a--c.zip", "a--c.json"}
    closed = Lab(lab.home, replace(lab.settings, offline=True))
    for act in (closed.data.imports.fetch, closed.dataset):
        with pytest.raises(GlyphlabError, match="hf://a/x.*(carry the files|carry its files)"):
            act("hf://a/x")
    with pytest.raises(GlyphlabError, match="can't be fetched now"):
        Lab(lab.home, replace(lab.settings, names_only=True)).dataset("hf://a/x")


def put(hub: Hub, lab: Lab, **changes) -> dict[str, bytes]:
    """A model in the Hub, with changes to its checkpoint.json, or to its files by name."""
    own = contents(model_run(lab).best)
    meta = json.loads(own["checkpoint.json"])
    meta |= {key: value for key, value in changes.items() if key in meta}
    own["checkpoint.json"] = json.dumps(meta).encode()
    hub.repositories[MODEL] = own
    return own


def test_what_a_stranger_put_there_is_checked_and_nothing_of_it_is_kept(hub, tmp_path):
    lab = Lab(tmp_path / "lab")
    changes = (
        ({"weights": "../../evil"}, "names no weights"),
        ({"classes": ["a", "b"]}, "another model's"),
        ({"size": 10**9}, "size"),
    )
    for change, why in changes:
        put(hub, lab, **change)
        with pytest.raises(CheckpointError, match=why):
            lab.exports.pull_model("hf://someone/quick")
    kept = put(hub, lab)
    kept[next(name for name in kept if name.endswith(".safetensors"))] = b"no tensors"
    with pytest.raises(CheckpointError, match="safetensors"):
        lab.exports.pull_model("someone/quick")
    kept["checkpoint.json"] = b"[" * 100_000
    with pytest.raises(CheckpointError, match="checkpoint.json"):
        lab.exports.pull_model("someone/quick")
    del kept["checkpoint.json"]
    with pytest.raises(GlyphlabError, match="is no model of Glyphlab"):
        lab.exports.pull_model("someone/quick")
    put(hub, lab)
    small = Lab(tmp_path / "small", type(lab.settings)(**{**vars(lab.settings), "upload_mb": 0}))
    with pytest.raises(GlyphlabError, match="too large"):
        small.exports.pull_model("someone/quick")
    for home in (lab.home, small.home):
        assert not list((home / "models").iterdir())


def test_what_can_not_be_reached_or_is_not_allowed_is_one_sentence(hub, tmp_path, monkeypatch):
    lab = Lab(tmp_path / "lab")
    model = model_run(lab).id
    with pytest.raises(GlyphlabError, match="does not exist, or you have no access"):
        lab.exports.pull_model("hf://someone/nothing")
    for address in ("quick", "hf://a/b/c", "hf://../b", "http://x/y"):
        with pytest.raises(GlyphlabError, match="Needed: hf://owner/name"):
            lab.exports.pull_model(address)
    offline = Lab(lab.home, type(lab.settings)(**{**vars(lab.settings), "offline": True}))
    for act in (
        lambda: offline.exports.pull_model("someone/quick"),
        lambda: offline.exports.push_model(model, "someone/quick"),
        lambda: offline.exports.push_dataset("digits", "someone/digits"),
    ):
        with pytest.raises(GlyphlabError, match="the lab is offline.*GLYPHLAB_OFFLINE=0"):
            act()
    monkeypatch.setenv("HF_TOKEN", "hf_another")
    with pytest.raises(GlyphlabError, match="hf auth login"):
        lab.exports.push_dataset("digits", "someone/digits")
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(GlyphlabError, match="http://127.0.0.1:9 can't be reached"):
        lab.exports.pull_model("someone/quick")
