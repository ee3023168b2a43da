"""The Train page, without a browser."""

from __future__ import annotations

import dataclasses
import json

import pytest
import yaml
from compared import compared_run
from weblab import add_run, charts, end_at_once, open_page, texts

from app.charts.learning import best_epoch
from app.sections.train.figures import at_the_end
from app.sections.train.start import cost_of
from engine.compare.subjects import apart_from_seed
from engine.lab import Lab
from engine.models.catalog import MODELS
from engine.recipes.fields import Augment, DataSpec
from engine.recipes.recipe import Recipe
from engine.runs.run import create_run


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def started(page) -> None:
    page.button(key="start").click().run()
    assert not page.exception


def show_tab(page, label: str) -> None:
    """Open a tab of the form: what was opened once stays drawn, so that nothing typed is lost."""
    page.session_state["quick/full/tabs"] = label
    page.run()


def stopped(lab: Lab) -> Recipe:
    """The recipe of the one run there is, whose process is ended at once: these tests are about the
    page.
    """
    run = lab.runs()[0]
    end_at_once(lab, run.id)
    return lab.run(run.id).recipe()


def test_quick_is_offered_first_and_says_what_it_will_train(lab):
    page = open_page("train")
    assert page.selectbox(key="recipe").value == "quick"
    assert "Will train **convnet** on **digits**" in texts(page)
    assert not page.button(key="start").disabled


def test_the_time_is_judged_by_runs_of_the_same_cost_alone(lab):
    run = add_run(lab)
    assert f"judged by run quick `{run.id}`" in texts(open_page("train"))
    quick = lab.recipe("quick")
    for free in ({"lr": 0.5}, {"epochs": 99}, {"seed": 3}, {"weight_decay": 0.1}):
        assert cost_of(lab.recipe("quick", free)) == cost_of(quick)
    for dear in (
        {"freeze": 99},
        {"loss": "triplet"},
        {"augment.rotate": 7},
        {"resources.processes": 2},
        {"precision": "bfloat16"},
        {"batch_size": 8},
        {"data.limit": 50},
        {"stages": [{"epochs": 1}, {"freeze": 99}]},
    ):
        assert cost_of(lab.recipe("quick", dear)) != cost_of(quick)
    frozen = {"stages": [{"epochs": 1}, {"freeze": 99}]}
    longer = {"stages": [{"epochs": 9}, {"freeze": 99}]}
    assert cost_of(lab.recipe("quick", frozen)) != cost_of(lab.recipe("quick", longer))
    run.path.joinpath("recipe.yaml").write_text(lab.recipe("quick", {"freeze": 99}).to_yaml())
    assert "judged by" not in texts(open_page("train"))


def test_the_address_chooses_a_recipe_and_its_published_figure_is_shown(lab):
    page = open_page("train", recipe="mnist-tiny-step1")
    assert page.selectbox(key="recipe").value == "mnist-tiny-step1"
    assert "Reported:" in texts(page)


def test_an_estimate_counts_loading_once_and_an_epoch_as_often_as_it_is_trained(lab):
    run = compared_run(lab, curve=(0.9,), changes={"epochs": 1})  # whose epoch took 2 s
    times = {"started": "2026-01-02T03:04:00.000Z", "finished": "2026-01-02T03:04:05.000Z"}
    run.write_status(**times, epoch=1, epochs=1)
    words = texts(open_page("train", recipe="quick"))  # 10 epochs
    assert (
        f"about 23 s, judged by run quick `{run.id}` (1 epoch in 5.0 s, loading included;" in words
    )


