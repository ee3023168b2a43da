"""A data set on a page: what it holds, samples of it, and what training sees of them."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from app.charts.data import SPLIT_NAMES, class_counts
from app.charts.words import images_of, literal, number, page_of
from app.charts.words import size as file_size
from app.samples.thumbs import thumbs
from app.sections.data.drawings import no_drawings
from app.sections.data.next_step import next_step
from app.sections.data.remove import remove
from app.sections.data.report import show_report, warn
from app.sections.data.splits import show_splits
from app.sections.data.take_away import take_away
from app.widgets.allowed import allowed
from app.widgets.common import chart, empty, note
from app.widgets.links import link
from app.widgets.pickers import pick_one
from app.widgets.pictures import image_grid
from app.widgets.tasks import task_box
from engine.imaging.images import STYLES
from engine.runs.run_info import ALIVE
from engine.services.contents import USUAL_SIZE

if TYPE_CHECKING:
    from engine.data.info import DatasetInfo
    from engine.lab import Lab
    from engine.services.contents import Contents

A_PAGE = 60  # samples
EVERY = "every class"
SIZES = (28, 32, 48, 64, 96, 128, 224)
KINDS = {
    "digit": "Single characters",
    "page": "Characters, place and size kept",
    "photo": "Photographs",
}
MOST_CLASSES_IN_ROWS = 20
ROWS, DRAWS = 6, 7  # of augmentation


def show(lab: Lab, name: str) -> None:
    """Everything about the data set `name`, or the way to get it."""
    info = next(info for info in lab.datasets() if info.name == name)
    st.markdown(f"**{info.title}**: {info.about}.")
    if not info.here:
        _away(lab, info)
        return
    with st.spinner("Reading the data set…", show_time=True):
        found = lab.data.contents(name)
    _figures(info, found)
    warn(found.report.warnings)
    if found.counts.any():
        with st.container(
            key="wide" if len(found.classes) > 26 else None
        ):  # assets/style.css scrolls it where there is too little room
            chart(class_counts(found.classes, found.counts), key=f"counts-{name}")
    views = ["Samples", "Augmentation", "Splits", "Report"]
    view = st.segmented_control(
        "Show",
        views,
        default=views[0],
        required=True,
        key="data-view",
        label_visibility="collapsed",
    )
    if view == "Samples":
        _samples(lab, info, found)
    elif view == "Augmentation":
        _augmentation(lab, name)
    elif view == "Splits":
        show_splits(found)
    else:
        _report(lab, info, found)
    with st.container(horizontal=True, vertical_alignment="center"):
        next_step(lab, name)
        take_away(lab, name)
        if info.uploaded and lab.may("change data"):
            remove(lab, info)


def _away(lab: Lab, info: DatasetInfo) -> None:
    if info.name == "drawings":
        no_drawings(lab)
        return
    if not info.fetchable:
        words = "This data set is not on this machine and has no public source."
        if lab.may("change data"):
            words += " Put it into a folder that `GLYPHLAB_DATA` names, or upload it as a zip."
        empty(words)
        return
    empty(
        "This data set is not on this machine yet. It can be downloaded from its public source"
        f" ({file_size(info.size_bytes)}); the checksums of its files are verified."
    )
    if not allowed(lab, "prepare data"):
        return
    offline = lab.settings.offline
    help = "The lab is offline: GLYPHLAB_OFFLINE is set." if offline else None
    if st.button(
        "Download",
        key=f"fetch-{info.name}",
        type="primary",
        icon=":material/download:",
        disabled=offline,
        help=help,
    ):
        st.session_state[f"task-{info.name}"] = lab.start_task(
            "load", name=info.name, style="auto", size=28
        )
    _task(lab, info.name)


def _task(lab: Lab, name: str) -> None:
    """The data set's running task, if there is one, started here or elsewhere."""
    alive = [
        task.id
        for task in lab.tasks("load")
        if task.state in ALIVE and task.arguments.get("name") == name
    ]
    task_id = st.session_state.get(f"task-{name}") or (alive[0] if alive else None)
    if task_id is None:
        return
    st.session_state[f"task-{name}"] = task_id
    task = task_box(lab, task_id, f"task-box-{name}")
    if task.state not in ALIVE:
        del st.session_state[f"task-{name}"]
    if task.state == "finished":
        st.rerun()


def _usual_size(info: DatasetInfo, found: Contents) -> int:
    return USUAL_SIZE[found.kind or info.kind]


def _figures(info: DatasetInfo, found: Contents) -> None:
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", number(found.images), width=130)
        if unlabelled := found.report.unlabelled:
            st.metric(
                "Without a label",
                number(unlabelled),
                help="as the data set is read; labels given in the lab are counted on *Label* and train a model"
                " as mended labels",
                width=130,
            )
        st.metric(
            "Classes",
            number(len(found.classes)),
            help=literal(", ".join(found.classes)[:400]),
            width=130,
        )
        st.metric(
            "Image type",
            KINDS[found.kind],
            help=f"in recipes: `style: {found.kind}`, and `auto`",
            width="content",
        )
        if info.size_bytes:
            st.metric("On disk", file_size(info.size_bytes), width=130)
    if info.path:  # which the lab tells nobody but who leads
        st.caption(f"In `{info.path}`.")
    elif info.name == "digits":
        st.caption("Comes with scikit-learn.")


