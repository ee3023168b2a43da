"""Sweeps: what is drawn, who works on it, and that nothing is lost when a worker is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import wait_until

from engine.errors import DataError, GlyphlabError, RecipeError, RunError
from engine.lab import Lab
from engine.progress import Cancelled
from engine.services.sweep_worker import work_on_sweep
from engine.settings import read_settings
from engine.sweep.claims import claim
from engine.sweep.space import decoded, distributions, size_of, trial_recipe, unseen
from engine.sweep.spec import make_sweep, parse_sweep, read_sweep, shipped_sweeps
from engine.sweep.store import TrialStore

SPACE = {"lr": [0.1, 0.01], "model.options.width": [4, 8]}
SMALL = {"epochs": 30, "batch_size": 4, "data.limit": 200, "data.limit_eval": 40}


def sweep(**fields):
    return make_sweep({"name": "s", "recipe": "quick", "space": SPACE, "changes": SMALL, **fields})


@pytest.fixture
def lab(tmp_path):
    return Lab(tmp_path)


def drawn(lab: Lab, name: str, trials: int, value=lambda params: params["lr"]) -> list[dict]:
    """Draw and end trials without running them."""
    store, out = lab.sweeps.trials_store(name), []
    while claimed := claim(store, trials):
        number, lock = claimed
        out.append(store.info(store.frozen()[-1]).params)
        with lock:
            store.trial(number).report(value(out[-1]), 1)
            store.tell(number, "finished", value(out[-1]))
    return out


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"metric": "test_accuracy"}, "metric 'test_accuracy' is not known"),
        ({"sampler": "tpee"}, "did you mean 'tpe'"),
        ({"pruner": "mean"}, "pruner 'mean' is not known"),
        ({"trails": 3}, "did you mean 'trials'"),
        ({"space": {}}, "empty space"),
        ({"space": {"lr": [1, 1]}}, "different values"),
        ({"space": {"lr": {"low": 2, "high": 1}}}, "is above high"),
        ({"space": {"lr": [0.1]}, "changes": {"lr": 1}}, "both"),
        ({"space": {"lr": {"low": 0.1, "high": 1.0}}, "sampler": "grid"}, "needs a step"),
        ({"name": "../up"}, "can't have this name"),
    ],
)
def test_a_sweep_that_makes_no_sense_is_refused_with_the_reason(fields, message):
    with pytest.raises(RecipeError, match=message):
        sweep(**fields)


def test_a_field_that_the_recipe_does_not_have_is_refused_before_anything_runs(lab):
    with pytest.raises(RecipeError, match="did you mean 'epochs'"):
        lab.sweeps.create(sweep(space={"epoch": [1, 2]}))
    with pytest.raises(RecipeError, match="no validation split"):
        lab.sweeps.create(sweep(changes={"data.validation": 0}))
    for field, known, other in (
        ("loss", "cross_entropy", "focl"),
        ("optimizer", "sgd", "adm"),
        ("model.name", "convnet", "covnet"),
    ):
        with pytest.raises(RecipeError, match=f"'{other}' is not known; did you mean"):
            lab.sweeps.create(sweep(space={field: [known, other]}))
    assert lab.sweeps.list() == []


def test_every_name_that_a_sweep_may_draw_is_known_before_it_is_written_down(lab):
    for field, value in (("data.name", "digitz"), ("data.test_on", "x"), ("init_from", "x")):
        with pytest.raises(GlyphlabError):
            lab.sweeps.create(sweep(changes={field: value}))
    with pytest.raises(DataError, match="did you mean 'digits'"):
        lab.sweeps.create(sweep(space={**SPACE, "data.name": ["digits", "digitz"]}))
    assert lab.sweeps.list() == [] and not lab.sweeps.folder.exists()


def test_a_sweep_reads_back_from_its_own_yaml():
    spec = sweep(space={**SPACE, "weight_decay": {"low": 1e-5, "high": 0.1, "log": True}})
    assert parse_sweep(spec.to_yaml()) == spec


def test_numbers_that_yaml_takes_for_words_are_numbers():
    spec = parse_sweep(
        "recipe: quick\nspace: {lr: [1e-3, 1e-4], weight_decay: {low: 1e-5, high: 1e-1, log:"
        " true}}",
        "s",
    )
    assert spec.space["lr"] == [0.001, 0.0001]
    assert spec.space["weight_decay"].low == 1e-5


def test_lists_and_switches_come_back_as_they_were_written():
    spec = sweep(space={"a": [[5, 5, 3], 3, "5"], "b": [True, 1]})
    params = {"a": "[5, 5, 3]", "b": True}
    assert decoded(spec, params) == {"a": [5, 5, 3], "b": True}
    assert decoded(spec, {"b": 1})["b"] is not True


def test_ranges_are_whole_where_their_ends_are():
    parts = distributions(
        sweep(
            space={
                "seed": {"low": 1, "high": 5, "step": 2},
                "lr": {"low": 1e-4, "high": 1e-1, "log": True},
            }
        )
    )
    assert (parts["seed"].low, parts["seed"].high, parts["seed"].step) == (1, 5, 2)
    assert parts["lr"].log
    assert size_of(sweep(space={"seed": {"low": 1, "high": 5, "step": 2}})) == 3
    assert size_of(sweep(space={"lr": {"low": 1e-4, "high": 1e-1, "log": True}})) is None


def test_unseen_combinations_come_to_an_end():
    spec, seen = sweep(), []
    while params := unseen(spec, seen, len(seen)):
        assert params not in seen
        seen.append(params)
    assert len(seen) == 4


def test_a_trial_is_the_recipe_with_its_values(lab):
    base = lab.recipe("quick", {"scale": "small", "epochs": 7})
    recipe = trial_recipe(sweep(), base, {"lr": 0.1, "model.options.width": 8}, 3)
    assert (recipe.name, recipe.lr, recipe.model.options["width"], recipe.epochs) == (
        "s-003",
        0.1,
        8,
        7,
    )


def test_the_published_search_space_fits_its_recipe(lab):
    spec = read_sweep(shipped_sweeps()["nature-sweep"])
    assert size_of(spec) == 2 * 4 * 2 * 2 * 3 * 3 * 3
    assert lab.sweeps.create(spec) == "nature-sweep"
    assert lab.sweeps.info("nature-sweep").trials == 30


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_no_combination_is_tried_twice_and_a_small_space_is_tried_whole(lab, sampler):
    lab.sweeps.create(sweep(sampler=sampler, startup=2))
    tried = drawn(lab, "s", 10)
    assert len(tried) == 4
    assert len({json.dumps(params, sort_keys=True) for params in tried}) == 4
    info = lab.sweeps.info("s")
    assert (info.state, info.done, info.trials, info.best) == ("finished", 4, 4, 0.1)


def test_a_sweep_that_is_restarted_draws_what_it_would_have_drawn(tmp_path):
    spec = sweep(space={"lr": {"low": 1e-4, "high": 1e-1, "log": True}}, startup=3)
    whole, broken = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    whole.sweeps.create(spec)
    broken.sweeps.create(spec)
    expected = drawn(whole, "s", 6)
    first = drawn(broken, "s", 3)
    assert first + drawn(Lab(tmp_path / "b"), "s", 6) == expected
    assert len({params["lr"] for params in expected}) == 6


def test_a_trial_whose_worker_died_is_taken_up_again_and_one_at_work_is_not(lab):
    lab.sweeps.create(sweep())
    store = lab.sweeps.trials_store("s")
    number, lock = claim(store, 2)
    assert [trial.state for trial in lab.sweeps.trials("s")] == ["running"]
    other, other_lock = claim(store, 2)
    assert other != number
    assert claim(store, 2) is None
    lock.release()  # as the kernel does for a killed worker
    assert [trial.state for trial in lab.sweeps.trials("s")] == ["waiting", "running"]
    again, lock = claim(store, 2)
    assert again == number
    lock.release()
    other_lock.release()


def test_two_labs_share_a_storage_and_take_over_what_the_other_lost(tmp_path):
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    first, second = Lab(tmp_path / "a"), Lab(tmp_path / "b")
    for lab in (first, second):
        lab.sweeps.create(sweep(storage=url))
    number, lock = claim(first.sweeps.trials_store("s"), 2)
    other, other_lock = claim(second.sweeps.trials_store("s"), 2)
    assert number != other
    seen = {trial.number: (trial.state, trial.home) for trial in second.sweeps.trials("s")}
    assert seen == {number: ("running", str(first.home)), other: ("running", None)}
    lock.release()
    first.sweeps.trials_store("s").note(number, beat=0.0)  # its last sign of life is long ago
    taken, taken_lock = claim(second.sweeps.trials_store("s"), 2)
    rows = {trial.number: trial for trial in second.sweeps.trials("s")}
    assert set(rows) == {other, taken}
    assert rows[taken].params == first.sweeps.trials_store("s").study.trials[number].params
    taken_lock.release()
    other_lock.release()
    for lab in (first, second):
        lab.sweeps.trials_store("s").study._storage.remove_session()
        lab.sweeps.trials_store("s").study._storage._backend.engine.dispose()


def test_new_sweeps_are_kept_where_the_settings_say_and_stay_where_they_are(tmp_path):
    url = f"sqlite:///{tmp_path / 'all.db'}"
    plain = Lab(tmp_path / "home")
    plain.sweeps.create(sweep(name="old"))
    lab = Lab(plain.home, read_settings({"GLYPHLAB_SWEEP_STORAGE": url}))
    assert {lab.sweeps.create(sweep(name=name)) for name in ("old", "s")} == {"old", "s"}
    assert (lab.sweeps.spec("s").storage, lab.sweeps.spec("old").storage) == (url, "")
    number, lock = claim(lab.sweeps.trials_store("s"), 2)
    lock.release()
    assert not (lab.home / "sweeps" / "s" / "journal.log").exists() and number == 0
    lab.sweeps.trials_store("s").study._storage.remove_session()
    lab.sweeps.trials_store("s").study._storage._backend.engine.dispose()


def test_of_two_labs_that_draw_the_same_at_once_one_draws_again(tmp_path):
    labs = [Lab(tmp_path / "a"), Lab(tmp_path / "b")]
    for lab in labs:
        lab.sweeps.create(sweep(storage=str(tmp_path / "shared.log"), sampler="grid"))
    first, second = (lab.sweeps.trials_store("s") for lab in labs)
    other = first.study.ask()  # begun by the first, which has not said yet what it tries
    taken: list[int] = []

    def claim_one() -> None:
        number, lock = claim(second, 4)
        lock.release()
        taken.append(number)

    thread = threading.Thread(target=claim_one)
    thread.start()
    wait_until(lambda: len(second.study.get_trials(deepcopy=False)) == 2)
    searched = distributions(first.spec)

    def all_drawn() -> dict[str, object] | None:  # values are written one by one
        drawn = second.study.get_trials(deepcopy=False)[1].params
        return drawn if drawn.keys() == searched.keys() else None

    drawn_by_second = wait_until(all_drawn)
    wanted = first.trial(other.number)
    for name, values in searched.items():
        wanted.storage.set_trial_param(
            wanted._trial_id, name, values.to_internal_repr(drawn_by_second[name]), values
        )
    thread.join()
    params = [tuple(sorted(trial.params.items())) for trial in first.frozen()]
    assert len(set(params)) == len(params) == 2 and taken == [2]


def test_a_storage_that_is_not_there_is_named_without_its_password(tmp_path):
    spec = sweep(storage="nosuchdatabase://me:secret@nowhere/x")
    with pytest.raises(RunError, match=r"nosuchdatabase://me:…@nowhere/x can't be used") as caught:
        TrialStore(tmp_path, spec, tmp_path)
    assert "secret" not in str(caught.value)
    lab = Lab(tmp_path)
    with pytest.raises(RunError):
        lab.sweeps.start(lab.sweeps.create(spec))
    lab.sweeps.create(sweep(name="other"))
    assert {info.name: info.state for info in lab.sweeps.list()} == {
        "s": "unreachable",
        "other": "paused",
    }


@pytest.mark.parametrize(
    "content", [b"", b"key\nno newline at the end", b'{"a": 1}\n', b"\x00\xff"]
)
def test_a_storage_that_is_no_journal_is_never_touched(lab, tmp_path, content):
    victim = tmp_path / "victim"
    victim.write_bytes(content)
    lab.sweeps.create(sweep(storage=str(victim)))
    lab.sweeps.create(sweep(name="other"))
    with pytest.raises(RunError, match="is no journal of a sweep"):
        lab.sweeps.start("s")
    infos = {info.name: info for info in lab.sweeps.list()}
    assert infos["s"].state == "unreachable" and "is no journal" in infos["s"].error
    assert infos["other"].state == "paused"
    assert victim.read_bytes() == content
    assert not list(tmp_path.glob("victim.*")) and not list(tmp_path.glob(".victim*"))


def test_no_folder_is_made_for_a_storage(lab, tmp_path):
    lab.sweeps.create(sweep(storage=str(tmp_path / "new" / "journal.log")))
    with pytest.raises(RunError, match="there is no folder for the storage"):
        lab.sweeps.trials_store("s")
    assert not (tmp_path / "new").exists()


def test_a_journal_on_a_shared_disk_is_made_and_shared(tmp_path):
    labs = [Lab(tmp_path / "a"), Lab(tmp_path / "b")]
    for lab in labs:
        lab.sweeps.create(sweep(storage=str(tmp_path / "shared.log")))
    number, lock = claim(labs[0].sweeps.trials_store("s"), 2)
    assert [trial.number for trial in labs[1].sweeps.trials("s")] == [number]
    lock.release()


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("sweep.yaml", b"space: [", "is not YAML"),
        ("sweep.yaml", b"\xff", "can't be read"),
        ("sweep.yaml", None, "can't be read"),
        ("wanted.json", b'{"state": "fly"}', "state: input should be 'run', 'pause' or 'stop'"),
        ("wanted.json", b'{"trials": "3"}', "trials: input should be a valid integer"),
        ("journal.log", b"not a journal\n", "is no journal of a sweep"),
        ("journal.log", b'{"op_code": 99, "worker_id": 1}\n', "can't be read"),
    ],
)
def test_a_damaged_sweep_is_listed_with_the_reason_and_can_be_deleted(lab, file, content, message):
    lab.sweeps.create(sweep())
    lab.sweeps.create(sweep(name="other"))
    path = lab.home / "sweeps" / "s" / file
    path.unlink(missing_ok=True)
    if content is not None:
        path.write_bytes(content)
    infos = {info.name: info for info in lab.sweeps.list()}
    assert infos["s"].state in ("damaged", "unreachable") and message in infos["s"].error
    assert infos["other"].state == "paused"
    lab.sweeps.delete("s")
    assert [info.name for info in lab.sweeps.list()] == ["other"]


@pytest.mark.parametrize("becomes", ["nothing", "a folder", "a link to nowhere"])
def test_a_journal_that_goes_away_while_it_is_open_costs_its_own_sweep_alone(lab, becomes):
    lab.sweeps.create(sweep())
    drawn(lab, "s", 2)
    assert lab.sweeps.info("s").state == "paused"  # opened, and kept open
    journal = lab.sweeps.folder / "s" / "journal.log"
    good = journal.read_bytes()
    journal.unlink()
    if becomes == "a folder":
        journal.mkdir()
    elif becomes == "a link to nowhere":
        journal.symlink_to("/nonexistent/x")
    found = lab.sweeps.info("s")
    assert found.state == "damaged" and "Put its journal back" in found.error
    journal.rmdir() if becomes == "a folder" else journal.unlink(missing_ok=True)
    journal.write_bytes(good)
    assert lab.sweeps.info("s").state == "paused" and len(lab.sweeps.trials("s")) == 2


def test_a_sweep_with_the_largest_seed_draws(lab):
    lab.sweeps.create(sweep(seed=2**32 - 1))
    assert len(drawn(lab, "s", 2)) == 2


def test_a_journal_that_was_cut_off_in_a_line_is_mended(lab):
    lab.sweeps.create(sweep())
    drawn(lab, "s", 2)
    journal = lab.sweeps.folder / "s" / "journal.log"
    journal.write_bytes(journal.read_bytes() + b'{"op_code": 8, "wor')
    assert len(Lab(lab.home).sweeps.trials("s")) == 2


def test_another_space_under_the_same_name_is_refused_but_more_trials_are_not(lab):
    lab.sweeps.create(sweep())
    lab.sweeps.create(sweep(trials=50))
    with pytest.raises(RecipeError, match="another sweep called s"):
        lab.sweeps.create(sweep(space={"lr": [0.5]}))
    with pytest.raises(RunError, match="did you mean 's'"):
        lab.sweeps.info("ss")


def test_importance_finds_the_field_that_matters(lab):
    lab.sweeps.create(
        sweep(space={"lr": [0.1, 0.01, 0.001], "weight_decay": [0.0, 0.1, 0.2]}, sampler="grid")
    )
    assert lab.sweeps.importances("s") == {}
    drawn(lab, "s", 9)
    shares = lab.sweeps.importances("s")
    assert list(shares)[0] == "lr"
    assert shares["lr"] > 0.9


def test_importances_leave_to_interactions_what_no_field_explains_alone(lab):
    """Of a product more than of a sum, of which a forest's steps leave a little."""
    numbers = {"lr": [0.1, 0.5, 0.9], "weight_decay": [0.1, 0.5, 0.9]}
    sums = {}
    for name, value in {
        "times": lambda p: (p["lr"] - 0.5) * (p["weight_decay"] - 0.4),
        "plus": lambda p: p["lr"] + p["weight_decay"],
    }.items():
        lab.sweeps.create(sweep(name=name, space=numbers, sampler="grid"))
        drawn(lab, name, 9, value)
        shares = lab.sweeps.importances(name)
        assert all(0 <= share <= 1 for share in shares.values())
        sums[name] = sum(shares.values())
    assert sums["times"] < 0.7 and 0.8 < sums["plus"] < 1


