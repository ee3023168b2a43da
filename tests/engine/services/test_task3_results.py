"""Results on Task 3: published figures stand in the recipes and nowhere else."""

from __future__ import annotations

from pathlib import Path

from compared import compared_run

from engine.lab import Lab
from engine.recipes.recipe import shipped_recipe_names
from engine.services.task3_results import plain_runs, published, recovered


def test_published_results_are_those_of_the_recipes(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.save_recipe(lab.recipe("task3-convnet-flat", {"name": "my-own"}))  # states no other figure
    rows = published(lab.store)
    recipes = [lab.recipe(name) for name in shipped_recipe_names() if name.startswith("task3-")]
    stated = [recipe.published for recipe in recipes if recipe.published]
    assert {row["title"] for row in rows} == {figure.source for figure in stated}
    assert [row["accuracy"] for row in rows] == sorted(
        (figure.value / 100 for figure in stated), reverse=True
    )
    assert len(rows) == 5


def test_runs_on_task3_are_those_that_took_its_labels_as_names(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    taken = compared_run(lab, wrong=range(300), changes={"data.name": "task3"})
    compared_run(lab, changes={"data.name": "task3", "method": "recovered", "loss": "forward"})
    compared_run(lab)
    (row,) = plain_runs(lab.store)
    assert row["name"] == taken.id and row["accuracy"] < 0.2
    assert all(row["accuracy"] > 0.99 for row in recovered(lab.store))
