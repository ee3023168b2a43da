"""The Hugging Face Hub, through its own library: folders pushed to it, models fetched from it.

What comes from the Hub is a stranger's: only a checkpoint's own files are fetched, none larger than
an upload may be, and the caller checks them before anything is kept.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Literal

from engine.errors import GlyphlabError
from engine.files.hub import SCHEME, Address, client
from engine.models.metadata import META, read_weights_name
from engine.progress import Progress, no_progress

BESIDE = ("recipe.yaml", "README.md")  # fetched with a model if they are there
MOST_TEXT = 50_000_000  # bytes of a file that is no weights


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
    with client(address.repo) as api:
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
    with client(address.repo) as api, tempfile.TemporaryDirectory(dir=folder.parent) as part:
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
