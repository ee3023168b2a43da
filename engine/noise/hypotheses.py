"""Hypotheses about how labels relate to classes: a label names the class or excludes it, and wrong
labels are uniform or depend on the class.

Under each hypothesis a network is trained through a transition matrix on some of the images, and
the hypothesis with the higher log-likelihood of the given labels of the other images is accepted.
If none is likelier than the labels' plain frequencies, labels are independent of the images.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from engine.metrics import wilson_interval
from engine.noise.ambiguous_classes import (
    ambiguous_pairs,
    coincidence,
    is_class_dependent,
    moved_to_diagonal,
    without_most_frequent,
    wrong_labels_agree,
)
from engine.noise.config import CONFIG, NoiseConfig
from engine.noise.descriptor_networks import descriptor_logits, own_fold
from engine.noise.network import Network, NoisyData, predict, small_network, train
from engine.noise.targets import FixedTransition, UniformTransition
from engine.noise.transition import (
    confident_counts,
    fit_temperature,
    fit_uniform,
    log_likelihood,
    log_softmax,
    transition_of_counts,
    uniform_transition,
)
from engine.progress import Progress

SYMMETRIC, COMPLEMENTARY, CLASS_DEPENDENT = "symmetric", "complementary", "class-dependent"
HYPOTHESES: dict[str, str] = {
    SYMMETRIC: "a label names the class, and a wrong one is any other class",
    COMPLEMENTARY: "a label names a class that the image does not belong to",
    CLASS_DEPENDENT: "a label names the class, and a wrong one depends on the true class",
}


@dataclass(frozen=True)
class Hypothesis:
    """One hypothesis, fitted to labels that its network was not trained on.

    gain         mean log-likelihood of the labels above that of their frequencies, in nats an
                 image; gain_error its standard error
    diagonal     mean of T's diagonal: the share of correct labels that fits best
    matrix       T (K, K) under the hypothesis
    gains        (n,) the gain of each image
    significant  whether the gains sum to more than `NoiseConfig.significant_nats`
    agreement    upper end (95%) of the share of the most confident tenth of the images whose label
                 is the predicted class
    coincidence  index of coincidence of the wrong labels, those of ambiguous pairs left out, see
                 `ambiguous_classes.coincidence`
    """

    name: str
    gain: float
    gain_error: float
    diagonal: float
    matrix: np.ndarray = field(repr=False)
    gains: np.ndarray = field(repr=False)
    significant: bool
    agreement: float
    coincidence: float


def training_transition(
    hypothesis: Hypothesis | str, classes: int
) -> UniformTransition | FixedTransition:
    """The T to train through: that of class-dependent noise as it was estimated; otherwise a
    uniform T whose diagonal is estimated in training. It starts in the middle of its range, 1/K to 1,
    or near zero: at 1/K the forward loss is the same whatever is predicted, and nothing is learned.
    """
    if isinstance(hypothesis, Hypothesis) and hypothesis.name == CLASS_DEPENDENT:
        return FixedTransition(hypothesis.matrix)
    name = hypothesis if isinstance(hypothesis, str) else hypothesis.name
    if name == SYMMETRIC:
        return UniformTransition((1 + 1 / classes) / 2, 1 / classes, 1 - 1e-4)
    return UniformTransition(1e-4, 1e-5, 1 / classes)


def about_names(classes: int) -> tuple[str, ...]:
    """The hypotheses about whether labels name the class. Of two classes, a label that excludes one
    names the other: the two hypotheses are one up to the names, which images don't carry.
    """
    return (SYMMETRIC, COMPLEMENTARY) if classes > 2 else (SYMMETRIC,)


def label_frequencies(given: np.ndarray, classes: int) -> np.ndarray:
    """Shares (K,) of the labels: the likeliest prediction of them without images, as they are
    counted on the very labels that are predicted.
    """
    return np.bincount(given, minlength=classes) / len(given)


def fit_hypothesis(
    name: str,
    logits: np.ndarray,
    given: np.ndarray,
    matrix: np.ndarray | None = None,
    config: NoiseConfig = CONFIG,
) -> Hypothesis:
    """A hypothesis fitted to logits (n, K) of images whose `given` labels (n,) took no part in
    training.

    matrix (K, K): T of class-dependent noise; None: the likeliest uniform T on the hypothesis's
    side of 1/K.
    """
    classes = logits.shape[1]
    frequencies = label_frequencies(given, classes)
    if matrix is None:
        low, high = (1 / classes, 1.0) if name == SYMMETRIC else (0.0, 1 / classes)
        fitted = fit_uniform(logits, given, low, high)
        matrix, temperature = uniform_transition(classes, fitted.diagonal), fitted.temperature
    else:
        temperature = fit_temperature(logits, matrix, given)
    log_p = log_softmax(logits, temperature)
    gains = log_likelihood(log_p, matrix, given) - np.log(frequencies[given])
    predicted, confidence = logits.argmax(1), log_p.max(1)
    confident = confidence >= np.quantile(confidence, 1 - config.most_confident)
    _, agreement = wilson_interval(int((predicted == given)[confident].sum()), int(confident.sum()))
    counts = confident_counts(logits, given)
    return Hypothesis(
        name=name,
        gain=float(gains.mean()),
        gain_error=float(gains.std() / np.sqrt(len(gains))) + 1e-12,
        diagonal=float(np.diag(matrix).mean()),
        matrix=matrix,
        gains=gains,
        significant=float(gains.sum()) > config.significant_nats,
        agreement=agreement,
        coincidence=coincidence(moved_to_diagonal(counts, ambiguous_pairs(counts, config))),
    )


def compare_hypotheses(
    data: NoisyData,
    index: np.ndarray,
    epochs: int,
    seed: int,
    progress: Progress,
    config: NoiseConfig = CONFIG,
    same: np.ndarray | None = None,
    network: Network = small_network,
) -> dict[str, Hypothesis]:
    """The hypotheses about the labels at `index` (n,), by name. Each is fitted to the predictions
    of one network, trained on three quarters of the images, for the fourth quarter. Images with one
    value in `same` (n,) are copies of each other, and lie on one side.

    Class-dependent noise is tried only if wrong labels coincide more than uniform noise would.
    """
    order = np.random.default_rng([seed, 2]).permutation(len(index))
    copies = np.arange(len(index)) if same is None else same
    apart = np.isin(copies, copies[order[: len(order) // 4]])
    held, trained = np.sort(index[apart]), np.sort(index[~apart])
    given, tried = data.given[held], count()

    def held_out_logits(transition: UniformTransition | FixedTransition) -> np.ndarray:
        number = next(tried)

        def tell(done: int, total: int, what: str) -> None:
            progress(number * total + done, 3 * total, what)

        what = "comparing hypotheses"
        model, _ = train(data, trained, transition, epochs, seed, tell, what, network)
        return predict(data, model, held)[0]

    return _compared(held_out_logits, given, data.classes, config)


def compare_on_descriptors(
    vectors: np.ndarray,
    given: np.ndarray,
    fold: np.ndarray,
    classes: int,
    seed: int,
    progress: Progress,
    config: NoiseConfig = CONFIG,
) -> dict[str, Hypothesis]:
    """The hypotheses, by name, each fitted to cross-validated predictions from descriptors (n, D) of
    the images with labels `given` (n,): seconds, where networks on pixels take minutes.
    """

    def predicted(targets: UniformTransition | FixedTransition) -> np.ndarray:
        by_fold = descriptor_logits(vectors, given, fold, classes, seed, targets, progress, config)
        return own_fold(by_fold, fold)

    return _compared(predicted, given, classes, config)


def _compared(
    predicted: Callable[[UniformTransition | FixedTransition], np.ndarray],
    given: np.ndarray,
    classes: int,
    config: NoiseConfig,
) -> dict[str, Hypothesis]:
    """predicted: logits (n, K), out of sample, of networks that were trained through a T; given (n,)."""
    out: dict[str, Hypothesis] = {}
    matrix = None
    for name in about_names(classes):
        logits = predicted(training_transition(name, classes))
        out[name] = fit_hypothesis(name, logits, given, config=config)
        if name == SYMMETRIC:
            matrix = class_dependent_transition(logits, given, out[name].diagonal, config)
    symmetric = out[SYMMETRIC]
    others = [found.gain for name, found in out.items() if name != SYMMETRIC]
    if matrix is not None and symmetric.significant and all(symmetric.gain > g for g in others):
        logits = predicted(FixedTransition(matrix))
        found = fit_hypothesis(CLASS_DEPENDENT, logits, given, matrix, config)
        again = class_dependent_transition(logits, given, symmetric.diagonal, config)
        out[CLASS_DEPENDENT] = found if again is None else replace(found, matrix=again)
    return out


def class_dependent_transition(
    logits: np.ndarray, given: np.ndarray, diagonal: float, config: NoiseConfig = CONFIG
) -> np.ndarray | None:
    """T (K, K) counted on the more confident half of held-out images; None unless their wrong
    labels coincide more than uniform noise and ambiguous classes explain.
    """
    counts = confident_counts(logits, given)
    ambiguous = ambiguous_pairs(counts, config)
    rest = moved_to_diagonal(counts, ambiguous)
    if not wrong_labels_agree(rest, config) or not is_class_dependent(counts, ambiguous, config):
        return None
    ambiguous = without_most_frequent(counts, ambiguous)
    return transition_of_counts(moved_to_diagonal(counts, ambiguous), diagonal)


def select_hypothesis(
    hypotheses: dict[str, Hypothesis], config: NoiseConfig = CONFIG
) -> Hypothesis | None:
    """The hypothesis to accept, or None if none is significantly likelier than the labels'
    frequencies.

    The T of class-dependent noise has parameters that were counted on the labels it predicts, about
    two a class, so its gains, summed, must be ahead of the symmetric hypothesis's by more than these
    could contribute. A network trained under the symmetric hypothesis can predict class-dependent
    labels about as well, by being uncertain of every image. But no data set is without a single
    unambiguous image: if even the most confident predictions contradict their labels, and always
    with the same wrong class, noise depends on the class, too. (Of two classes the wrong class is
    always the same, which is no evidence: there the gains alone decide, and then clear images.)
    """
    best = max(
        (hypotheses[name] for name in (SYMMETRIC, COMPLEMENTARY) if name in hypotheses),
        key=lambda hypothesis: hypothesis.gain,
    )
    if not best.significant:
        return None
    if CLASS_DEPENDENT in hypotheses and best.name == SYMMETRIC:
        classes = len(best.matrix)
        ahead = hypotheses[CLASS_DEPENDENT].gains - best.gains
        one_wrong_class = best.coincidence > max(
            config.coincidence_threshold(classes), config.coincidence_of_pairs * (classes - 1)
        )
        parameters = config.parameters_of_class * classes
        if ahead.sum() > parameters + config.significant_nats or (
            one_wrong_class and best.agreement < config.agreement_of_pairs
        ):
            return hypotheses[CLASS_DEPENDENT]
    return best
