"""Diagnoses on disk, cleaned labels and the command line, on real digits with injected noise."""

import csv
import io
import json
import zipfile

import numpy as np
import pytest
import torch
from noisy_labels import corrupted, diagnosed, left_undecided, result_of

from engine.cli import main, parser_of
from engine.cli import noise as command
from engine.errors import DataError, RunError
from engine.files.atomic import plain
from engine.lab import Lab
from engine.models.catalog import build_model
from engine.models.checkpoint import save_checkpoint
from engine.noise.cleaned_labels import clean, default_name, table
from engine.noise.explanation import explain_label, label_neighbours, not_decided, write_suspects
from engine.noise.storage import load_diagnosis, make_document, save_diagnosis
from engine.progress import no_progress
from engine.runs.run import create_run
from engine.services import recovered_models
from engine.services.cleaned_datasets import publish, write_zip


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def truth(found) -> np.ndarray:
    return np.array([int(found.file(i)[-5]) for i in range(found.document["n"])])


def test_a_diagnosis_is_found_again_until_the_labels_change(lab):
    found = diagnosed(lab)
    assert lab.noise.find("noisy").key == found.key
    assert lab.noise.diagnose("noisy").key == found.key  # and not computed again
    assert [info.regime for info in lab.noise.list()] == ["complementary"]
    (lab.home / "uploads" / "noisy.zip").unlink()
    corrupted(lab, "symmetric", 0.5)
    assert Lab(lab.home).noise.find("noisy") is None


def test_the_csv_has_a_row_an_image_with_the_accidentally_correct_labels_first(lab):
    found = diagnosed(lab, "complementary", 0.96)
    table = io.StringIO()
    write_suspects(found, table)
    rows = list(csv.DictReader(io.StringIO(table.getvalue())))
    assert list(rows[0]) == ["file", "index", "given", "likely", "suspicion"] and len(rows) == 400
    right = sum(row["given"] == row["file"][-5] for row in rows)
    assert 8 <= right <= 25
    assert sum(row["given"] == row["file"][-5] for row in rows[:right]) >= 0.7 * right
    assert sorted(int(row["index"]) for row in rows) == list(range(400))
    assert float(rows[0]["suspicion"]) < float(rows[-1]["suspicion"])
    assert np.mean([row["likely"] == row["file"][-5] for row in rows]) > 0.95


def test_wrong_labels_come_first_where_most_are_right(lab):
    found = diagnosed(lab, "rare", 0.03)
    rows = found.rows()
    assert found.document["regime"] == "few errors"
    assert rows[0]["suspicion"] > 0.5 > rows[-1]["suspicion"]
    assert sum(row["given"] != row["file"][-5] for row in rows[:12]) >= 9


def test_the_neighbours_of_a_suspect_have_its_likely_class_or_its_given_label(lab):
    found = diagnosed(lab, "rare", 0.03)
    place = int(found.arrays["order"][0])
    near = label_neighbours(found, place)
    likely, given = found.arrays["likely"], int(found.arrays["given"][place])
    assert place not in near.likely[0]
    assert (likely[near.likely[0]] == likely[place]).all() and (
        likely[near.given[0]] == given
    ).all()
    assert near.likely[1][0] > near.given[1][0]
    assert near.votes_likely > near.votes_given and near.count == 13
    assert f"the given {found.classes[given]}" in explain_label(found, place, near)


