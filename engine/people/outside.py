"""Why somebody is not in the class any more, in words."""

from __future__ import annotations

from engine.errors import OutsideError

NOT_IN_CLASS = "you are not in the class any more"
# Why somebody is not in the class → what they are told, what to do, and that where nothing that they made
# is here: the end of a lesson keeps the names of those alone who had made something, so it was cleared.
OUTSIDE = {
    "ended": (
        "the lesson has ended",
        "What you made stays with your teacher, who can let you back in to it.",
        "Your teacher has cleared what you made, and can let you back in.",
    ),
    "removed": (
        NOT_IN_CLASS,
        "Your teacher took your name off its list, and can let you back in to what you made.",
        "Your teacher took your name off its list, and can let you back in.",
    ),
    "left": (
        "you have left the class",
        "Your teacher can let you back in to what you made.",
        "Your teacher can let you back in.",
    ),
    "elsewhere": ("you came back to the class in another browser", "Go on there.", "Go on there."),
    "unknown": (NOT_IN_CLASS, "Reload the page to join again.", "Reload the page to join again."),
}
# Of those whose names the lab has forgotten: nobody can let them back in.
FORGOTTEN = (
    "Your name is not on your teacher's list any more: join the next lesson as somebody new."
)


def outside_error(why: str, known: bool = True, made: bool = True) -> OutsideError:
    """What to raise for somebody who is outside. known: whether the teacher's list still has their name,
    made: whether something that they made is here.
    """
    what, hint, without = OUTSIDE[why]
    return OutsideError(what, hint=FORGOTTEN if not known else hint if made else without)
