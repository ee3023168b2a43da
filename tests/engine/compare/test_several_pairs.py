"""What is said of several runs: p is that of all their pairs, and which of them are compared."""

from __future__ import annotations

import re

import pytest
from compared import compared_run

from engine.compare.seeds import mixed, of_one_recipe
from engine.compare.statistics import holm, welch
from engine.errors import DataError, RunError
from engine.lab import Lab

ALONE = "These runs differ in their random seed alone."


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Lab:
    return Lab(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def four(lab) -> list[str]:
    """The second against the first is significant as one pair (10 to 2), and not as one of six."""
    wrong = ((0, 1), range(2, 12), range(3), range(4))
    return [
        compared_run(lab, wrong=at, changes={"lr": (n + 1) / 100}).id for n, at in enumerate(wrong)
    ]


def final(sentences: list[str]) -> list[str]:
    return [one for one in sentences if one.startswith("**Final accuracy.**")]


def test_a_sentence_has_the_p_of_the_table_corrected_for_all_pairs(lab, four):
    subjects = lab.compare.subjects(four)
    tests = lab.compare.tests(subjects)
    assert len(tests) == 6 and tests[0]["p"] < 0.05 < tests[0]["p_corrected"]
    said = final(lab.compare.answers(subjects))
    assert len(said) == 3 and "significantly" not in "".join(said)
    for sentence, row in zip(said, tests, strict=False):  # those of the first are the table's first
        p = f"(McNemar's test, p = {row['p_corrected']:.3f}, corrected for 6 pairs)"
        assert p in sentence and f"*{row['second']}* alone on {row['only_second']}" in sentence
    [alone] = final(lab.compare.answers(subjects[:2]))
    assert (
        f"significantly better on images like these (McNemar's test, p = {tests[0]['p']:.3f})."
        in alone
    )


def test_pretraining_is_called_significant_by_the_corrected_p_alone(lab, four):
    wrong = {"mnist-resnet18-scratch": range(2, 12), "mnist-resnet18-pretrained": (0, 1)}
    both = [compared_run(lab, name, wrong=at).id for name, at in wrong.items()]
    alone = lab.compare.answers(lab.compare.subjects(both))[0]
    assert "Pretrained against scratch" in alone and "higher (significant)" in alone
    among = lab.compare.answers(lab.compare.subjects([*both, *four]))
    [verdict] = [one for one in among if "Pretrained against scratch" in one]
    assert "higher (this may be chance)" in verdict


def test_one_seed_against_several_has_the_largest_p_of_all_pairs_that_are_tested(lab):
    several = [
        compared_run(lab, wrong=range(2, n), changes={"seed": n, "lr": 0.41}) for n in (4, 5)
    ]
    single = compared_run(lab, wrong=range(5, 19), changes={"lr": 0.42})
    other = compared_run(lab, wrong=range(60), changes={"lr": 0.43})
    few = lab.compare.subjects([*(run.id for run in several), single.id])
    [sentence] = final(lab.compare.answers(few))
    rows = [row for row in lab.compare.tests(few) if "lr 0.42" in (row["first"], row["second"])]
    largest = max(row["p_corrected"] for row in rows)
    assert (
        f"McNemar's test of each pair, at the largest p = {largest:.3f}, corrected for 3"
        in sentence
    )
    more = lab.compare.subjects([several[0].id, single.id, several[1].id, other.id])
    sentence = final(lab.compare.answers(more))[0]
    tests = lab.compare.tests(more)
    rows = [
        row for row in tests if {"lr 0.41", "lr 0.42"} == {row[k][:7] for k in ("first", "second")}
    ]
    assert len(tests) == 6 and len(rows) == 2
    assert ("significantly" in sentence) == all(row["p_corrected"] < 0.05 for row in rows)


def test_tests_of_means_are_corrected_for_their_number(lab):
    recipes = {0.51: (1, 2, 3), 0.52: (3, 4, 6), 0.53: (2, 3, 4)}
    runs = [
        compared_run(lab, wrong=range(n), changes={"seed": seed, "lr": lr}).id
        for lr, wrong in recipes.items()
        for seed, n in enumerate(wrong)
    ]
    subjects = lab.compare.subjects(runs)
    first, *others = lab.compare.groups(subjects)
    raw = [welch(first.scores, other.scores) for other in others]
    said = final(lab.compare.answers(subjects))
    for sentence, p in zip(said, holm(raw), strict=True):
        assert f"(Welch's t-test, p = {p:.3f}, corrected for 2 tests)" in sentence
    [alone] = final(lab.compare.answers(subjects[:6]))
    assert (
        f"(Welch's t-test, p = {raw[0]:.3f}), which does not show that there is no difference:"
        in alone
    )
    assert alone.rstrip().endswith("of 3 seeds only a very large difference stands out.")


def test_which_are_compared_is_said_where_the_order_of_choosing_decides_it(lab, four):
    for ids in (four, four[::-1]):
        subjects = lab.compare.subjects(ids)
        first, *others = lab.compare.answers(subjects)
        assert first == (
            "**Each against the first.** Each of these sentences compares one of the others with the"
            f" one that was chosen first, *{subjects[0].label}*; none compares two of the others. The"
            " table of McNemar's tests has every pair of runs that were scored on the same images."
        )
        named = [set(re.findall(r"\*(lr [\d.]+)\*", sentence)) for sentence in final(others)]
        assert named == [{subjects[0].label, other.label} for other in subjects[1:]]
    two = lab.compare.answers(lab.compare.subjects(four[:2]))
    assert not any("chosen first" in one for one in two)


def test_seeds_under_names_of_their_own_are_not_called_by_one_of_them(lab):
    runs = [
        compared_run(lab, changes={"seed": seed}, name=f"scratch-s{seed}", wrong=range(seed))
        for seed in (1, 2, 3)
    ]
    (group,) = lab.compare.groups(lab.compare.subjects([run.id for run in runs]))
    assert group.label == "scratch-s1 and 2 more (3 seeds)"
    assert group.name == "*scratch-s1 and 2 more*"


def test_a_run_that_holds_no_images_out_is_not_said_to_be_slow(lab):
    bare = compared_run(lab, held="none", changes={"data.validation": 0}, name="bare")
    other = compared_run(lab, name="other")
    subjects = lab.compare.subjects([bare.id, other.id])
    for pair in (subjects, subjects[::-1]):
        said = "\n".join(lab.compare.answers(pair))
        assert "**Speed.** Not compared: *bare* held no images out" in said
        assert "has not reached" not in said and "**First epoch.**" not in said


def test_the_number_of_images_is_said_where_both_were_followed_on_as_many(lab):
    one, other = (
        compared_run(lab, changes={"lr": 0.64}),
        compared_run(lab, changes={"lr": 0.65}, figures={"val_n": 288}),
    )
    said = "\n".join(lab.compare.answers(lab.compare.subjects([one.id, other.id])))
    assert "Accuracy on the validation images:" in said and "144" not in said


def test_a_seed_that_still_trains_does_not_hide_where_the_others_were_scored(lab):
    waiting = compared_run(lab, state="failed", changes={"seed": 9, "lr": 0.61})
    ended = [compared_run(lab, wrong=range(n), changes={"seed": n, "lr": 0.61}) for n in (4, 5)]
    other = compared_run(lab, changes={"lr": 0.62})
    ids = [waiting.id, *(run.id for run in ended), other.id]
    said = "\n".join(lab.compare.answers(lab.compare.subjects(ids)))
    assert "**Final accuracy.** On digits test" in said and "can't be compared" not in said


def test_the_spread_of_seeds_is_promised_once_two_have_a_score(lab):
    first = compared_run(lab, changes={"seed": 1, "lr": 0.63})
    second = compared_run(lab, state="failed", changes={"seed": 2, "lr": 0.63})
    (group,) = lab.compare.groups(lab.compare.subjects([first.id, second.id]))
    assert of_one_recipe(group) == f"{ALONE} Their spread is known once two have a score."
    third = compared_run(lab, wrong=range(3), changes={"seed": 3, "lr": 0.63})
    (group,) = lab.compare.groups(lab.compare.subjects([first.id, third.id]))
    assert of_one_recipe(group) == f"{ALONE} Their spread is shown."


def test_runs_on_a_data_set_that_changed_meanwhile_are_not_said_to_differ_by_their_seed(lab):
    old, new = (compared_run(lab, wrong=range(n), changes={"lr": 0.66}) for n in (3, 9))
    for run, version in ((old, "before"), (new, "grown")):
        run.write_status(fingerprint=version)
    (group,) = lab.compare.groups(lab.compare.subjects([old.id, new.id]))
    assert of_one_recipe(group) == (
        "These runs differ in their images alone: the data set changed meanwhile. Their spread is shown."
    )
    assert group.label.endswith("(2 runs)")
    third = compared_run(lab, changes={"lr": 0.66, "seed": 5, "data.seed": 2})
    third.write_status(fingerprint="before")
    (group,) = lab.compare.groups(lab.compare.subjects([old.id, new.id, third.id]))
    said = of_one_recipe(group)
    assert "in their random seed, split seed and images alone: the data set changed" in said
    other = compared_run(lab, changes={"lr": 0.67})
    subjects = lab.compare.subjects([old.id, new.id, third.id, other.id])
    assert [bool(mixed(group)) for group in lab.compare.groups(subjects)] == [True, False]
    assert "on average over 3 runs" in "\n".join(lab.compare.answers(subjects))


def test_runs_between_which_their_data_set_changed_are_not_compared_image_by_image(lab):
    old, new = (compared_run(lab, wrong=range(3), changes={"lr": lr}) for lr in (0.68, 0.69))
    now = lab.dataset(old.recipe().data).fingerprint
    new.write_status(fingerprint=now)
    assert lab.compare.pair(*lab.compare.subjects([old.id, new.id]))  # of one nothing is known
    old.write_status(fingerprint="before it grew")
    subjects = lab.compare.subjects([old.id, new.id])
    with pytest.raises(RunError, match="the data set changed between these runs"):
        lab.compare.pair(*subjects)
    assert lab.compare.tests(subjects) == []
    [said] = final(lab.compare.answers(subjects))
    assert "Whether one is better can't be told: the data set changed between them." in said
    assert lab.compare.names(subjects[1], [0])
    with pytest.raises(DataError, match="has changed since this run"):
        lab.compare.names(subjects[0], [0])  # a place in it is another image now
