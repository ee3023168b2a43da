"""A diagnosis on disk: found again by content, so that it is computed once.

noise/<key>/diagnosis.json   the document, written last
            arrays.npz       n images: index, given, likely, sure, score, odds, order, log_p, fold,
                             neighbours
            embeddings.npy   (F, n, D) float16
            review.jsonl     a person's decisions
"""

from __future__ import annotations

import io
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np

from engine.checked import damaged, map_array, read_arrays, read_checked_json, read_document
from engine.data.listing import digest
from engine.files import failure, make_folder, rename_whole, write_json
from engine.noise.kinds import DiagnosisDocument
from engine.sheets import write_table

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.noise.pipeline import Examination

VERSION = 2  # raise when diagnoses come out differently: old ones are then computed again
DOCUMENT = "diagnosis.json"
DAMAGED = "Delete the diagnosis and examine the labels again."


def key_of(data: ImageSet, split: str, effort: str) -> str:
    """Changes whenever images, labels, split, effort or the method do; 16 hex digits."""
    labels = np.ascontiguousarray(data.labels[data.split(split)]).tobytes()
    return digest([VERSION, data.fingerprint, labels, split, effort])[:16]


@dataclass(frozen=True)
class Diagnosis:
    """A finished diagnosis: its document, and its arrays and images when they are asked for.

    The document is what `--json` prints. Arrays are over the n examined images; `index` leads from
    them into the data set.
    """

    folder: Path
    document: dict[str, Any]
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
        names = ("index", "given", "likely", "sure", "score", "odds", "order", "log_p", "fold")
        found = read_arrays(self.folder / "arrays.npz", (*names, "neighbours"), DAMAGED)
        if wrong := [name for name in (*names, "neighbours") if len(found[name]) != self.n]:
            raise damaged(
                self.folder / "arrays.npz", f"{wrong[0]} is not of {self.n} images", DAMAGED
            )
        return found

    @cached_property
    def embeddings(self) -> np.ndarray:
        """(F, n, D) float16, memory-mapped."""
        return map_array(self.folder / "embeddings.npy", DAMAGED)

    def images(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """(m, C, H, W) uint8 of positions among the examined images."""
        return np.asarray(self.data.images[self.arrays["index"][np.asarray(positions, np.int64)]])

    def file(self, position: int) -> str:
        return self.data.files[int(self.arrays["index"][position])]

    def rows(self) -> list[dict[str, Any]]:
        """file, index, given, likely, score: a row an image, most suspect first."""
        found, names = self.arrays, self.classes
        return [
            {
                "file": self.file(i),
                "index": int(found["index"][i]),
                "given": names[found["given"][i]],
                "likely": names[found["likely"][i]],
                "score": round(float(found["score"][i]), 6),
            }
            for i in found["order"]
        ]

    def write_csv(self, file: TextIO) -> None:
        write_table(
            file,
            ("file", "index", "given", "likely", "score"),
            (tuple(row.values()) for row in self.rows()),
        )

    def csv(self) -> str:
        out = io.StringIO()
        self.write_csv(out)
        return out.getvalue()


def keep(folder: Path, document: dict[str, Any], found: Examination) -> None:
    """Write a diagnosis; the folder appears whole or not at all. Raises GlyphlabError if the disk
    is full.
    """
    made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=make_folder(folder.parent)))
    try:
        np.save(made / "embeddings.npy", found.embeddings)
        suspects = found.suspects
        np.savez(
            made / "arrays.npz",
            index=found.index,
            given=found.given.astype(np.int16),
            likely=suspects.likely.astype(np.int16),
            sure=suspects.sure,
            score=suspects.score,
            odds=suspects.odds,
            order=suspects.order.astype(np.int32),
            log_p=found.log_p.astype(np.float16),
            fold=found.fold,
            neighbours=found.neighbours,
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


def read(folder: Path, data: ImageSet) -> Diagnosis | None:
    """The diagnosis in a folder, or None if there is none. Raises DamagedError."""
    if not (folder / DOCUMENT).exists():
        return None
    read_about(folder)
    return Diagnosis(folder, read_checked_json(folder / DOCUMENT, DAMAGED), data)


def read_about(folder: Path) -> DiagnosisDocument:
    """The checked document of the diagnosis in a folder. Raises DamagedError."""
    return read_document(folder / DOCUMENT, DiagnosisDocument, DAMAGED)


def describe(
    data: ImageSet, split: str, effort: str, found: Examination, seconds: float
) -> dict[str, Any]:
    """The document of an examination: everything that is said of it, as JSON can hold it."""
    from engine.noise.ranking import expected_wrong
    from engine.noise.report import confused, evidence, summary, unknowable

    findings, classes, n = found.findings, data.classes, len(found.index)
    likely_given = np.bincount(
        found.suspects.likely * len(classes) + found.given, minlength=len(classes) ** 2
    )
    asked = [
        f"Which class is likeliest was also asked of {name}, a saved model that learned from these"
        " labels."
        for name in found.opinions
    ]
    return {
        "name": data.name,
        "split": split,
        "effort": effort,
        "n": n,
        "classes": list(classes),
        "style": data.style,
        "size": data.size,
        "fingerprint": data.fingerprint,
        "regime": findings.regime,
        "headline": _headline(findings.regime),
        "summary": summary(findings, n, classes),
        "noise_rate": findings.rate,
        "noise_rate_interval": [findings.rate_low, findings.rate_high],
        "expected_wrong": round(expected_wrong(found.suspects.score), 1),
        "transition": findings.matrix.tolist(),
        "prior": findings.prior.tolist(),
        "temperature": findings.temperature,
        "evidence": evidence(findings, found.readings, classes) + asked,
        "unknowable": unknowable(findings, n, classes),
        "readings": [
            {
                "name": r.name,
                "gain": r.gain,
                "gain_error": r.gain_error,
                "certain": r.certain,
                "right": r.right,
            }
            for r in found.readings.values()
        ],
        "reading": found.reading,
        "pairs": [
            {"true": classes[a], "given": classes[b], "share": p}
            for a, b, p in confused(findings.matrix)[:40]
        ],
        "look_alike": [
            {"class": classes[a], "other": classes[b], "share": p}
            for a, b, p in findings.look_alike
        ],
        "likely_given": likely_given.reshape(len(classes), -1).tolist(),
        "figures": findings.figures,
        "seconds": round(seconds, 1),
        "created": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }


def _headline(regime: str) -> str:
    from engine.noise.diagnosis import REGIMES

    return REGIMES[regime]
