"""What is printed when the lab starts: by which addresses people come in."""

from __future__ import annotations

from app.doors.addresses import EVERYWHERE, own_addresses
from app.doors.admission import TOKEN, admission_of, is_loopback
from engine.people.classroom import Classroom
from engine.settings import Settings

INDENT = "  "
FIRST = "On a phone, try the first of these; if it can't be opened there, the next."


def welcome(classroom: Classroom, settings: Settings) -> str:
    """Lines below the lab's address: whoever has the first is the teacher or owner; students join by
    the other. '' where nobody is asked. Raises GlyphlabError if the home can't keep the key.
    """
    if admission_of(classroom, settings, {}) is None:
        return ""
    hosts = reachable(settings)
    lines = [f"{_who(settings):<12} http://{hosts[0]}:{settings.port}/?{TOKEN}={classroom.key}"]
    if settings.mode == "class":
        code = classroom.now().code
        lines += [
            f"{'students:':<12} http://{host}:{settings.port}/join?code={code}" for host in hosts
        ]
        if len(hosts) > 1:
            lines.append(FIRST)
    return "\n".join(INDENT + line for line in lines)


def reachable(settings: Settings) -> list[str]:
    """The names and addresses by which others reach this server, the likeliest first."""
    if settings.host not in EVERYWHERE:
        return [f"[{settings.host}]" if ":" in settings.host else settings.host]
    found = [name for name in own_addresses() if not is_loopback(name) and ":" not in name]
    named = [name for name in settings.allowed_hosts.split(",") if name and name != "*"]
    numbers = sorted(name for name in found if name.replace(".", "").isdigit())
    return [*named, *numbers, *sorted(set(found) - set(numbers))] or ["127.0.0.1"]


def _who(settings: Settings) -> str:
    return "the teacher:" if settings.mode == "class" else "its owner:"
