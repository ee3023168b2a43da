"""What the scatter fetches by itself: coordinates as one binary file, images as small pictures.
Keyed by content, so kept for good.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.people.asking import in_route
from engine.errors import GlyphlabError
from engine.imaging.images import as_picture

if TYPE_CHECKING:
    from engine.data.imageset import ImageSet
    from engine.lab import Lab

KEEP = {"Cache-Control": "private, max-age=31536000, immutable"}
TILE = 64  # pixels, the largest side of an image in a sheet
MOST = 400  # images in a sheet
NOTHING = "There is no such space, map, run or image here."


def routes(lab: Lab) -> list[Route]:
    """The routes to mount at /space: points/KEY/MAP, layer/KEY/NAME, image/KEY/PLACE,
    image/KEY/sheet?at=…; run/ID/… for a run's images.
    """

    def served(answer: Callable[[Lab, Request], Response]) -> Callable:
        async def endpoint(request: Request) -> Response:
            try:
                return await run_in_threadpool(answer, lab, request)
            except (GlyphlabError, ValueError, IndexError, OSError):
                # Whoever asks knows only names: what went wrong with which file is not told.
                return PlainTextResponse(NOTHING, 404)

        return endpoint

    return [
        Route("/points/{key}/{map}", served(_points)),
        Route("/layer/{key}/{name}", served(_layer)),
        Route("/image/{key}/sheet", served(_sheet)),
        Route("/image/{key}/{place:int}", served(_image)),
        Route("/run/{key}/sheet", served(_sheet)),
        Route("/run/{key}/{place:int}", served(_image)),
    ]


def _points(lab: Lab, request: Request) -> Response:
    """Coordinates (N, dims) float32, labels (N,) int16, answers (N,) int16, confidence (N,) uint8
    0..255, one after the other.
    """
    space = in_route(lab, request).spaces.by_key(request.path_params["key"])
    coordinates = space.coordinates(request.path_params["map"])
    parts = (
        np.asarray(coordinates, "<f4"),
        space.labels.astype("<i2"),
        space.predicted.astype("<i2"),
        np.round(255 * np.clip(space.confidence, 0, 1)).astype(np.uint8),
    )
    return Response(
        b"".join(part.tobytes() for part in parts),
        media_type="application/octet-stream",
        headers=KEEP,
    )


def _layer(lab: Lab, request: Request) -> Response:
    """The codes (N,) uint16 of a layer; whoever asks adds their digest to the address, so that it
    changes when they do.
    """
    from engine.services.point_layers import layers

    space = in_route(lab, request).spaces.by_key(request.path_params["key"])
    # Of the lab itself: layers are kept by what they were made from, not for each person.
    found = layers(lab.spaces, lab.noise, space).get(request.path_params["name"])
    if found is None:
        return PlainTextResponse("there is no such layer", 404)
    return Response(
        found.codes.astype("<u2").tobytes(), media_type="application/octet-stream", headers=KEEP
    )


def _image(lab: Lab, request: Request) -> Response:
    images, index = _images(lab, request)
    return _png(as_picture(np.asarray(images.images[index[request.path_params["place"]]])))


def _sheet(lab: Lab, request: Request) -> Response:
    images, index = _images(lab, request)
    places = [int(text) for text in request.query_params.get("at", "").split(",")][:MOST]
    across = int(np.ceil(np.sqrt(len(places))))
    side = min(images.size, TILE)
    sheet = Image.new(
        "RGB" if images.channels == 3 else "L", (across * side, across * side), "white"
    )
    for number, place in enumerate(places):
        picture = as_picture(np.asarray(images.images[index[place]]))
        picture = (
            picture
            if picture.width == side
            else picture.resize((side, side), Image.Resampling.BILINEAR)
        )
        sheet.paste(picture, (number % across * side, number // across * side))
    return _png(sheet)


def _images(lab: Lab, request: Request) -> tuple[ImageSet, np.ndarray]:
    key, spaces = request.path_params["key"], in_route(lab, request).spaces
    if "/run/" in request.url.path:
        return spaces.run_images(key)
    space = spaces.by_key(key)
    return space.images, space.index


def _png(picture: Image.Image) -> Response:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return Response(stream.getvalue(), media_type="image/png", headers=KEEP)
