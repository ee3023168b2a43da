"""Data sets on the Hugging Face Hub: which of a repository's files are the data, fetched within
limits. What comes from there is a stranger's, and is read under the guards of an upload.
"""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false
# (YAML leaves the kinds of its values open.)
from __future__ import annotations

import fnmatch
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from engine.data.archive import check_path
from engine.data.idx_files import is_named_so
from engine.data.imported import ending_of
from engine.errors import DataError
from engine.files.checked import texts_of_yaml
from engine.files.hub import SCHEME, Address, client, read_address
from engine.imaging.formats import is_hidden, is_picture
from engine.progress import Progress

CARD = "README.md"
BESIDE = (CARD, "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
TABLES = (".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".xml", ".feather")
PACKED = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".7z")
MOST_FILES = 100_000
MOST_CARD = 5_000_000  # bytes


class Wanted(NamedTuple):
    """A data set on the Hub, and which of its configurations ('' for its only one)."""

    address: Address
    config: str = ""

    @property
    def name(self) -> str:
        """What it is called in the lab: 'owner--name'."""
        parts = [*self.address.repo.split("/"), self.address.revision or "", self.config]
        return "--".join(re.sub(r"[^\w.-]+", "-", part) for part in parts if part)

    def __str__(self) -> str:
        revision = f"@{self.address.revision}" if self.address.revision else ""
        config = f"#{self.config}" if self.config else ""
        return f"{SCHEME}{self.address.repo}{revision}{config}"


def is_address(name: str) -> bool:
    """Whether a data set's name is an address on the Hub."""
    return name.startswith(SCHEME)


def wanted_at(text: str) -> Wanted:
    """'hf://owner/name', with '@revision' and '#configuration'. Raises GlyphlabError."""
    repo, _, config = text.strip().partition("#")
    repo = re.sub(rf"^({SCHEME})?datasets/", SCHEME, repo)
    return Wanted(read_address(repo), config)


def fetch_files(wanted: Wanted, folder: Path, most_bytes: int, progress: Progress) -> Path:
    """Fetch the files of a data set into `folder`, and return what to open: the folder or, where
    all is in one archive, that. Raises GlyphlabError if it is not there, holds nothing that can be
    read, or is larger than `most_bytes`.
    """
    repo = wanted.address.repo
    with client(repo) as api:
        info = api.dataset_info(repo, revision=wanted.address.revision, files_metadata=True)
        sizes = {one.rfilename: one.size or 0 for one in info.siblings or ()}

        def get(name: str) -> Path:
            check_path(name, str(wanted))
            return Path(
                api.hf_hub_download(
                    repo, name, repo_type="dataset", revision=info.sha, local_dir=folder
                )
            )

        card = ""
        if 0 < sizes.get(CARD, 0) <= MOST_CARD:
            card = get(CARD).read_text(encoding="utf-8", errors="replace")
        chosen = data_files(sizes, card, wanted)
        total, done = sum(sizes[name] for name in chosen), 0
        if total > most_bytes or len(chosen) > MOST_FILES:
            raise DataError(
                f"{wanted} is too large",
                expected=f"at most {most_bytes:,} bytes in {MOST_FILES:,} files",
                got=f"{total:,} in {len(chosen):,}",
                hint="GLYPHLAB_UNPACKED_MB sets the limit of the command line, GLYPHLAB_UPLOAD_MB"
                " that of the Data page.",
            )
        for name in chosen:
            progress(done, total, f"fetching {repo} (bytes)")
            path = get(name)
            done += path.stat().st_size
            if done > most_bytes:
                raise DataError(f"{wanted} is larger than was announced")
        shutil.rmtree(folder / ".cache", ignore_errors=True)  # what the client keeps beside them
    packed = [name for name in chosen if name.lower().endswith(PACKED)]
    return folder / packed[0] if packed else folder


def data_files(sizes: Mapping[str, int], card: str, wanted: Wanted) -> list[str]:
    """Which files of a repository are the data: its Parquet if there is any, else its tables,
    arrays and pictures, else its only archive. Raises DataError.

    sizes  bytes of every file by name
    card   the text of its README
    """
    names = sorted(name for name in sizes if not is_hidden(name))
    patterns = _patterns(card, wanted)
    if patterns:
        names = [n for n in names if any(fnmatch.fnmatch(n, one) for one in patterns)]
    beside = [name for name in names if name.rpartition("/")[2] in BESIDE]
    parquet = [name for name in names if name.lower().endswith(".parquet")]
    packed = [name for name in names if name.lower().endswith(PACKED)]
    others = [name for name in names if name not in beside and _may_hold_images(name)]
    if parquet or others:
        return [*beside, *(parquet or others)]
    if len(packed) == 1:
        return packed
    raise DataError(
        f"{wanted} holds no images that can be read",
        expected="Parquet, tables, arrays, pictures, or one archive",
        got=", ".join(names[:5]) or "no files",
        hint="Fetch the archives one by one by their addresses." if packed else None,
    )


def _may_hold_images(name: str) -> bool:
    known = ending_of(name) and not name.lower().endswith(PACKED)
    return bool(known) or name.lower().endswith(TABLES) or is_picture(name) or is_named_so(name)


def _patterns(card: str, wanted: Wanted) -> list[str]:
    """The files of the wanted configuration, as the card lists them; none: all files. Raises
    DataError if there are several and none is named.
    """
    configs = {str(one.get("config_name", "default")): one for one in _configs(card)}
    if wanted.config:
        if wanted.config not in configs:
            raise DataError(
                f"{SCHEME}{wanted.address.repo} has no configuration '{wanted.config}'",
                got=", ".join(configs) or "no configurations",
            )
        return list(_files_of(configs[wanted.config]))
    if len(configs) < 2:
        return [one for each in configs.values() for one in _files_of(each)]
    usual = [name for name, one in configs.items() if one.get("default") or name == "default"]
    if not usual:
        first = next(iter(configs))
        raise DataError(
            f"{wanted} holds several data sets",
            got=", ".join(list(configs)[:10]),
            hint=f"Name one of them: {wanted}#{first}",
        )
    return list(_files_of(configs[usual[0]]))


def _configs(card: str) -> list[dict[str, Any]]:
    """The configurations in a card's head."""
    if not card.startswith("---"):
        return []
    value = texts_of_yaml(card[3:].partition("\n---")[0])
    found = value.get("configs") if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _files_of(config: Mapping[str, Any]) -> Iterator[str]:
    """The patterns in `data_files`: a text, a list of them, or of splits with paths."""
    inside = str(config.get("data_dir") or "").strip("/")
    given = config.get("data_files")
    for each in given if isinstance(given, list) else [given]:
        paths = each.get("path") if isinstance(each, dict) else each
        for path in paths if isinstance(paths, list) else [paths]:
            if isinstance(path, str):
                yield f"{inside}/{path}" if inside else path
    if given is None and inside:
        yield f"{inside}/*"
