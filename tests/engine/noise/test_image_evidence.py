"""What images show by their descriptors, on real digits: wrong labels are told from images that look alike,
and a verdict that they contradict does not stand.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.lab import Lab
from engine.noise.config import CONFIG
from engine.noise.confused_groups import ConfusedClasses, confused_classes
from engine.noise.copies import (
    at_least_contradicted,
    at_the_copies_rate,
    count_copies,
    once_each,
)
from engine.noise.findings import Findings
from engine.noise.geometry import describe
from engine.noise.group_verdicts import as_wide_as, of_no_class, with_confused
from engine.noise.hidden_classes import hidden_class
from engine.noise.hypotheses import fit_hypothesis
from engine.noise.image_evidence import ImageEvidence, evidence_of_descriptors
from engine.noise.inject import add_noise
from engine.noise.no_class import no_class
from engine.noise.ranking import Suspects, hidden_first, most_likely_wrong
from engine.noise.reconcile import clean_for_certain, reconciled
from engine.noise.report import summary, unknowable

NAMES = tuple("0123456789")
FOLDS = 3
SHORT = replace(CONFIG, descriptor_network_epochs=14)


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors (1000, 64) and classes (1000,) of digits."""
    data = Lab(tmp_path_factory.mktemp("lab")).dataset("digits")
    return describe(data.images[:1000], 64), np.asarray(data.labels[:1000])


def looked(vectors: np.ndarray, given: np.ndarray, names: tuple[str, ...] = NAMES) -> ImageEvidence:
    n = len(given)
    return evidence_of_descriptors(
        vectors, given, np.arange(n) % FOLDS, np.arange(n), names, 0, config=SHORT
    )


def judged_as(regime: str = "clean", rate: float = 0.0, classes: int = 10) -> Findings:
    """The diagnosis that another part has made."""
    return Findings(
        regime=regime,
        rate=rate,
        rate_low=max(rate - 0.01, 0.0),
        rate_high=rate + 0.01,
        matrix=np.eye(classes),
        prior=np.full(classes, 1 / classes),
        temperature=1.0,
        figures={"confident": 1.0, "confident_agreement": 1.0, "coincidence": 1.0},
    )


def judged(
    base: Findings, seen: ImageEvidence, given: np.ndarray, names: tuple = NAMES
) -> Findings:
    logits = 8 * np.eye(len(base.matrix), dtype=np.float32)[seen.separability.predicted]
    return seen.reconcile(base, logits, given, names)


def block(true: np.ndarray, rate: float, seed: int = 0) -> np.ndarray:
    """3, 5 and 8 mislabelled among themselves."""
    rng, chosen = np.random.default_rng(seed), np.array([3, 5, 8])
    place = np.searchsorted(chosen, true).clip(max=2)
    other = chosen[(place + rng.integers(1, 3, len(true))) % 3]
    return np.where(np.isin(true, chosen) & (rng.random(len(true)) < rate), other, true)


def test_clean_labels_stay_clean(digits) -> None:
    vectors, true = digits
    seen = looked(vectors, true)
    assert seen.separability.clear_share > 0.7 and seen.separability.unexplained_share < 0.002
    assert judged(judged_as(), seen, true).regime == "clean"


def test_classes_mislabelled_among_themselves_are_never_clean(digits) -> None:
    vectors, true = digits
    given = block(true, 0.3)
    wrong = float((given != true).mean())
    seen = looked(vectors, given)
    now = judged(judged_as(), seen, given)
    assert now.regime == "class-dependent" and now.rate_low <= wrong <= now.rate_high
    assert now.rate_low > 0.03
    assert {(a, b) for a, b, _ in now.differing} <= {(a, b) for a in (3, 5, 8) for b in (3, 5, 8)}
    assert now.matrix[3, 5] > 0.08 and now.matrix[0, 0] > 0.95
    text = summary(now, len(given), NAMES)
    assert "look clearly like one class" in text
    both = replace(judged_as(), ambiguous=((3, 5, 0.1), (1, 7, 0.1)))
    assert judged(both, seen, given).ambiguous == ((1, 7, 0.1),)  # what is wrong is not ambiguous
    for regime in ("few errors", "class-dependent", "complementary"):
        said = unknowable(replace(both, regime=regime), len(given), NAMES)[-1]
        assert "3 and 5, 1 and 7" in said and "are not in the estimate" in said
        assert ("is not decided" in said) == (regime != "complementary")


