"""What a run or a task needs beside its own folder, for a node that does not see the lab's home: its
data sets, the decisions about their labels, and the models that it starts from or asks.

    inputs/<digest of the content>    in the store, sent once and never changed; a folder is one tar

The job lays them out in a home of its own as they lie in the lab's, so that it finds them by the same
names; of a folder of GLYPHLAB_DATA what is needed lies in data/<its number>/.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from engine.data.sources import find, names_in
from engine.errors import DataError, RunError
from engine.files.locks import Lock
from engine.files.remote import Remote
from engine.labels.journal import Journal
from engine.store.lineage import starting_model

if TYPE_CHECKING:
    from engine.data.found import Found
    from engine.recipes.recipe import Recipe
    from engine.store.store import Store

INPUTS = "inputs"
MANIFEST = "inputs.json"
Needed = list[tuple[str, Path]]  # where a file or folder lies in the job's home, and here


class Input(NamedTuple):
    """name: where it lies in the job's home; key: in the store; folder: whether it is a tar of one."""

    name: str
    key: str
    folder: bool


def needed(store: Store, recipe: Recipe) -> Needed:
    """What the job of a recipe needs. What it can make or download by itself is not among it.
    Raises DataError, CheckpointError for what can't be sent.
    """
    out: Needed = []
    for name in (recipe.data.name, recipe.data.test_on):
        out += data_files(store, name, recipe.data.labels == "mended") if name else []
    if recipe.init_from:
        out += model_files(store, starting_model(store, recipe.init_from, recipe.scale))
    return list(dict.fromkeys(out))


def data_files(store: Store, name: str, mended: bool = True) -> Iterator[tuple[str, Path]]:
    """The files of a data set, or of those that are pooled in it, and if `mended` what was decided
    about their labels. Raises DataError.
    """
    for one in names_in(name):
        found = find(one, store.settings.data, store.home)
        if found is not None and found.path is not None:
            yield from _files_of(store, one, found)
        journal = Journal(store.home, one).path
        if mended and journal.exists():
            yield _name_in(store, journal, one), journal


def _files_of(store: Store, name: str, found: Found) -> Iterator[tuple[str, Path]]:
    assert found.path is not None
    paths = [path for pair in found.pairs for path in pair.files] or [found.path]
    if (store.home / "uploads") in found.path.parents:  # how a person has chosen to read it
        paths += [path for path in (store.home / "uploads").glob(f"{name}.*") if path.is_file()]
    for path in dict.fromkeys(paths):
        yield _name_in(store, path, name), path


def _name_in(store: Store, path: Path, data: str) -> str:
    """Where a file of the lab lies in a job's home. Raises DataError if a job could not find it."""
    if Path(data).is_absolute():
        raise DataError(
            f"a job can't be sent the data set {data}",
            expected="one that is named, not a path of this machine",
            hint="Give it to the lab on the Data page, or name it inside a folder of GLYPHLAB_DATA.",
        )
    for root, prefix in [
        (store.home, ""),
        *((folder, f"data/{n}/") for n, folder in enumerate(store.settings.data)),
    ]:
        if Path(path).absolute().is_relative_to(Path(root).absolute()):
            return prefix + Path(path).absolute().relative_to(Path(root).absolute()).as_posix()
    raise DataError(
        f"a job can't be sent data set '{data}', which lies at {path}",
        hint="Copy it into the lab, or start the lab with GLYPHLAB_DATA naming its folder.",
    )


def model_files(store: Store, folder: Path) -> Iterator[tuple[str, Path]]:
    """What finds the model in `folder` again by its name. Raises RunError if it lies outside the lab."""
    if folder.is_relative_to(store.checkpoints):
        return  # part of the program, on the nodes as well
    if not folder.is_relative_to(store.home):
        raise RunError(
            f"a job can't be sent the model {folder}", hint="Start from a run or model of the lab."
        )
    paths = [folder]
    if folder.name == "best":  # of a run: found by what its status says
        paths += [folder.with_name("recipe.yaml"), folder.with_name("status.json")]
    paths += [store.home / "recipes"] if (store.home / "recipes").is_dir() else []
    for path in paths:
        yield path.relative_to(store.home).as_posix(), path


def send(remote: Remote, wanted: Sequence[tuple[str, Path]]) -> list[Input]:
    """Put what is needed into the store, as far as it is not there. Raises RemoteError."""
    out = []
    for name, path in wanted:
        found = Input(name, f"{INPUTS}/{_digest(path)}", path.is_dir())
        if not remote.has(found.key):
            if found.folder:
                with tempfile.TemporaryDirectory() as place:
                    packed = Path(place) / "packed.tar"
                    _pack(path, packed)
                    remote.send(packed, found.key)
            else:
                remote.send(path, found.key)
        out.append(found)
    return out


def fetch(remote: Remote, inputs: Sequence[Input], home: Path, kept: Path) -> None:
    """Lay a job's inputs out in its home; what was fetched before is among those `kept` on this
    node. Raises RemoteError, RunError if one is not in the store any more.
    """
    kept.mkdir(parents=True, exist_ok=True)
    for each in inputs:
        if ".." in Path(each.name).parts or Path(each.name).is_absolute():
            raise RunError(
                "what the store says this job needs lies outside its home", got=each.name
            )
        file = kept / each.key.rpartition("/")[2]
        with Lock.take(file.with_suffix(".lock"), seconds=3_600) or _busy(file):
            if not file.exists() and not remote.fetch(each.key, file):
                raise RunError(f"{each.name} is not in the store any more", hint="Start it again.")
        place = home / each.name
        place.parent.mkdir(parents=True, exist_ok=True)
        if each.folder:
            _unpack(file, place)
        else:
            try:
                os.link(file, place)  # both are on this node's disk, and nobody writes into them
            except OSError:
                shutil.copyfile(file, place)


def _pack(folder: Path, file: Path) -> None:
    """A folder as a tar, with the times of its files to the nanosecond: names are made of some."""

    def exact(member: tarfile.TarInfo) -> tarfile.TarInfo:
        nanoseconds = os.stat(folder / member.name).st_mtime_ns
        exactly = f"{nanoseconds // 10**9}.{nanoseconds % 10**9:09d}"
        member.pax_headers = {**member.pax_headers, "mtime": exactly}
        return member

    with tarfile.open(file, "w", format=tarfile.PAX_FORMAT) as archive:
        archive.add(folder, ".", filter=exact)


def _unpack(file: Path, folder: Path) -> None:
    with tarfile.open(file) as archive:
        archive.extractall(folder, filter="data")
        for member in archive:
            seconds, _, rest = member.pax_headers.get("mtime", "").partition(".")
            if member.isfile() and seconds:
                then = int(seconds) * 10**9 + int(rest[:9].ljust(9, "0"))
                os.utime(folder / member.name, ns=(then, then))


def _busy(file: Path) -> Lock:
    raise RunError(f"another job of this node is still fetching {file.name}", hint="Resume it.")


def _digest(path: Path) -> str:
    """Of a file its content's; of a folder that of what its files are called, their sizes and times."""
    if path.is_dir():
        digest = hashlib.sha256()
        for file in sorted(path.rglob("*")):
            found = file.stat()
            line = f"{file.relative_to(path)}\0{found.st_size}\0{found.st_mtime_ns}\n"
            digest.update(line.encode() if file.is_file() else b"")
        return digest.hexdigest()[:40]
    with open(path, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()[:40]
