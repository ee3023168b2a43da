"""The Runs page and the command `runs`, without a browser: runs are found, tagged, noted and deleted
together.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from weblab import add_run, open_page, texts

from app.sections.runs import table_key
from app.widgets.runs import once_deleted
from engine.cli import load, parser_of
from engine.errors import RunError
from engine.lab import Lab
from engine.people.person import Person
from engine.progress import no_progress
from engine.runs.notes import FILE, Note
from engine.runs.run_info import VISIT
from engine.services.sweep_worker import mark_pruned


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Lab:
    lab = Lab(tmp_path_factory.mktemp("lab"))
    lab.made = [add_run(lab, name=name).id for name in ("first", "second")]
    lab.made.append(add_run(lab, "failed", name="third", model=False, error="it broke").id)
    return lab


@pytest.fixture
def lab(made, monkeypatch) -> Lab:
    monkeypatch.setenv("GLYPHLAB_HOME", str(made.home))
    return made


def tick(page, *rows: int) -> None:
    """Tick rows of the table, by their numbers in it."""
    key = table_key(page.dataframe[0].value["Id"])
    page.session_state[key] = {"selection": {"rows": list(rows)}}
    page.run()
    assert not page.exception


def test_an_empty_lab_says_how_a_run_is_made(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    page = open_page("runs")
    assert "No run yet" in texts(page) and not page.dataframe


def test_runs_are_found_tagged_noted_compared_and_deleted_together(lab):
    first, second, third = lab.made
    page = open_page("runs")
    table = page.dataframe[0].value
    assert table["Name"].tolist() == ["third", "second", "first"]
    assert table["Test"].tolist()[1:] == [0.989, 0.989] and "Tags" not in table

    lab.notes.tag([third], "paper")  # offered from then on
    tick(page, 1, 2)
    assert f"runs={second}%2C{first}" in texts(page)  # the link to Compare
    page.selectbox(key="new-tag").set_value("paper").run()
    page.button(key="add-tag").click().run()
    page.text_area(key=next(box.key for box in page.text_area)).set_value("as in table 2").run()
    page.button(key="keep-note").click().run()
    noted = dict.fromkeys((first, second), Note("as in table 2", ("paper",)))
    assert lab.notes.all() == {**noted, third: Note("", ("paper",))}
    page.button(key="untag-paper").click().run()
    assert lab.notes.all()[first].tags == ()
    lab.notes.tag([first], "best")

    page = open_page("runs")
    page.multiselect(key="only-tag").set_value(["best"]).run()
    assert page.dataframe[0].value["Id"].tolist() == [first]
    page.multiselect(key="only-tag").set_value([]).run()
    page.text_input(key="find").set_value("TABLE second").run()  # all words, in name or note
    assert page.dataframe[0].value["Id"].tolist() == [second]
    tick(page, 0)
    assert f"/train?run={second}" in texts(page)

    page.text_input(key="find").set_value("").run()
    tick(page, 0, 2)
    page.button(key="delete-runs").click().run()
    assert [run.id for run in lab.runs()] == [second]
    assert "Trash: 2 deleted in the last week" in [box.label for box in page.expander]
    assert any(" and 1 more · " in one.value for one in page.markdown)
    lab.trash.restore(lab.trash.entries()[0].batch)
    assert {run.id for run in lab.runs()} == {first, second, third}
    assert lab.notes.all()[first].tags == ("best",)


def runs(lab: Lab, *arguments: str):
    module = load("runs")
    found = module.run(lab, parser_of("runs").parse_args(arguments), no_progress)
    return found, module.show(json.loads(json.dumps(found, default=str)))


def test_the_command_tags_and_notes_runs_and_lists_those_with_a_tag(lab):
    first, _, third = lab.made
    runs(lab, first, third, "--tag", "keep", "--note", "for the report")
    found, text = runs(lab, "--tagged", "keep")
    assert {row["id"] for row in found} == {first, third} and "keep" in text
    found, text = runs(lab, "--tagged", "keep", "--state", "failed")
    assert [row["id"] for row in found] == [third]
    one, text = runs(lab, third)
    assert one["note"] == "for the report" and "for the report" in text
    runs(lab, first, third, "--untag", "keep", "--note", "")
    found = runs(lab, "--tagged", "keep")[0]
    assert found == [] and load("runs").show(found) == "none of 3 runs is as asked for"
    with pytest.raises(RunError, match="state 'finishd' is not known; did you mean 'finished'"):
        runs(lab, "--state", "finishd")
    runs(lab, third, "--tag", "one", "--tag", "two")
    tags = runs(lab, third)[0]["tags"]
    assert {"one", "two"} <= set(tags)
    with pytest.raises(RunError, match="can't be a tag"):
        runs(lab, third, "--tag", "three", "--tag", "x" * 41)
    assert runs(lab, third)[0]["tags"] == tags, "a refusal changes nothing"
    runs(lab, third, "--untag", "one", "--untag", "two")
    assert not {"one", "two"} & set(runs(lab, third)[0]["tags"])
    with pytest.raises(RunError, match="no run is given"):
        runs(lab, "--tag", "keep")
    with pytest.raises(RunError, match="can't be a tag"):
        lab.notes.tag([first], "x" * 41)
    with pytest.raises(RunError, match="there is no run 'nobody'"):
        lab.notes.write(["nobody"], "a note")
    with open(lab.home / FILE, "a", encoding="utf-8") as file:
        file.write('{"runs": 1}\nnot JSON\n')  # a damaged line costs itself only
    lab.notes.tag([first], "still")
    assert lab.notes.all()[first].tags[-1] == "still"


def test_trials_of_a_sweep_show_validation_alone_and_pruned_ones_say_so(tmp_path, monkeypatch):
    monkeypatch.setenv("GLYPHLAB_HOME", str(tmp_path))
    lab = Lab(tmp_path)
    add_run(lab, name="by hand")
    ended, pruned = add_run(lab, name="s-000"), add_run(lab, "stopped", name="s-001")
    for run in (ended, pruned):
        with run.take_lock():
            run.write_status(sweep="s")
    mark_pruned(pruned)
    table = open_page("runs").dataframe[0].value.set_index("Name")
    assert table["State"].to_dict() == {
        "by hand": "finished",
        "s-000": "finished",
        "s-001": "pruned",
    }
    assert table["Test"].isna().to_dict() == {"by hand": False, "s-000": True, "s-001": True}
    assert table["Test images"]["by hand"] == 364
    columns = list(table)
    assert columns.index("Validation") < columns.index("Test")
    assert "choose among its trials by validation" in texts(open_page("train", run=ended.id))

    document = load("runs").run(lab, parser_of("runs").parse_args([]), no_progress)
    text = load("runs").show(document)
    assert "pruned" in text and text.count("98.90%") == 1, "of the run that is no trial"
    one = load("runs").run(lab, parser_of("runs").parse_args([ended.id]), no_progress)
    assert "not by test accuracy" in load("runs").show(one)


def test_a_finished_run_says_of_how_many_images_its_accuracy_is(lab):
    first = lab.made[0]
    assert "98.90% of 364 test images, 95% interval" in texts(open_page("train", run=first))
    one = load("runs").run(lab, parser_of("runs").parse_args([first]), no_progress)
    assert "98.90% of 364 test images, 95% interval 97." in load("runs").show(one)
    trained = {"run_id": first, "checkpoint": None, "seconds": 6.0, "metrics": one["metrics"]}
    assert "98.90% of 364 test images, 95% interval 97." in load("train").show(trained)


def test_what_becomes_of_deleted_runs_depends_on_whose_they_are(lab, monkeypatch):
    run, visits = lab.runs()[0], replace(lab.runs()[0], owner=f"{VISIT}abc")
    assert once_deleted(lab, [run]) == "The trash keeps it for a week."
    assert once_deleted(lab, [visits]) == "That can't be undone."
    assert once_deleted(lab, [run, visits]).endswith("for a week, but not those of visitors.")
    student = lab.for_person(Person("0" * 16, "Mia", "student"))
    assert once_deleted(student, [run, run]) == "Your teacher can restore them for a week."


def test_a_visitor_is_not_promised_that_a_deletion_can_be_undone(lab, monkeypatch):
    lab.run(lab.runs()[0].id).write_status(owner=f"{VISIT}abc")
    page = open_page("runs")
    tick(page, 0)
    assert "with models, curves and logs? That can't be undone." in texts(page)


def test_the_command_deletes_a_run_that_is_named_twice_once(tmp_path):
    lab = Lab(tmp_path)
    run, module = add_run(lab).id, load("delete")
    found = module.run(lab, parser_of("delete").parse_args([run, run]), no_progress)
    assert "is in the trash" in module.show(found) and len(lab.trash.entries()) == 1
    module = load("trash")
    found = module.run(lab, parser_of("trash").parse_args(["--empty"]), no_progress)
    assert module.show(found) == "1 entry is deleted for good"
