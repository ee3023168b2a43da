"""A run's training in this process, alone or as one of several."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.bounds import confine
from engine.files.atomic import read_json
from engine.jobs.cancel import Cancel
from engine.jobs.experiment import conduct
from engine.jobs.outcome import Outcome
from engine.jobs.queue import queue_of
from engine.models.pretrained import keep_downloads
from engine.progress import Cancelled, Progress
from engine.runs.run import Run
from engine.runs.run_info import PREDICTIONS, figures_of, figures_so_far
from engine.store.lineage import starting_model
from engine.training.group import ALONE, Group

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.recipes.fields import DataSpec
    from engine.store.store import Store


def train(
    store: Store, run: Run, cancel: Cancel, progress: Progress, group: Group = ALONE
) -> Outcome:
    """Train the run's recipe into its folder, from its last checkpoint if it has one. Raises what
    keeps it from its end.
    """
    memory_gb = run.status().get("most_memory_gb")
    if (
        memory_gb and queue_of(store.settings.device) == "cpu"
    ):  # a GPU's driver maps what it never uses
        confine(memory_gb / group.size)

    def show(done: int, total: int, what: str) -> None:
        run.heartbeat(done=done, total=total, what=what)
        progress(done, total, what)

    def loading(done: int, total: int, what: str) -> None:
        show(done, total, what)
        if cancel():
            raise Cancelled

    def load(spec: DataSpec) -> ImageSet:
        data = store.dataset(spec, progress=loading)
        for name, reason in data.skipped[:20]:
            run.log(f"skipped {name}: {reason}")
        if data.skipped:
            run.log(f"{len(data.skipped):,} images of {data.name} are left out")
        for finding in data.findings:
            run.log(f"{finding.level}, {finding.about}: {finding.text}")
        return data

    position = read_json(run.last / "state.json")
    run.forget_after(position["epoch"] if position else 0)
    run.write_status(figures=figures_so_far(run.metrics(), run.status().get("figures")))
    if group.leads:  # what was predicted by weights that are replaced
        (run.path / PREDICTIONS).unlink(missing_ok=True)
    settings = store.settings
    keep_downloads(store.home / "weights", offline=settings.offline, names_only=settings.names_only)
    scale = run.recipe().scale

    def find_model(name: str) -> Path:
        folder = starting_model(store, name, scale)
        run.log(f"starting from {name}: {folder}")
        return folder

    final = conduct(
        run,
        group=group,
        load=load,
        find_model=find_model,
        device=settings.device,
        threads=settings.threads,
        cancelled=cancel,
        progress=show,
    )
    if not final:
        return Outcome("stopped", "stopped before the first epoch ended; no model was kept")
    epoch = final.get("epochs") or run.status().get("epoch")
    message = (
        f"stopped after {epoch} epoch{'' if epoch == 1 else 's'}; the best model is kept"
        if cancel.seen
        else ""
    )
    more = {"figures": figures_of(final), "share": 1.0, "what": ""}
    return Outcome("stopped" if cancel.seen else "finished", message, more=more)