def test_what_can_be_trained_here_comes_first_and_what_is_away_says_so(lab, monkeypatch):
    monkeypatch.delenv("GLYPHLAB_DATA", raising=False)
    page = open_page("train", recipe="mnist-tiny-step1")
    chips = page.get("button_group")[0].options
    assert chips[:3] == ["all", "Digits", "Invented characters"]
    assert "MNIST · to be downloaded" in chips and "Nature 12K · not here" in chips
    recipes = [option.split(" · ")[0] for option in page.selectbox(key="recipe").options]
    assert recipes[:3] == ["few-pretrained", "few-scratch", "quick"]
    assert "**MNIST** is not here yet: *Start* downloads it first (11.6 MB)." in texts(page)
    monkeypatch.setenv("GLYPHLAB_OFFLINE", "1")
    assert "the lab is offline" in texts(open_page("train", recipe="mnist-tiny-step1"))
    page = open_page("train", recipe="nature-cnn5")
    assert "**Nature 12K** is not here yet, and can't be downloaded" in texts(page)
    assert "is not here" not in texts(open_page("train", recipe="quick"))


def test_recipes_can_be_narrowed_down_to_those_on_one_data_set(lab):
    page = open_page("train", recipe="mnist-tiny-step1")
    page.get("button_group")[0].set_value("task3").run()
    assert not page.exception and not page.warning
    assert {
        lab.recipe(option.partition(" · ")[0]).data.name
        for option in page.selectbox(key="recipe").options
    } == {"task3"}


def test_changes_in_the_form_reach_the_run_and_the_run_is_watched(lab):
    page = open_page("train")
    page.number_input(key="quick/full/epochs").set_value(2)
    show_tab(page, "Augmentation")
    page.number_input(key="quick/full/augment.rotate").set_value(7.5)
    show_tab(page, "Basics")
    page.text_input(key="quick/full/lr").set_value("1e-3, 2e-3")
    page.text_input(key="quick/full/run-name").set_value("mine").run()
    started(page)
    assert page.query_params["run"] == lab.runs()[0].id
    assert lab.runs()[0].name == "mine" and "mine" in [line.value for line in page.subheader]
    recipe = stopped(lab)
    assert (recipe.epochs, recipe.augment.rotate, recipe.lr) == (2, 7.5, (0.001, 0.002))


def test_the_small_form_of_a_recipe_can_be_changed_and_stays_changed(lab):
    page = open_page("train", recipe="mnist-tiny-step1")
    page.segmented_control(key="scale").set_value("small").run()
    small = lab.recipe("mnist-tiny-step1", {"scale": "small"})
    field = page.number_input(key="mnist-tiny-step1/small/epochs")
    assert field.value == small.epochs
    words = texts(page)
    assert "This describes the full scale, with its sizes and times." in words
    assert (
        "minutes on two CPU cores: `data.limit` 15,000, `data.limit_eval` 3,000, `epochs` 4."
        in words
    )
    assert "full scale" not in texts(open_page("train", recipe="mnist-tiny-step1"))
    field.set_value(small.epochs + 1).run()
    assert f"{small.epochs + 1} epoch" in texts(page)


def test_text_that_is_no_number_is_explained_and_nothing_starts(lab):
    page = open_page("train")
    page.text_input(key="quick/full/lr").set_value("fast").run()
    assert "Learning rate can't be read" in page.error[0].value
    assert page.button(key="start").disabled
    page.text_input(key="quick/full/lr").set_value("1," * 600).run()
    assert "Learning rate is too long: 1,200. Allowed: at most 1,000 characters" in texts(page)
    assert page.button(key="start").disabled


def test_a_recipe_can_be_written_as_yaml_and_its_mistakes_are_named(lab):
    page = open_page("train")
    page.segmented_control(key="quick/full/mode").set_value("YAML").run()
    editor = page.text_area(key="quick/full/yaml")
    fields = yaml.safe_load(editor.value)
    assert fields["name"] == "quick" and fields["epochs"] == lab.recipe("quick").epochs
    editor.set_value(yaml.safe_dump({**fields, "epoches": 3})).run()
    assert "did you mean 'epochs'" in page.error[0].value and page.button(key="start").disabled
    for wrong, says in (
        ({"loss": "crossentropy"}, "did you mean 'cross_entropy'"),
        ({"model": {"name": "convet"}}, "did you mean 'convnet'"),
        ({"model": {"name": "convnet", "options": {"widht": 3}}}, "model.options.width"),
        ({"optimizer": "adamm"}, "did you mean 'adam"),
        ({"init_from": "nothing-there"}, "nothing-there"),
        ({"data": {**fields["data"], "name": "digitz"}}, "digitz"),
    ):
        editor = page.text_area(key="quick/full/yaml")
        editor.set_value(yaml.safe_dump({**fields, **wrong})).run()
        assert says in page.error[0].value and page.button(key="start").disabled, wrong
        assert not any("Will train" in info.value for info in page.info), (
            "nothing is promised of it"
        )
    page.text_area(key="quick/full/yaml").set_value("a: [1").run()
    assert "not YAML" in page.error[0].value and "line" in page.error[0].value
    page.text_area(key="quick/full/yaml").set_value(yaml.safe_dump({**fields, "epochs": 3})).run()
    assert not page.error and "3 epochs" in texts(page)


