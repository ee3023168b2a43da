"""A diagnosis on disk: found again by content, so that it is computed once.

noise/<key>/diagnosis.json   the document, written last; its `format` is FORMAT
            arrays.npz       n images: index, given, likely, confidence, score, log_odds, order,
                             log_p, fold, neighbours
            embeddings.npy   (F, n, D) float16
            review.jsonl     a person's decisions, of version 0.1.0; later ones are in the label
                             journal of the data set

Documents of format 1 have no `format` and other names, those of format 2 say nothing about groups,
clear images and copies; `document_of` and `Diagnosis.arrays` read them under the names of today.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from pydantic import ValidationError

from engine.data.listing import digest
from engine.files.atomic import failure, make_folder, rename_whole, write_json
from engine.files.checked import damaged, map_array, read_arrays, read_checked_json, wrong_field
from engine.files.documents import LabelDiagnosis
from engine.noise.kinds import DiagnosisDocument
from engine.noise.old_formats import FORMAT, FORMAT_1_ARRAYS, upgraded

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.noise.pipeline import PipelineResult

METHOD = 6  # raise when diagnoses come out differently: old ones are then computed again
DOCUMENT = "diagnosis.json"
DAMAGED = "Delete the diagnosis and run it again."
ARRAYS = (
    "index",
    "given",
    "likely",
    "confidence",
    "score",
    "log_odds",
    "order",
    "log_p",
    "fold",
    "neighbours",
)


def key_of(data: ImageSet, split: str, effort: str, method: int = METHOD) -> str:
    """Changes whenever images, labels, split, effort or the method do; 16 hex digits."""
    labels = np.ascontiguousarray(data.labels[data.split(split)]).tobytes()
    return digest([method, data.fingerprint, labels, split, effort])[:16]


@dataclass(frozen=True)
class Diagnosis:
    """A finished diagnosis: its document, and its arrays and images when they are asked for.

    The document is what `--json` prints. Arrays are over the n images of the diagnosis; `index`
    leads from them into the data set.
    """

    folder: Path
    document: LabelDiagnosis
    data: ImageSet

    @property
    def key(self) -> str:
        return self.folder.name

    @property
    def n(self) -> int:
        return self.document["n"]

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(self.document["classes"])

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Name → array over the n images. Raises DamagedError."""
        found = read_arrays(self.folder / "arrays.npz", (), DAMAGED)
        found = {FORMAT_1_ARRAYS.get(name, name): array for name, array in found.items()}
        for name in ARRAYS:
            if len(found.get(name, ())) != self.n:
                reason = f"{name} is not of {self.n} images"
                raise damaged(self.folder / "arrays.npz", reason, DAMAGED)
        return found

    @cached_property
    def embeddings(self) -> np.ndarray:
        """(F, n, D) float16, memory-mapped."""
        return map_array(self.folder / "embeddings.npy", DAMAGED)

    def images(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """(m, C, H, W) uint8 of positions among the n images."""
        return np.asarray(self.data.images[self.arrays["index"][np.asarray(positions, np.int64)]])

    @cached_property
    def files(self) -> list[str]:
        """The names of the n images in the data set."""
        return [str(self.data.files[int(at)]) for at in self.arrays["index"]]

    @cached_property
    def places(self) -> dict[str, int]:
        """The position of each image by its name."""
        return {file: position for position, file in enumerate(self.files)}

    def file(self, position: int) -> str:
        return self.data.files[int(self.arrays["index"][position])]

    def rows(self) -> list[dict[str, Any]]:
        """file, index, given, likely, and suspicion, the probability 0..1 that the given label is not
        the class: a row an image, in the order of the list of suspects.
        """
        found, names = self.arrays, self.classes
        return [
            {
                "file": self.file(i),
                "index": int(found["index"][i]),
                "given": names[found["given"][i]],
                "likely": names[found["likely"][i]],
                "suspicion": round(1 - float(found["score"][i]), 6),
            }
            for i in found["order"]
        ]


def save_diagnosis(folder: Path, document: LabelDiagnosis, result: PipelineResult) -> None:
    """Write a diagnosis; the folder appears whole or not at all. Raises GlyphlabError if the disk
    is full.
    """
    parent = make_folder(folder.parent)
    try:
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=parent))
    except OSError as error:
        raise failure(error, folder) from error
    try:
        np.save(made / "embeddings.npy", result.embeddings)
        suspects = result.suspects
        np.savez(
            made / "arrays.npz",
            index=result.index,
            given=result.given.astype(np.int16),
            likely=suspects.likely.astype(np.int16),
            confidence=suspects.confidence,
            score=suspects.score,
            log_odds=suspects.log_odds,
            order=suspects.order.astype(np.int32),
            log_p=result.log_p.astype(np.float16),
            fold=result.fold,
            neighbours=result.neighbours,
        )
        write_json(made / DOCUMENT, document)
        if folder.exists():  # made by another process in the meantime
            shutil.rmtree(made)
        else:
            rename_whole(made, folder)
    except OSError as error:
        shutil.rmtree(made, ignore_errors=True)
        raise failure(error, folder) from error
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)
        raise


