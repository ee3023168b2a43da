"""Section Review: a person decides, suspect by suspect, with the keyboard; every decision is on
disk before the next image is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from app.charts.words import literal
from app.sections.noise import choose
from app.sections.noise.deciding import TAKE, deeds
from app.sections.noise.standing import standing, suspects_of
from app.sections.noise.suspects import ANY, chosen, pictures
from app.widgets import allowed, note, number
from app.widgets.keys import SKIP, UNDO, Press, listen
from app.widgets.meanwhile import open_for
from app.widgets.person import person, pick_person
from app.widgets.skipped import show_again
from engine.labels.entries import REVIEW
from engine.noise.shares import ONE_BY_ONE, two_counts

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.noise.review import Review
    from engine.noise.storage import Diagnosis

KEYS = "review-keys"


def draw(lab: Lab) -> None:
    """Draw the section."""
    name = choose.dataset(lab)
    found = choose.diagnosis(lab, name) if name else None
    if found is None:
        return
    left, middle, name = st.columns(3, vertical_alignment="bottom")
    with left:
        given = st.selectbox("Given label", [ANY, *found.classes], key="review-given")
    with middle:
        likely = st.selectbox("Likely class", [ANY, *found.classes], key="review-likely")
    with name:
        pick_person()  # before all that is written or taken back under this name
    review, do = lab.noise.review(found, person()), deeds(lab, found)
    decided = review.decisions()
    st.markdown(f"{standing(found, decided)} Saved as you go.")
    if words := two_counts(found.document):
        note(words)
    skipped = st.session_state.setdefault(f"skipped-{found.key}", [])
    queue, sent = _in_order(lab, found, chosen(found, given, likely, "suspect", False))
    follow = [i for i in queue if i not in decided and i not in skipped]
    place = follow[0] if follow else None
    may = allowed(lab, "label")
    if place is None:
        left = sum(i in skipped and i not in decided for i in queue)
        passed_over = f" but the {left:,} that you skipped" if left else ""
        st.success(f"Nothing is left to decide here{passed_over}.", icon=":material/done_all:")
        if may:
            show_again(f"skipped-{found.key}")
            buttons_after(review, do, None)
            listen(KEYS, {"u": UNDO}, [], do)
    else:
        if place in sent:
            st.caption("Sent to the review by hand.")
        elif found.document["regime"] == "undecided":
            st.info(
                "The diagnosis is undecided: look at the first of these images, and decide what you"
                " can see.",
                icon=":material/visibility:",
            )
        elif found.document["regime"] not in ONE_BY_ONE and not suspects_of(found)[place]:
            passed = [i for i in queue if i in skipped and i not in decided]
            these = "" if given == likely == ANY else " with these labels"
            st.info(_none_left(found, follow, passed, these), icon=":material/done_all:")
        open_for(found.key, [str(place)])
        candidate(found, review, place, do if may else None)
    latest_decisions(found, list(decided.values())[-8:][::-1], may)


def _in_order(lab: Lab, found: Diagnosis, queue: np.ndarray) -> tuple[list[int], frozenset[int]]:
    """The queue with the images first that somebody sent to the review, then with the suspects, and the
    positions of those that were sent. Where the suspicions are not of single labels there are no
    suspects that go before others.
    """
    current = lab.labels.current(found.data.name)
    sent = frozenset(
        found.places[name]
        for name, now in current.items()
        if REVIEW in now.tags and name in found.places
    )
    suspect = suspects_of(found)
    if found.document["regime"] in ONE_BY_ONE:
        suspect[:] = True
    order = sorted(queue.tolist(), key=lambda place: (place not in sent, not suspect[place]))
    return order, sent


def _none_left(found: Diagnosis, follow: Sequence[int], skipped: Sequence[int], these: str) -> str:
    """That none of the images that `follow` is a suspect, in words; also how many suspects were
    `skipped`, and what else is doubtful. these: which suspects, where only some are looked at.
    """
    from engine.noise.explanation import doubted

    doubtful = int(doubted(found)[list(follow)].sum())
    passed = int(suspects_of(found)[list(skipped)].sum())
    but = f" but the {number(passed)} that you skipped" if passed else ""
    words = f"No suspect{these} is left{but}: of all images that follow, "
    if not doubtful:
        return f"{words}the given label is the likely class."
    first = f"the first {number(doubtful)}" if doubtful > 1 else "the first"
    return (
        f"{words}no other class than the given one is likely. But the given label of {first} is"
        " likelier wrong than right."
    )


def candidate(
    found: Diagnosis, review: Review, place: int, do: Callable[[Press], None] | None
) -> None:
    """One image, its neighbours, and for who may decide, the buttons and keys that `do` it."""
    from engine.noise.explanation import (
        NOT_DECIDED,
        NOT_KNOWN,
        doubted,
        explain_label,
        label_neighbours,
        not_decided,
    )

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
                else f", likely class {NOT_KNOWN}"
                if doubted(found)[place]
                else ", which is also the likely class"
                if same
                else f", likely **{literal(names[likely])}**"
            )
        )
        st.markdown(literal(explain_label(found, place, near)))
        if do is not None:
            _decisions(found, review, place, likely, do)
            _listen(found, place, likely, do)
        sides = [(likely, near.likely[0])] + ([] if same else [(given, near.given[0])])
        for label, positions in sides:
            if len(positions):
                st.caption(f"Nearest images whose likely class is {literal(names[label])}")
                pictures(found, positions, columns=12, key=f"near-{place}-{label}")


def _decisions(
    found: Diagnosis, review: Review, place: int, likely: int, do: Callable[[Press], None]
) -> None:
    from engine.noise.explanation import doubted

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
                on_click=do,
                args=(Press(0, TAKE, str(place), str(likely)),),
            )
        st.button(
            f"{literal(names[given])} is correct",
            key="reject",
            type="primary" if same and not doubted(found)[place] else "secondary",
            shortcut="N" if not same else "Y",
            help="Keep the given label.",
            on_click=do,
            args=(_set(place, given),),
        )
        buttons_after(review, do, place)
    other(found, place, do)


def _listen(found: Diagnosis, place: int, likely: int, do: Callable[[Press], None]) -> None:
    """The keys of the buttons."""
    given = int(found.arrays["given"][place])
    keys = {"ArrowRight": SKIP, "u": UNDO}
    keys |= dict.fromkeys("yn", f"={given}") if given == likely else {"y": TAKE, "n": f"={given}"}
    if _by_digit(found.classes):
        keys |= {name: f"={label}" for label, name in enumerate(found.classes)}
    listen(KEYS, keys, [(str(place), str(likely))], do)


def buttons_after(review: Review, do: Callable[[Press], None], place: int | None) -> None:
    """Skip and undo."""
    if place is not None:
        skip = (Press(0, SKIP, str(place), "0"),)
        st.button("Skip", key="skip", shortcut="Right", on_click=do, args=skip)
    st.button(
        "Undo",
        key="undo",
        shortcut="U",
        icon=":material/undo:",
        disabled=review.last() is None,
        on_click=do,
        args=(Press(0, UNDO, "", ""),),
    )


def other(found: Diagnosis, place: int, do: Callable[[Press], None]) -> None:
    """Change the label to any class: by its own key where classes are single digits."""
    names = found.classes
    if _by_digit(names):
        st.caption("Or press the digit that it is")
        # The name is the key: assets/style.css hides what the button adds to its label.
        with st.container(horizontal=True, gap="small", key="change-classes"):
            for label, name in enumerate(names):
                st.button(
                    name,
                    key=f"change-{name}",
                    shortcut=name,
                    on_click=do,
                    args=(_set(place, label),),
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
        do_it = (_set(place, label),)
        st.button("Set", key="change", shortcut="Ctrl+Enter", on_click=do, args=do_it)


def _by_digit(names: Sequence[str]) -> bool:
    """Whether each class has a key of its own."""
    return len(names) <= 10 and all(len(name) == 1 and name.isdigit() for name in names)


def _set(place: int, label: int) -> Press:
    return Press(0, f"={label}", str(place), "")


def latest_decisions(found: Diagnosis, latest: list, may: bool) -> None:
    """The last decisions, newest first; before the first, what keys do for who `may` decide."""
    if not latest and not may:
        return
    if not latest:
        note(
            "Keys: Y accepts the likely class, N keeps the given label,"
            f"{' a digit sets another class,' if _by_digit(found.classes) else ''} → skips, U undoes."
        )
        return
    st.caption(f"Latest decisions, newest first.{' U takes back your latest.' * may}")
    names, arrays = found.classes, found.arrays
    captions = [
        (
            f"{names[d.label]} stays"
            if not d.changed
            else f"{names[arrays['given'][d.position]]} →"
            f" {names[d.label] if d.label >= 0 else 'out, or new class'}"
        )
        for d in latest
    ]
    pictures(found, [d.position for d in latest], captions, columns=14, key="trail")
