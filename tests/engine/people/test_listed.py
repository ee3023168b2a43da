"""Who does not lead opens the data sets that the lab lists, by their names, and is told no path."""

from __future__ import annotations

import inspect
import itertools
import shutil

import numpy as np
import pytest
from hands import drawn, png
from noisy_labels import diagnosed
from weblab import add_run

from engine.data.uploads import is_upload
from engine.embedding.projection import Options
from engine.errors import GlyphlabError, RightsError
from engine.lab import Lab
from engine.people.calls import CALLS, HIDDEN, LISTS, OPENS, TASK_DEEDS, TASK_OPENS, TOLD
from engine.people.listed import may_open
from engine.people.person import NOBODY, OWNER, TEACHER, Person
from engine.people.rights import DEEDS
from engine.people.untold import without_paths
from engine.services.background import TASKS
from engine.settings import read_settings

VISITOR = Person("c" * 16, "A visitor", "visitor")


@pytest.fixture
def lab(tmp_path):
    """A lab that may open a folder of data sets, as pages have it: `mine` was given to it by its path,
    `plain` only lies there.
    """
    from PIL import Image

    for name in ("plain", "mine", "plain+mine"):
        for label in "ab":
            folder = tmp_path / "data" / name / label
            folder.mkdir(parents=True)
            for number in range(3):
                Image.new("L", (8, 8), 40 * number).save(folder / f"{number}.png")
    settings = read_settings(
        {
            "GLYPHLAB_HOME": str(tmp_path / "home"),
            "GLYPHLAB_DATA": str(tmp_path / "data"),
            "GLYPHLAB_MODE": "class",
            "GLYPHLAB_NAMES_ONLY": "1",
        }
    )
    lab = Lab(settings.home, settings)
    lab.data.imports.keep_as(str(tmp_path / "data" / "mine"))
    code = lab.classroom.now().code
    lab.ada, lab.ben = lab.classroom.join(code, "Ada"), lab.classroom.join(code, "Ben")
    lab.others = (lab.ada, VISITOR, NOBODY)
    lab.plain = str(tmp_path / "data" / "plain")
    return lab


def unlisted(lab: Lab) -> list[str]:
    """Names that lead to the folder that is in no list, or would if more were looked for."""
    data = lab.settings.data[0]
    (data / "link").symlink_to(data / "plain")
    (lab.home / "uploads" / "a").mkdir(parents=True, exist_ok=True)
    return [
        lab.plain,
        f"{lab.plain}/",
        "plain",
        "Plain",
        "PLAIN",
        " plain",
        "./plain",
        "plain/.",
        "plain/a",
        "link",
        str(data / "link"),
        str(data),
        str(data / "mine"),
        "../data/plain",
        "mine/../plain",
        f"digits+{lab.plain}",
        "digits+plain",
        "plain+mine",
        "mine + plain",
        "+plain",
        f"file://{lab.plain}",
        f"hf://{lab.plain}",
        "hf://x/../../plain",
        "hf://",
        "uploads/a",
        str(lab.home / "uploads" / "a"),
        "~",
        "",
        ".",
        "..",
        "Digits",
        "digits\0",
        "x" * 5_000,
        f"drawings-students-{lab.ben.id}",
    ]


def test_only_names_of_the_list_are_opened_by_who_does_not_lead(lab):
    names = unlisted(lab)
    for person, name in itertools.product(lab.others, names):
        theirs = lab.for_person(person)
        for opens in (
            lambda: theirs.data.contents(name),  # noqa: B023 - called at once
            lambda: theirs.dataset(name),  # noqa: B023
            lambda: theirs.samples.original(name, "b/0.png"),  # noqa: B023
            lambda: theirs.labels.classes(data=name),  # noqa: B023
            lambda: theirs.noise.find(name),  # noqa: B023
        ):
            with pytest.raises(RightsError, match="not in the list of this lab"):
                opens()
        assert not theirs.data.is_here(name)
    for person in (OWNER, TEACHER):
        leads = lab.for_person(person)
        assert len(leads.dataset(lab.plain)) == 6 and leads.data.is_here("plain")


def test_what_the_list_names_is_opened_by_everybody(lab):
    for person in lab.others:
        theirs = lab.for_person(person)
        assert len(theirs.dataset("mine")) == 6 and theirs.data.is_here("mine")
        assert len(theirs.dataset("mine+digits")) == len(theirs.dataset("mine + digits")) == 1803
        assert theirs.samples.original("mine", "b/0.png")[1] == "image/png"
        for info in theirs.datasets():
            assert may_open(person, lab.home, info.name)


