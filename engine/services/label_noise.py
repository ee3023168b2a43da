"""`lab.noise`: diagnoses of data sets, reviews of them, cleaned labels, and noise on purpose."""

from __future__ import annotations

import dataclasses
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from engine.checked import Damaged, damaged, read_checked_json, wrong_field
from engine.errors import CheckpointError, DamagedError, DataError, RunError, unknown
from engine.files import failure, make_folder, write_json
from engine.noise.kinds import TrialDocument
from engine.noise.review import Review
from engine.noise.storage import DOCUMENT, Diagnosis, describe, keep, key_of, read, read_about
from engine.progress import Progress, no_progress
from engine.recipe import DataSpec

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from engine.data.imageset import ImageSet
    from engine.models.predictor import Predictor
    from engine.store.store import Store

PHOTO_SIZE = 48  # pixels; handwriting is examined at 28
OPEN = 3  # diagnoses kept open
LEAST = 1e-9  # probability, as far as a logarithm is concerned
# What study C4 published for training on mnistTask3 as it is: percent on MNIST's test images.
PUBLISHED: tuple[tuple[str, float], ...] = (
    ("ConvNet, one-cycle", 0.31),
    ("ConvNet, constant rate", 0.99),
    ("ResNet18 from random", 0.07),
    ("ResNet18, pretrained on digits", 0.03),
    ("ResNet18, pretrained on MNIST", 0.0),
)


@dataclass(frozen=True)
class DiagnosisInfo:
    """A diagnosis as lists show it."""

    key: str
    name: str
    split: str
    effort: str
    regime: str
    headline: str
    noise_rate: float
    n: int
    created: str


