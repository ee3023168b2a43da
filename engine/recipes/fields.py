"""The fields of a recipe, each with its bounds and its description."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError

from engine.errors import DataError
from engine.files.checked import check_plain, wrong_field
from engine.recipes.augmentation import Augment, Frozen

MOST_EPOCHS = 10_000
LARGEST_RATE = 1000
LARGEST_SEED = 2**32 - 1  # what numpy's and scikit-learn's generators take
LARGEST_OPTION = 1e10  # of a model, a loss or a miner


def _options(value: dict[str, Any]) -> dict[str, Any]:
    def largest(item: Any) -> float:
        if isinstance(item, Mapping):
            return max(map(largest, item.values()), default=0)
        if isinstance(item, list | tuple):
            return max(map(largest, item), default=0)
        return abs(item) if isinstance(item, int | float) else 0

    check_plain(value)
    if largest(value) > LARGEST_OPTION:
        raise ValueError(f"no number may be larger than {LARGEST_OPTION:,.0f}")
    return value


def _rates(value: float | tuple[float, ...]) -> float | tuple[float, ...]:
    rates = value if isinstance(value, tuple) else (value,)
    if not 1 <= len(rates) <= 1000 or not all(0 < rate <= LARGEST_RATE for rate in rates):
        raise ValueError(f"input should be one number or several above 0, up to {LARGEST_RATE:,}")
    return value


Options = Annotated[dict[str, Any], AfterValidator(_options)]
Name = Annotated[str, Field(max_length=1000)]
# YAML reads a class called 0 and a folder called 2024 as numbers.
NumberedName = Annotated[Name, BeforeValidator(lambda value: _text_of(value))]


def _model_name(name: str) -> str:
    if not re.fullmatch(r"[\w+-][\w.+-]{0,59}", name):  # lists of runs show it as it is
        raise ValueError("the name of a model has letters, digits, '_', '-', '+' and '.'")
    return name


ModelName = Annotated[str, AfterValidator(_model_name)]


def _text_of(value: object) -> object:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(value) if is_number else value


Position = Annotated[int, Field(ge=0, le=10**12)]  # in a label journal


class Stage(Frozen):
    """The choices of one training stage."""

    epochs: int = Field(
        default=10,
        ge=1,
        le=MOST_EPOCHS,
        description=(
            "passes over the training split; each leaves out what does not fill a last batch, unless"
            " there are fewer than ten batches"
        ),
    )
    size: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        description="side of the images fed to the model in pixels (default: the data's)",
    )
    batch_size: int = Field(default=128, ge=1, le=65_536, description="images a step")
    optimizer: Name = Field(default="adamw", description="the optimiser")
    lr: Annotated[float | tuple[float, ...], AfterValidator(_rates)] = Field(
        default=1e-3,
        description=(
            "peak learning rate; several: one a layer group (layers that follow each other, as the stages of"
            " a ResNet), first to last, spread evenly in between"
        ),
    )
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="of sgd (Nesterov) and rmsprop; beta 1 of adam"
    )
    weight_decay: float = Field(
        default=0.01, ge=0, le=1000, description="decoupled with adamw, else an L2 penalty"
    )
    schedule: Name = Field(
        default="onecycle", description="how the learning rate changes during the stage"
    )
    warmup: float = Field(
        default=0.25, ge=0, le=1, description="share of the stage spent rising to the peak rate"
    )
    step_epochs: int = Field(
        default=5, ge=1, le=MOST_EPOCHS, description="schedule step: epochs between drops"
    )
    step_factor: float = Field(
        default=0.1, gt=0, le=1, description="schedule step: factor of each drop"
    )
    clip: float | None = Field(default=None, gt=0, le=1e9, description="largest gradient norm")
    loss: Name = Field(default="cross_entropy", description="the loss that training minimises")
    loss_options: Options = Field(default_factory=dict, description="options of the loss, by name")
    miner: Name | None = Field(
        default=None,
        description="which pairs or triplets of a batch are used, for losses on embeddings",
    )
    miner_options: Options = Field(
        default_factory=dict, description="options of the miner, by name"
    )
    samples_per_class: int | None = Field(
        default=None,
        ge=2,
        le=65_536,
        description="class-balanced batches with so many images of each class in them",
    )
    turned_classes: bool = Field(
        default=False,
        description=(
            "for losses on embeddings: each image is turned by a random quarter turn, and a class"
            " turned is a class of its own, as in Santoro et al. 2016"
        ),
    )
    mixup: float = Field(
        default=0, ge=0, le=10, description="alpha of mixup (Zhang et al. 2017), 0: none"
    )
    freeze: int = Field(
        default=0,
        ge=0,
        le=1000,
        description="layer groups kept frozen, counted from the input; 99: all but the head",
    )
    ema: float = Field(
        default=0,
        ge=0,
        lt=1,
        description=(
            "decay of an exponential moving average of the weights, 0: none; the average is then"
            " judged and kept"
        ),
    )
    augment: Augment = Field(
        default_factory=lambda: Augment(), description="random changes of training images"
    )
    select: Literal["accuracy", "loss", "knn", "last"] = Field(
        default="accuracy", description="which validation figure picks the best epoch"
    )
    patience: int | None = Field(
        default=None,
        ge=1,
        le=MOST_EPOCHS,
        description="stop after so many epochs without a better figure",
    )


class DataSpec(Frozen):
    """Which images, how they are placed on the model's square, and how they are split."""

    @classmethod
    def named(cls, name: str, **fields: Any) -> DataSpec:
        """The data set that somebody has named. Raises DataError if that can be no name of one."""
        try:
            return cls(name=name, **fields)
        except ValidationError as error:
            raise DataError(
                "this can't be the name of a data set", got=wrong_field(error)
            ) from None

    name: NumberedName = Field(
        default="digits",
        description=(
            "a data set's name, a folder or a zip; several joined with '+' are pooled, classes by"
            " name"
        ),
    )
    style: Literal["auto", "digit", "page", "duo", "photo"] = Field(
        default="auto", description="how a picture is placed on the square"
    )
    size: int = Field(
        default=28, ge=8, le=1024, description="side in pixels at which the images are cached"
    )
    classes: tuple[NumberedName, ...] | None = Field(default=None, description="only these classes")
    without: tuple[NumberedName, ...] = Field(
        default=(),
        description="classes left out; 'Greek *' leaves out all whose names begin with 'Greek '",
    )
    limit: int | None = Field(
        default=None, ge=1, le=10**9, description="at most so many training images, stratified"
    )
    limit_eval: int | None = Field(
        default=None,
        ge=1,
        le=10**9,
        description="at most so many images in each of validation and test, stratified",
    )
    validation: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="share of the training images held out to choose by, stratified",
    )
    test: float = Field(
        default=0,
        ge=0,
        lt=1,
        description="share held out as the test split; refused where the data set has one already",
    )
    test_on: NumberedName | None = Field(
        default=None, description="another data set whose test split gives the final score"
    )
    follow_test: bool = Field(
        default=False,
        description=(
            "score the test split after every epoch too, as the studies do; nothing is chosen by it"
        ),
    )
    balance: Literal["none", "class", "source", "root"] = Field(
        default="none",
        description=(
            "draw training images so that each class, or each pooled data set (source), is seen"
            " equally often; root: pooled data sets as often as the square root of their size, so"
            " that a small one is seen more often but not learned by heart"
        ),
    )
    seed: int = Field(default=0, ge=0, le=LARGEST_SEED, description="seed of the split")
    labels: Literal["given", "mended"] = Field(
        default="given",
        description="mended: with what people decided about single images; the split stays as it is",
    )
    journal: tuple[Position, ...] | None = Field(
        default=None,
        description=(
            "mended labels as of this entry of the label journal, the list of all changes of labels made here"
            " (of several data sets trained on together, one entry each); written down when a run starts"
            " (none: as they are now)"
        ),
    )

    def scored_on(self) -> DataSpec:
        """How the data set that a model is scored on (`test_on`) is loaded: all of its classes and
        images, split as it comes.
        """
        whole = {
            "classes": None,
            "without": (),
            "limit": None,
            "test_on": None,
            "test": 0,
            "validation": 0,
            "labels": "given",  # the journal is that of the training data
            "journal": None,
        }
        return self.model_copy(update={"name": self.test_on, **whole})


class ModelSpec(Frozen):
    name: ModelName = Field(default="convnet", description="which network")
    options: Options = Field(default_factory=dict, description="options of the network, by name")


class Published(Frozen):
    """The figure a study stated for this experiment."""

    value: float | None = Field(
        default=None, ge=0, le=100, description="percent; none where the study gave words only"
    )
    at_end: float | None = Field(
        default=None,
        ge=0,
        le=100,
        description=(
            "percent after the last epoch, where the study says it; `value` may then be the best epoch's"
        ),
    )
    metric: str = Field(default="accuracy", description="what the figure measures")
    n: int | None = Field(
        default=None, ge=1, description="images that it was measured on, where the study says so"
    )
    source: str = Field(description="study and section")
    note: str = Field(default="", description="what else was said of the figure")

    @property
    def in_words(self) -> str:
        """'99.31% accuracy on the test split (99.15% at the end)', '99.26% accuracy on the test
        split, after the last epoch'; the measure alone where the study gave no figure.
        """
        if self.value is None:
            return self.metric
        end = "" if self.at_end is None else f" ({self.at_end:g}% at the end)"
        end = ", after the last epoch" if self.at_end == self.value else end
        return f"{self.value:g}% {self.metric}{end}"
