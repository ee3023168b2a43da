"""Every threshold and every size of the label-noise pipeline, with the source of its value.

Five kinds of source occur:

derived     from a probability bound or a definition; no data were used
chosen      by hand, before results were counted; any value near it is as good a reason
mnistTask3  by counting mistakes on mnistTask3 with MNIST's true labels. Results on mnistTask3 are
            therefore development figures, not test figures
EMNIST      by counting mistakes on EMNIST characters with injected noise
development on digits, EMNIST and characters with seeds 0 and 1 of `noise_family`; judged by
            other data and by its blind seeds
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


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
    }
)


@dataclass(frozen=True)
class NoiseConfig:
    """The values that decide the pipeline's results. Shares and probabilities are in 0..1."""

    efforts: Mapping[str, Effort] = field(default_factory=lambda: EFFORTS)

    # Comparing hypotheses (hypotheses.py)

    # Images on which hypotheses are compared, and images that each network sees in training.
    # Chosen: the error of T from 12,000 labels is below 0.01 an entry, far less than the forward
    # loss notices; training takes seconds.
    hypothesis_images: int = 12_000
    hypothesis_images_per_class: int = 300
    hypothesis_views: int = 40_000
    # Nats, summed over images, by which a hypothesis must beat the labels' frequencies. Derived: if
    # labels were independent of images, a predictor that was fixed beforehand would gain g nats
    # with a probability of at most exp(-g) (Markov's inequality on a likelihood ratio): exp(-8) is
    # 1 in 3,000, whatever the number of images or classes.
    significant_nats: float = 8.0
    # Index of coincidence of wrong labels from which class-dependent noise is tried, see
    # `coincidence_threshold`. Chosen: 1 is uniform noise, K - 1 is a single wrong class for each true
    # class, so that of three or four classes half-way between the two is less.
    coincidence_from: float = 2.5
    # Standard errors by which a count of wrong labels must exceed that of uniform noise, and by which the
    # rates of two classes must differ. Chosen: chance exceeds three about once in a thousand.
    beyond_chance: float = 3.0
    # Share of the largest possible index of coincidence, K - 1, from which the wrong labels of a
    # class are one and the same class. Chosen.
    coincidence_of_pairs: float = 0.3
    # Agreement of label and prediction that the most confident tenth of the images reaches where
    # noise does not depend on the class. Chosen.
    agreement_of_pairs: float = 0.85

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
    # Rate below which symmetric noise is called 'few errors'. Chosen.
    few_errors_rate: float = 0.1
    # The rate is counted among the most confident images: the largest of these portions whose mean
    # confidence is above `certain_confidence` and that holds `certain_images`. Chosen: at 0.995 the
    # network itself errs on less than one label in two hundred.
    confident_portions: tuple[float, ...] = (0.5, 0.25, 0.1)
    certain_confidence: float = 0.995
    certain_images: int = 100
    # Fewer expected errors than this, of a network that agrees with this share of the labels: all
    # images count, and not their confident half, which may hold hardly any of so few. Chosen.
    few_errors_count: int = 20
    few_errors_agreement: float = 0.97

    # Clear images (geometry.py, probe.py, separability.py, readings.py)

    # Images that look most like an image: at most so many, and at least; in between, a part of a
    # class, one in `look_alikes_of_class`. Chosen: fewer say little, more reach beyond the group.
    look_alikes: int = 12
    look_alikes_least: int = 4
    look_alikes_of_class: int = 6
    # How often an image's probabilities are averaged with those of what looks like it, and the share
    # of these. Development part: of labels with 30% flips, 30% of the images are clear after one
    # round at a half and 60 to 75% after three at 0.7, all but one in 500 predicted rightly; after
    # six, rare classes of few images dissolve.
    look_alike_rounds: int = 3
    look_alike_share: float = 0.7
    # Candidates of the same share for the final probabilities; the likeliest is taken.
    look_alike_shares: tuple[float, ...] = (0.0, 0.25, 0.5)
    # Candidates of the weight that networks on descriptors have in them, beside those on pixels: of few
    # images they learn more. The likeliest is taken.
    descriptor_shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)
    # Principal components of the descriptor. Chosen.
    descriptor_components: int = 64
    # The network on descriptors: hidden units, images that it sees in training, epochs at most.
    # Chosen: seconds of training; 99.6% of digits and 80% of EMNIST's 62 classes are predicted.
    probe_width: int = 256
    probe_views: int = 100_000
    probe_epochs: int = 25
    # Share of a class's neighbours in another class from which the two look alike. Development part
    # of the noise family on digits and EMNIST (seeds 0 and 1): O in 0, l and I in 1 are at 0.39 to
    # 0.6; pairs of separate classes below 0.1.
    mixed_share: float = 0.2
    # A class is hidden in another if it is predicted less often than this, as a share of its
    # labels. Chosen, as in ambiguous_classes.py.
    hidden_class: float = 0.5
    # Share of unexplained labels among clear images from which labels are not clean. The same
    # development part: 0.2% and 0.3% on clean EMNIST, 0 on digits and characters.
    unexplained_share: float = 0.005
    # Share of images that look like no class and whose label is none of the likeliest, from which some
    # belong to none; and the share of those that do which is found so, so that an interval holds the
    # others. Development part, EMNIST: 0.15% of clean digits, 0.4 to 0.9% of clean letters and
    # characters, and 0.55 to 0.95 of the images of no class, but for letters among digits, 0.48. A blind
    # row at 3.2% of MNIST that was called clean showed that 2% and four classes, as before, are too many.
    unlike_share: float = 0.008
    unlike_found: float = 0.5
    # Labels of images of no class that a verdict of clean allows for, as a share of all. Chosen: one in a
    # hundred; of clean EMNIST capitals 1.2% can't be excluded, which is then said.
    clean_at_most: float = 0.01
    # Images of no class (no_class.py): their share from which a verdict speaks of them; and what
    # decides that they are: the share of them whose look-alikes all are, too; their distance from these
    # over that of other images; and the bound on the share of their labels that may be right.
    # Development part, EMNIST: of a digit without a name, or a letter among digits, 0.6 to 0.9 are
    # certain, at 0.85 to 1.1 of the distance, with a bound of 0.1 to 0.2; of 26 letters among digits
    # 0.1 at 1.4; of clean labels, at most one image in a hundred is predicted so, none is certain.
    no_class_share: float = 0.01
    no_class_certain: float = 0.3
    no_class_distance: float = 1.25
    no_class_right: float = 0.35
    # Clear images that a verdict takes, and their share. Chosen: below, nothing was looked at.
    clear_images: int = 50
    clear_share: float = 0.03
    # Share of clear images from which the rate is counted on them. Development part: 31% of EMNIST's
    # capitals are clear, 60 images of each of 23.
    counted_share: float = 0.1
    # Second label of the most confident images over the first, from which names can't be told.
    # Chosen: 0.5 are flips at a third, or two wrong classes at 67% and 33%.
    second_label: float = 0.5
    # Share of the most certain images with the predicted label below which another may be the name where
    # noise depends on the class: each label may be one of a few wrong ones, the first of which is as
    # frequent. A blind row that an interval missed showed it: three wrong classes at 0.58, 0.25 and less.
    named: float = 0.7
    # Nats an image of structure within predicted classes from which labels of a minority are a
    # few fixed wrong classes each. Development part: below 0 for uniform noise, 0.13 for three.
    within_classes: float = 0.05
    # Labels that are not foretold beyond those that a verdict of few wrong labels allows, as a share
    # of all, from which it does not stand. Development part: 3% to 7% of clean digits, capitals and
    # printed letters, 22% where 22% of the labels of hard images are wrong.
    hard_share: float = 0.1
    # Of the labels that differ among clear images, the share that must be unexplained for a rate.
    # Chosen.
    mostly_unexplained: float = 0.5
    # A label under which two classes may lie: cut between two groups of its images, as a share of
    # that of random groups; and its images over those of the usual class. Development part: cuts
    # are below 0.1 for 1 (with and without a foot) and 9 of clean digits, too, so that a cut alone
    # says nothing.
    two_groups: float = 0.1
    # Cut between groups of images of classes that labels confuse, from which these are no groups; and
    # below which labels are mixed up between them, where the groups are the predicted classes and
    # where they are not. Development part, two clean classes together: 0.01 to 0.08 for nine in ten
    # pairs of digits and of capitals; of EMNIST's look-alikes, which no cut separates by their labels,
    # 0.034 to 0.044 for 1, l and I, whose strokes lean either way, and above 0.1 for all others.
    mixed_groups: float = 0.13
    certain_groups: float = 0.05
    unnamed_groups: float = 0.02
    two_classes_large: float = 1.6

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
