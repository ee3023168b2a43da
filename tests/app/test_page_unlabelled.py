"""A data set in which no image has a label, on the pages that show its embedding, without a browser."""

from __future__ import annotations

import argparse

import numpy as np
import pytest
from scans import add_scans
from weblab import add_run, open_page, texts, thumbnails

from engine.cli import neighbours
from engine.data.choices import Choices
from engine.embedding.projection import Options
from engine.errors import DataError
from engine.imaging.images import as_picture
from engine.lab import Lab
from engine.progress import no_progress

NO_VOTE = "no neighbour has a label"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.models_of = [add_run(lab).id, add_run(lab, name="other").id]
    for data, choices in (("bare", Choices(unlabelled=True)), ("some", Choices())):
        lab.truth = add_scans(lab, data, choices)
        for model in lab.models_of:
            lab.spaces.map(lab.spaces.embed(model, data, "all"), Options("pca"))
    return lab


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def there(lab: Lab, data: str, **more: str) -> dict[str, str]:
    first, _ = lab.models_of
    return {"model": first, "data": data, "part": "all", "method": "pca", **more}


def test_the_card_of_an_image_shows_its_neighbours_and_copies(lab):
    name = next(iter(lab.truth))
    page = open_page("sample", data="bare", sample=name)
    words = texts(page)
    assert "### No label yet" in words and "given without a label" in words
    near = thumbnails(page, "card-neighbours")
    assert len(near) == 13 and all(item["caption"].startswith("no label · ") for item in near)
    assert (
        "The 13 nearest by" in words
        and "No other image of the data set is found to be the same" in words
    )
    assert page.get("page_link") or "at=" in words, "the way to the map"
    assert "do the same" not in words, "there is no class, and so no key of one"


@pytest.mark.parametrize("view", ["map", "pair"])
def test_a_point_of_the_map_is_picked(lab, view):
    first, second = lab.models_of
    space = lab.spaces.find(first, "bare", "all")
    asked = there(lab, "bare", at=str(int(space.index[7])))
    if view == "pair":
        asked |= {"view": "pair", "other": second}
    words = texts(open_page("embeddings", **asked))
    sides = 1 if view == "map" else 2
    assert words.count(NO_VOTE) == sides and "**no label**" in words
    many = {**asked, "at": "", "selection": space.keep_selection(np.arange(9))}
    assert "**9 images selected**, none of them with a label." in texts(
        open_page("embeddings", **many)
    )


def test_a_label_that_was_given_votes_where_the_data_set_came_without_any(lab):
    first, _ = lab.models_of
    space = lab.spaces.find(first, "bare", "all")
    near = space.near(7, 1)
    name = str(space.images.files[int(space.index[int(near.index[0])])])
    lab.labels.relabel("bare", [name], "4", who="ann", new_class=True)
    words = texts(open_page("embeddings", **there(lab, "bare", at=str(int(space.index[7])))))
    card = texts(open_page("sample", data="bare", sample=name))
    lab.labels.undo("bare", who="ann")
    assert "Key 4 does the same." in card
    assert "nearest vote for **4** (1 for 4)" in words


def test_where_no_neighbour_has_a_label_nothing_is_voted_for(lab):
    """Also where images elsewhere in the data set have one."""
    first, _ = lab.models_of
    space = lab.spaces.find(first, "some", "all")
    for place in np.flatnonzero(space.labels < 0):
        near = space.near(int(place), 3)
        if (space.labels[near.index] < 0).all():
            assert near.vote.label.tolist() == [-1] and not near.vote.share.any()


def test_a_picture_of_ones_own_is_voted_on_by_nobody(lab, tmp_path):
    digits = lab.dataset("digits")
    file = tmp_path / "own.png"
    as_picture(digits.images[0]).save(file)
    parser = argparse.ArgumentParser()
    neighbours.arguments(parser)
    wanted = ["--data", "bare", "--part", "all", lab.models_of[0], str(file)]
    found = neighbours.run(lab, parser.parse_args(wanted), no_progress)
    assert found["vote"] is None and not found["votes"] and len(found["neighbours"]) == 13
    assert {one["label"] for one in found["neighbours"]} == {None}
    assert "vote: none, no neighbour has a label" in neighbours.show(found)
    page = open_page("embeddings", **there(lab, "bare"))
    page.file_uploader(key="picture").upload("own.png", file.read_bytes(), "image/png").run()
    assert not page.exception and NO_VOTE in texts(page)


def test_a_model_is_scored_on_no_image_without_a_label(lab):
    with pytest.raises(DataError, match="no image of bare has a label.*page Label"):
        lab.evaluate(lab.models_of[0], "bare")
    assert lab.evaluate(lab.models_of[0], "some")["n"] == 6
