"""Jobs of a Ray cluster, by its job API over HTTP (Ray 2.x): the lab's process needs no Ray.

The address is that of the dashboard, which has no password of its own: keep it on loopback or a
private network.
"""

from __future__ import annotations

import json
import re
import secrets
import shlex
import time
import urllib.error
import urllib.request
from contextlib import suppress
from typing import Any
from urllib.parse import quote

from engine.errors import one_line
from engine.jobs.cluster.base import ClusterError, Job, JobState, Node
from engine.jobs.cluster.order import JOB
from engine.jobs.cluster.ray_nodes import GB, arguments_of

TIMEOUT_SECONDS = 5.0  # for a question; pages may be waiting for the answer
SUBMIT_SECONDS = 60.0  # Ray answers when the job's own process is up
STATES = {"PENDING": "waiting", "RUNNING": "running"}


class RayJobs:
    """See engine.jobs.cluster.base.Cluster. address: of Ray's dashboard, http://HOST:8265."""

    name = "Ray"

    def __init__(self, address: str, python: str) -> None:
        self.address, self.python = address.rstrip("/"), python

    def submit(self, job: Job) -> str:
        """See Cluster. Its id is the submission's."""
        wanted, arguments, log = job.resources, job.arguments, job.log
        if wanted.nodes > 1:
            arguments, log = arguments_of(arguments, wanted, str(log)), None
        command = shlex.join([self.python, "-P", "-m", "engine", *arguments])
        output = f" >> {shlex.quote(str(log))} 2>&1" if log else ""
        id = f"glyphlab-{job.name}-{secrets.token_hex(4)}"
        asked = {
            # exec: a stop reaches the process itself. A missing home is said in Ray's own log.
            "entrypoint": f"exec {command}{output}",
            "submission_id": id,
            "runtime_env": {"env_vars": job.environment},
            "metadata": {"name": job.name},
        }
        if wanted.nodes == 1:
            asked["runtime_env"] = {"env_vars": {**job.environment, JOB: id}}
            # Without a number of its own an entrypoint runs on the head node, whatever is free. That
            # of several nodes does so, and has Ray find them.
            asked |= {
                "entrypoint_num_cpus": wanted.cpus,
                "entrypoint_num_gpus": wanted.gpus,
                "entrypoint_memory": int(wanted.memory_gb * GB),
            }
        end = time.monotonic() + SUBMIT_SECONDS
        while True:
            try:
                return str(self._ask("/api/jobs/", asked)["submission_id"])
            except ClusterError as error:  # a head that has just begun, or has just lost a node
                if "try again later" not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(1)

    def states(self) -> dict[str, JobState]:
        out = {}
        for found in self._ask("/api/jobs/"):
            if id := found.get("submission_id"):
                status = str(found.get("status", ""))
                why = f"{status}: {_said(found.get('message') or '')}".strip(": ")
                state: Any = STATES.get(status, "ended")
                out[id] = JobState(state, why, _host(found.get("driver_agent_http_address") or ""))
        return out

    def cancel(self, id: str, at_once: bool = False) -> None:
        # Ray sends SIGTERM, and SIGKILL three seconds later. That kills a run that is saving its
        # best model; it is asked by its `stop` file first, see engine.jobs.cluster.executor.
        try:
            self._ask(f"/api/jobs/{quote(id)}/stop", {})
        except ClusterError as error:
            if "404" not in str(error):
                raise

    def last_line(self, id: str) -> str:
        with suppress(ClusterError):
            text = str(self._ask(f"/api/jobs/{quote(id)}/logs").get("logs") or "")
            return _said(text.strip().rpartition("\n")[2])
        return ""

    def nodes(self) -> list[Node]:
        """See Cluster. Ray's API does not say here how much is in use."""
        found = self._ask("/api/v0/nodes?detail=1&limit=1000")
        rows = (found.get("data") or {}).get("result", {}).get("result", [])
        out = []
        for row in rows:
            total = row.get("resources_total") or {}
            memory = total.get("memory")
            out.append(
                Node(
                    name=str(row.get("node_name") or row.get("node_ip") or row.get("node_id")),
                    state=str(row.get("state", "")).lower(),
                    alive=row.get("state") == "ALIVE",
                    cpus=float(total.get("CPU", 0)),
                    cpus_used=None,
                    gpus=float(total.get("GPU", 0)),
                    gpus_used=None,
                    memory_gb=None if memory is None else float(memory) / GB,
                )
            )
        return sorted(out, key=lambda node: (not node.alive, node.name))

    def page(self) -> str | None:
        return f"{self.address}/#/jobs"

    def _ask(self, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            self.address + path,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            seconds = TIMEOUT_SECONDS if body is None else SUBMIT_SECONDS
            with urllib.request.urlopen(request, timeout=seconds) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            text = error.read()[:300].decode(errors="replace").strip()
            raise ClusterError(
                f"the Ray cluster at {self.address} refused", got=f"{error.code} {text}"
            ) from None
        except (OSError, ValueError) as error:
            raise ClusterError(
                f"the Ray cluster at {self.address} does not answer",
                got=str(getattr(error, "reason", error)),
                hint="Start it (`ray start --head`), or set GLYPHLAB_RAY_ADDRESS to its dashboard.",
            ) from None


def _said(message: str) -> str:
    """What Ray says of a job, in one line of plain text: the colours and the log that it appends have
    no place in a run's status.
    """
    first = re.sub(r"\x1b\[[0-9;]*m", "", message.strip().partition("\n")[0])
    return one_line(first.partition(", last available logs")[0], 300)


def _host(address: str) -> str:
    """The host in 'http://HOST:PORT'."""
    return address.partition("://")[2].rpartition(":")[0]