@pytest.mark.parametrize(
    ("pruner", "hopeless"), [("median", True), ("halving", True), ("none", False)]
)
def test_a_hopeless_trial_is_pruned_but_not_before_it_had_its_epochs(lab, pruner, hopeless):
    lab.sweeps.create(
        sweep(pruner=pruner, startup=2, prune_after=2, space={"lr": [0.1, 0.2, 0.3, 0.4, 0.5]})
    )
    store = lab.sweeps.trials_store("s")
    for value in (0.9, 0.8, 0.1):
        number, lock = claim(store, 3)
        trial = store.trial(number)
        trial.report(value, 1)
        assert not trial.should_prune()
        pruned = []
        for epoch in (2, 3, 4):
            trial.report(value, epoch)
            pruned.append(trial.should_prune())
        with lock:
            store.tell(number, "finished", value)
    assert any(pruned) == hopeless


def test_a_run_that_its_sweep_prunes_is_listed_as_pruned(tmp_path):
    settings = read_settings({"GLYPHLAB_THREADS": "1", "GLYPHLAB_DEVICE": "cpu"})
    lab = Lab(tmp_path, settings)
    lab.sweeps.create(sweep(startup=2, prune_after=1, space={"lr": [1e-9, 2e-9, 3e-9]}))
    store = lab.sweeps.trials_store("s")
    for _ in range(2):  # two that no network without a learning rate can keep up with
        number, lock = claim(store, 2)
        with lock:
            for epoch in range(1, SMALL["epochs"] + 1):
                store.trial(number).report(0.99, epoch)
            store.tell(number, "finished", 0.99)
    lab.sweeps.work("s", trials=3)
    assert [trial.state for trial in lab.sweeps.trials("s")] == ["finished", "finished", "pruned"]
    [run] = lab.runs()
    assert (run.state, run.outcome, run.sweep) == ("stopped", "pruned", "s")