class Noise:
    """The room of doubt. Everything it finds is kept in home/noise and found again by content."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.home = store.home / "noise"
        self._open: OrderedDict[str, Diagnosis] = OrderedDict()
        self._lock = threading.Lock()

    def list(self) -> list[DiagnosisInfo]:
        """The diagnoses on disk, newest first. Damaged ones are left out, see `damaged`."""
        found = [info for info in self._diagnoses() if isinstance(info, DiagnosisInfo)]
        return sorted(found, key=lambda info: info.created, reverse=True)

    def damaged(self) -> list[Damaged]:
        """The diagnoses and results of noise on purpose that can't be read, and why."""
        entries = [*self._diagnoses(), *self._trials()]
        return [entry for entry in entries if isinstance(entry, Damaged)]

    def delete_damaged(self, name: str) -> None:
        """Forget a diagnosis or a result that can't be read. Raises RunError if there is none."""
        trials = {entry.name for entry in self.damaged() if entry.kind == "trial"}
        (self.delete_trial if name in trials else self.delete)(name)

    def _diagnoses(self) -> Iterator[DiagnosisInfo | Damaged]:
        for folder in sorted(self.home.glob("*")):
            if folder.name == "trials" or folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                about = read_about(folder)
                fields = (getattr(about, f.name) for f in dataclasses.fields(DiagnosisInfo)[1:])
                yield DiagnosisInfo(folder.name, *fields)
            except DamagedError as error:
                yield Damaged("diagnosis", folder.name, str(error))

    def find(self, dataset: str, split: str = "all", effort: str | None = None) -> Diagnosis | None:
        """The diagnosis of a data set as it is now, if there is one: of that effort, or the best
        there is. Computes nothing.
        """
        if not any(info.name == dataset and info.split == split for info in self.list()):
            return None
        data = self.data(dataset)
        for wanted in [effort] if effort else ["full", "quick"]:
            found = self._opened(self.home / key_of(data, split, wanted), data)
            if found:
                return found
        return None

    def diagnose(
        self,
        dataset: str,
        split: str = "all",
        effort: str = "full",
        progress: Progress = no_progress,
    ) -> Diagnosis:
        """The diagnosis of a data set; computed if it is not on disk. Raises DataError."""
        from engine.noise.pipeline import EFFORTS, examine

        if effort not in EFFORTS:
            raise DataError(unknown("effort", effort, EFFORTS))
        data = self.data(dataset, progress)
        folder = self.home / key_of(data, split, effort)
        found = self._opened(folder, data)
        if found is None:
            begun = time.monotonic()
            examined = examine(
                data,
                split,
                effort,
                self.store.settings.device,
                progress=progress,
                opinions=self._opinions(data),
            )
            keep(
                folder, describe(data, split, effort, examined, time.monotonic() - begun), examined
            )
            found = self._opened(folder, data)
        return found

    def delete(self, key: str) -> None:
        """Forget a diagnosis, its review included. Raises RunError if there is none."""
        folder = self.home / key
        if not key.isalnum() or not folder.is_dir() or key == "trials":
            raise RunError(f"there is no diagnosis '{key}'")
        with self._lock:
            self._open.pop(key, None)
        try:
            shutil.rmtree(folder)
        except OSError as error:
            raise failure(error, folder) from error

    def review(self, diagnosis: Diagnosis) -> Review:
        """A person's decisions on the suspects of a diagnosis."""
        return Review(diagnosis.folder, diagnosis.arrays["given"].tolist(), diagnosis.classes)

    def data(self, dataset: str, progress: Progress = no_progress) -> ImageSet:
        """A data set as it is examined: in its own style, handwriting at 28 and photographs at 48
        pixels.
        """
        data = self.store.dataset(DataSpec(name=dataset), progress=progress)
        return (
            self.store.dataset(DataSpec(name=dataset, size=PHOTO_SIZE), progress=progress)
            if data.style == "photo"
            else data
        )

    def recovered(self) -> list[dict[str, Any]]:
        """Models trained through the labels of Task 3, each with its accuracy on MNIST's test
        images (0..1): shipped ones, then runs.
        """
        rows = []
        for model in self.store.models():
            if (model.method, model.data) != ("recovered", "task3"):
                continue
            meta = self.store.model_meta(model.name)
            accuracy = meta["metrics"].get("test_accuracy")
            if accuracy is not None:
                title, n = meta.get("title") or model.name, meta["metrics"].get("test_n")
                rows.append({"name": model.name, "title": title, "accuracy": accuracy, "n": n})
        return rows

    def attempts(self) -> list[dict[str, Any]]:
        """Runs of this lab that trained on Task 3's labels as they are and were scored on MNIST
        (accuracy 0..1).
        """
        rows = []
        for known in self.store.known_runs():
            figures = known.figures if known.status.get("data") == "task3" else {}
            if figures.get("test_accuracy") is not None and known.facts.method != "recovered":
                rows.append(
                    {
                        "name": known.run.id,
                        "title": known.info().name,
                        "accuracy": figures["test_accuracy"],
                        "n": figures.get("test_n"),
                    }
                )
        return rows

    # noise on purpose

    def trials(self) -> list[dict[str, Any]]:
        """Results of noise on purpose, newest first; each with its `id`. Damaged ones are left out."""
        return [found for found in self._trials() if not isinstance(found, Damaged)]

    def _trials(self) -> Iterator[dict[str, Any] | Damaged]:
        hint = "Delete the file, or run the trial again."
        for file in sorted((self.home / "trials").glob("*.json"), reverse=True):
            try:
                result = read_checked_json(file, hint)
                try:
                    TrialDocument.model_validate(result)
                except ValidationError as error:
                    raise damaged(file, wrong_field(error), hint) from None
                yield {"id": file.stem, **result}
            except DamagedError as error:
                yield Damaged("trial", file.stem, str(error))

    def try_noise(
        self,
        dataset: str,
        noise: str,
        rate: float,
        limit: int | None = None,
        effort: str = "full",
        seed: int = 0,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Spoil a data set's labels in a known way and see what each method makes of them; the
        result is kept. Raises DataError.
        """
        from engine.noise.benchmark import Trial, run_trial
        from engine.noise.pipeline import EFFORTS

        if effort not in EFFORTS:
            raise DataError(unknown("effort", effort, EFFORTS))
        begun = time.monotonic()
        trial = Trial(dataset, noise, rate, limit, effort, seed)
        result = run_trial(
            self.data(dataset, progress), trial, self.store.settings.device, progress
        )
        result |= {
            "seconds": round(time.monotonic() - begun, 1),
            "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        folder = make_folder(self.home / "trials")
        name = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"
        write_json(folder / f"{name}.json", result)
        return {"id": name, **result}

    def delete_trial(self, id: str) -> None:
        """Forget a result of noise on purpose."""
        file = self.home / "trials" / f"{id}.json"
        if not re.fullmatch(r"[\w-]+", id) or not file.exists():
            raise RunError(f"there is no trial '{id}'")
        try:
            file.unlink()
        except OSError as error:
            raise failure(error, file) from error

    def _opinions(self, data: ImageSet) -> dict[str, Callable[[Tensor], Tensor]]:
        """Saved models that were trained through the labels of `data` as they are, and have seen no
        other; a damaged one is not asked.
        """
        out = {}
        for model in self.store.models():
            with suppress(CheckpointError):
                meta = self.store.model_meta(model.name)
                own = (
                    meta.get("fingerprint") == data.fingerprint
                    and tuple(meta["classes"]) == data.classes
                )
                if (
                    own
                    and meta["recipe"].get("method") == "recovered"
                    and not meta["recipe"].get("init_from")
                ):
                    out[model.name] = partial(_said, self.store.predictor(model.name))
        return out

    def _opened(self, folder: Path, data: ImageSet) -> Diagnosis | None:
        with self._lock:
            if folder.name in self._open and (folder / DOCUMENT).exists():
                self._open.move_to_end(folder.name)
                return self._open[folder.name]
            found = read(folder, data)
            if found:
                self._open[folder.name] = found
                while len(self._open) > OPEN:
                    self._open.popitem(last=False)
            return found


def _said(predictor: Predictor, images: Tensor) -> Tensor:
    """Log-probabilities (B, K) by a saved model, of images (B, C, S, S) in 0..255."""
    import torch

    squares = images.round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    return torch.from_numpy(predictor.run(squares)[0]).clamp_min(LEAST).log()


@dataclass(frozen=True)
class Arguments:
    """A suspect's neighbours, as the network that never saw its label sees them: positions, and
    cosine similarities, of the nearest images that read as its likely class, and of those that read
    as its given class."""

    for_likely: tuple[np.ndarray, np.ndarray]
    for_given: tuple[np.ndarray, np.ndarray]
    votes_likely: int
    votes_given: int
    neighbours: int


def arguments(diagnosis: Diagnosis, position: int, count: int = 6) -> Arguments:
    """The images that argue for an image's likely label and for its given one."""
    found = diagnosis.arrays
    likely = found["likely"]
    vectors = diagnosis.embeddings[int(found["fold"][position])]
    similarity = np.asarray(vectors, np.float32) @ np.asarray(vectors[position], np.float32)
    similarity[position] = -np.inf

    def nearest(label: int) -> tuple[np.ndarray, np.ndarray]:
        own = np.flatnonzero(likely == label)
        own = own[own != position]
        best = own[np.argsort(-similarity[own], kind="stable")[:count]]
        return best, similarity[best]

    votes = likely[found["neighbours"][position]]
    mine, other = int(likely[position]), int(found["given"][position])
    return Arguments(
        nearest(mine),
        nearest(other),
        int((votes == mine).sum()),
        int((votes == other).sum()),
        len(votes),
    )


def why(diagnosis: Diagnosis, position: int, argued: Arguments) -> str:
    """Why an image's label is doubted, or not, in one sentence or two."""
    from engine.noise.ranking import reason

    found, names = diagnosis.arrays, diagnosis.classes
    p = np.exp(found["log_p"][position].astype(np.float32))
    given, likely = int(found["given"][position]), int(found["likely"][position])
    votes = (argued.votes_likely, argued.votes_given, argued.neighbours)
    return reason(
        names[given],
        names[likely],
        float(p[given]),
        float(p[likely]),
        votes,
        diagnosis.document["regime"] == "complementary",
    )
