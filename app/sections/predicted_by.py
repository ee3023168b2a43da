"""What the predictions on the page Label come from, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.widgets import number

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab


def why_these(lab: Lab, space: Space, strategy: str) -> str:
    """By what images that are proposed now are chosen, where what is predicted of them would mislead."""
    if strategy in ("random", "diversity"):
        return ""
    if lab.labelling.head(space) is None:
        return ", chosen to differ from each other: when they were, no two classes had labels"
    return ", chosen by the linear classifier that was fitted to the labels given before"


def predicted_by(lab: Lab, space: Space) -> str:
    """What the prediction of the image that is asked about comes from."""
    if lab.labelling.model_predicts(space):
        return f"Predicted by {space.model}"
    fitted = fitted_to(lab.labelling.standing(space).labelled)
    return f"Predicted by a linear classifier, fitted to {fitted}"


def fitted_to(labels: int) -> str:
    """How many of so many labels the linear classifier is fitted to: 'the 6 labels'."""
    from engine.services.labelling import MOST_FITTED

    some = f"{number(MOST_FITTED)} of " if labels > MOST_FITTED else ""
    return f"{some}the {number(labels)} labels"