def test_folders_of_the_server_are_listed_for_who_leads_only(lab):
    lists = (
        lambda one: one.datasets(),
        lambda one: one.store.datasets(),
        lambda one: one.data.list(),
    )
    for listed in lists:
        assert {"plain", "mine"} <= {info.name for info in listed(lab.for_person(TEACHER))}
        for person in lab.others:
            names = {info.name for info in listed(lab.for_person(person))}
            assert "plain" not in names and {"mine", "digits"} <= names


def test_one_name_is_looked_for_as_the_whole_list_names_it(lab):
    uploads = lab.home / "uploads"
    (uploads / "by-hand" / "a").mkdir(parents=True)
    shutil.make_archive(str(uploads / "packed"), "zip", lab.plain)
    (uploads / ".hidden").mkdir()
    listed = {info.name for info in lab.datasets() if info.uploaded}
    assert listed == {"mine", "by-hand", "packed"}
    assert all(is_upload(lab.home, name) for name in listed)
    assert not any(
        is_upload(lab.home, name) for name in (".hidden", "packed.zip", "../uploads/mine")
    )


def test_ones_own_drawings_are_opened_and_no_one_elses(lab):
    theirs = lab.for_person(lab.ada)
    theirs.drawings.save(png(drawn("7")), "7")
    name = f"drawings-students-{lab.ada.id}"
    assert theirs.dataset(name).classes == ("7",)
    with pytest.raises(RightsError, match="not in the list"):
        lab.for_person(lab.ben).dataset(name)


def test_nothing_is_trained_or_computed_of_what_is_not_listed(lab):
    theirs = lab.for_person(lab.ada)
    for name in unlisted(lab):
        if not name or len(name) > 1000:
            continue
        for field in ("name", "test_on"):
            recipe = lab.recipe("quick", {f"data.{field}": name})
            assert "not in the list" in theirs.why_not_submit(recipe)
            with pytest.raises(RightsError, match="not in the list"):
                theirs.submit(recipe)
        with pytest.raises(RightsError, match="not in the list"):
            theirs.start_task("embed", model="mnist-convnet", data=name, part="all")
        with pytest.raises(RightsError, match="not in the list"):
            theirs.launcher.start_task("evaluate", model="mnist-convnet", data=name)
    assert not lab.runs() and not lab.tasks()


def test_what_who_leads_has_made_of_a_folder_is_shown_without_it(lab):
    space = lab.spaces.embed("mnist-convnet", "plain", "all")
    lab.spaces.map(space, Options("pca"))
    theirs = lab.for_person(lab.ada)
    assert [info.data for info in lab.spaces.list()] == ["plain"] and theirs.spaces.list() == []
    for opens in (
        lambda: theirs.spaces.by_key(space.key),
        lambda: theirs.spaces.find("mnist-convnet", "plain", "all"),
        lambda: theirs.labelling.standing(space),
    ):
        with pytest.raises(RightsError, match="not in the list"):
            opens()
    diagnosed(lab, "rare", 0.03)
    assert [info.name for info in theirs.noise.list()] == ["noisy"]
    (lab.home / "uploads" / "noisy.zip").rename(lab.settings.data[0] / "noisy.zip")
    (lab.home / "uploads" / "noisy.json").unlink(missing_ok=True)
    assert [info.name for info in lab.noise.list()] == ["noisy"] and theirs.noise.list() == []
    run = add_run(lab)
    folder = run.path / "snapshots"
    folder.mkdir()
    arrays = {name: np.zeros(2, np.int64) for name in ("embeddings", "labels", "index")}
    np.savez(folder / "epoch-1.npz", **arrays)
    assert len(theirs.spaces.run_images(run.id)[1]) == 2
    written = (run.path / "recipe.yaml").read_text(encoding="utf-8")
    (run.path / "recipe.yaml").write_text(written.replace("name: digits", "name: plain"))
    with pytest.raises(RightsError, match="not in the list"):
        theirs.spaces.run_images(run.id)


