"""Agreement and consensus, against published figures and slow, obvious loops."""

from __future__ import annotations

import numpy as np
import pytest

from engine.labels.agreement import (
    Votes,
    alpha,
    chosen,
    consensus,
    dawid_skene,
    fleiss,
    pairs,
    votes_of,
)

# Fleiss' example as Wikipedia gives it: 14 raters, 10 subjects, 5 categories; kappa 0.210.
FLEISS = np.array(
    [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]
)  # fmt: skip
# Krippendorff's example, three coders: alpha 0.691 for names.
CODERS = ("*****34121133*3", "1*213343*******", "**21344*21133*4")
# Dawid & Skene 1979, table 1: 45 patients; the first anaesthetist classed each three times.
PATIENTS = """
1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343
1111111 2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222
1111111 1111111 2322222 1111111 1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343
2212232 2323233 3333432 1111111 1111111 1212111 2322222 1211111 2222222
""".split()  # fmt: skip


def votes(*rows: str) -> Votes:
    """A row a person, a sign an image, '*' where they did not label it."""
    named = {
        str(at): {f"p{who}": row[at] for who, row in enumerate(rows) if row[at] != "*"}
        for at in range(len(rows[0]))
    }
    return votes_of(named)


def test_the_published_examples_come_out():
    raters = [np.repeat(np.arange(5), row) for row in FLEISS]
    found = fleiss(votes(*("".join(map(str, row)) for row in np.transpose(raters))))
    assert found.kappa == pytest.approx(0.210, abs=5e-4) and found[1:] == (10, 14)
    assert alpha(votes(*CODERS)) == pytest.approx(0.691, abs=5e-4)
    # p_o = 0.7, p_e = 0.5 (Cohen 1960 by hand): 5 of 10 'a' by each, 7 alike
    (pair,) = pairs(votes("aaaaabbbbb", "aaaabbbbaa"))
    assert (pair.n, pair.alike) == (10, 0.7) and pair.kappa == pytest.approx(0.4)


def test_dawid_and_skene_find_what_they_published():
    item = np.repeat(np.arange(45), 7)
    person = np.tile([0, 0, 0, 1, 2, 3, 4], 45)
    label = np.array([int(sign) - 1 for row in PATIENTS for sign in row])
    found = dawid_skene(item, person, label, (45, 5, 4), smoothing=0)
    assert found.prevalence.round(2).tolist() == [0.40, 0.42, 0.11, 0.07]  # their table 2
    assert found.posterior[2].argmax() == 1  # patient 3: 1 by majority of the first's own classes
    # one step of their equations 2.3 and 2.5, written as loops, changes nothing any more
    again = np.ones((45, 4)) * found.prevalence
    for i, p, k in zip(item, person, label, strict=True):
        for j in range(4):
            again[i, j] *= found.confusion[p, j, k]
    again /= again.sum(1, keepdims=True)
    assert again == pytest.approx(found.posterior, abs=1e-5)


def test_the_consensus_weighs_people_by_their_errors():
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 300)
    careful = [np.where(rng.random(300) < 0.9, true, rng.integers(0, 3, 300)) for _ in range(2)]
    lazy = [np.zeros(300, int)] * 3  # say the first class of everything
    found = votes(*("".join(map(str, row)) for row in (*careful, *lazy)))
    assert (found.counts.argmax(1) == true).mean() < 0.5  # the majority
    assert (consensus(found).posterior.argmax(1) == true).mean() > 0.9


def test_what_is_not_defined_is_none():
    same = votes("aaa", "aaa", "a*a")
    assert alpha(same) is None and fleiss(same).kappa is None
    assert [pair.kappa for pair in pairs(same)] == [None, None, None]
    alone = votes("ab*", "**a")
    assert pairs(alone) == [] and fleiss(alone).n == 0 and not alone.disputed.any()


def test_the_consensus_is_a_class_that_somebody_voted_for_and_only_with_a_majority():
    # Ann calls most 3s a 5, Bob calls them a 0: where they say 5 and 0, the model has 3 as the likeliest
    found = votes("33555500001122" + "5", "33000055551122" + "0", "33333355501122" + "*")
    posterior = consensus(found).posterior
    assert found.classes[posterior[-1].argmax()] == "3"
    label, p, settled = chosen(found, posterior)
    for image in range(len(found.samples)):
        given = [at for at in range(len(found.classes)) if found.counts[image, at]]
        best = max(given, key=lambda at: posterior[image, at])
        assert (label[image], p[image]) == (best, posterior[image, best])
        assert settled[image] == (posterior[image, best] > 0.5 + 1e-6)
    assert found.classes[label[-1]] in "50" and not settled[-1]


def test_a_tie_settles_nothing():
    found = votes("ab", "ba")
    label, p, settled = chosen(found, consensus(found).posterior)
    assert p == pytest.approx([0.5, 0.5]) and not settled.any() and set(label) <= {0, 1}
