"""Training on Task 3's labels: what a study published, what this lab got in the same way, and what
training on them as complementary labels gives. Accuracies (0..1) on MNIST's test images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.store.store import Store


def recovered(store: Store) -> list[dict[str, Any]]:
    """Models trained on the labels of Task 3 as complementary ones, with their accuracy on MNIST's test
    images (0..1): shipped ones, then runs.
    """
    rows = []
    for model in store.models():
        if (model.method, model.data) != ("recovered", "task3"):
            continue
        meta = store.model_meta(model.name)
        accuracy = meta["metrics"].get("test_accuracy")
        if accuracy is not None:
            title, n = meta.get("title") or model.name, meta["metrics"].get("test_n")
            rows.append({"name": model.name, "title": title, "accuracy": accuracy, "n": n})
    return rows


def published(store: Store) -> list[dict[str, Any]]:
    """What a study published for training on Task 3's labels as names of the class: title and
    accuracy (0..1) on MNIST's test images, from the recipes of those experiments.
    """
    rows = [
        {"title": recipe.published["source"], "accuracy": recipe.published["value"] / 100}
        for recipe in store.recipes()
        if recipe.data == "task3"
        and not recipe.saved
        and recipe.published
        and recipe.published["value"] is not None
    ]
    return sorted(rows, key=lambda row: -row["accuracy"])


def plain_runs(store: Store) -> list[dict[str, Any]]:
    """Runs of this lab that trained on Task 3's labels as names of the class, with their
    accuracy (0..1) on MNIST's test images.
    """
    rows = []
    for known in store.known_runs():
        figures = known.figures if known.status.get("data") == "task3" else {}
        if figures.get("test_accuracy") is not None and known.facts.method != "recovered":
            rows.append(
                {
                    "name": known.run.id,
                    "title": known.info().name,
                    "accuracy": figures["test_accuracy"],
                    "n": figures.get("test_n"),
                }
            )
    return rows
