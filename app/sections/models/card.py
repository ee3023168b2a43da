"""A saved model on a page: figures, card, what it confuses, files to take away, and the end of
one's own.
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, number, parameters, percent
from app.charts.words import size as file_size
from app.samples.confused import confused
from app.widgets.allowed import allowed
from app.widgets.explain import explain, full, meaning
from app.widgets.links import link, page_file
from app.widgets.runs import once_deleted
from engine.errors import GlyphlabError
from engine.imaging.images import STYLES
from engine.models.card import UNMEASURED, awaits_test, measured_split, validation_only
from engine.models.metadata import guessing, sets_tested_on
from engine.recognition.confusables import groups_among, groups_in_words

if TYPE_CHECKING:
    from engine.files.documents import CheckpointMeta, Figures
    from engine.lab import Lab
    from engine.runs.run_info import RunInfo
    from engine.store.models import ModelInfo

SHARE = 15  # percent, offered as the test split
NO_TEST = (
    "These figures are of the validation images; where the best epoch was chosen by them, they are too good."
    " This model has seen the other images, so a test split needs a new training: the same"
    " recipe, without the images held out. Every run of this data set with the same share and split"
    " seed holds out the same images."
)


def figures(meta: CheckpointMeta, merged: float | None = None) -> None:
    """The model's measured figures in a row. merged: its accuracy with look-alikes counted as one,
    where that is another (`ModelInfo.merged`).
    """
    metrics = meta["metrics"]
    shown = [
        _accuracy(meta),
        *(
            [
                (
                    "Look-alikes as one",
                    percent(merged),
                    "Accuracy on the same images if the characters of each of these groups count as one"
                    f" class: {groups_in_words(groups_among(meta['classes']))}.",
                )
            ]
            if merged is not None
            else []
        ),
        *(
            [("Top 3", percent(metrics.get("test_top3")), meaning("top-3"))]
            if len(meta["classes"]) > 3  # of three, all are in the top 3
            else []
        ),
        *(
            [("Calibration error", percent(metrics.get("test_ece")), meaning("calibration"))]
            if full()
            else []
        ),
        (
            "Parameters",
            parameters(meta.get("parameters")),
            f"{number(meta.get('parameters'))} numbers are learned",
        ),
        ("Classes", number(len(meta["classes"])), literal(", ".join(meta["classes"])[:300])),
        (
            "Input",
            f"{meta['input_size']} px",
            f"image type {meta['style']}: {STYLES[meta['style']].about}",
        ),
    ]
    with st.container(horizontal=True, gap="small"):
        for place, (label, value, help) in enumerate(shown):
            beside = None if place else _random_choice(meta)
            st.metric(
                label,
                value,
                beside,
                delta_color="off",
                delta_arrow="off",
                help=help,
                width=160 if beside else 135,
            )
    alike = () if merged is None else ("look-alikes",)
    explain("accuracy", *alike, "top-3", "test", "temperature", "splits")


def accuracy(model: ModelInfo) -> str:
    """A model's accuracy in a list, on the images that `measured_on` names."""
    return percent(model.val_accuracy if model.accuracy is None else model.accuracy)


def measured_on(model: ModelInfo) -> str:
    """Which images a model's accuracy in a list is of: not always test images."""
    if model.tested_on:
        return model.tested_on
    return "–" if model.val_accuracy is None else "its validation images"


def card(lab: Lab, name: str) -> None:
    """The model's README without its front matter."""
    path = lab.model_folder(name) / "README.md"
    text = path.read_text(encoding="utf-8") if path.exists() else "This model has no card."
    body = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.S).strip()
    with st.container(border=True):
        st.markdown(re.sub(r"^# ", "### ", body, count=1))


def offer_test_split(lab: Lab, name: str, meta: CheckpointMeta) -> None:
    """Where an own model's figures are of its validation images: a way to figures of images by which
    nothing was chosen.
    """
    own = next((run for run in lab.runs() if run.id == name), None)
    if measured_split(meta["metrics"]) == "test" or meta.get("held_out") or own is None:
        return
    if awaits_test(meta["metrics"]):
        _test_waits(own, meta["metrics"])
        return
    if measured_split(meta["metrics"]) != "validation":
        return
    with st.container(border=True, key="no-test-split"):
        st.markdown(f"**There is no test split.** {NO_TEST}")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            share = st.number_input(
                "Test split (% of each class)", 5, 50, SHARE, key=f"share-{name}", width=210
            )
            if st.button(
                "Hold it out and train again",
                key=f"test-split-{name}",
                icon=":material/content_cut:",
                disabled=not lab.may("resume a run"),
            ):
                run = lab.launcher.with_test_split(name, share / 100)
                st.switch_page(page_file("train"), query_params={"run": run})


