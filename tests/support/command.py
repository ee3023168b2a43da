"""`python -m engine COMMAND` without most of its start: a helper process has imported the libraries
that commands need, and forks for each command. That is a process of its own as if it had been
started: with its arguments, environment, folder, standard streams, signals and exit status. The
lab's own modules it imports by itself, so that one which only another command imports is missed.

    test ── JSON and the streams' descriptors ─▶ helper ── fork ─▶ command
         ◀─ exit status, when it has ended ─────
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import runpy
import socket
import subprocess
import sys
import threading
import traceback
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryFile
from typing import NoReturn

ROOT = Path(__file__).parents[2]
LIBRARIES = ("numpy", "PIL.PngImagePlugin", "pydantic", "yaml", "safetensors.torch")
COMPILER = "torch._dynamo"  # torch loads it with the first optimiser
LONGEST = 1 << 16  # bytes of a message: arguments and environment


def engine(*arguments: object, environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """What `python -m engine ARGUMENTS` writes, and its exit status, in this environment and in the
    project's folder.
    """
    command = [*map(str, arguments)]
    with TemporaryFile() as out, TemporaryFile() as error:
        line = _helper()
        message = json.dumps({"arguments": command, "environ": dict(environ)}).encode()
        assert len(message) < LONGEST
        socket.send_fds(line, [message], [out.fileno(), error.fileno()])
        status = int(line.recv(LONGEST))
        out.seek(0)
        error.seek(0)
        return subprocess.CompletedProcess(
            command, status, out.read().decode(), error.read().decode()
        )


@cache
def _helper() -> socket.socket:
    """The line to the helper of this process. It ends when the line does."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    process = subprocess.Popen(
        [sys.executable, __file__, str(its.fileno())],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # read when the libraries are loaded
        pass_fds=[its.fileno()],
    )
    its.close()
    atexit.register(process.wait)
    atexit.register(ours.close)  # this first: the last that is registered
    return ours


def _serve(line: socket.socket) -> None:
    """Fork for each message, one at a time, until nobody is there to send any."""
    for library in (*LIBRARIES, COMPILER):
        import_module(library)
    gc.freeze()  # a collection would copy every page of what the processes share
    assert len(os.listdir("/proc/self/task")) == 1, "a forked process would lack the other threads"
    while True:
        message, streams, *_ = socket.recv_fds(line, LONGEST, 2)
        if not message:
            return
        child = os.fork()
        if not child:
            line.close()
            _become(streams, **json.loads(message))
        for stream in streams:
            os.close(stream)
        _, status = os.waitpid(child, 0)
        line.send(str(os.waitstatus_to_exitcode(status)).encode())


def _become(streams: list[int], arguments: list[str], environ: dict[str, str]) -> NoReturn:
    """Be `python -m engine ARGUMENTS` from here to the end of the process, which does not take the
    libraries apart: that would take longer than most commands.
    """
    for number, stream in enumerate(streams, start=1):
        os.dup2(stream, number)
        os.close(stream)
    os.environ.clear()
    os.environ.update(environ)
    sys.argv = ["engine", *arguments]
    sys.path[0] = str(ROOT)
    status: object = 0
    try:
        runpy.run_module("engine", run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code
    except BaseException:
        traceback.print_exc()
        status = 1
    threading._shutdown()  # what the interpreter does at its end, before it takes itself apart
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
