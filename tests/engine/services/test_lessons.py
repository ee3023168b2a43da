"""Leading a class: wall, assignment with its leaderboard, clearing with its way back."""

from __future__ import annotations

import pytest
from hands import drawn, png
from made_lab import zipped
from trained import model_run
from weblab import add_run

from engine.errors import DataError, RecipeError, RightsError, RunError
from engine.lab import Lab
from engine.runs.run import create_run
from engine.services.class_drawings import GATHERED
from engine.services.untouched import Untouched
from engine.settings import read_settings


@pytest.fixture
def lab(tmp_path):
    settings = read_settings({"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "class"})
    lab = Lab(tmp_path, settings)
    lab.ada, lab.ben, lab.cem = (
        lab.classroom.join(lab.classroom.now().code, name) for name in ("Ada", "Ben", "Cem")
    )
    return lab


def scored(lab: Lab, who, accuracy: float, n: int = 364, **changes) -> str:
    """A finished run of the student's, of a recipe with `changes`."""
    recipe = lab.recipe("quick", changes)
    run = create_run(lab.home, recipe, owner=who.id, by=who.name)
    final = {"kind": "final", "test_accuracy": accuracy, "test_n": n, "val_accuracy": accuracy}
    with run.take_lock():
        run.own()
        run.append_metrics(final)
        run.end("finished", figures={"test_accuracy": accuracy, "test_n": n})
    return run.id


def test_places_are_lost_only_to_those_who_are_better_beyond_the_intervals(lab):
    scored(lab, lab.ada, 1.0)  # before the assignment: does not count
    lab.lessons.hand_out("quick", 0.95, "More epochs?")
    scored(lab, lab.ada, 0.90)
    best = scored(lab, lab.ada, 0.96, epochs=12)
    scored(lab, lab.ben, 0.97, lr=0.01)
    scored(lab, lab.cem, 0.80)
    scored(lab, lab.cem, 1.0, **{"data.classes": ["0", "1"]})  # other test images
    scored(lab, lab.cem, 1.0, **{"data.test": 0.01})
    rows = lab.lessons.leaderboard()
    assert [(row.student.name, row.place) for row in rows] == [("Ben", 1), ("Ada", 1), ("Cem", 3)]
    assert rows[1].run == best and rows[1].low < 0.96 < rows[1].high and rows[1].n == 364
    assert [(row.reached, row.sure) for row in rows] == [
        (True, False),
        (True, False),
        (False, True),
    ]
    subject = lab.compare.subjects([best])[0]
    assert (rows[1].low, rows[1].high) == subject.interval, "the interval is that of Compare"
    lab.lessons.take_back()
    assert lab.lessons.leaderboard() == [] and lab.lessons.assignment() is None


def test_the_leaderboard_keeps_the_result_of_a_lesson_that_has_ended(lab):
    lab.lessons.hand_out("quick", 0.95)
    scored(lab, lab.ada, 0.97)
    scored(lab, lab.ben, 0.90)
    before = lab.lessons.leaderboard()
    lab.lessons.end()
    assert lab.lessons.leaderboard() == before and before[0].student.name == "Ada"
    lab.classroom.join(lab.classroom.now().code, "ada")
    assert [row.name_is_anothers for row in lab.lessons.leaderboard()] == [True, False]
    lab.lessons.clear()
    assert lab.lessons.leaderboard() == [], "cleared work has no place"


def test_a_run_that_starts_from_a_model_which_saw_the_test_images_does_not_count(lab):
    same = model_run(lab)
    saw = model_run(lab, seed=1, **{"data.seed": 5})
    again = model_run(lab, seed=2, init_from=saw.id)
    lab.lessons.hand_out("quick", 0.95)
    scored(lab, lab.ada, 0.9, init_from="mnist-convnet")
    scored(lab, lab.ben, 0.9, init_from=same.id)
    scored(lab, lab.cem, 1.0, init_from=saw.id)
    scored(lab, lab.cem, 1.0, init_from=again.id)
    assert {row.student.name for row in lab.lessons.leaderboard()} == {"Ada", "Ben"}


def test_a_target_is_proposed_above_what_the_recipe_reaches_as_it_is(lab):
    assert lab.lessons.untouched("quick") is None
    scored(lab, lab.ada, 350 / 364, lr=0.01)
    assert lab.lessons.untouched("quick") is None, "somebody changed the rate"
    scored(lab, lab.ada, 360 / 364)
    found = lab.lessons.untouched("quick")
    assert (found.n, found.better) == (364, 361 / 364)
    assert 0.98 < found.provable < 0.99 < found.better
    assert Untouched(1.0, 18).better == 1.0


def test_without_a_run_here_the_record_of_a_recipe_says_what_it_reaches(lab):
    card = lab.model_meta("mnist-convnet")["metrics"]
    found = lab.lessons.untouched("mnist-convnet")
    assert (found.accuracy, found.n, found.here) == (card["test_accuracy"], card["test_n"], False)
    step = lab.lessons.untouched("mnist-tiny-step1")  # no model of it comes with the lab
    assert step.n == 10_000 and not step.here and 0.98 < step.accuracy < 1
    assert lab.lessons.untouched("characters-best") is None, "its model was trained on all images"
    scored(lab, lab.ada, 360 / 364)
    assert lab.lessons.untouched("quick").here


def test_what_cannot_be_assigned_is_refused(lab):
    with pytest.raises(RecipeError):
        lab.lessons.hand_out("no-such-recipe", 0.9)
    for target, words in ((0.0, ""), (1.5, ""), (0.9, "x" * 501)):
        with pytest.raises(RightsError):
            lab.lessons.hand_out("quick", target, words)


def test_a_recipe_by_which_no_student_has_a_score_is_not_assigned(lab):
    own = {"data.name": "my-digits", "data.test": 0.0}
    lab.data.upload("my-digits.zip", zipped(30))
    lab.save_recipe(lab.recipe("quick", {**own, "name": "untested"}))
    with pytest.raises(RightsError, match="recipe 'untested' has no test images"):
        lab.lessons.hand_out("untested", 0.9)
    lab.save_recipe(lab.recipe("quick", {**own, "name": "tested", "data.test": 0.2}))
    assert lab.lessons.hand_out("tested", 0.9).recipe == "tested"
    with pytest.raises(RightsError, match="data set 'nature' is not here yet"):
        lab.lessons.hand_out("nature-cnn5", 0.4)
    with pytest.raises(RightsError, match="was not trained here yet"):
        lab.lessons.hand_out("mnist-resnet18-pretrained", 0.9)


def test_the_wall_shows_who_made_what(lab):
    scored(lab, lab.ada, 0.9)
    scored(lab, lab.ada, 0.7)
    add_run(lab, name="nobody's")
    lab.for_person(lab.ben).taught.add("heart", png(drawn("♥")))
    lab.for_person(lab.ben).drawings.save(png(drawn("7")), "7")
    ada, ben, cem = lab.lessons.wall()
    assert (len(ada.runs), ada.best.accuracy, ada.symbols) == (2, 0.9, 0)
    assert (ben.runs, ben.best, ben.symbols, ben.drawings) == ((), None, 1, 1)
    assert cem.student.name == "Cem"


def test_the_drawings_of_the_class_are_gathered_anew_each_time(lab):
    with pytest.raises(DataError, match="no student has saved a drawing yet"):
        lab.lessons.gather()
    for who, labels in ((lab.ada, "7aA"), (lab.ben, "7")):
        for label in labels:
            lab.for_person(who).drawings.save(png(drawn("7")), label)
    lab.drawings.save(png(drawn("7")), "3")  # the teacher's own
    made = lab.lessons.gather()
    assert (made.name, made.images, set(made.classes)) == (GATHERED, 4, {"7", "a", "A"})
    names = sorted(name.rpartition("/")[2] for name in lab.data.listing(GATHERED).files)
    own = sorted(path.name for path in lab.home.glob("students/*/drawings/*/*.png"))
    assert names == own, "a file's name says which drawing it is, and nobody's name"
    lab.for_person(lab.cem).drawings.save(png(drawn("7")), "9")
    lab.classroom.leave(lab.classroom.pass_of(lab.ada))
    assert lab.lessons.gather().images == 5, "who left is not forgotten"
    assert [one.name for one in lab.datasets() if GATHERED in one.name] == [GATHERED]
    with pytest.raises(RightsError, match="lead the class"):
        lab.for_person(lab.ben).lessons.gather()


def test_clearing_takes_only_students_work_and_can_be_undone(lab):
    own = add_run(lab, name="the teacher's").id
    mine, his = scored(lab, lab.ada, 0.9), scored(lab, lab.ben, 0.9)
    alive = create_run(lab.home, lab.recipe("quick"), owner=lab.ada.id, by="Ada")
    lock = alive.take_lock()
    lab.for_person(lab.ada).taught.add("heart", png(drawn("♥")))
    batch, left = lab.lessons.clear([lab.ada.id])
    assert {run.id for run in lab.runs()} == {own, his, alive.id} and left == 1
    assert alive.stop_wanted, "what still trains is asked to stop"
    lock.release()
    assert lab.for_person(lab.ada).taught.symbols() == []
    back = lab.trash.restore(batch)
    assert {entry.kind for entry in back} == {"run", "work"}
    assert mine in {run.id for run in lab.runs()}
    assert len(lab.for_person(lab.ada).taught.symbols()) == 1
    everything, _ = lab.lessons.clear()
    assert {run.id for run in lab.runs()} == {own} and lab.trash.restore(everything)
    lab.lessons.clear([lab.cem.id])
    with pytest.raises(RunError):
        lab.trash.restore("")


def test_a_lesson_ends_for_all_and_who_made_something_can_be_let_back_in(lab):
    code, mine = lab.classroom.now().code, scored(lab, lab.ada, 0.9)
    lab.classroom.leave(lab.classroom.pass_of(lab.ada))
    lab.for_person(lab.ben).taught.add("heart", png(drawn("♥")))
    alive = create_run(lab.home, lab.recipe("quick"), owner=lab.ben.id, by="Ben")
    with alive.take_lock():
        lab.lessons.end()
    found = lab.classroom.now()
    assert found.students == [] and found.code != code and alive.stop_wanted
    assert [one.name for one in found.gone] == ["Ada", "Ben"], "Cem, who made nothing, is forgotten"
    assert lab.classroom.join(lab.classroom.back_code(lab.ada.id), "Ada") == lab.ada
    assert [run.id for run in lab.lessons.wall()[0].runs] == [mine]
    alive.end("stopped")
    lab.lessons.clear()
    assert not (lab.home / "students" / lab.ben.id).exists(), "also of who is gone"
    lab.lessons.end()
    assert lab.classroom.now().gone == []
