"""The kinds of background work, by name: what a task's process calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.errors import DataError

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.jobs.task_worker import Task
    from engine.progress import Progress


def load(
    launcher: Launcher, progress: Progress, name: str, style: str = "auto", size: int = 28
) -> dict[str, Any]:
    """Fetch and decode a data set, so that it opens at once from then on."""
    data = launcher.store.dataset(name, style=style, size=size, progress=progress)
    return {
        "name": data.name,
        "n": len(data),
        "classes": list(data.classes),
        "skipped": [list(pair) for pair in data.skipped[:100]],
    }


def gallery(launcher: Launcher, progress: Progress, model: str) -> dict[str, Any]:
    """Build a model's gallery."""
    from engine.services.galleries import Galleries

    return {"model": model, "file": str(Galleries(launcher.store).build(model, progress))}


def evaluate(
    launcher: Launcher, progress: Progress, model: str, data: str, split: str | None = None
) -> dict[str, Any]:
    """Score a model on a data set."""
    from engine.services.evaluation import evaluate as score

    return score(launcher.store, model, data, split, progress)


def embed(
    launcher: Launcher, progress: Progress, model: str, data: str, part: str = "train"
) -> dict[str, Any]:
    """Embed a data set through a model."""
    from engine.services.spaces import Spaces

    space = Spaces(launcher.store).embed(model, data, part, progress)
    return {"space": space.key, "n": len(space), "width": space.embeddings.shape[1]}


def project(
    launcher: Launcher,
    progress: Progress,
    model: str,
    data: str,
    part: str = "train",
    **options: Any,
) -> dict[str, Any]:
    """Lay a space out; it is embedded first if that was not done. `options` are those of
    engine.embedding.projection.Options.
    """
    from engine.embedding.projection import Options
    from engine.services.spaces import Spaces

    spaces = Spaces(launcher.store)
    space = spaces.embed(model, data, part, progress)
    found = spaces.map(space, Options(**options), progress)
    return {"space": space.key, "n": len(space), "faithful": found.faithful}


def cluster(
    launcher: Launcher,
    progress: Progress,
    model: str,
    data: str,
    part: str = "train",
    **options: Any,
) -> dict[str, Any]:
    """Find the clusters of a map; `options` are those of engine.embedding.projection.Options."""
    from engine.embedding.clusters import make_clusters
    from engine.embedding.projection import Options
    from engine.services.spaces import Spaces

    spaces = Spaces(launcher.store)
    space = spaces.embed(model, data, part, progress)
    found = spaces.map(space, Options(**options), progress)
    progress(0, 0, "finding clusters")
    codes = make_clusters(space, found.options, found.coordinates)
    return {"space": space.key, "clusters": int(codes.max(initial=-1)) + 1}


def unfold(launcher: Launcher, progress: Progress, run: str, **options: Any) -> dict[str, Any]:
    """Lay a run's stored epochs out on shared axes."""
    from engine.embedding.projection import Options
    from engine.services.spaces import Spaces

    found = Spaces(launcher.store).learning(run, Options(**options), progress)
    assert found is not None  # it is None only where nothing may be computed
    return {"run": run, "epochs": list(found.epochs), "n": found.coordinates.shape[1]}


def align_maps(
    launcher: Launcher,
    progress: Progress,
    models: list[str],
    data: str,
    part: str = "test",
    **options: Any,
) -> dict[str, Any]:
    """Lay the maps of two models of the same images out on shared axes."""
    from engine.embedding.projection import Options
    from engine.services.aligned_maps import aligned_maps
    from engine.services.spaces import Spaces

    first, last = models
    spaces = Spaces(launcher.store)
    found = aligned_maps(spaces, (first, last), data, part, Options(**options), progress)
    assert found is not None  # it is None only where nothing may be computed
    return {"models": models, "data": data, "part": part, "n": len(found)}


