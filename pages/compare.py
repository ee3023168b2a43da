"""Compare: put runs side by side and test their differences."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from app.charts import compare as charts
from app.charts.report import as_csv, as_html
from app.sections.compare import common, convergence, detail, summary
from app.widgets import citations, empty, note, page, pick_runs
from app.widgets.explain import explain, full
from app.widgets.fragments import fragment
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.compare.subjects import Subject

DETAILED = "Calibration"  # shown to whoever wants all statistics
EXPLAINED = {
    "Answer": ("accuracy", "interval", "mcnemar", "rising-loss", "overfitting", "pretraining"),
    "Convergence": ("epoch", "loss", "validation", "learning-rate"),
    "Two in detail": ("mcnemar", "recall", "confusion"),
    "Mistakes": ("confusion",),
    DETAILED: ("calibration", "temperature"),
}
VIEWS = {
    "Answer": summary.answer,
    "Convergence": convergence.convergence,
    "Two in detail": detail.two,
    "Mistakes": detail.mistakes,
    DETAILED: detail.calibration,
}
POLL_SECONDS = 2


def export(subjects: Sequence[Subject]) -> None:
    """Everything shown here as files."""
    compare, rows = lab.compare, lab.compare.table(subjects)
    epochs = [{"run": s.id, "name": s.label, **row} for s in subjects for row in s.epochs]
    tests = compare.tests(subjects)

    def report() -> str:
        lines = convergence.lines_of(lab, subjects)
        plots = [
            charts.convergence(lines, measure, axis)
            for measure in ("held-out accuracy", "held-out loss")
            for axis in charts.AXES
        ]
        scores = [
            charts.scores(found, place)
            for place, found in summary.scores_by_place(lab, subjects).items()
        ]
        tables = {
            "Figures": rows,
            "Tests of every pair": tests,
            "How the recipes differ": compare.differences(subjects),
        }
        return as_html(
            "Comparison of " + ", ".join(s.label for s in subjects),
            compare.answers(subjects),
            tables,
            scores + plots,
        )

    with st.container(horizontal=True):
        st.download_button(
            "Citations (BibTeX)",
            lambda: citations(lab, [s.id for s in subjects]),
            "glyphlab.bib",
            "text/plain",
            key="bibtex",
            on_click="ignore",
            help="Of the lab and of each run's model: figure, images, interval, recipe, seed, data.",
        )
        st.download_button(
            "Figures (CSV)",
            as_csv(rows),
            "figures.csv",
            "text/csv",
            key="csv-figures",
            on_click="ignore",
        )
        st.download_button(
            "Epochs (CSV)",
            as_csv(epochs),
            "epochs.csv",
            "text/csv",
            key="csv-epochs",
            on_click="ignore",
        )
        if tests:
            st.download_button(
                "Tests (CSV)",
                as_csv(tests),
                "tests.csv",
                "text/csv",
                key="csv-tests",
                on_click="ignore",
            )
        st.download_button(
            "Report (HTML)",
            report,
            "comparison.html",
            "text/html",
            key="html-report",
            on_click="ignore",
        )
    note(
        "The report is one file with live plots that opens without the lab. For a picture of a plot"
        " (PNG), use the camera in its corner."
    )


def draw(ids: list[str], alive: bool) -> None:
    """The chosen view of the runs; read anew every two seconds while one of them is still training."""
    if alive and not any(lab.run(id).alive for id in ids):
        st.rerun()
    subjects = lab.compare.subjects(ids)
    summary.under_way(lab, ids, subjects)
    if not subjects:
        return
    view = st.segmented_control(
        "View",
        [view for view in VIEWS if full() or view != DETAILED],
        default="Answer",
        required=True,
        key="view",
        label_visibility="collapsed",
    )
    try:
        VIEWS[view](lab, subjects)
    except GlyphlabError as error:  # raised in a fragment, so not in the page's own frame
        st.error(str(error), icon=":material/error:")
    explain(*EXPLAINED[view])
    with st.expander("Export", icon=":material/download:"):
        export(subjects)


with page(
    "Compare", "Which run is better, whether the difference is significant, and on which images."
) as lab:
    chosen = pick_runs(lab, "runs")
    if lab.runs():
        summary.questions(lab)
        if not chosen:
            empty(
                "Choose runs above. Two or more are compared; of a single one you see its curves and"
                " its mistakes."
            )
    if len(chosen) > 1:
        asked = st.query_params.get("view") == "common"
        with st.expander(
            "All of them on the same images", icon=":material/balance:", expanded=asked
        ):
            common.common(lab, chosen)
    if chosen:
        summary.asked(lab, chosen)
        working = any(lab.run(id).alive for id in chosen)
        fragment(draw, run_every=POLL_SECONDS if working else None)(chosen, working)
