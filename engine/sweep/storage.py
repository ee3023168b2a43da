"""Where Optuna keeps a sweep's trials: a journal file, or a database behind a URL. No other file is
ever touched.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from engine.errors import RunError
from engine.files.atomic import failure
from engine.files.checked import parse_json
from engine.files.locks import Lock
from engine.runs.jsonl import append_row

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

OWN_JOURNAL = "journal.log"
LONGEST_ENTRY = 1_000_000  # bytes of a journal's first line; Optuna's has about 200


def open_storage(url: str) -> BaseStorage:
    """Optuna's storage for a journal file or a database URL. Raises RunError, saying why, if it
    can't be used.
    """
    import optuna

    if "://" not in url:
        path = Path(url).expanduser()
        try:
            check_journal(path)
            _mend(path)
            return optuna.storages.JournalStorage(cast(Any, _Journal(path)))
        except OSError as error:
            raise failure(error, path) from error
    try:
        return optuna.storages.RDBStorage(url)
    except (ImportError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
    except Exception as error:  # the database driver's own: not reachable, wrong password
        if not type(error).__module__.startswith(("sqlalchemy", "optuna", "alembic")):
            raise
        reason = str(error).strip().splitlines()[0]
    shown = re.sub(r"://([^:/@]+):[^@]*@", r"://\1:…@", url)  # without the password
    raise RunError(
        f"the sweep's storage {shown} can't be used",
        got=reason,
        hint="Is its driver installed beside the lab?",
    )


def check_journal(path: Path) -> None:
    """Raise RunError unless the file is a journal of Optuna's, or is not there and its folder is: a
    storage is written to and its torn end is cut off, which no other file may suffer.
    """
    hint = "Name a journal that a sweep has made, or a new file in a folder that is there."
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        if path.parent.is_dir() and not path.is_symlink():
            return
        raise RunError(f"there is no folder for the storage {path.name}", hint=hint) from None
    except (OSError, ValueError) as error:
        raise RunError("the sweep's storage can't be used", got=str(error), hint=hint) from None
    if stat.S_ISREG(mode):
        with open(path, "rb") as file:
            first = file.readline(LONGEST_ENTRY)
        try:
            entry = parse_json(first)
        except ValueError:
            entry = None
        if isinstance(entry, dict) and {"op_code", "worker_id"} <= entry.keys():
            return
        # A machine that went down as the first entry was written leaves this, and nothing to lose.
        if path.name == OWN_JOURNAL and not first.strip(b"\0"):
            return
    raise RunError(f"the storage {path.name} is no journal of a sweep", hint=hint)


class _Journal:
    """Optuna's journal of one JSON object a line, with entries that are there whole or not at all: of
    a worker that was killed or had no room while it wrote, nothing remains that the next entry would
    be glued to. Optuna's own lock outlives a killed process for half a minute; the kernel drops this
    one at once.

    A network file system may show the kernel's lock to the processes of one machine alone. A journal
    that was named to be shared is locked by Optuna's lock as well, a file that only one can make.
    """

    def __init__(self, path: Path) -> None:
        from optuna.storages.journal import JournalFileBackend

        self.path = path
        self.read_logs = JournalFileBackend(str(path)).read_logs

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Raises GlyphlabError if the disk is full."""
        with _lock(self.path), _other_machines(self.path):
            for entry in logs:
                append_row(self.path, entry, lasting=True)


@contextmanager
def _other_machines(path: Path) -> Iterator[None]:
    """Keep out the processes of other machines, where a journal may be written by some: by Optuna's
    lock, a file that one process alone can make, on NFS too, and that is taken over 30 s after the
    last word of one that was killed.
    """
    from optuna.storages.journal import JournalFileOpenLock

    if path.name == OWN_JOURNAL:
        yield
        return
    lock = JournalFileOpenLock(f"{path}.shared")
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _mend(path: Path) -> None:
    """Cut off a last line that was left unfinished when the machine went down: Optuna would refuse
    the whole journal.
    """
    if not path.exists():
        return
    with _lock(path), _other_machines(path), open(path, "r+b") as file:
        content = file.read()
        if content and not content.endswith(b"\n"):
            file.truncate(content.rfind(b"\n") + 1)


def _lock(path: Path) -> Lock:
    held = Lock.take(path.with_name(f"{path.name}.lock"), seconds=60)
    if held is None:
        raise RunError(f"{path} is locked by another process")
    return held
