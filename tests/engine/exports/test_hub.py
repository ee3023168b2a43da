"""The Hub, by a stand-in that speaks its HTTP API: what is pushed and pulled is equal to the bit, and
what a stranger put there is checked.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hub_stand_in import TOKEN, Hub, hub_stand_in
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
    assert text == "model someone--quick is gone" and not folder.exists()


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


def put(hub: Hub, lab: Lab, **changes) -> dict[str, bytes]:
    """A model in the Hub, with changes to its checkpoint.json, or to its files by name."""
    files = contents(model_run(lab).best)
    meta = json.loads(files["checkpoint.json"])
    meta |= {key: value for key, value in changes.items() if key in meta}
    files["checkpoint.json"] = json.dumps(meta).encode()
    hub.repositories[MODEL] = files
    return files


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
    files = put(hub, lab)
    files[next(name for name in files if name.endswith(".safetensors"))] = b"no tensors"
    with pytest.raises(CheckpointError, match="safetensors"):
        lab.exports.pull_model("someone/quick")
    files["checkpoint.json"] = b"[" * 100_000
    with pytest.raises(CheckpointError, match="checkpoint.json"):
        lab.exports.pull_model("someone/quick")
    del files["checkpoint.json"]
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
    with pytest.raises(GlyphlabError, match="is not there, or not for you"):
        lab.exports.pull_model("hf://someone/nothing")
    for address in ("quick", "hf://a/b/c", "hf://../b", "http://x/y"):
        with pytest.raises(GlyphlabError, match="expected hf://owner/name"):
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
