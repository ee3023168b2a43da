"""Section Annotators: labels by person, how far people agree, and the images that they label differently."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal, number, percent
from app.samples.thumbs import thumbs
from app.sections.noise import choose
from app.widgets import empty, note, told
from app.widgets.doing import do_button
from app.widgets.person import person, pick_person
from app.widgets.pickers import is_away

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.annotators import Agreed, Agreement

SHOWN = 48  # images
FORMS = {"disputed": "Disputed", "all": "All that several labelled"}


def draw(lab: Lab) -> None:
    """Draw the section."""
    left, right = st.columns([4, 1])
    with left:
        name = choose.dataset(lab)
    with right:
        pick_person()
    if name is None or is_away(lab, name):
        return
    found = lab.annotators.agreement(name)
    if found is None:
        empty(
            f"No image of `{name}` was labelled by two people yet. Labels of several people come from"
            " a table with a column for the annotator, or from people who label the same image here, each"
            " under their own name: on the map, or on the image's own page.",
            "sample",
            "Open an image",
            data=name,
        )
        return
    _figures(found)
    _people(found)
    _images(lab, name, found)


def _figures(found: Agreement) -> None:
    several, disputed = len(found.images), len(found.disputed)
    with st.container(horizontal=True, gap="medium"):
        st.metric("Annotators", number(len(found.people)), width=150)
        st.metric("Labelled by several", number(several), width=170)
        st.metric(
            "Disputed",
            number(disputed),
            help=f"{percent(disputed / several, 1)} of them",
            width=150,
        )
        st.metric(
            "Krippendorff's alpha",
            _kappa(found.alpha),
            help="1: all agree; 0: as by chance. Any number of people may have labelled an image.",
            width=180,
        )
        fleiss = found.fleiss
        st.metric(
            "Fleiss' kappa",
            _kappa(fleiss.kappa),
            help=f"1: all agree; 0: as by chance. Of {number(fleiss.n)} images that {fleiss.raters}"
            " people labelled.",
            width=150,
        )


def _people(found: Agreement) -> None:
    left, right = st.columns(2)
    with left:
        st.markdown("**People**")
        st.dataframe(
            [
                {
                    "Name": one.name,
                    "Labels": one.labels,
                    "Shared": one.shared,
                    "As the consensus": one.right,
                    "Most often otherwise": f"{one.error[0]} as {one.error[1]} ({one.error[2]:,})"
                    if one.error
                    else "",
                }
                for one in found.people
            ],
            hide_index=True,
            key="annotators",
            placeholder="–",
            column_config={"As the consensus": st.column_config.NumberColumn(format="percent")},
        )
    with right:
        st.markdown("**Every two**")
        st.dataframe(
            [
                {
                    "First": pair.first,
                    "Second": pair.second,
                    "Images": pair.n,
                    "Same label": pair.alike,
                    "Cohen's kappa": pair.kappa,
                }
                for pair in found.pairs
            ],
            hide_index=True,
            key="annotator-pairs",
            placeholder="–",
            column_config={
                "Same label": st.column_config.NumberColumn(format="percent"),
                "Cohen's kappa": st.column_config.NumberColumn(format="%.3f"),
            },
        )
    note(
        "Consensus: Dawid and Skene's model (1979) estimates for each person how often they take one"
        " class for another, and from that how likely each class is of each image. Of an image the likeliest"
        " class that somebody gave it is the consensus, and is taken above 50%. Shared: images that others"
        " labelled too. Most often otherwise: the consensus, as what they labelled it, on how many images."
        " Cohen's kappa: 1: both agree, 0: as by chance."
    )


def _images(lab: Lab, name: str, found: Agreement) -> None:
    which = st.segmented_control(
        "Images",
        list(FORMS),
        default="disputed" if found.disputed else "all",
        required=True,
        key="annotators-which",
        format_func=FORMS.__getitem__,
    )
    chosen = found.disputed if which == "disputed" else found.images
    if not chosen:
        st.success("Nobody labelled an image differently.", icon=":material/done_all:")
        return
    differ = [one for one in chosen if one.differs]
    left = _left(chosen)
    with st.container(horizontal=True, vertical_alignment="center"):
        do_button(
            f"Take the consensus for {number(len(differ))} images" + (f", {left}" if left else ""),
            _take,
            (lab, name, [one.sample for one in differ]),
            key="take-consensus",
            type="primary",
            icon=":material/how_to_reg:",
            disabled=not differ or not lab.may("label"),
            help="Those whose label is another one now, and whose consensus has a probability above 50%."
            " It can be undone.",
        )
        st.button(
            "Undo",
            key="undo-consensus",
            icon=":material/undo:",
            disabled=lab.labels.decisions(name).latest(person()) is None,
            help="Take back your latest decision about this data set, whole.",
            on_click=_undo,
            args=(lab, name),
        )
    shown = chosen[:SHOWN]
    thumbs(
        name,
        [one.sample for one in shown],
        lab.samples.squares(name, [one.sample for one in shown]),
        [_caption(one) for one in shown],
        columns=8,
        key="annotators-images",
        least=120,
        walk=[one.sample for one in chosen[:2_000]],
    )
    if left:
        note(f"{left}: no class that somebody gave has a probability above 50%.")
    more = f" {number(len(shown))} of {number(len(chosen))}." if len(chosen) > len(shown) else ""
    order = "Disputed ones first, of these the" if which == "all" and found.disputed else "The"
    note(f"{order} least certain first.{more} Click an image to decide about it yourself.")


def _left(chosen: Sequence[Agreed]) -> str:
    """How many images the consensus leaves as they are, in words; '' for none."""
    left = [one for one in chosen if not one.settled]
    if not left:
        return ""
    one = len(left) == 1
    if all(each.disputed for each in left):
        return f"{number(len(left))} {'stays' if one else 'stay'} disputed"
    return f"{number(len(left))} {'stays as it is' if one else 'stay as they are'}"


def _caption(one: Agreed) -> str:
    sides: dict[str, list[str]] = {}
    for who, label in one.votes.items():
        sides.setdefault(label, []).append(who)
    words = "; ".join(f"{label}: {', '.join(people)}" for label, people in sorted(sides.items()))
    return f"{one.label} {percent(one.p, 0)} · {words}"


def _kappa(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@told
def _take(lab: Lab, name: str, samples: list[str]) -> None:
    made = lab.annotators.take_consensus(name, samples, who=person())
    count = sum(len(entry.samples) for entry in made)
    st.toast(f"{number(count)} images of {literal(name)} relabelled.", icon=":material/check:")


@told
def _undo(lab: Lab, name: str) -> None:
    lab.labels.undo(name, who=person(), why="consensus", of=person())
