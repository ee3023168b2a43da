"""A power cut, without one: what a disk may hold after it, for every moment of something that is recorded.

A file's content is safe once it was fsynced, a name once its folder was; anything later may have reached the disk or
not. `Disk` notes both while the code under test runs, at each call that promises or changes something, and `states`
builds what could be found on the next morning.
"""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

CALLS = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "ftruncate")
Key = tuple[int, int]  # inode, and which of the files that had this number


@dataclass(frozen=True)
class Moment:
    """The disk after one call: `after` names it. Safe and present content by file, names by folder."""

    after: str
    safe: dict[Key, bytes]
    present: dict[Key, bytes]
    safe_names: dict[Key, dict[str, Key]]
    present_names: dict[Key, dict[str, Key]]


@dataclass
class Disk:
    """What is safe, and what is there, of a folder."""

    root: Path
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lives: dict[int, int] = {}
        self._alive: set[int] = set()
        self._read: dict[Key, tuple[tuple[int, int], bytes]] = {}
        self.folders: set[Key] = set()
        present, names = self._look()
        self.safe, self.safe_names = dict(present), dict(names)  # the power has been on for long
        self.top = self._key(os.stat(self.root).st_ino)

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Within it every call of CALLS on the folder adds a moment."""
        before = {name: getattr(os, name) for name in CALLS}
        try:
            for name in CALLS:
                setattr(os, name, self._noting(name, before[name]))
            yield
        finally:
            for name in CALLS:
                setattr(os, name, before[name])

    def _noting(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def noted(first: Any, *rest: Any, **options: Any) -> Any:
            out = call(first, *rest, **options)
            if name == "fsync":
                self._promise(first)
            self.note(f"{name} {first}")
            return out

        return noted

    def _promise(self, descriptor: int) -> None:
        about = os.fstat(descriptor)
        key = self._key(about.st_ino)
        if stat.S_ISDIR(about.st_mode):
            self.safe_names[key] = dict(self._look()[1].get(key, {}))
        else:
            self.safe[key] = Path(f"/proc/self/fd/{descriptor}").read_bytes()

    def note(self, after: str) -> None:
        present, names = self._look()
        self.moments.append(Moment(after, dict(self.safe), present, dict(self.safe_names), names))

    def _key(self, inode: int) -> Key:
        return inode, self._lives.get(inode, 0)

    def _look(self) -> tuple[dict[Key, bytes], dict[Key, dict[str, Key]]]:
        present: dict[Key, bytes] = {}
        names: dict[Key, dict[str, Key]] = {}
        seen: set[int] = set()
        for folder, folders, files in os.walk(self.root):
            inside = names[self._key(os.stat(folder).st_ino)] = {}
            self.folders.add(self._key(os.stat(folder).st_ino))
            for name in (*folders, *files):
                try:
                    about = os.lstat(Path(folder) / name)
                    key = self._key(about.st_ino)
                    if name in files:
                        present[key] = self._content(Path(folder) / name, key, about)
                except OSError:
                    continue  # another thread has just removed it
                inside[name] = key
                seen.add(about.st_ino)
        for inode in self._alive - seen:  # its number may be given to another file
            self._lives[inode] = self._lives.get(inode, 0) + 1
        self._alive = seen
        return present, names

    def _content(self, path: Path, key: Key, about: os.stat_result) -> bytes:
        stamp = about.st_mtime_ns, about.st_size
        held = self._read.get(key)
        if held is None or held[0] != stamp:
            held = self._read[key] = stamp, path.read_bytes()
        return held[1]


def states(disk: Disk, moment: Moment, seed: int) -> Iterator[tuple[str, Callable[[Path], None]]]:
    """What may be found after a power cut at a moment: what it is, and a function that writes it to a new folder."""

    def safe_names(key: Key) -> dict[str, Key]:
        return moment.safe_names.get(key, {})

    def all_names(key: Key) -> dict[str, Key]:
        return moment.present_names.get(key, safe_names(key))

    def safe(key: Key) -> bytes:
        return moment.safe.get(key, b"")

    def present(key: Key) -> bytes:
        return moment.present.get(key, safe(key))

    def half(key: Key) -> bytes:
        before, there = safe(key), present(key)
        return there[: (len(before) + len(there)) // 2] if there.startswith(before) else before

    def either(one: Callable[[Key], Any], other: Callable[[Key], Any]) -> Callable[[Key], Any]:
        return lambda key: (one if random.Random(f"{seed} {key}").random() < 0.5 else other)(key)

    for name, names, content in (
        ("nothing but what was fsynced", safe_names, safe),
        ("all names, content that was fsynced", all_names, safe),
        ("all names, half of the rest of the content", all_names, half),
        ("some of both", either(safe_names, all_names), either(safe, present)),
    ):
        yield name, partial(_build, disk, disk.top, names, content)


def _build(
    disk: Disk,
    key: Key,
    names: Callable[[Key], dict[str, Key]],
    content: Callable[[Key], bytes],
    to: Path,
) -> None:
    to.mkdir()
    for name, inner in names(key).items():
        if inner in disk.folders:
            _build(disk, inner, names, content, to / name)
        else:
            (to / name).write_bytes(content(inner))
