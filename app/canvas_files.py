"""Files on their way to and from the canvas: each is kept for whoever sent it or was given it, under a
name that says nothing of where it lies.

Gradio's own upload answers with the server's paths, has one folder for all, and leaves what it has begun
when the disk is full; its parser is used here, in a folder of the person's own.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import Scope

from app.doors.limits import whose
from app.received import Received
from engine.errors import GlyphlabError
from engine.files.atomic import is_full

if TYPE_CHECKING:
    from engine.people.person import Person

FILE = "/gradio_api/file="
UPLOAD = "/gradio_api/upload"
LONGEST_NAME = 100  # characters of a file's name, counted from its end
_ODD = re.compile(r"[^\w.,() -]")
LONGEST_ID = 64  # characters of the id by which a page asks how far its upload has come
log = logging.getLogger(__name__)


def asker(scope: Mapping[str, Any]) -> str:
    """Who asks, as a text: the id of whoever came in; of whoever leads the lab, or is alone with it,
    the role; of a program without an id, its address.
    """
    person: Person | None = scope.get("glyphlab.person")
    if person is None:
        return "the owner"
    if person.id or person.leads:
        return person.id or person.role
    return f"at {whose((scope.get('client') or ('', 0))[0])}"


def served(received: Received, scope: Scope, path: str) -> Scope | Response:
    """A request for a file, as Gradio is asked it: with the place of the file of that name; or the
    refusal, where whoever asks has none.
    """
    try:
        found = received.file(path.removeprefix(FILE).removeprefix("/"), asker(scope))
    except GlyphlabError as error:
        return PlainTextResponse(f"{error}\n", 403)
    return {**scope, "path": f"{scope.get('root_path', '')}{FILE}{found}"}


async def take(received: Received, request: Request, kept: set[str]) -> Response:
    """Keep what a form holds; answers with the names of its files. kept: takes their paths, for Gradio to
    delete them after a day. What fails leaves nothing.
    """
    from gradio.route_utils import GradioMultiPartParser
    from gradio.routes import file_upload_statuses as progress

    length = request.headers.get("content-length")
    id = request.query_params.get("upload_id", "")[:LONGEST_ID]
    place: Path | None = None
    parser: Any = None
    try:
        place = await run_in_threadpool(
            received.place, asker(request.scope), int(length) if length else None
        )
        parser = GradioMultiPartParser(
            request.headers,
            request.stream(),
            upload_dir=place,
            max_file_size=received.most_bytes,
            upload_id=id or None,
            upload_progress=progress if id else None,
        )
        form = await parser.parse()
        paths = [_put(place, n, file) for n, file in enumerate(form.getlist("files"))]
        kept.update(map(str, paths))
        return JSONResponse([received.name(path) for path in paths])
    except BaseException as error:
        if place is not None:
            await run_in_threadpool(shutil.rmtree, place, ignore_errors=True)
        if id:
            progress.set_done(id)
        if isinstance(error, MultiPartException):
            too_large = "maximum allowed size" in error.message
            return PlainTextResponse(f"{error.message}\n", 413 if too_large else 400)
        if isinstance(error, HTTPException):
            return PlainTextResponse(f"{error.detail}\n", error.status_code)
        if isinstance(error, TypeError | AttributeError):  # Gradio's parser of a form without files
            return PlainTextResponse("This form holds something else than files.\n", 400)
        if isinstance(error, OSError) and is_full(error):
            words = "There is no room left on the lab's disk for this file. Tell the lab's owner."
            return PlainTextResponse(f"{words}\n", 507)
        raise
    finally:
        for file in parser._files_to_close_on_error if parser else ():
            file.close()


def _put(place: Path, number: int, file: Any) -> Path:
    """Give a file of a form its name, in a folder of its own as two may have the same."""
    name = _ODD.sub("", Path(file.filename or "").name)[-LONGEST_NAME:].strip(". ") or "file"
    path = place / str(number) / name
    path.parent.mkdir()
    file.file.close()
    return Path(file.file.name).rename(path)


def handed_over(received: Received, value: Any, person: str) -> Any:
    """An answer of Gradio's, with the files in it kept for this person and named as theirs."""
    if isinstance(value, list):
        return [handed_over(received, item, person) for item in value]
    if not isinstance(value, dict):
        return value
    meta, path = value.get("meta"), value.get("path")
    if isinstance(meta, dict) and meta.get("_type") == "gradio.FileData" and isinstance(path, str):
        name = received.given(path, person)
        before, _, _ = str(value.get("url") or "").partition(
            FILE
        )  # the lab's address, as Gradio sees it
        return {**value, "path": name, "url": f"{before}{FILE}{name}"}
    return {key: handed_over(received, item, person) for key, item in value.items()}
