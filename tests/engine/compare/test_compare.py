"""The Compare room on run folders of the bundled digits."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from compared import compared_run, digits_test

from engine.compare.seeds import seed_group
from engine.compare.statistics import mcnemar
from engine.compare.verdicts import answer
from engine.errors import RunError
from engine.lab import Lab
from engine.metrics import confusion


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def two(lab):
    """One run that errs at 0 to 4, one that errs at 3 to 12."""
    return compared_run(lab, wrong=range(5)), compared_run(
        lab, wrong=range(3, 13), changes={"lr": 0.02}, curve=(0.6, 0.7, 0.95)
    )


def verdicts(lab, *runs) -> str:
    return "\n".join(lab.compare.answers(lab.compare.subjects([run.id for run in runs])))


def test_the_table_gives_each_run_its_score_with_wilsons_interval_and_when_it_reached_what(
    lab, two
):
    rows = lab.compare.table(lab.compare.subjects([run.id for run in two]))
    n = len(digits_test(lab)[0])
    first = rows[0]
    assert (first["n"], first["scored_on"]) == (n, "digits test")
    assert (
        first["accuracy"] == pytest.approx((n - 5) / n)
        and first["low"] < first["accuracy"] < first["high"]
    )
    assert (first["epochs_to_0.98"], first["seconds_to_0.98"], first["epochs_to_0.99"]) == (
        3,
        6.0,
        None,
    )
    assert rows[1]["epochs_to_0.98"] is None


def test_runs_of_one_name_are_called_by_what_differs(lab, two):
    subjects = lab.compare.subjects([run.id for run in two])
    assert [s.label for s in subjects] == ["lr 0.004", "lr 0.02"]
    again = compared_run(lab, changes={"seed": 1})
    labels = [s.label for s in lab.compare.subjects([two[0].id, again.id, two[1].id])]
    assert labels == ["lr 0.004 · seed 0", "lr 0.004 · seed 1", "lr 0.02"]
    copy = compared_run(lab)
    assert [s.label for s in lab.compare.subjects([two[0].id, copy.id])] == [
        f"quick · {two[0].id}",
        f"quick · {copy.id}",
    ]


def test_a_pair_is_judged_on_its_common_images(lab, two):
    pair = lab.compare.pair(*lab.compare.subjects([run.id for run in two]))
    labels, index = digits_test(lab)
    assert np.array_equal(pair.labels, labels) and np.array_equal(pair.index, index)
    assert (pair.test.only_first, pair.test.only_second, pair.test.neither) == (8, 3, 2)
    right = [pair.first_says.argmax(1) == labels, pair.second_says.argmax(1) == labels]
    assert pair.test == mcnemar(*right)
    assert sorted(pair.first_only) == list(range(5, 13)) and sorted(pair.second_only) == [0, 1, 2]
    surest = pair.second_says[pair.first_only].max(1)
    assert (np.diff(surest) <= 0).all()
    assert np.array_equal(pair.second_confusion, confusion(labels, pair.second_says.argmax(1), 10))


def test_runs_scored_on_part_of_the_images_are_compared_on_what_they_share(lab, two):
    part = compared_run(lab, wrong=[2, 20], changes={"data.limit_eval": 100})
    with np.load(part.path / "predictions.npz") as arrays:
        kept = {name: arrays[name][:100] for name in arrays.files}
    part.write_arrays("predictions.npz", **kept)
    pair = lab.compare.pair(*lab.compare.subjects([two[0].id, part.id]))
    assert len(pair.labels) == 100 and (
        pair.test.only_first,
        pair.test.only_second,
        pair.test.neither,
    ) == (1, 4, 1)


def test_runs_that_were_asked_about_other_images_are_refused(lab, two):
    other = compared_run(lab, figures={"test_data": "mnist"}, changes={"lr": 0.3})
    with pytest.raises(RunError, match="not scored on the same images"):
        lab.compare.pair(*lab.compare.subjects([two[0].id, other.id]))
    assert lab.compare.tests(lab.compare.subjects([two[0].id, other.id])) == []
    said = verdicts(lab, two[0], other)
    assert "can't be compared" in said and "on mnist test. Score both on the same images" in said


def test_runs_on_the_same_images_by_other_labels_are_told_apart_from_runs_on_other_images(lab):
    given = compared_run(lab, changes={"lr": 0.45})
    mended = compared_run(lab, changes={"lr": 0.45, "data.labels": "mended", "data.journal": [3]})
    with np.load(mended.path / "predictions.npz") as arrays:
        kept = {name: arrays[name] for name in arrays.files}
    kept["labels"][:3] = (kept["labels"][:3] + 1) % 10
    mended.write_arrays("predictions.npz", **kept)
    n = len(kept["labels"])
    says = f"^these runs were scored on the same images by different labels: 3 of {n} images have"
    with pytest.raises(RunError, match=says):
        lab.compare.pair(*lab.compare.subjects([given.id, mended.id]))


def test_every_pair_is_tested_with_p_corrected_for_their_number(lab, two):
    third = compared_run(lab, wrong=range(40), changes={"lr": 0.1})
    rows = lab.compare.tests(lab.compare.subjects([*(run.id for run in two), third.id]))
    assert len(rows) == 3 and all(row["p_corrected"] >= row["p"] for row in rows)
    assert rows[1]["second"] == "lr 0.1" and rows[1]["p_corrected"] < 0.001


def test_seeds_of_one_recipe_are_one_group_with_mean_and_spread(lab):
    runs = [
        compared_run(lab, wrong=range(n), changes={"seed": seed, "data.seed": seed})
        for seed, n in enumerate((2, 4, 6))
    ]
    other = compared_run(lab, changes={"epochs": 4})
    groups = lab.compare.groups(lab.compare.subjects([run.id for run in (*runs, other)]))
    assert [len(group.members) for group in groups] == [3, 1]
    n = len(digits_test(lab)[0])
    assert groups[0].spread.mean == pytest.approx((n - 4) / n) and groups[
        0
    ].spread.deviation == pytest.approx(2 / n)


def test_the_answer_names_start_end_and_what_may_be_chance(lab, two):
    text = verdicts(lab, *two)
    assert "**Final accuracy.** On digits test, *lr 0.004* is right on 98." in text
    assert (
        "*lr 0.004* alone is right on 8 and *lr 0.02* alone on 3: that may be chance"
        " (McNemar's test, p = 0.227)" in text
    )
    assert (
        "After it *lr 0.004* is right on 50.00% of the 144 validation images and *lr 0.02* on"
        in text
    )
    assert "60.00%: *lr 0.02* is 10.00 points ahead, which may be chance." in text
    assert "**Speed.** Accuracy on the 144 validation images: *lr" in text
    assert "*lr 0.004* reached 98% after 3 epochs (6.0 s), *lr 0.02* has not reached 98%." in text


def test_a_lead_on_few_images_is_said_to_be_of_few_images(lab):
    few = [
        compared_run(lab, curve=curve, changes={"lr": lr}, figures={"val_n": 5})
        for curve, lr in (((0.8, 0.9), 0.1), ((1.0, 1.0), 0.2))
    ]
    assert (
        "right on 80.00% of the 5 validation images and *lr 0.2* on 100.00%: *lr 0.2* is 20.00 points"
        " ahead, which may be chance." in verdicts(lab, *few)
    )


def test_epochs_that_were_judged_on_other_images_are_not_compared(lab, two):
    followed = compared_run(lab, curve=(0.1, 0.2), changes={"lr": 0.3}, held="test")
    elsewhere = compared_run(
        lab, curve=(0.1, 0.2), changes={"data.limit": 300, "data.name": "mnist"}
    )
    for other in (followed, elsewhere):
        text = verdicts(lab, two[0], other)
        assert "**Final accuracy.**" in text or "can't be compared" in text
        assert not any(
            part in text for part in ("**First epoch.**", "**Speed.**", "**Rising loss.**")
        )


def test_a_run_that_still_trains_has_no_score_and_gets_no_verdict(lab):
    scratch = compared_run(lab, "mnist-resnet18-scratch", curve=(0.7, 0.9))
    training = compared_run(lab, "mnist-resnet18-pretrained", curve=(0.9, 0.97), state="stopped")
    rows = lab.compare.table(lab.compare.subjects([scratch.id, training.id]))
    assert rows[0]["accuracy"] is not None and rows[1]["accuracy"] is None
    text = verdicts(lab, scratch, training)
    assert "**First epoch.**" in text and "Pretrained against scratch" not in text


def test_a_threshold_that_neither_reaches_is_not_mentioned(lab):
    slow = [compared_run(lab, curve=(0.6, 0.985), changes={"lr": lr}) for lr in (0.1, 0.2)]
    text = verdicts(lab, *slow)
    assert "reached 98%" in text and "reached 99" not in text and "never" not in text


def test_an_accuracy_that_is_reached_in_a_fraction_of_a_second_took_no_zero_seconds(lab):
    quick = [compared_run(lab, curve=(0.9, 0.985), changes={"lr": lr}) for lr in (0.1, 0.2)]
    text = verdicts(lab, *quick)
    assert "(0 s)" not in text and re.search(r"reached 98% after 2 epochs \(\d+\.\d s\)", text)


def test_the_thresholds_are_named_where_a_run_reached_more_than_the_highest(lab):
    runs = [
        compared_run(lab, curve=curve, changes={"lr": lr})
        for lr, curve in ((0.31, (0.985, 0.993, 1.0)), (0.32, (0.97, 0.985, 0.991)))
    ]
    text = verdicts(lab, *runs)
    assert "*lr 0.31* reached 99.4% after 3 epochs" in text and "reached 99% after" in text
    assert " Of the thresholds 98, 99, 99.4% these are the two highest that a run reached." in text


def test_a_threshold_that_one_seed_reached_is_named_with_the_number_of_seeds(lab):
    one = [
        compared_run(lab, curve=curve, changes={"seed": seed, "lr": 0.31})
        for seed, curve in enumerate([(0.5, 0.8, 0.9), (0.5, 0.6, 0.85), (0.4, 0.8, 0.8)])
    ]
    other = [
        compared_run(lab, curve=(0.3, 0.5, 0.6), changes={"seed": seed, "lr": 0.32})
        for seed in (0, 1, 2)
    ]
    text = verdicts(lab, *one, *other)
    assert (
        "*lr 0.31* reached 90% with 1 of 3 seeds after 3 epochs (6.0 s), *lr 0.32* has not reached 90%."
        " *lr 0.31* reached 80% with 3 of 3 seeds after 2.33 epochs (4.7 s), *lr 0.32* has not reached 80%."
        " Of the thresholds 50, 80, 90% these are the two highest that a run reached." in text
    )
    [line] = [line for line in text.splitlines() if "**Speed.**" in line]
    assert line.endswith(
        "Where several seeds reached an accuracy, the figure is the mean of those that did."
    )


def test_what_one_of_several_seeds_reached_is_called_no_mean(lab):
    one = [
        compared_run(lab, curve=curve, changes={"seed": seed, "lr": 0.35})
        for seed, curve in enumerate([(0.5, 0.6, 0.98), (0.5, 0.6, 0.7), (0.4, 0.5, 0.7)])
    ]
    text = verdicts(lab, *one, compared_run(lab, curve=(0.3, 0.5, 0.6), changes={"lr": 0.36}))
    [line] = [line for line in text.splitlines() if "**Speed.**" in line]
    assert "reached 98% with 1 of 3 seeds after 3 epochs" in line and "mean" not in line
    runs = [
        compared_run(lab, curve=curve, changes={"lr": lr})
        for lr, curve in ((0.37, (0.5, 0.985)), (0.38, (0.5, 0.995)))
    ]
    assert "mean" not in verdicts(lab, *runs), "of single runs there is none"


def test_a_mean_over_fewer_seeds_that_comes_earlier_is_no_contradiction(lab):
    """One seed is at 99% in its first epoch, the other at 98% in its third alone."""
    one = [
        compared_run(lab, curve=curve, changes={"seed": seed, "lr": 0.41})
        for seed, curve in enumerate([(0.99, 0.99, 0.99), (0.5, 0.6, 0.98)])
    ]
    text = verdicts(lab, *one, compared_run(lab, curve=(0.3, 0.5, 0.6), changes={"lr": 0.42}))
    assert "*lr 0.41* reached 99% with 1 of 2 seeds after 1 epoch (2.0 s)" in text
    assert "*lr 0.41* reached 98% with 2 of 2 seeds after 2 epochs (4.0 s)" in text
    assert "A mean is over the seeds that reached that accuracy: where these are fewer" in text


def test_seeds_of_one_score_are_no_surer_than_their_test_images(lab):
    """Four runs: two recipes with two seeds each, whose seeds happen to agree."""
    runs = [
        compared_run(lab, wrong=range(wrong), changes={"seed": seed, "lr": lr})
        for wrong, lr in ((3, 0.51), (9, 0.52))
        for seed in (0, 1)
    ]
    subjects = lab.compare.subjects([run.id for run in runs])
    for group in lab.compare.groups(subjects):
        low, high, by, n = group.interval
        assert group.spread.deviation == 0 and by == "images"
        assert (low, high) == subjects[0 if group.scores[0] > 0.98 else 2].interval
        assert n == len(digits_test(lab)[0])
    text = verdicts(lab, *runs)
    assert "the seeds of each have the same score" in text and "Welch" not in text


def test_seeds_that_differ_by_more_than_images_tell_have_the_interval_over_seeds(lab):
    runs = [
        compared_run(lab, wrong=range(wrong), changes={"seed": seed, "lr": 0.53})
        for seed, wrong in enumerate((5, 60))
    ]
    [group] = lab.compare.groups(lab.compare.subjects([run.id for run in runs]))
    assert group.interval.by == "seeds"
    assert (group.interval.low, group.interval.high) == (max(0, group.spread.low), 1)


def test_figures_of_several_seeds_are_all_means_and_said_to_be(lab):
    one, other = (
        [
            compared_run(lab, curve=curve, changes={"seed": seed, "lr": lr})
            for seed, curve in enumerate([(0.6, 0.85), (0.4, 0.85), (0.2, 0.85)])
        ]
        for lr in (0.33, 0.34)
    )
    lines = verdicts(lab, *one, *other[:1]).splitlines()
    said = [line for line in lines if "**Final accuracy.**" not in line]
    assert said and all(line.endswith("Of several seeds, these are means.") for line in said)
    assert "of one run each" not in "".join(lines)
    single = verdicts(lab, one[0], other[0])
    assert "means" not in single


def test_epochs_that_were_judged_by_other_labels_are_not_compared(lab):
    """Nor means of final scores, which tell nothing of whether the labels of the test changed."""
    given = [compared_run(lab, changes={"lr": 0.35, "seed": seed}) for seed in (0, 1)]
    mended = [
        compared_run(
            lab, changes={"lr": 0.35, "seed": seed, "data.labels": "mended", "data.journal": [7]}
        )
        for seed in (0, 1)
    ]
    text = verdicts(lab, *given, *mended)
    assert "**Speed.**" not in text and "**Rising loss.**" not in text and "ahead" not in text
    assert (
        "**First epoch, speed.** Not compared: what is right on the validation images counts for"
        in text
    )
    assert "by the given labels" in text and "by labels mended up to journal entry 7" in text
    assert "Welch" not in text and "Whether one is better can't be told" in text
    one = verdicts(lab, given[0], mended[0])  # the labels of their test images are the same
    assert "exactly the same images" in one and "**Speed.**" not in one


def test_a_real_difference_is_called_real(lab, two):
    worse = compared_run(lab, wrong=range(60), changes={"lr": 0.5})
    assert (
        "*lr 0.004* is significantly better on images like these (McNemar's test, p < 0.001)"
        in verdicts(lab, two[0], worse)
    )


def test_one_seed_against_several_is_told_on_their_images_and_not_over_seeds(lab):
    several = [compared_run(lab, wrong=range(n), changes={"seed": n, "lr": 0.41}) for n in (1, 2)]
    single = compared_run(lab, wrong=range(60), changes={"lr": 0.42})
    text = verdicts(lab, *several, single)
    assert (
        "On these images *lr 0.41* is significantly better, whichever seed is taken (McNemar's test of"
        " each pair, at the largest p < 0.001, corrected for 3 pairs); how much *lr 0.42* would vary"
        " over seeds is not known from one seed." in text
    )
    assert "chance" not in text.partition("**First epoch.**")[0]
    near = compared_run(lab, wrong=range(3), changes={"lr": 0.43})
    text = verdicts(lab, near, *several)
    assert "This may be due to chance, and how much *lr 0.43* would vary over seeds is not" in text
    far = verdicts(lab, single, *several)
    assert "On these images *lr 0.41* is significantly better" in far


def test_an_accuracy_by_knn_is_not_put_beside_one_of_a_classifier(lab):
    """A loss on embeddings leaves the classifier as it was drawn: its epochs are judged by kNN."""
    usual = compared_run(lab, wrong=range(3), changes={"lr": 0.44})
    knn = compared_run(
        lab,
        wrong=range(300),
        changes={"loss": "triplet", "lr": 0.44},
        figures={"knn_accuracy": 0.98},
        by_knn=True,
    )
    text = verdicts(lab, usual, knn)
    assert (
        "**First epoch, speed.** Not compared: the accuracy of an epoch is by kNN for *loss triplet*,"
        " by the classifier's outputs for *loss cross_entropy*." in text
    )
    assert "ahead" not in text and "**Speed.**" not in text
    assert (
        "The loss of *loss triplet* works on embeddings, so that this score is of a classifier that was"
        " never trained: by kNN in its embedding it is right on 98.00%." in text
    )
    means = compared_run(
        lab,
        wrong=range(4),
        changes={"loss": "triplet", "lr": 0.47},
        figures={"knn_accuracy": 0.98, "classifier": "nearest class mean"},
        by_knn=True,
    )
    assert (
        "its classifier is the nearest class mean there: by kNN in its embedding it is right on 98.00%."
        in verdicts(lab, usual, means)
    )
    other = compared_run(lab, changes={"loss": "triplet", "lr": 0.46}, by_knn=True)
    assert "Accuracy on the 144 validation images (by kNN): *lr 0.44*" in verdicts(lab, knn, other)
    assert "never trained" not in verdicts(lab, usual, compared_run(lab, changes={"lr": 0.45}))


def test_over_seeds_the_means_are_tested(lab):
    good = [compared_run(lab, wrong=range(n), changes={"seed": n}) for n in (1, 2, 3)]
    bad = [compared_run(lab, wrong=range(n), changes={"seed": n, "lr": 0.3}) for n in (40, 44, 47)]
    text = verdicts(lab, *good, *bad)
    assert (
        "on average over 3 seeds" in text
        and "Their means differ by more than seeds do (Welch's t-test, p" in text
    )


def test_pretrained_against_scratch_is_answered_in_the_studys_words(lab):
    scratch = compared_run(
        lab,
        "mnist-resnet18-scratch",
        wrong=range(12),
        curve=(0.9, 0.95, 0.97),
        losses=(0.3, 1.2, 0.2),
    )
    pretrained = compared_run(
        lab,
        "mnist-resnet18-pretrained",
        wrong=range(10),
        curve=(0.8, 0.96, 0.99),
        losses=(0.3, 0.2, 0.1),
    )
    text = verdicts(lab, scratch, pretrained)
    first = text.splitlines()[0]
    assert (
        first.startswith("**Pretrained against scratch.**")
        and "starting from digits-resnet18" in first
    )
    n = len(digits_test(lab)[0])
    assert (
        f"starts lower and ends {200 / n:.2f} points higher (this may be chance). One"
        " seed each" in first
    )
    assert "smooth" not in text and "47% of the change" in text and "of one run each" in text


def test_answers_leave_out_what_the_runs_did_not_record(lab, two):
    subject = lab.compare.subjects([two[0].id])[0]
    bare = dataclasses.replace(subject, epochs=(), final={})
    assert answer(seed_group([bare]), seed_group([subject]), [], None) == []


def test_a_run_without_an_epoch_is_left_out_and_one_without_predictions_says_so(lab, two):
    queued = compared_run(lab, state="failed", curve=())
    stopped = compared_run(lab, state="stopped")
    subjects = lab.compare.subjects([two[0].id, queued.id, stopped.id])
    assert [s.id for s in subjects] == [two[0].id, stopped.id]
    assert subjects[1].accuracy is None  # it was not scored at its end
    with pytest.raises(RunError, match="kept no predictions"):
        lab.compare.pair(*subjects)
    with pytest.raises(RunError, match="there is no run 'nothing'"):
        lab.compare.subjects(["nothing"])


def test_predictions_that_are_no_archive_are_an_error_of_one_line(lab):
    run = compared_run(lab)
    (run.path / "predictions.npz").write_bytes(b"PK\x03\x04 torn")
    with pytest.raises(RunError, match="kept no predictions"):
        lab.compare.predictions(lab.compare.subjects([run.id])[0])


def test_a_recipe_that_holds_none_back_is_followed_on_the_test_images(lab):
    run = compared_run(lab, held="test", curve=(0.9, 0.97, 0.991), losses=(0.3, 0.4, 0.1))
    subject = lab.compare.subjects([run.id])[0]
    assert [row["held_accuracy"] for row in subject.epochs] == [0.9, 0.97, 0.991]
    assert subject.reached("epoch")["0.99"] == 3 and subject.setbacks == pytest.approx(0.25)


def test_the_worst_mistakes_come_first_with_their_images(lab, two):
    subject = lab.compare.subjects([two[1].id])[0]
    rows = lab.compare.mistakes(subject, 12)
    assert [row["loss"] for row in rows] == sorted((row["loss"] for row in rows), reverse=True)
    assert sum(row["true"] != row["predicted"] for row in rows) == 10
    images = lab.compare.images(subject, [row["index"] for row in rows])
    data = lab.dataset(subject.recipe.data)
    assert images.shape == (12, 1, 28, 28) and np.array_equal(
        images[0], data.images[rows[0]["index"]]
    )


def test_the_recipes_differences_leave_out_prose(lab, two):
    rows = lab.compare.differences(lab.compare.subjects([run.id for run in two]))
    assert rows == [{"field": "lr", "lr 0.004": 0.004, "lr 0.02": 0.02}]


def test_the_images_of_a_run_are_found_with_its_classes_and_its_limits(lab, two):
    """Those of another set that it was scored on are all of that set's."""
    [subject] = lab.compare.subjects([two[0].id])
    few = {"data.classes": ["0", "1", "2"], "data.limit": 90, "data.limit_eval": 40}
    own = dataclasses.replace(subject, recipe=lab.recipe("quick", few))
    assert len(lab.dataset(own.test_spec()).split("test")) == 40
    assert own.test_spec() == own.recipe.data
    other = dataclasses.replace(
        subject, recipe=lab.recipe("quick", {**few, "data.test_on": "digits"})
    )
    spec = other.test_spec()
    assert (spec.name, spec.classes, spec.limit, spec.test_on) == ("digits", None, None, None)


def test_an_accuracy_on_training_images_below_the_other_is_not_called_above_by_less_than_nothing(
    lab, two
):
    one, other = lab.compare.subjects([run.id for run in two])
    below = dataclasses.replace(one, final={**one.final, "generalisation_gap": -0.0116})
    said = "\n".join(answer(seed_group([below]), seed_group([other]), [], None))
    assert "1.16 points below it for" in said and "points above it for" in said
    assert "-1.16" not in said
