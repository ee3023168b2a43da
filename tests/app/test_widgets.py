"""The pieces that pages are built from."""

from __future__ import annotations

import base64
import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image
from plotly.offline import get_plotlyjs_version
from streamlit.testing.v1 import AppTest
from waiting import wait_until
from weblab import add_run, charts, learning_rows, open_page, run_part, texts

from app.canvas_tabs.reader import Reader
from app.widgets import PAGES, data_uri
from app.widgets.choices import choices, model_options
from app.widgets.links import page_file
from app.widgets.live import BUNDLE, MOST_DRAWN, can_draw, drawn_once
from app.widgets.runs import STATES, progress, without_tracebacks
from engine.lab import Lab
from engine.runs.run_info import ALIVE, ENDED
from engine.store.models import without_trials


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    return Lab(tmp_path)


def shown(script, **query: str) -> AppTest:
    page = AppTest.from_function(script, default_timeout=900)
    for key, value in query.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception, page.exception[0].message
    return page


def test_every_page_of_the_table_exists_and_says_what_one_does_there():
    assert [name for name in PAGES if not page_file(name).exists()] == []
    assert all(line.title and line.icon and line.about for line in PAGES.values())


def test_a_page_turns_a_mistake_into_a_box_and_keeps_what_was_drawn(lab):
    def script():
        import streamlit as st

        from app.widgets import page
        from engine.errors import DataError

        with page("Trial", "a page that fails") as lab:
            st.markdown(f"home {lab.home.name}")
            raise DataError("the data set is empty", hint="Choose another.")

    page = shown(script)
    assert page.title[0].value == "Trial" and page.caption[0].value == "a page that fails"
    assert page.error[0].value == "the data set is empty. Choose another."
    assert page.markdown[0].value == f"home {lab.home.name}"


def test_a_setting_that_can_not_be_used_is_shown_instead_of_the_page(monkeypatch):
    monkeypatch.setenv("GLYPHLAB_PORT", "many")

    def script():
        import streamlit as st

        from app.widgets import page

        with page("Trial", ""):
            st.markdown("never drawn")

    page = shown(script)
    assert "GLYPHLAB_PORT" in page.error[0].value and not page.markdown


def picking():
    import streamlit as st

    from app.widgets import get_lab, pick_dataset, pick_model, pick_run, pick_runs

    lab = get_lab()
    chosen = (
        pick_model(lab, "model"),
        pick_dataset(lab, "data"),
        pick_run(lab),
        pick_runs(lab, "runs", states=["finished"]),
    )
    st.code(repr(chosen))


def test_pickers_say_what_to_do_where_there_is_nothing_to_pick(lab):
    page = shown(picking)
    assert "No run yet" in texts(page) and "/train?recipe=quick" in texts(page)
    assert page.selectbox(key="data").value == "digits"  # the embedded data set is always there


def test_pickers_follow_the_address_by_name(lab):
    first, second = add_run(lab, name="one"), add_run(lab, name="two")
    page = shown(
        picking, model=first.id, run=first.id, runs=f"{second.id},gone,{first.id}", data="mnist"
    )
    assert page.code[0].value == repr((first.id, "mnist", first.id, [second.id, first.id]))


def test_what_is_picked_goes_into_the_address(lab):
    first, second = add_run(lab, name="one"), add_run(lab, name="two")
    page = shown(picking)
    page.selectbox(key="run").set_value(first.id)
    page.multiselect(key="runs").set_value([first.id, second.id]).run()
    assert (
        page.query_params["run"] == first.id
        and page.query_params["runs"] == f"{first.id},{second.id}"
    )


def test_a_name_in_the_address_that_is_gone_is_said_to_be_gone(lab):
    run = add_run(lab)
    page = shown(picking, model="nosuch")
    assert (
        page.warning[0].value
        == f"There is no model `nosuch` here; `{page.selectbox(key='model').value}` is shown."
    )
    assert run.id in page.selectbox(key="run").value


@pytest.mark.parametrize("page", ["noise", "data", "embeddings", "label", "sample", "train"])
def test_a_data_set_in_the_address_that_is_gone_is_not_replaced_by_another(lab, page):
    add_run(lab)
    shown = open_page(page, data="nosuch")
    instead = "; the recipe's own is set up" if page == "train" else ""
    assert shown.warning[0].value == (
        f"There is no data set `nosuch` here{instead}. Put its folder into one that `GLYPHLAB_DATA`"
        " names, or add it on the page Data."
    )
    if page != "train":  # where a recipe says what is trained on
        box = shown.selectbox(key="data")
        assert box.value is None and not shown.metric
        box.set_value("digits").run()
        assert not shown.exception and not shown.warning
        assert shown.query_params["data"] == "digits"


