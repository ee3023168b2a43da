"""Labels of neighbours as evidence of an image's class."""

import numpy as np

from engine.noise.config import CONFIG
from engine.noise.inject import add_noise
from engine.noise.neighbour_labels import fit_share, neighbour_evidence
from engine.noise.transition import log_softmax, uniform_transition

RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 10, 3000)
GIVEN = add_noise(TRUE, 10, "complementary", 1.0, 0)
T = uniform_transition(10, 0.001)


def neighbours(pure: float, k: int = 13) -> np.ndarray:
    """Positions (n, k), of the image's own class with probability `pure` and otherwise of any."""
    own = np.array([RNG.choice(np.flatnonzero(TRUE == label), k) for label in TRUE])
    return np.where(RNG.random(own.shape) < pure, own, RNG.integers(0, len(TRUE), own.shape))


def test_complementary_labels_of_many_neighbours_leave_the_true_class():
    evidence = neighbour_evidence(T, GIVEN, neighbours(1.0, 40), 0.95)
    assert evidence.shape == (3000, 10) and evidence.dtype == np.float32
    assert (evidence.argmax(1) == TRUE).mean() > 0.9
    chance = (neighbour_evidence(T, GIVEN, neighbours(0.0, 40), 0.95).argmax(1) == TRUE).mean()
    assert chance < 0.2


def test_the_images_own_label_takes_no_part():
    near = neighbours(0.9)
    near[:] = np.where(near == np.arange(3000)[:, None], (near + 1) % 3000, near)
    before = neighbour_evidence(T, GIVEN, near, 0.5)
    other = GIVEN.copy()
    other[0] = (other[0] + 1) % 10
    untouched = ~(near == 0).any(1)
    untouched[0] = True
    np.testing.assert_allclose(
        neighbour_evidence(T, other, near, 0.5)[untouched], before[untouched], atol=0.05
    )  # frequencies moved by 1 in 3000


def test_the_fitted_share_grows_with_the_share_of_neighbours_of_the_same_class():
    uncertain = log_softmax(2.0 * np.eye(10)[TRUE] + RNG.normal(0, 1, (3000, 10)))
    shares = [fit_share(uncertain, T, GIVEN, neighbours(pure)) for pure in (0.0, 0.5, 0.95)]
    assert shares[0] <= 0.2 < shares[1] < shares[2] and set(shares) <= set(CONFIG.neighbour_shares)
    joined = uncertain + neighbour_evidence(T, GIVEN, neighbours(0.95), shares[2])
    assert (joined.argmax(1) == TRUE).mean() > (uncertain.argmax(1) == TRUE).mean() + 0.1
