"""The command line: `python -m engine COMMAND …`, the same engine without a browser.

A command is a module with `HELP` (one line), `arguments(parser)`, `run(lab, args, progress) ->
document` and `show(document) -> str`. With `--json` the document is printed, alone, on stdout;
progress and messages go to stderr. Exit status: 0 success, 1 the work failed, 2 a mistake that the
person can mend, 130 interrupted.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from types import ModuleType
from typing import Any, NoReturn

from engine import __version__
from engine.errors import GlyphlabError, readable, unknown
from engine.settings import COMMAND

COMMANDS: dict[str, str] = {
    "datasets": "engine.cli.datasets",
    "recipes": "engine.cli.recipes",
    "models": "engine.cli.models",
    "runs": "engine.cli.runs",
    "damaged": "engine.cli.damaged",
    "settings": "engine.cli.settings",
    "train": "engine.cli.train",
    "again": "engine.cli.again",
    "submit": "engine.cli.submit",
    "stop": "engine.cli.stop",
    "resume": "engine.cli.resume",
    "delete": "engine.cli.delete",
    "trash": "engine.cli.trash",
    "cluster": "engine.cli.cluster",
    "evaluate": "engine.cli.evaluate",
    "predict": "engine.cli.predict",
    "export": "engine.cli.export",
    "export-data": "engine.cli.export_data",
    "push": "engine.cli.push",
    "pull": "engine.cli.pull",
    "noise": "engine.cli.noise",
    "labels": "engine.cli.labels",
    "embed": "engine.cli.embed",
    "neighbours": "engine.cli.neighbours",
    "project": "engine.cli.project",
    "sweep": "engine.cli.sweep",
    "study": "engine.cli.study",
    "compare": "engine.cli.compare",
}
# What a command is called by other programs, where its letters are not near ours.
MEANT: dict[str, str] = {
    "doctor": "damaged",
    "check": "damaged",
    "fit": "train",
    "start": "submit",
    "test": "evaluate",
    "classify": "predict",
    "infer": "predict",
    "list": "runs",
    "ls": "runs",
    "rm": "delete",
    "remove": "delete",
    "undelete": "trash",
    "restore": "trash",
    "config": "settings",
    "download": "datasets",
    "clean": "noise",
    "tune": "sweep",
    "umap": "project",
}


class Ended(Exception):
    """The work was done but did not succeed: the document is printed all the same, and `status` is
    the exit status.
    """

    def __init__(self, document: Any, status: int, message: str) -> None:
        super().__init__(message)
        self.document, self.status = document, status


class _Usage(GlyphlabError):
    pass


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Usage(f"{self.prog}: {message}", hint=f"`{self.prog} --help` says more.")


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status. No mistake of a person shows a traceback."""
    try:
        return _command(list(arguments))
    except GlyphlabError as error:
        return _complain(str(error), 2)
    except KeyboardInterrupt:
        return _complain("interrupted", 130)
    except BrokenPipeError:
        with suppress(OSError):  # whoever read our output has gone, as `head` does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        return _complain(what, 2)
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return _complain(f"{text} (this is a bug{_keep_traceback()})", 1)


def overview() -> str:
    """What `--help` prints: every command with its line."""
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {load(name).HELP}" for name in COMMANDS]
    return "\n".join(
        [
            f"Glyphlab {__version__}: train, compare and explain models that read handwriting.",
            "",
            f"usage: {COMMAND} COMMAND … [--json]",
            "",
            *lines,
            "",
            (
                f"`{COMMAND} COMMAND --help` explains one. `{COMMAND} settings` lists the environment"
                " variables."
            ),
        ]
    )


def load(name: str) -> ModuleType:
    """A command's module. Raises GlyphlabError, with the nearest name, if there is none."""
    if name not in COMMANDS:
        raise GlyphlabError(unknown("command", name, COMMANDS, MEANT.get(name)))
    return importlib.import_module(COMMANDS[name])


def parser_of(name: str) -> argparse.ArgumentParser:
    """The parser of a command, `--json` included."""
    module = load(name)
    help = module.HELP[0].upper() + module.HELP[1:] + "."
    parser = _Parser(
        prog=f"{COMMAND} {name}",
        description=help,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    module.arguments(parser)
    parser.add_argument(
        "--json", action="store_true", help="print one JSON document on stdout and nothing else"
    )
    return parser


def _command(arguments: list[str]) -> int:
    name = arguments[0] if arguments else "--help"
    if name in ("-h", "--help", "help"):
        print(overview())
        return 0
    if name == "--version":
        print(__version__)
        return 0
    module, parser = load(name), parser_of(name)
    try:
        args = parser.parse_args(arguments[1:])
    except SystemExit as help_was_shown:
        return int(help_was_shown.code or 0)

    from engine.files.atomic import plain
    from engine.lab import Lab
    from engine.progress import bar

    status, message = 0, ""
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", errors="replace") as out:
        if args.json:
            os.dup2(
                sys.stderr.fileno(), sys.stdout.fileno()
            )  # whatever a library prints is no part of the document
        try:
            document = module.run(Lab.open(os.environ), args, bar(sys.stderr))
        except Ended as ended:
            document, status, message = ended.document, ended.status, str(ended)
        if args.json:
            out.write(json.dumps(plain(document), ensure_ascii=False) + "\n")
        elif text := module.show(document):
            out.write(readable(text) + "\n")
    return _complain(message, status) if message else status


def _complain(text: str, status: int) -> int:
    with suppress(OSError):
        sys.stderr.write(readable(" ".join(text.split())) + "\n")
        sys.stderr.flush()
    return status


def _keep_traceback() -> str:
    from engine.settings import read_settings

    with suppress(GlyphlabError, OSError):
        home = read_settings(os.environ).home
        home.mkdir(parents=True, exist_ok=True)
        (home / "crash.txt").write_text(traceback.format_exc(), encoding="utf-8")
        return f"; its traceback is in {home / 'crash.txt'}"
    return ""
