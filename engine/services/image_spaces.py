"""The embeddings of a data set that hold one of its images, and which of them has a map."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from engine.embedding.projection import Options
from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from engine.embedding.space import Space
    from engine.services.spaces import Spaces

# The maps that the page Embeddings makes unless somebody changes their settings.
USUAL_MAPS = (
    *(Options("umap", dims) for dims in (2, 3)),
    Options("tsne"),
    *(Options("pca", dims) for dims in (2, 3)),
)


def spaces_with(
    spaces: Spaces, data: str, name: str, every: bool = False
) -> Iterator[tuple[Space, int]]:
    """The newest embedding of each model that holds this image, or `every` one, newest first, with its
    place in it.
    """
    seen: set[str] = set()
    for info in spaces.list():
        if info.data != data or (info.model in seen and not every):
            continue
        space = None
        with suppress(GlyphlabError):  # its model was deleted
            space = spaces.find(info.model, data, info.part)
        place = space.place_of(name) if space is not None else None
        if space is not None and place is not None:
            seen.add(info.model)
            yield space, place


def space_on_map(spaces: Spaces, data: str, name: str) -> tuple[Space | None, Options | None]:
    """The newest embedding with this image that has a map of the usual settings, and these; the newest
    embedding, without settings, where there is no map; None where nothing is embedded.
    """
    newest = None
    for space, _ in spaces_with(spaces, data, name, every=True):
        for options in USUAL_MAPS:
            if space.find_map(options) is not None:
                return space, options
        newest = newest or space
    return newest, None