def test_what_an_undecided_diagnosis_leaves_open_is_not_given_as_the_likely_class(lab):
    found, first = left_undecided(lab)
    out = io.StringIO()
    write_suspects(found, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert rows[0]["file"] == found.file(first)
    assert (rows[0]["likely"], rows[0]["suspicion"]) == ("not decided", "")
    assert [row["likely"] for row in rows].count("not decided") == not_decided(found).sum()
    near, top = label_neighbours(found, first), int(found.arrays["log_p"][first].argmax())
    words = explain_label(found, first, near)
    given = found.classes[found.arrays["given"][first]]
    assert near.label == top and f"predicts {found.classes[top]}" in words
    assert f"the given {given} with" in words and "at most to" not in words
    assert "is not decided" in words and "(100%)" not in words and "0.0" not in words


def test_which_of_two_ambiguous_classes_is_right_is_not_decided(lab):
    found = diagnosed(lab, "rare", 0.03)
    given, likely = found.arrays["given"], found.arrays["likely"]
    place = int(np.flatnonzero(likely == given)[0])
    own, other = int(given[place]), (int(given[place]) + 1) % 10
    log_p = found.arrays["log_p"]
    log_p[place] = np.log(1e-4)
    log_p[place, [own, other]] = np.log([0.05, 0.95])
    assert not not_decided(found).any()
    names = [found.classes[other], found.classes[own]]  # found from one side
    pair = {"class": names[0], "other": names[1], "share": 0.2}
    found.document["ambiguous"].append(pair)
    assert list(np.flatnonzero(not_decided(found))) == [place]
    words = explain_label(found, place, label_neighbours(found, place))
    assert f"predicts {names[0]} (95%)" in words and "is not decided" in words
    log_p[place, [own, other]] = np.log([0.6, 0.4])
    assert not not_decided(found).any(), "the network predicts the label"


def test_a_label_that_is_believed_against_the_network_says_why(lab):
    found = diagnosed(lab, "rare", 0.03)
    place = int(found.arrays["order"][-1])
    given = int(found.arrays["given"][place])
    other = (given + 1) % 10
    near = label_neighbours(found, place)
    assert "carries the label" not in explain_label(found, place, near)
    found.arrays["log_p"][place] = np.log(1e-4)
    found.arrays["log_p"][place, [given, other]] = np.log([0.07, 0.93])
    words = explain_label(found, place, near)
    assert f"predicts {found.classes[other]} (93%)" in words
    assert (
        f"by T hardly any {found.classes[other]} carries the label {found.classes[given]}" in words
    )
    found.arrays["score"][place] = 0.4  # likelier wrong
    assert "carries the label" not in explain_label(found, place, near)


def test_what_no_class_is_likely_for_is_said_in_a_whole_sentence(lab):
    found = diagnosed(lab, "rare", 0.03)
    place = int(found.arrays["order"][-1])
    given = int(found.arrays["given"][place])
    found.arrays["log_p"][place] = np.log(0.6 / 9)
    found.arrays["log_p"][place, given] = np.log(0.4)
    words = explain_label(found, place, label_neighbours(found, place))
    assert f"gives the highest probability to {found.classes[given]} (40%); 13 of" in words


def test_reviewed_labels_come_first_and_the_rest_follows_the_choice(lab):
    found = diagnosed(lab, "complementary", 0.98)
    review = lab.noise.review(found)
    review.decide(5, 7)
    decisions = review.decisions()
    kept = clean(found, decisions, "given")
    assert (
        kept.labels[5] == 7
        and kept.how[5] == "reviewed"
        and (np.delete(kept.labels, 5) == np.delete(found.arrays["given"], 5)).all()
    )
    alone = clean(found, decisions, "none")
    assert alone.kept == 1
    likely = clean(found, decisions, "likely", confidence=0.95)
    taken = likely.how == "likely"
    assert (found.arrays["confidence"][taken] >= 0.95).all() and (
        likely.labels[taken] == truth(found)[taken]
    ).mean() > 0.99
    with pytest.raises(DataError, match="Allowed: one of given, likely, none"):
        clean(found, decisions, "guess")


def test_cleaned_labels_become_a_data_set_that_reads_back_the_same(lab):
    found = diagnosed(lab, "complementary", 0.98)
    cleaned = clean(found, {}, "likely")
    name = publish(lab.store, found, cleaned, default_name(found))
    assert name == "noisy-cleaned" and name in [data.name for data in lab.datasets()]
    data = lab.dataset(name)
    assert len(data) == cleaned.kept
    assert (
        np.mean(
            [
                data.classes[label] == file[-5]
                for label, file in zip(data.labels, data.files, strict=True)
            ]
        )
        > 0.98
    )
    by_name = {file.split("/")[-1]: i for i, file in enumerate(data.files)}
    first = int(np.flatnonzero(cleaned.labels >= 0)[0])
    own = next(i for key, i in by_name.items() if key.endswith(found.file(first).split("/")[-1]))
    assert (data.images[own] == found.images([first])[0]).all()  # the pictures are the originals
    assert (
        publish(lab.store, found, cleaned, default_name(found)) != name
    )  # a name that is taken is not overwritten
    with pytest.raises(DataError, match="too little is left"):
        publish(lab.store, found, clean(found, {}, "none"), "nothing")


def test_the_zip_keeps_test_images_apart_and_brings_a_table(lab):
    data = lab.noise.data("digits")
    data = data.with_splits({"train": np.arange(0, 1500), "test": np.arange(1500, len(data))})
    labels = np.asarray(data.labels)
    result = result_of(labels, labels, 10)
    folder = lab.noise.home / "0123456789abcdef"
    save_diagnosis(folder, make_document(data, "all", "full", result, 1.0), result)
    found = load_diagnosis(folder, data)
    cleaned = clean(found, {}, "given")
    out = io.BytesIO()
    write_zip(lab.store, found, cleaned, out)
    names = zipfile.ZipFile(out).namelist()
    assert (
        sum(name.startswith("train/") for name in names) == 1500
        and sum(name.startswith("test/") for name in names) == len(data) - 1500
    )
    assert len(table(found, cleaned).splitlines()) == len(data) + 1 and "labels.csv" in names


def test_a_cleaned_data_set_is_read_back_without_a_warning_by_its_own_table(lab):
    found = diagnosed(lab, "rare", 0.03)
    review = lab.noise.review(found)
    review.decide(5, (int(found.arrays["given"][5]) + 1) % 10)
    cleaned = clean(found, review.decisions(), "given")
    name = publish(lab.store, found, cleaned, "mine")
    assert lab.data.contents(name).report.warnings == ()
    data = lab.dataset(name)
    with zipfile.ZipFile(lab.home / "uploads" / f"{name}.zip") as archive:
        text = archive.read("labels.csv").decode("utf-8-sig")
    rows = {row["file"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == set(data.files) and len(data) == cleaned.kept
    places = {found.file(i): i for i in range(len(found.data))}
    for file, label in zip(data.files, data.labels, strict=True):
        at = places[rows[file]["original"]]
        assert data.classes[label] == found.classes[cleaned.labels[at]] == rows[file]["label"]


def test_a_saved_model_takes_part_only_if_it_was_trained_on_these_very_labels(lab):
    name, _ = corrupted(lab, "complementary", 1.0)
    data = lab.noise.data(name)
    network = build_model("convnet", {"width": 4}, 1, 10, 28)

    def saved(fingerprint: str, **changes) -> str:
        recipe = lab.recipe(
            "quick",
            {"data.name": name, "loss": "forward", "model.options": {"width": 4}, **changes},
        )
        run = create_run(lab.home, recipe)
        extra = {"fingerprint": fingerprint}
        save_checkpoint(
            run.best,
            network.state_dict(),
            recipe,
            data.classes,
            {},
            style=data.style,
            input_size=28,
            extra=extra,
        )
        run.end("finished")
        return run.id

    learned = saved(data.fingerprint, method="recovered")
    saved("another", method="recovered")
    saved(data.fingerprint, method="recovered", init_from="mnist-best")
    saved(data.fingerprint)
    damaged = lab.model_folder(saved(data.fingerprint, method="recovered"))
    weights = next(damaged.glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:1000])
    saved_models = recovered_models.saved_models(lab.store, data)
    assert list(saved_models) == [learned]
    log_p = saved_models[learned](torch.from_numpy(np.array(data.images[[3, 5, 8]])).float())
    assert log_p.shape == (3, 10)
    np.testing.assert_allclose(log_p.exp().sum(1), 1, atol=1e-3)


def test_a_diagnosis_can_be_deleted(lab):
    found = diagnosed(lab)
    lab.noise.delete(found.key)
    assert lab.noise.list() == [] and lab.noise.find("noisy") is None
    with pytest.raises(RunError, match="there is no diagnosis"):
        lab.noise.delete("../noisy")


def test_the_command_has_one_document_and_writes_the_csv(lab, tmp_path):
    diagnosed(lab, "complementary", 0.98)
    args = parser_of("noise").parse_args(["noisy", "--csv", str(tmp_path / "out.csv")])
    document = json.loads(json.dumps(plain(command.run(lab, args, no_progress))))
    assert (
        document["regime"] == "complementary"
        and document["noise_rate_interval"][0] <= document["noise_rate"] <= 1
    )
    assert np.array(document["transition"]).shape == (10, 10)
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == "file,index,given,likely,suspicion"
    text = command.show(document)
    assert (
        "complementary labels: each names a class that its image does not belong to" in text
        and "T (row: true class" in text
    )


def test_mistakes_on_the_command_line_are_one_line(lab, capfd):
    assert main(["noise", "no-such-data"]) == 2
    assert main(["noise", "digits", "--csv", "/no/such/folder/x.csv"]) == 2
    assert main(["noise", "digits", "--split", "evening"]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert len([line for line in lines if not line.startswith("decoding")]) == 3
