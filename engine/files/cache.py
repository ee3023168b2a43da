"""Values made from files, kept until the file is another: replaced, written to, or gone.

A file is the same as long as its inode, size and both its times are. Times tick: what is written
twice within one tick and comes out as long has one stamp for two contents. So a file that was
changed a moment before it was read is read again at the next look (git treats its index so: "racy
git", Documentation/technical/racy-git.txt).
"""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

# A kernel's clock ticks every 1 to 10 ms, that of ext3 and NFS 2 every second, FAT's every two.
TICK_NS = 2_000_000_000

_Value = TypeVar("_Value")


class Stamp(NamedTuple):
    """What tells one content of a path from another; the times are in nanoseconds."""

    inode: int
    size: int
    modified: int
    changed: int


def stamp_of(path: Path | str) -> Stamp:
    """The stamp of a file or folder. Raises OSError."""
    found = os.stat(path)
    return Stamp(found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def is_settled(stamp: Stamp, now: int | None = None, tick_ns: int = TICK_NS) -> bool:
    """Whether every later change will show in the stamp of a file that is read now."""
    now = time.time_ns() if now is None else now
    return now - max(stamp.modified, stamp.changed) > tick_ns


class FileCache(Generic[_Value]):
    """`make(path)` for files, made once for each content. At most `most` values are kept, those that
    were asked for last; `tick_ns` is how coarse the clock of the files may be. May be shared by
    threads; so may the values, which are not to be changed.
    """

    def __init__(self, make: Callable[[Path], _Value], most: int, tick_ns: int = TICK_NS) -> None:
        self._make, self._most, self._tick_ns = make, most, tick_ns
        self._kept: OrderedDict[Path, tuple[Stamp, _Value]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, path: Path) -> _Value:
        """The value of a file's present content. Raises OSError if there is no file, and whatever
        `make` raises.
        """
        stamp = stamp_of(path)
        with self._lock:
            found = self._kept.get(path)
            if found is not None and found[0] == stamp:
                self._kept.move_to_end(path)
                return found[1]
        settled = is_settled(stamp, tick_ns=self._tick_ns)
        value = self._make(path)
        with self._lock:
            self._kept.pop(path, None)
            if settled:
                self._kept[path] = (stamp, value)
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return value
