"""What the page of an image fetches by itself: its picture, in all its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.people.asking import in_route
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.lab import Lab

KEEP = {"Cache-Control": "private, max-age=60"}  # a data set of the same name may be another one


def routes(lab: Lab) -> list[Route]:
    """The route to mount at /space: original?data=…&sample=…."""

    async def original(request: Request) -> Response:
        asked = request.query_params.get("data", ""), request.query_params.get("sample", "")
        try:
            samples = in_route(lab, request).samples
            content, kind = await run_in_threadpool(samples.original, *asked)
        except (GlyphlabError, OSError, ValueError):
            # Whoever asks knows only names: what went wrong with which file is not told.
            return PlainTextResponse("There is no such image here.", 404)
        return Response(content, media_type=kind, headers=KEEP)

    return [Route("/original", original)]
