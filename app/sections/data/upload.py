"""Giving the lab a data set: checked and kept, or a sentence that says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import number
from app.sections.data.reading import SHARE, choices_form
from app.sections.data.report import skipped_table
from engine.data.address import is_on_the_web
from engine.data.choices import Choices
from engine.data.hub import is_address
from engine.data.imported import ENDINGS
from engine.data.listing import TEST
from engine.errors import DataError, GlyphlabError
from engine.services.datasets import USUAL_SIZE
from engine.settings import COMMAND

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from engine.lab import Lab

LAYOUT = """An archive (zip, tar, 7z) holds a folder for each class with its pictures: `<class>/*.png`, or
`train/<class>/*` beside `val/<class>/*` or `test/<class>/*`; or pictures and a table (CSV, TSV, JSON, JSON
lines, an export of Label Studio, CVAT or COCO) that names them. Images in one file: Parquet and Arrow as
`datasets` writes them, a row of pixels each (CSV), `.npz`, `.npy`, `.mat`, IDX, Quick, Draw! drawings.
PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF and whatever else Pillow
reads; any size, grey or colour,
dark on light or light on dark. Folders `Sample001` … `Sample062` are read as `0`-`9`, `A`-`Z`, `a`-`z`."""

USUAL = Choices(test=SHARE / 100)  # of what has no test split
CHECKED_AT_ONCE = 2_000  # images, all opened while the person waits; more are in the background


def upload(lab: Lab) -> None:
    """Draw the upload box; a data set that was taken in is put into the address as `?data=`."""
    added = st.session_state.pop("upload-added", None)
    with st.expander("Add a data set", icon=":material/upload:", expanded=bool(added)):
        st.markdown(LAYOUT)
        turn = st.session_state.setdefault("upload-turn", 0)  # a new key empties the box
        file = st.file_uploader(
            "An archive, a table or arrays of images",
            type=[ending.rpartition(".")[2] for ending in ENDINGS],
            key=f"upload-{turn}",
            max_upload_size=max(1, lab.settings.upload_mb),
        )
        place = st.text_input(
            "Or hf://owner/name on the Hugging Face Hub, or a folder or file in GLYPHLAB_DATA, which"
            " stays where it is",
            key=f"upload-place-{turn}",
            placeholder="its address or its name there",
            max_chars=1000,
        ).strip()
        choices = choices_form(f"upload-{turn}", USUAL)
        if (file is not None or place) and st.button(
            "Add to the lab", key="upload-add", type="primary", icon=":material/add:"
        ):
            _take_in(lab, file or place, choices)
        if added:
            text, skipped = added
            st.success(text, icon=":material/check_circle:")
            if skipped:
                st.dataframe(skipped_table(skipped), hide_index=True)


def _take_in(lab: Lab, file: UploadedFile | str, choices: Choices) -> None:
    bar = st.progress(0.0, text="Reading…" if isinstance(file, str) else f"Saving {file.name}…")

    def progress(done: int, total: int, what: str) -> None:
        total = total if isinstance(file, str) else max(file.size, total)
        text = f"{what[:1].upper()}{what[1:]}: {number(done)} of {number(total)}"
        bar.progress(min(1.0, done / max(total, 1)), text=text)

    def fetching(done: int, total: int, what: str) -> None:
        text = f"{what[:1].upper()}{what[1:]}: {number(done)} of {number(total)}"
        bar.progress(min(1.0, done / max(total, 1)), text=text)

    def checking(done: int, total: int, what: str) -> None:
        bar.progress(min(1.0, done / max(total, 1)), text=f"{what[:1].upper()}{what[1:]}")

    try:
        if isinstance(file, str) and is_on_the_web(file):
            # Whoever sees this page must not choose what this machine asks in its own network.
            raise DataError("the page fetches from the Hub only", hint=f"On the lab's machine:"
                            f" {COMMAND} datasets --fetch {file}; or upload the file.")  # fmt: skip
        if isinstance(file, str) and is_address(file):
            most_mb = lab.settings.upload_mb
            taken = lab.data.imports.fetch(file, fetching, choices, most_mb)
        elif isinstance(file, str):
            taken = lab.data.imports.link(file, choices)
        else:
            taken = lab.data.upload(file.name, file, progress, choices)
    except GlyphlabError as error:
        bar.empty()
        st.error(str(error), icon=":material/error:")
        return
    skipped, images = taken.skipped, taken.images
    if taken.images <= CHECKED_AT_ONCE:  # its broken files are named now, not after a first run
        try:
            checked = lab.data.check(taken.name, checking)
            skipped, images = checked.report.skipped, checked.images
        except GlyphlabError as error:
            lab.data.remove_upload(taken.name)
            bar.empty()
            st.error(str(error), icon=":material/error:")
            return
    else:
        size = USUAL_SIZE[taken.kind]
        task = lab.start_task("load", name=taken.name, style="auto", size=size)
        st.session_state[f"task-{taken.name}"] = task
    text = (
        f"`{taken.name}` was added: {number(images)} images of"
        f" {number(len(taken.classes))} classes. {_test_split(lab, taken.name)}"
    )
    st.session_state["upload-added"] = (text, skipped)
    st.session_state["upload-turn"] += 1
    st.query_params["data"] = taken.name
    st.rerun()


def _test_split(lab: Lab, name: str) -> str:
    """Where the test split of a data set that was just taken in comes from."""
    found = lab.data.contents(name)
    tested = int(found.counts[TEST].sum())
    if not tested:
        return "It has no test split."
    whose = found.notes.get("test", "of its own")
    return f"Its test split: {number(tested)} images, {whose}."
