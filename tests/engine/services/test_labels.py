"""`lab.labels`: decisions about images of real data, their tables, and what is trained on them."""

from __future__ import annotations

import csv

import pytest
from made_lab import SMALL, lab_at, zipped

from engine.errors import DataError, RecipeError
from engine.labels.replay import Current
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import make_recipe
from engine.runs.run import create_run
from engine.store.labels import pinned


@pytest.fixture
def lab(tmp_path):
    lab = lab_at(tmp_path)
    lab.data.upload("shapes.zip", zipped(30))
    return lab


def samples(lab) -> list[str]:
    return list(lab.labels.given("shapes"))


def test_a_decision_changes_the_label_that_holds_and_not_the_given_one(lab):
    one, two, *_ = samples(lab)
    given = lab.labels.given("shapes")[one]
    (entry,) = lab.labels.relabel("shapes", [one, two], "ring", who="ann", why="map")
    assert entry.before == [given, lab.labels.given("shapes")[two]]
    lab.labels.mark("shapes", "exclude", [two], who="ann")
    assert lab.labels.labels_now("shapes", [one, two]) == ["ring", None]
    assert lab.labels.given("shapes")[one] == given
    assert lab.labels.undo("shapes", who="ann", of="bob") is None
    lab.labels.undo("shapes", who="bob", id=entry.id)
    assert lab.labels.labels_now("shapes", [one]) == [given]


def test_images_and_classes_that_are_not_there_are_refused_by_name(lab):
    one = samples(lab)[0]
    with pytest.raises(DataError, match="no such image: .*. Needed: a name such as"):
        lab.labels.relabel("shapes", ["nothing.png"], "ring", who="ann")
    with pytest.raises(DataError, match="did you mean 'ring'.* --new-class"):
        lab.labels.relabel("shapes", [one], "rign", who="ann")
    with pytest.raises(DataError, match="printable"):
        lab.labels.mark("shapes", "tag", [one], who="ann", tag=" ")
    assert lab.labels.decisions("shapes").entries() == ()
    lab.labels.relabel("shapes", [one], "star", who="ann", new_class=True)
    assert lab.labels.classes("shapes") == ("bar", "dot", "ring", "star")


@pytest.mark.parametrize("ending", ("csv", "parquet"))
def test_what_one_lab_exports_another_takes_in_once(lab, tmp_path, ending):
    one, two, *_ = samples(lab)
    lab.labels.relabel("shapes", [one, two], ["ring", "dot"], who="=ann", why="map", own=False)
    lab.labels.mark("shapes", "tag", [one], who="bob", tag="-5")
    lab.labels.undo("shapes", who="bob", samples=[two])
    file = lab.labels.export("shapes", tmp_path / f"journal.{ending}")
    other = lab_at(tmp_path / "other")
    other.data.upload("shapes.zip", zipped(30))
    other.labels.relabel("shapes", [samples(lab)[2]], "bar", who="cat")
    assert other.labels.take_in("shapes", file, who="cat") == 3
    assert other.labels.take_in("shapes", file, who="cat") == 0
    expected = {one: Current("ring", tags=frozenset({"-5"})), samples(lab)[2]: Current("bar")}
    assert other.labels.current("shapes") == expected
    (event, _), mine = other.labels.history("shapes", one), lab.labels.history("shapes", one)[0]
    assert (event.entry.who, event.entry.at, event.entry.own) == ("=ann", mine.entry.at, False)


def test_a_plain_list_of_labels_is_one_entry_and_a_wrong_one_changes_nothing(lab, tmp_path):
    one, two, *_ = samples(lab)
    file = tmp_path / "labels.csv"
    with open(file, "w", newline="", encoding="utf-8") as out:
        csv.writer(out).writerows([("sample", "label"), (one, "ring"), (two, "dot")])
    assert lab.labels.take_in("shapes", file, who="ann") == 1
    assert lab.labels.labels_now("shapes", [one, two]) == ["ring", "dot"]
    [entry] = lab.labels.decisions("shapes").entries()
    assert entry.before == [lab.labels.given("shapes")[one], lab.labels.given("shapes")[two]]
    with open(lab.labels.export("shapes", tmp_path / "journal.csv"), encoding="utf-8") as table:
        assert [row["from"] for row in csv.DictReader(table)] == entry.before
    file.write_text(f"sample,label\n{one},bar\nnothing.png,dot\n")
    with pytest.raises(DataError, match=r"nothing\.png"):
        lab.labels.take_in("shapes", file, who="ann")
    file.write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="columns sample, label"):
        lab.labels.take_in("shapes", file, who="ann")
    assert len(lab.labels.decisions("shapes").entries()) == 1


def test_a_run_on_mended_labels_keeps_the_position_that_it_was_started_at(lab):
    one, two, *_ = samples(lab)
    lab.labels.relabel("shapes", [one], "ring", who="ann")
    recipe = make_recipe({**SMALL, "name": "mended", "data": {**SMALL["data"], "labels": "mended"}})
    fixed = pinned(lab.home, recipe)
    run = create_run(lab.home, fixed)
    lab.labels.relabel("shapes", [two], "ring", who="ann")
    assert run.info().labels == "mended" and list(run.info().journal) == [1]
    then, now = lab.dataset(run.recipe().data), lab.dataset(recipe.data)
    given = lab.dataset("shapes", size=16)
    names = [str(file) for file in given.files]
    changed = [names[i] for i in (then.labels != given.labels).nonzero()[0]]
    assert set(changed) <= {one} and now.fingerprint != given.fingerprint
    assert create_run(lab.home, make_recipe({**SMALL, "name": "given"})).info().labels == "given"
    with pytest.raises(RecipeError, match="1 positions"):
        lab.dataset(DataSpec(name="shapes", labels="mended", journal=(1, 2)))


def test_a_data_set_uploaded_under_a_name_that_was_deleted_has_no_decisions(lab):
    lab.labels.mark("shapes", "exclude", samples(lab)[:1], who="ann")
    lab.data.remove_upload("shapes")
    lab.data.upload("shapes.zip", zipped(9, 1))
    assert lab.labels.current("shapes") == {}
