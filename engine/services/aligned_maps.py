"""Two models' maps of the same images on shared axes, before and after: which images changed, and how
far each moved.

The last model's map is laid out first; the first model's begins where those points lie, settles, and is
turned and mirrored, but not stretched, to fit them (orthogonal Procrustes, Schönemann 1966,
doi:10.1007/BF02289451). AlignedUMAP of umap-learn ties every point to itself by a weight instead, which
would hide the very movement that is looked for. How far the layout alone moves points is measured: the
last embedding is laid out beside its own map in the same way.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.embedding.projection import Options, laid_beside, project
from engine.embedding.space import Space, short_digest
from engine.errors import DamagedError, DataError
from engine.files.atomic import write_arrays
from engine.files.checked import read_arrays
from engine.progress import Progress, no_progress
from engine.services.labels import Labels
from engine.services.layer import Layer, graded, named

if TYPE_CHECKING:
    from engine.services.spaces import Spaces

LEAST = 4  # images that a map needs
CHANGES = ("became right", "became wrong", "wrong in both", "another class", "same class")


@dataclass(frozen=True, eq=False)
class AlignedMaps:
    """n images of a data set on the maps of two models.

    first, last   the models' spaces; `at_first` and `at_last` (n,) int64 are the images' places in them
    coordinates   (2, n, dims) float32, of the first model and of the last
    noise         how far a point of an embedding that has not changed moves, the median
    """

    first: Space
    last: Space
    at_first: np.ndarray
    at_last: np.ndarray
    coordinates: np.ndarray
    noise: float

    def __len__(self) -> int:
        return len(self.at_last)

    @property
    def whole(self) -> bool:
        """Whether these are all images of the last space, each at its own place."""
        return len(self) == len(self.last)

    @property
    def names(self) -> list[str]:
        """The images' names in the data set."""
        return [str(self.last.images.files[int(i)]) for i in self.last.index[self.at_last]]

    def predicted(self) -> tuple[np.ndarray, np.ndarray]:
        """The class names (n,) that the first and the last model predict."""
        sides = ((self.first, self.at_first), (self.last, self.at_last))
        first, last = (np.array(s.model_classes)[s.predicted[at]] for s, at in sides)
        return first, last

    @property
    def moved(self) -> np.ndarray:
        """How far each point moves (n,), in the units of the map."""
        return np.linalg.norm(self.coordinates[1] - self.coordinates[0], axis=1)

    def layers(self, labels: Labels) -> dict[str, Layer]:
        """What the points can be coloured by: the change of the prediction, the label now, and how far
        each point moves, in map units.
        """
        now = labels.labels_now(self.last.data, self.names)
        classes = list(dict.fromkeys([*self.last.classes, *filter(None, now)]))
        codes = np.array([-1 if label is None else classes.index(label) for label in now])
        changes = changes_of(*self.predicted(), now)
        return {
            "change": named("Change", changes, CHANGES, "change"),
            "now": named("Label now", codes, classes),
            "moved": graded("Distance moved", self.moved, 0.0),
        }


def changes_of(first: np.ndarray, last: np.ndarray, labels: list[str | None]) -> np.ndarray:
    """Places in CHANGES (n,) int64, of what two models predict, (n,) class names each, and the labels."""
    truth = np.array([label or "" for label in labels])
    unknown = np.array([label is None for label in labels])
    cases = [first == last, unknown, last == truth, first == truth]
    return np.select(cases, [4, 3, 0, 1], 2)


def aligned_maps(
    spaces: Spaces,
    models: tuple[str, str],
    data: str,
    part: str,
    options: Options,
    progress: Progress = no_progress,
    *,
    compute: bool = True,
) -> AlignedMaps | None:
    """The maps of two models, of the images of `data` that both have in `part`. With compute=False None
    where they were not laid out before. Raises DataError if they have too few images in common.
    """
    pair = [
        spaces.embed(model, data, part, progress) if compute else spaces.find(model, data, part)
        for model in models
    ]
    first, last = pair
    if first is None or last is None:
        return None
    found = [first.place_of(str(last.images.files[int(i)])) for i in last.index]
    at_last = np.flatnonzero([place is not None for place in found])
    at_first = np.array([found[int(at)] for at in at_last], np.int64)
    if len(at_last) < LEAST:
        raise DataError(
            f"the two models have too few images of {data} in common",
            expected=f"at least {LEAST} in part {part}",
            got=len(at_last),
        )
    name = short_digest(first.key, last.key, options.used())
    file = spaces.home / "learning" / f"aligned-{name}.npz"
    with suppress(DamagedError):  # it is laid out again
        held = read_arrays(file, ("coordinates", "noise"), "")
        if held["coordinates"].shape == (2, len(at_last), options.dims):
            noise = float(held["noise"])
            return AlignedMaps(first, last, at_first, at_last, held["coordinates"], noise)
    if not compute:
        return None
    series = [np.asarray(first.embeddings[at_first]), np.asarray(last.embeddings[at_last])]
    coordinates, noise = _laid_out(spaces, series, options, progress)
    write_arrays(file, coordinates=coordinates, noise=np.array(noise))
    return AlignedMaps(first, last, at_first, at_last, coordinates, noise)


def _laid_out(
    spaces: Spaces, series: list[np.ndarray], options: Options, progress: Progress
) -> tuple[np.ndarray, float]:
    """Coordinates (2, n, dims) float32 of two embeddings (n, D), and the median movement of a point of
    the last one, laid out again beside its own map.
    """
    own = {"threads": spaces.threads, "compiled": spaces.store.compiled(), "progress": progress}
    after = project(series[1], options, **own).coordinates
    again, before = (laid_beside(each, after, options, **own) for each in series[::-1])
    return np.stack([before, after]), float(np.median(np.linalg.norm(again - after, axis=1)))
