"""By which labels compared runs were scored, and what that leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.charts.words import number
from app.sections.compare.common import KIND
from engine.compare.verdicts import SCORE_TOGETHER
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.compare.subjects import Subject
    from engine.lab import Lab

PLACE = "*All of them on the same images*, above,"


def scored_together(lab: Lab, subjects: Sequence[Subject]) -> bool:
    """Whether these runs were scored on the same images by the labels as they are now."""
    ids = {one.id for one in subjects}
    return any(
        task.state == "finished"
        and ids <= set(task.arguments["models"])
        and task.arguments["position"]
        == [len(lab.labels.decisions(task.arguments["data"]).entries())]
        for task in lab.tasks(KIND)
    )


def told(lab: Lab, subjects: Sequence[Subject], sentences: Sequence[str]) -> list[str]:
    """The sentences of an answer, in which what is advised leads to its place on the page."""
    where = together(lab, subjects)
    return [sentence.replace(SCORE_TOGETHER, where) for sentence in sentences]


def together(lab: Lab, subjects: Sequence[Subject]) -> str:
    """Where runs that were scored by different labels are scored by the same ones: a sentence."""
    if scored_together(lab, subjects):
        return f"{PLACE} has the scores of both by the same labels, and the images that changed."
    return f"{PLACE} scores both by the same labels and shows the images that change."


def by_labels(lab: Lab, subject: Subject, subjects: Sequence[Subject]) -> str:
    """' by the given labels, 8 by the current ones, …', to stand behind a count of a run's mistakes; ''
    where all the runs were scored by the labels as they are now.
    """
    found = lab.compare.predictions(subject)
    try:
        names = lab.compare.names(subject, found.index.tolist())
        now = lab.labels.labels_now(subject.test_spec().name, names)
    except GlyphlabError:  # the data set is not here, so nobody knows its labels of today
        now = [found.classes[label] for label in found.labels]
    pairs = list(zip(found.labels, found.predicted, now, strict=True))
    changed = sum(found.classes[label] != new for label, _, new in pairs)
    own = f" by {_labels_of(subject)}"
    if changed:
        wrong = sum(new is not None and found.classes[said] != new for _, said, new in pairs)
        images = "1 image" if changed == 1 else f"{number(changed)} images"
        return f"{own}, {number(wrong)} by the current ones, which differ for {images}"
    return own if len({_labels_of(one) for one in subjects}) > 1 else ""


def _labels_of(subject: Subject) -> str:
    """By which labels it was scored: of another data set than it was trained on by the given ones."""
    return "the given labels" if subject.test_spec().labels == "given" else subject.labels_of_own
