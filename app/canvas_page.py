"""The canvas' Gradio page with doors of its own: what a question may hold, how many may wait, and
what is said when one fails.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from app.canvas_doors import OwnFiles
from app.canvas_files import asker, handed_over
from app.canvas_tabs.drawing import LONGEST_PICTURE
from app.canvas_tabs.files import shown
from app.doors.guard import in_one_line
from app.doors.table import QUESTIONS
from app.people.asking import person_of_request
from app.reading.questions import Shortcut
from app.reading.reading import Reading
from app.received import Received
from engine.errors import GlyphlabError
from engine.people.rights import check

if TYPE_CHECKING:
    from engine.lab import Lab

MOST_WAITING = 100  # questions in the queue
MOST_SESSIONS = 200  # whose fields are remembered; each is under a megabyte
LONGEST_TEXT = 4_096  # characters in any field but the pad
DEEPEST = 4  # lists in lists in a question
IDLE_SECONDS = 0.05  # between two looks for work; Gradio's 0.001 and 0.01 took 7% of a core, idle
log = logging.getLogger(__name__)
_asking: ContextVar[str] = ContextVar("asking")  # whose question is being answered


class CanvasPage(gr.Blocks):
    """A page whose every endpoint opens only files that were sent to it."""

    def __init__(
        self, lab: Lab, received: Received, readings: Sequence[Reading], **options: Any
    ) -> None:
        super().__init__(**options)
        self.lab, self.received, self.readings = lab, received, readings
        self.pad: gr.HTML | None = None
        self.state_session_capacity = MOST_SESSIONS
        self.queue(max_size=MOST_WAITING)

    def waiting_of(self, who: str) -> int:
        """How many questions of one person (`asker`) wait or are being answered."""
        queue = self._queue
        waiting = [
            event for own in queue.event_queue_per_concurrency_id.values() for event in own.queue
        ]
        working = [event for job in queue.active_jobs for event in job or ()]
        return sum(asker(event.request.scope) == who for event in (*waiting, *working))

    def ready(self) -> None:
        """Set what Gradio lets nobody set; when the page is complete."""
        self._queue.sleep_when_free = IDLE_SECONDS
        self._queue.progress_update_sleep_when_free = 10 * IDLE_SECONDS  # no question reports any
        self.has_launched = True  # or its own check of paths stays off in a mounted page

    async def preprocess_data(
        self, block_fn: Any, inputs: Any, state: Any, explicit_call: bool = False
    ) -> Any:
        checked = [
            self._checked(value, 0, self._longest(block))
            for value, block in zip(inputs, block_fn.inputs, strict=False)
        ]
        return await super().preprocess_data(block_fn, checked, state, explicit_call)

    async def process_api(self, block_fn: Any, inputs: Any, *args: Any, **named: Any) -> Any:
        person = _asker_of(named.get("request"))
        token = _asking.set(person)
        try:
            self._check_right(block_fn, named.get("request"))
            answer = await super().process_api(block_fn, inputs, *args, **named)
            answer["data"] = await run_in_threadpool(
                handed_over, self.received, answer["data"], person
            )
            return answer
        except gr.Error as error:
            if error.print_exception:  # Gradio's own, of a value that a field does not have
                log.warning("a question was refused: %s", in_one_line(error))
                error.print_exception = False
            raise
        except GlyphlabError as error:
            raise shown(error) from None
        except Exception as error:
            log.warning("a question failed: %s", in_one_line(error))
            sentence = "The request can't be answered. Compare it with the API's documentation."
            raise gr.Error(sentence, print_exception=False) from None
        finally:
            _asking.reset(token)

    def _check_right(self, block_fn: Any, request: Any) -> None:
        """Raise RightsError unless whoever asks may ask this. A function that no row names is for the
        owner alone.
        """
        person = person_of_request(self.lab, request)
        deed = QUESTIONS.get(block_fn.fn.__name__, "lead")
        check(person, deed, locked=self.lab.classroom.is_locked_for(person))

    def _longest(self, block: Any) -> int:
        return LONGEST_PICTURE + 1000 if isinstance(block, gr.HTML) else LONGEST_TEXT

    def _checked(self, value: Any, depth: int, longest: int) -> Any:
        """A value that was sent, with its files looked up. Raises gr.Error."""
        if depth > DEEPEST or (isinstance(value, str) and len(value) > longest):
            raise gr.Error("The request is too large.", print_exception=False)
        if isinstance(value, list):
            return [self._checked(item, depth + 1, longest) for item in value]
        if isinstance(value, dict):  # no field of the page holds one but files
            try:
                path = self.received.file(value.get("path"), _asking.get())
            except GlyphlabError as error:
                raise gr.Error(str(error), print_exception=False) from None
            return {
                "path": str(path),
                "orig_name": path.name,
                "meta": {"_type": "gradio.FileData"},
            }
        return value


def _asker_of(request: Any) -> str:
    """Who sent a question. request: Gradio's; None of a call from within."""
    inner = getattr(request, "request", None) or request
    return asker(getattr(inner, "scope", {}))


def mounted(page: CanvasPage, **look: Any) -> OwnFiles:
    """The page as an ASGI application, whose lifespan must be entered; what was sent to it is
    deleted when that is left.
    """
    from fastapi import FastAPI

    page.ready()
    app = gr.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        page,
        path="/",
        run_history=False,
        show_error=True,
        **look,
    )
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Any) -> AsyncIterator[Any]:
        try:
            async with inner(application) as state:
                yield state
        finally:
            for reading in page.readings:
                await reading.close()
            page.received.remove()

    app.router.lifespan_context = lifespan
    pad = page.pad
    assert pad is not None  # the page is complete
    return OwnFiles(Shortcut(page.lab, app, pad._id, pad.server_fns), page)
