"""Who may do what: decided in one table, and asked at every call of a lab."""

from __future__ import annotations

import inspect
from functools import cached_property

import pytest
from held_up import held_up
from waiting import wait_until
from weblab import add_run

from engine.errors import RightsError, RunError
from engine.lab import Lab
from engine.labels.journal import Journal
from engine.noise.review import Review
from engine.people.calls import CALLS, HIDDEN, TASK_DEEDS
from engine.people.door import PARTS, Door
from engine.people.person import NOBODY, OWNER, Person
from engine.people.rights import DEEDS, why_not
from engine.runs.run import Run
from engine.runs.run_info import ALIVE
from engine.services.background import TASKS
from engine.services.rooms import Services
from engine.settings import read_settings

GUEST = Person("c" * 16, "A visitor", "visitor")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("class")
    settings = read_settings({"GLYPHLAB_HOME": str(home), "GLYPHLAB_MODE": "class"})
    lab = Lab(home, settings)
    code = lab.classroom.now().code
    lab.ada, lab.ben = lab.classroom.join(code, "Ada"), lab.classroom.join(code, "Ben")
    for who in (lab.ada, lab.ben):
        run = add_run(lab, name=who.name)
        with run.take_lock():
            run.write_status(owner=who.id, by=who.name)
    add_run(lab, name="the teacher's")
    return lab


def run_of(lab: Lab, name: str) -> str:
    return next(run.id for run in lab.runs() if run.name == name)


def calls_of(kind: type) -> set[str]:
    """Its public methods, and properties where the table names them."""
    return {
        name
        for name in dir(kind)
        if not name.startswith("_")
        and callable(getattr(kind, name, None))
        and not isinstance(inspect.getattr_static(kind, name), property | cached_property)
    }


def test_every_public_call_of_a_lab_is_a_row(lab):
    parts = [name for name, value in vars(Services).items() if isinstance(value, cached_property)]
    kinds = {name: type(getattr(lab, name)) for name in (*parts, "store", "launcher", "trash")}
    kinds |= {"lab": Lab, "run": Run, "review": Review, "decisions": Journal}
    kinds["imports"] = type(lab.data.imports)
    made = {f"{subject}.{call}" for subject, kind in kinds.items() for call in calls_of(kind)}
    assert made - CALLS.keys() == set(), "no row in engine/people/calls.py"
    assert CALLS.keys() - made == {"classroom.key", "classroom.passes", "launcher.executor"}, (
        "a row for what is gone"
    )
    assert set(CALLS.values()) - {HIDDEN} <= DEEDS.keys()
    assert TASK_DEEDS.keys() == TASKS.keys() and set(TASK_DEEDS.values()) <= DEEDS.keys()


def test_no_part_hands_out_another_without_its_door(lab):
    for_ada, seen = lab.for_person(lab.ada), set()
    for part in PARTS:
        door = getattr(for_ada, part)
        for name in dir(getattr(lab, part)):
            value = getattr(getattr(lab, part), name, None)
            module = type(value).__module__
            if name.startswith("_") or not module.startswith("engine.") or callable(value):
                continue
            if calls_of(type(value)) and f"{part}.{name}" not in CALLS:
                assert isinstance(getattr(door, name), Door), f"{part}.{name}"
                seen.add(f"{part}.{name}")
    assert {"data.imports", "data.store", "samples.labels", "sweeps.launcher"} <= seen


def test_what_may_be_called_can_be_called(lab):
    for_ada = lab.for_person(lab.ada)
    for key, deed in CALLS.items():
        subject, _, call = key.partition(".")
        if deed != HIDDEN and (subject in PARTS or subject == "lab"):
            assert callable(
                getattr(for_ada if subject == "lab" else getattr(for_ada, subject), call)
            )
    assert for_ada.data.samples("digits", split="train", count=3).of > 1000


def test_the_owner_has_the_lab_itself(lab):
    assert lab.for_person(OWNER) is lab


def test_a_student_deletes_only_what_is_their_own(lab):
    for_ada = lab.for_person(lab.ada)
    for name in ("Ben", "the teacher's"):
        for deed in (for_ada.delete, for_ada.store.delete, for_ada.resume, for_ada.launcher.again):
            with pytest.raises(RightsError, match="another person's run"):
                deed(run_of(lab, name))
        with pytest.raises(RightsError):
            for_ada.run(run_of(lab, name)).delete()
        assert for_ada.run(run_of(lab, name)) and for_ada.run(run_of(lab, name)).info().name == name
    mine = run_of(lab, "Ada")
    with pytest.raises(RightsError, match="several devices"):
        for_ada.resume(mine, {"resources.gpus": 8})
    for_ada.delete(mine)
    assert mine not in {run.id for run in lab.runs()}


