"""What may stand in a YAML text or a JSON document, and that nothing else gets through the door."""

from __future__ import annotations

import time

import pytest

from engine.errors import DamagedError, GlyphlabError, RecipeError
from engine.files.checked import (
    DEEPEST,
    Document,
    parse_json,
    read_document,
    read_yaml,
    texts_of_yaml,
)
from engine.recipes.fields import Stage
from engine.recipes.recipe import Recipe, make_recipe, parse_changes
from engine.sweep.spec import SweepSpec, make_sweep, parse_sweep

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    for before, name in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (LAUGHS, "an alias or anchor"),
        ("a: &b 1", "an alias or anchor"),
        ("[" * 5000, "this text"),
        ("- " * 5000, f"more than {DEEPEST} levels"),
        ("x: " + "y" * 200_000, "is too long"),
        ("a: .nan", "not a finite number"),
        ("a: -.inf", "not a finite number"),
        ("a: " + "9" * 30, "too large"),
        ("a: " + "9" * 5000, "can't be used"),
        ("1: 2", "the key 1 is not text"),
        ("? [a]\n: b", "not YAML"),
        ('a: "\\ud800"', "not YAML|can't be used"),
        ('a: "\\0"', "can't be used"),
        ("a: !!binary aGk=", "the tag"),
        ("a: !!python/object/apply:os.system [ls]", "the tag"),
        ("a: !!timestamp x", "the tag"),
        ("a: b: c", "not YAML: mapping values are not allowed in this context at line 1"),
        ("\x00", "not YAML"),
        ("--- a\n--- b", "not YAML"),
    ],
)
def test_yaml_that_harms_is_refused_at_once_and_in_words(text, message):
    begun = time.process_time()  # whatever else the machine does
    with pytest.raises(RecipeError, match=message) as caught:
        read_yaml(text, "this text")
    assert time.process_time() - begun < 2  # the aliases took 46 s
    assert str(caught.value).startswith("this text ")


def test_yaml_of_plain_values_is_read_and_a_date_is_text():
    text = "a: [1, 2.5, true, null, é]\nb: {c: 2026-01-02}\nd: 1:30"
    assert read_yaml(text, "it")["b"] == {"c": "2026-01-02"}
    assert read_yaml(text, "it")["a"] == [1, 2.5, True, None, "é"]


@pytest.mark.parametrize(
    "content", ["[" * 100_000, "[NaN]", "1e999", '"\\ud800"', "{", b"\xff", ""]
)
def test_json_that_is_damaged_is_a_value_error_and_nothing_else(content):
    with pytest.raises(ValueError):
        parse_json(content)


class Kind(Document):
    number: int
    name: str = ""


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "it is missing"),
        (b"", "is not JSON"),
        (b"\x00\xff\xfe", "is not"),
        (b"[1]", "the whole"),
        (b"{}", "number: field required"),
        (b'{"number": "3"}', "number: input should be a valid integer; it is '3'"),
        (b'{"number": true}', "number: input should be a valid integer"),
        (b'{"number": 1e400}', "inf is not a finite number"),
        (b'{"number": 3, "name": null}', "name: input should be a valid string"),
    ],
)
def test_a_document_is_what_its_kind_says_or_named_as_damaged(tmp_path, content, message):
    path = tmp_path / "folder" / "file.json"
    path.parent.mkdir()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(
        DamagedError, match=f"folder/file.json is damaged: .*{message}.*Do this"
    ) as got:
        read_document(path, Kind, "Do this.")
    assert str(tmp_path) not in str(got.value)


def test_a_document_of_another_version_may_say_more(tmp_path):
    (tmp_path / "file.json").write_text('{"number": 3, "new": [1]}')
    assert read_document(tmp_path / "file.json", Kind, "") == Kind(number=3)


def numeric_fields(kind, prefix="") -> list[str]:
    """The key paths of every numeric field of a pydantic model, of models in it too."""
    out = []
    for name, field in kind.model_fields.items():
        text = str(field.annotation)
        if hasattr(field.annotation, "model_fields"):
            out += numeric_fields(field.annotation, f"{prefix}{name}.")
        elif ("int" in text or "float" in text) and not text.startswith(("dict", "tuple[dict")):
            out.append(prefix + name)
    return out


FIELDS = numeric_fields(Recipe)


def test_there_are_numeric_fields_to_try():
    assert len(FIELDS) > 40 and {"lr", "seed", "data.limit", "augment.crop"} <= set(FIELDS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e300, 2**70, -(2**70)])
@pytest.mark.parametrize("field", FIELDS)
def test_every_number_of_a_recipe_has_bounds(field, value):
    with pytest.raises(RecipeError):
        make_recipe({"name": "x"}, {field: value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, 2**70, [1e300], {"a": 1e300}])
@pytest.mark.parametrize("field", ["model.options", "loss_options", "miner_options"])
def test_every_number_of_an_option_has_bounds(field, value):
    with pytest.raises(RecipeError):
        make_recipe({"name": "x"}, {f"{field}.width": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, -1e300, 2**70])
@pytest.mark.parametrize("field", [*numeric_fields(SweepSpec), "low", "high", "step"])
def test_every_number_of_a_sweep_has_bounds(field, value):
    tree = {"name": "x", "recipe": "quick", "space": {"lr": {"low": 0.1, "high": 1.0, "step": 0.1}}}
    (tree["space"]["lr"] if field in ("low", "high", "step") else tree)[field] = value
    with pytest.raises(RecipeError):
        make_sweep(tree)


@pytest.mark.parametrize(
    "changes",
    [
        {"published": {"valeu": 1}},
        {"small": [1]},
        {"scale": "small", "small": "x"},
        {"stages": [1]},
        {"data": None},
        {"stages": {"a": 1}},
        {"lr": []},
        {"data.classes": 5},
        {"name": "x" * 1000},
    ],
)
def test_a_recipe_of_the_wrong_shape_is_explained(changes):
    with pytest.raises(RecipeError):
        make_recipe({"name": "x"}, changes)


@pytest.mark.parametrize("space", ["{lr: {low: 1, high: 2, lwo: 3}}", "[1]", "{lr: {low: a}}", "5"])
def test_a_search_space_of_the_wrong_shape_is_explained(space):
    with pytest.raises(RecipeError):
        parse_sweep(f"recipe: quick\nspace: {space}", "x")


@pytest.mark.parametrize("pair", ["lr=.nan", "lr=nan", "lr=1e999", "a=&x 1", "stages=[[[1]]]"])
def test_a_change_from_the_command_line_is_checked_as_well(pair):
    with pytest.raises(GlyphlabError):
        make_recipe({"name": "x"}, parse_changes([pair]))


def test_what_ran_before_runs_still():
    assert isinstance(make_recipe({"name": "x", "lr": "1e-3", "freeze": 99, "clip": 5.0}), Stage)


def test_foreign_yaml_is_read_as_texts_and_not_where_it_is_nested_deep():
    assert texts_of_yaml("names: [007, no, 1e-3]") == {"names": ["007", "no", "1e-3"]}
    assert texts_of_yaml("a: &x !some/tag [1]") == {"a": ["1"]}
    for deep in (DEEPEST + 1, 5_000, 100_000):
        assert texts_of_yaml("names: " + "[" * deep) is None
    assert texts_of_yaml("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1)) is None
    assert texts_of_yaml(LAUGHS) is None and texts_of_yaml("a: b: c") is None
