"""One node of several on which a run is computed together, and how nodes reach each other."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import struct
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import RunError

FOLDER = "processes"  # in the run's: where nodes meet, and how each process ended
_ADDRESS_OF = 0x8915  # SIOCGIFADDR


@dataclass(frozen=True)
class Place:
    """number: of this node, 0..N-1; the run's own process is on node 0. names: of all nodes.
    towards: an address of another node, as the cluster knows it. attempt: the same on all nodes of
    one attempt of a run, and never again.
    """

    number: int
    names: tuple[str, ...]
    towards: str
    attempt: str

    @property
    def name(self) -> str:
        return self.names[self.number]

    def written(self) -> str:
        """As an argument of a process."""
        return json.dumps(asdict(self))

    def meeting(self, run: Path) -> Path:
        """The file in a run's folder that says at which address and port the first node waits."""
        return run / FOLDER / f"meeting-{self.attempt}.json"

    def farewell(self, run: Path, number: int | None = None) -> Path:
        """The file in which a node says that nothing of the run is left on it."""
        number = self.number if number is None else number
        return run / FOLDER / f"left-{self.attempt}-{number}.json"


def read_place(text: str) -> Place | None:
    """A place as `written`; None for an empty text."""
    if not text:
        return None
    found = json.loads(text)
    return Place(**{**found, "names": tuple(found["names"])})


def at_place(job: Sequence[str], place: Place) -> list[str]:
    """The arguments of a job's process on one node of several."""
    command, folder = job
    return ["_node" if place.number else command, folder, place.written()]


def is_there(file: Path) -> bool:
    """Whether a file is in its folder. The folder is read: what a network file system remembers of a
    single name may be a minute old.
    """
    with suppress(OSError):
        return file.name in os.listdir(file.parent)
    return False


def own_address(towards: str) -> str:
    """The address of this machine that leads to another one; nothing is sent. Raises RunError."""
    try:
        family, kind, _, _, there = socket.getaddrinfo(towards, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as found:
            found.connect(there)
            return str(found.getsockname()[0])
    except OSError as error:
        raise RunError(
            f"node {socket.gethostname()} can't reach {towards}",
            got=error.strerror or str(error),
            hint="The nodes of a run need names or addresses that lead from one to the other.",
        ) from None


def interface_of(address: str) -> str | None:
    """The network interface that has an address; None if it is none's first one."""
    for _, name in socket.if_nameindex():
        with suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            asked = struct.pack("256s", name.encode())
            told = fcntl.ioctl(any_socket.fileno(), _ADDRESS_OF, asked)
            if socket.inet_ntoa(told[20:24]) == address:
                return name
    with suppress(OSError):
        wanted = socket.inet_pton(socket.AF_INET6, address).hex()
        for line in Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines():
            if line.startswith(wanted):
                return line.split()[-1]
    return None
