"""Which data sets somebody who does not lead may open: those that the lab lists, by their names, and
what they have drawn themselves. Whoever leads may also name a folder inside GLYPHLAB_DATA or the home.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from engine.data.hub import is_address, wanted_at
from engine.data.sources import DATASETS, is_drawings
from engine.data.uploads import is_upload
from engine.errors import GlyphlabError, RightsError, one_line
from engine.people.calls import OPENS
from engine.people.person import FOLDERS, Person
from engine.recipes.fields import DataSpec
from engine.recipes.recipe import Recipe


def may_open(person: Person, home: Path, name: str) -> bool:
    """Whether a person may open a data set, or several that are joined by '+', of the lab at `home`. Only
    names that are written exactly as the lab lists them: nothing is looked for anywhere else.
    """
    if person.leads or _is_listed(person, home, name):
        return True
    return "+" in name and all(_is_listed(person, home, one.strip()) for one in name.split("+"))


def check_listed(person: Person, home: Path, names: Iterable[str]) -> None:
    """Raise RightsError for the first name that `may_open` says no to: with the same words whether there
    is something or not.
    """
    for name in names:
        if not may_open(person, home, name):
            raise RightsError(
                f"data set '{one_line(name, 60)}' is not in the list of this lab",
                hint="Choose one on the page Data.",
            )


def opened_by(
    lab: Any, key: str, call: Callable, args: Any, named: Mapping[str, Any]
) -> Iterable[str]:
    """The names of the data sets that a call of a lab would open, a row of engine.people.calls.OPENS.
    Raises RunError for a run that is not there.
    """
    if key not in OPENS:
        return []
    given = inspect.signature(call).bind(*args, **named).arguments.get(OPENS[key])
    if OPENS[key] == "run":
        given = lab.store.run(str(given)).recipe()
    return names_of(given)


def names_of(given: Any) -> Iterator[str]:
    """The data sets of a name, a specification, a recipe, or what was made by one."""
    if isinstance(given, str | Path):
        yield str(given)
    elif isinstance(given, DataSpec):
        yield given.name
        if given.test_on:
            yield given.test_on
    elif isinstance(given, Recipe):
        yield from names_of(given.data)
    elif given is not None:  # a run that is compared, an embedding
        yield from names_of(getattr(given, "recipe", None) or given.data)


def _is_listed(person: Person, home: Path, name: str) -> bool:
    """Of one name. What others have drawn is in no list."""
    if name in DATASETS:
        return True
    if is_drawings(name):
        return bool(person.id) and name == f"drawings-{FOLDERS[person.role]}-{person.id}"
    if not is_address(name):
        return is_upload(home, name)
    try:
        return is_upload(home, wanted_at(name).name)
    except GlyphlabError:  # no address after all
        return False