def load_diagnosis(folder: Path, data: ImageSet) -> Diagnosis | None:
    """The diagnosis in a folder, or None if there is none. Raises DamagedError."""
    if not (folder / DOCUMENT).exists():
        return None
    return Diagnosis(folder, document_of(folder), data)


def document_of(folder: Path) -> LabelDiagnosis:
    """The document in a folder under the names of FORMAT. Raises DamagedError."""
    file = folder / DOCUMENT
    document = read_checked_json(file, DAMAGED)
    try:
        document = upgraded(document)
        DiagnosisDocument.model_validate(document)
    except ValidationError as error:
        raise damaged(file, wrong_field(error), DAMAGED) from None
    except (AttributeError, KeyError, TypeError) as error:
        raise damaged(file, f"it is no diagnosis ({error})", DAMAGED) from None
    return cast(LabelDiagnosis, document)


def make_document(
    data: ImageSet, split: str, effort: str, result: PipelineResult, seconds: float
) -> LabelDiagnosis:
    """The document of a result: figures and sentences, as JSON can hold them."""
    from engine.noise.findings import REGIMES
    from engine.noise.ranking import expected_wrong
    from engine.noise.report import about_copies, confused, evidence, summary, unknowable

    findings, classes, n = result.findings, data.classes, len(result.index)
    likely_given = np.bincount(
        result.suspects.likely * len(classes) + result.given, minlength=len(classes) ** 2
    )
    saved_models = [
        f"The likely classes also rest on predictions of {name}, a saved model that was trained on"
        " these labels."
        for name in result.saved_models
    ]
    return {
        "format": FORMAT,
        "name": data.name,
        "split": split,
        "effort": effort,
        "n": n,
        "classes": list(classes),
        "style": data.style,
        "size": data.size,
        "fingerprint": data.fingerprint,
        "regime": findings.regime,
        "headline": REGIMES[findings.regime],
        "summary": summary(findings, n, classes),
        "noise_rate": findings.rate,
        "noise_rate_interval": [findings.rate_low, findings.rate_high],
        "expected_wrong": round(expected_wrong(result.suspects.score), 1),
        "transition": findings.matrix.tolist(),
        "prior": findings.prior.tolist(),
        "temperature": findings.temperature,
        "evidence": [
            *evidence(findings, result.hypotheses, classes),
            *about_copies(result.copies),
            *saved_models,
        ],
        "unknowable": unknowable(findings, n, classes),
        "hypotheses": [
            {
                "name": found.name,
                "gain": found.gain,
                "gain_error": found.gain_error,
                "significant": found.significant,
                "diagonal": found.diagonal,
            }
            for found in result.hypotheses.values()
        ],
        "hypothesis": result.hypothesis,
        "pairs": [
            {"true": classes[a], "given": classes[b], "share": p}
            for a, b, p in confused(findings.matrix)[:40]
        ],
        "ambiguous": [
            {"class": classes[a], "other": classes[b], "share": p} for a, b, p in findings.ambiguous
        ],
        "likely_given": likely_given.reshape(len(classes), -1).tolist(),
        "figures": findings.figures,
        "groups": [
            {
                "count": group.count,
                "labels": [{"label": classes[a], "share": p} for a, p in group.labels],
                "samples": list(group.samples),
                "alike": group.alike,
            }
            for group in findings.groups
        ],
        "clear": findings.clear,
        "copies": {
            "images": result.copies.images,
            "contradicted": result.copies.contradicted,
            "wrong_at_least": result.copies.wrong_at_least,
        },
        "seconds": round(seconds, 1),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
