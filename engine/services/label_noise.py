"""`lab.noise`: diagnoses of data sets, reviews of them, cleaned labels, and trials with injected
noise.
"""

from __future__ import annotations

import dataclasses
import re
import secrets
import shutil
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from engine.errors import DamagedError, DataError, RunError, unknown
from engine.files.atomic import make_folder, write_json
from engine.files.checked import Damaged, damaged, read_checked_json, wrong_field
from engine.labels.journal import journal_of
from engine.noise.config import CONFIG
from engine.noise.kinds import TrialDocument
from engine.noise.review import Review
from engine.noise.storage import (
    DOCUMENT,
    METHOD,
    Diagnosis,
    document_of,
    key_of,
    load_diagnosis,
    make_document,
    save_diagnosis,
)
from engine.progress import Progress, no_progress
from engine.recipes.fields import DataSpec
from engine.services.labels import account
from engine.services.recovered_models import saved_models

if TYPE_CHECKING:
    from pathlib import Path

    from engine.data.imageset import ImageSet
    from engine.store.store import Store

PHOTO_SIZE = 48  # pixels; handwriting is used at 28
EARLIER = "of an earlier version of the method, which decided less: diagnose again"
OPEN = 3  # diagnoses kept open
STOPPED_SECONDS = 7 * 86_400  # from which the folds of a diagnosis that was stopped are deleted


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
    """Diagnoses and trials of a lab, kept in home/noise and found again by content."""

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
        """The diagnoses and results of trials that can't be read, and why."""
        entries = [*self._diagnoses(), *self._trials()]
        return [entry for entry in entries if isinstance(entry, Damaged)]

    def delete_damaged(self, name: str) -> None:
        """Delete a diagnosis or a result that can't be read. Raises RunError if there is none."""
        trials = {entry.name for entry in self.damaged() if entry.kind == "trial"}
        (self.delete_trial if name in trials else self.delete)(name)

    def _diagnoses(self) -> Iterator[DiagnosisInfo | Damaged]:
        for folder in sorted(self.home.glob("*")):
            if folder.name == "trials" or folder.name.startswith(".") or not folder.is_dir():
                continue
            try:
                document = document_of(folder)
                fields = (document[f.name] for f in dataclasses.fields(DiagnosisInfo)[1:])
                yield DiagnosisInfo(folder.name, *fields)
            except DamagedError as error:
                yield Damaged("diagnosis", folder.name, str(error))

    def find(self, dataset: str, split: str = "all", effort: str | None = None) -> Diagnosis | None:
        """The diagnosis of a data set as it is now, if there is one: of that effort, or the best
        there is. One that an earlier version made says so in its headline. Computes nothing.
        """
        if not any(info.name == dataset and info.split == split for info in self.list()):
            return None
        data = self.data(dataset)
        for method in range(METHOD, 0, -1):
            for wanted in [effort] if effort else CONFIG.efforts:
                found = self._opened(self.home / key_of(data, split, wanted, method), data)
                if found and method < METHOD:
                    headline = f"{found.document['headline']} ({EARLIER})"
                    return dataclasses.replace(
                        found, document={**found.document, "headline": headline}
                    )
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
        """The diagnosis of a data set; computed if it is not on disk. One that was stopped goes on
        after its last fold. Raises DataError.
        """
        from engine.noise.pipeline import run_pipeline
        from engine.noise.prediction_cache import PredictionCache

        if effort not in CONFIG.efforts:
            raise DataError(unknown("effort", effort, CONFIG.efforts))
        data = self.data(dataset, progress)
        folder = self.home / key_of(data, split, effort)
        found = self._opened(folder, data)
        if found is None:
            begun, trained = time.monotonic(), folder.with_name(f".{folder.name}-folds")
            self._forget_old(but=trained)
            result = run_pipeline(
                data,
                split,
                effort,
                self.store.settings.device,
                progress=progress,
                saved_models=saved_models(self.store, data),
                cache=PredictionCache(trained),
            )
            seconds = time.monotonic() - begun
            save_diagnosis(folder, make_document(data, split, effort, result, seconds), result)
            found = self._opened(folder, data)
            assert found is not None  # it was just written
            shutil.rmtree(trained, ignore_errors=True)
        return found

    def _forget_old(self, but: Path) -> None:
        """Delete the folds of diagnoses that were stopped and not gone on with for a week."""
        for folder in self.home.glob(".*-folds"):
            if folder != but and folder.stat().st_mtime < time.time() - STOPPED_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)

    def delete(self, key: str) -> None:
        """Move a diagnosis to the trash, its review included. Raises RunError if there is none."""
        folder = self.home / key
        if not key.isalnum() or not folder.is_dir() or key == "trials":
            raise RunError(f"there is no diagnosis '{key}'")
        with self._lock:
            self._open.pop(key, None)
        self.store.trash.put(folder, "diagnosis", key)

    def review(self, diagnosis: Diagnosis, who: str | None = None) -> Review:
        """What people decided about the images of a diagnosis. who: the person who decides, by
        default the account that the lab runs under.
        """
        journal = journal_of(self.store.home, diagnosis.data.name)
        return Review(
            diagnosis.folder,
            diagnosis.arrays["given"].tolist(),
            diagnosis.classes,
            diagnosis.files,
            journal,
            account() if who is None else who,
        )

    def data(self, dataset: str, progress: Progress = no_progress) -> ImageSet:
        """A data set as the pipeline takes it: in its own style, handwriting at 28 and photographs at
        48 pixels.
        """
        data = self.store.dataset(DataSpec.named(dataset), progress=progress)
        return (
            self.store.dataset(DataSpec.named(dataset, size=PHOTO_SIZE), progress=progress)
            if data.style == "photo"
            else data
        )

    # trials with injected noise

    def trials(self) -> list[dict[str, Any]]:
        """Results of trials with injected noise, newest first, each with its `id`. Damaged ones are
        left out.
        """
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
        compare: bool = True,
        progress: Progress = no_progress,
    ) -> dict[str, Any]:
        """Inject a known noise into a data set's labels, diagnose them, and if `compare` train on
        them by each method; the result is kept. Raises DataError.
        """
        from engine.noise.benchmark import Trial, run_trial

        begun = time.monotonic()
        trial = Trial(dataset, noise, rate, limit, effort, seed, compare)
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
        """Move the result of a trial to the trash. Raises RunError if there is none."""
        file = self.home / "trials" / f"{id}.json"
        if not re.fullmatch(r"[\w-]+", id) or not file.exists():
            raise RunError(f"there is no trial '{id}'")
        self.store.trash.put(file, "trial", id)

    def _opened(self, folder: Path, data: ImageSet) -> Diagnosis | None:
        with self._lock:
            if folder.name in self._open and (folder / DOCUMENT).exists():
                self._open.move_to_end(folder.name)
                return self._open[folder.name]
            found = load_diagnosis(folder, data)
            if found:
                self._open[folder.name] = found
                while len(self._open) > OPEN:
                    self._open.popitem(last=False)
            return found
