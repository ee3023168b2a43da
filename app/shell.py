"""The page that a browser loads before anything is drawn: Streamlit's, with the lab's name and words.

Streamlit's is called "Streamlit", says that it offers an interface that the doors refuse, and leaves the
browser to look for the server below the page's address first, which costs two failed requests a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

ABOUT = "A lab for handwritten characters: train models, look inside them, find label errors, test your handwriting."
HEAD = f"""<title>Glyphlab</title>
    <meta name="description" content="{ABOUT}" />
    <meta property="og:title" content="Glyphlab" />
    <meta property="og:description" content="{ABOUT}" />
    <script>
      window.__streamlit = {{ BACKEND_BASE_URL: new URL("./", location.href).href }}
    </script>"""
WITHOUT_SCRIPTS = (
    "<noscript><p>Glyphlab's pages need JavaScript: allow it for this address.</p></noscript>"
)
CHANGES = (  # what of Streamlit's page becomes what
    (r"<title>Streamlit</title>", HEAD),
    (r'\./favicon\.png"', './favicon.ico"'),  # a route of the lab's own
    (r"<!--(?:(?!-->).)*-->\s*<link rel=\"service-desc\"[^>]*>\s*", ""),
    (r"<noscript>.*?</noscript>", WITHOUT_SCRIPTS),
)


def routes(pages: Iterable[str]) -> list[Route]:
    """The lab's first page and those named, each of which begins as the same one."""
    html = page()

    async def answer(request: Request) -> Response:
        return HTMLResponse(html, headers={"Cache-Control": "no-cache"})

    return [Route(path, answer) for path in ("/", *(f"/{name}" for name in pages))]


def page() -> str:
    """The page's HTML."""
    spec = find_spec("streamlit")
    html = (Path((spec and spec.origin) or "").parent / "static" / "index.html").read_text("utf-8")
    for sought, instead in CHANGES:
        html = re.sub(sought, lambda _, new=instead: new, html, count=1, flags=re.DOTALL)
    return html
