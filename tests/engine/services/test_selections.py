"""The order in which the images of a selection are looked at: by how suspect their labels of now are."""

from __future__ import annotations

import numpy as np
import pytest
from noisy_labels import diagnosed, left_undecided
from weblab import open_page, texts, thumbnails

from engine.embedding.projection import Options
from engine.lab import Lab
from engine.noise.label_quality import label_quality
from engine.services.point_layers import layers
from engine.services.selections import Suspects, as_now, by_suspicion

MODEL = "canvas-digits"


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.found = diagnosed(lab, "rare", 0.05)
    lab.space = lab.spaces.embed(MODEL, "noisy", "all")
    return lab


@pytest.fixture
def lab(made):
    yield made
    while made.labels.undo("noisy", who="ann") is not None:  # whoever decided
        pass


def ordered(lab: Lab, places: np.ndarray, data: str = "noisy") -> Suspects:
    now = as_now(lab.space, lab.labels.current(data))
    return by_suspicion(lab.noise, lab.space, places, now)


def quality_of(lab: Lab, names: list[str]) -> list[float]:
    places = np.array([lab.space.place_of(name) for name in names])
    found = ordered(lab, places)
    return [float(found.quality[found.places == place][0]) for place in places]


def test_suspicion_follows_a_label_that_a_person_changed(lab):
    order, arrays = lab.found.arrays["order"], lab.found.arrays
    worst, best = (lab.found.file(int(order[at])) for at in (0, -1))
    before = quality_of(lab, [worst, best])
    assert before[0] < 0.01 and before[1] > 0.9
    everything = np.arange(len(lab.space))
    assert ordered(lab, everything).places[0] == lab.space.place_of(worst)

    likely = lab.found.classes[arrays["likely"][order[0]]]
    right = lab.found.classes[arrays["given"][order[-1]]]
    wrong = next(name for name in lab.found.classes if name not in (likely, right))
    lab.labels.relabel("noisy", [worst, best], [likely, wrong], who="ann")
    after = quality_of(lab, [worst, best])
    assert after[0] == pytest.approx(float(arrays["confidence"][order[0]])) and after[0] > 0.9
    assert after[1] < 0.01
    found = ordered(lab, everything)
    assert lab.space.place_of(best) in found.places[:3]
    assert lab.space.place_of(worst) not in found.places[: int((found.quality < 0.5).sum())]
    assert found.likely[list(found.places).index(lab.space.place_of(best))] == right

    lab.labels.undo("noisy", who="ann")
    assert quality_of(lab, [worst, best]) == before


def test_the_map_is_coloured_by_the_quality_of_the_labels_of_now(lab):
    order, arrays = lab.found.arrays["order"], lab.found.arrays
    worst, other, best = (lab.found.file(int(order[at])) for at in (0, 1, -1))
    places = [lab.space.place_of(name) for name in (worst, other, best)]
    before = layers(lab.spaces, lab.noise, lab.space)["quality"]
    assert before.title == "Label quality" and before.codes[places[0]] < 5 < before.codes[places[2]]
    likely = lab.found.classes[arrays["likely"][order[0]]]
    lab.labels.relabel("noisy", [worst], [likely], who="ann")
    lab.labels.mark("noisy", "exclude", [other], who="ann")
    after = layers(lab.spaces, lab.noise, lab.space)["quality"]
    assert after.title == "Label quality (2 changed by hand; 1 where unknown)"
    assert (
        after.codes[places[0]] > 200 and after.codes[places[1]] == 255
    )  # of no label nothing is wrong
    untouched = np.setdiff1d(np.arange(len(lab.space)), places)
    np.testing.assert_allclose(after.codes[untouched], before.codes[untouched], atol=2)
    while lab.labels.undo("noisy", who="ann") is not None:
        pass
    assert layers(lab.spaces, lab.noise, lab.space)["quality"].title == "Label quality"


def test_any_other_class_has_the_posterior_of_the_prediction_and_the_given_label(lab):
    found, arrays = lab.found, lab.found.arrays
    matrix = np.asarray(found.document["transition"])
    for position in range(0, found.n, 37):
        given, likely = int(arrays["given"][position]), int(arrays["likely"][position])
        joint = [
            float(np.exp(np.float64(arrays["log_p"][position][true]))) * matrix[true, given]
            for true in range(10)
        ]
        for label, name in enumerate(found.classes):
            if label not in (given, likely):
                (got,) = label_quality(found, np.array([position]), [name])
                assert got == pytest.approx(joint[label] / sum(joint), rel=1e-3, abs=1e-9)
        assert (
            label_quality(found, np.array([position]), [found.classes[given]])[0]
            == (arrays["score"][position])
        )


