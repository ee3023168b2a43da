"""Why somebody is not in the class any more, in words."""

from __future__ import annotations

from engine.errors import OutsideError

NOT_IN_CLASS = "you are not in the class any more"
# Why somebody is not in the class → what they are told, and what to do.
OUTSIDE = {
    "ended": (
        "the lesson has ended",
        "What you made stays with your teacher, who can let you back in to it.",
    ),
    "removed": (
        NOT_IN_CLASS,
        "Your teacher took your name off its list, and can let you back in to what you made.",
    ),
    "left": ("you have left the class", "Your teacher can let you back in to what you made."),
    "elsewhere": ("you came back to the class in another browser", "Go on there."),
    "unknown": (NOT_IN_CLASS, "Reload the page to join again."),
}


def outside_error(why: str) -> OutsideError:
    what, hint = OUTSIDE[why]
    return OutsideError(what, hint=hint)
