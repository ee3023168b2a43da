"""Section Cleaned labels: labels corrected by the review and the diagnosis, to download or to train
on.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.sections.data.take_away import take_away
from app.sections.noise import choose
from app.widgets import allowed, link, note, task_box, told
from app.widgets.doing import do_button
from engine.data.sources import names_in
from engine.noise.config import CONFIG
from engine.runs.run_info import ALIVE

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.cleaned_labels import Cleaned
    from engine.noise.storage import Diagnosis

MOSTLY_WRONG = ("symmetric", "class-dependent", "complementary")


def draw(lab: Lab) -> None:
    """Draw the section."""
    name = choose.dataset(lab)
    found = choose.diagnosis(lab, name) if name else None
    if found is None:
        return
    from engine.noise.cleaned_labels import RESTS, clean, default_name

    document = found.document
    decisions = lab.noise.review(found).decisions()
    usual = "likely" if document["regime"] in MOSTLY_WRONG else "given"
    left, right = st.columns([2, 1])
    with left:
        rest = st.radio(
            f"Images that were not reviewed ({document['n'] - len(decisions):,} of"
            f" {document['n']:,})",
            list(RESTS),
            format_func=RESTS.get,
            index=list(RESTS).index(usual),
            key=f"rest-{found.key}",
        )
    confidence = CONFIG.cleaned_confidence
    if rest == "likely":
        with right:
            confidence = st.slider(
                "Smallest confidence",
                0.5,
                0.999,
                confidence,
                0.001,
                format="%.3f",
                key="confidence",
                help="Posterior probability of the likely class; images below it are left out.",
            )
    cleaned = clean(found, decisions, rest, confidence)
    changed = int(((cleaned.labels >= 0) & (cleaned.labels != found.arrays["given"])).sum())
    with st.container(horizontal=True, gap="large"):
        st.metric("Kept", f"{cleaned.kept:,}", width="content")
        st.metric("Left out", f"{document['n'] - cleaned.kept:,}", width="content")
        st.metric("Labels changed", f"{changed:,}", width="content")
        st.metric("Reviewed by a person", f"{len(decisions):,}", width="content")
    if not cleaned.kept:
        st.info(
            "Nothing is kept yet: review some images, or choose what happens to the others.",
            icon=":material/info:",
        )
        return
    _downloads(lab, found, cleaned)
    st.subheader("Train on the cleaned labels", anchor=False)
    if not allowed(lab, "change data"):
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = st.text_input(
            "Name of the new data set",
            default_name(found),
            key=f"new-name-{found.key}",
            max_chars=60,
            width=320,
        )
        arguments = {
            "dataset": document["name"],
            "split": document["split"],
            "effort": document["effort"],
            "rest": rest,
            "confidence": confidence,
            "name": name.strip(),
        }
        do_button(
            "Save as a data set",
            _publish,
            (lab, found.key, arguments),
            key="publish",
            type="primary",
            icon=":material/dataset:",
            disabled=not name.strip(),
        )
    published(lab, found)


def published(lab: Lab, found: Diagnosis) -> None:
    """The data set made last, and a run on it."""
    id = st.session_state.get(f"published-{found.key}")
    if id is None:
        return
    task = task_box(lab, id, "publish")
    if task.state in ALIVE or task.state != "finished":
        return
    name = task.result["name"]
    st.success(
        f"`{name}`: {task.result['images']:,} images. It is in the list of data sets now.",
        icon=":material/check:",
    )
    recipes = [recipe.name for recipe in lab.recipes() if recipe.method == "supervised"]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        recipe = st.selectbox(
            "Recipe",
            recipes,
            index=recipes.index("quick") if "quick" in recipes else 0,
            key="clean-recipe",
            width=320,
        )
        do_button(
            "Start a run on it",
            _train,
            (lab, found, recipe, name),
            key="clean-run",
            icon=":material/play_arrow:",
        )
        link("data", "Look at it", data=name)
    if run := st.session_state.get(f"run-on-{name}"):
        link("train", "Watch the run", run=run)


def _downloads(lab: Lab, found: Diagnosis, cleaned: Cleaned) -> None:
    from engine.noise.cleaned_labels import default_name, table
    from engine.services.cleaned_datasets import write_zip

    def zipped() -> bytes:
        out = io.BytesIO()
        write_zip(lab.store, found, cleaned, out)
        return out.getvalue()

    name = default_name(found)
    with st.container(horizontal=True):
        st.download_button(
            "Labels (CSV)",
            lambda: table(found, cleaned),
            f"{name}.csv",
            "text/csv",
            key="clean-csv",
            icon=":material/csv:",
            on_click="ignore",
        )
        st.download_button(
            "Pictures in class folders (zip)",
            zipped,
            f"{name}.zip",
            "application/zip",
            key="clean-zip",
            icon=":material/folder_zip:",
            on_click="ignore",
        )
        st.download_button(
            "Suspects (CSV)",
            lambda: suspects_csv(found),
            f"{name}-suspects.csv",
            "text/csv",
            key="suspects-csv",
            icon=":material/csv:",
            on_click="ignore",
        )
        if len(names_in(found.document["name"])) == 1:
            take_away(lab, found.document["name"])
    note(
        "Labels: file, index, given, label, how (reviewed, likely or given). Suspects: file, index, given,"
        " likely, and suspicion (0 to 1, the estimated probability that the given label is wrong; empty where"
        " likely is not decided) of every image; those to look at come first."
    )


def suspects_csv(found: Diagnosis) -> str:
    """The list of suspects, to be downloaded."""
    from engine.noise.explanation import write_suspects

    out = io.StringIO()
    write_suspects(found, out)
    return out.getvalue()


@told
def _publish(lab: Lab, key: str, arguments: dict) -> None:
    st.session_state[f"published-{key}"] = lab.start_task("publish-labels", **arguments)


@told
def _train(lab: Lab, found: Diagnosis, recipe: str, name: str) -> None:
    classes = np.unique(found.arrays["likely"])
    changes = {
        "data.name": name,
        "data.style": found.document["style"],
        "data.classes": None,
        "data.test_on": None,
    }
    if found.document["name"] == "task3" and len(classes) == 10:
        changes["data.test_on"] = "mnist"
    st.session_state[f"run-on-{name}"] = lab.submit(
        lab.recipe(recipe, changes), name=f"{recipe} on {name}"
    )
