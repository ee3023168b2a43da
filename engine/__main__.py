"""`python -m engine COMMAND`. Names with an underscore are the processes that the lab starts by
itself.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from engine.jobs.processes import THREADS_SLEEP
from engine.priority import give_way

NICE_TASK, NICE_RUN, NICE_MIRROR = (
    5,
    10,
    15,
)  # who is drawing goes first, then who waits for a task, then training


def _work(folder: str, ticket: str, descriptor: str) -> None:
    from engine.files.locks import Lock
    from engine.jobs.worker import work_on_run
    from engine.runs.run import Run
    from engine.settings import read_settings
    from engine.store.store import Store

    give_way(NICE_RUN)
    lock = Lock.adopt(Path(folder) / "lock", int(descriptor))
    settings = read_settings(os.environ)
    work_on_run(Store(settings.home, settings), Run(Path(folder)), lock, Path(ticket))


def _task(folder: str, descriptor: str) -> None:
    from engine.files.locks import Lock
    from engine.jobs.launcher import Launcher
    from engine.jobs.task_worker import work_on_task
    from engine.services.background import TASKS
    from engine.settings import read_settings
    from engine.store.store import Store

    give_way(NICE_TASK)
    lock = Lock.adopt(Path(folder) / "lock", int(descriptor))
    settings = read_settings(os.environ)
    work_on_task(Launcher(Store(settings.home, settings)), Path(folder), lock, TASKS)


def _job(folder: str, place: str = "") -> None:
    from engine.jobs.cluster.order import JOB
    from engine.jobs.cluster.work import work_on_job
    from engine.jobs.place import read_place
    from engine.services.background import TASKS
    from engine.settings import read_settings

    # It gives way to nobody: a cluster has given it cores of its own.
    job = os.environ.get(JOB, "")
    work_on_job(Path(folder), read_settings(os.environ), TASKS, read_place(place), job)


def _node(folder: str, place: str) -> None:
    from engine.jobs.cluster.joining import join
    from engine.jobs.place import read_place
    from engine.settings import read_settings

    if found := read_place(place):
        join(Path(folder), read_settings(os.environ), found)


def _spread(resources: str, log: str, *job: str) -> None:
    from engine.jobs.cluster.ray_nodes import spread

    sys.exit(spread(resources, log, job))


def _tied(process: str, *arguments: str) -> None:
    from engine.jobs.rank import end_with_input

    end_with_input(0)
    PROCESSES[process](*arguments)


def _ranks(folder: str, count: str, place: str = "") -> None:
    from engine.jobs.place import read_place
    from engine.jobs.rank import lead

    give_way(0)
    lead(Path(folder), int(count), read_place(place))


def _rank(folder: str, meeting: str) -> None:
    from engine.jobs.rank import work

    give_way(0)
    work(Path(folder), meeting)


def _stored(place: str, attempt: str) -> None:
    from engine.jobs.cluster.stored_job import work_on_stored
    from engine.services.background import TASKS
    from engine.settings import read_settings

    work_on_stored(place, attempt, read_settings(os.environ), TASKS)


def _probe(folder: str) -> None:
    from engine.jobs.cluster.probe import answer, answer_in_store
    from engine.settings import read_settings

    settings = read_settings(os.environ)
    if settings.store:
        answer_in_store(settings.store, Path(folder).name)
    else:
        answer(Path(folder))


def _mirror(folder: str, tracker: str) -> None:
    from engine.jobs.mirror import main
    from engine.settings import read_settings

    give_way(NICE_MIRROR)
    main(folder, tracker, read_settings(os.environ))


PROCESSES = {
    "_work": _work,
    "_task": _task,
    "_mirror": _mirror,
    "_job": _job,
    "_node": _node,
    "_spread": _spread,
    "_tied": _tied,
    "_ranks": _ranks,
    "_rank": _rank,
    "_stored": _stored,
    "_probe": _probe,
}

if __name__ == "__main__":
    os.environ.setdefault(*THREADS_SLEEP)
    if sys.argv[1:2] and sys.argv[1] in PROCESSES:
        PROCESSES[sys.argv[1]](*sys.argv[2:])
    else:
        from engine.cli import main

        sys.exit(main(sys.argv[1:]))
