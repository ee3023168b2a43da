"""Section Review: a person decides, suspect by suspect, with the keyboard; every decision is on
disk before the next image is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import streamlit as st

from app.charts.words import literal
from app.sections.noise import choose
from app.sections.noise.suspects import ANY, chosen, pictures
from app.widgets import allowed, note, told
from app.widgets.person import person, pick_person
from engine.labels.entries import REVIEW

if TYPE_CHECKING:
    import numpy as np

    from engine.lab import Lab
    from engine.noise.review import Review
    from engine.noise.storage import Diagnosis


def draw(lab: Lab) -> None:
    """Draw the section."""
    name = choose.dataset(lab)
    found = choose.diagnosis(lab, name) if name else None
    if found is None:
        return
    review = lab.noise.review(found, person())
    decided = review.decisions()
    left, middle, name, right = st.columns([1, 1, 1, 2], vertical_alignment="bottom")
    with left:
        given = st.selectbox("Given label", [ANY, *found.classes], key="review-given")
    with middle:
        likely = st.selectbox("Likely class", [ANY, *found.classes], key="review-likely")
    with name:
        pick_person()
    with right:
        changed = sum(decision.changed for decision in decided.values())
        st.markdown(
            f"**{len(decided):,}** decided, {changed:,} of them changed. Saved as you go; close the"
            " page whenever you like."
        )
    skipped = st.session_state.setdefault(f"skipped-{found.key}", [])
    queue, sent = _sent_first(lab, found, chosen(found, given, likely, "suspect", False))
    place = next((i for i in queue if i not in decided and i not in skipped), None)
    may = allowed(lab, "label")
    if place is None:
        st.success("Nothing is left to decide here.", icon=":material/done_all:")
        if may:
            buttons_after(review, found, None)
    else:
        if place in sent:
            st.caption("Sent to the review by hand.")
        elif found.document["regime"] == "undecided":
            st.info(
                "The diagnosis is undecided: look at the first of these images, and decide what you"
                " can see.",
                icon=":material/visibility:",
            )
        elif found.arrays["given"][place] == found.arrays["likely"][place]:
            st.info(
                "No suspect is left: of all images that follow, the given label is the likely class.",
                icon=":material/done_all:",
            )
        candidate(found, review, place, may)
    latest_decisions(found, list(decided.values())[-8:][::-1])


def _sent_first(lab: Lab, found: Diagnosis, queue: np.ndarray) -> tuple[list[int], frozenset[int]]:
    """The queue with the images first that somebody sent to the review, and the positions of those."""
    current = lab.labels.current(found.data.name)
    sent = frozenset(
        found.places[name]
        for name, now in current.items()
        if REVIEW in now.tags and name in found.places
    )
    order = [int(place) for place in queue]
    return sorted(order, key=lambda place: place not in sent) if sent else order, sent


def candidate(found: Diagnosis, review: Review, place: int, may: bool) -> None:
    """One image, its neighbours, and for who may decide, the buttons."""
    from engine.noise.explanation import NOT_DECIDED, explain_label, label_neighbours, not_decided

    names, given = found.classes, int(found.arrays["given"][place])
    near = label_neighbours(found, place)
    likely = near.label
    left, right = st.columns([1, 3])
    with left:
        pictures(found, [place], [found.file(place)], columns=1, key="candidate")
    with right:
        same = given == likely
        st.markdown(
            f"### Given **{literal(names[given])}**"
            + (
                f", likely class {NOT_DECIDED}"
                if not_decided(found)[place]
                else ", which is also the likely class"
                if same
                else f", likely **{literal(names[likely])}**"
            )
        )
        st.markdown(literal(explain_label(found, place, near)))
        if may:
            _decisions(found, review, place, likely)
        sides = [(likely, near.likely[0])] + ([] if same else [(given, near.given[0])])
        for label, positions in sides:
            if len(positions):
                st.caption(f"Nearest images whose likely class is {literal(names[label])}")
                pictures(found, positions, columns=12, key=f"near-{place}-{label}")


def _decisions(found: Diagnosis, review: Review, place: int, likely: int) -> None:
    names, given = found.classes, int(found.arrays["given"][place])
    same = given == likely
    with st.container(horizontal=True):
        if not same:
            st.button(
                f"It is {literal(names[likely])}",
                key="accept",
                type="primary",
                shortcut="Y",
                help="Accept: the likely class becomes the label.",
                on_click=_decide(review, own=False),
                args=(place, likely),
            )
        st.button(
            f"{literal(names[given])} is correct",
            key="reject",
            type="primary" if same else "secondary",
            shortcut="N" if not same else "Y",
            help="Keep the given label.",
            on_click=_decide(review),
            args=(place, given),
        )
        buttons_after(review, found, place)
    other(found, review, place)


def buttons_after(review: Review, found: Diagnosis, place: int | None) -> None:
    """Skip and undo."""
    if place is not None:
        st.button("Skip", key="skip", shortcut="Right", on_click=_skip, args=(found.key, place))
    st.button(
        "Undo",
        key="undo",
        shortcut="U",
        icon=":material/undo:",
        disabled=review.last() is None,
        on_click=_undo,
        args=(review, found.key),
    )


def other(found: Diagnosis, review: Review, place: int) -> None:
    """Change the label to any class: by its own key where classes are single digits."""
    names = found.classes
    if _by_digit(names):
        st.caption("Or press the digit that it is")
        with st.container(horizontal=True, gap="small"):
            for label, name in enumerate(names):
                st.button(
                    name,
                    key=f"change-{name}",
                    shortcut=name,
                    on_click=_decide(review),
                    args=(place, label),
                )
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = st.selectbox(
            "Or it is",
            range(len(names)),
            format_func=names.__getitem__,
            key=f"change-to-{place}",
            width=180,
        )
        st.button(
            "Set",
            key="change",
            shortcut="Ctrl+Enter",
            on_click=_decide(review),
            args=(place, label),
        )


def _by_digit(names: Sequence[str]) -> bool:
    """Whether each class has a key of its own."""
    return len(names) <= 10 and all(len(name) == 1 and name.isdigit() for name in names)


def _decide(review: Review, own: bool = True) -> Callable[[int, int], None]:
    """Write down a decision: what a button calls, which returns nothing."""

    @told
    def decide(position: int, label: int) -> None:
        review.decide(position, label, own)

    return decide


def latest_decisions(found: Diagnosis, latest: list) -> None:
    """The last decisions, newest first."""
    if not latest:
        note(
            "Keys: Y accepts the likely class, N keeps the given label,"
            f"{' a digit sets another class,' if _by_digit(found.classes) else ''} → skips, U undoes."
        )
        return
    st.caption("Latest decisions, newest first. U takes back your latest.")
    names, arrays = found.classes, found.arrays
    captions = [
        (
            f"{names[d.label]} stays"
            if not d.changed
            else f"{names[arrays['given'][d.position]]} → {names[d.label] if d.label >= 0 else 'out'}"
        )
        for d in latest
    ]
    pictures(found, [d.position for d in latest], captions, columns=14, key="trail")


def _skip(key: str, place: int) -> None:
    st.session_state[f"skipped-{key}"].append(place)


@told
def _undo(review: Review, key: str) -> None:
    taken_back = review.undo()
    skipped = st.session_state.get(f"skipped-{key}", [])
    if taken_back is not None and taken_back.position in skipped:
        skipped.remove(taken_back.position)