def test_two_names_for_one_kind_of_image_are_no_noise(digits) -> None:
    """Every 3 is called 3 or E at random: the images form one group, so that the two look alike."""
    vectors, true = digits
    other = np.random.default_rng(0).random(len(true)) < 0.4
    given = np.where((true == 3) & other, 10, true)
    seen = looked(vectors, given, (*NAMES, "E"))
    assert seen.separability.disagreement > 0.02 and seen.separability.unexplained_share < 0.003
    assert judged(judged_as(classes=11), seen, given, (*NAMES, "E")).regime == "clean"
    # Labels and their counts alone would have called it class-dependent noise.
    now = judged(judged_as("class-dependent", 0.04, 11), seen, given, (*NAMES, "E"))
    assert now.regime == "undecided" and now.rate_low == 0 and now.rate_high >= 0.04
    assert "classes that look alike" in summary(now, len(given), (*NAMES, "E"))


TWINS = (*NAMES, *"ElOZ")  # second names of 3, 1, 0 and 2


def with_twins(true: np.ndarray) -> np.ndarray:
    """Four digits have a second name each, given at random: half of the classes look like another."""
    second = np.arange(10)
    second[[3, 1, 0, 2]] = 10, 11, 12, 13
    return np.where(np.random.default_rng(0).random(len(true)) < 0.5, second[true], true)


def test_wrong_labels_beyond_those_of_look_alikes_are_counted(digits) -> None:
    vectors, true = digits
    rng, names = np.random.default_rng(10), with_twins(true)
    given = np.where(rng.random(len(true)) < 0.15, rng.integers(0, 10, len(true)), names)
    wrong = float((given != names).mean())
    seen = looked(vectors, given, TWINS)
    assert seen.separability.explained_share > 0.05 and 0.02 < seen.separability.low < wrong
    now = judged(judged_as("class-dependent", 0.3, 14), seen, given, TWINS)
    assert now.regime == "symmetric" and 0.02 < now.rate_low < wrong < now.rate_high
    assert (
        now.rate_high >= seen.separability.disagreement
    )  # labels of look-alikes may be wrong, too


def test_few_errors_that_look_alikes_leave_may_be_none(digits) -> None:
    vectors, true = digits
    given = with_twins(true)
    seen = looked(vectors, given, TWINS)
    assert seen.separability.low == 0
    few = replace(
        judged_as("few errors", 0.012, 14), rate_low=0.004
    )  # less than a fifth of explained
    now = judged(few, seen, given, TWINS)
    assert now.regime == "undecided" and now.rate_low == 0
    assert now.rate_high > seen.separability.disagreement
    # More than look-alikes leave is borne out.
    assert judged(judged_as("few errors", 0.05, 14), seen, given, TWINS).rate_low > 0.03
    now = judged(judged_as("class-dependent", 0.3, 14), seen, given, TWINS)
    assert now.regime == "undecided" and now.rate_low == 0


def test_what_some_classes_leave_open_is_no_narrower_than_what_all_do() -> None:
    some = replace(judged_as("undecided", 0.02), rate_low=0.01, rate_high=0.03)
    both = as_wide_as(some, replace(judged_as("undecided"), rate_low=0.0, rate_high=0.25))
    assert (both.rate_low, both.rate_high) == (0.0, 0.25)
    decided = judged_as("class-dependent", 0.02)
    assert as_wide_as(decided, both) is decided


