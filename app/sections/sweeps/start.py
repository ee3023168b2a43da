"""Choosing a sweep, and setting a new one up in a form or as YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import streamlit as st

from app.charts import sweep as charts
from app.widgets.common import empty
from app.widgets.doing import do_button
from engine.errors import GlyphlabError, RecipeError
from engine.files.checked import read_yaml

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.sweep.spec import SweepSpec


EXAMPLE = """\
lr: [0.001, 0.0001]
model.options.dropout: {low: 0.1, high: 0.5, step: 0.1}
weight_decay: {low: 0.00001, high: 0.1, log: true}
"""


def pick_sweep(lab: Lab) -> str | None:
    """One sweep's name, the one last touched unless chosen; None, with an empty state drawn, where
    there are none.
    """
    names = {
        name: f"{name} · {title}" if title else name for name, title in lab.sweeps.titles().items()
    }
    if not names:
        way = " Choose one that comes with the lab above, or write your own."
        empty(
            "No sweep yet." + (way if lab.may("sweep") else ""),
            "train",
            "Train a single run",
        )
        return None
    wanted = st.query_params.get("sweep")
    if wanted in names:
        st.session_state["sweep-choice"] = wanted
    elif st.session_state.get("sweep-choice") not in names:
        st.session_state["sweep-choice"] = next(iter(names))

    def remember() -> None:
        st.query_params["sweep"] = st.session_state["sweep-choice"]

    return st.selectbox(
        "Sweep",
        list(names),
        format_func=lambda name: names.get(name) or name,
        key="sweep-choice",
        on_change=remember,
    )


def new_sweep(lab: Lab) -> None:
    """Draw everything from the choice of a search space to the start button, which puts the new
    sweep into the address.
    """
    from engine.sweep.spec import shipped_sweeps

    mode = st.segmented_control(
        "From",
        ["Included", "Form", "YAML"],
        default="Included",
        required=True,
        key="new-sweep-from",
    )
    text = None
    spec: SweepSpec | None = None
    try:
        if mode == "Form":
            spec = _from_form(lab)
        else:
            name = (
                st.selectbox("Search space", _spaces(lab), key="new-sweep-shipped")
                if mode == "Included"
                else ""
            )
            text = shipped_sweeps()[name].read_text(encoding="utf-8") if name else _blank(lab)
            spec = _from_yaml(text, name or "my-sweep", mode)
    except GlyphlabError as error:
        st.error(str(error), icon=":material/error:")
    left, middle, right = st.columns([1, 1, 2], vertical_alignment="bottom")
    trials = left.number_input(
        "Trials", 1, 100_000, spec.trials if spec else 20, key=f"new-sweep-trials-{mode}"
    )
    workers = middle.number_input(
        "Workers",
        1,
        64,
        1,
        key="new-sweep-workers",
        help="each has one trial at a time; runs of one device wait for their turn",
    )
    with right:
        do_button(
            "Start the sweep",
            _start,
            (lab, spec, int(trials), int(workers)),
            key="new-sweep-start",
            type="primary",
            icon=":material/play_arrow:",
            disabled=spec is None,
        )
    if error := st.session_state.pop("sweep-refused", None):
        st.error(error, icon=":material/error:")


def _spaces(lab: Lab) -> list[str]:
    """The search spaces that come with the lab, those whose data set is here before the others."""
    from engine.sweep.spec import read_sweep, shipped_sweeps

    here = {data.name for data in lab.datasets() if data.here}
    data = {recipe.name: recipe.data for recipe in lab.recipes()}
    recipes = {name: read_sweep(path).recipe for name, path in shipped_sweeps().items()}
    return sorted(recipes, key=lambda name: data.get(recipes[name]) not in here)


def _from_form(lab: Lab) -> SweepSpec:
    from engine.sweep.spec import PRUNERS, SAMPLERS, SWEEP_METRICS, make_sweep

    recipes = [recipe.name for recipe in lab.recipes()]
    left, middle, right = st.columns(3)
    recipe = left.selectbox(
        "Recipe",
        recipes,
        index=recipes.index("quick") if "quick" in recipes else 0,
        key="new-sweep-recipe",
    )
    name = middle.text_input(
        "Name", f"{recipe}-sweep", key=f"new-sweep-name-{recipe}", max_chars=60
    )
    metric = right.selectbox(
        "Figure to improve", list(SWEEP_METRICS), format_func=charts.words, key="new-sweep-metric"
    )
    sampler = left.selectbox(
        "Sampler",
        list(SAMPLERS),
        format_func=lambda key: f"{key} · {SAMPLERS[key]}",
        key="new-sweep-sampler",
    )
    pruner = middle.selectbox(
        "Pruner",
        list(PRUNERS),
        format_func=lambda key: f"{key} · {PRUNERS[key]}",
        key="new-sweep-pruner",
    )
    scale = right.segmented_control(
        "Scale", ["full", "small"], default="full", required=True, key="new-sweep-scale"
    )
    st.caption(
        "What is tried: a field of the recipe and its values, or a range with `low`, `high` and"
        " maybe `log` or `step`. One a line, as YAML."
    )
    space = _mapping(
        st.text_area("Search space", EXAMPLE, key="new-sweep-space", height=140), "the search space"
    )
    text = st.text_area(
        "The same in every trial",
        "epochs: 5\n",
        key="new-sweep-changes",
        height=80,
        help="changes to the recipe, key.path: value",
    )
    changes = {**({"scale": scale} if scale == "small" else {}), **_mapping(text, "the changes")}
    tree = {
        "name": name,
        "recipe": recipe,
        "space": space,
        "changes": changes,
        "metric": metric,
        "sampler": sampler,
        "pruner": pruner,
    }
    return make_sweep(tree)


def _from_yaml(text: str, name: str, mode: str) -> SweepSpec:
    from engine.sweep.spec import parse_sweep

    return parse_sweep(
        st.text_area("As YAML", text, key=f"new-sweep-yaml-{mode}-{name}", height=360), name
    )


def _blank(lab: Lab) -> str:
    recipe = next(
        (recipe.name for recipe in lab.recipes() if recipe.name == "quick"), lab.recipes()[0].name
    )
    space = "".join(f"  {line}\n" for line in EXAMPLE.splitlines())
    rest = "metric: val_accuracy\ntrials: 20\nsampler: tpe\npruner: median\n"
    return f"name: my-sweep\nrecipe: {recipe}\nchanges: {{epochs: 5}}\nspace:\n{space}{rest}"


def _mapping(text: str, what: str) -> dict[str, Any]:
    found = read_yaml(text, what) or {}
    if not isinstance(found, dict):
        raise RecipeError(
            f"{what} can't be read", expected="key.path: value, one a line", got=repr(text)
        )
    return found


def _start(lab: Lab, spec: SweepSpec, trials: int, workers: int) -> None:
    try:
        name = lab.sweeps.create(spec)
        lab.sweeps.start(name, trials, workers)
        st.query_params["sweep"] = name
        st.session_state["sweep-begun"] = True
    except GlyphlabError as error:
        st.session_state["sweep-refused"] = str(error)