def test_the_best_trial_becomes_a_recipe_and_a_longer_run_is_asked_for(lab):
    lab.sweeps.create(sweep())
    with pytest.raises(RunError, match="no trial of sweep s has finished"):
        lab.sweeps.promote("s", "mine")
    drawn(lab, "s", 4)
    assert lab.sweeps.promote("s", "mine").exists()
    kept = lab.recipe("mine")
    assert (kept.lr, kept.epochs, kept.data.limit) == (0.1, 30, 200)
    assert "Trial" in kept.about


def test_a_sweep_whose_first_trials_all_fail_stops_and_says_why(lab, tmp_path):
    folders = [tmp_path / name for name in "abcd"]
    for folder in folders:
        folder.mkdir()
    lab.sweeps.create(sweep(space={"data.name": [str(folder) for folder in folders]}))
    for folder in folders:  # gone before the first trial begins
        folder.rmdir()
    lab.sweeps.want("s", "run", 4)
    with pytest.raises(RecipeError, match="the first 3 trials of sweep s all failed"):
        work_on_sweep(lab.sweeps, lab.launcher, "s")
    assert lab.sweeps.info("s").state == "stopped"
    assert [trial.state for trial in lab.sweeps.trials("s")] == ["failed"] * 3


def test_a_killed_sweep_goes_on_and_loses_no_trial_and_so_does_an_interrupted_one(tmp_path):
    file = tmp_path / "s.yaml"
    file.write_text(sweep(pruner="none", retries=1).to_yaml(), encoding="utf-8")
    environ = {
        **os.environ,
        "GLYPHLAB_HOME": str(tmp_path / "home"),
        "GLYPHLAB_THREADS": "1",
        "GLYPHLAB_DEVICE": "cpu",
    }
    command = [sys.executable, "-m", "engine", "sweep", str(file), "--trials", "1", "--json"]
    lab = Lab(tmp_path / "home")
    with open(tmp_path / "log.txt", "w") as log:
        first = subprocess.Popen(
            command, env=environ, cwd=Path(__file__).parents[3], stdout=log, stderr=log
        )

        def trial():
            assert first.poll() is None, (tmp_path / "log.txt").read_text()
            return (
                next(iter(lab.sweeps.trials("s")), None)
                if (tmp_path / "home/sweeps/s/journal.log").exists()
                else None
            )

        wait_until(lambda: trial() and trial().epochs >= 1)
        first.send_signal(signal.SIGKILL)
        first.wait()
    [before] = lab.sweeps.trials("s")
    os.kill(lab.run(before.run).status()["pid"], signal.SIGKILL)
    wait_until(lambda: not lab.run(before.run).alive)
    assert (before.state, lab.sweeps.info("s").workers) == ("waiting", 0)

    def interrupt(done: int, total: int, what: str) -> None:
        [trial] = lab.sweeps.trials("s")
        if trial.retries and lab.run(trial.run).info().state == "running":
            raise Cancelled

    with pytest.raises(Cancelled):
        lab.sweeps.work("s", progress=interrupt)
    [between] = lab.sweeps.trials("s")
    assert (between.state, between.run, between.retries) == ("waiting", before.run, 1)
    wait_until(lambda: lab.run(between.run).info().state == "stopped")

    done = subprocess.run(
        command,
        env=environ,
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["state"], document["done"]) == ("finished", 1)
    [row] = document["trials"]
    assert (row["state"], row["epochs"], row["run_id"], row["retries"]) == (
        "finished",
        30,
        before.run,
        1,
    )
    assert [(run.id, run.sweep) for run in lab.runs()] == [(before.run, "s")]