def test_labels_that_even_errors_mix_within_two_groups_are_no_pattern() -> None:
    """Of 600 images 60 wrong labels leave two or three between any two of ten classes."""
    groups = np.arange(60), np.arange(60, 120)
    given = np.repeat(np.arange(10), 60)
    even = replace(judged_as("few errors", 0.1), rate_low=0.08, rate_high=0.13)
    chance = ConfusedClasses(
        (0, 1), groups, wrong=3, low=1, high=8, cut=0.01, certain=3, apart=True, named=True
    )
    assert with_confused(even, (chance,), given, NAMES) is even
    many = replace(chance, wrong=24, low=16, high=34, certain=24)
    assert with_confused(even, (many,), given, NAMES).regime == "class-dependent"
    # A class of which 30% are wrong, whatever their label: as many with this label as with any other.
    some = replace(chance, wrong=7, low=3, high=13, certain=7)
    assert with_confused(even, (some,), given, NAMES).regime == "class-dependent"
    matrix = even.matrix.copy()
    matrix[0] = np.where(np.arange(10) == 0, 0.7, 0.3 / 9)
    assert with_confused(replace(even, matrix=matrix), (some,), given, NAMES).regime == "few errors"
    few = replace(even, rate=0.0, rate_low=0.0, rate_high=0.002, regime="clean")
    assert with_confused(few, (many,), given, NAMES).regime == "class-dependent"
    alone = with_confused(few, (chance,), given, NAMES)  # three labels, and nothing else wrong
    assert alone.regime == "undecided" and alone.rate_high == pytest.approx(0.002 + 8 / 600)
    # Groups that may be two forms of one class leave it open, unless more is wrong for certain anyway.
    unsure = replace(many, apart=False)
    open_ = with_confused(few, (unsure,), given, NAMES)
    assert open_.regime == "undecided" and open_.rate_high > 34 / 600
    wide = with_confused(replace(even, rate_high=0.101), (unsure,), given, NAMES)
    assert wide.regime == "few errors" and wide.rate_high == pytest.approx(0.101 + 34 / 600)


def test_of_names_that_no_image_can_tell_up_to_all_labels_may_be_wrong(digits) -> None:
    """Each label is one of two fixed wrong classes; half of each is also half right."""
    vectors, true = digits
    step = np.random.default_rng(1).choice([1, 3], len(true), p=[0.55, 0.45])
    given = (true + step) % 10
    now = judged(judged_as("class-dependent", 0.45), looked(vectors, given), given)
    assert now.regime == "class-dependent" and now.rate_high == 1.0 and now.groups
    assert all(len(group.samples) and len(group.labels) >= 2 for group in now.groups)
    assert "which label names a group" in summary(now, len(given), NAMES)
    assert any("How many labels are wrong" in text for text in unknowable(now, 1000, NAMES))


def test_where_no_image_is_clearly_of_a_class_labels_are_not_called_clean(digits) -> None:
    _, true = digits
    noise = np.random.default_rng(0).normal(size=(len(true), 16)).astype(np.float32)
    seen = looked(noise, true)
    now = judged(judged_as(), seen, true)
    assert now.regime == "undecided" and now.rate_low == 0 and now.rate_high > 0.5
    assert judged(judged_as("complementary", 1.0), seen, true).regime == "complementary"


def test_clean_leaves_no_room_for_many_wrong_labels() -> None:
    narrow = judged_as()
    assert clean_for_certain(narrow) is narrow
    wide = clean_for_certain(replace(narrow, rate_high=0.2))
    assert wide.regime == "undecided" and wide.because and wide.rate_high == 0.2
    noisy = replace(judged_as("symmetric", 0.3), rate_high=0.5)
    assert clean_for_certain(noisy) is noisy


def test_labels_that_are_mixed_within_groups_of_images_are_wrong(digits) -> None:
    """Every second 4 is called 7 and every second 7 is called 4: labels predict neither, images form
    two groups. Which group has which name is not in the data; that half of the labels are wrong is.
    """
    vectors, true = digits
    other = np.where(true == 4, 7, np.where(true == 7, 4, true))
    given = np.where(np.random.default_rng(0).random(len(true)) < 0.5, other, true)
    wrong = float((given != true).mean())
    now = judged(judged_as(), looked(vectors, given), given)
    assert now.regime == "class-dependent" and 0.05 < now.rate_low <= wrong <= now.rate_high < 0.2
    assert "which group has which name" in now.because and len(now.groups) == 2
    assert now.matrix[4, 7] == pytest.approx(0.5, abs=0.15)


