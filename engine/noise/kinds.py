"""The documents of diagnoses and trials with injected noise: the fields that pages and commands rely
on: what a damaged file may not lack.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.files.checked import Document

_Interval = Annotated[list[float], Field(min_length=2, max_length=2)]
_Share = Annotated[float, Field(ge=0, le=1)]
_Matrix = list[list[float]]
Regime = Literal[
    "clean",
    "few errors",
    "symmetric",
    "class-dependent",
    "complementary",
    "independent",
    "undecided",
]


class HypothesisDocument(Document):
    """How well one hypothesis about the labels predicts them."""

    name: str
    gain: float
    gain_error: float
    significant: bool


class GroupDocument(Document):
    """Images that look like one class, for a person to name."""

    count: int = Field(ge=0)
    labels: list[dict[str, str | float]]
    samples: list[int]
    alike: bool = True


class DiagnosisDocument(Document):
    """diagnosis.json."""

    name: str
    split: str
    effort: str
    n: int = Field(ge=0)
    classes: list[str] = Field(min_length=1)
    style: str
    regime: Regime
    headline: str = Field(min_length=1)
    summary: str
    noise_rate: _Share
    noise_rate_interval: _Interval
    transition: _Matrix
    likely_given: _Matrix
    evidence: list[str]
    unknowable: list[str]
    hypotheses: list[HypothesisDocument]
    groups: list[GroupDocument]
    seconds: float
    created: str


class MethodDocument(Document):
    """The result of one method of training on noisy labels."""

    title: str
    note: str
    accuracy: float | None


class SuspectDocument(Document):
    """An image near the top of a trial's list of suspects, with three classes by name."""

    image: str
    given: str
    likely: str
    true: str


class TrialDocument(Document):
    """The result of a trial with injected noise. One of an earlier version lists no suspects."""

    dataset: str
    noise: str
    rate: float
    n: int = Field(ge=0)
    classes: list[str] = Field(min_length=1)
    regime: str
    true_rate: float
    noise_rate: float
    noise_rate_interval: _Interval
    likely_right: float
    found_first: float | None
    transition: _Matrix
    true_transition: _Matrix
    methods: list[MethodDocument]
    suspects: list[SuspectDocument] = []
    created: str
