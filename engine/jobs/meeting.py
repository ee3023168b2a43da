"""Where the torchrun agents of several nodes meet: at a TCPStore of the first one's, whose port the
file of `Place.meeting` tells. It listens on the one address that leads to the other nodes. Whoever
reaches that address can take part: torch has no password for it.
"""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path

from torch.distributed import (
    PrefixStore,  # pyright: ignore[reportPrivateImportUsage]
    Store,  # pyright: ignore[reportPrivateImportUsage]
    TCPStore,  # pyright: ignore[reportPrivateImportUsage]
)
from torch.distributed.elastic.rendezvous import (
    RendezvousHandler,
    RendezvousInfo,
    RendezvousParameters,
    RendezvousStoreInfo,
    rendezvous_handler_registry,
)

from engine.files.atomic import read_json, write_json
from engine.jobs.place import Place, own_address

BACKEND = "glyphlab"
COME = timedelta(minutes=15)  # for the slowest node to start Python and torch
ANSWER = timedelta(seconds=60)  # from then on: a first node that says nothing for so long is lost


class Meeting(RendezvousHandler):
    """See torch's RendezvousHandler. Raises DistError where the others do not come or the first one
    is gone; that ends the agent and the processes that it started.
    """

    def __init__(self, run: Path, place: Place) -> None:
        self.run, self.place = run, place
        self.store: Store | None = None

    def get_backend(self) -> str:
        return BACKEND

    @property
    def use_agent_store(self) -> bool:
        return True  # the processes that train meet in it, too: one port for all

    def next_rendezvous(self) -> RendezvousInfo:
        """Open the store on the first node, reach it from the others, and wait for all. Raises
        DistError if one does not come.
        """
        number, count = self.place.number, len(self.place.names)
        if number == 0:
            address, port, store = _opened(self.place)
            found = {"address": address, "port": port}
            write_json(self.place.meeting(self.run), found)
        else:
            told = read_json(self.place.meeting(self.run)) or {}
            address, port = str(told["address"]), int(told["port"])
            store = TCPStore(address, port, None, False, COME, False)
        agents = PrefixStore("agents", store)
        agents.set(f"here-{number}", "")
        agents.wait([f"here-{each}" for each in range(count)])
        store.set_timeout(ANSWER)
        self.store = agents
        return RendezvousInfo(agents, number, count, RendezvousStoreInfo(address, port))

    def num_nodes_waiting(self) -> int:
        """None ever. Asked ten times a second: raises when the first node's agent is gone."""
        if self.store:
            self.store.check(["here-0"])
        return 0

    def is_closed(self) -> bool:
        return False

    def set_closed(self) -> None: ...

    def get_run_id(self) -> str:
        return self.place.attempt

    def shutdown(self) -> bool:
        return True


def _opened(place: Place) -> tuple[str, int, TCPStore]:
    """Address, port and store of the first node. torch itself would listen on every address."""
    address = own_address(place.towards)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    listener = socket.socket(family)
    listener.bind((address, 0))
    listener.listen(1024)
    port = listener.getsockname()[1]
    store = TCPStore(
        address, port, None, True, COME, False, master_listen_fd=listener.detach()
    )  # the descriptor is the store's from here on
    return address, port, store


def arrange(run: Path, place: Place) -> list[str]:
    """Make the meeting known to torchrun; returns what to tell it."""

    def made(_: RendezvousParameters) -> RendezvousHandler:
        return Meeting(run, place)

    rendezvous_handler_registry.register(BACKEND, made)
    return [
        f"--nnodes={len(place.names)}",
        f"--rdzv-backend={BACKEND}",
        f"--rdzv-id={place.attempt}",
    ]
