"""Addresses on the Hugging Face Hub, and its client.

The Hub is at HF_ENDPOINT, or huggingface.co; the token is HF_TOKEN, or what `hf auth login` kept.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import GlyphlabError

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf://"
_ADDRESS = re.compile(
    r"(?:hf://)?(?:models/)?(?P<repo>[\w-][\w.-]{0,95}/[\w-][\w.-]{0,95})(?:@(?P<revision>[\w./-]{1,100}))?"
)


class Address(NamedTuple):
    """owner/name on the Hub, and a branch, tag or commit."""

    repo: str
    revision: str | None = None


def read_address(text: str) -> Address:
    """'hf://owner/name', 'owner/name', either with '@revision'. Raises GlyphlabError."""
    found = _ADDRESS.fullmatch(text.strip())
    if not found or ".." in text or "--" in found["repo"]:
        raise GlyphlabError(
            "the address on the Hub can't be used", expected="hf://owner/name", got=repr(text[:100])
        )
    return Address(found["repo"], found["revision"])


@contextmanager
def client(repo: str) -> Iterator[HfApi]:
    """The Hub's client; what goes wrong on the way becomes a GlyphlabError."""
    from huggingface_hub import HfApi
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HTTPError,  # pyright: ignore[reportPrivateImportUsage]
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    endpoint = os.environ.get("HF_ENDPOINT") or None
    where = endpoint or "https://huggingface.co"
    try:
        yield HfApi(endpoint=endpoint, library_name="glyphlab")
    except (RepositoryNotFoundError, RevisionNotFoundError, GatedRepoError) as error:
        raise GlyphlabError(
            f"{SCHEME}{repo} does not exist, or you have no access to it",
            got=_first_line(error),
            hint="Is the name right? Log in with `hf auth login`, or set HF_TOKEN, if it is private.",
        ) from None
    except HfHubHTTPError as error:
        raise GlyphlabError(
            f"the Hub refused access to {SCHEME}{repo}",
            got=_first_line(error),
            hint="Writing needs a token: `hf auth login`, or HF_TOKEN.",
        ) from None
    except (HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError) as error:
        raise GlyphlabError(
            f"the Hub at {where} can't be reached",
            got=_first_line(error),
            hint="Look at the network, HF_ENDPOINT and HF_HUB_OFFLINE; or carry the files yourself.",
        ) from None


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)[:160]