def test_why_the_curve_shows_another_validation_accuracy_is_said(lab):
    """Runs of earlier versions validated in bfloat16; a loss on embeddings is validated by kNN."""
    run = add_run(lab)
    info, final, rows = run.info(), run.final(), run.metrics()
    help = figures_at_the_end(info, rows, final)["Validation"]
    assert (
        "at epoch 10, whose weights are kept; the curve's 96.00% are of another image size or precision"
        in help
    )
    equal = {**final, "val_accuracy": best_epoch(rows)["val_accuracy"]}
    assert figures_at_the_end(info, rows, equal)["Validation"].endswith("whose weights are kept")
    by_knn = [
        {**row, "train_accuracy": None, "knn_accuracy": row.get("val_accuracy")} for row in rows
    ]
    assert "the curve's 96.00% are by kNN" in figures_at_the_end(info, by_knn, final)["Validation"]
    noisy = dataclasses.replace(info, method="recovered")
    assert "estimates the accuracy" in figures_at_the_end(noisy, rows, final)["Validation"]
    later = [{**row, "stage": 2} for row in rows]
    by_likely = figures_at_the_end(noisy, later, equal)["Validation"]
    assert by_likely.endswith("by the classes that the stage before found likely")
    pooled = {**final, "test_data": "a+b", "test_sources": {"b": 364}}
    assert figures_at_the_end(info, rows, pooled)["Test accuracy"] == "364 images of b"
    again = figures_at_the_end(info, rows, {**pooled, "test_reads": 3})["Test accuracy"]
    assert again.startswith("364 images of b, read 3 times: at each stop")


def test_how_many_images_an_epoch_sees_is_said_while_it_trains_and_at_its_end(lab):
    run = add_run(lab)  # its epochs have seen 100, 200 and 300 images
    ended = figures_at_the_end(run.info(), run.metrics(), run.final())
    assert ended["Training time"].endswith(" training images per second, 100 an epoch")
    page = open_page("train", run=add_run(lab, "stopped").id)
    (seen,) = [metric for metric in page.metric if metric.label == "Images seen"]
    assert seen.help == "100 an epoch"


def figures_at_the_end(info, rows, final) -> dict[str, str]:
    """The tooltips of a finished run's figures by their labels."""
    return {label: help or "" for label, _, help in at_the_end(info, rows, final)}


def test_form_and_yaml_begin_with_what_the_other_was_left_with(lab):
    page = open_page("train")
    page.number_input(key="quick/full/epochs").set_value(3).run()
    page.segmented_control(key="quick/full/mode").set_value("YAML").run()
    fields = yaml.safe_load(page.text_area(key="quick/full/yaml").value)
    assert fields["epochs"] == 3
    page.text_area(key="quick/full/yaml").set_value(
        yaml.safe_dump({**fields, "epochs": 4, "batch_size": 32})
    ).run()
    page.segmented_control(key="quick/full/mode").set_value("Form").run()
    assert (
        page.number_input(key="quick/full/epochs").value,
        page.number_input(key="quick/full/batch_size").value,
    ) == (4, 32)
    page.number_input(key="quick/full/batch_size").set_value(16).run()
    assert page.number_input(key="quick/full/epochs").value == 4 and "4 epochs" in texts(page)


