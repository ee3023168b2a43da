"""Giving the lab a data set, in three steps: choose it, see how it would be read and decide, import
it. Nothing is kept before the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from app.charts.words import images_of, number
from app.sections.data.next_step import next_step
from app.sections.data.preview import preview
from app.sections.data.reading import CHECKED_AT_ONCE, SHARE
from app.sections.data.report import plain, skipped_table
from app.widgets.common import note
from engine.data.address import is_on_the_web
from engine.data.choices import Choices
from engine.data.listing import TEST
from engine.errors import DataError, GlyphlabError
from engine.services.contents import USUAL_SIZE
from engine.settings import COMMAND

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from engine.data.staging import Staged
    from engine.lab import Lab
    from engine.services.contents import Contents

LAYOUT = """An archive (zip, tar, 7z) holds a folder for each class with its pictures: `<class>/*.png`, or
`train/<class>/*` beside `val/<class>/*` or `test/<class>/*`; or pictures and a table (CSV, TSV, JSON, JSON
lines, an export of Label Studio, CVAT or COCO) that names them. Images in one file: Parquet and Arrow as
`datasets` writes them, a row of pixels each (CSV), `.npz`, `.npy`, `.mat`, IDX, Quick, Draw! drawings.
PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF and whatever else Pillow
reads; any size, grey or colour,
dark on light or light on dark. Folders `Sample001` … `Sample062` are read as `0`-`9`, `A`-`Z`, `a`-`z`."""

USUAL = Choices(test=SHARE / 100)  # of what has no test split
STAGED, ADDED, TURN = "import-staged", "import-added", "import-turn"  # in the session
NO_PLACE = "There is none: start the lab with `GLYPHLAB_DATA` naming the folder that your data sets lie in."
FILE, PLACE, ADDRESS = "A file", "A folder on the server", "An address"


class Added(NamedTuple):
    """What was taken in: its name, what to say of it, and (name, reason) of what was left out."""

    name: str
    text: str
    skipped: tuple[tuple[str, str], ...]


def upload(lab: Lab) -> None:
    """Draw the three steps; a data set that was taken in is put into the address as `?data=`."""
    added: Added | None = st.session_state.pop(ADDED, None)
    staged: Staged | None = st.session_state.get(STAGED)
    opened = st.session_state.get(TURN, 0) > 0 or staged is not None or "add" in st.query_params
    with st.expander("Add a data set", icon=":material/upload:", expanded=opened):
        if staged is None:
            _choose(lab)
        else:
            _decide(lab, staged)
        if added:
            st.toast(f"`{added.name}` is a data set now.", icon=":material/check_circle:")
            st.success(added.text, icon=":material/check_circle:")
            next_step(lab, added.name)
            if added.skipped:
                st.dataframe(skipped_table(added.skipped), hide_index=True)


def _choose(lab: Lab) -> None:
    """The first step: a file, a folder or an address, which is then staged."""
    turn = st.session_state.setdefault(TURN, 0)  # a new key empties the fields
    kind = st.segmented_control(
        "What you have", [FILE, PLACE, ADDRESS], default=FILE, required=True, key="import-kind"
    )
    given: UploadedFile | str | None
    if kind == FILE:
        given = st.file_uploader(
            "An archive, a table or arrays of images",
            key=f"upload-{turn}",
            max_upload_size=max(1, lab.settings.upload_mb),
        )
    elif kind == PLACE:
        places = lab.data.imports.places()
        if not places:
            note(NO_PLACE)
        given = st.selectbox(
            "A folder or file in GLYPHLAB_DATA; it stays where it is",
            places,
            index=None,
            placeholder="choose one, or type its path",
            accept_new_options=True,
            key=f"upload-place-{turn}",
        )
    else:
        given = st.text_input(
            "A data set on the Hugging Face Hub, with @revision and #configuration if need be",
            key=f"upload-address-{turn}",
            placeholder="hf://owner/name",
            max_chars=1000,
        )
    with st.container(horizontal=True, vertical_alignment="center"):
        if st.button(
            "Preview",
            key="import-look",
            type="primary",
            icon=":material/search:",
            disabled=not given,
        ):
            _stage(lab, given.strip() if isinstance(given, str) else given)
        with st.popover("What can be read"):
            st.markdown(LAYOUT)
    note("You see how it would be read, and decide, before anything is kept.")


def _stage(lab: Lab, given: UploadedFile | str | None) -> None:
    bar = _Bar(given)
    try:
        if isinstance(given, str) and is_on_the_web(given):
            # Whoever sees this page must not choose what this machine asks in its own network.
            raise DataError("the page fetches from the Hub only", hint=f"On the lab's machine:"
                            f" {COMMAND} datasets --fetch {given}; or upload the file.")  # fmt: skip
        if isinstance(given, str):
            staged = lab.data.imports.stage_place(given, bar.counting)
        elif given is not None:
            staged = lab.data.imports.stage(given.name, given, bar.counting)
        else:
            return
    except GlyphlabError as error:
        bar.close()
        st.error(plain(str(error)), icon=":material/error:")
        return
    st.session_state[STAGED] = staged
    st.rerun()


def _decide(lab: Lab, staged: Staged) -> None:
    """The second step: what would become of it. Then it is imported, or let go."""
    bar = _Bar(staged.name)
    choices, is_good = preview(lab, staged, USUAL, bar.naming)
    bar.close()
    with st.container(horizontal=True, vertical_alignment="center"):
        imported = st.button(
            "Import",
            key="import-keep",
            type="primary",
            icon=":material/add:",
            disabled=not is_good,
        )
        if st.button("Choose something else", key="import-let-go", icon=":material/undo:"):
            lab.data.imports.let_go(staged)
            _forget()
    if imported:
        _keep(lab, staged, choices)


def _keep(lab: Lab, staged: Staged, choices: Choices) -> None:
    """The last step: a data set of it, whose images are opened, here or in the background."""
    bar = _Bar(staged.name)
    try:
        taken = lab.data.imports.keep(staged, choices, bar.naming)
    except GlyphlabError as error:
        bar.close()
        st.error(plain(str(error)), icon=":material/error:")
        return
    skipped, images = taken.skipped, taken.images
    if taken.images <= CHECKED_AT_ONCE:  # its broken files are named now, not after a first run
        try:
            found = lab.data.check(taken.name, bar.naming)
            skipped, images = found.report.skipped, found.images
        except GlyphlabError as error:
            lab.data.remove_upload(taken.name)
            bar.close()
            st.error(plain(str(error)), icon=":material/error:")
            return
    else:
        size = USUAL_SIZE[taken.kind]
        task = lab.start_task("load", name=taken.name, style="auto", size=size)
        st.session_state[f"task-{taken.name}"] = task
    text = f"`{taken.name}` was added: {added_words(lab.data.contents(taken.name), images)}"
    st.session_state[ADDED] = Added(taken.name, text, skipped)
    st.query_params["data"] = taken.name
    _forget()


def _forget() -> None:
    """Back to the first step, with empty fields."""
    st.session_state.pop(STAGED, None)
    st.session_state[TURN] += 1
    st.rerun()


class _Bar:
    """A bar for what takes a while, and the two sorts of progress that it shows."""

    def __init__(self, given: UploadedFile | str | None) -> None:
        self._bar = st.empty()
        self._size = getattr(given, "size", 0)

    def counting(self, done: int, total: int, what: str) -> None:
        """With figures: bytes that are saved or fetched."""
        total = max(self._size, total)
        self._show(done, total, f"{what}: {number(done)} of {number(total)}")

    def naming(self, done: int, total: int, what: str) -> None:
        """Without: images that are read or opened."""
        self._show(done, total, what)

    def close(self) -> None:
        self._bar.empty()

    def _show(self, done: int, total: int, text: str) -> None:
        share = min(1.0, done / max(total, 1))
        self._bar.progress(share, text=f"{text[:1].upper()}{plain(text[1:])}")


def added_words(found: Contents, images: int) -> str:
    """What a data set that was just taken in holds: so many images, of how many classes, how many of them
    without a label, and where its test split comes from.
    """
    unlabelled, classes = found.report.unlabelled, len(found.classes)
    if unlabelled == images:
        return f"{images_of(images)} without a label. Give them labels on the page Label."
    some = f", {number(unlabelled)} of them without a label: the others" if unlabelled else ""
    return (
        f"{images_of(images)}{some} of {number(classes)} class{'' if classes == 1 else 'es'}."
        f" {_test_split(found)}"
    )


def _test_split(found: Contents) -> str:
    tested = int(found.counts[TEST].sum())
    if not tested:
        return "It has no test split."
    whose = found.notes.get("test", "of its own")
    return f"Its test split: {images_of(tested)}, {whose}."