def test_groups_without_a_foreign_label_are_no_mixture(digits) -> None:
    """4 and 7 are said to look alike; their images form two groups, each with its own label alone."""
    vectors, true = digits
    seen = looked(vectors, true).separability
    alike = seen.alike.copy()
    alike[4, 7] = True
    assert not confused_classes(vectors, true, replace(seen, alike=alike))
    given = true.copy()
    given[np.flatnonzero(true == 4)[:10]] = 7
    (found,) = confused_classes(vectors, given, replace(seen, alike=alike))
    assert found.labels == (4, 7) and found.wrong > 0


def test_few_wrong_labels_among_images_that_are_all_clear_are_counted(digits) -> None:
    vectors, true = digits
    given = true.copy()
    at = np.random.default_rng(0).choice(len(true), 30, replace=False)
    given[at] = (true[at] + np.arange(30) % 9 + 1) % 10
    seen = looked(vectors, given)
    every = replace(seen.separability, clear=np.ones(len(true), bool))
    found = replace(judged_as(), rate_high=0.02)
    now = reconciled(found, 8 * np.eye(10)[every.predicted], given, every)
    assert now.regime == "few errors" and now.rate_low <= 30 / len(true) <= now.rate_high
    half = replace(every, clear=np.arange(len(true)) % 2 == 0)
    now = reconciled(found, 8 * np.eye(10)[half.predicted], given, half)
    assert now.regime == "undecided"


def test_a_class_mostly_under_anothers_label_is_not_taken_for_one_that_looks_like_it(
    digits,
) -> None:
    vectors, true = digits
    moved = (true == 6) & (np.random.default_rng(0).random(len(true)) < 0.75)
    given = np.where(moved, 0, true)
    now = judged(judged_as(), looked(vectors, given), given)
    assert now.regime == "class-dependent" and 0 < now.rate_low <= moved.mean() <= now.rate_high
    assert now.matrix[6, 0] > 0.5 and now.matrix[0, 6] < 0.05


def test_every_label_wrong_is_counted_as_far_as_names_allow(digits) -> None:
    """Each label is one of three wrong classes: a group has one name, so that two in three are wrong
    whatever it is.
    """
    vectors, true = digits
    given = (true + np.random.default_rng(0).choice([1, 4, 6], len(true))) % 10
    now = judged(judged_as(), looked(vectors, given), given)
    assert now.regime == "undecided" and 0.4 < now.rate_low < 2 / 3 and now.rate_high == 1


def test_a_class_under_anothers_label_is_found_where_its_name_has_no_image(digits) -> None:
    vectors, true = digits
    given = np.where(true == 6, 0, true)
    seen = looked(vectors, given)
    assert seen.hidden is not None and "'6' has no image" in seen.hidden.reason
    now = judged(judged_as(), seen, given)
    wrong = float((true == 6).mean())
    assert now.regime == "class-dependent" and 0.05 < now.rate_low <= wrong <= now.rate_high < 0.2
    assert len(now.groups) == 2 and now.matrix[6, 0] > 0.9
    for side in seen.hidden.sides:
        assert max((true[side] == 0).mean(), (true[side] == 6).mean()) > 0.95
    assert hidden_class(vectors, true, NAMES) is None  # all classes are there, none is outsized
    nameless = looked(vectors, np.where(given > 6, given - 1, given), NAMES[:9])  # 0 is just large
    assert nameless.hidden is not None and nameless.hidden.decided
    kept = (true != 6) | (np.arange(len(true)) % 3 == 0)  # too few for a class of its own
    asked = looked(vectors[kept], given[kept])
    assert asked.hidden is None or not asked.hidden.decided


def test_groups_under_one_label_come_before_labels_that_are_likelier_right() -> None:
    n = 6
    log_odds = np.array([-3.0, 4, 4, 4, 4, 5], np.float32)
    plain = Suspects(np.ones(n), np.zeros(n, np.int64), np.ones(n), np.arange(n), log_odds)
    now = hidden_first(plain, (np.array([3]), np.array([1, 4])), 7)
    assert now.order.tolist() == [0, 3, 1, 4, 2, 5] and now.likely[3] == 7
    assert now.score[3] < 0.5 < now.score[1] < now.score[2]


