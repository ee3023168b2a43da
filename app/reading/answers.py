"""What the process that reads answers: one question, or all that came while it computed, of which the
drawings go through their models together.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from app.canvas_tabs.drawn import predict_together
from app.canvas_tabs.pictures import Pictures
from app.canvas_tabs.reader import Reader
from app.canvas_tabs.tables import symbols_table
from app.canvas_tabs.views import Look, Views, in_words
from app.people.asking import asked_by
from app.reading.frames import ANSWER, FAILURE, LONGEST, MISTAKE, Frame, framed
from engine.errors import GlyphlabError
from engine.imaging.images import TOO_MUCH
from engine.people.person import Person

if TYPE_CHECKING:
    from engine.lab import Lab


TOO_LONG = "the answer is too long to be sent"


class Asked(NamedTuple):
    """A question: its number, name and arguments, and who asks."""

    number: int
    name: str
    data: Any
    person: Person


class Answers:
    """Answers for one lab, as whoever asks has it. For one thread."""

    def __init__(self, lab: Lab) -> None:
        self._reader = Reader(lab)
        self._views = Views(self._reader)
        pictures = Pictures(self._reader)
        look, why, *_ = self._views.functions()
        # name → what answers it alone
        self._alone: dict[str, Callable[[Any], Any]] = {
            "look": look,
            "why": why,
            "warm": lambda data: self._reader.warm(),
            "symbols": lambda data: symbols_table(self._reader, *data),
            "take_in": lambda data: self._reader.lab.taught.take_in(Path(data[0])),
            "picture": lambda data: pictures.picture(*data),
            "probabilities": lambda data: pictures.probabilities(*data),
            "batch": lambda data: pictures.batch(*data),
            "lines": lambda data: pictures.lines(*data),
            "drawn_lines": lambda data: pictures.drawn_lines(*data),
        }

    def of(
        self, frames: Sequence[Frame], begin: Callable[[int], object] = lambda number: None
    ) -> Iterator[bytes]:
        """The framed answers to framed questions, each as soon as it is there. begin: told the number of
        a question before anything is computed for it, so that one that ends this process is known.
        """
        asked = [_asked(frame) for frame in frames]
        looks = [one for one in asked if one.name == "look"]
        read = self._read_together(looks, begin) if len(looks) > 1 else {}
        for one in asked:
            begin(one.number)
            look = read.get(one.number)
            yield self._answer(
                one,
                self._alone[one.name] if look is None else lambda _, look=look: self._seen(look),
            )

    def _read_together(
        self, asked: Sequence[Asked], begin: Callable[[int], object]
    ) -> dict[int, Look]:
        """The drawings that can be read, predicted, by the question's number. What can't be read is
        answered alone, in words.
        """
        read: dict[int, Look] = {}
        for one in asked:
            begin(one.number)
            with asked_by(one.person):
                try:
                    read[one.number] = self._views.read(one.data)
                except Exception:  # noqa: BLE001, S112 - see above
                    continue
        predict_together((model, look.drawn) for look in read.values() for model in look.needed)
        return read

    def _seen(self, look: Look) -> dict[str, Any]:
        try:
            return self._views.answer(look)
        except GlyphlabError as error:
            return in_words(error)

    def _answer(self, one: Asked, function: Callable[[Any], Any]) -> bytes:
        with asked_by(one.person):
            try:
                answer = framed(one.number, ANSWER, function(one.data))
                return answer if len(answer) < LONGEST else framed(one.number, MISTAKE, TOO_LONG)
            except GlyphlabError as error:
                return framed(one.number, MISTAKE, str(error))
            except MemoryError:
                return framed(one.number, MISTAKE, TOO_MUCH.format("this"))
            except Exception as error:  # noqa: BLE001 - a mistake of ours costs one answer
                trace = traceback.extract_tb(error.__traceback__)[-1]
                words = " ".join(f"{type(error).__name__}: {error}".split())[:200]
                return framed(
                    one.number, FAILURE, f"{words} ({Path(trace.filename).name}:{trace.lineno})"
                )


def _asked(frame: Frame) -> Asked:
    content = frame.content
    return Asked(frame.number, content["name"], content["data"], Person(*content["person"]))
