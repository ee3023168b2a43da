"""The Hugging Face Hub, through its own library: folders pushed to it, models fetched from it.

The address is HF_ENDPOINT, or huggingface.co; the token is HF_TOKEN, or what `hf auth login` kept.
What comes from the Hub is a stranger's: only a checkpoint's own files are fetched, none larger than
an upload may be, and the caller checks them before anything is kept.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from engine.errors import GlyphlabError
from engine.models.metadata import META, read_weights_name
from engine.progress import Progress, no_progress

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SCHEME = "hf://"
BESIDE = ("recipe.yaml", "README.md")  # fetched with a model if they are there
MOST_TEXT = 50_000_000  # bytes of a file that is no weights
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


def push_folder(
    folder: Path,
    address: Address,
    kind: Literal["model", "dataset"],
    *,
    private: bool = False,
    progress: Progress = no_progress,
) -> str:
    """Put a folder's files into a repository of the Hub, made if it is not there; returns its address
    in a browser. Raises GlyphlabError if the Hub refuses or can't be reached.
    """
    progress(0, 1, f"sending {address.repo}")
    with _client(address.repo) as api:
        made = api.create_repo(address.repo, repo_type=kind, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=address.repo,
            repo_type=kind,
            folder_path=folder,
            revision=address.revision,
            commit_message="Exported from Glyphlab",
        )
    progress(1, 1, f"sending {address.repo}")
    return str(made)


def pull_checkpoint(
    address: Address, folder: Path, most_bytes: int, progress: Progress = no_progress
) -> str:
    """Fetch a checkpoint's files into `folder` and return the commit. Nothing of them is checked but
    their sizes, of which weights may have `most_bytes`. Raises GlyphlabError.
    """
    with _client(address.repo) as api, tempfile.TemporaryDirectory(dir=folder.parent) as part:
        info = api.model_info(address.repo, revision=address.revision, files_metadata=True)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        if META not in sizes:
            raise GlyphlabError(
                f"{SCHEME}{address.repo} is no model of Glyphlab",
                expected=f"a {META} in it",
                got=", ".join(sorted(sizes)[:5]) or "no files",
            )

        def fetch(name: str, most: int) -> None:
            if sizes[name] > most:
                raise GlyphlabError(
                    f"{name} of {SCHEME}{address.repo} is too large",
                    expected=f"at most {most:,} bytes",
                    got=f"{sizes[name]:,}",
                    hint="GLYPHLAB_UPLOAD_MB sets the limit.",
                )
            path = api.hf_hub_download(address.repo, name, revision=info.sha, local_dir=part)
            if Path(path).stat().st_size > most:
                raise GlyphlabError(
                    f"{name} of {SCHEME}{address.repo} is larger than was announced"
                )
            shutil.move(path, folder / name)

        fetch(META, MOST_TEXT)
        weights = read_weights_name(folder)
        for done, name in enumerate([weights, *BESIDE]):
            progress(done, 1 + len(BESIDE), f"fetching {address.repo}")
            if name in sizes:
                fetch(name, most_bytes if name == weights else MOST_TEXT)
        return str(info.sha)


@contextmanager
def _client(repo: str) -> Iterator[HfApi]:
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
            f"{SCHEME}{repo} is not there, or not for you",
            got=_first_line(error),
            hint="Is the name right? Log in with `hf auth login`, or set HF_TOKEN, if it is private.",
        ) from None
    except HfHubHTTPError as error:
        raise GlyphlabError(
            f"the Hub refused {SCHEME}{repo}",
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
