"""Several models on one common set of images: before and after labels were mended, or any models that
were scored on different images.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts.words import literal, number, percent
from app.samples.thumbs import thumbs
from app.sections.compare.maps import maps
from app.widgets.allowed import allowed
from app.widgets.common import note
from app.widgets.doing import do_button
from app.widgets.pickers import pick_dataset
from app.widgets.tasks import task_box
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab

KIND = "score-together"
SHOWN = 60  # images
CHANGES = ("became right", "became wrong", "wrong in both")


def common(lab: Lab, ids: Sequence[str]) -> None:
    """The choice of the images, the way to the scores, and the scores. Not to be drawn in a
    fragment: the task's box is one.
    """
    saved = [info for info in map(lambda id: lab.run(id).info(), ids) if info.saved]
    if len(saved) < 2:
        note("Choose at least two runs that have saved a model.")
        return
    if "data" not in st.session_state and "data" not in st.query_params:
        st.session_state["data"] = saved[0].data
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        data = pick_dataset(lab, "data", "Test set")
    with right:
        labels = st.segmented_control(
            "Labels",
            ["mended", "given"],
            default="mended",
            required=True,
            key="common-labels",
            help="Mended: the given labels with all corrections that people have made so far.",
        )
    if data is None:
        return
    arguments = {
        "models": [info.id for info in saved],
        "data": data,
        "split": None,
        "labels": labels,
        "position": [len(lab.labels.decisions(data).entries())],
    }
    same = [task for task in lab.tasks(KIND) if task.arguments == arguments]
    task = task_box(lab, same[0].id, "common-task") if same else None
    if task is not None and task.state == "finished":
        names = {info.id: info.name for info in saved}
        show(lab, task.result, names)
        maps(lab, (saved[0].id, saved[-1].id), data, task.result["split"], names)
        return
    if (task is None or task.state in ("failed", "stopped")) and allowed(lab, "compute"):
        do_button(
            "Score on the same images",
            _start,
            (lab, arguments),
            key="common-start",
            type="primary",
            icon=":material/compare_arrows:",
        )
        note(
            "Scored on the test images or, where there are none, on all images that none of the models"
            " was trained on."
        )


def _start(lab: Lab, arguments: dict[str, Any]) -> None:
    try:
        lab.start_task(KIND, **arguments)
    except GlyphlabError as error:
        st.toast(str(error), icon=":material/error:")


def show(lab: Lab, found: dict[str, Any], names: dict[str, str]) -> None:
    """The accuracies, McNemar's tests, and the images that changed."""
    with st.container(horizontal=True, gap="medium"):
        for row in found["models"]:
            st.metric(
                f"{literal(names.get(row['model']) or row['model'])} · {row['model']}",
                percent(row["accuracy"]),
                help=f"95% interval {percent(row['low'])} to {percent(row['high'])}",
                width="content",
            )
        if len(found["tests"]) == 1:
            p = found["tests"][0]["p"]
            st.metric("McNemar's p", "< 0.001" if p < 0.001 else f"{p:.3f}", width="content")
    st.markdown(_verdict(found))
    if len(found["tests"]) > 1:
        st.dataframe(
            [
                {
                    "first": row["first"],
                    "second": row["second"],
                    "only first correct": row["only_first"],
                    "only second correct": row["only_second"],
                    "p (corrected)": row["p_corrected"],
                }
                for row in found["tests"]
            ],
            hide_index=True,
            key="common-tests",
        )
    split = "test images" if found["split"] == "test" else "images that no model was trained on"
    note(" ".join([f"{number(found['n'])} {split} of {found['data']}.", *found["notes"]]))
    _changed(lab, found)


def _verdict(found: dict[str, Any]) -> str:
    test, (first, *_, last) = found["tests"], found["models"]
    row = next(
        one for one in test if (one["first"], one["second"]) == (first["model"], last["model"])
    )
    better = last if last["accuracy"] > first["accuracy"] else first
    if row["only_first"] == row["only_second"]:
        return "Neither is better on these images: they make equally many mistakes."
    only = row["only_second"]
    images = "1 image is" if only == 1 else f"{number(only)} images are"
    counts = (
        f"{images} classified correctly only by the last model,"
        f" {number(row['only_first'])} only by the first"
    )
    if row["p_corrected"] < 0.05:
        return f"`{better['model']}` is better: {counts}. The difference is significant."
    return f"{counts[0].upper()}{counts[1:]}. The difference is not significant: it may be due to chance."


def _changed(lab: Lab, found: dict[str, Any]) -> None:
    rows = found["changed"]
    if not rows:
        those = "All" if len(found["models"]) == 2 else "The first and the last of the"
        note(f"{those} models predict the same class for every image.")
        return
    count = found["n_changed"]
    images = "1 image** is" if count == 1 else f"{number(count)} images** are"
    by = " by the first and the last model" if len(found["models"]) > 2 else ""
    st.markdown(f"**{images} assigned different classes{by}.")
    if len(rows) < count:
        note(
            f"The first {number(len(rows))} of them are listed: those that became right, then those that"
            " became wrong, then the others."
        )
    kinds = {kind: [row for row in rows if row["change"] == kind] for kind in CHANGES}
    kind = st.segmented_control(
        "Kind of change",
        [kind for kind in CHANGES if kinds[kind]],
        default=next(kind for kind in CHANGES if kinds[kind]),
        required=True,
        key="common-kind",
        format_func=lambda kind: f"{kind.capitalize()} ({number(len(kinds[kind]))})",
    )
    chosen = kinds[kind][:SHOWN]
    images = lab.samples.squares(found["data"], [row["image"] for row in chosen])
    captions = [f"{row['label']}: {row['predicted'][0]} → {row['predicted'][-1]}" for row in chosen]
    thumbs(
        found["data"],
        [row["image"] for row in chosen],
        images,
        captions,
        columns=12,
        key=f"common-{kind}",
    )
    more = f" The first {SHOWN} of {number(len(kinds[kind]))}." if len(kinds[kind]) > SHOWN else ""
    note(f"Below each image: its label: the first model's prediction → the last model's.{more}")
