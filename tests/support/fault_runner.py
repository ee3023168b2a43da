"""The process that deeds fail in: everything is loaded once, then each fault hits a fork of it.

    python fault_runner.py faulty.so      with faulty.so in LD_PRELOAD

reads a request a line, {"deed", "home", "action", "at", "go_on"}, and answers in a line, {"outcome", "count"}:
outcome is 'done', 'refused: …' (the lab's own words), 'broke: …' (a traceback) or 'killed'. `go_on`: not the
deed itself but what a person does after a fault.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

from deeds import DEEDS
from made_lab import furnish, lab_at

from engine.errors import GlyphlabError

ACTIONS = {"nothing": 0, "kill": 1, "full": 2}


def main(library: str) -> None:
    import torch

    torch.set_num_threads(1)
    disk = ctypes.CDLL(library)
    disk.fault_count.restype = ctypes.c_long
    answers = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as scratch:
        furnish(Path(scratch) / "home")
        for deed in DEEDS.values():  # loads what a deed needs, and is done before the first fork
            deed.do(lab_at(Path(scratch) / "home"))
            deed.seen(lab_at(Path(scratch) / "home"))
        shutil.rmtree(scratch, ignore_errors=True)
    print(json.dumps({"outcome": "ready"}), file=answers)
    for line in sys.stdin:
        print(json.dumps(_in_a_fork(disk, **json.loads(line))), file=answers)


def _in_a_fork(
    disk: ctypes.CDLL, deed: str, home: str, action: str, at: int, go_on: bool
) -> dict[str, object]:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        outcome = "done"
        try:
            lab = lab_at(Path(home))
            disk.fault_arm(home.encode(), ACTIONS[action], ctypes.c_long(at))
            (DEEDS[deed].go_on if go_on else DEEDS[deed].do)(lab)
        except GlyphlabError as error:
            outcome = f"refused: {error}"
        except BaseException:
            outcome = f"broke: {traceback.format_exc()}"
        count = disk.fault_count()
        os.write(writing, json.dumps({"outcome": outcome, "count": count}).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return json.loads(answer) if answer else {"outcome": "killed", "count": at}


if __name__ == "__main__":
    main(sys.argv[1])
