"""The compose file names settings that there are, and its Prometheus is let in."""

from __future__ import annotations

from pathlib import Path

import yaml

from app.doors.addresses import addresses_of
from app.doors.admission import check_reach
from engine.settings import SETTINGS, read_settings

ROOT = Path(__file__).parents[2]


def test_the_composed_lab_starts_and_knows_the_name_that_prometheus_calls():
    found = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    given = found["services"]["lab"]["environment"]
    assert given.keys() <= {setting.name for setting in SETTINGS}
    assert given["GLYPHLAB_KEY"].startswith("${GLYPHLAB_KEY:?"), "no key of its own"
    settings = read_settings({**given, "GLYPHLAB_KEY": "a" * 12, "GLYPHLAB_HOST": "0.0.0.0"})
    check_reach(settings)
    scraped = yaml.safe_load(found["configs"]["prometheus"]["content"])["scrape_configs"][0]
    (target,) = scraped["static_configs"][0]["targets"]
    assert addresses_of(settings, {}).has(target) and target == f"lab:{settings.port}"
    assert scraped["authorization"]["credentials"] == "${GLYPHLAB_KEY}"
    home = found["services"]["lab"]["volumes"][0].partition(":")[2]
    assert f"GLYPHLAB_HOME={home}" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
