"""The pieces that pages are built from. A page imports from here, from `app.charts`, and talks to
the lab; nothing else.
"""

from app.charts.words import ago, number, parameters, percent, seconds, size
from app.widgets.allowed import allowed
from app.widgets.cite import citations, cite_button
from app.widgets.common import (
    CHART_CONFIG,
    WIDE_TABLE,
    chart,
    clock,
    empty,
    get_lab,
    note,
    page,
    told,
)
from app.widgets.damaged import damaged_box
from app.widgets.links import PAGES, link
from app.widgets.pickers import pick_dataset, pick_model, pick_run, pick_runs
from app.widgets.pictures import data_uri, image_grid
from app.widgets.tasks import task_box

__all__ = [
    "CHART_CONFIG",
    "PAGES",
    "WIDE_TABLE",
    "ago",
    "allowed",
    "chart",
    "citations",
    "cite_button",
    "clock",
    "damaged_box",
    "data_uri",
    "empty",
    "get_lab",
    "image_grid",
    "link",
    "note",
    "number",
    "page",
    "parameters",
    "percent",
    "pick_dataset",
    "pick_model",
    "pick_run",
    "pick_runs",
    "seconds",
    "size",
    "task_box",
    "told",
]
