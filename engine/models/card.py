"""The card of a saved model: its README.md, in Markdown with the front matter of the Hugging Face
Hub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from engine.data.sources import DATASETS
from engine.files.documents import CheckpointMeta
from engine.imaging.images import STYLES

CARD_ROWS = (
    ("test accuracy", "test_accuracy"),
    ("test accuracy, mean of the last five epochs", "test_last5"),
    ("test top-3", "test_top3"),
    ("test calibration error", "test_ece"),
    ("validation accuracy", "val_accuracy"),
    ("kNN accuracy of the embedding (k = 13)", "knn_accuracy"),
    ("epochs", "epochs"),
    ("training seconds", "seconds"),
)


def model_card(meta: CheckpointMeta) -> str:
    """The card: what the model is for, what it was trained on, how good it is and on what. Markdown
    with Hub front matter.
    """
    recipe, metrics, style = meta["recipe"], meta["metrics"], meta["style"]
    classes = list(meta["classes"])
    shown = (
        " ".join(classes)
        if len(" ".join(classes)) < 200
        else f"{' '.join(classes[:20])} … ({len(classes)} in all)"
    )
    front = yaml.safe_dump(
        {
            "library_name": "glyphlab",
            "pipeline_tag": "image-classification",
            "license": "other",
            "license_name": "that-of-its-training-data",
            "tags": ["handwriting", meta["model"]],
        },
        sort_keys=False,
    )
    lines = [
        "---",
        front.strip(),
        "---",
        f"# {meta['title'] or meta['name']}",
        "",
        recipe.get("about", "").strip(),
        "",
        "| | |",
        "|---|---|",
        (
            f"| network | `{meta['model']}`, {meta['parameters']:,} parameters, 128-d embedding |"
            if meta["model"] != "tiny"
            else f"| network | `{meta['model']}`, {meta['parameters']:,} parameters |"
        ),
        f"| classes | {len(classes)}: {shown} |",
        (
            f"| input | style `{style}` ({STYLES[style].about}), {meta['size']} px; the network"
            f" sees {meta['input_size']} px |"
        ),
        (
            f"| trained on | {recipe['data']['name']}, split seed {recipe['data']['seed']}, seed"
            f" {recipe['seed']} |"
        ),
        f"| calibration | logits are divided by {meta['temperature']:.3f} |",
        f"| licence | {_licence(recipe)} |",
        f"| made | {meta['created']}, torch {meta['versions']['torch']} |",
        *_placement_row(meta.get("placement")),
        "",
    ]
    rows = [(label, metrics.get(key)) for label, key in CARD_ROWS]
    lines += ["| measured | |", "|---|---|"] + [
        f"| {label} | {_figure(label, value)} |" for label, value in rows if value is not None
    ]
    if data := metrics.get("test_data"):
        read = (
            "followed through the epochs, but nothing was chosen by them"
            if "test_last5" in metrics
            else "read once, after training"
        )
        lines += [
            "",
            (
                f"Test figures are on {data}, split {metrics.get('test_split')},"
                f" {metrics.get('test_n', 0):,} images, {read}."
            ),
        ]
    if held := meta.get("held_out"):
        lines += [
            "",
            (
                f"This model learned from every image. {held['models']} models of its recipe, each"
                f" with another {held['n']:,} images held out, read {100 * held['accuracy']:.2f}%"
                f" of those right (standard deviation {100 * held['spread']:.2f};"
                f" {100 * held['accuracy_ignoring_case']:.2f}% ignoring case)."
            ),
        ]
    return "\n".join(lines) + "\n"


def _placement_row(found: Mapping[str, Sequence[float]] | None) -> list[str]:
    """The card's words for `placement`."""
    if not found:
        return []
    (left, _, right), (up, _, down), (small, _, large) = (
        found[name] for name in ("x", "y", "side")
    )
    ink = (
        f"ink of {small:.0%} to {large:.0%} of its longer side, {left:+.0%} to {right:+.0%} across,"
        f" {up:+.0%} to {down:+.0%} down"
    )
    pen = (
        f"; strokes thinner than {found['pen'][0]:.1%} of that side are widened to it"
        if found.get("pen")
        else ""
    )
    return [
        f"| the page | {ink} from its middle; a drawing beyond is put into the middle of these"
        f" ranges{pen} |"
    ]


def _figure(label: str, value: float) -> str:
    return f"{value:,.0f}" if label in ("epochs", "training seconds") else f"{100 * value:.2f}%"


def _licence(recipe: Mapping[str, Any]) -> str:
    """The licences of a model's training data, which its weights carry; of data sets joined with
    '+', each.
    """
    names = recipe["data"]["name"].split("+")
    licences = [f"{name}: {DATASETS[name].licence}" for name in names if _licensed(name)]
    if not all(map(_licensed, names)):
        licences.append("that of your own data")
    if recipe.get("init_from"):
        licences.append(f"that of {recipe['init_from']}, from which it started")
    return "; ".join(licences)


def _licensed(name: str) -> bool:
    return name in DATASETS and bool(DATASETS[name].licence)
