"""What strangers have the server log is one line each, of bounded length and number."""

from __future__ import annotations

import io
import logging
import subprocess
import sys

from app.log_lines import AT_ONCE, LONGEST, Lines

EVIL = "x\x1b[2J\x1b]0;pwned\x07\n  the teacher: http://evil.example/?token=abc\r\u2028\u202e!"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def logger_with(clock: Clock) -> tuple[logging.Logger, io.StringIO]:
    out, logger = io.StringIO(), logging.Logger("of a library")
    logger.addHandler(logging.StreamHandler(out))
    logger.addFilter(Lines(clock))
    return logger, out


def test_a_record_is_one_line_that_a_terminal_shows_as_it_is():
    logger, out = logger_with(Clock())
    logger.warning("The fragment with id %s does not exist anymore", EVIL)
    line = out.getvalue().removesuffix("\n")
    assert line.isprintable() and "\\x1b[2J" in line and "\\u202e" in line
    logger.warning("y" * 10_000_000)
    assert len(out.getvalue()) < len(line) + LONGEST + 10


def test_a_traceback_is_beside_its_line_and_bounded():
    logger, out = logger_with(Clock())
    try:
        raise ValueError(EVIL + "z" * 1_000_000)
    except ValueError:
        logger.exception("it failed")
    first, *rest = out.getvalue().splitlines()
    assert first == "it failed" and all(line.startswith("  | ") for line in rest)
    assert any("ValueError: x\\x1b" in line for line in rest) and len(out.getvalue()) < 10_000


def test_lines_of_one_kind_come_at_a_pace_and_those_left_out_are_counted():
    clock = Clock()
    logger, out = logger_with(clock)

    def say(n: int) -> None:
        for i in range(n):
            logger.warning("the fragment %d", i)

    say(5_000)
    assert len(out.getvalue().splitlines()) == AT_ONCE
    logger.warning("another kind")
    clock.now += 1.5
    say(10)
    lines = out.getvalue().splitlines()[AT_ONCE:]
    assert lines[0] == "another kind" and len(lines) == 2
    assert lines[1].endswith(f"({5_000 - AT_ONCE:,} lines like this were left out)")


def test_a_library_whose_own_line_is_wrong_ends_nothing():
    logger, out = logger_with(Clock())
    logger.warning("%d pictures", "no number")
    assert out.getvalue() == "%d pictures\n"


def test_libraries_that_make_their_loggers_later_and_python_itself_are_bound_too():
    code = """
import logging, warnings
early = logging.getLogger("early")
from app.log_lines import bound
bound()
from streamlit.logger import get_logger
evil = "x\\x1b[2J\\n  the teacher: http://evil.example"
get_logger("streamlit.runtime.app_session").warning("%s", evil)
early.warning(evil)
logging.getLogger("uvicorn.error").warning(evil)
logging.warning(evil)
warnings.warn(evil)
import traceback
try:
    raise ValueError("y\\x1b[2J")
except ValueError:
    traceback.print_exc()
"""
    said = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stderr
    assert said.count("\\x1b[2J") == 6 and "\x1b" not in said
    assert not any(line.startswith("  the teacher") for line in said.splitlines())