def test_a_closed_form_is_not_drawn_and_opens_as_it_was_left(lab):
    page = open_page("train", recipe="mnist-tiny-step1")
    page.segmented_control(key="scale").set_value("small").run()
    page.number_input(key="mnist-tiny-step1/small/batch_size").set_value(48).run()
    page.button(key="start").click().run()
    stopped(lab)
    assert not page.session_state["new-run"] and not page.number_input
    page.session_state["new-run"] = True
    page.run()
    assert not page.exception
    assert page.number_input(key="mnist-tiny-step1/small/batch_size").value == 48


def test_a_finished_run_shows_its_figures_curves_and_where_to_go(lab):
    run = add_run(lab)
    page = open_page("train", run=run.id)
    figures = {metric.label: metric.value for metric in page.metric}
    assert figures["Test accuracy"] == "98.90%" and figures["Parameters"] == "147 k"
    # 300 images in six seconds, whatever the speed of the last epoch was
    assert "50 training images per second" in [m.help for m in page.metric if "time" in m.label][0]
    assert len(charts(page)) == 2
    page.session_state[f"more-{run.id}"] = page.session_state[f"recipe-{run.id}"] = True
    page.run()
    assert len(charts(page)) == 4 and "name: quick" in page.code[-1].value
    assert f"/draw?model={run.id}" in texts(page) and f"/compare?runs={run.id}" in texts(page)
    assert not [button for button in page.button if button.label.startswith("Stop")]


def test_a_run_shows_over_how_many_processes_it_trained(lab):
    run = add_run(lab)
    with run.take_lock():
        run.write_status(machine={"device": "cpu", "processes": 2, "backend": "gloo"})
    assert "· cpu, 2 processes (gloo) · run" in texts(open_page("train", run=run.id))
    with run.take_lock():
        run.write_status(machine={"device": "cuda:0", "processes": 4, "backend": "nccl"})
    assert "· cuda, 4 processes (nccl) · run" in texts(open_page("train", run=run.id))


def test_a_failed_run_shows_why_with_its_log_and_offers_to_go_on(lab):
    run = add_run(lab, "failed", model=False, error="its process was killed")
    page = open_page("train", run=run.id)
    assert "its process was killed" in page.error[0].value
    assert page.button(key=f"resume-{run.id}").label == "Resume"
    assert "failed" in page.text[0].value


def test_a_run_that_ended_before_its_first_point_promises_none_and_can_start_again(lab):
    run = create_run(lab.home, lab.recipe("quick"))
    run.end("stopped")
    page = open_page("train", run=run.id)
    assert page.button(key=f"resume-{run.id}").label == "Start again"
    drawn = json.dumps(charts(page)).replace("<br>", " ")
    assert (
        drawn.count("The run ended before its first point") == 2 and "The first point" not in drawn
    )


def test_a_live_run_can_be_told_to_stop(lab):
    run = add_run(lab)
    with run.take_lock():
        run.write_status(state="running", finished=None)
        page = open_page("train", run=run.id)
        assert page.button(key=f"stop-{run.id}").label == "Stop and keep the model"
        page.button(key=f"stop-{run.id}").click().run()
        assert not page.exception
        assert run.stop_wanted
        assert page.button(key=f"stop-{run.id}").disabled
        (run.path / "stop").unlink()
        run.forget_after(0)  # as before its first epoch has ended
        label = open_page("train", run=run.id).button(key=f"stop-{run.id}").label
        assert label == "Stop (there is no model to keep yet)"


def test_training_again_counts_the_labels_that_changed_and_not_those_that_were_confirmed(lab):
    run, given = add_run(lab), lab.labels.given("digits")
    names = list(given)
    lab.labels.relabel("digits", names[:2], [given[name] for name in names[:2]], who="ann")
    assert "than this run was trained on" not in texts(open_page("train", run=run.id))
    others = ["1" if given[name] != "1" else "2" for name in names[2:5]]
    lab.labels.relabel("digits", names[2:5], others, who="ann")
    shown = texts(open_page("train", run=run.id))
    assert "3 images of `digits` have another label now than this run was trained on." in shown


