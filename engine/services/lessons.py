"""Leading a class: the wall of who does what, the assignment and its leaderboard, clearing the desks."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import GlyphlabError, RightsError
from engine.people.class_file import Assignment, Student
from engine.people.cleared import Cleared
from engine.people.request_log import forget_requests
from engine.people.rights import refusal
from engine.people.started import Started
from engine.people.work import with_work
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe, make_recipe
from engine.runs.times import now
from engine.services.assignable import check_assignable
from engine.services.clearing import Clearing
from engine.services.returning import put_aside, take_back
from engine.services.untouched import Untouched, untouched

if TYPE_CHECKING:
    from engine.data.uploads import Upload
    from engine.jobs.launcher import Launcher
    from engine.people.classroom import Classroom
    from engine.runs.run_info import RunInfo
    from engine.services.comparison import Compare
    from engine.store.store import Store

# Fields of a recipe's data that change nothing about which images a run is tested on.
FREE = frozenset("style size labels journal balance limit".split())
LONGEST_LINE = 20  # models that started one from another
LONGEST_WORDS = 500  # characters of an assignment


@dataclass(frozen=True)
class Desk:
    """One student on the wall. runs: newest first; symbols and drawings: how many were taught and
    saved.
    """

    student: Student
    runs: tuple[RunInfo, ...]
    symbols: int
    drawings: int

    @property
    def best(self) -> RunInfo | None:
        """The run of the highest test accuracy."""
        scored = [run for run in self.runs if run.accuracy is not None]
        return max(scored, key=lambda run: run.accuracy or 0, default=None)


@dataclass(frozen=True)
class Standing:
    """A line of the leaderboard: a student's best run, its test accuracy with the 95% interval (all
    0..1), and its place, which only those are before who are better beyond both intervals. reached:
    whether the accuracy, in percent with two decimals as it is shown, is the target or better; sure:
    whether the target lies outside the interval. name_is_anothers: of a student who is gone, whether
    somebody in the class has the name now.
    """

    place: int
    student: Student
    run: str
    accuracy: float
    low: float
    high: float
    n: int
    reached: bool
    sure: bool
    name_is_anothers: bool = False


class Lessons:
    """What a teacher does in a class, and what its students see of it."""

    def __init__(
        self, store: Store, launcher: Launcher, classroom: Classroom, compare: Compare
    ) -> None:
        self.store, self.launcher = store, launcher
        self.classroom, self.compare = classroom, compare
        self._clearing, self._cleared = Clearing(store, launcher), Cleared(store.home)

    def wall(self) -> list[Desk]:
        """Every student, by name."""
        runs = self.store.runs()
        out = []
        for student in sorted(self.classroom.now().students, key=lambda one: one.name.casefold()):
            folder = self._clearing.folder_of(student.id)
            out.append(
                Desk(
                    student,
                    tuple(run for run in runs if run.owner == student.id),
                    sum(1 for _ in folder.glob("taught/*/symbol.json")),
                    sum(1 for _ in folder.glob("drawings/*/*.png")),
                )
            )
        return out

    # the assignment

    def assignment(self) -> Assignment | None:
        """What is assigned now."""
        return self.classroom.now().assignment

    def hand_out(self, recipe: str, target: float, words: str = "") -> Assignment:
        """Assign a recipe of the lab; target: test accuracy to reach, 0..1. Raises RecipeError for one
        there is not, RightsError for a target that no run can have or a recipe as in `check_assignable`.
        """
        check_assignable(self.store, self.store.recipe(recipe))
        if not 0 < target <= 1 or len(words) > LONGEST_WORDS:
            raise RightsError(
                "this can't be assigned",
                expected=f"a target above 0% and up to 100%, at most {LONGEST_WORDS} characters",
                got=f"{target:.1%}, {len(words)} characters",
            )
        assignment = Assignment(recipe=recipe, target=target, words=words.strip(), given=now())
        self.classroom.assign(assignment)
        return assignment

    def why_not_assigned(self, name: str) -> str:
        """What is against assigning a recipe, as a sentence; '' if nothing is. Raises RecipeError."""
        return refusal(lambda: check_assignable(self.store, self.store.recipe(name)))

    def untouched(self, name: str) -> Untouched | None:
        """What a recipe reaches as it is, as far as that is known: see engine.services.untouched."""
        return untouched(self.store, self.compare, name)

    def take_back(self) -> None:
        """Assign nothing."""
        self.classroom.assign(None)

    def leaderboard(self) -> list[Standing]:
        """The best run of each student on the assignment, best first; also of who is gone, as all are
        once the lesson has ended. A run counts if it began after the assignment was given and was
        tested on the same images as the recipe is.
        """
        assignment = self.assignment()
        if assignment is None:
            return []
        wanted, found = _tested_on(self.store.recipe(assignment.recipe).data), self.classroom.now()
        counting: dict[str, list[RunInfo]] = {}
        for run in self.store.runs():
            if run.owner and self._counts(run, assignment, wanted):
                counting.setdefault(run.owner, []).append(run)
        students = {
            max(counting[one.id], key=lambda run: run.accuracy or 0).id: one
            for one in (*found.students, *found.gone)
            if one.id in counting
        }
        here = {one.name.casefold(): one.id for one in found.students}
        rows = []
        for subject in self.compare.subjects(list(students)):
            if subject.accuracy is not None and subject.interval and subject.n:
                rows.append((subject.accuracy, subject.interval, subject.n, subject.id))
        rows.sort(key=lambda row: -row[0])
        return [
            Standing(
                place=1 + sum(other[1][0] > row[1][1] for other in rows),
                student=students[row[3]],
                run=row[3],
                accuracy=row[0],
                low=row[1][0],
                high=row[1][1],
                n=row[2],
                reached=round(100 * row[0], 2) >= round(100 * assignment.target, 2),
                sure=not row[1][0] < assignment.target <= row[1][1],
                name_is_anothers=_is_anothers(students[row[3]], here),
            )
            for row in rows
        ]

    def _counts(self, run: RunInfo, assignment: Assignment, wanted: object) -> bool:
        if run.alive or run.accuracy is None or run.created < assignment.given:
            return False
        with suppress(GlyphlabError):
            recipe = self.store.run(run.id).recipe()
            return _tested_on(recipe.data) == wanted and self._saw_no_test_image(recipe)
        return False

    def _saw_no_test_image(self, recipe: Recipe) -> bool:
        """Whether none of the models that a run started from, if any, may have learned from its test
        images: those of the same data set held back the same ones. Raises CheckpointError.
        """
        wanted, data = _tested_on(recipe.data), set(recipe.data.name.split("+"))
        parent = recipe.init_from
        for _ in range(LONGEST_LINE):
            if parent is None:
                return True
            meta = self.store.model_meta(parent)
            before = make_recipe(meta["recipe"], {"scale": "full", "small": {}})
            if data & set(before.data.name.split("+")):
                if meta.get("held_out") or _tested_on(before.data) != wanted:
                    return False
            parent = before.init_from
        return False

    def gather(self) -> Upload:
        """The drawings that all students saved, as a data set: see engine.services.class_drawings."""
        from engine.services.class_drawings import gather

        return gather(self.store, [one.id for one in self._known()])

    # order

    def stop_all(self, students: Sequence[str] | None = None) -> int:
        """Stop the runs of these students, or of all (None), and keep the best model of each that has
        one; returns how many.
        """
        count = 0
        for run in self._runs_of(students):
            if run.alive:
                with suppress(GlyphlabError):  # it has ended by now
                    self.launcher.stop(run.id)
                    count += 1
        return count

    def clear(self, students: Sequence[str] | None = None) -> tuple[str, int]:
        """Move what these students, or all (None), trained, taught and drew to the trash, and forget which
        pages they opened; they are told once. Returns the name by which `undo_clear` puts back what is
        in the trash ('' if there was nothing), and how many runs were still alive: they follow when they
        have stopped. Raises RightsError for an empty choice.
        """
        if students is not None and not students:
            raise RightsError("nobody was chosen", hint="Choose whose work is to be cleared.")
        chosen = [one for one in self._known() if students is None or one.id in students]
        runs = [run.id for run in self._runs_of(students)]
        had_some = with_work(self.store.home, [one.id for one in chosen])
        batch, left = self._clearing.begin(runs, chosen)
        with suppress(GlyphlabError):  # it is cleared all the same
            self._cleared.add(had_some, batch)
        return batch, left

    def is_to_be_told(self, student: str) -> bool:
        """Whether a student's (id) work was cleared and they have not been told yet."""
        return self._cleared.is_untold(student)

    def was_told(self, student: str) -> None:
        """A student has read that their work was cleared. Raises SettingsError."""
        self._cleared.drop({student})

    def still_stopping(self, batch: str) -> int:
        """Of the runs that were cleared together, how many are still to stop and to go to the trash."""
        return len(self._clearing.waiting(batch))

    def go_on_clearing(self) -> None:
        """Clear those runs that have stopped since they were to be cleared, and know again whose work is
        back from the trash.
        """
        self._clearing.go_on()
        take_back(self.store.home, self.classroom)

    def undo_clear(self, batch: str) -> None:
        """Put back what `clear` moved to the trash, and leave what it has not moved yet. Raises RunError
        if it is not there any more, or something else stands in a place.
        """
        self._clearing.undo(batch)
        self._cleared.take_back(batch)
        take_back(self.store.home, self.classroom)

    def end(self) -> None:
        """End the lesson: runs stop, everybody is sent away, and a new code is made. What was made stays;
        the names of those who have nothing here are forgotten, and what else was kept of them; where work
        of theirs is in the trash, the name is there as long as it is.
        """
        self.stop_all()
        everybody = self._known()
        known = {one.id for one in everybody}
        keep = with_work(self.store.home, known, but=self._clearing.waiting())
        forgotten = [one for one in everybody if one.id not in keep]
        put_aside(self.store.trash, forgotten, self._clearing.owners())
        self.classroom.dismiss(keep)
        forget_requests(self.store.home, known - keep)
        Started(self.store.home).forget(known - keep)
        self._cleared.drop(known - keep)

    def _known(self) -> list[Student]:
        """Who is or was in the class."""
        found = self.classroom.now()
        return [*found.students, *found.gone]

    def _runs_of(self, students: Sequence[str] | None) -> list[RunInfo]:
        return [
            run
            for run in self.store.runs()
            if run.owner and (students is None or run.owner in students)
        ]


def _tested_on(data: DataSpec) -> dict[str, object]:
    return {key: value for key, value in data.model_dump().items() if key not in FREE}


def _is_anothers(student: Student, here: dict[str, str]) -> bool:
    """Whether somebody else is in the class by this student's name. here: name → id."""
    return here.get(student.name.casefold(), student.id) != student.id
