"""Which classes a model takes for which, and the images behind each of these counts."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pandas as pd
import streamlit as st
from pydantic import ValidationError

from app.charts.words import literal, number, percent, probability
from app.samples.thumbs import thumbs
from app.widgets.allowed import allowed
from app.widgets.common import note
from app.widgets.doing import do_button
from app.widgets.tasks import task_box
from engine.errors import GlyphlabError
from engine.services.predictions import MOST_OF_CELL, ConfusedImages

if TYPE_CHECKING:
    from engine.lab import Lab

KIND = "confusions"
HEIGHT = 388  # pixels: ten rows; the others are scrolled to
SPLITS = {"test": "test images", "val": "validation images", "labelled": "labelled images"}


class Cell(NamedTuple):
    """Images of the class `true` that are taken for `read`: how many."""

    true: str
    read: str
    count: int


def confused(
    lab: Lab, model: str, confusion: Sequence[Sequence[int]], classes: Sequence[str], split: str
) -> None:
    """Draw the confusions of a saved model, and the images of the one that is chosen; as
    `pick_confusion`. Not to be drawn in a fragment: the task's box is one.
    """
    cell = pick_confusion(f"confused-{model}", confusion, classes, split)
    if cell is not None:
        _images(lab, model, cell)


def pick_confusion(
    key: str,
    confusion: Sequence[Sequence[int]],
    classes: Sequence[str],
    split: str,
    by: str = "",
) -> Cell | None:
    """Draw the confusions, most frequent first; the title of the one that is chosen, and it.

    confusion: counts (K, K), rows true; split: 'test' or 'validation', whose images are counted; by:
    which labels count as true, as ' by the given labels', where that is to be said
    """
    cells = [
        Cell(classes[true], classes[read], count)
        for true, row in enumerate(confusion)
        for read, count in enumerate(row)
        if count and true != read
    ]
    if not cells:
        st.caption(
            f"None of the {split} images is misclassified{by}."
            if by
            else f"None: every {split} image is classified correctly."
        )
        return None
    cells.sort(key=lambda cell: -cell.count)
    of_class = dict(zip(classes, map(sum, confusion), strict=True))
    event = st.dataframe(
        pd.DataFrame(
            {
                "True": cell.true,
                "Predicted": cell.read,
                "Images": cell.count,
                "Share of the class": percent(cell.count / max(of_class[cell.true], 1), 1),
            }
            for cell in cells
        ),
        hide_index=True,
        height=min(HEIGHT, 38 + 35 * len(cells)),
        key=key,
        on_select="rerun",
        selection_mode="single-cell",  # by a click anywhere in the row, and by arrow keys
    )
    st.caption(
        f"{number(sum(cell.count for cell in cells))} of {number(sum(of_class.values()))} {split}"
        f" images are misclassified{by}. Click a row to see its images."
    )
    chosen = next((cells[row] for row, _ in event.selection.cells if row < len(cells)), None)
    if chosen is not None:
        st.markdown(f"**{literal(chosen.true)}, predicted {literal(chosen.read)}**")
    return chosen


def pick_of_two(
    key: str,
    first: Sequence[Sequence[int]],
    second: Sequence[Sequence[int]],
    classes: Sequence[str],
) -> tuple[str, str] | None:
    """Draw the confusions of two models as rows, those that differ most first; the classes (true,
    predicted) of the row that is chosen, by a click or by keyboard.

    first, second: counts (K, K), rows true, of the same images
    """
    rows = [
        (true, read, first[t][r], second[t][r])
        for t, true in enumerate(classes)
        for r, read in enumerate(classes)
        if t != r and (first[t][r] or second[t][r])
    ]
    if not rows:
        return None
    rows.sort(key=lambda row: (-abs(row[3] - row[2]), -row[2] - row[3]))
    event = st.dataframe(
        pd.DataFrame(
            {
                "True": true,
                "Predicted": read,
                "By the first": one,
                "By the second": two,
                "Second minus first": f"{two - one:+d}" if two != one else "0",
            }
            for true, read, one, two in rows
        ),
        hide_index=True,
        height=min(HEIGHT, 38 + 35 * len(rows)),
        key=key,
        on_select="rerun",
        selection_mode="single-cell",
    )
    return next((rows[row][:2] for row, _ in event.selection.cells if row < len(rows)), None)


def _images(lab: Lab, model: str, cell: Cell) -> None:
    try:
        found = _found(lab, model)
        if found is None:
            return
        own = [row for row in found["images"] if (row[1], row[2]) == (cell.true, cell.read)]
        shown = own[:MOST_OF_CELL]
        names = [row[0] for row in shown]
        images = lab.samples.squares(found["data"], names)
    except GlyphlabError as error:
        st.info(f"The images can't be shown: {error}", icon=":material/image_not_supported:")
        return
    captions = [probability(row[3]) for row in shown]
    key = f"confused-{model}-{cell.true}-{cell.read}"
    thumbs(found["data"], names, images, captions, columns=6, key=key)
    st.caption(_said(found, len(shown), cell.count))


def _said(found: dict[str, Any], shown: int, count: int) -> str:
    where = f"{SPLITS[found['split']]} of {found['data']}"
    if not shown:
        return f"None of the {where} that are here is predicted so: they may have changed."
    cut = shown == MOST_OF_CELL < count
    most = f"The {number(shown)} most confident of {number(count)}" if cut else number(shown)
    return f"{most} {where}. Below each: the probability of the predicted class."


def _found(lab: Lab, model: str) -> dict[str, Any] | None:
    """The misclassified images of a model: as its run recorded them, or as a task in the background
    found them, which is offered and watched here; None until there are some.
    """
    from engine.services.predictions import confused_images

    with st.spinner("Looking for the images…"):
        found = confused_images(lab.store, model)
    if found is not None:
        return found
    stamp = (lab.model_folder(model) / "checkpoint.json").stat().st_mtime_ns
    arguments = {"model": model, "stamp": stamp}
    same = [task for task in lab.tasks(KIND) if task.arguments == arguments]
    task = task_box(lab, same[0].id, f"confused-task-{model}") if same else None
    if task is not None and task.state == "finished":
        with suppress(ValidationError):
            return ConfusedImages.model_validate(task.result).model_dump()
        note("What was found of this model's images is damaged, and has to be found again.")
    if task is None or task.state in ("failed", "stopped", "finished"):
        note(
            "Only counts were saved with this model, or its data set has changed since. To show the images, it"
            " predicts all of them once, in the background."
        )
        if allowed(lab, "compute"):
            do_button(
                "Find the images",
                _start,
                (lab, arguments),
                key=f"confused-start-{model}",
                icon=":material/image_search:",
            )
    return None


def _start(lab: Lab, arguments: dict[str, Any]) -> None:
    try:
        lab.start_task(KIND, **arguments)
    except GlyphlabError as error:
        st.toast(str(error), icon=":material/error:")
