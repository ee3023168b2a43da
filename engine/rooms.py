"""The rooms of a lab, each entered by its name on `Lab` and loaded when first entered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from engine.compare import Compare
    from engine.data.room import Data
    from engine.drawings import Drawings
    from engine.embeddings import Spaces
    from engine.lab import Lab
    from engine.noise.room import Noise
    from engine.study import Study
    from engine.sweep import Sweeps
    from engine.taught import Taught


class Rooms:
    """What `Lab` inherits: a room is handed the lab, and reaches data, runs and models through it."""

    @cached_property
    def data(self) -> Data:
        from engine.data.room import Data

        return Data(cast("Lab", self))

    @cached_property
    def noise(self) -> Noise:
        from engine.noise.room import Noise

        return Noise(cast("Lab", self))

    @cached_property
    def spaces(self) -> Spaces:
        from engine.embeddings import Spaces

        return Spaces(cast("Lab", self))

    @cached_property
    def sweeps(self) -> Sweeps:
        from engine.sweep import Sweeps

        return Sweeps(cast("Lab", self))

    @cached_property
    def compare(self) -> Compare:
        from engine.compare import Compare

        return Compare(cast("Lab", self))

    @cached_property
    def study(self) -> Study:
        from engine.study import Study

        return Study(cast("Lab", self))

    @cached_property
    def taught(self) -> Taught:
        from engine.taught import Taught

        return Taught(cast("Lab", self))

    @cached_property
    def drawings(self) -> Drawings:
        from engine.drawings import Drawings

        return Drawings(cast("Lab", self))
