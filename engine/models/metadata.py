"""A checkpoint's metadata, read with every field checked: whoever uploads a model writes it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, cast

from pydantic import Field, ValidationError

from engine.errors import CheckpointError, DamagedError, GlyphlabError, one_line, unknown
from engine.files.checked import Document, damaged, read_checked_json, wrong_field
from engine.files.documents import CheckpointMeta
from engine.imaging.images import STYLES
from engine.recipes.recipe import make_recipe

FORMAT = 1
META = "checkpoint.json"
REQUIRED = ("format", "recipe", "classes", "style", "size", "input_size", "weights", "metrics")
WEIGHTS = r"[\w-][\w.-]{0,199}"  # a file's name, no path
DAMAGED = "Copy the model again, or delete its run."

_Range = Annotated[list[float], Field(min_length=3, max_length=3)]


class _Metrics(Document):
    test_accuracy: float | None = None
    test_top3: float | None = None
    test_ece: float | None = None
    test_last5: float | None = None
    test_n: int | None = None
    test_data: str | None = None
    test_split: str | None = None
    test_reads: int | None = Field(None, ge=1)
    test_sources: dict[str, int] | None = None
    val_accuracy: float | None = None
    knn_accuracy: float | None = None
    epochs: int | None = None
    seconds: float | None = None
    unfinished: bool | None = None
    test_waiting: int | None = Field(None, ge=0)
    confusion: list[list[int]] | None = None
    per_class: list[dict[str, str | int | float | None]] | None = None


class _HeldOut(Document):
    models: int
    n: int
    accuracy: float
    spread: float
    accuracy_ignoring_case: float


class _UnseenAlphabets(Document):
    errors: dict[str, float]
    error: float
    low: float
    high: float
    pixels: float
    equal_error: float
    chosen_by: list[str]


class _Placement(Document):
    x: _Range
    y: _Range
    side: _Range
    pen: _Range | None = None


class _Meta(Document):
    """What is read of a checkpoint's metadata by anyone, and within which limits."""

    format: int
    recipe: dict[str, Any]
    classes: list[str] = Field(min_length=1, max_length=1_000_000)
    style: str
    size: int = Field(ge=1, le=4096)
    input_size: int = Field(ge=1, le=4096)
    weights: str = Field(pattern=f"^{WEIGHTS}$", description="a name, no path")
    metrics: _Metrics
    crop: int | None = Field(None, ge=1, le=4096)
    temperature: float = Field(1.0, ge=1e-3, le=1e3)
    name: str = ""
    title: str = ""
    model: str = ""
    created: str = ""
    parameters: int = Field(0, ge=0)
    fingerprint: str = ""
    placement: _Placement | None = None
    held_out: _HeldOut | None = None
    unseen_alphabets: _UnseenAlphabets | None = None


def read_weights_name(folder: Path) -> str:
    """The name of the weights file, before that file is there. Raises CheckpointError."""
    try:
        meta = read_checked_json(folder / META, DAMAGED)
    except DamagedError as error:
        raise CheckpointError(str(error)) from None
    name = meta.get("weights") if isinstance(meta, dict) else None
    if not isinstance(name, str) or not re.fullmatch(WEIGHTS, name):
        raise CheckpointError(f"{META} names no weights", expected="a file's name", got=repr(name))
    return name


