"""The numbers of metric learning of one model on one data set, beside the same network untrained,
and where it fails most.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from app.charts.space import accuracy_curve, distances, roc
from app.sections.embeddings.choose import PARTS, at_work, pick_segment, pick_space
from app.sections.embeddings.selection import grid, name_of
from app.widgets import allowed, chart, note, number
from app.widgets.explain import explain
from engine.data.sources import names_in

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.lab import Lab

GROUPS = {
    "all": "all classes",
    "seen": "classes it was trained on",
    "unseen": "classes it was not trained on",
}
SEEN = {  # part of the data that a model was trained on → what these images are to it
    "train": "the model learned from the training images, which are most or all of these",
    "all": "the training images, which the model learned from, are among these",
    "val": "the best epoch of the model may have been chosen by these validation images",
}
COLUMNS = {
    "precision_at_1": "Precision@1 (%)",
    "r_precision": "R-precision (%)",
    "map_at_r": "MAP@R (%)",
}


def draw(lab: Lab) -> None:
    """The view."""
    chosen = pick_space(lab)
    if chosen is None:
        return
    model, data, part, _ = chosen
    if part == "unlabelled":
        note("These figures need images with a label: choose others under *Images* above.")
        return
    arguments = {"model": model, "data": data, "part": part}
    if at_work(lab, "measure", arguments, "figures"):
        return
    if warning := no_test(lab, model, data, part):
        st.info(warning, icon=":material/info:")
    found = lab.spaces.figures(**arguments)
    if found is None:
        with st.container(border=True):
            st.markdown(
                f"How well the nearest images share a class (retrieval), whether two images are told to be of one"
                f" class (verification), and the pairs that are hardest to tell apart: of `{model}` on the"
                f" {PARTS[part]} of `{data}`, beside the same network untrained."
            )
            if allowed(lab, "compute") and st.button(
                "Measure", type="primary", icon=":material/straighten:", key="figures-start"
            ):
                lab.start_task("measure", **arguments)
                st.rerun()
        return
    rows = [{**row, "name": _name(row)} for row in found]
    _table(rows, PARTS[part])
    left, middle, right = st.columns(3)
    with left:
        chart(accuracy_curve(rows), key="knn-curve")
    with middle:
        chart(roc(rows), key="roc")
    with right:
        chart(distances(rows[0]), key="distances")
    explain(
        "precision-at-1", "r-precision", "map-at-r", "knn", "verification", "auc", "similarity", "triplet"
    )  # fmt: skip
    if space := lab.spaces.find(**arguments):
        _hardest(space, rows)


def no_test(lab: Lab, model: str, data: str, part: str) -> str:
    """Why figures of a model on a part of a data set are no test figures, and which would be: a sentence;
    '' where the model neither learned from these images nor was chosen by them.
    """
    own = lab.model_meta(model)["recipe"]["data"]["name"]
    if data not in (own, *names_in(own)) or part not in SEEN:
        return ""
    return (
        f"**No test figures:** {SEEN[part]}. For figures on images that are new to it choose *test images*"
        " under *Images* above, if this data set has any, or a data set that it was not trained on."
    )


def _table(rows: list[dict[str, Any]], images: str) -> None:
    table = pd.DataFrame(
        {
            "Model": [row["name"] for row in rows],
            **{title: [100 * row[name] for row in rows] for name, title in COLUMNS.items()},
            "kNN, k = 13 (%)": [
                next((100 * point["accuracy"] for point in row["knn"] if point["k"] == 13), None)
                for row in rows
            ],
            "VAL at FAR 10⁻³ (%)": [100 * row["verification"]["val"] for row in rows],
            "Verification AUC": [row["verification"]["auc"] for row in rows],
            "Images": [row["asked"] for row in rows],
        }
    )
    columns = {
        name: st.column_config.NumberColumn(format="%.2f") for name in table.columns if "%" in name
    }
    columns["Verification AUC"] = st.column_config.NumberColumn(format="%.4f")
    st.dataframe(table, hide_index=True, column_config=columns, key="figures-table")
    pairs = rows[0]["verification"]["same_pairs"] + rows[0]["verification"]["different_pairs"]
    note(
        f"Each image is compared with all the others: {number(rows[0]['sample'])} of"
        f" {number(rows[0]['images'])} {images}, stratified. Verification judges {number(pairs)}"
        " pairs. The untrained network is the baseline that the embedding has to beat."
    )
    unseen = {
        row["model"].startswith("untrained:"): row for row in rows if row["group"] == "unseen"
    }
    if len(unseen) == 2:
        gain = 100 * (unseen[False]["map_at_r"] - unseen[True]["map_at_r"])
        verdict = "beats" if gain > 0 else "does not beat"
        st.markdown(
            f"On the classes that it was not trained on ({', '.join(unseen[False]['classes'])}) it"
            f" **{verdict}** the untrained network by **{gain:+.1f} points** of MAP@R."
        )


def _hardest(space: Space, rows: list[dict[str, Any]]) -> None:
    st.subheader("Hardest images", anchor=False)
    names = {row["name"]: row for row in rows if not row["model"].startswith("untrained:")}
    row = names[st.selectbox("Of", list(names), key="hardest-of")] if len(names) > 1 else rows[0]
    hard = row["hardest"]
    kinds = {
        "alike": "Different classes, similar",
        "apart": "One class, far apart",
        "triplets": "Triplets",
    }
    kind = pick_segment("What", kinds, "hardest", show_label=False)
    if kind == "triplets":
        note(
            "In threes: an anchor, the most distant image of its class and the nearest image of"
            " another, with the difference of the two distances."
        )
        places = [
            triplet[part]
            for triplet in hard["triplets"][:12]
            for part in ("anchor", "positive", "negative")
        ]
        captions = []
        for triplet in hard["triplets"][:12]:
            anchor, positive, negative = (
                name_of(space, triplet[part]) for part in ("anchor", "positive", "negative")
            )
            captions += [
                f"anchor {anchor}",
                f"same {positive}",
                f"other {negative} ({triplet['violation']:+.2f})",
            ]
        columns = 12
    else:
        note("In pairs, with their cosine similarity.")
        pairs = hard[kind][:18]
        places = [pair[end] for pair in pairs for end in ("first", "second")]
        captions = []
        for pair in pairs:
            captions += [
                name_of(space, pair["first"]),
                f"{name_of(space, pair['second'])} · {pair['similarity']:.3f}",
            ]
        columns = 12
    if not places:
        note("None.")
    else:
        grid(space, places, captions, columns=columns, key="hardest-images")


def _name(row: dict[str, Any]) -> str:
    model = "untrained network" if row["model"].startswith("untrained:") else row["model"]
    return model if row["group"] == "all" else f"{model}, {GROUPS[row['group']]}"
