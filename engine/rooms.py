"""The rooms of a lab, each entered by its name on `Lab` and loaded when first entered."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from engine.lab import Lab
    from engine.services.comparison import Compare
    from engine.services.datasets import Data
    from engine.services.drawings import Drawings
    from engine.services.few_shot import Taught
    from engine.services.label_noise import Noise
    from engine.services.spaces import Spaces
    from engine.services.study import Study
    from engine.services.sweeps import Sweeps


class Rooms:
    """What `Lab` inherits: a room is handed the lab, and reaches data, runs and models through it."""

    @cached_property
    def data(self) -> Data:
        from engine.services.datasets import Data

        return Data(cast("Lab", self))

    @cached_property
    def noise(self) -> Noise:
        from engine.services.label_noise import Noise

        return Noise(cast("Lab", self))

    @cached_property
    def spaces(self) -> Spaces:
        from engine.services.spaces import Spaces

        return Spaces(cast("Lab", self))

    @cached_property
    def sweeps(self) -> Sweeps:
        from engine.services.sweeps import Sweeps

        return Sweeps(cast("Lab", self))

    @cached_property
    def compare(self) -> Compare:
        from engine.services.comparison import Compare

        return Compare(cast("Lab", self))

    @cached_property
    def study(self) -> Study:
        from engine.services.study import Study

        return Study(cast("Lab", self))

    @cached_property
    def taught(self) -> Taught:
        from engine.services.few_shot import Taught

        return Taught(cast("Lab", self))

    @cached_property
    def drawings(self) -> Drawings:
        from engine.services.drawings import Drawings

        return Drawings(cast("Lab", self))
