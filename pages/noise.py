"""Label noise: what is wrong with a data set's labels, which of them are suspect, and training
through them.
"""

from __future__ import annotations

from app.sections.embeddings.choose import pick_segment
from app.sections.noise import annotators, cleaned, diagnosis, purpose, review, suspects
from app.widgets import damaged_box, page

SECTIONS = {
    "diagnosis": ("Diagnosis", diagnosis),
    "suspects": ("Suspects", suspects),
    "review": ("Review", review),
    "annotators": ("Annotators", annotators),
    "cleaned": ("Cleaned labels", cleaned),
    "purpose": ("Injected noise", purpose),
}

with page(
    "Label noise",
    "Find wrong labels in a data set, correct them, and train on data whose labels are wrong.",
) as lab:
    SECTIONS[
        pick_segment(
            "Section",
            {name: title for name, (title, _) in SECTIONS.items()},
            "section",
            show_label=False,
        )
    ][1].draw(lab)
    damaged_box(lab.noise.damaged(), lab.noise.delete_damaged if lab.may("tidy") else None)