def test_copies_with_different_labels_prove_that_some_are_wrong() -> None:
    same = np.array([0, 0, 0, 3, 4, 4])
    copies = count_copies(same, np.array([1, 1, 2, 5, 7, 8]))
    assert (copies.images, copies.contradicted, copies.wrong_at_least) == (3, 5, 2)
    now = at_least_contradicted(judged_as(), copies)
    assert now.regime == "few errors" and now.rate == now.rate_low == 2 / 6
    mild = judged_as("symmetric", 0.5)
    assert at_least_contradicted(mild, copies) == replace(mild)


def test_images_of_no_class_among_clear_ones_leave_the_rate_open(digits) -> None:
    vectors, true = digits
    seen = looked(vectors, true)
    some = seen._replace(
        separability=replace(
            seen.separability, outlier_share=0.05, disagreement=0.06, disagreement_high=0.07
        )
    )
    now = judged(judged_as(), some, true)
    assert now.regime == "undecided" and (now.rate_low, now.rate_high) == (0.0, 0.07)
    assert "belong to no class" in now.because


def verdict(seen: ImageEvidence, given: np.ndarray, classes: int) -> Findings:
    """As if networks on pixels predicted what those on descriptors do."""
    logits = np.log(np.maximum(seen.averaged_once, 1e-6))
    best = fit_hypothesis("symmetric", logits, given)
    return seen.verdict(logits, given, best, tuple(str(c) for c in range(classes)))


def test_a_class_without_a_name_whose_labels_are_random_is_wrong_throughout(digits) -> None:
    """The images of 6 are labelled at random as one of the nine other digits."""
    vectors, true = digits
    foreign = true == 6
    given = np.where(foreign, np.random.default_rng(0).integers(0, 9, len(true)), true - (true > 6))
    seen = looked(vectors, given, NAMES[:9])
    assert seen.none is not None and seen.none.decided and seen.none.right_at_most < 0.35
    assert foreign[seen.none.core].mean() > 0.97 and seen.none.images[foreign].mean() > 0.8
    now = verdict(seen, given, 9)
    assert now.regime in ("few errors", "symmetric") and "none of the classes" in now.because
    assert 0.03 < now.rate_low <= foreign.mean() <= now.rate_high < 0.16
    assert now.rate == pytest.approx(foreign.mean(), abs=0.02)
    assert foreign[list(now.groups[-1].samples)].mean() > 0.9
    assert "like each other" in summary(now, len(given), NAMES[:9])


def test_images_of_no_class_are_like_each_other_and_their_labels_agree_by_chance() -> None:
    """Of 400 images of 8 classes, 80 are predicted as anything, as those are that look like them."""
    rng, n, spread = np.random.default_rng(0), 400, np.arange(400) < 80
    kind = np.where(spread, 8 + np.arange(n) % 2, np.arange(n) % 8)
    given = np.where(spread, rng.integers(0, 8, n), np.arange(n) % 8)
    p = np.where(spread[:, None], 1 / 8, 0.002 + 0.984 * np.eye(8)[np.arange(n) % 8])
    near = np.stack([rng.choice(np.flatnonzero(kind == own), 6) for own in kind])
    vectors = 5.0 * np.eye(10)[kind] + rng.normal(0, 0.1, (n, 10))
    found = no_class(p, given, near, vectors)
    assert found is not None and found.decided and found.right_at_most < 0.35
    np.testing.assert_array_equal(found.images, spread)
    rate = of_no_class(judged_as("clean"), found, given, 0.01)
    assert not rate.groups[-1].alike, "so that no page says that they look like one class"
    assert rate.regime == "symmetric" and 0.1 < rate.rate_low < 0.2 <= rate.rate_high < 0.22
    others = replace(judged_as("undecided"), rate_high=0.05)  # fewer may be wrong among the others
    assert of_no_class(others, found, given, 0.05).regime == "symmetric"
    many = of_no_class(replace(others, rate_high=0.5), found, given, 0.5)
    assert many.regime == "undecided" and many.rate_high > 0.5

    far = vectors + spread[:, None] * rng.normal(0, 0.3, (n, 10))
    p[np.arange(n), rng.integers(0, 8, n)] += 1e-3 * spread  # what each looks most like
    apart = no_class(p, given, near, far)  # unlike anything, and labels at random
    assert apart is not None and apart.decided and apart.scattered and apart.right_at_most < 0.75
    np.testing.assert_array_equal(apart.images, spread)
    assert "hardly more often than by chance" in of_no_class(rate, apart, given, 0.01).because

    hard = np.where(spread & (np.arange(n) % 5 < 2), p.argmax(1), given)
    unlike = no_class(p, hard, near, far)  # labels name what it looks like too often for that
    assert unlike is not None and not unlike.decided
    open_rate = of_no_class(judged_as("clean"), unlike, given, 0.01)
    assert open_rate.regime == "undecided" and open_rate.rate_low == 0 < 0.2 <= open_rate.rate_high
    assert "may belong to no class" in open_rate.because
    noisy = of_no_class(judged_as("symmetric", 0.3), unlike, given, 0.31)  # it is, either way
    assert noisy.regime == "symmetric" and "may belong to no class" in noisy.because
    assert noisy.rate_low == pytest.approx(0.8 * 0.29)
    assert noisy.rate_high == pytest.approx(0.8 * 0.31 + 0.2)

    right = np.where(spread, kind - 8, given)  # those that look alike carry one label: it is theirs
    named = no_class(p, right, near, vectors)
    assert named is not None and not named.decided and named.right_at_most > 0.9
    assert no_class(np.full((n, 8), 1 / 8), given, near, vectors) is None  # all are: other noise
    least = replace(CONFIG, no_class_least=int(found.images.sum()) + 1)
    assert no_class(p, given, near, vectors, least) is None


