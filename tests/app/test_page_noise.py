"""The Label noise page, without a browser: sections on a diagnosis that is there, and what is
offered where there is none.
"""

from __future__ import annotations

import pytest
from noisy_labels import diagnosed, left_undecided
from weblab import open_page, texts, thumbnails

from app.charts import noise as charts
from app.sections.noise.diagnosis import plain
from app.sections.noise.purpose import changed_by_chance
from engine.files.atomic import write_json
from engine.lab import Lab
from engine.labels.entries import REVIEW
from engine.noise.findings import REGIMES
from engine.noise.shares import two_estimates
from engine.services.task3_results import published


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def test_a_data_set_without_a_diagnosis_offers_to_make_one(lab):
    page = open_page("noise", data="digits")
    assert "have no diagnosis yet" in texts(page)
    assert page.button(key="diagnose-now").label == "Diagnose"


def test_the_diagnosis_states_what_is_wrong_before_the_evidence(lab):
    diagnosed(lab, "complementary", 0.98)
    page = open_page("noise", data="noisy")
    shown = texts(page)
    assert "What these data can't tell" in shown
    assert shown.index("a class that its image does not belong to") < shown.index("Evidence")
    assert {metric.label for metric in page.metric} >= {"Wrong labels", "95% interval"}


def test_the_page_explains_why_published_results_are_below_guessing(lab):
    page = open_page("noise", data="task3")
    assert "All 5 published results are far *below* that" in texts(page)


def test_published_results_are_named_without_the_codes_of_their_study(lab):
    titles = [plain(row["title"]) for row in published(lab.store)]
    assert "ResNet18 pretrained on MNIST" in titles and "ConvNet, one-cycle" in titles
    assert not any(code in title for title in titles for code in ("C2", "C3", "C4"))
    assert "of study C4, on page Study" in texts(open_page("noise", data="task3"))


def test_a_kind_of_noise_is_chosen_by_a_name_that_fits_and_explained_below(lab):
    page = open_page("noise", section="purpose")
    assert max(map(len, page.selectbox(key="trial-noise").options)) < 20
    assert "Each label is changed with this probability" in texts(page)


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
    assert f"{count} images. Below each" in texts(page)
    assert "A network that was not trained on this label predicts" in texts(page)


def test_a_review_goes_on_from_where_it_was_left(lab):
    found = diagnosed(lab, "rare", 0.03)
    order = found.arrays["order"]
    page = open_page("noise", data="noisy", section="review")
    page.button(key="accept").click().run()
    assert not page.exception and "**1** decided, 1 of them changed" in texts(page)
    page.button(key="reject").click().run()
    page.button(key="skip").click().run()
    page.button(key="change-7").click().run()
    decided = lab.noise.review(found).decisions()
    assert list(decided) == [int(order[0]), int(order[1]), int(order[3])]
    assert decided[int(order[0])].label == found.arrays["likely"][order[0]]
    assert decided[int(order[1])].label == found.arrays["given"][order[1]]
    assert decided[int(order[3])].label == 7
    again = open_page("noise", data="noisy", section="review")
    assert "**3** decided" in texts(again)
    again.button(key="undo").click().run()
    assert list(lab.noise.review(found).decisions()) == [int(order[0]), int(order[1])]


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
    (lab.home / "noise" / "trials").mkdir(parents=True)
    write_json(lab.home / "noise" / "trials" / "20260101T000000-abc.json", TRIAL)
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
    assert "The first 2 suspects:** 1 of them have a wrong label" in texts(page)


TRIAL = {
    "dataset": "digits",
    "noise": "symmetric",
    "rate": 0.5,
    "effort": "quick",
    "seed": 0,
    "n": 1438,
    "n_test": 359,
    "classes": ["a", "b"],
    "regime": "symmetric",
    "true_rate": 0.501,
    "noise_rate": 0.49,
    "noise_rate_interval": [0.45, 0.53],
    "likely_right": 0.98,
    "transition": [[0.5, 0.5], [0.5, 0.5]],
    "true_transition": [[0.5, 0.5], [0.5, 0.5]],
    "transition_error": 0.01,
    "found_first": 0.97,
    "sought": 720,
    "suspects": [
        {"image": "train/0", "given": "3", "likely": "5", "true": "0"},
        {"image": "train/1", "given": "0", "likely": "5", "true": "0"},
    ],
    "created": "2026-01-01T00:00:00Z",
    "methods": [
        {"name": "plain", "title": "Plain training", "accuracy": 0.8, "note": "as it is"},
        {
            "name": "cleanlab",
            "title": "cleanlab's filter",
            "accuracy": None,
            "note": "no result: trace",
        },
        {"name": "ours", "title": "Ours", "accuracy": 0.97, "note": "ours"},
    ],
}


def test_two_estimates_that_differ_are_told_apart_and_a_tenth_is_not_called_few():
    matrix = [[0.905, 0.095], [0.095, 0.905]]
    assert two_estimates(0.095, 0.08, 0.11, matrix) == ""
    words = two_estimates(0.082, 0.066, 0.1, matrix)
    assert "9.5%" in words and "within" in words and "to quote is 8.2%" in words
    assert "outside" in two_estimates(0.082, 0.066, 0.09, matrix)
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