@pytest.mark.parametrize("page", ["models", "embeddings", "data", "draw", "train", "sample"])
def test_what_is_in_an_address_is_no_markdown_of_the_lab(lab, page):
    add_run(lab)
    evil = "x` ended. [Sign in](http://evil) ``\n\n# Big"
    kinds = ("model", "data", "run", "recipe", "runs", "image")
    shown = open_page(page, **{kind: evil for kind in kinds})
    said = [found.value for found in (*shown.warning, *shown.error, *shown.info)]
    for words in said:
        assert "evil" not in words or "``` x` ended. [Sign in](http://evil) `` # Big ```" in words
    assert page == "sample" or any("evil" in words for words in said), "or it is not looked at"


def test_a_finished_task_draws_nothing_and_a_failed_one_says_why(lab):
    def script():
        import streamlit as st

        from app.widgets import get_lab, task_box

        lab = get_lab()
        for task in lab.tasks():
            st.code(task_box(lab, task.id, f"box-{task.id}").state)

    good, bad = lab.start_task("load", name="digits"), lab.start_task("load", name="nosuch")
    page = shown(script)
    assert not page.exception
    wait_until(lambda: all(lab.task(name).state in ENDED for name in (good, bad)))
    page = shown(script)
    assert {code.value for code in page.code} == {"finished", "failed"}
    assert "nosuch" in page.error[0].value and len(page.error) == 1


def decoded(uri: str) -> np.ndarray:
    assert uri.startswith("data:image/png;base64,")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))))


def test_ink_is_shown_dark_on_white_and_a_photograph_as_it_is():
    ink = np.zeros((1, 4, 4), np.uint8)
    ink[0, 1, 2] = 255
    assert (decoded(data_uri(ink)) == 255 - ink[0]).all()
    photo = np.random.default_rng(0).integers(0, 256, (3, 5, 5), dtype=np.uint8)
    assert (decoded(data_uri(photo)) == photo.transpose(1, 2, 0)).all()
    large = decoded(data_uri(ink, scale=3))
    assert large.shape == (12, 12) and (large[3:6, 6:9] == 0).all()


def test_a_grid_shows_every_image_with_its_caption_as_plain_text():
    def script():
        import numpy as np

        from app.widgets import image_grid

        image_grid(np.zeros((3, 1, 8, 8), np.uint8), ["<b>a</b>", "b", "c"], columns=3, key="grid")
        image_grid(np.zeros((0, 1, 8, 8), np.uint8), [], key="none")

    body = shown(script).get("html")[0].proto.body
    assert body.count("<img") == 3 and "&lt;b&gt;a&lt;/b&gt;" in body and "<b>" not in body


def test_choices_are_those_of_the_engines_tables():
    from engine.models.catalog import MODELS
    from engine.models.catalog import model_options as real_options
    from engine.training.objectives import LOSSES
    from engine.training.optim import OPTIMIZERS, SCHEDULES

    assert choices("engine.models.catalog", "MODELS") == {
        name: entry.about for name, entry in MODELS.items()
    }
    assert list(choices("engine.training.optim", "OPTIMIZERS")) == list(OPTIMIZERS)
    assert list(choices("engine.training.optim", "SCHEDULES")) == list(SCHEDULES)
    assert choices("engine.training.objectives", "LOSSES") == {
        name: loss.about for name, loss in LOSSES.items()
    }
    for name in MODELS:
        assert model_options(name) == real_options(name)
    assert model_options("nosuch") == {}


def test_every_state_of_a_run_has_a_badge():
    assert set(STATES) == {*ALIVE, *ENDED, "pruned"}  # a trial that its sweep has stopped


def test_progress_counts_epochs_and_steps_and_says_what_is_left(lab):
    run = add_run(lab, "failed", model=False)
    with run.take_lock():
        run.write_status(state="running", finished=None, epochs=4)
        info = run.info()
        rows = learning_rows(2, steps=4)[:-2]  # three of four steps into the second epoch
        share, words = progress(info, rows)
        assert share == pytest.approx((1 + 3 / 4) / 4)
        assert words.startswith("Epoch 2 of 4, step 3 of 4 · about ") and words.endswith(" left")
        rows = learning_rows(2, steps=4)[:-1]  # its last step is still a step of the second epoch
        assert progress(info, rows)[1].startswith("Epoch 2 of 4, step 4 of 4")
        assert progress(info, learning_rows(4)) == (1, "Measuring the model…"), "best or last"
        run.write_status(what="decoding", done=30, total=120)
        assert progress(run.info(), []) == (0.25, "Decoding: 30 of 120")
        run.write_status(state="queued")
        assert progress(run.info(), [])[0] == 0


