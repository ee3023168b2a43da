"""Words of people, and names out of their files, within Markdown."""

from __future__ import annotations

import re
from html import escape

_ADDRESS = re.compile(r"\b((?:https?|ftp):(?=//)|www(?=\.))", re.I)
_MAIL = re.compile(r"(?<=\S)@(?=\S)")
_FIRST = re.compile(r"^(\s*\d*)([#+.-])")  # of a heading, or of a line in a list
_ICON = re.compile(
    r":(?=[a-z+][\w+-]*[:/])", re.I
)  # ':material/school:' and ':smile:' are pictures


def literal(text: str) -> str:
    r"""A person's own words within Markdown, as they stand: no picture, link or tag is made of them.

    >>> literal("<b> ![x](http://e/x.png) a_b")
    '&lt;b&gt; \\!\\[x\\]\\(http:\u2060//e/x.png\\) a\\_b'
    """
    # Markdown as GitHub's makes links of bare addresses, whatever is escaped in them: a word joiner,
    # which nobody sees, makes them none.
    text = _ADDRESS.sub("\\1\u2060", text)
    text = _MAIL.sub("@\u2060", _ICON.sub(":\u2060", text))
    text = re.sub(r"([\\`*_{}\[\]()!~|$])", r"\\\1", escape(text, quote=False))
    return _FIRST.sub(r"\1\\\2", text)


def code(name: str) -> str:
    r"""A name as code within Markdown, whatever is in it: its backticks do not end the code, nor do its
    lines.

    >>> code("mnist"), code("a` [b](http://e) `")
    ('`mnist`', '`` a` [b](http://e) ` ``')
    """
    flat = " ".join(name.split())
    marks = "`" * (1 + max(map(len, re.findall("`+", flat)), default=0))
    room = " " if len(marks) > 1 else ""
    return f"{marks}{room}{flat}{room}{marks}"


def plain(text: str) -> str:
    r"""Somebody's words for a card that others read: code and emphasis stay, links, pictures and tags
    become the text that they are.

    >>> plain("*see* [here](http://e.example) <b>")
    '*see* \\[here\\](http\u2060://e.example) &lt;b>'
    """
    text = text.replace("<", "&lt;").replace("[", "\\[").replace("]", "\\]")
    return re.sub(r"\b(https?|ftp)(?=:)|\bwww(?=\.)", "\\g<0>\u2060", text)
