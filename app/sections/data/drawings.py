"""The data set of drawings while it is empty: whose it is, and how it is filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.widgets.common import empty
from app.widgets.links import link

if TYPE_CHECKING:
    from engine.lab import Lab


def no_drawings(lab: Lab) -> None:
    """What is shown in the place of the drawings of the owner, or of the teacher of a class."""
    class_of_mine = lab.settings.mode == "class" and lab.may("lead")
    words = "No drawing has been saved yet. Draw a character, give its label and save it."
    if class_of_mine:
        words += " Only your own are kept here: those of your students are gathered on Classroom."
    elif not lab.may("lead"):
        who = "The teacher" if lab.settings.mode == "class" else "The owner of this lab"
        words = f"{who} has saved no drawing yet. Those that you save are on Draw."
    empty(words, "draw", "Open the canvas")
    if class_of_mine:
        link("classroom", "Gather drawings")
