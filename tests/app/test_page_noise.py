"""The Label noise page, without a browser: sections on a diagnosis that is there, and what is
offered where there is none.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from noisy_labels import (
    TRIAL,
    corrupted,
    diagnose,
    diagnosed,
    left_doubtful,
    left_undecided,
    trial_on_disk,
)
from scans import add_scans
from weblab import open_page, texts, thumbnails

from app.charts import noise as charts
from app.charts.words import images_of
from app.glossary import TERMS
from app.sections.noise.choose import effort_words
from app.sections.noise.diagnosis import STUDY, THROUGH_T, advice_on, forward_recipe, plain
from app.sections.noise.purpose import changed_by_chance, exactly, row
from app.sections.noise.standing import first_of_the_list, standing
from app.sections.noise.suspects import captions
from app.shared_lab import open_lab_here
from engine.data.choices import Choices
from engine.exports.rows import COLUMNS
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.labels.entries import REVIEW
from engine.noise.findings import REGIMES
from engine.noise.shares import two_counts, two_estimates
from engine.services.studies import STUDIES
from engine.services.task3_results import published


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_a_data_set_without_a_diagnosis_offers_to_make_one(lab):
    page = open_page("noise", data="digits")
    assert "have no diagnosis yet" in texts(page)
    assert page.button(key="diagnose-now").label == "Diagnose"


def test_the_time_of_a_diagnosis_is_that_of_its_images_and_complementary_is_explained(lab):
    page = open_page("noise", data="digits")
    assert page.radio(key="effort").options[0] == (
        "full: about 2 minutes for its 1,797 images on two free cores"
    )
    assert "each names a class that its image does not belong to" in texts(page)
    assert "about 10 minutes for its 60,000 images" in effort_words(60_000)["full"]
    assert "about 10 minutes for 60,000 images" in effort_words(0)["full"], "how many is not known"
    assert "about 1 minute for" in effort_words(1_000)["full"]
    assert "about 40 minutes for" in effort_words(800_000)["full"]


def test_no_diagnosis_is_offered_that_too_few_labels_would_fail(lab):
    add_scans(lab)
    page = open_page("noise", data="scans")
    words = texts(page)
    assert "`scans` has 6 of 3." in words and "have no diagnosis yet" not in words
    assert not [button for button in page.button if button.key == "diagnose-now"]


def test_a_diagnosis_that_failed_says_so_also_beside_an_earlier_one(lab):
    diagnosed(lab, "rare", 0.03, effort="quick")
    task = lab.home / "tasks" / "20990102T030400-diagnose-abcde0"
    task.mkdir(parents=True)
    done = {"kind": "diagnose", "arguments": {"dataset": "noisy", "effort": "full"}, "result": {}}
    stamp = {"created": "2099-01-02T03:04:00Z", "state": "failed", "error": "the disk is full"}
    write_json(task / "status.json", {**done, **stamp})
    page = open_page("noise", data="noisy")
    assert page.button(key="diagnose-full")
    assert "The last diagnosis failed: the disk is full" in [one.value for one in page.error]


def test_groups_of_images_say_whether_they_look_like_one_class(lab):
    found = diagnosed(lab, "rare", 0.03)
    one = {"count": 9, "labels": [{"label": "3", "share": 1.0}], "samples": [0, 1]}
    groups = [one, {**one, "count": 7, "alike": False}]
    write_json(found.folder / "diagnosis.json", {**found.document, "groups": groups})
    words = texts(open_page("noise", data="noisy"))
    assert "9 images, labelled 3 (100%)" in words
    assert "7 images that look like no class in particular, labelled 3 (100%)" in words


def test_the_diagnosis_states_what_is_wrong_before_the_evidence(lab):
    diagnosed(lab, "complementary", 0.98)
    page = open_page("noise", data="noisy")
    shown = texts(page)
    assert "What these data can't tell" in shown
    assert shown.index("a class that its image does not belong to") < shown.index("Evidence")
    assert {metric.label for metric in page.metric} >= {"Wrong labels", "95% interval"}


def test_the_page_explains_why_published_results_are_below_guessing(lab):
    page = open_page("noise", data="task3")
    assert "All 5 reported results are far *below* that" in texts(page)


def test_published_results_are_named_without_the_codes_of_their_study(lab):
    titles = [plain(row["title"]) for row in published(lab.store)]
    assert "ResNet18 pretrained on MNIST" in titles and "ConvNet, one-cycle" in titles
    assert not any(code in title for title in titles for code in ("C2", "C3", "C4"))
    assert f"of study {STUDY}, on page Study" in texts(open_page("noise", data="task3"))
    assert STUDY in STUDIES and not any("study" in title for title in titles)


def test_recipes_name_the_studies_as_the_list_of_studies_does(lab):
    for recipe in lab.recipes():
        prose = f"{recipe.title} {recipe.about} {(recipe.published or {}).get('source', '')}"
        assert not re.search(r"\b[A-E][1-9]\b", prose), recipe.name


def test_a_kind_of_noise_is_chosen_by_a_name_that_fits_and_explained_below(lab):
    page = open_page("noise", section="purpose")
    assert max(map(len, page.selectbox(key="trial-noise").options)) < 20
    assert "Each label is changed with this probability" in texts(page)


def test_the_share_of_changed_labels_is_chosen_in_whole_percents_and_repeated_as_it_is(lab):
    page = open_page("noise", section="purpose")
    kinds = page.selectbox(key="trial-noise")
    slider = page.slider(key=f"trial-rate-{kinds.value}")
    assert (slider.step, slider.max) == (0.01, 1.0)
    kinds.set_value("rare").run()
    few = page.slider(key="trial-rate-rare")
    assert (few.step, few.max) == (0.001, 0.1), "a few errors are fewer than one in a hundred"
    assert [exactly(rate) for rate in (0.07, 0.001, 0.5, 1.0)] == ["7%", "0.1%", "50%", "100%"]
    trial_on_disk(lab)
    page = open_page("noise", section="purpose")
    assert "digits, symmetric 50% · 1,438 images" in page.selectbox(key="trial-shown").options[0]
    config = json.loads(page.dataframe[0].proto.columns)
    assert config["images"]["type_config"]["format"] == "localized"


def test_suspects_are_filtered_by_given_and_likely_class(lab):
    found = diagnosed(lab, "rare", 0.03)
    page = open_page("noise", data="noisy", section="suspects")
    place = int(found.arrays["order"][0])
    given, likely = (
        found.classes[found.arrays["given"][place]],
        found.classes[found.arrays["likely"][place]],
    )
    page.selectbox(key="given").set_value(given)
    page.selectbox(key="likely").set_value(likely).run()
    assert not page.exception
    count = int(
        ((found.arrays["given"] == int(given)) & (found.arrays["likely"] == int(likely))).sum()
    )
    assert f"{images_of(count)}. Below each" in texts(page)
    assert "A network that was not trained on this label predicts" in texts(page)


def test_a_review_goes_on_from_where_it_was_left(lab):
    found = diagnosed(lab, "rare", 0.03)
    order = found.arrays["order"]
    page = open_page("noise", data="noisy", section="review")
    page.button(key="accept").click().run()
    arrays = found.arrays
    suspects = int((arrays["given"] != arrays["likely"]).sum())
    rest = 1 - arrays["score"][order[1:suspects]].astype(float)
    assert not page.exception and rest.sum() > 2
    assert (
        f"**1** of {suspects} suspects decided, 1 changed. Of the other {suspects - 1}, about"
        f" {rest.sum():.0f} are likely wrong: you may stop once they are decided." in texts(page)
    )
    page.button(key="reject").click().run()
    page.button(key="skip").click().run()
    page.button(key="change-7").click().run()
    decided = lab.noise.review(found).decisions()
    assert list(decided) == [int(order[0]), int(order[1]), int(order[3])]
    assert decided[int(order[0])].label == found.arrays["likely"][order[0]]
    assert decided[int(order[1])].label == found.arrays["given"][order[1]]
    assert decided[int(order[3])].label == 7
    again = open_page("noise", data="noisy", section="review")
    changed = sum(decision.changed for decision in decided.values())
    assert f"**3** of {suspects} suspects decided, {changed} changed" in texts(again)
    again.button(key="undo").click().run()
    assert list(lab.noise.review(found).decisions()) == [int(order[0]), int(order[1])]


def test_what_was_skipped_in_the_review_is_shown_again(lab):
    found = diagnosed(lab, "rare", 0.03)
    arrays = found.arrays
    given, likely = (int(arrays[which][arrays["order"][0]]) for which in ("given", "likely"))
    pair = (arrays["given"] == given) & (arrays["likely"] == likely)
    page = open_page("noise", data="noisy", section="review")
    page.selectbox(key="review-given").set_value(str(given))
    page.selectbox(key="review-likely").set_value(str(likely)).run()
    for _ in range(int(pair.sum())):
        page.button(key="skip").click().run()
    assert f"but the {pair.sum()} that you skipped" in texts(page)
    page.button(key="skipped-again").click().run()
    assert not page.exception and page.button(key="accept")


def test_who_may_not_decide_is_told_of_no_keys_of_the_review(lab, monkeypatch):
    diagnosed(lab, "rare", 0.03)
    assert "Keys: Y accepts" in texts(open_page("noise", data="noisy", section="review"))
    monkeypatch.setenv("GLYPHLAB_MODE", "public")
    words = texts(open_page("noise", data="noisy", section="review"))
    assert "Keys: Y accepts" not in words and "You may not change labels" in words


def test_a_review_says_how_many_wrong_labels_are_expected_outside_its_list(lab):
    found = diagnosed(lab, "rare", 0.03)
    arrays = dict(found.arrays)
    suspect = arrays["given"] != arrays["likely"]
    others = int((~suspect).sum())
    arrays["score"] = np.where(suspect, arrays["score"], 1 - 7.2 / others).astype(np.float32)
    np.savez(found.folder / "arrays.npz", **arrays)
    wrong = float((1 - arrays["score"][suspect].astype(float)).sum())

    def said(high: float) -> str:
        document = {**found.document, "noise_rate_interval": [0.01, high]}
        one = replace(found, document=document)
        return standing(one, lab.noise.review(one).decisions())

    about = f"Of the {others} images that are not listed, about 7 are likely wrong as well."
    assert said((wrong + 7) / found.n).endswith(about), "the interval holds no more"
    up_to = "Up to 30 of these may be, by the 95% interval of the share of wrong labels."
    assert said((wrong + 30) / found.n).endswith(f"{about} {up_to}")
    assert about in texts(open_page("noise", data="noisy", section="review"))
    review = lab.noise.review(found)
    for place in np.flatnonzero(suspect):
        review.decide(int(place), int(arrays["likely"][place]), own=False)
    left = f"Of the {others} images that are left, about 7 are likely wrong: you may stop."
    assert said((suspect.sum() + 30) / found.n).endswith(f"{left} {up_to}")


def test_why_the_share_of_wrong_labels_is_not_the_sum_of_the_suspicions_is_said_where_both_are(lab):
    found = diagnosed(lab, "symmetric", 0.4)
    path = found.folder / "diagnosis.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    same = document["noise_rate"] * document["n"]
    assert two_counts({**document, "expected_wrong": same}) == ""
    more = {**document, "expected_wrong": same + 40}
    for regime in ("complementary", "independent", "undecided"):
        assert two_counts({**more, "regime": regime}) == ""
    words = (
        f"Two estimates: 42% wrong labels are {same:,.0f} of the 400 images; the suspicions of all images"
        f" add up to {same + 40:,.0f} (52%), and the review counts by them."
    )
    assert two_counts(more).startswith(words) and "most confidently" in two_counts(more)
    assert "most confidently" not in two_counts({**more, "regime": "class-dependent"})
    write_json(path, more)
    for section in ("diagnosis", "review"):
        assert words in texts(open_page("noise", data="noisy", section=section))
    trial_on_disk(lab)
    page = open_page("noise", section="purpose")
    (estimated,) = (one for one in page.metric if one.label == "Wrong labels, estimated")
    assert "not by the sum of all suspicions" in estimated.help


def test_suspicion_is_called_an_estimate_wherever_it_is_explained(lab):
    diagnosed(lab, "rare", 0.03)
    page = open_page("noise", data="noisy", section="suspects")
    assert "suspicion, the estimated probability" in " ".join(texts(page).split())
    page.session_state["explain-suspicion-out-of-sample-calibration"] = True
    page.run()
    assert "is not known without true labels" in texts(page)
    assert "the estimated probability" in texts(open_page("noise", data="noisy", section="cleaned"))
    axis = charts.scores([0, 0.5, 1], [1, 2]).layout.xaxis.title.text
    assert "Estimated" in axis and "estimated" in COLUMNS["suspicion"]
    assert TERMS["suspicion"].what.startswith("The estimated probability")


@pytest.mark.parametrize(
    ("noise", "rate", "offered"),
    [("pairs", 0.3, True), ("symmetric", 0.4, True), ("rare", 0.03, False)],
)
def test_the_advice_to_train_through_t_says_what_t_is_and_hands_out_its_recipe(
    lab, tmp_path, noise, rate, offered
):
    found = diagnosed(lab, noise, rate)
    page = open_page("noise", data="noisy")
    shown = texts(page)
    assert ("the transition matrix T below" in " ".join(shown.split())) is offered
    assert ("Recipe with T (YAML)" in [one.label for one in page.get("download_button")]) is offered
    if not offered:
        return
    path = tmp_path / "own.yaml"
    path.write_text(forward_recipe(lab, found.document).to_yaml(), encoding="utf-8")
    recipe = lab.recipe(str(path), {"epochs": 1, "model.options": {"width": 4}})
    assert recipe.data.name == "noisy" and recipe.loss == "forward"
    matrix = recipe.loss_options["transition"]
    assert matrix == [pytest.approx(row, abs=1e-6) for row in found.document["transition"]]
    assert lab.train(recipe).final()["epochs"] == 1
    page = open_page("train", recipe="quick")
    page.segmented_control(key="quick/full/mode").set_value("YAML").run()
    page.text_area(key="quick/full/yaml").set_value(path.read_text("utf-8")).run()
    assert not page.error and not page.button(key="start").disabled


def test_where_names_of_classes_are_not_certain_one_looks_before_one_trains(lab):
    document = diagnosed(lab, "symmetric", 0.4).document
    interval = {"noise_rate_interval": [0.3, 1.0]}
    unnamed = {**document, "regime": "class-dependent", **interval}
    assert advice_on(unnamed).startswith("Look at the images first") and THROUGH_T in advice_on(
        unnamed
    )
    assert advice_on({**document, **interval}) == THROUGH_T


def test_who_has_decided_all_suspects_may_stop(lab):
    found = diagnosed(lab, "rare", 0.03)
    review, arrays = lab.noise.review(found), found.arrays
    suspects = [int(place) for place in np.flatnonzero(arrays["given"] != arrays["likely"])]
    for place in suspects:
        review.decide(place, int(arrays["likely"][place]), own=False)
    left = found.n - len(suspects)
    shown = texts(open_page("noise", data="noisy", section="review"))
    assert f"**{len(suspects)}** of {len(suspects)} suspects decided" in shown
    assert re.search(rf"Of the {left} images that are left, .+ likely wrong: you may stop", shown)


def test_the_review_of_labels_that_are_nearly_all_wrong_leads_to_all_at_once(lab):
    found = diagnosed(lab, "complementary", 0.98)
    shown = texts(open_page("noise", data="noisy", section="review"))
    assert f"**0** of {found.n} images decided" in shown and "*Cleaned labels* takes" in shown


def test_no_suspicion_is_certain(lab):
    found = diagnosed(lab, "rare", 0.03)
    first, last = (int(found.arrays["order"][at]) for at in (0, -1))
    found.arrays["score"][first], found.arrays["score"][last] = 5e-5, 1 - 1e-6
    assert captions(found, [first])[0].endswith("· >99%")
    assert captions(found, [last])[0].endswith("· <0.1%")
    page = open_page("noise", data="noisy", section="suspects")
    under = [item["caption"] for item in thumbnails(page, "gallery")]
    assert under and not any("100%" in caption for caption in under)
    assert "certainly" not in texts(page)


def own_folder(lab, tmp_path, monkeypatch, name="scans"):
    """A lab with a folder of 400 digits in GLYPHLAB_DATA, as pages have it, and their true labels."""
    _, true = corrupted(lab, "rare", 0.03, name)
    zipped = lab.home / "uploads" / f"{name}.zip"
    shutil.unpack_archive(zipped, tmp_path / "data" / name)
    zipped.unlink()
    monkeypatch.setenv("GLYPHLAB_DATA", str(tmp_path / "data"))
    return open_lab_here(), true


def test_a_folder_in_the_data_folders_is_diagnosed_as_the_command_line_has_it(
    lab, tmp_path, monkeypatch
):
    lab, true = own_folder(lab, tmp_path, monkeypatch)
    page = open_page("noise", data="scans")
    assert page.selectbox(key="data").value == "scans" and not page.warning
    assert "labels of `scans` have no diagnosis yet" in texts(page)
    assert "for its 400 images" in page.radio(key="effort").options[0]
    diagnose(Lab.open(os.environ), "scans", true)
    shown = texts(open_page("noise", data="scans"))
    assert "What these data can't tell" in shown and "no diagnosis yet" not in shown


def test_a_diagnosis_of_other_images_under_the_name_is_told_apart(lab, tmp_path, monkeypatch):
    lab, true = own_folder(lab, tmp_path, monkeypatch)
    diagnose(lab, "scans", true)
    lab.data.imports.keep(lab.data.imports.stage_place("scans"), Choices(test=0.15))
    shown = texts(open_page("noise", data="scans"))
    assert "labels of `scans` have no diagnosis yet" in shown
    assert "under this name, of 400 images, is not of them as they are now" in shown


def test_the_page_opens_on_what_was_worked_with_last(lab):
    assert open_page("noise").selectbox(key="data").value == "digits"
    diagnosed(lab, "rare", 0.03)
    assert open_page("noise").selectbox(key="data").value == "noisy"
    trial_on_disk(lab)  # of digits, in January 2026
    assert open_page("noise").selectbox(key="data").value == "noisy"
    later = {**TRIAL, "created": "2999-01-01T00:00:00Z"}
    write_json(lab.home / "noise" / "trials" / "29990101T000000-abc.json", later)
    assert open_page("noise").selectbox(key="data").value == "digits"


def test_a_second_key_for_an_image_that_was_just_decided_changes_nothing(lab):
    found = diagnosed(lab, "rare", 0.03)
    page = open_page("noise", data="noisy", section="review")
    page.button(key="accept").click()
    page.button(key="change-7").click()  # before the page is drawn anew: both come with one request
    page.run()
    assert re.search(r"\*\*1\*\* of \d+ suspects decided", texts(page)) and not page.exception
    entries = lab.labels.decisions("noisy").entries()
    assert len(entries) == 1 and len(lab.noise.review(found).decisions()) == 1


def test_the_review_goes_to_the_next_suspect_before_it_says_that_none_is_left(lab):
    """An image whose likely class is its given label may be more suspect than a suspect is: the
    suspicion comes from a network that was not trained on the label, the likely class from several.
    """
    found, doubtful = left_doubtful(lab)
    arrays = found.arrays
    suspects = np.flatnonzero(arrays["given"] != arrays["likely"]).tolist()
    assert arrays["order"][0] == doubtful and doubtful not in suspects
    page, seen = open_page("noise", data="noisy", section="review"), []
    given = found.classes[arrays["given"][doubtful]]
    while "No suspect" not in texts(page):
        assert page.button(key="accept").label.startswith("It is ")
        seen.append(len(seen))
        page.button(key="accept" if len(seen) > 1 else "skip").click().run()
    assert len(seen) == len(suspects) and f"{len(seen) - 1}** of {len(seen)} susp" in texts(page)
    assert "No suspect is left but the 1 that you skipped: of all images that follow, no" in texts(
        page
    )
    assert "the given label of the first is likelier wrong than right" in texts(page)
    assert f"### Given **{given}**, likely class not known" in texts(page)
    assert "also the likely class" not in texts(page)
    assert "likelier wrong than right, but which class is right is not known" in texts(page)
    assert page.button(key="reject").proto.type == "secondary"
    page.button(key="reject").click().run()
    assert "that follow, the given label is the likely class." in texts(page)
    assert "which is also the likely class" in texts(page)
    assert captions(found, [doubtful]) == [f"{given} → not known · 53%"]


def test_no_label_of_a_complementary_diagnosis_is_called_no_suspect(lab):
    """There the likely class is the given label of those that are suspect."""
    diagnosed(lab, "complementary", 0.98)
    assert "No suspect" not in texts(open_page("noise", data="noisy", section="review"))


def test_a_suspect_of_an_undecided_diagnosis_is_offered_for_a_look(lab):
    found, first = left_undecided(lab)
    given = found.classes[found.arrays["given"][first]]
    page = open_page("noise", data="noisy", section="review")
    shown = texts(page)
    assert f"### Given **{given}**, likely class not decided" in shown
    assert "No suspect is left" not in shown and "look at the first of these" in shown
    page.button(key="accept").click().run()
    decided = lab.noise.review(found).decisions()[first]
    assert decided.label == found.arrays["log_p"][first].argmax() != found.arrays["given"][first]
    page = open_page("noise", data="noisy", section="suspects")
    page.toggle(key="differ").set_value(True).run()
    captions = [item["caption"] for item in thumbnails(page, "gallery")]
    assert captions[0] == f"{given} → not decided" and f"{given} → {given} · 0%" not in captions
    card = texts(open_page("sample", data="noisy", sample=found.file(first)))
    assert "Whether the given label is correct is **not decided**" in card


def test_images_that_were_sent_to_the_review_come_first(lab):
    found = diagnosed(lab, "rare", 0.03)
    last = [int(place) for place in found.arrays["order"][-2:]]
    lab.labels.mark("noisy", "tag", [found.file(at) for at in last], who="Ada", tag=REVIEW)
    page = open_page("noise", data="noisy", section="review")
    for _ in last:
        assert "Sent to the review by hand." in texts(page)
        page.button(key="reject").click().run()
    assert "Sent to the review" not in texts(page)
    assert set(lab.noise.review(found).decisions()) == set(last)


def test_cleaned_labels_count_what_is_kept_and_changed(lab):
    found = diagnosed(lab, "complementary", 0.98)
    page = open_page("noise", data="noisy", section="cleaned")
    shown = {metric.label: metric.value for metric in page.metric}
    assert int(shown["Kept"]) > 350 and int(shown["Labels changed"]) > 300
    page.radio(key=f"rest-{found.key}").set_value("none").run()
    assert "Nothing is kept yet" in texts(page)


def test_results_of_trials_are_shown_beside_the_truth(lab):
    trial_on_disk(lab)
    page = open_page("noise", section="purpose")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Diagnosis"] == "symmetric noise" and shown["Wrong labels, true"] == "50%"
    assert shown["Wrong labels, estimated"] == "49%" and shown["95% interval"] == "45% to 53%"
    assert "comes to 50% wrong labels on average" in texts(page)
    assert "by chance, 720 of the 1,438 are wrong now" in texts(page)
    assert list(page.dataframe[0].value["cleanlab's filter"]) == ["no result"]
    assert shown["Found"] == "698 of 720" and not page.warning
    assert [item["caption"] for item in thumbnails(page, "first")] == [
        "✓ labelled 3, likely 5",
        "✗ labelled 0, likely 5",
    ]
    assert "The first 2 suspects:** 1 of them has a wrong label" in texts(page)
    assert row({**TRIAL, "regime": "undecided"})["estimated"] == "not decided"
    accident = first_of_the_list({**TRIAL, "regime": "complementary"})
    assert "likeliest correct by accident first:** 1 of them has the correct label." in accident


def test_two_estimates_that_differ_are_told_apart_and_a_tenth_is_not_called_few():
    matrix = [[0.905, 0.095], [0.095, 0.905]]
    assert two_estimates(0.095, 0.08, 0.11, matrix, "symmetric") == ""
    words = two_estimates(0.082, 0.066, 0.1, matrix, "symmetric")
    assert "9.5%" in words and "within" in words and "holds both: quote it" in words
    assert "predicted most confidently" in words
    words = two_estimates(0.082, 0.066, 0.09, matrix, "class-dependent")
    assert "outside" in words and "to quote is 8.2%" in words
    assert "most confidently" not in words and "weigh each class by how many images" in words
    assert two_estimates(0.082, 0, 1, matrix, "undecided") == ""
    assert all("few" not in words and "nearly all" not in words for words in REGIMES.values())
    exact = {**TRIAL, "noise": "rare", "rate": 0.1, "n": 1000, "true_rate": 0.1}
    assert changed_by_chance(exact) == ""


def test_the_published_runs_and_the_recovered_one_stand_on_one_axis():
    figure = charts.task3(
        [{"title": "A", "accuracy": 0.0031}, {"title": "B", "accuracy": 0.0}],
        [{"title": "run", "accuracy": 0.001}] * 2,
        [{"title": "R", "accuracy": 0.995}],
    )
    rows = [label for trace in figure.data for label in trace.y]
    assert len(set(rows)) == 5 and any("99.50%" in row for row in rows) and "A · 0.31%" in rows
    assert figure.layout.xaxis.title.text == "Accuracy (%)"
    # Beside the axis the names would leave a phone no plot: they stand above their marks.
    assert figure.layout.yaxis.showticklabels is False
    above = {note.y: note.text for note in figure.layout.annotations}
    assert {row: row.rstrip("\u200b") for row in rows}.items() <= above.items()


def test_large_matrices_are_drawn_without_numbers_in_their_cells():
    small = charts.transition([[0.9, 0.1], [0.2, 0.8]], ["a", "b"])
    assert small.data[0].text[0][0] == "90.0"
    large = charts.transition([[1 / 62] * 62] * 62, [str(i) for i in range(62)])
    assert large.data[0].text is None and large.layout.height > small.layout.height


def test_a_method_that_gave_up_says_so_in_place_of_a_bar():
    figure = charts.methods(TRIAL["methods"], 2)
    assert list(figure.data[0].text) == ["80.00%", "no result", "97.00%"]
