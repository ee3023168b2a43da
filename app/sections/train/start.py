"""Setting up a run: a recipe, changes to it in a form or as YAML, what that comes to, and the
button.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

import streamlit as st
import yaml

from app.charts.words import literal, number, percent, seconds
from app.sections.data.report import warn
from app.sections.train.choose import choose, in_the_way
from app.sections.train.form import recipe_form
from app.sections.train.given_data import labels_left_out, on_other_data, wanted_data
from app.sections.train.rates import rate_finder
from app.widgets.allowed import allowed
from app.widgets.doing import do_button
from app.widgets.links import link
from app.widgets.pickers import dataset_label
from engine.data.sources import DATASETS
from engine.errors import DataError, GlyphlabError, RecipeError
from engine.files.checked import read_yaml
from engine.recipes.checks import check_recipe
from engine.recipes.recipe import Recipe, make_recipe
from engine.store.names import check_names

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.runs.run_info import RunInfo

MOST_SEEDS = 10
MOST_CHANGES = 4  # of the small scale that are named
# Fields of a stage on which the time of an epoch does not depend.
FREE: set[str] = set(
    "epochs lr momentum weight_decay schedule warmup step_epochs step_factor patience".split()
)
ALIKE = 20  # earlier runs whose recipes are looked into for an estimate


def start(lab: Lab) -> None:
    """Draw everything from the choice of a recipe to the start button, which puts the new run into
    the address as `?run=`.
    """
    may = allowed(lab, "train")
    data = wanted_data(lab)
    name, scale = choose(lab, data)
    key = f"{name}/{scale}/{data}" if data else f"{name}/{scale}"
    try:
        base = lab.recipe(name, {"scale": scale})
        if data and base.data.name != data:
            st.info(
                f"Recipe `{name}` was written for data set `{base.data.name}`. Here it is set up for"
                f" **{data}**, which you came with.",
                icon=":material/dataset:",
            )
            base = on_other_data(lab, base, data)
        else:
            _about(base, lab.recipe(name).small)
        in_the_way(lab, base)
        recipe = _edited(lab, base, key)
        check_recipe(recipe)
        check_names(lab.store, recipe)
    except GlyphlabError as error:
        st.error(str(error), icon=":material/error:")
        recipe = None
    unfit = lab.data.why_not_trained(recipe.data) if recipe is not None else ""
    if recipe is not None and not unfit:
        _estimate(lab, recipe)
        _doubts(lab, recipe)
        rate_finder(lab, recipe, key)
    if unfit:
        _unfit(unfit, recipe.data.name if recipe else "")
    several = lab.may("sweep")  # who may not start many runs gets no choice of how many
    left, *middle, right = st.columns([4, 2, 3] if several else [2, 1], vertical_alignment="bottom")
    with left:
        run_name = st.text_input("Name of the run", name, key=f"{key}/run-name", max_chars=60)
    count = 1
    if several:
        with middle[0]:
            count = st.number_input(
                "Seeds", 1, MOST_SEEDS, key=f"{key}/seeds",
                help="How many runs of this recipe to start, each with the next seed: how far they"
                " differ by chance alone. *Compare* shows their mean and spread.",
            )  # fmt: skip
    why = lab.why_not_submit(recipe) if recipe is not None else ""
    with right:
        do_button(
            "Start" if count == 1 else f"Start {count} runs",
            _submit,
            (lab, recipe, run_name.strip() or name, count),
            key="start",
            type="primary",
            icon=":material/play_arrow:",
            width="stretch",
            disabled=recipe is None or bool(unfit or why),
        )
    if why and may:
        st.caption(f":material/lock: {why}")


def _unfit(why: str, data: str) -> None:
    """Why nothing can be trained on these images, and where they get labels."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.error(why, icon=":material/label_off:")
        if "no image" in why.casefold():
            link("label", "Label", data=data)


def keep_edits() -> None:
    """Have the form begin, when it is drawn the next time, with what the person has made of the
    recipe so far.
    """
    st.session_state["recipe-begun"] = st.session_state.get("recipe-edited")


def _about(recipe: Recipe, small: Mapping[str, Any]) -> None:
    """What the recipe is. small: what its small scale changes."""
    if recipe.about:
        st.markdown(recipe.about)
    if recipe.published:
        known = recipe.published
        figure = "in words" if known.value is None else f"**{known.value:g}%**"
        st.caption(f"Reported: {figure}, {known.metric} ({known.source}). {known.note}".strip())
    if recipe.scale == "small" and recipe.about:
        st.caption(f"This describes the full scale, with its sizes and times. {_cut_down(small)}")


def _cut_down(small: Mapping[str, Any]) -> str:
    """What the small scale changes, and how long it takes. Markdown."""
    values = [
        f"`{field}` {number(value) if isinstance(value, int) else literal(str(value))}"
        for field, value in small.items()
    ]
    more = len(values) - MOST_CHANGES
    shown = values[:MOST_CHANGES] + ([f"and {more} more"] if more > 0 else [])
    return f"Small takes minutes on two CPU cores: {', '.join(shown)}."


