"""Who may do what: one row a deed, decided here and nowhere else.

The owner and a teacher may do everything. A row names who else may, and whether only with what is
their own. What nobody listed is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.errors import RightsError
from engine.people.person import Person


@dataclass(frozen=True)
class Deed:
    """words: for the sentence "You may not …"; others: roles besides owner and teacher that may do
    it; own: only with what they began themselves; calm: also while the class is locked; because: why
    not, where that is not plain.
    """

    words: str
    others: str = ""
    own: bool = False
    calm: bool = False
    because: str = ""


ALL = "student visitor"

DEEDS: dict[str, Deed] = {
    "look": Deed("look at this", ALL, calm=True),
    "predict": Deed("ask a model", ALL, calm=True),
    "teach": Deed("teach or forget symbols", ALL),
    "collect": Deed("save or delete drawings", ALL),
    "train": Deed("start a run", ALL),
    "stop a run": Deed("stop another person's run", ALL, own=True),
    "resume a run": Deed("resume another person's run", ALL, own=True),
    "delete a run": Deed("delete another person's run", ALL, own=True),
    "note a run": Deed("note or tag runs"),
    "compute": Deed("start a background computation", "student"),
    "take away": Deed("download data sets and models", "student"),
    "stop a task": Deed("stop another person's background computation", "student", own=True),
    "prepare data": Deed("fetch or decode a data set"),
    "change data": Deed("add or delete a data set"),
    "label": Deed("change labels", because=": they count for everybody"),
    "diagnose": Deed("diagnose labels or delete a diagnosis"),
    "keep a recipe": Deed("save a recipe in the lab"),
    "sweep": Deed("start or change a sweep, a study or a search for a learning rate"),
    "tidy": Deed("delete what is damaged or computed"),
    "publish": Deed("send to or fetch from other servers"),
    "restore": Deed("restore or empty the trash"),
    "lead": Deed("lead the class"),
}
WHO = {"student": "your teacher", "visitor": "the owner of this lab"}


def check(person: Person, deed: str, owner: str = "", locked: bool = False) -> None:
    """Raise RightsError unless `person` may do the deed. owner: mark of the person whose it is that the
    deed is done to; locked: whether the class is.
    """
    if person.leads:
        return
    row = DEEDS[deed]
    who = WHO[person.role]
    if person.role not in row.others.split():
        raise RightsError(f"you may not {row.words} here{row.because}", hint=f"Ask {who}.")
    if row.own and (not person.mark or owner != person.mark):
        raise RightsError(f"you may not {row.words}", hint=f"Ask whose it is, or {who}.")
    if locked and not row.calm:
        raise RightsError(
            "the class is locked", hint="You can look and draw; the rest waits for your teacher."
        )


def why_not(person: Person, deed: str, owner: str = "", locked: bool = False) -> str:
    """What `check` says against it, as a sentence; '' where it lets it pass."""
    return refusal(lambda: check(person, deed, owner, locked))


def refusal(checked: Callable[[], object]) -> str:
    """The RightsError that a check raises, as a sentence; '' where it raises none."""
    try:
        checked()
    except RightsError as error:
        words = str(error)
        return words[:1].upper() + words[1:]
    return ""