def measure(
    launcher: Launcher, progress: Progress, model: str, data: str, part: str = "test"
) -> dict[str, Any]:
    """A model's figures beside those of the same network untrained."""
    from engine.embedding.retrieval import measure_beside_untrained
    from engine.services.spaces import Spaces

    spaces = Spaces(launcher.store)
    rows = measure_beside_untrained(
        lambda name: spaces.embed(name, data, part, progress), model, progress
    )
    return {"model": model, "data": data, "part": part, "rows": len(rows)}


def sweep(launcher: Launcher, progress: Progress, name: str, worker: int = 0) -> dict[str, Any]:
    """Work on a sweep; `worker` tells several of one sweep apart."""
    from engine.services.sweep_worker import work_on_sweep
    from engine.services.sweeps import Sweeps

    sweeps = Sweeps(launcher.store, launcher)
    work_on_sweep(sweeps, launcher, name, progress)
    return {"name": name, "state": sweeps.info(name).state}


def find_rate(launcher: Launcher, progress: Progress, **arguments: Any) -> dict[str, Any]:
    """Search for a learning rate."""
    from engine.services.lr_finder import find_rate as search

    return search(launcher.store, progress, **arguments)


def diagnose(
    launcher: Launcher, progress: Progress, dataset: str, split: str = "all", effort: str = "full"
) -> dict[str, Any]:
    """Diagnose a data set's labels."""
    from engine.services.label_noise import Noise

    found = Noise(launcher.store).diagnose(dataset, split, effort, progress)
    return {
        "key": found.key,
        "regime": found.document["regime"],
        "noise_rate": found.document["noise_rate"],
    }


def noise_trial(launcher: Launcher, progress: Progress, **arguments: Any) -> dict[str, Any]:
    """Inject label noise, and compare methods of training."""
    from engine.services.label_noise import Noise

    return {"id": Noise(launcher.store).try_noise(**arguments, progress=progress)["id"]}


def publish_labels(
    launcher: Launcher,
    progress: Progress,
    dataset: str,
    split: str,
    effort: str,
    rest: str,
    confidence: float,
    name: str,
) -> dict[str, Any]:
    """Make reviewed labels a data set of the lab."""
    from engine.noise.cleaned_labels import clean
    from engine.services.cleaned_datasets import publish
    from engine.services.label_noise import Noise

    noise = Noise(launcher.store)
    found = noise.find(dataset, split, effort)
    if found is None:
        raise DataError(f"{dataset} has no diagnosis yet", hint="Run the diagnosis first.")
    cleaned = clean(found, noise.review(found).decisions(), rest, confidence)
    name = publish(launcher.store, found, cleaned, name, progress)
    return {"name": name, "images": cleaned.kept}


def score_together(
    launcher: Launcher,
    progress: Progress,
    models: list[str],
    data: str,
    split: str | None = None,
    labels: str = "mended",
    position: list[int] | None = None,
) -> dict[str, Any]:
    """Score several models on the same images. position: of the label journal, so that the task is
    another one when labels have changed.
    """
    from engine.services.together import score_together as score

    return score(launcher.store, models, data, split, labels, progress)


def confusions(
    launcher: Launcher, progress: Progress, model: str, stamp: int = 0
) -> dict[str, Any]:
    """Find the images that a model takes for another class. stamp: of its checkpoint, so that the task
    is another one when another model has its name.
    """
    from engine.services.predictions import confused_images

    found = confused_images(launcher.store, model, progress)
    assert found is not None  # it is None only where nothing may be computed
    return found


TASKS: dict[str, Task] = {
    "gallery": gallery,
    "load": load,
    "evaluate": evaluate,
    "embed": embed,
    "project": project,
    "cluster": cluster,
    "unfold": unfold,
    "align-maps": align_maps,
    "measure": measure,
    "sweep": sweep,
    "find_rate": find_rate,
    "diagnose": diagnose,
    "noise-trial": noise_trial,
    "publish-labels": publish_labels,
    "score-together": score_together,
    "confusions": confusions,
}