def test_every_argument_that_names_a_data_set_is_a_row(lab):
    """A new call either opens what an argument names, or is added to what is no data set."""
    no_data_set = {
        *"store.delete lab.recipe store.recipe launcher.submit lab.submit taught.add taught.remove".split(),
        *"lab.model_folder lab.model_meta lab.predictor store.model_folder store.model_meta".split(),
        *"store.predictor taught.remove_last taught.symbol drawings.remove study.row".split(),
        *"study.runs_of sweeps.importances sweeps.info sweeps.recipe sweeps.spec sweeps.trials".split(),
        *"sweeps.trials_store sweeps.wanted sweeps.workers".split(),
    }
    checked = set()
    for key, deed in CALLS.items():
        subject, _, call = key.partition(".")
        part = {"lab": lab, "imports": lab.data.imports}.get(subject) or getattr(lab, subject, None)
        if deed == HIDDEN or not DEEDS[deed].others or part is None or subject == "run":
            continue
        arguments = inspect.signature(getattr(part, call)).parameters
        naming = {"data", "dataset", "name", "spec", "space"} & arguments.keys()
        if key in OPENS:
            assert OPENS[key] in arguments, key
            checked.add(key)
        else:  # an embedding that `spaces` works on was handed out by it
            assert not naming or key in no_data_set or naming == {"space"}, key
    assert OPENS.keys() == checked
    assert TOLD | LISTS.keys() <= CALLS.keys()
    open_tasks = [kind for kind, deed in TASK_DEEDS.items() if DEEDS[deed].others]
    for kind in open_tasks:
        arguments = inspect.signature(TASKS[kind]).parameters.keys()
        assert not {"name", "spec"} & arguments, kind
        assert {"data", "dataset"} & arguments <= set(TASK_OPENS)


# where on the server something lies


def test_a_path_becomes_a_name():
    for text, left in {
        "/usr/share/scans/a.zip can't be read": "a.zip can't be read",
        "can't read '/usr/lib/x'.": "can't read 'x'.",
        "[Errno 2] No such file: '/usr/share/my/x.png'": "[Errno 2] No such file: 'x.png'",
        "a:/usr/a/b:/usr/c/d": "a:b:d",
        "file:///usr/share/a": "a",
        "sqlite:////usr/share/a.db": "a.db",
        "/usr/share/scans": "scans",
        "digits+/usr/share/scans": "digits+scans",
    }.items():
        assert without_paths(text) == left
    for text in (
        "train/ants/0.png",
        "http://127.0.0.1:1/usr/x.zip",
        "/canvas/gradio_api/call/predict",
        "hf://usr/share",
        "/",
    ):
        assert without_paths(text) == text


def shown_to(lab: Lab) -> str:
    """What pages show of a lab, in one text."""
    run = lab.runs()[0].id
    of_run = lab.run(run)
    found = (
        [info.path for info in lab.datasets()],
        [info.path for info in lab.store.datasets()],
        [(info.data, info.error, info.message) for info in lab.runs()],
        (of_run.info().error, of_run.info().data, of_run.log_tail(), of_run.status()),
        of_run.recipe(),
        [info.data for info in lab.models()],
        lab.model_meta(run)["recipe"],
        lab.damaged(),
        lab.store.damaged_runs(),
        lab.compare.subjects([run])[0].recipe,
        lab.compare.table(lab.compare.subjects([run])),
        lab.data.contents("mine").report.findings,
    )
    return repr(found)


def test_who_does_not_lead_is_told_no_path(lab):
    run = add_run(lab, error=f"{lab.plain}/a/0.png can't be read")
    with run.take_lock():
        run.log(f"Saved to {run.path}/best")
        run.write_status(data=lab.plain, message=f"reading {lab.plain}")
    for file in (run.path / "recipe.yaml", run.best / "checkpoint.json"):
        words = file.read_text(encoding="utf-8")
        for was in ("name: digits", '"name": "digits"'):
            words = words.replace(was, was.replace("digits", lab.plain))
        file.write_text(words, encoding="utf-8")
    (lab.home / "runs" / "20260101-000000-broken-00000000").mkdir()
    assert str(lab.home.parent) in shown_to(lab.for_person(TEACHER))
    for person in lab.others:
        words = shown_to(lab.for_person(person))
        assert str(lab.home.parent) not in words and "0.png can't be read" in words


def test_an_error_tells_who_does_not_lead_no_path(lab, tmp_path):
    shutil.rmtree(tmp_path / "data" / "mine")
    (lab.home / "uploads" / "torn.zip").write_bytes(b"PK\x03\x04 nothing")
    for name in ("mine", "torn"):
        with pytest.raises(GlyphlabError) as caught:
            lab.for_person(lab.ada).data.contents(name)
        assert str(tmp_path) not in str(caught.value)