def _test_waits(run: RunInfo, metrics: Figures) -> None:
    """That the test images are not read yet, and what it takes: of a model saved during its training."""
    count = metrics.get("test_waiting")
    which = f"The {number(count)} test images" if count else "Test images, where its data has any,"
    then = (
        f"This run has not ended. {which} are read when it does, and its figures are replaced."
        if run.alive
        else f"This run {run.state} during training. {which} are read once it is resumed and has ended."
    )
    with st.container(border=True, key="test-waits"):
        st.markdown(f"**The test images have not been read.** {then}")
        link("train", "To the run", run=run.id)


def mistakes(lab: Lab, name: str, meta: CheckpointMeta) -> None:
    """Which classes it takes for which, most often first, and the images of each confusion."""
    confusion = meta["metrics"].get("confusion")
    split = measured_split(meta["metrics"])
    with st.container(border=True):
        st.markdown(f"**Confused classes**{f' ({split} images)' if split and confusion else ''}")
        if confusion:
            confused(lab, name, confusion, meta["classes"], split)
        else:
            st.caption("This model was saved without a confusion matrix.")


def downloads(lab: Lab, name: str, meta: CheckpointMeta) -> None:
    """Buttons for the weights and for the ONNX package, which is made when it is asked for."""
    if not allowed(lab, "take away"):
        return
    weights = lab.model_folder(name) / meta["weights"]
    st.download_button(
        f"safetensors ({file_size(weights.stat().st_size)})",
        weights.read_bytes,
        f"{name}.safetensors",
        "application/octet-stream",
        key=f"weights-{name}",
        icon=":material/download:",
        on_click="ignore",
        help="The weights in the file format of PyTorch users, which runs no code when it is opened; the network"
        " itself is built by the lab.",
    )
    st.download_button(
        "ONNX",
        lambda: _package(lab, name),
        f"{name}-onnx.zip",
        "application/zip",
        key=f"onnx-{name}",
        icon=":material/download:",
        on_click="ignore",
        help=(
            "ONNX is the format in which other programs run a model. A zip, made when you click, which takes"
            " some seconds: model.onnx, class names, card and example. Its input is one picture, an array"
            " (height, width, channels) of bytes (uint8), grey or RGB, of any size."
        ),
    )


def remove(lab: Lab, name: str) -> None:
    """A button that deletes a run with its model, or a model fetched from the Hub, after asking;
    shipped models have none.
    """
    own = {run.id: run for run in lab.runs()}.get(name)
    fetched = any(model.name == name and model.where == "hub" for model in lab.models())
    if own is None and not fetched:
        return
    if not allowed(lab, "delete a run", own.owner if own else ""):
        return
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(
            f"Delete run **{literal(own.name)}** (`{own.id}`) with its model, curves and log?"
            f" {once_deleted(lab, [own])}"
            if own is not None
            else f"Delete `{name}`? It stays in the trash for a week."
        )
        st.button(
            "Delete it", type="primary", key=f"delete-{name}", on_click=_delete, args=(lab, name)
        )


def _delete(lab: Lab, name: str) -> None:
    try:
        lab.delete(name)
        st.session_state.pop("model", None)
        st.toast("Deleted.", icon=":material/delete:")
    except GlyphlabError as error:
        st.toast(str(error), icon=":material/error:")


def _package(lab: Lab, name: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return lab.exports.package(name, Path(folder) / "package.zip").read_bytes()


def _accuracy(meta: CheckpointMeta) -> tuple[str, str, str | None]:
    """Label, value and tooltip of the accuracy, named for the images that it is of."""
    metrics, held = meta["metrics"], meta.get("held_out")
    if measured_split(metrics) == "test":
        return "Test accuracy", percent(metrics.get("test_accuracy")), _tested(metrics)
    if held:
        help = f"mean of {held['models']} models of this recipe, each on {number(held['n'])} images"
        return "Held-out accuracy", percent(held["accuracy"]), help
    if metrics.get("val_accuracy") is None and not awaits_test(metrics):
        return "Accuracy", percent(None), UNMEASURED
    return "Validation accuracy", percent(metrics.get("val_accuracy")), validation_only(metrics)


def _random_choice(meta: CheckpointMeta) -> str | None:
    """What stands below the accuracy of a model of labels that people gave, as on the page Label."""
    found = guessing(meta)
    return None if found is None else f"random choice {percent(found.chance, 0)}"


def _tested(metrics: Figures) -> str | None:
    data = sets_tested_on(metrics, counts=True)
    if not data:
        return None
    return (
        f"{data}, split {metrics.get('test_split', 'test')}, {number(metrics.get('test_n'))} images"
    )
