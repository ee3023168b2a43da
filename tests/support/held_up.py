"""Tasks that wait for as long as a test likes."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from engine.files.locks import Lock
from engine.lab import Lab


@contextmanager
def held_up(lab: Lab, *sizes: int) -> Iterator[None]:
    """Within it, whoever wants the digits in one of these sizes waits, as for another process that
    decodes them.
    """
    for size in sizes:
        lab.dataset("digits", size=size)
    with ExitStack() as locks:
        for images in list((lab.home / "cache").glob("*/images.npy")):
            lock = Lock.take(images.parent.with_name(f"{images.parent.name}.lock"))
            assert lock is not None
            locks.enter_context(lock)
            shutil.rmtree(images.parent)
        yield
