"""Study: the experiments of five studies, their figures beside ours, each to be run again by one click."""

import streamlit as st

from app.charts.study import beside
from app.sections.study import overview as studying
from app.sections.study.experiment import experiment
from app.widgets import WIDE_TABLE, chart, link, note, page
from engine.services.studies import STUDIES

OVERVIEW = "All"


def remember() -> None:
    """The address names the study that is shown."""
    st.query_params["study"] = st.session_state["study"]


with page(
    "Study",
    "Experiments reported in five studies beside this lab's results: with the same recipe, and the"
    " best of any recipe. The studies are not publicly listed: their figures can't be looked up"
    " elsewhere.",
) as lab:
    rows, runs = lab.study.rows(), lab.runs()
    studying.summary(rows)
    wanted = st.query_params.get("study")
    st.session_state["study"] = wanted if wanted in STUDIES else OVERVIEW
    chosen = st.segmented_control(
        "Study",
        [OVERVIEW, *STUDIES],
        required=True,
        key="study",
        label_visibility="collapsed",
        on_change=remember,
        format_func=lambda letter: (
            f"{letter} · {STUDIES[letter].short}" if letter in STUDIES else letter
        ),
    )
    if chosen is None or chosen == OVERVIEW:
        note(WIDE_TABLE)
        studying.overview(rows)
        note(
            "Reported: after the last epoch where the study says it, otherwise the one figure that it"
            f" gives. {studying.without_a_figure(rows)} Ours: the best full-size run of the same recipe,"
            " after its last epoch or, where the column says so, of the epoch that was best on validation"
            " images; of several recorded seeds or splits their mean."
            " *Our runs*: of how many runs that is the mean or the best, ± their standard deviation."
            " Best of this lab: of any recipe on the same data set and classes by the same measure,"
            " and for study D of networks with fewer than 8,000 parameters;"
            " where a data set has no test split, each holds back other images; *by* names its recipe, and"
            " a shipped model of that name may have another figure. Both come from this lab's"
            " runs, the models that come with it and its records; what was not run at full size says so."
            " Nearly all labels of Task 3 are wrong: figures near 0% were reported. "
            + studying.UNLISTED
        )
        link("noise", "A model that reads through Task 3's labels", data="task3")
    else:
        part, mine = STUDIES[chosen], [row for row in rows if row.study == chosen]
        st.subheader(f"{chosen} · {part.title}", anchor=False)
        st.markdown(part.about)
        if mine:
            chart(
                beside([studying.figures_of(row) for row in mine], "Reported and ours"),
                key=f"beside-{chosen}",
            )
        if part.question:
            ids = [id for name in part.question for id in lab.study.runs_of(name)[:5]]
            if len(ids) > 1:
                link("compare", f"Compare {' with '.join(part.question)}", runs=",".join(ids))
        note(f"{studying.what_small_is(mine)} {studying.UNLISTED}")
        for row in mine:
            experiment(lab, row, runs)