def test_where_suspicion_is_not_known_it_is_no_number_and_such_images_come_last(lab):
    names = [lab.found.file(int(place)) for place in lab.found.arrays["order"][:4]]
    lab.labels.mark("noisy", "exclude", names[:1], who="ann")
    lab.labels.relabel("noisy", names[1:2], "star", who="ann", new_class=True)
    quality = quality_of(lab, names)
    assert np.isnan(quality[:2]).all() and max(quality[2:]) < 0.5
    found = ordered(lab, np.array([lab.space.place_of(name) for name in names]))
    assert {lab.space.place_of(name) for name in names[:2]} == {*found.places[2:].tolist()}


def test_the_page_says_of_which_images_it_does_not_know(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    names = [lab.found.file(int(place)) for place in lab.found.arrays["order"][:3]]
    chosen = np.array([lab.space.place_of(name) for name in names])
    lab.spaces.map(lab.space, Options("pca"))
    address = {"model": MODEL, "data": "noisy", "part": "all", "method": "pca"}
    address["selection"] = lab.space.keep_selection(chosen)
    assert "suspicion not known" not in texts(open_page("embeddings", **address))
    lab.labels.relabel("noisy", names[:1], "star", who="ann", new_class=True)
    page = open_page("embeddings", **address)
    assert "? suspicion not known: no label, or one that the diagnosis can't judge" in texts(page)
    captions = [item["caption"] for item in thumbnails(page, "gallery")]
    assert [caption.endswith(" ?") for caption in captions] == [False, False, True]
    assert captions[2].startswith("•star")
    options = page.get("button_group")[-1].proto.options
    assert [option.content for option in options] == ["All 3", "Suspect 2", "The first …"]


def test_whoever_has_mended_all_suspects_goes_on_with_none_and_not_with_all(lab, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(lab.home))
    order = lab.found.arrays["order"]
    names = [lab.found.file(int(place)) for place in (*order[:2], order[-1])]
    chosen = np.array([lab.space.place_of(name) for name in names])
    lab.spaces.map(lab.space, Options("pca"))
    address = {"model": MODEL, "data": "noisy", "part": "all", "method": "pca"}
    page = open_page("embeddings", **address, selection=lab.space.keep_selection(chosen))
    page.button_group(key="gallery-which").set_value("suspect").run()
    assert page.button(key="gallery-relabel").label == "Relabel 2 images"
    page.button(key="gallery-likely").click().run()
    assert set(lab.labels.current("noisy")) == {*names[:2]}
    assert page.button(key="gallery-relabel").label == "Relabel 0 images"
    assert "No suspect is left among these images." in texts(page)
    for key in ("relabel", "likely", "exclude", "review", "add-tag"):
        assert page.button(key=f"gallery-{key}").disabled
    page.button(key="gallery-undo").click().run()
    assert page.button(key="gallery-relabel").label == "Relabel 2 images"


def test_a_label_that_the_diagnosis_left_open_is_not_judged(tmp_path):
    lab = Lab(tmp_path)
    found, first = left_undecided(lab)
    for label in (found.classes[int(found.arrays["given"][first])], "0", "1"):
        assert np.isnan(label_quality(found, np.array([first]), [label])).all()


def test_without_a_diagnosis_the_model_judges_the_label_of_now(lab, tmp_path):
    plain = Lab(tmp_path)
    plain.space = plain.spaces.embed(MODEL, "digits", "test")
    space, place = plain.space, int(np.flatnonzero(~plain.space.wrong)[0])
    sure = float(space.confidence[place])
    name = str(space.images.files[int(space.index[place])])

    def quality() -> float:
        return float(ordered(plain, np.array([place]), "digits").quality[0])

    assert quality() == pytest.approx(0.5 + sure / 2)
    other = next(one for one in space.classes if one != space.classes[space.labels[place]])
    plain.labels.relabel("digits", [name], other, who="ann")
    assert quality() == pytest.approx(1 - sure)
    plain.labels.mark("digits", "exclude", [name], who="ann")
    assert np.isnan(quality())
