"""Label noise: what is wrong with a data set's labels, which of them to doubt, and how to train
through them.
"""

from __future__ import annotations

from app.sections.embeddings.choose import pick_segment
from app.sections.noise import cleaned, diagnosis, purpose, review, suspects
from app.widgets import damaged_box, page

SECTIONS = {
    "diagnosis": ("Diagnosis", diagnosis),
    "suspects": ("Suspects", suspects),
    "review": ("Review", review),
    "cleaned": ("Cleaned labels", cleaned),
    "purpose": ("Noise on purpose", purpose),
}

with page(
    "Label noise",
    "Find out what is wrong with a data set's labels, correct them, and train through them.",
) as lab:
    SECTIONS[
        pick_segment(
            "Section",
            {name: title for name, (title, _) in SECTIONS.items()},
            "section",
            show_label=False,
        )
    ][1].draw(lab)
    damaged_box(lab.noise.damaged(), lab.noise.delete_damaged)
