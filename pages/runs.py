"""Runs: all of them as a table, to find, compare, tag, note and delete."""

from app.sections.runs import runs
from app.widgets import damaged_box, page

with page("Runs", "Everything that was trained: find it, compare it, tag it, delete it.") as lab:
    runs(lab)
    damaged_box(lab.store.damaged_runs(), lab.delete)
