"""`glyphlab` starts the lab and prints its address; `glyphlab COMMAND …` is one of the engine's."""

from __future__ import annotations

import os
import sys


def main() -> int:
    import glyphlab  # noqa: F401 - puts the lab on the import path

    if len(sys.argv) == 1:
        from app.server import serve

        return serve(os.environ)
    from engine.cli import main as command
    from engine.cli import overview
    from engine.jobs.processes import THREADS_SLEEP

    os.environ.setdefault(*THREADS_SLEEP)
    if sys.argv[1] in ("-h", "--help", "help"):
        print(f"{overview()}\n\nWithout a command, the lab is started and its address printed.")
        return 0
    return command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
