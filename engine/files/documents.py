"""The documents that outlive a process, as types: rows of metrics.jsonl, a checkpoint's metadata, a
diagnosis of labels.

All are JSON files that other programs read. Accuracies are fractions in 0..1, losses are in nats,
times in seconds. What a version before wrote may lack a field: those are `NotRequired`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypedDict

# One class on one split; None where nothing was predicted as it, or it has no image. Written as a call
# because a field is named like a keyword.
ClassFigures = TypedDict(
    "ClassFigures", {"class": str, "precision": float | None, "recall": float | None, "n": int}
)


class Report(TypedDict):
    """One model on one split. confusion (K, K): row the true class, column the predicted one."""

    accuracy: float
    top3: float
    n: int
    loss: float
    ece: float
    confusion: list[list[int]]
    per_class: list[ClassFigures]


class Figures(TypedDict, total=False):
    """What was measured of a model. Which figures there are depends on the splits of its data."""

    classifier: str  # how it was made, where the loss works on embeddings and trains none
    val_accuracy: float
    val_loss: float
    val_n: int
    val_ece: float
    test_accuracy: float
    test_top3: float
    test_n: int
    test_loss: float
    test_ece: float
    test_data: str
    test_split: str
    test_sources: dict[str, int]  # of pooled data sets, how many images each gave
    test_reads: (
        int  # how often the run read them: at its end, and at each stop before it was resumed
    )
    test_last5: float
    knn_accuracy: float
    train_accuracy: float
    generalisation_gap: float | None
    confusion: list[list[int]]
    per_class: list[ClassFigures]
    parameters: int
    epochs: int
    seconds: float
    images_per_second: float | None
    temperature: float
    epochs_to: dict[str, float]
    seconds_to: dict[str, float]
    unfinished: bool  # saved during the training
    test_waiting: int  # test images that are read once it has ended; 0 where there are none


class StepRow(TypedDict):
    """A live point within an epoch."""

    kind: Literal["step"]
    stage: int
    epoch: int
    step: int
    steps: int
    loss: float
    lr: float
    images_per_second: float
    images_seen: int
    seconds: float


class EpochRow(TypedDict):
    """What an epoch came to; `val_*` are None without a validation split."""

    kind: Literal["epoch"]
    stage: int
    epoch: int
    epochs: int
    size: int
    train_loss: float
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    lr: float
    images_per_second: float
    images_seen: int
    seconds: float
    best: bool
    test_accuracy: NotRequired[float]
    test_loss: NotRequired[float]


class FinalRow(Figures):
    """The figures of the finished run, of its best model."""

    kind: Literal["final"]


MetricsRow = StepRow | EpochRow | FinalRow


class HeldOut(TypedDict):
    """How sibling models, each trained without `n` images, did on those: for a model that was trained
    on every image.
    """

    models: int
    n: int
    accuracy: float
    spread: float
    accuracy_ignoring_case: float


class UnseenAlphabets(TypedDict):
    """How a model told characters of some alphabets apart before it was trained on these too.

    errors       by alphabet, share 0..1 of wrong trials of within-alphabet 20-way one-shot classification
    error        their mean; low, high: its 95% interval for them; pixels: that of comparing pixels
    equal_error  share of drawings of five taught symbols that are rejected, where as many drawings of
                 others are accepted
    chosen_by    the alphabets by which settings were chosen: `errors` of the others were read once
    """

    errors: dict[str, float]
    error: float
    low: float
    high: float
    pixels: float
    equal_error: float
    chosen_by: list[str]


class CheckpointMeta(TypedDict):
    """checkpoint.json. recipe: the fields of engine.recipes.recipe.Recipe; crop, size, input_size in pixels;
    weights: the name of the safetensors file beside it; placement: see engine.imaging.placement.
    """

    format: int
    glyphlab: str
    created: str
    name: str
    title: str
    model: str
    classes: list[str]
    style: str
    channels: int
    size: int
    input_size: int
    crop: int | None
    temperature: float
    weights: str
    parameters: int
    versions: dict[str, str]
    metrics: Figures
    recipe: dict[str, Any]
    fingerprint: NotRequired[str]
    run: NotRequired[str]
    machine: NotRequired[dict[str, Any]]
    placement: NotRequired[Mapping[str, Sequence[float]] | None]
    held_out: NotRequired[HeldOut]
    unseen_alphabets: NotRequired[UnseenAlphabets]


class TrainedOn(TypedDict, total=False):
    """Where a checkpoint comes from: fields of CheckpointMeta that its run adds; title: the run's name."""

    title: str
    fingerprint: str
    run: str
    machine: dict[str, Any]
    placement: Mapping[str, Sequence[float]] | None


class HypothesisRow(TypedDict):
    """One hypothesis about how the labels came about; gain in nats an image over the labels'
    frequencies, diagonal: share of the labels that would be correct.
    """

    name: str
    gain: float
    gain_error: float
    significant: bool
    diagonal: float


class PairRow(TypedDict):
    """Two classes that the labels mix up: the share of `true` that is labelled `given`."""

    true: str
    given: str
    share: float


# Two classes whose images look alike. Written as a call because a field is named like a keyword.
AmbiguousRow = TypedDict("AmbiguousRow", {"class": str, "other": str, "share": float})


class LabelShare(TypedDict):
    """A label and its share of a group's images."""

    label: str
    share: float


class GroupRow(TypedDict):
    """Images that look like one class, for a person to name: how many, their most frequent labels,
    and positions of some of them. alike: false where they look like no class in particular.
    """

    count: int
    labels: list[LabelShare]
    samples: list[int]
    alike: NotRequired[bool]


class LabelDiagnosis(TypedDict):
    """diagnosis.json, and what `python -m engine noise --json` prints. Rates are fractions in 0..1;
    transition (K, K): row the true class, column the given label; likely_given (K, K): counts.
    """

    format: int
    name: str
    split: str
    effort: str
    n: int
    classes: list[str]
    style: str
    size: int
    fingerprint: str
    regime: str
    headline: str
    summary: str
    noise_rate: float
    noise_rate_interval: list[float]
    expected_wrong: float
    transition: list[list[float]]
    prior: list[float]
    temperature: float
    evidence: list[str]
    unknowable: list[str]
    hypotheses: list[HypothesisRow]
    hypothesis: str | None
    pairs: list[PairRow]
    ambiguous: list[AmbiguousRow]
    likely_given: list[list[int]]
    figures: dict[str, float]
    groups: list[GroupRow]
    clear: dict[str, float]
    copies: dict[str, int]
    seconds: float
    created: str