def test_an_address_of_a_run_that_is_gone_says_so(lab):
    add_run(lab)
    page = open_page("train", run="nosuch")
    assert "There is no run `nosuch`" in page.warning[0].value


def test_every_field_of_a_recipe_that_decides_a_run_is_in_the_form(lab):
    page = open_page("train")
    assert "quick/full/augment.rotate" not in {field.key for field in page.number_input}
    for tab in page.tabs:
        show_tab(page, tab.label)
    kinds = (
        page.number_input,
        page.text_input,
        page.selectbox,
        page.text_area,
        page.toggle,
        page.segmented_control,
    )
    keys = {(widget.key or "").removeprefix("quick/full/") for kind in kinds for widget in kind}
    words = {
        "name",
        "title",
        "about",
        "published",
        "target",
        "analysis",
        "small",
        "scale",
        "resources",
    }  # they say, but decide nothing
    wanted = set(Recipe.model_fields) - words - {"data", "model", "augment"}
    wanted |= (
        {f"data.{name}" for name in DataSpec.model_fields}
        | {f"augment.{name}" for name in Augment.model_fields}
        | {"model.name"}
    )
    assert not wanted - keys
    assert not page.error  # every default passes the check as it comes back from its field


def test_a_run_is_shown_when_it_is_chosen_or_under_way(lab):
    """Who came to start a run does not wait for the curves of another that has ended."""
    run = add_run(lab)
    page = open_page("train")
    assert page.selectbox(key="run").value is None and not charts(page)
    page.selectbox(key="run").select(run.id).run()
    assert len(charts(page)) == 2
    with run.take_lock():
        run.write_status(state="running", finished=None)
        assert open_page("train").selectbox(key="run").value == run.id


def test_several_seeds_start_by_one_click_and_are_compared_together(lab):
    page = open_page("train")
    page.number_input(key="quick/full/seeds").set_value(3).run()
    assert page.button(key="start").label == "Start 3 runs"
    started(page)
    runs = lab.runs()
    end_at_once(lab, *(run.id for run in runs))
    recipes = [lab.run(run.id).recipe() for run in runs]
    first = lab.recipe("quick").seed
    assert sorted(recipe.seed for recipe in recipes) == [first, first + 1, first + 2]
    assert {run.name for run in runs} == {f"quick seed {first + n}" for n in range(3)}
    assert "3 runs of this recipe were started" in texts(page)
    (address,) = [one for one in texts(page).split() if "/compare?runs=" in one][:1]
    assert all(run.id in address for run in runs)
    assert len({str(apart_from_seed(recipe)) for recipe in recipes}) == 1  # as Compare groups them


@pytest.mark.parametrize(("count", "shown"), [(3, False), (4, True)])
def test_top_three_of_three_classes_is_no_figure(lab, count, shown):
    run = add_run(lab)
    rows = run.metrics()
    rows[-1]["confusion"] = [[9] * count] * count
    (run.path / "metrics.jsonl").write_text(
        "".join(json.dumps(row) + "\n" for row in rows), "utf-8"
    )
    page = open_page("train", run=run.id)
    assert ("Test top 3" in {metric.label for metric in page.metric}) == shown


def test_the_network_is_named_in_its_field_and_described_beneath(lab):
    """In the field of half a page the description was cut in the middle of a word."""
    page = open_page("train", recipe="quick")
    [field] = [box for box in page.selectbox if box.label == "Model"]
    assert field.value == "convnet" and set(field.options) == set(MODELS)
    assert (
        "A simple convolutional network: three pairs of 3x3 convolutions and a 128-d layer."
        in texts(page)
    )


def test_a_number_that_no_recipe_can_have_starts_nothing(lab):
    page = open_page("train")
    epochs = next(one for one in page.number_input if one.label == "Epochs")
    assert epochs.min is None and epochs.max is None, "the page would keep the number before"
    epochs.set_value(0).run()
    assert "epochs: input should be greater than or equal to 1; it is 0" in page.error[0].value
    assert page.button(key="start").disabled and "Will train" not in texts(page)
    epochs.set_value(3).run()
    assert not page.button(key="start").disabled and "3 epochs" in texts(page)