def test_labels_that_are_right_or_wrong_of_one_class_leave_no_image_without_one(digits) -> None:
    vectors, true = digits
    symmetric = add_noise(true, 10, "symmetric", 0.3, 0)
    for given in (true, block(true, 0.3), symmetric, add_noise(true, 10, "complementary", 1.0, 0)):
        assert looked(vectors, given).none is None


def test_labels_of_images_of_no_class_come_before_those_likelier_right() -> None:
    log_odds = np.array([-3.0, 4, 5, 6], np.float32)
    plain = Suspects(np.ones(4), np.zeros(4, np.int64), np.ones(4), np.arange(4), log_odds)
    now = most_likely_wrong(plain, np.array([False, False, True, True]), 0.2)
    assert now.order.tolist() == [0, 2, 3, 1]
    np.testing.assert_allclose(now.score[2:], 0.2, rtol=1e-5)
    assert now.confidence[2] == 0.2 and now.confidence[1] == 1


def test_a_copy_with_the_same_label_is_no_evidence_of_its_own() -> None:
    same, given = np.array([0, 0, 2, 0, 2, 5]), np.array([1, 1, 4, 3, 4, 0])
    once, place = once_each(same, given)
    assert once.tolist() == [0, 2, 3, 5] and place.tolist() == [0, 0, 1, 2, 1, 3]
    scores = np.array([0.1, 0.9, 0.9, 0.9])
    found = judged_as("few errors", 0.1)
    now = at_the_copies_rate(found, scores, np.array([0, 0, 0, 0, 0, 1, 2, 3]))
    assert now.rate == pytest.approx(0.1 * 0.6 / 0.3)
    assert now.rate_low == pytest.approx(found.rate_low * 2) and found.rate_low > 0


@pytest.mark.parametrize("regime", ["undecided", "clean", "few errors"])
def test_where_no_label_is_expected_to_be_wrong_any_may_be(regime: str) -> None:
    """Ten images, the first of which occurs eleven times: one wrong label in ten is 1 or 11 of 20."""
    found = replace(judged_as(regime, 0.1), rate_low=0.1, rate_high=0.1)
    now = at_the_copies_rate(found, np.ones(10), np.append(np.arange(10), np.zeros(10, np.int64)))
    assert (now.rate_low, now.rate_high) == pytest.approx((1 / 20, 11 / 20))
    assert now.rate == 0.1
    even = at_the_copies_rate(found, np.ones(10), np.tile(np.arange(10), 2))
    assert (even.rate_low, even.rate, even.rate_high) == pytest.approx((0.1, 0.1, 0.1))
