"""The labels around an image as evidence of its class."""

import numpy as np

from engine.noise.inject import add_noise
from engine.noise.neighbour_labels import SHARES, fit_share, vicinity
from engine.noise.transition import even, log_softmax

RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 10, 3000)
GIVEN = add_noise(TRUE, 10, "complementary", 1.0, 0)
T = even(10, 0.001)


def neighbours(pure: float, k: int = 13) -> np.ndarray:
    """Positions (n, k), of the image's own class with probability `pure` and otherwise of any."""
    own = np.array([RNG.choice(np.flatnonzero(TRUE == label), k) for label in TRUE])
    return np.where(RNG.random(own.shape) < pure, own, RNG.integers(0, len(TRUE), own.shape))


def test_a_dozen_labels_that_rule_classes_out_leave_the_right_one():
    evidence = vicinity(T, GIVEN, neighbours(1.0, 40), 0.95)
    assert evidence.shape == (3000, 10) and evidence.dtype == np.float32
    assert (evidence.argmax(1) == TRUE).mean() > 0.9
    chance = (vicinity(T, GIVEN, neighbours(0.0, 40), 0.95).argmax(1) == TRUE).mean()
    assert chance < 0.2


def test_the_images_own_label_takes_no_part():
    near = neighbours(0.9)
    near[:] = np.where(near == np.arange(3000)[:, None], (near + 1) % 3000, near)
    before = vicinity(T, GIVEN, near, 0.5)
    other = GIVEN.copy()
    other[0] = (other[0] + 1) % 10
    untouched = ~(near == 0).any(1)
    untouched[0] = True
    np.testing.assert_allclose(
        vicinity(T, other, near, 0.5)[untouched], before[untouched], atol=0.05
    )  # frequencies moved by 1 in 3000


def test_the_share_follows_how_far_neighbours_are_of_one_class():
    unsure = log_softmax(2.0 * np.eye(10)[TRUE] + RNG.normal(0, 1, (3000, 10)))
    shares = [fit_share(unsure, T, GIVEN, neighbours(pure)) for pure in (0.0, 0.5, 0.95)]
    assert shares[0] <= 0.2 < shares[1] < shares[2] and set(shares) <= set(SHARES)
    joined = unsure + vicinity(T, GIVEN, neighbours(0.95), shares[2])
    assert (joined.argmax(1) == TRUE).mean() > (unsure.argmax(1) == TRUE).mean() + 0.1