def read_meta(folder: Path) -> CheckpointMeta:
    """What `checkpoint.json` says, every field of it checked; does not load torch. Raises
    CheckpointError, which says what is wrong and what to do.
    """
    path = folder / META
    if not path.exists():
        raise CheckpointError(f"{folder} holds no complete checkpoint", expected=f"a {META} in it")
    try:
        meta = read_checked_json(path, DAMAGED)
    except DamagedError as error:
        raise CheckpointError(str(error)) from None
    missing = (
        [key for key in REQUIRED if key not in meta] if isinstance(meta, dict) else list(REQUIRED)
    )
    if missing:
        raise CheckpointError(
            f"{path} is incomplete", expected=f"the keys {', '.join(missing)}", hint=DAMAGED
        )
    if meta["format"] != FORMAT:
        raise CheckpointError(
            f"{path} is of another version", expected=f"format {FORMAT}", got=meta["format"]
        )
    try:
        _Meta.model_validate(meta)
    except ValidationError as error:
        raise CheckpointError(str(damaged(path, wrong_field(error), DAMAGED))) from None
    if len(set(meta["classes"])) < len(meta["classes"]):
        twice = next(name for name, count in Counter(meta["classes"]).items() if count > 1)
        raise CheckpointError(
            f"{path} can't be used: it names classes twice",
            expected="a name for each class",
            got=one_line(repr(twice), 60),
            hint=DAMAGED,
        )
    if meta["style"] not in STYLES:
        raise CheckpointError(f"{path}: {unknown('style', meta['style'], STYLES)}")
    try:
        make_recipe(meta["recipe"], {"scale": "full", "small": {}})
    except GlyphlabError as error:
        raise CheckpointError(
            f"checkpoint {folder.name} can't be used by this version of Glyphlab", got=str(error)
        ) from None
    if not (folder / meta["weights"]).is_file():
        raise CheckpointError(
            f"the weights of {folder} are missing",
            expected=f"a file {meta['weights']} beside {META}",
            hint=DAMAGED,
        )
    return cast(CheckpointMeta, meta)


def called(data: str) -> str:
    """What a data set is called in a card: of a folder or a zip the last name of its path, as the rest
    means nothing on another machine.

    >>> called("../own/shapes"), called("mnist+/data/mine.zip")
    ('shapes', 'mnist+mine.zip')
    """
    return "+".join(re.split(r"[\\/]", part.rstrip("/\\"))[-1] for part in data.split("+"))


def in_words(data: str) -> str:
    """The name of a data set as a sentence has it: of sets that were joined, each.

    >>> in_words("mnist+emnist62+characters")
    'mnist, emnist62 and characters'
    """
    return _listed(data.split("+"))


def sets_tested_on(metrics: Mapping[str, Any], counts: bool = False) -> str:
    """Which data sets gave the test images, as a sentence has it; '' where that is not recorded. Of
    pooled sets one may have given none, as it has no test split. counts: how many each gave, if
    several did.

    >>> sets_tested_on({"test_data": "a+b", "test_sources": {"b": 70}}), sets_tested_on({"test_data": "a+b"})
    ('b', 'a and b, pooled')
    >>> sets_tested_on({"test_data": "a+b", "test_sources": {"a": 1000, "b": 70}}, counts=True)
    'a (1,000) and b (70)'
    """
    sources: dict[str, int] = metrics.get("test_sources") or {}
    there = {called(name): n for name, n in sources.items() if n}
    if there:
        several = counts and len(there) > 1
        return _listed([f"{name} ({n:,})" if several else name for name, n in there.items()])
    data = called(metrics.get("test_data") or "")
    return f"{in_words(data)}, pooled" if "+" in data else data


def reads(count: int) -> str:
    """How often a run has read its test images, in words: after a stop it may have been resumed by
    someone who had seen them.

    >>> reads(1), reads(2)[:13]
    ('read once, after training', 'read 2 times:')
    """
    if count < 2:
        return "read once, after training"
    return (
        f"read {count} times: at each stop of the training and at its end. Who resumed it may have"
        " seen the figures"
    )


def _listed(names: Sequence[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


class Guessing(NamedTuple):
    """What a model is better than: shares 0..1 of images that are right without looking at them.

    chance     by random choice among the classes
    commonest  by always answering the commonest class of the images that it was measured on; None where
               it is not known how many of each class there were
    """

    chance: float
    commonest: float | None


def guessing(meta: CheckpointMeta) -> Guessing | None:
    """Of a model that was trained on labels which people gave or mended in the lab; None of any other."""
    if meta["recipe"]["data"].get("labels") != "mended":
        return None
    counts = [sum(row) for row in meta["metrics"].get("confusion") or ()]  # a row, a true class
    commonest = max(counts) / sum(counts) if sum(counts) else None
    return Guessing(1 / len(meta["classes"]), commonest)
