"""The published studies: what each was about, and its experiments as recipes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    pass


class Part(NamedTuple):
    """One published study: what it was about, and its experiments as recipes, in the order of the
    study.
    """

    title: str
    short: str
    about: str
    recipes: tuple[str, ...]
    question: tuple[str, str] | None = None  # two recipes that answer what the study asked


WRONG_LABELS = ("task3",)  # data sets of the studies whose labels are nearly all wrong

STUDIES: dict[str, Part] = {
    "A": Part(
        "Metric learning on 62 classes",
        "62 classes",
        "A ZFNet learns an embedding from triplets; kNN and a classifier judge it.",
        ("characters-zfnet-triplet", "characters-zfnet-classifier"),
    ),
    "B": Part(
        "Metric learning on MNIST",
        "MNIST",
        "Does the embedding of the characters carry over to digits?",
        ("mnist-zfnet-finetuned", "mnist-zfnet-scratch"),
        ("mnist-zfnet-finetuned", "mnist-zfnet-scratch"),
    ),
    "C": Part(
        "Progressive resizing, transfer, and wrong labels",
        "Resizing and transfer",
        "ResNet18 from random weights: images that grow, pretraining on other hands, and a training"
        " set whose labels are nearly all wrong.",
        (
            "characters-resnet18-progressive",
            "digits-resnet18",
            "mnist-resnet18-pretrained",
            "mnist-resnet18-scratch",
            "task3-convnet-onecycle",
            "task3-convnet-flat",
            "task3-resnet18-scratch",
            "task3-resnet18-pretrained-digits",
            "task3-resnet18-pretrained-mnist",
        ),
        ("mnist-resnet18-pretrained", "mnist-resnet18-scratch"),
    ),
    "D": Part(
        "MNIST with fewer than 8,000 parameters",
        "8,000 parameters",
        "99.4% in at most 15 epochs, reached in three steps, each with a target, a result and an"
        " analysis.",
        ("mnist-tiny-step1", "mnist-tiny-step2", "mnist-tiny-step3"),
    ),
    "E": Part(
        "Nature 12K",
        "Nature",
        "Photographs of ten kinds of living things: a CNN from scratch, and ImageNet's features.",
        ("nature-cnn5", "nature-resnet50"),
    ),
}
