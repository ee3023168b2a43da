"""Data: what the data sets hold, what training sees of them, and one's own."""

from app.sections.data.contents import show
from app.sections.data.reading import reading
from app.sections.data.upload import upload
from app.widgets import page, pick_dataset

with page(
    "Data",
    "Data sets: their classes, samples of them, what augmentation does to them, and your own.",
) as lab:
    if lab.may("change data"):
        upload(lab)
    name = pick_dataset(lab, "data")
    if name:
        reading(lab, name)
        show(lab, name)
