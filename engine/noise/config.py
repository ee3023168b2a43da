"""Every threshold and every size of the label-noise pipeline, with the source of its value.

Six kinds of source occur:

derived     from a definition or a known distribution; no data were used
chosen      by hand, before results were counted; there is no better reason than that
mnistTask3  by counting mistakes on mnistTask3 with MNIST's true labels. Results on mnistTask3 are
            therefore development figures, not test figures
EMNIST      by counting mistakes on EMNIST characters with injected noise
development on digits, EMNIST and characters with seeds 0 and 1 of `noise_family`; judged by
            other data and by seeds that were not read
seed 9001   after two rows of MNIST with seed 9001 of `noise_family` had missed, which are
            development figures since
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from engine.noise.config_images import ImageConfig


@dataclass(frozen=True)
class Effort:
    """How much training one run of the pipeline does.

    teacher_images   images that each teacher sees in training, counted with repetition
    student_images   the same for each student; 0: no students
    ensemble_images  the same for each network of the ensemble
    ensemble_size    networks in the ensemble, which is trained for complementary labels only; 0:
                     no ensemble
    width            channels of the first layer of the networks that compare hypotheses and of the
                     teachers: half of them train three times as fast
    about            one line for a person who chooses
    """

    teacher_images: int
    student_images: int
    ensemble_images: int
    ensemble_size: int
    about: str
    width: int = 32


EFFORTS: Mapping[str, Effort] = MappingProxyType(
    {
        "full": Effort(
            teacher_images=400_000,
            student_images=360_000,
            ensemble_images=840_000,
            ensemble_size=3,
            about="teachers, students and, for complementary labels, an ensemble",
        ),
        "quick": Effort(
            teacher_images=16_000,
            student_images=0,
            ensemble_images=0,
            ensemble_size=0,
            about=(
                "teachers only, a fifth of the time or less: the regime and the rate, a rougher"
                " ranking of suspects"
            ),
            width=16,
        ),
        "brief": Effort(
            teacher_images=7_000,
            student_images=0,
            ensemble_images=0,
            ensemble_size=0,
            about="teachers only, under half of quick: for a first look at a thousand easy images",
            width=16,
        ),
    }
)


@dataclass(frozen=True)
class NoiseConfig(ImageConfig):
    """The values that decide the pipeline's results. Shares and probabilities are in 0..1."""

    efforts: Mapping[str, Effort] = field(default_factory=lambda: EFFORTS)

    # Comparing hypotheses (hypotheses.py)

    # Images on which hypotheses are compared, and images that each network sees in training.
    # Chosen: the error of T from 12,000 labels is below 0.01 an entry, far less than the forward
    # loss notices; training takes seconds.
    hypothesis_images: int = 12_000
    hypothesis_images_per_class: int = 300
    hypothesis_training_images: int = 40_000
    # Nats, summed over images, by which a hypothesis must beat the labels' frequencies. Chosen: if labels
    # were independent of images, a predictor that was fixed beforehand would gain g nats with a
    # probability of at most exp(-g) (Markov's inequality on a likelihood ratio), 1 in 3,000 for 8. This is
    # no bound here: diagonal and temperature are fitted on the same labels, and up to six predictors tried.
    significant_nats: float = 8.0
    # Weight of early-learning regularisation where a network is trained on the diagnosis. Chosen: as in its
    # paper on CIFAR-10.
    early_learning: float = 3.0
    # How many times the nats that name the groups of images complementary labels have to carry, for labels
    # that none is found in to be independent of the images. Development (quick effort): found where they
    # carry 4.4 and 5.0 times as many (7,800 letters, 1,100 digits), not where 2.2 to 3.7 times.
    complementary_shown: float = 6.0
    # Parameters a class of a counted T, each of which may gain a nat on the labels it was counted on:
    # class-dependent noise must be ahead by as many, and by `significant_nats`. Chosen.
    parameters_of_class: int = 2
    # Index of coincidence of wrong labels from which class-dependent noise is tried, see
    # `coincidence_threshold`. Chosen: 1 is uniform noise, K - 1 is a single wrong class for each true
    # class, so that of three or four classes half-way between the two is less.
    coincidence_from: float = 2.5
    # The same where wrong labels are counted on clear images and are not few. Chosen: half-way between uniform
    # noise, 1, and uniform noise within blocks of half of the classes, about 2.
    coincidence_of_blocks: float = 1.5
    # Pairs of equal wrong labels that uniform noise would leave, below which the index is no ratio but the
    # least that they prove. Chosen.
    coincidence_pairs: float = 3.0
    # Standard errors by which a count of wrong labels must exceed that of uniform noise, and by which the
    # rates of two classes must differ. Chosen: chance exceeds three about once in a thousand.
    beyond_chance: float = 3.0
    # Share of the largest possible index of coincidence, K - 1, from which the wrong labels of a
    # class are one and the same class. Chosen.
    coincidence_of_pairs: float = 0.3
    # Share of the images that are the most confident ones, and the agreement of label and prediction that
    # the upper end of its 95% interval reaches among these where noise does not depend on the class. Chosen.
    most_confident: float = 0.1
    agreement_of_pairs: float = 0.85

    # Fitting T (transition.py, targets.py)

    # Temperatures of logits that are tried: range, and number, evenly spaced in logarithm. Chosen.
    temperature_range: tuple[float, float] = (0.25, 8.0)
    temperatures: int = 21
    # Share of each predicted class, most confident first, on which T is counted. Chosen.
    confident_share: float = 0.5
    # Log-likelihood that an interval's ends are below the maximum. Derived: half of the 95% quantile of
    # chi-squared with one degree of freedom (Wilks 1938).
    interval_drop: float = 1.92
    # Expectation-maximisation: steps at most, largest change of an entry at which it ends, pseudo-counts a
    # row in the proportions of a counted start (K for a uniform one); pseudo-counts a row of a counted T.
    # Chosen.
    em_steps: int = 25
    em_change: float = 1e-5
    em_strength: float = 1.0
    counts_strength: float = 2.0
    # The diagonal of a uniform T in training: part of the training before it is estimated, as T would fit
    # a network that predicts nothing yet; and what it keeps of its value with each batch. Chosen.
    diagonal_from: float = 0.2
    diagonal_memory: float = 0.97

    # Ambiguous classes (ambiguous_classes.py)

    # The smaller over the larger of two confusion rates, a as b and b as a, from which the two are
    # mutual. Chosen while looking at clean EMNIST characters, where O, o and 0 are confused.
    mutual_confusion: float = 0.4
    # Share of a predicted class's labels that name one other class, from which the pair is reported
    # as ambiguous: in general, and where the pattern of confusion is that of ambiguous classes.
    # Chosen.
    ambiguous_share: float = 0.15
    ambiguous_share_of_pattern: float = 0.05

    # The diagnosis (diagnosis.py)

    # Rate below which labels count as clean and single errors are left to the ranking. Chosen: one
    # label in two thousand.
    clean_rate: float = 5e-4
    # The same as a share of the networks' uncertainty, 1 - mean confidence: a smaller rate can't be
    # told from their own mistakes. EMNIST: on four draws of 12,000 clean characters the estimate
    # was 0.2% to 1.2% of the uncertainty, most of it EMNIST's own errors; with 0.1% of errors
    # added, 1.0% to 2.7%.
    clean_rate_of_uncertainty: float = 0.018
    # Upper end of the interval up to which a verdict of clean stands. Chosen: one label in twenty; whoever
    # reads 'clean' relies on it.
    clean_interval: float = 0.05
    # Rate below which symmetric noise is called 'few errors'. Chosen.
    few_errors_rate: float = 0.1
    # The rate is counted among the most confident images: the largest of these portions whose mean
    # confidence is above `certain_confidence` and that holds `certain_images`. Chosen: at 0.995 the
    # network itself errs on less than one label in two hundred. The number matters for the smaller
    # portions only: where no portion will do, the first is taken.
    confident_portions: tuple[float, ...] = (0.5, 0.25, 0.1)
    certain_confidence: float = 0.995
    certain_images: int = 100
    # Fewer expected errors than this, of a network that agrees with this share of the labels: all
    # images count, and not their confident half, which may hold hardly any of so few. Chosen.
    few_errors_count: int = 20
    few_errors_agreement: float = 0.97

    # Cross-validation (cross_validation.py)

    # (below so many images, folds), and the folds of larger sets. Chosen: with few images a larger
    # share of them must train each network, with many the time counts.
    folds_by_size: tuple[tuple[int, int], ...] = ((20_000, 4),)
    folds: int = 3
    # Whether targets for students and ensemble are posteriors, p(true | image, given label), rather
    # than predictions, p(true | image). Derived: the posterior is what is known. Off in the
    # ablation.
    posterior_targets: bool = True
    # Weight of the forward loss on complementary labels beside the loss on soft targets.
    # mnistTask3: 6 left a tenth fewer mistakes than no such term.
    label_weight: float = 6.0

    # Labels of neighbours (neighbour_labels.py)

    # Neighbours of an image. Chosen; the same number is shown on the pages.
    neighbours: int = 13
    # Candidate probabilities that a neighbour has the image's own class; the one of the highest
    # likelihood is taken, and 0 (neighbours carry no evidence) is among them.
    neighbour_shares: tuple[float, ...] = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)

    # The ensemble (ensemble.py)

    # A target is certain from this probability, and targets are mostly certain from this share of
    # certain ones. mnistTask3: 0.95 left nearly a tenth fewer mistakes than 0 or 0.99.
    target_confidence: float = 0.95
    mostly_certain: float = 0.9
    # Factor of training time where targets are mostly certain. Derived: the small network trains
    # 2.4 times as fast as the large one, and there is one network fewer.
    longer: int = 3

    # Test-time augmentation (inference.py)

    # Augmented copies of an image. mnistTask3: the mistakes of two saved models fell from 384 and
    # 340 with three copies to 377 and 330 with six; ten were then taken without a count of their
    # own.
    tta_copies: int = 10
    # Images whose first prediction is at least this confident are not augmented. mnistTask3: above
    # it more copies changed no class of 60,000; one image in ten is below.
    tta_below: float = 0.999

    # Training through wrong labels (recover.py)

    # Posterior probability above which a prediction becomes a pseudo-label. Chosen.
    pseudo_label_confidence: float = 0.9
    # Validation images from which the temperature is fitted on their labels alone. Chosen.
    temperature_labels: int = 200

    # Cleaned labels (cleaned_labels.py)

    # Posterior probability from which the likely class becomes the label, unless a person sets
    # another. Chosen.
    cleaned_confidence: float = 0.9

    def coincidence_threshold(self, classes: int) -> float:
        """`coincidence_from`, or half-way between 1 and K - 1, K/2, where K, `classes`, is below 5."""
        return min(self.coincidence_from, classes / 2)

    def fold_count(self, images: int) -> int:
        """Folds for a data set of so many images."""
        return next((folds for below, folds in self.folds_by_size if images < below), self.folds)


CONFIG = NoiseConfig()
