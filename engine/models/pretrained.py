"""Weights trained elsewhere: torchvision's ImageNet weights by name, or a file.

Where downloads are kept and whether they are allowed is set once a process, as torch.hub's own
folder is: `keep_downloads`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import URLError

from engine.errors import ModelError
from engine.files.atomic import is_name

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class _Downloads:
    folder: Path | None = None
    offline: bool = False
    names_only: bool = False


_downloads = _Downloads()


def keep_downloads(folder: Path | None, *, offline: bool, names_only: bool = False) -> None:
    """Keep this process's downloaded weights in `folder` (None: torch.hub's own); with `offline`
    never fetch any; with `names_only` a file of weights is one in that folder, given by its name.
    """
    _downloads.folder, _downloads.offline, _downloads.names_only = folder, offline, names_only


def read_weights(given: str, url: str) -> dict[str, Tensor]:
    """The state dict that `given` names: 'imagenet' stands for the file at `url`, anything else is
    a .pth or .safetensors file.

    Pickles are read with `weights_only`, so that a file can't run code. Raises ModelError, saying
    what to do, if there is no such file and it can't be fetched, or it holds no weights.
    """
    if given == "imagenet":
        path = _fetched(url)
    elif _downloads.names_only:
        check_weights_name(given)
        path = (_downloads.folder or Path("weights")) / given
    else:
        path = Path(given).expanduser()
    if not path.is_file():
        raise ModelError(
            f"weights file {path} does not exist",
            hint="Give `weights` the path of a .pth or .safetensors file, or 'imagenet'.",
        )
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (
        OSError,
        RuntimeError,
        EOFError,
        ValueError,
        KeyError,
        pickle.UnpicklingError,
        SafetensorError,
    ) as error:
        raise ModelError(
            f"weights file {path} can't be read",
            expected="a state dict saved by torch or safetensors",
            got=str(error)[:120],
        ) from None
    if isinstance(state, Mapping) and isinstance(state.get("state_dict"), Mapping):
        state = state["state_dict"]
    if not isinstance(state, Mapping) or not all(
        isinstance(value, torch.Tensor) for value in state.values()
    ):
        raise ModelError(
            f"weights file {path} holds no weights",
            expected="names and tensors",
            got=type(state).__name__,
        )
    return {key.removeprefix("module."): value for key, value in state.items()}


def check_weights_name(given: object) -> None:
    """Raise ModelError unless `weights` names what may be opened where paths are not: 'imagenet',
    or a file by its name.
    """
    if not isinstance(given, str) or not is_name(given):
        raise ModelError(
            "weights can't be given by a path here",
            expected="'imagenet', or the name of a file in the home's folder weights",
            got=repr(given)[:80],
        )


def _fetched(url: str) -> Path:
    import torch

    name = url.rsplit("/", 1)[-1]
    folder = _downloads.folder or Path(torch.hub.get_dir()) / "checkpoints"
    path = folder / name
    if path.is_file():
        return path
    way_out = (
        f"Put {name} (from {url}) into {folder}, or set model.options.weights to the path of a file"
        " you have."
    )
    if _downloads.offline:
        raise ModelError(
            "the ImageNet weights are not here and GLYPHLAB_OFFLINE forbids fetching them",
            hint=way_out,
        )
    folder.mkdir(parents=True, exist_ok=True)
    digest = name.rsplit("-", 1)[-1].split(".")[
        0
    ]  # torchvision's names end in the start of their SHA-256
    try:
        torch.hub.download_url_to_file(url, str(path), digest, progress=True)
    except (URLError, OSError, RuntimeError) as error:
        raise ModelError(
            "the ImageNet weights can't be fetched", got=str(error)[:120], hint=way_out
        ) from None
    return path