def test_a_student_stops_the_computations_that_they_began_and_no_others(lab):
    for_ada, for_ben = lab.for_person(lab.ada), lab.for_person(lab.ben)
    embed = {"model": "mnist-convnet", "data": "digits"}
    with held_up(lab, 28):  # both computations wait until they are stopped
        began = {
            who: door.start_task("embed", **embed, part=part, **more)
            for who, door, part, more in (
                ("Ada", for_ada, "train", {"owner": lab.ben.mark}),  # whatever she says
                ("the teacher", lab, "test", {}),
            )
        }
        assert (
            lab.task(began["Ada"]).owner == lab.ada.mark
            and not lab.task(began["the teacher"]).owner
        )
        for who, door in (("Ada", for_ben), ("the teacher", for_ada), ("the teacher", for_ben)):
            owner = lab.task(began[who]).owner
            assert "another person's background computation" in door.why_not("stop a task", owner)
            for stop in (door.stop_task, door.launcher.stop_task):
                with pytest.raises(RightsError, match="another person's background computation"):
                    stop(began[who])
        for person in (GUEST, NOBODY):
            with pytest.raises(RightsError):
                lab.for_person(person).stop_task(began["the teacher"])
        with pytest.raises(RunError, match="no task"):
            for_ada.stop_task("20260101T000000-embed-nosuch")
        assert not for_ada.why_not("stop a task", lab.ada.mark)
        for_ada.stop_task(began["Ada"])
        lab.stop_task(began["the teacher"])
        wait_until(lambda: not any(task.state in ALIVE for task in lab.tasks()))
    assert {lab.task(id).state for id in began.values()} == {"stopped"}
    assert lab.task(began["Ada"]).owner == lab.ada.mark, "its process kept it"


def test_a_name_that_leads_elsewhere_is_nobodys(lab):
    own = lab.home / "runs" / lab.run(run_of(lab, "Ben")).path.name
    with pytest.raises(RightsError):
        lab.for_person(lab.ada).delete(str(own))


@pytest.mark.parametrize(
    "deed",
    [
        lambda lab: lab.data.remove_upload("x"),
        lambda lab: lab.data.imports.stage_place("/etc"),
        lambda lab: lab.trash.restore("x"),
        lambda lab: lab.lessons.clear(),
        lambda lab: lab.data.fetch("mnist"),
        lambda lab: lab.labels.relabel("digits", ["0"], "1", who="x", why="y"),
        lambda lab: lab.labels.decisions("digits").undo(who="x", why="y"),
        lambda lab: lab.exports.push_model("x", "y"),
        lambda lab: lab.sweeps.delete("x"),
        lambda lab: lab.save_recipe(lab.recipe("quick")),
        lambda lab: lab.start_task("diagnose", dataset="digits", effort="quick"),
        lambda lab: lab.launcher.start_task("sweep", name="x"),
        lambda lab: lab.classroom.lock(False),
        lambda lab: lab.classroom.key,
        lambda lab: lab.train(lab.recipe("quick")),
        lambda lab: lab.store.compiled and lab.galleries.ship("x", []),
        lambda lab: lab.executor,
        lambda lab: lab.launcher.executor,
    ],
)
def test_students_and_visitors_are_refused_what_is_not_theirs(lab, deed):
    for person in (lab.ada, GUEST, NOBODY):
        with pytest.raises(RightsError):
            deed(lab.for_person(person))


def test_each_teaches_for_themselves(lab):
    from hands import drawn, png

    lab.for_person(lab.ada).taught.add("heart", png(drawn("♥")))
    lab.for_person(lab.ada).drawings.save(png(drawn("7")), "7")
    assert [one.name for one in lab.for_person(lab.ada).taught.symbols()] == ["heart"]
    assert lab.for_person(lab.ben).taught.symbols() == [] == lab.taught.symbols()
    assert lab.drawings.all() == [] and len(lab.for_person(lab.ada).drawings.all()) == 1
    assert lab.dataset(f"drawings-students-{lab.ada.id}").classes == ("7",)
    with pytest.raises(RightsError, match="can't tell who you are"):
        lab.for_person(NOBODY).taught.add("heart", png(drawn("♥")))


def test_a_locked_class_looks_on(lab):
    lab.classroom.lock(True)
    try:
        for_ben = lab.for_person(lab.ben)
        assert for_ben.runs()
        for deed in (
            lambda: for_ben.submit(lab.recipe("quick")),
            lambda: for_ben.taught.remove("x"),
        ):
            with pytest.raises(RightsError, match="locked"):
                deed()
    finally:
        lab.classroom.lock(False)


def test_pages_can_ask_what_to_offer(lab):
    for_ada = lab.for_person(lab.ada)
    assert lab.may("change data") and not for_ada.may("change data")
    assert for_ada.may("train") and for_ada.may("delete a run")
    assert not lab.for_person(GUEST).may("compute")


def test_what_nobody_listed_is_refused():
    assert all(why_not(GUEST, deed) for deed in ("lead", "publish", "restore", "change data"))
