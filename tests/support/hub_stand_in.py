"""A Hugging Face Hub in this process: the part of its HTTP API that huggingface_hub uses to push a
folder and to fetch files, with repositories in memory.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import unquote, urlsplit

from listening import listening

Repositories = dict[tuple[str, str], dict[str, bytes]]  # ('models', 'owner/name') → file → content
TOKEN = "hf_of_the_stand_in"


class Hub:
    """url: its address; repositories: what is in it; requests: every one, method and path."""

    def __init__(self) -> None:
        self.repositories: Repositories = {}
        self.requests: list[tuple[str, str]] = []
        self.url = ""

    def commit(self, key: tuple[str, str]) -> str:
        state = hashlib.sha1()
        for name, content in sorted(self.repositories[key].items()):
            state.update(name.encode() + content)
        return state.hexdigest()


@contextmanager
def hub_stand_in() -> Iterator[Hub]:
    """A Hub that listens until the end of the block."""
    hub = Hub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    with listening(handler) as hub.url:
        yield hub


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_POST(self) -> None:
        path = self._path()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer({"error": "Invalid username or password."}, 401)
        elif path == "/api/repos/create":
            wanted = json.loads(body)
            name = f"{wanted['organization']}/{wanted['name']}"
            kind = f"{wanted.get('type', 'model')}s"
            self.hub.repositories.setdefault((kind, name), {})
            self._answer({"url": f"{self.hub.url}/{'' if kind == 'models' else kind + '/'}{name}"})
        elif path == "/api/validate-yaml":
            self._answer({"errors": [], "warnings": []})
        elif "/preupload/" in path:
            files = json.loads(body)["files"]
            self._answer(
                {
                    "files": [
                        {"path": one["path"], "uploadMode": "regular", "shouldIgnore": False}
                        for one in files
                    ]
                }
            )
        elif "/commit/" in path:
            key = self._repository(path.removeprefix("/api/"))[0]
            for line in body.splitlines():
                entry = json.loads(line)
                if entry["key"] == "file":
                    content = base64.b64decode(entry["value"]["content"])
                    self.hub.repositories[key][entry["value"]["path"]] = content
            commit = self.hub.commit(key)
            self._answer(
                {"commitUrl": f"{self.hub.url}/{key[1]}/commit/{commit}", "commitOid": commit}
            )
        else:
            self._answer({"error": f"not known: {path}"}, 404)

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = self._path()
        key, rest = self._repository(path.removeprefix("/api/"))
        files = self.hub.repositories.get(key)
        if files is None:
            self._answer({"error": "Repository not found"}, 404, {"X-Error-Code": "RepoNotFound"})
        elif rest[:1] == ["resolve"]:
            name = "/".join(rest[2:])
            if name not in files:
                self._answer({"error": "Entry not found"}, 404, {"X-Error-Code": "EntryNotFound"})
            else:
                tag = hashlib.sha1(files[name]).hexdigest()
                headers = {"ETag": f'"{tag}"', "X-Repo-Commit": self.hub.commit(key)}
                self._send(files[name], 200, headers)
        else:
            siblings = [{"rfilename": name, "size": len(files[name])} for name in sorted(files)]
            self._answer(
                {"id": key[1], "modelId": key[1], "sha": self.hub.commit(key), "siblings": siblings}
            )

    def _path(self) -> str:
        path = unquote(urlsplit(self.path).path)
        self.hub.requests.append((self.command, path))
        return path

    def _repository(self, path: str) -> tuple[tuple[str, str], list[str]]:
        parts = path.strip("/").split("/")
        kind = parts.pop(0) if parts[0] in ("models", "datasets") else "models"
        return (kind, "/".join(parts[:2])), parts[2:]

    def _answer(
        self, answer: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        kind = {"Content-Type": "application/json"}
        self._send(json.dumps(answer).encode(), status, {**kind, **(headers or {})})

    def _send(self, content: bytes, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
