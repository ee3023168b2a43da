"""The card of a saved model: its README.md, in Markdown with the front matter of the Hugging Face
Hub.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from engine.durations import LEAST
from engine.files.documents import CheckpointMeta
from engine.imaging.images import STYLES
from engine.markdown import literal, plain
from engine.models.card_rows import licences, placement_row, unseen_alphabets
from engine.models.metadata import called, guessing, reads, sets_tested_on
from engine.models.recipe_changes import mended, recipe_changes
from engine.recipes.recipe import shipped_recipe, shipped_recipe_names

CARD_ROWS = (
    ("test accuracy", "test_accuracy"),
    ("test accuracy, mean of the last epochs", "test_last5"),  # see _followed
    ("test top-3", "test_top3"),
    ("test calibration error", "test_ece"),
    ("validation accuracy", "val_accuracy"),
    ("kNN accuracy of the embedding (k = 13)", "knn_accuracy"),
    ("epochs", "epochs"),
    ("training seconds", "seconds"),
)

LAST = 5  # epochs of which `test_last5` is the mean, unless there were fewer
OF_VALIDATION = (
    "These figures are of the validation images. Where the best epoch was chosen by them, expect new images to"
    " be classified somewhat less well."
)
UNMEASURED = "No images were held out to measure it on."
VALIDATION_ONLY = f"{OF_VALIDATION} There was no test split."


NOT_FOR = (
    "Not to be used to decide about people, or where nobody checks what it predicts: it gives every picture"
    " one of its classes, also one that shows none of them, and pictures that were drawn or scanned"
    " otherwise than those it was trained on may be classified worse than these figures say."
)


def model_card(meta: CheckpointMeta) -> str:
    """The card: what the model is for, what it was trained on, how good it is and on what, and what it
    must not be used for. Markdown with Hub front matter.
    """
    recipe, metrics, style = meta["recipe"], meta["metrics"], meta["style"]
    classes = list(meta["classes"])
    names = ", ".join(classes)
    shown = (
        literal(names)
        if len(names) < 200
        else f"{literal(', '.join(classes[:20]))} … ({len(classes)} in all)"
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
        f"# {plain(meta['title'] or meta['name'])}",
        "",
        _about(meta),
        "",
        "| | |",
        "|---|---|",
        (
            f"| network | `{meta['model']}`, {meta['parameters']:,} parameters"
            f"{_width(recipe['model'])} |"
        ),
        f"| classes | {len(classes)}: {shown} |",
        *(
            [f"| classifier | {made} of the training images' embeddings |"]
            if (made := metrics.get("classifier"))
            else []
        ),
        (
            f"| input | style `{style}` ({STYLES[style].about}), {meta['size']} px; the network"
            f" sees {meta['input_size']} px |"
        ),
        (
            f"| trained on | {called(recipe['data']['name'])}{_limited(recipe['data'])}"
            f"{mended(recipe['data'])}, split seed"
            f" {recipe['data']['seed']}, seed {recipe['seed']} |"
        ),
        f"| calibration | temperature {meta['temperature']:.3f}: {_calibrated(meta)} |",
        f"| licence | {licences(recipe)} |",
        f"| made | {meta['created']}, torch {meta['versions']['torch']} |",
        *placement_row(meta.get("placement")),
        "",
    ]
    rows = [
        (
            f"{label}{_by_labels(recipe)}"
            if key == "val_accuracy"
            else _followed(recipe, metrics)
            if key == "test_last5"
            else label,
            metrics.get(key),
        )
        for label, key in CARD_ROWS
    ]
    lines += ["| measured | |", "|---|---|"] + [
        f"| {label} | {_figure(label, value)} |" for label, value in rows if value is not None
    ]
    if metrics.get("test_accuracy") is None and metrics.get("val_accuracy") is not None:
        lines += ["", validation_only(metrics)]
    if not (measured_split(metrics) or meta.get("held_out") or awaits_test(metrics)):
        lines += ["", UNMEASURED]
    if metrics.get("test_data"):
        read = (
            "followed through the epochs, but nothing was chosen by them"
            if "test_last5" in metrics and not recipe["data"].get("test_on")
            else reads(metrics.get("test_reads", 1))
        )
        lines += [
            "",
            (
                f"Test figures are on {metrics.get('test_n', 0):,} images of"
                f" {sets_tested_on(metrics, counts=True)} (split: {metrics.get('test_split')}"
                f"{_part(recipe['data'])}), {read}."
            ),
        ]
    if found := _guessed(meta):
        lines += ["", found]
    if held := meta.get("held_out"):
        lines += [
            "",
            (
                f"This model learned from every image: none was held out to measure it. {held['models']}"
                f" other models of its recipe, each with another {held['n']:,} images held out, read"
                f" {100 * held['accuracy']:.2f}% of those right (standard deviation {100 * held['spread']:.2f};"
                f" {100 * held['accuracy_ignoring_case']:.2f}% ignoring case)."
            ),
        ]
    if unseen := meta.get("unseen_alphabets"):
        lines += ["", unseen_alphabets(unseen)]
    return "\n".join([*lines, "", NOT_FOR]) + "\n"


def validation_only(metrics: Mapping[str, Any]) -> str:
    """What the figures of a model without test figures are of, and why it has none. Of one that was
    saved during its training, the test images are read later, if its data has any.
    """
    if not awaits_test(metrics):
        return VALIDATION_ONLY
    count = metrics.get("test_waiting")
    which = f"the {count:,} test images" if count else "test images, where its data has any,"
    return (
        f"{OF_VALIDATION} The model was saved during training, and {which} are read when that ends."
    )


def awaits_test(metrics: Mapping[str, Any]) -> bool:
    """Whether test images may still be read: the model was saved during its training, and it isn't
    recorded that its data has none.
    """
    return bool(metrics.get("unfinished")) and metrics.get("test_waiting") != 0


def _part(data: Mapping[str, Any]) -> str:
    """Whether a recipe reads a part of the test images alone."""
    limit = data.get("limit_eval")
    return f", of which the recipe reads at most {limit:,}" if limit else ""


def _limited(data: Mapping[str, Any]) -> str:
    """Whether a part of the training images was left out."""
    limit = data.get("limit")
    return f", at most {limit:,} of its training images" if limit else ""


def _guessed(meta: CheckpointMeta) -> str:
    """What is right without looking, of a model of labels that people gave; '' of any other."""
    found, split = guessing(meta), measured_split(meta["metrics"])
    if found is None or not split:
        return ""
    always = (
        f", always answering their commonest class {100 * found.commonest:.2f}%"
        if found.commonest is not None
        else ""
    )
    return (
        f"Random choice among the {len(meta['classes'])} classes would give"
        f" {100 * found.chance:.2f}% of the {split} images the right class{always}."
    )


def _width(model: Mapping[str, Any]) -> str:
    """Of how many numbers the embedding is, of the networks whose recipe says so."""
    if model["name"] not in ("convnet", "glyphnet", "zfnet"):
        return ""
    return f", {model.get('options', {}).get('embedding', 128)}-d embedding"


def _by_labels(recipe: Mapping[str, Any]) -> str:
    """By which labels a validation accuracy is, where the given ones are wrong: later stages go by the
    likely classes that the one before found (engine/noise/recover.py).
    """
    if recipe.get("method") != "recovered":
        return ""
    if len(recipe.get("stages") or ()) > 1:
        return ", by the classes that the training itself found likely"
    return ", by the given labels"


def _followed(recipe: Mapping[str, Any], metrics: Mapping[str, Any]) -> str:
    """What the mean accuracy of the last epochs is of: the test images of the data set that the model
    was trained on, also where its final figures are of another one (`test_on`).
    """
    data, epochs = recipe["data"], metrics.get("epochs") or LAST
    which = f" on the test images of {called(data['name'])}" if data.get("test_on") else ""
    last = "the last five epochs" if epochs >= LAST else f"its {epochs} epochs"
    what = "accuracy" if which else "test accuracy"
    return f"{what}{which}, mean of {last}" if epochs > 1 else f"{what}{which} after its epoch"


def is_calibrated(meta: CheckpointMeta) -> bool:
    """Whether its temperature was fitted: not where no images were held out for validation."""
    return meta["temperature"] != 1 or bool(meta["recipe"]["data"].get("validation"))


def _calibrated(meta: CheckpointMeta) -> str:
    if not is_calibrated(meta):
        return "not fitted, as no images were held out for validation"
    return "outputs are divided by it"


def measured_split(metrics: Mapping[str, Any]) -> str:
    """Which images a model's confusion matrix and figures by class are of: 'test', 'validation', or ''
    where neither was measured.
    """
    if metrics.get("test_data") or metrics.get("test_accuracy") is not None:
        return "test"
    return "validation" if metrics.get("val_accuracy") is not None else ""


def _about(meta: CheckpointMeta) -> str:
    """The recipe's own words, unless they are a shipped recipe's that was changed: then what the model
    was really made from.
    """
    recipe = meta["recipe"]
    name, about = recipe.get("name", ""), recipe.get("about", "").strip()
    if name not in shipped_recipe_names():
        return plain(about)
    if about != shipped_recipe(name).about.strip():
        return plain(about)
    changed = recipe_changes(recipe, of_all="held_out" in meta)
    return f"Trained with recipe `{name}`, changed: {'; '.join(changed)}." if changed else about


def _figure(label: str, value: float) -> str:
    if label == "training seconds" and value < 10:
        return f"{value:.1f}" if value >= LEAST else "under 0.1"  # nothing trains in 0 seconds
    return f"{value:,.0f}" if label in ("epochs", "training seconds") else f"{100 * value:.2f}%"
