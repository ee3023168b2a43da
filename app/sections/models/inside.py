"""Looking inside a model on its page: answers to test images with confidences, what it went by,
filters of its first layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts.words import literal, number, probability
from app.samples.confused import SPLITS
from app.samples.thumbs import thumbs
from app.widgets.pictures import image_grid
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.predictions import HeldOutPredictions
    from engine.store.store import Store

SHOWN, EXPLAINED, COLUMNS = 30, 10, 10
NOTHING = {
    "all": "There is no image with a label.",
    "right": "None of the {of} {where} that it predicted is classified correctly.",
    "wrong": "All {of} {where} that it predicted are classified correctly.",
}
_RESULT = {"right": "correctly", "wrong": "wrongly"}


def inside(lab: Lab, model: str) -> None:
    """Draw the section. What is heavy happens only after a click, as it loads the model."""
    st.subheader("Look inside", anchor=False)
    if not st.toggle(
        "Show its predictions, saliency maps and first-layer filters",
        key=f"inside-{model}",
    ):
        return
    try:
        with st.spinner("Predicting …"):
            _answers(lab.store, model)
        _filters(lab, model)
    except GlyphlabError as error:
        st.error(str(error), icon=":material/error:")


def _answers(store: Store, model: str) -> None:
    from engine.explain.guided_backprop import as_pictures, guided_saliency
    from engine.services.predictions import held_out_predictions

    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = st.segmented_control(
            "Predictions",
            ["all", "right", "wrong"],
            default="all",
            required=True,
            key=f"inside-which-{model}",
        )
        seed = (
            st.number_input(
                "Draw",
                0,
                10_000,
                0,
                key=f"inside-seed-{model}",
                width=120,
                help="another number, other images",
            )
            if which == "all"
            else 0
        )
    found = held_out_predictions(store, model, which, SHOWN, int(seed))
    if not len(found.labels):
        st.caption(NOTHING[which].format(of=number(found.of), where=_where(found)) + _seen(found))
        return
    st.caption(_counted(found, which) + _seen(found))
    thumbs(
        found.data,
        found.files,
        found.images,
        captions(found),
        columns=COLUMNS,
        key=f"inside-grid-{model}",
    )
    st.markdown("**Saliency maps** of the first of them, for the predicted class")
    first = slice(0, EXPLAINED)
    maps = as_pictures(
        guided_saliency(store.predictor(model), found.images[first], found.predicted[first])
    )
    image_grid(
        maps,
        [found.classes[k] for k in found.predicted[first]],
        COLUMNS,
        key=f"inside-saliency-{model}",
    )
    st.caption(
        "Guided backpropagation: grey pixels did not matter; the more a pixel stands out, the more"
        " the prediction changes with it."
    )


def _where(found: HeldOutPredictions) -> str:
    """Which images were asked about."""
    return f"{SPLITS[found.split]} of {literal(found.data)}"


def _seen(found: HeldOutPredictions) -> str:
    return " None was held out from its training." if found.seen else ""


def _counted(found: HeldOutPredictions, which: str) -> str:
    """How many images were asked about, how many of them are of the wanted kind, how many are shown."""
    where = _where(found)
    shown = number(len(found.labels))
    if which == "all":
        return f"{shown} of {number(found.of)} {where}, drawn at random."
    said = f"{number(found.matching)} of {number(found.of)} {where} are classified {_RESULT[which]}"
    if found.matching == len(found.labels):
        return f"{said}; the most confident first."
    return f"{said}. Shown: the {shown} most confident."


def _filters(lab: Lab, model: str) -> None:
    from engine.explain.guided_backprop import filters

    kernels = filters(lab.predictor(model))
    if not len(kernels):
        return
    st.markdown(
        f"**First layer:** {len(kernels)} filters of {kernels.shape[-1]} × {kernels.shape[-2]}"
        " pixels"
    )
    image_grid(enlarged(kernels), None, 16, key=f"inside-filters-{model}")


def captions(found: HeldOutPredictions) -> list[str]:
    """'✓ bee 93%' or '✗ bee 61%, is ants' for each answer."""
    out = []
    for label, predicted, sure in zip(found.labels, found.predicted, found.confidence, strict=True):
        answer = f"{found.classes[predicted]} {probability(float(sure))}"
        out.append(
            f"✓ {answer}" if label == predicted else f"✗ {answer}, is {found.classes[label]}"
        )
    return out


def enlarged(kernels: np.ndarray) -> np.ndarray:
    """Each pixel eight times as wide and high; grey kernels as colours, or they would be drawn as
    ink on paper.
    """
    kernels = np.repeat(kernels, 3, 1) if kernels.shape[1] == 1 else kernels
    return kernels.repeat(8, axis=2).repeat(8, axis=3)
