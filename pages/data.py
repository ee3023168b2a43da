"""Data: what the data sets hold, what training sees of them, and one's own."""

from app.widgets import page, pick_dataset
from app.widgets.data import show
from app.widgets.upload import upload

with page("Data", "Data sets: their classes, samples of them, what augmentation does to them, and your own.") as lab:
    upload(lab)
    name = pick_dataset(lab, "data")
    if name:
        show(lab, name)
