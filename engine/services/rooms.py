"""The services of a lab, each loaded when it is first asked for."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.jobs.launcher import Launcher
    from engine.people.classroom import Classroom
    from engine.services.annotators import Annotators
    from engine.services.comparison import Compare
    from engine.services.datasets import Data
    from engine.services.drawings import Drawings
    from engine.services.exports import Exports
    from engine.services.few_shot import Taught
    from engine.services.galleries import Galleries
    from engine.services.label_noise import Noise
    from engine.services.labelling import Labelling
    from engine.services.labels import Labels
    from engine.services.lessons import Lessons
    from engine.services.run_notes import RunNotes
    from engine.services.samples import Samples
    from engine.services.spaces import Spaces
    from engine.services.study import Study
    from engine.services.sweeps import Sweeps
    from engine.services.tour import Tour
    from engine.services.visits import Visits
    from engine.store.store import Store


class Services:
    """What a person does with a lab, by subject. May be shared by threads.

    store     what the lab holds, found by name
    launcher  starts, stops and resumes what is computed in the background
    """

    def __init__(self, store: Store, launcher: Launcher) -> None:
        self.store, self.launcher = store, launcher

    @cached_property
    def data(self) -> Data:
        from engine.services.datasets import Data

        return Data(self.store)

    @cached_property
    def notes(self) -> RunNotes:
        from engine.services.run_notes import RunNotes

        return RunNotes(self.store)

    @cached_property
    def labels(self) -> Labels:
        from engine.services.labels import Labels

        return Labels(self.store)

    @cached_property
    def annotators(self) -> Annotators:
        from engine.services.annotators import Annotators

        return Annotators(self.labels)

    @cached_property
    def samples(self) -> Samples:
        from engine.services.samples import Samples

        return Samples(self.store, self.labels, self.noise, self.spaces)

    @cached_property
    def labelling(self) -> Labelling:
        from engine.services.labelling import Labelling

        return Labelling(self.labels)

    @cached_property
    def noise(self) -> Noise:
        from engine.services.label_noise import Noise

        return Noise(self.store)

    @cached_property
    def spaces(self) -> Spaces:
        from engine.services.spaces import Spaces

        return Spaces(self.store)

    @cached_property
    def sweeps(self) -> Sweeps:
        from engine.services.sweeps import Sweeps

        return Sweeps(self.store, self.launcher)

    @cached_property
    def compare(self) -> Compare:
        from engine.services.comparison import Compare

        return Compare(self.store)

    @cached_property
    def study(self) -> Study:
        from engine.services.study import Study

        return Study(self.store, self.launcher)

    @cached_property
    def taught(self) -> Taught:
        from engine.services.few_shot import Taught

        return Taught(self.store)

    @cached_property
    def drawings(self) -> Drawings:
        from engine.services.drawings import Drawings

        return Drawings(self.store)

    @cached_property
    def galleries(self) -> Galleries:
        from engine.services.galleries import Galleries

        return Galleries(self.store)

    @cached_property
    def exports(self) -> Exports:
        from engine.services.exports import Exports

        return Exports(self.store)

    @cached_property
    def tour(self) -> Tour:
        from engine.services.tour import Tour

        return Tour(self.store, self.launcher, self.spaces, self.noise)

    @cached_property
    def classroom(self) -> Classroom:
        from engine.people.classroom import Classroom

        return Classroom(self.store.home, self.store.settings)

    @cached_property
    def visits(self) -> Visits:
        from engine.services.visits import Visits

        return Visits(self.store)

    @cached_property
    def lessons(self) -> Lessons:
        from engine.services.lessons import Lessons

        return Lessons(self.store, self.launcher, self.classroom, self.compare)
