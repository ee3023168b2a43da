"""A recipe is checked when it is made, says what is wrong and what was meant, and comes back from
YAML as it was.
"""

from __future__ import annotations

import pytest
import yaml

from engine.errors import RecipeError
from engine.files.checked import read_yaml
from engine.recipes.fields import Augment
from engine.recipes.recipe import (
    RECIPES,
    compare_recipes,
    make_recipe,
    parse_changes,
    read_recipe,
    shipped_recipe,
    shipped_recipe_names,
)


def test_a_recipe_is_frozen_and_refuses_unknown_keys():
    recipe = make_recipe({"name": "mine"})
    with pytest.raises(Exception, match="frozen"):
        recipe.epochs = 3
    with pytest.raises(
        RecipeError, match=r"recipe 'mine': field 'epoch' is not known; did you mean 'epochs'\?"
    ):
        make_recipe({"name": "mine", "epoch": 3})


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"data": {"nam": "mnist"}}, "field 'data.nam' is not known; did you mean 'data.name'?"),
        (
            {"augment": {"rotation": 5}},
            "field 'augment.rotation' is not known; did you mean 'augment.rotate'?",
        ),
        ({"epochs": 0}, "epochs: input should be greater than or equal to 1; it is 0"),
        ({"epochs": "many"}, "recipe 'mine': epochs should be a whole number; it is 'many'"),
        ({"epochs": 1.5}, "epochs should be a whole number; it is 1.5"),
        ({"lr": "fast"}, ": lr should be a number or a list such as [a, b]; it is 'fast'"),
        ({"lr": [0.1, "fast"]}, ": lr.1 should be a number; it is 'fast'"),
        (
            {"lr": -1},
            ": lr: input should be one number or several above 0, up to 1,000; it is -1",
        ),
        ({"data": {"classes": "a"}}, ": data.classes should be a list such as [a, b]; it is 'a'"),
        ({"data": {"classes": [{}]}}, ": data.classes.0 should be a text; it is {}"),
        ({"data": [1]}, ": data should be a group of keys and values; it is [1]"),
        ({"data": {"follow_test": "perhaps"}}, "data.follow_test should be true or false; it is"),
        ({"augment": {"rotate": "much"}}, ": augment.rotate should be a number; it is 'much'"),
        ({"model": {"name": "[x](http://e.example)"}}, "the name of a model has letters, digits"),
        ({"data": {"style": "digits"}}, "data.style"),
        ({"data": {"size": 4}}, "data.size"),
        ({"data": {"validation": 1.0}}, "data.validation"),
        ({"stages": [{"epoch": 3}]}, "stage 1: field 'epoch' is not known; did you mean 'epochs'?"),
        ({"stages": [{}, {"augment": {"spin": 1}}]}, "stage 2: field 'augment.spin' is not known"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(fields, words):
    with pytest.raises(RecipeError) as caught:
        make_recipe({"name": "mine", **fields})
    assert words in str(caught.value)


def test_stages_change_what_they_say_and_keep_the_rest():
    recipe = make_recipe(
        {
            "name": "mine",
            "epochs": 7,
            "lr": 0.1,
            "augment": {"rotate": 10, "zoom": 0.1},
            "stages": [{}, {"epochs": 2, "augment": {"rotate": 5}, "lr": [1e-4, 1e-3]}],
        }
    )
    first, second = recipe.resolved_stages()
    assert (first.epochs, first.lr, first.augment) == (7, 0.1, Augment(rotate=10, zoom=0.1))
    assert (second.epochs, second.lr, second.augment) == (
        2,
        (1e-4, 1e-3),
        Augment(rotate=5, zoom=0.1),
    )
    assert len(make_recipe({"name": "mine"}).resolved_stages()) == 1


def test_changes_win_over_the_small_scale_and_that_over_the_recipe():
    fields = {
        "name": "mine",
        "epochs": 30,
        "data": {"limit": None},
        "small": {"epochs": 2, "data.limit": 500},
    }
    assert make_recipe(fields).epochs == 30
    small = make_recipe(fields, {"scale": "small"})
    assert (small.epochs, small.data.limit, small.scale) == (2, 500, "small")
    assert make_recipe(fields, {"scale": "small", "epochs": 5}).epochs == 5
    assert fields["epochs"] == 30 and fields["data"] == {"limit": None}


def test_changes_reach_into_groups_and_stages():
    fields = {"name": "mine", "epochs": 3, "stages": [{"epochs": 1}, {"epochs": 2}]}
    recipe = make_recipe(
        fields,
        {
            "data.name": "mnist",
            "augment.rotate": 5,
            "stages.1.epochs": 9,
            "model.options.width": 16,
        },
    )
    assert (
        recipe.data.name == "mnist"
        and recipe.augment.rotate == 5
        and recipe.model.options == {"width": 16}
    )
    assert [stage.epochs for stage in recipe.resolved_stages()] == [1, 9]
    for path in ("stages.7.epochs", "stages.x.epochs", "epochs.more"):
        with pytest.raises(RecipeError, match=path.replace(".", r"\.")):
            make_recipe(fields, {path: 1})


def test_command_line_changes_are_read_as_yaml():
    assert parse_changes(
        [
            "epochs=3",
            "data.classes=['1', '7']",
            "lr=1e-3",
            "clip=",
            "data.name=mnist",
            "model.options={width: 8}",
        ]
    ) == {
        "epochs": 3,
        "data.classes": ["1", "7"],
        "lr": 0.001,
        "clip": None,
        "data.name": "mnist",
        "model.options": {"width": 8},
    }
    for wrong in ("epochs", "=3", "a=[1"):
        with pytest.raises(RecipeError):
            parse_changes([wrong])


def test_numbers_written_with_an_exponent_are_numbers(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("lr: 3e-2\nweight_decay: 1e-4\nname: 1e4run\n")
    recipe = read_recipe(path)
    assert recipe.lr == 0.03 and recipe.weight_decay == 1e-4 and recipe.name == "1e4run"


def test_names_that_look_like_numbers_or_switches_survive(tmp_path):
    changes = parse_changes(["data.classes=[007, 10, no, 1:30, '1e3']", "data.name=007"])
    recipe = make_recipe({"name": "mine"}, changes)
    assert recipe.data.classes == ("007", "10", "no", "1:30", "1e3") and recipe.data.name == "007"
    path = tmp_path / "mine.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    assert read_recipe(path) == recipe
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["data"]["classes"][0] == "007"
    assert parse_changes(["data.follow_test=true", "lr=1e-3", "clip=.5"]) == {
        "data.follow_test": True,
        "lr": 0.001,
        "clip": 0.5,
    }


def test_a_recipe_comes_back_from_yaml_as_it_was(tmp_path):
    recipe = make_recipe(
        {
            "name": "mine",
            "title": "Größe ✓",
            "lr": [1e-5, 1e-3],
            "augment": {"rotate": 10},
            "data": {"classes": ["0", "O"]},
            "stages": [{"epochs": 1}],
            "published": {"value": 99.5, "source": "study D"},
            "loss_options": {"margin": 0.2},
        }
    )
    path = tmp_path / "mine.yaml"
    path.write_text(recipe.to_yaml(), encoding="utf-8")
    assert read_recipe(path) == recipe


def test_a_file_is_named_after_itself_unless_it_says_otherwise(tmp_path):
    path = tmp_path / "my-run.yaml"
    path.write_text("epochs: 2")
    assert read_recipe(path).name == "my-run"


@pytest.mark.parametrize("text", ["- a\n- b", "just text", ":\n  - {", "", "\x00"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError, match="wrong.yaml"):
        read_recipe(path)
    with pytest.raises(RecipeError, match="can't be read"):
        read_recipe(tmp_path / "missing.yaml")


@pytest.mark.parametrize("name", shipped_recipe_names())
def test_every_shipped_recipe_is_valid_at_both_scales_and_says_what_it_is(name):
    recipe = shipped_recipe(name)
    assert recipe.name == name and recipe.title and recipe.about
    assert shipped_recipe(name, {"scale": "small"}).scale == "small"
    fields = read_yaml((RECIPES / f"{name}.yaml").read_text(encoding="utf-8"), name)
    assert make_recipe({"name": name, **fields}) == recipe


def test_an_unknown_shipped_recipe_gets_the_nearest_name():
    with pytest.raises(RecipeError, match="did you mean 'quick'"):
        shipped_recipe("quik")


def test_comparing_recipes_lists_the_fields_that_differ():
    first = make_recipe({"name": "a", "augment": {"rotate": 5}})
    second = make_recipe({"name": "b", "augment": {"rotate": 10}})
    rows = {
        row["field"]: (row["A"], row["B"]) for row in compare_recipes({"A": first, "B": second})
    }
    assert rows == {"name": ("a", "b"), "augment.rotate": (5, 10)}
