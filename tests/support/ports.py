"""Ports of this machine for the servers that tests start."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below those that systems lend to connections (Linux from 32768, others from 49152): one of these is
# still free when its server begins, or begins again.
PORTS = range(20_000, 32_000)

_held: list[int] = []  # descriptors of locked files: until this process ends


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens, for this process of tests alone as long as it lives."""
    folder = Path(tempfile.gettempdir()) / f"ports-of-tests-{os.getuid()}"
    folder.mkdir(exist_ok=True)
    for port in random.SystemRandom().sample(PORTS, len(PORTS)):
        held = os.open(folder / str(port), os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", port))
        except OSError:
            os.close(held)
            continue
        _held.append(held)
        return port
    raise AssertionError("no port is free")
