"""What would become of something that a person holds out to the lab: layout, splits, classes with
samples, columns, range and polarity, and what would be left out, as the choices beside it stand.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.charts.data import class_counts
from app.charts.words import number
from app.sections.data.reading import CHECKED_AT_ONCE, choices_form
from app.sections.data.report import plain, show_report, warn
from app.widgets.common import chart, note
from app.widgets.pictures import image_grid
from engine.errors import GlyphlabError
from engine.services.imports import MOST_SHOWN

if TYPE_CHECKING:
    from engine.data.choices import Choices
    from engine.data.report import ImportReport
    from engine.data.staging import Staged
    from engine.lab import Lab
    from engine.progress import Progress
    from engine.services.imports import Preview

LOOKED = "import-looked"  # in the session


class _Looked(NamedTuple):
    """What was found of something, read by some choices, or why it can't be read so; and the last
    report that there was.
    """

    staged: Staged
    choices: Choices
    found: Preview | None
    error: str
    report: ImportReport | None


def preview(lab: Lab, staged: Staged, usual: Choices, progress: Progress) -> tuple[Choices, bool]:
    """Draw what would become of it; returns what the person has chosen, and whether it can be read
    so. usual: the choices to begin with.
    """
    looked: _Looked | None = st.session_state.get(LOOKED)
    if looked is None or looked.staged != staged:
        st.session_state.pop(LOOKED, None)
        looked = _look(lab, staged, usual, progress)
    st.markdown(f"**{plain(staged.name)}**: nothing is kept yet.")
    place, form = st.container(), st.container()  # the choices stand below what they change
    with form:
        choices = choices_form("import", usual, looked.report)
    if looked.choices != choices:
        looked = _look(lab, staged, choices, progress)
    with place:
        if looked.found is None:
            st.error(plain(looked.error), icon=":material/error:")
        else:
            _show(lab, looked, looked.found, progress)
    return choices, looked.found is not None


def _look(
    lab: Lab, staged: Staged, choices: Choices, progress: Progress, check: bool = False
) -> _Looked:
    before: _Looked | None = st.session_state.get(LOOKED)
    try:
        look = partial(lab.data.imports.look_at, staged, choices, progress=progress)
        found = look(check=check)
        if not found.contents.checked and found.contents.images <= CHECKED_AT_ONCE:
            found = look(check=True)  # the broken ones are named before anything is kept
        looked = _Looked(staged, choices, found, "", found.contents.report)
    except GlyphlabError as error:
        looked = _Looked(staged, choices, None, str(error), before.report if before else None)
    st.session_state[LOOKED] = looked
    return looked


def _show(lab: Lab, looked: _Looked, whole: Preview, progress: Progress) -> None:
    found, samples = whole.contents, whole.samples
    with st.container(horizontal=True, gap="medium"):
        st.metric("Images", number(found.images), width=130)
        st.metric("Classes", number(len(found.classes)), width=130)
        st.metric("Left out", number(len(found.report.skipped)), width=130)
    warn(found.report.warnings, preview=True)
    each = found.counts.sum(0)
    captions = [
        f"{found.classes[label]} · {number(int(each[label]))}" if label >= 0 else "no label"
        for label in samples.labels
    ]
    image_grid(samples.images, captions, columns=12, key="import-samples")
    what = "image of each class, and how many it has" if len(found.classes) else "images"
    as_shown = (
        "Photographs are shown as they are."
        if found.kind == "photo"
        else "Ink is shown dark on white: where a picture looks inverted or empty, choose the polarity"
        " below."
    )
    note(f"The first {what}. {as_shown}")
    if len(found.classes) > MOST_SHOWN:
        note(f"The first {MOST_SHOWN} of {number(len(found.classes))} classes; all of them:")
        chart(class_counts(found.classes, found.counts), key="import-counts")
    show_report(found, preview=True)
    if found.checked:
        return
    note(
        "Not every image has been opened yet. Once they are, blank, identical and broken ones are named."
    )
    if st.button("Open every image", key="import-check", icon=":material/fact_check:"):
        _look(lab, looked.staged, looked.choices, progress, check=True)
        st.rerun()
