"""Files in an object store or on another machine, by an address that fsspec knows: s3://bucket/folder,
gs://…, file://…. What is read is whole: an object store shows an object when all of it is there, and
elsewhere a file is written under another name first.
"""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# (fsspec has no types.)
from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from engine.errors import GlyphlabError, SettingsError
from engine.files.atomic import failure, is_full, json_bytes, make_folder, replacing

# Their puts are atomic: what is there is whole, and a move would be a second upload.
WHOLE = {"s3", "s3a", "gs", "gcs", "abfs", "az", "memory"}
STAMPS = ("ETag", "etag", "mtime", "updated", "LastModified", "last_modified", "created")
T = TypeVar("T")
Stamp = tuple[int, str]  # size in bytes, and what changes with the content


class RemoteError(GlyphlabError):
    """The store can't be reached, or refuses."""


class Remote:
    """A folder in a store. Names in it are relative, with '/'. Every method raises RemoteError if
    the store can't be used; making one raises SettingsError for an address of no known kind.
    """

    def __init__(self, address: str) -> None:
        self.address = address.rstrip("/")
        scheme = urlsplit(address).scheme
        self._whole = scheme in WHOLE
        try:
            import fsspec

            # Listings are asked for to see what is new: none may come from a cache.
            options: dict[str, Any] = {"use_listings_cache": False} if self._whole else {}
            if scheme in ("file", "local"):
                options = {"auto_mkdir": True}
            self._files, self._root = fsspec.core.url_to_fs(self.address, **options)
        except (ImportError, ValueError) as error:
            raise SettingsError(
                f"the store {shown(address)} can't be used",
                got=str(error),
                hint="s3:// needs the package s3fs, gs:// needs gcsfs; file:// needs nothing.",
            ) from None

    def stamps(self, folder: str) -> dict[str, Stamp]:
        """Every file below a folder, by its name relative to it; empty if there is none. One
        question to the store.
        """
        base = self._at(folder)
        found = self._asked(self._find, base)
        out: dict[str, Stamp] = {}
        for path, info in found.items():
            name = str(path)[len(base) :].lstrip("/")
            if info.get("type") != "directory" and is_safe(name):
                changed = " ".join(str(info[key]) for key in STAMPS if info.get(key))
                out[name] = int(info.get("size") or 0), changed
        return out

    def _find(self, base: str) -> dict[str, Any]:
        self._files.invalidate_cache()
        try:
            return self._files.find(base, detail=True)
        except FileNotFoundError:  # a file that was replaced while its folder was looked through
            return self._files.find(base, detail=True) if self._files.exists(base) else {}

    def has(self, name: str) -> bool:
        return bool(self._asked(self._files.exists, self._at(name)))

    def read(self, name: str) -> bytes | None:
        """A file's content; None if it is not there."""

        def content() -> bytes | None:
            try:
                return self._files.cat_file(self._at(name))
            except FileNotFoundError:
                return None

        return self._asked(content)

    def read_json(self, name: str) -> Any:
        """The value in a JSON file; None if it is not there, or is no JSON."""
        with suppress(ValueError):
            return json.loads(self.read(name) or b"null")
        return None

    def write(self, name: str, content: bytes) -> None:
        """Put a file there, in place of what was there before."""
        self._put(name, lambda path: self._files.pipe_file(path, content))

    def write_json(self, name: str, value: Any) -> None:
        self.write(name, json_bytes(value))

    def send(self, file: Path, name: str) -> None:
        """Copy a local file into the store."""
        self._put(name, lambda path: self._files.put_file(str(file), path))

    def fetch(self, name: str, file: Path) -> bool:
        """Copy a file out of the store, whole or not at all; False if it is not there."""
        make_folder(file.parent)

        def copied() -> bool:
            with replacing(file, lasting=False) as fresh:
                try:
                    self._files.get_file(self._at(name), str(fresh))
                except FileNotFoundError:
                    return False
                if not fresh.exists():
                    return False
            return True

        return self._asked(copied)

    def delete(self, names: Iterable[str]) -> None:
        """Remove files; those that are gone already are no matter."""
        for name in names:
            with suppress(FileNotFoundError):
                self._asked(self._files.rm_file, self._at(name))

    def delete_folder(self, folder: str) -> None:
        """Remove a folder with all that is in it."""

        def gone() -> None:
            with suppress(FileNotFoundError):
                self._files.rm(self._at(folder), recursive=True)

        self._asked(gone)

    def _put(self, name: str, put: Callable[[str], None]) -> None:
        path = self._at(name)
        if self._whole:
            self._asked(put, path)
            return
        folder, _, last = path.rpartition("/")
        fresh = f"{folder}/.{last}.{secrets.token_hex(4)}.part"

        def moved() -> None:
            try:
                put(fresh)
                self._files.mv(fresh, path)
            except BaseException:
                with suppress(Exception):
                    self._files.rm_file(fresh)
                raise

        self._asked(moved)

    def _at(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name.strip('/')}"

    def _asked(self, ask: Callable[..., T], *arguments: object) -> T:
        try:
            return ask(*arguments)
        except FileNotFoundError:
            raise
        except Exception as error:  # every store has errors of its own
            if isinstance(error, OSError) and is_full(error):
                raise failure(error, Path(self.address)) from error
            text = " ".join(str(error).split())[:200] or type(error).__name__
            raise RemoteError(
                f"the store {shown(self.address)} can't be reached from here",
                got=text,
                hint="Look at GLYPHLAB_STORE, at the network, and at this machine's rights to it.",
            ) from None


def is_safe(name: str) -> bool:
    """Whether a name from a store stays below its folder and is of a file that is whole."""
    parts = name.split("/")
    return bool(name) and all(part and not part.startswith(".") for part in parts)


def shown(address: str) -> str:
    """An address without the password in it."""
    return re.sub(r"://([^:/@]+):[^@]*@", r"://\1:…@", address)