def test_of_a_traceback_in_a_log_only_its_error_is_shown():
    log = 'epoch 1/4\nTraceback (most recent call last):\n  File "/home/a/b.py", line 3\n    x\n\n'
    chained = "During handling of the above exception, another exception occurred:\n\n"
    shown = without_tracebacks(f"{log}ValueError: no\n{chained}{log}RunError: it failed\nend")
    assert "ValueError: no" in shown and "RunError: it failed" in shown and shown.endswith("end")
    assert "File" not in shown and "Traceback" not in shown and "/home" not in shown


def test_the_bar_of_an_ended_run_says_how_far_it_came(lab):
    run = add_run(lab)
    assert progress(run.info(), learning_rows(10)) == (1.0, "Finished: 10 of 10 epochs")
    skipped = [row for row in learning_rows(10) if row["epoch"] not in (4, 5)]
    assert progress(run.info(), skipped)[1] == "Finished: 8 of 10 epochs; patience ended it early"
    failed, rows = add_run(lab, "failed", model=False), learning_rows(4)
    assert progress(failed.info(), rows) == (0.4, "Failed in epoch 5 of 10")
    assert progress(failed.info(), []) == (0.0, "Failed before the training began")
    with failed.take_lock():
        failed.write_status(
            state="stopped", message="stopped after 4 epochs; the best model is kept"
        )
    assert progress(failed.info(), rows) == (0.4, "Stopped after 4 epochs; the best model is kept")


def test_charts_are_drawn_with_the_plotly_that_made_them():
    first = BUNDLE.read_text(encoding="utf-8")[:200]
    assert f"v{get_plotlyjs_version()}\n" in first, "renew assets/vendor with plotly's own version"


def test_only_lines_points_and_bars_are_left_to_the_basic_bundle():
    lines = go.Figure([go.Scatter(y=[1, 2]), go.Bar(y=[1])])
    assert can_draw(lines)
    assert not can_draw(lines.add_heatmap(z=[[1]]))


def test_a_figure_that_many_look_at_is_made_once_for_the_same_data():
    made = []

    def make():
        made.append(1)
        return go.Figure(layout={"height": 200 + len(made)})

    first, again = drawn_once(("run", 1), make), drawn_once(("run", 1), make)
    assert first is again and first.height == 201 and '"height":201' in first.figure
    assert drawn_once(("run", 2), make).height == 202
    for number in range(MOST_DRAWN):
        drawn_once(("other", number), make)
    drawn_once(("run", 1), make)
    assert len(made) == MOST_DRAWN + 3, "the oldest are forgotten"


def test_of_a_sweeps_trials_the_best_is_offered_and_the_one_that_the_address_names(lab):
    own = add_run(lab, name="own")
    trials = [add_run(lab, name=f"trial {number}") for number in range(3)]
    for trial in trials:
        trial.write_status(sweep="tried")
    box = shown(picking).selectbox(key="model")
    assert len(box.options) == len(lab.models()) - 2  # two trials are left out
    asked = shown(picking, model=trials[0].id).selectbox(key="model")
    assert trials[0].id in asked.value
    kept = {model.name for model in without_trials(lab.models(), (trials[0].id,))}
    assert own.id in kept and trials[0].id in kept and len(kept & {t.id for t in trials}) <= 2
    (best,) = {model.name for model in without_trials(lab.models())} & {t.id for t in trials}
    reader = Reader(lab)
    offered = {one["name"] for one in reader.models()}
    assert best in offered and len(offered & {t.id for t in trials}) == 1
    other = next(t.id for t in trials if t.id != best)
    assert other in {one["name"] for one in reader.models(keep=other)}


def test_the_unit_of_a_loss_is_shown_with_all_statistics_alone():
    def drawn() -> None:
        import streamlit as st

        from app.charts.base import figure
        from app.widgets import chart
        from app.widgets.explain import FULL

        st.toggle("units", key=FULL)
        chart(figure("Loss", "Epoch", "Loss (nats)"), key="loss")

    page = run_part(drawn)
    assert "Loss (nats)" not in str(charts(page)) and "'Loss'" in str(charts(page))
    page.toggle[0].set_value(True).run()
    assert "Loss (nats)" in str(charts(page))