def _samples(lab: Lab, info: DatasetInfo, found: Contents) -> None:
    name = info.name
    styles = " ".join(f"**{style}**: {line.about}." for style, line in STYLES.items())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        chosen = st.selectbox("Class", [EVERY, *found.classes], key=f"class-{name}", width=170)
        splits = [
            "all",
            *(split for split, row in zip(SPLIT_NAMES, found.counts, strict=True) if row.any()),
        ]
        split = st.selectbox(
            "Split",
            splits,
            key=f"split-{name}",
            width=140,
            format_func=lambda one: SPLIT_NAMES.get(one, "All"),
        )
        style = st.selectbox(
            "Image type",
            ["auto", *STYLES],
            key=f"style-{name}",
            width=140,
            help=(
                f"How an image is cropped and scaled for a model. **auto** is {found.kind} here."
                f" {styles}"
            ),
        )
        size = st.selectbox(
            "Image size (px)",
            SIZES,
            SIZES.index(_usual_size(info, found)),
            key=f"size-{name}",
            width=120,
            help="side of the square image that a model gets",
        )
        classes = None if chosen == EVERY else [chosen]
        several = classes is None and len(found.classes) > MOST_CLASSES_IN_ROWS
        count = len(found.classes) if several else A_PAGE
        of = lab.data.samples(
            name, split=split, classes=classes, count=0, style=style, size=size
        ).of
        pages = max(1, -(-of // count))
        page = st.number_input(
            page_of(pages), 1, pages, key=f"page-{name}-{chosen}-{split}", width=140
        )
    samples = lab.data.samples(
        name,
        split=split,
        classes=classes,
        first=(page - 1) * count,
        count=count,
        style=style,
        size=size,
    )
    if classes is None:
        captions = [found.classes[label] if label >= 0 else "no label" for label in samples.labels]
    else:
        captions = [PurePosixPath(file).name for file in samples.files]
    columns = 15 if size < 96 else 8
    thumbs(name, samples.files, samples.images, captions, columns=columns, key="samples")
    whose = "" if classes is None else f" of class {chosen}"
    counted = found.counts if split == "all" else found.counts[[list(SPLIT_NAMES).index(split)]]
    there = counted if classes is None else counted[:, [found.classes.index(chosen)]]
    unlabelled = found.report.unlabelled if classes is None and split == "all" else 0
    of_all = f"{images_of(int(there.sum()) + unlabelled)}{whose}."
    photos = (found.kind if style == "auto" else style) == "photo"
    ink = "Ink is shown dark on white; models see it light on dark."
    note(f"{of_all} {'Shown as models see them.' if photos else ink}")


def _augmentation(lab: Lab, name: str) -> None:
    recipes = {recipe.name: recipe for recipe in lab.recipes()}
    fitting = [recipe.name for recipe in recipes.values() if name in recipe.data.split("+")]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        labels = {
            choice: f"{choice} · {recipes[choice].title}" if recipes[choice].title else choice
            for choice in [*fitting, *recipes]
        }
        choice = pick_one("Augmentation of recipe", labels, "augment", "recipe")
        seed = st.number_input(
            "Random seed",
            1,
            key="augment-seed",
            width=140,
            help="Another number draws other random changes.",
        )
    augment, style, size = lab.data.recipe_view(lab.recipe(choice))
    with st.spinner("Drawing…"):
        rows = lab.data.augmented(
            name, augment, count=ROWS, draws=DRAWS, style=style, size=size, seed=int(seed)
        )
    captions = (["original", *[""] * DRAWS]) * len(rows)
    image_grid(rows.reshape(-1, *rows.shape[2:]), captions, columns=1 + DRAWS, key="augmented")
    changes = {
        field: value
        for field, value in augment.model_dump(exclude_defaults=True).items()
        if value is not None
    }
    if changes:
        fields = type(augment).model_fields
        table = [
            {"Augmentation": field, "Strength": str(value), "Meaning": fields[field].description}
            for field, value in changes.items()
        ]
        st.dataframe(pd.DataFrame(table), hide_index=True)
    else:
        note(f"`{choice}` has no random augmentation: all images of a row are the same.")
    link("train", f"Change it and train {choice}", recipe=choice)


def _report(lab: Lab, info: DatasetInfo, found: Contents) -> None:
    show_report(found)
    if found.checked:
        return
    note(
        "Not every image has been opened yet. Opening them all finds blank, identical and broken"
        " images."
    )
    if lab.may("prepare data") and st.button(
        "Open every image", key=f"check-{info.name}", icon=":material/fact_check:"
    ):
        st.session_state[f"task-{info.name}"] = lab.start_task(
            "load", name=info.name, style="auto", size=_usual_size(info, found)
        )
    _task(lab, info.name)
