"""What a visitor of a public lab made is gone when the visit is over, and nothing else is."""

from __future__ import annotations

from hands import drawn, png
from weblab import add_run

from engine.lab import Lab
from engine.people.person import Person
from engine.settings import read_settings


def test_visitors_are_forgotten_and_the_owners_things_stay(tmp_path):
    environ = {"GLYPHLAB_HOME": str(tmp_path), "GLYPHLAB_MODE": "public"}
    lab = Lab(tmp_path, read_settings(environ))
    here, gone = (Person(sign * 16, "A visitor", "visitor") for sign in "ab")
    own = add_run(lab, name="own").id
    lab.taught.add("mine", png(drawn("7")))
    for person in (here, gone):
        run = add_run(lab, name=person.id)
        with run.take_lock():
            run.write_status(owner=person.mark)
        lab.for_person(person).taught.add("heart", png(drawn("♥")))
        lab.for_person(person).drawings.save(png(drawn("7")), "7")
    waiting = add_run(lab, name="waiting")
    with waiting.take_lock():
        waiting.write_status(owner=gone.mark, state="running")
        lab.visits.forget(lambda id: id == here.id)
        assert {run.name for run in lab.runs()} == {"own", here.id, "waiting"}
    assert lab.for_person(gone).taught.symbols() == [] == lab.for_person(gone).drawings.all()
    assert len(lab.for_person(here).drawings.all()) == 1
    deleted = add_run(lab, name="deleted")
    with deleted.take_lock():
        deleted.write_status(owner=here.mark)
    lab.for_person(here).delete(deleted.id)
    lab.for_person(here).taught.remove("heart")
    lab.visits.forget(lambda id: False)
    assert [run.id for run in lab.runs()] == [own] and len(lab.taught.symbols()) == 1
    assert lab.trash.entries() == [], "nothing of a visit is kept"
