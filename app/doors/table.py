"""What is served: one row a door. A request that fits no row is answered 'not found', whatever the
libraries behind would have said; so a route that a new version of one brings stays shut until it is
listed here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

SMALL = 1_000_000  # bytes of a question in JSON: a full pad is under 100,000
NOTHING = 0
UPLOAD = -1  # as much as the settings allow for an upload
ANYONE = "anyone"  # also who has not come in
ALL = "owner teacher student visitor"
LEADERS = "owner teacher"
FORM_TEXT = 4_000  # bytes of a form with two fields
# Bytes of a path, and of a part of it: no file system has longer names, and asked for one it fails
# (ENAMETOOLONG), as Python does for numbers of thousands of digits.
LONGEST_PATH, LONGEST_PART = 2_000, 255


@dataclass(frozen=True)
class Door:
    """A kind of request that is let in.

    path   '{}' stands for one part of a path, '{*}' for any number of them
    body   largest body in bytes; UPLOAD: as the settings say
    takes  the only type of body that it takes; '' where there is none
    who    roles that may come here (engine.people.person), or ANYONE
    bare   what it serves came from a person: nothing in it may run, wherever it is opened
    """

    path: str
    methods: str = "GET HEAD"
    body: int = NOTHING
    takes: str = ""
    who: str = ALL
    bare: bool = False

    def pattern(self) -> re.Pattern[str]:
        parts = re.split(r"(\{\*?\})", self.path)
        fits = {"{}": r"[^/]+", "{*}": r"[^/]+(?:/[^/]+)*"}
        return re.compile("".join(fits.get(part) or re.escape(part) for part in parts))


JSON, FORM = "application/json", "multipart/form-data"
FIELDS = "application/x-www-form-urlencoded"

LAB = (
    Door("/healthz", who=ANYONE),
    Door("/metrics", who=LEADERS),
    Door("/plotly-basic.min.js"),
    Door("/favicon.ico", who=ANYONE),
    Door("/font.woff2", who=ANYONE),
    Door("/join", who=ANYONE),
    Door("/join", "POST", FORM_TEXT, FIELDS, who=ANYONE),
    Door("/enter", "POST", FORM_TEXT, FIELDS, who=ANYONE),
    Door("/signin", who=ANYONE),
    Door("/signed-in", who=ANYONE),
    Door("/leave", "POST", FORM_TEXT, FIELDS, who=ANYONE),
    Door("/space/points/{}/{}"),
    Door("/space/layer/{}/{}"),
    Door("/space/image/{}/{}", bare=True),
    Door("/space/run/{}/{}", bare=True),
    Door("/space/original", bare=True),
    Door("/canvas"),
)
DASHBOARD = (
    Door("/"),
    Door("/static/{*}"),
    Door("/favicon.png"),
    Door("/manifest.json"),
    Door("/_stcore/health"),
    Door("/_stcore/host-config"),
    Door("/_stcore/stream", "WEBSOCKET"),
    Door("/_stcore/upload_file/{}/{}", "PUT", UPLOAD, FORM, who=LEADERS),
    Door("/_stcore/upload_file/{}/{}", "DELETE", SMALL, who=LEADERS),
    Door("/_stcore/bidi-components/{*}"),
    Door("/component/{*}"),
    Door("/media/{*}", bare=True),
)
CANVAS = (
    Door("/"),
    Door("/config"),
    Door("/config/"),
    Door("/theme.css"),
    Door("/favicon.ico"),
    Door("/manifest.json"),
    Door("/static/{*}"),
    Door("/assets/{*}"),
    Door("/svelte/{*}"),
    Door("/gradio_api/info"),
    Door("/gradio_api/info/"),
    Door("/gradio_api/app_id"),
    Door("/gradio_api/theme.css"),
    Door("/gradio_api/startup-events"),
    Door("/gradio_api/heartbeat/{}"),
    Door("/gradio_api/queue/status"),
    Door("/gradio_api/queue/data"),
    Door("/gradio_api/queue/join", "POST", SMALL, JSON),
    Door("/gradio_api/call/{}", "POST", SMALL, JSON),
    Door("/gradio_api/call/{}/{}"),
    Door("/gradio_api/cancel", "POST", SMALL, JSON),
    Door("/gradio_api/reset", "POST", SMALL, JSON),
    Door("/gradio_api/reset/", "POST", SMALL, JSON),
    Door("/gradio_api/component_server", "POST", SMALL, JSON),
    Door("/gradio_api/component_server/", "POST", SMALL, JSON),
    Door("/gradio_api/upload", "POST", UPLOAD, FORM),
    Door("/gradio_api/upload_progress"),
    Door("/gradio_api/file={*}", bare=True),
    Door("/gradio_api/file=/{*}", bare=True),
)

# The canvas' questions, by function → the deed that each is (engine.people.rights). Those with an
# address of their own in the API stand first.
QUESTIONS = {
    "predict": "predict",
    "predict_batch": "predict",
    "read": "predict",
    "show_drawing": "predict",
    "show_picture": "predict",
    "read_file": "predict",
    "look": "predict",
    "why": "predict",
    "models": "look",
    "prepare": "compute",
    "listed": "look",
    "collected": "look",
    "held": "look",
    "follow": "look",
    "add": "teach",
    "forget": "teach",
    "undo": "teach",
    "export": "teach",
    "take_in": "teach",
    "save": "collect",
    "delete_last": "collect",
    "export_drawings": "collect",
    "tune": "train",
}


class Table:
    """The doors of a lab, found by method and path."""

    def __init__(self, rows: list[tuple[str, Door]]) -> None:
        # By their paths where these are written out: patterns are tried one after the other, and the
        # pages' own files are asked for thousands of times.
        self._named: dict[str, list[Door]] = {}
        self._patterns: list[tuple[re.Pattern[str], Door]] = []
        self.doors = [replace(door, path=prefix + door.path) for prefix, door in rows]
        for door in self.doors:
            if "{" in door.path:
                self._patterns.append((door.pattern(), door))
            else:
                self._named.setdefault(door.path, []).append(door)

    def find(self, method: str, path: str) -> Door | str | None:
        """The door for a request; the methods it takes ('GET, HEAD') where the path has one but
        takes others; None where nothing is served.
        """
        if _too_long(path):
            return None
        fitting = [*self._named.get(path, ())]
        fitting += [door for pattern, door in self._patterns if pattern.fullmatch(path)]
        for door in fitting:
            if method in door.methods.split():
                return door
        return ", ".join(" ".join(door.methods for door in fitting).split()) or None


def _too_long(path: str) -> bool:
    """Whether nothing can be called so."""
    if len(path) <= LONGEST_PART // 4:  # a character is four bytes at most
        return False
    parts = path.encode(errors="replace").split(b"/")
    return len(path) > LONGEST_PATH or any(len(part) > LONGEST_PART for part in parts)


def lab_table(pages: list[str]) -> Table:
    """The doors of the whole lab. `pages`: names of the dashboard's pages."""
    own = [Door(f"/{name}{slash}") for name in pages for slash in ("", "/")]
    return Table(
        [("", door) for door in (*LAB, *DASHBOARD, *own)] + [("/canvas", d) for d in CANVAS]
    )


def canvas_table() -> Table:
    """The doors of the canvas alone."""
    return Table([("", door) for door in CANVAS])
