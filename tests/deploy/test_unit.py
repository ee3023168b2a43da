"""The systemd unit that docs/deploy.md prints: systemd reads it, and its settings are the lab's."""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from weblab import Server

from app.doors.admission import check_reach
from engine.settings import SETTINGS, read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def unit() -> str:
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    (found,) = re.findall(r"```ini\n(.*?)```", text, re.S)
    return found


def test_the_unit_starts_a_lab_with_settings_that_there_are(unit):
    (line,) = re.findall(r"^Environment=(.*)$", unit, re.M)
    given = dict(pair.split("=", 1) for pair in line.split())
    assert given.keys() <= {setting.name for setting in SETTINGS}
    check_reach(read_settings(given))
    (state,) = re.findall(r"^StateDirectory=(.*)$", unit, re.M)
    assert "PrivateTmp=yes" in unit, "what is uploaded needs a place that may be written"
    assert "CacheDirectory=glyphlab\nCacheDirectoryMode=0700" in unit, "a home may not be there"
    assert given["GLYPHLAB_HOME"] == f"/var/lib/{state}", "the one folder that it may write to"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
def test_systemd_has_nothing_to_say_against_it(unit, tmp_path):
    unit = unit.replace("/srv/glyphlab/.venv/bin/python", sys.executable)
    unit = unit.replace("/srv/glyphlab", str(tmp_path)).replace(
        "User=glyphlab", "User=" + getpass.getuser()
    )
    file = tmp_path / "glyphlab.service"
    file.write_text(unit, encoding="utf-8")
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(file)], capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_it_answers_where_the_accounts_home_can_not_be_looked_into(tmp_path):
    """As under ProtectHome=yes; root may look everywhere, but not below a file."""
    (tmp_path / ".streamlit").write_text("no folder", encoding="utf-8")
    server = Server(tmp_path, HOME=str(tmp_path))
    try:
        assert server.get("/")[0] == 200
    finally:
        server.close()