def _edited(lab: Lab, recipe: Recipe, key: str) -> Recipe:
    """The recipe as the person has it now. Form and YAML each begin with what the other was left
    with.
    """
    mode = st.segmented_control(
        "Edit as",
        ["Form", "YAML"],
        default="Form",
        required=True,
        key=f"{key}/mode",
        label_visibility="collapsed",
        on_change=keep_edits,
    )
    begun = st.session_state.get("recipe-begun")
    base = make_recipe(begun[1]) if begun and begun[0] == key else recipe
    fields = _fields(base)
    if mode == "YAML":
        shown = {name: value for name, value in fields.items() if name != "small"}
        text = st.text_area(
            "Recipe as YAML",
            yaml.safe_dump(shown, sort_keys=False, allow_unicode=True, width=100),
            key=f"{key}/yaml",
            height=420,
            help="Checked as you leave the field: unknown keys and wrong values are named below.",
        )
        edited = make_recipe(_mapping(text))
    else:
        datasets = {
            data.name: dataset_label(data).removeprefix(data.name).removeprefix(" · ")
            for data in lab.datasets()
        }
        edited = make_recipe(fields, recipe_form(base, datasets, key))
    st.session_state["recipe-edited"] = (key, _fields(edited))
    return edited


def _fields(recipe: Recipe) -> dict:
    # `scale: small` was applied: again, it would undo what the person changes.
    return {**recipe.model_dump(mode="json"), "small": {}}


def _mapping(text: str) -> dict:
    fields = read_yaml(text, "this")
    if not isinstance(fields, dict):
        raise RecipeError(
            "this is not a recipe", expected="keys and values", got=type(fields).__name__
        )
    return fields


def _estimate(lab: Lab, recipe: Recipe) -> None:
    stages = recipe.resolved_stages()
    epochs = sum(stage.epochs for stage in stages)
    size = stages[-1].size or recipe.data.size
    parts = [
        f"**{recipe.model.name}** on **{recipe.data.name}** at {size} px",
        f"{number(epochs)} epoch{'s' if epochs > 1 else ''}"
        + (f" in {len(stages)} stages" if len(stages) > 1 else ""),
    ]
    if recipe.data.limit:
        parts.append(f"at most {number(recipe.data.limit)} training images")
    same = (
        run
        for run in lab.runs()
        if run.state == "finished"
        and (run.data, run.model) == (recipe.data.name, recipe.model.name)
    )
    like = next((run for run in islice(same, ALIKE) if _alike(lab, run, recipe)), None)
    if like is not None and like.seconds and like.epochs:
        parts.append(
            f"about {seconds(_expected(lab, like, epochs))}, judged by run {literal(like.name)} `{like.id}`"
            f" ({number(like.epochs)} epoch{'s' * (like.epochs > 1)} in {seconds(like.seconds)},"
            f" loading included; test accuracy {percent(like.accuracy)})"
        )
    st.info("Will train " + " · ".join(parts) + ".", icon=":material/info:")


def _doubts(lab: Lab, recipe: Recipe) -> None:
    """What is doubtful about the person's own data set, before anything is trained on it."""
    if left_out := labels_left_out(lab, recipe):
        st.info(left_out, icon=":material/label:")
    if recipe.data.name in DATASETS or "+" in recipe.data.name:
        return
    try:
        warn(lab.data.contents(recipe.data.name).report.warnings)
    except DataError as error:
        st.warning(str(error), icon=":material/warning:")


def _expected(lab: Lab, like: RunInfo, epochs: int) -> float:
    """Seconds that `epochs` epochs take, judged by a run: each as long as one of its own, and once what
    it took beside them, as loading.
    """
    rows = [row for row in lab.run(like.id).metrics() if row["kind"] == "epoch"]
    whole, trained = like.seconds or 0.0, rows[-1]["seconds"] if rows else 0.0
    if not 0 < trained <= whole:
        return whole / max(like.epochs, 1) * epochs
    return whole - trained + trained / len(rows) * epochs


def _alike(lab: Lab, run: RunInfo, recipe: Recipe) -> bool:
    """Whether an earlier run cost the same an epoch: its data, network, stages and devices do."""
    try:
        return cost_of(lab.run(run.id).recipe()) == cost_of(recipe)
    except GlyphlabError:
        return False


def cost_of(recipe: Recipe) -> dict[str, Any]:
    """What decides how long an epoch of a recipe takes on one machine. Where stages differ in it, their
    lengths count too.
    """
    stages = [stage.model_dump(mode="json", exclude=FREE) for stage in recipe.resolved_stages()]
    fields = {"data", "model", "method", "precision", "resources"}
    one_kind = all(stage == stages[0] for stage in stages)
    return {
        **recipe.model_dump(mode="json", include=fields),
        "stages": stages[:1] if one_kind else stages,
        "epochs": [] if one_kind else [stage.epochs for stage in recipe.resolved_stages()],
    }


def _submit(lab: Lab, recipe: Recipe, name: str, count: int = 1) -> None:
    """Start `count` runs of a recipe, with its seed and the next ones. The first is watched."""
    begun: list[str] = []
    try:
        for seed in range(recipe.seed, recipe.seed + count):
            own = recipe if count == 1 else make_recipe(_fields(recipe), {"seed": seed})
            called = name if count == 1 else f"{name} seed {seed}"
            begun.append(lab.submit(own, name=called))
    except GlyphlabError as error:
        started = f"{len(begun)} of {count} runs were started. " if begun else ""
        st.session_state["not-started"] = f"{started}{error}"
    if begun:
        st.query_params["run"] = begun[0]
        st.session_state["seeds-begun"] = begun if count > 1 else []
        st.session_state["run-begun"] = True
        keep_edits()


def seeds_begun() -> None:
    """Where several seeds were started last: that they wait for each other, and where to compare them."""
    begun = st.session_state.get("seeds-begun")
    if begun:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(
                f"{len(begun)} runs of this recipe were started, each with a seed of its own. They"
                " train one after another, as far as the machine has room.",
                width="content",
            )
            link("compare", "Compare these seeds", runs=",".join(begun))
    if error := st.session_state.pop("not-started", None):
        st.error(error, icon=":material/error:")
