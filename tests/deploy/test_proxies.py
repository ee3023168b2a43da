"""The lab behind nginx and behind Caddy, below a prefix and with TLS: with the configurations that
docs/deploy.md prints, but for ports and certificates.
"""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
from http.client import HTTPSConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest
from ports import free_port
from waiting import wait_until
from weblab import Server

from engine.lab import Lab
from engine.settings import read_settings

ROOT = Path(__file__).parents[2]
KEY = "the-key-of-a-test"
NAME = "lab.example.org"


def written(language: str) -> str:
    """The configuration in this language that the page prints."""
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"```{language}\n(.*?)```", text, re.S)
    return found


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    home = tmp_path_factory.mktemp("behind")
    environ = {
        "GLYPHLAB_MODE": "class",
        "GLYPHLAB_KEY": KEY,
        "GLYPHLAB_TRUSTED_PROXIES": "127.0.0.1",
        "GLYPHLAB_ALLOWED_HOSTS": NAME,
    }
    found = Lab(home, read_settings({**environ, "GLYPHLAB_HOME": str(home)}))
    found.server = Server(home, **environ)
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2"
    pem = ["-keyout", str(home / "lab.key"), "-out", str(home / "lab.pem"), "-subj", f"/CN={NAME}"]
    subprocess.run([*make.split(), *pem], check=True, capture_output=True)
    yield found
    found.server.close()


def nginx(lab: Lab, port: int) -> list[str]:
    """The command that starts nginx with the page's configuration."""
    folder = lab.home
    text = written("nginx").replace("listen 443 ssl", f"listen 127.0.0.1:{port} ssl")
    text = text.replace("127.0.0.1:7860", f"127.0.0.1:{lab.server.port}")
    text = text.replace("/etc/ssl/", f"{folder}/")
    temp = "\n".join(
        f"{part}_temp_path {folder}/{part};"
        for part in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    http = f"http {{ access_log off; {temp}\n{text} }}"
    head = f"daemon off; pid {folder}/nginx.pid; error_log {folder}/nginx.log; events {{}}\n"
    (folder / "nginx.conf").write_text(head + http, encoding="utf-8")
    return [_program("nginx"), "-c", str(folder / "nginx.conf"), "-e", str(folder / "nginx.log")]


def caddy(lab: Lab, port: int) -> list[str]:
    """The command that starts Caddy with the page's configuration."""
    text = written("caddyfile").replace("127.0.0.1:7860", f"127.0.0.1:{lab.server.port}")
    tls = f"tls {lab.home}/lab.pem {lab.home}/lab.key"
    text = text.replace(f"{NAME} {{", f"https://{NAME}:{port} {{\n  bind 127.0.0.1\n  {tls}")
    options = "{\n  admin off\n  auto_https disable_redirects\n  skip_install_trust\n}\n"
    (lab.home / "Caddyfile").write_text(options + text, encoding="utf-8")
    return [_program("caddy"), "run", "--config", str(lab.home / "Caddyfile")]


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        pytest.skip(f"needs {name}: `apt-get install {'nginx-light' if name == 'nginx' else name}`")
    return found


class Outside:
    """A browser on the other side of the proxy, as far as HTTP goes."""

    def __init__(self, port: int) -> None:
        self.port, self.cookies = port, {}
        self._trust = ssl.create_default_context()
        self._trust.check_hostname, self._trust.verify_mode = False, ssl.CERT_NONE

    def ask(self, path: str, method: str = "GET", body: str = "", **headers: str):
        """Status, headers and body of an answer."""
        link = HTTPSConnection(NAME, self.port, timeout=900)
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=900)
        link.sock = self._trust.wrap_socket(plain, server_hostname=NAME)
        origin = f"https://{NAME}:{self.port}"
        sent = {"Host": f"{NAME}:{self.port}", "Accept": "text/html", "Origin": origin}
        kept = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        sent |= {"Cookie": kept, **headers}
        link.request(method, path, body or None, sent)
        answer = link.getresponse()
        for found in answer.headers.get_all("set-cookie") or ():
            name, _, value = found.split(";")[0].partition("=")
            self.cookies[name] = value
        content = b"" if answer.status == 101 else answer.read()
        link.close()
        return answer.status, answer.headers, content


@pytest.mark.parametrize("proxy", [nginx, caddy])
def test_a_class_meets_behind_a_proxy_with_a_prefix_and_tls(proxy, lab):
    port = free_port()
    with open(lab.home / f"{proxy.__name__}.said", "w+") as log:
        running = subprocess.Popen(proxy(lab, port), stdout=log, stderr=log)
        try:
            outside = Outside(port)

            def answers() -> bool:
                assert running.poll() is None, (lab.home / f"{proxy.__name__}.said").read_text()
                try:
                    return outside.ask("/lab/healthz")[0] == 200
                except OSError:
                    return False

            wait_until(answers)
            _meets(outside, lab, proxy.__name__)
        finally:
            running.terminate()
            running.wait(timeout=900)


def _meets(outside: Outside, lab: Lab, name: str) -> None:
    status, headers, _ = outside.ask("/lab/train")
    assert (status, headers["location"]) == (303, "join")
    fields = {"code": lab.classroom.now().code, "name": f"Ada behind {name}"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    status, headers, _ = outside.ask("/lab/join", "POST", urlencode(fields), **form)
    assert (
        status == 303 and headers["location"] == "classroom" and "; Secure" in headers["set-cookie"]
    )
    for path in ("/lab/", "/lab/train", "/lab/_stcore/health"):
        status, headers, body = outside.ask(path)
        assert status == 200 and body, path
    status, headers, _ = outside.ask("/lab/canvas")
    assert status in (303, 307) and headers["location"].startswith("canvas/")
    page = wait_until(
        lambda: (
            (found := outside.ask("/lab/canvas/"))[0] == 200 and b"gradio" in found[2] and found[2]
        ),
    )
    assert f"https://{NAME}:{outside.port}/lab/canvas".encode() in page, "its own address is right"
    config = outside.ask("/lab/canvas/config")[2]
    assert f"https://{NAME}:{outside.port}/lab/canvas".encode() in config
    status, _, _ = outside.ask("/lab/canvas/gradio_api/file=/etc/passwd")
    assert status == 403, "a prefix opens no file"
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    assert outside.ask("/lab/_stcore/stream", **upgrade)[0] == 101
    stranger = Outside(outside.port)
    assert stranger.ask("/lab/_stcore/stream", **upgrade)[0] == 403
    assert stranger.ask("/lab/metrics")[0] in (303, 401)
    assert stranger.ask("/lab/metrics", Authorization=f"Bearer {KEY}")[0] == 200
    evil = {"Origin": "https://evil.example"}
    assert outside.ask("/lab/", **evil)[0] == 403
