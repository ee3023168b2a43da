"""Thresholds of what images show without their labels: `NoiseConfig` inherits them. The kinds of
source are those of `config`; none of these values was chosen by a probability bound.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ImageConfig:
    """The values that decide what images show. Shares and probabilities are in 0..1."""

    # Descriptors, their nearest neighbours, networks on them (geometry.py, descriptor_networks.py)

    # Nearest neighbours of an image by its descriptor: at most so many, and at least; in between, a part
    # of a class, one in `descriptor_neighbours_of_class`. Chosen: fewer say little, more reach beyond the
    # group.
    descriptor_neighbours: int = 12
    descriptor_neighbours_least: int = 4
    descriptor_neighbours_of_class: int = 6
    # Principal components of the descriptor. Chosen.
    descriptor_components: int = 64
    # Images of handwriting beyond which shapes of characters take no part in the descriptor. Chosen: of
    # so many, networks on pixels learn more. Weight of shapes beside gradients. Chosen: of 1.0, 1.5 and 2.5
    # neighbours have the same class about as often, and gradients still count where shapes say nothing.
    shape_images: int = 20_000
    shape_weight: float = 1.5
    # The network on descriptors: hidden units, images that it sees in training, epochs at most. Chosen:
    # seconds of training; 99.6% of digits and 80% of EMNIST's 62 classes are predicted.
    descriptor_network_width: int = 256
    descriptor_network_images: int = 100_000
    descriptor_network_epochs: int = 25
    # Candidates of the weight that networks on descriptors have in the final probabilities, beside those
    # on pixels: of few images they learn more. Derived: the likeliest is taken.
    descriptor_shares: tuple[float, ...] = (0.0, 0.25, 0.5, 0.75)
    # How often an image's probabilities are averaged with those of its nearest neighbours, and the weight
    # of these. Development: of labels with 30% flips, 30% of the images are clear after one round at a
    # half and 60 to 75% after three at 0.7, all but one in 500 predicted rightly; after six, rare classes
    # of few images dissolve.
    propagation_rounds: int = 3
    propagation_weight: float = 0.7
    # Candidates of that weight for the final probabilities. Derived: the likeliest is taken.
    propagation_weights: tuple[float, ...] = (0.0, 0.25, 0.5)

    # Clear images (separability.py, reconcile.py)

    # Share of a class's neighbours in another class from which the two look alike. Development (digits
    # and EMNIST): O in 0, l and I in 1 are at 0.39 to 0.6; pairs of separate classes below 0.1.
    mixed_share: float = 0.2
    # A class is hidden in another if it is predicted less often than this, as a share of its labels.
    # Chosen, as in ambiguous_classes.py.
    hidden_class: float = 0.5
    # Share of unexplained labels among clear images from which labels are not clean. Development: 0.2%
    # and 0.3% on clean EMNIST, 0 on digits and characters.
    unexplained_share: float = 0.005
    # Unexplained labels over explained ones that clean labels leave on clear images: as many say nothing.
    # Development: 0.04 to 0.06 on clean EMNIST characters, 0.16 on 460 clear images of tablet characters.
    unexplained_of_explained: float = 0.2
    # Lower bound of clear images from which labels are wrong for certain, whatever else looks alike.
    # Chosen: one in fifty.
    certain_wrong: float = 0.02
    # Clear images that a verdict takes, and their share. Chosen: below, nothing was looked at.
    clear_images: int = 50
    clear_share: float = 0.03
    # Share of clear images from which the rate is counted on them. Development: 31% of EMNIST's capitals
    # are clear, 60 images of each of 23.
    counted_share: float = 0.1
    # Share of clear images from which a few wrong labels are counted on them although the labels fit a
    # clean data set. Chosen: the images that are not clear could hold as many errors as were found.
    nearly_all_clear: float = 0.9
    # Of the labels that differ among clear images, the share that must be unexplained for a rate. Chosen.
    mostly_unexplained: float = 0.5
    # Clear images of a class below which its row of T is not counted on them. Chosen.
    counted_images: int = 10
    # Second label of the most confident images over the first, from which names can't be told. Chosen:
    # 0.5 are flips at a third, or two wrong classes at 67% and 33%.
    second_label: float = 0.5
    # Share of the labels of the most confident images that the first two make up, and share of the clear
    # images whose second label leads on to a third, from which labels depend on the class though no name
    # is known. Chosen: nearly all, and more than half.
    two_labels: float = 0.9
    wandering: float = 0.5
    # Share of the most confident images with the predicted label below which another may be the name
    # where noise depends on the class. Seed 9001: three wrong classes at 0.58, 0.25 and less, whose
    # interval missed the rate, brought this value in.
    named: float = 0.7
    # Nats an image by which probabilities predict labels better than predicted classes do, from which
    # wrong labels are a few fixed classes each. Development: below 0 for uniform noise, 0.13 for three.
    within_classes: float = 0.05
    # Exponents of the probabilities, inverse temperatures, of which the likeliest is taken for that. Chosen.
    within_exponents: tuple[float, ...] = (0.5, 0.7, 1.0, 1.4, 2.0)
    # Labels that differ from the prediction beyond those that a verdict of few wrong labels allows, as a
    # share of all, from which it does not stand. Development: 3% to 7% of clean digits, capitals and
    # printed letters, 22% where 22% of the labels of hard images are wrong.
    hard_share: float = 0.1

    # Plateaus (plateaus.py): starts and iterations of k-means, and the share of a label's images in one
    # plateau from which the label is that plateau's. Chosen.
    plateau_starts: int = 4
    plateau_iterations: int = 25
    plateau_of_label: float = 0.5

    # Images of no class (no_class.py)

    # Outliers, predictions spread over many classes whose label is not among the `outlier_rank` likeliest:
    # the share of images from which some belong to no class. Seed 9001: a row of MNIST with 3.2% such
    # images that was called clean brought both down, from 2% and four classes. EMNIST, development: 0.15%
    # of clean digits, 0.4 to 0.9% of clean letters and characters.
    outlier_share: float = 0.008
    outlier_rank: int = 3
    # Share of the images of no class that are outliers; an interval holds the others. Development: 0.55
    # to 0.95, but for letters among digits, 0.48.
    outliers_found: float = 0.5
    # Labels of outliers that a verdict of clean allows for, as a share of all. Chosen: one in a hundred; of
    # clean EMNIST capitals 1.2% can't be excluded, which is then said.
    clean_at_most: float = 0.01
    # Neighbours that must be spread, too, for an image to be set aside; the share of images set aside from
    # which a verdict speaks of them, and up to which: beyond, it is noise of another kind. The first and
    # the last chosen, the second development (of clean labels, at most one image in a hundred is set aside).
    no_class_neighbours: float = 0.5
    no_class_share: float = 0.01
    # and how many they are at least. Derived: they have to be like each other, and one or two are not.
    no_class_least: int = 3
    no_class_at_most: float = 0.5
    # Classes below which nothing is decided: a bit of each of two classes is any image that is hard to
    # tell. Chosen.
    no_class_classes: int = 5
    # What decides that they belong to no class: the core (those whose neighbours are all spread), as a
    # share of them and in images; its distance from its neighbours over that of other images; and the
    # bound on the share of its labels that may be right. Images chosen, the rest development, EMNIST: of a
    # digit without a name, or a letter among digits, the core is 0.6 to 0.9, at 0.85 to 1.1 of the
    # distance, with a bound of 0.1 to 0.2; of 26 letters among digits 0.1 at 1.4; of clean labels 0.
    no_class_core: float = 0.3
    no_class_images: int = 15
    no_class_distance: float = 1.25
    no_class_right: float = 0.35
    # Images that are not like each other: the share of the labels of hard images that is the likeliest class,
    # beyond chance, over that of all others; the bound on the share of right labels that follows, up to
    # which they are of no class; and the chance beyond which nothing follows. Development: of hard
    # images of classes 0.2 to 0.6 of the labels, with a bound of 1; of scraps of several images at most
    # 0.1, with a bound of 0.2 to 0.5. Of fewer than five classes chance explains too much.
    hard_agreement: float = 0.2
    scattered_right: float = 0.75
    scattered_chance: float = 0.25

    # Groups of images by normalised cuts (hidden_classes.py, confused_groups.py)

    # Images of a label that are cut, at least and at most, and neighbours of each in the graph. Chosen.
    cut_images_least: int = 40
    cut_images: int = 400
    cut_neighbours: int = 8
    # The smaller group's least share of the images: in general, and where the groups are to be two
    # classes. Chosen.
    smaller_group: float = 0.15
    smaller_class: float = 0.3
    # Normalised-cut ratio below which a label's images form two groups. Development: it is below 0.1 for 1
    # (with and without a foot) and 9 of clean digits, too, so that a cut alone says nothing.
    two_groups: float = 0.1
    # The same, below which a label with the images of two classes, where no name is missing, is two
    # classes. Chosen: the groups hardly share a neighbour.
    two_classes_cut: float = 0.02
    # Images of a label over those of the median class from which two classes may lie under it; the largest
    # of the other classes over the median, up to which classes are even; and the images of a group that is
    # a class, over the median class, at least and at most. Chosen.
    two_classes_large: float = 1.6
    even_classes: float = 1.3
    hidden_group_sizes: tuple[float, float] = (0.6, 1.5)
    # Normalised-cut ratio between groups of images of classes that labels confuse, from which these are no
    # groups, and below which groups that are the predicted classes are looked at. Development, two clean
    # classes together by gradients: 0.01 to 0.08 for nine in ten pairs of digits and of capitals.
    mixed_groups: float = 0.13
    certain_groups: float = 0.05
    # The same, below which labels are mixed up between them for certain: of groups that are the predicted
    # classes, and of others. Development: with errors drawn between two classes 0.000 to 0.013 for nine
    # in ten pairs; of clean classes that look alike 0.028 to 0.048 for J and j, T and t, 1 and l, and 0.013
    # to 0.065 for two ways to write U, which no label names.
    named_groups: float = 0.02
    unnamed_groups: float = 0.005
    # Classes that are cut together, at most; pairs that are examined, the most confused first; labels of a
    # pair that are the other's, and their share, from which it is. Chosen: they bound the time.
    confused_classes: int = 4
    confused_pairs: int = 60
    confused_labels: int = 4
    confused_share: float = 0.04
    # Of the images of a pair, the share in the group of their predicted class from which the groups are
    # the predicted classes, and from which they are for certain; images below which a part is not cut;
    # images of a group over the median class, at least and at most. Chosen.
    aligned_share: float = 0.6
    certainly_aligned: float = 0.9
    uncut_images: int = 16
    confused_group_sizes: tuple[float, float] = (0.5, 1.7)
    # Chance-corrected agreement (Cohen's kappa) of labels with predictions within such groups, from which
    # labels are not mixed up there: the image tells them apart, and the groups are of something else, as
    # capital and small letters. Chosen: half-way between none and all.
    told_apart_within: float = 0.5
    # Labels that may be right under another assignment of names, over those under the best one, from which
    # the interval holds both. Chosen.
    other_names: float = 0.8
