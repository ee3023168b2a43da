"""What passes the door is counted, and can be found again by its id."""

from __future__ import annotations

import json

from at_the_door import TABLE, Inside, ask
from own_loop import run

from app.doors.addresses import addresses_of
from app.doors.guard import Guard
from app.doors.proxies import proxies_of
from app.doors.tally import Seen, Tally
from app.metrics import metrics_route
from engine.people.request_log import request_log
from engine.settings import read_settings


def door(inside: Inside, tally: Tally) -> Guard:
    settings = read_settings({})
    return Guard(
        inside, TABLE, addresses_of(settings, {}), proxies_of(settings, {}), 1000, tally=tally
    )


def test_requests_are_counted_by_door_and_logged_without_addresses(tmp_path, caplog):
    tally = Tally(request_log(tmp_path))
    answer = ask(door(Inside(), tally), "/train")
    ask(door(Inside(), tally), "/train")
    ask(door(Inside(), tally), "/no-such-page?token=secret")
    ask(door(Inside(), tally), "/healthz", "BREW")
    ask(door(Inside(), tally), "/_stcore/stream", "WEBSOCKET")
    failed = ask(door(Inside(ValueError("wrong")), tally), "/train")
    assert tally.answers["GET", "/train", 200] == 2 and failed[0] == 500
    assert tally.answers["any", "", 404] == 1 and tally.answers["any", "", 405] == 1
    assert tally.answers["WEBSOCKET", "/_stcore/stream", 101] == 1
    assert sum(tally.times["GET", "/train"].counts) == 3
    tally.close()
    said = (tmp_path / "logs" / "requests.jsonl").read_text()
    rows = [json.loads(line) for line in said.splitlines()]
    assert len(rows) == 6 and rows[0]["id"] == answer[1]["x-request-id"]
    assert failed[1]["x-request-id"] in caplog.text
    assert "127.0.0.1" not in said and "secret" not in said


def test_a_line_names_nobody_whom_the_class_has_forgotten(tmp_path):
    known = {"ada"}
    tally = Tally(request_log(tmp_path), lambda who: who in known)
    for who in ("ada", "ben"):
        seen = Seen({"type": "websocket"}, None)
        seen.who = who
        tally.count(seen)
    rows = (tmp_path / "logs" / "requests.jsonl").read_text().splitlines()
    assert [json.loads(row)["who"] for row in rows] == ["ada", ""]


def test_a_log_that_can_not_be_written_fails_no_request_and_is_said_once(tmp_path, caplog):
    (tmp_path / "logs").write_text("in the way")
    tally = Tally(request_log(tmp_path))
    for _ in range(2):
        assert ask(door(Inside(), tally), "/train")[0] == 200
    assert caplog.text.count("requests are not logged now") == 1


def test_prometheus_reads_the_same_counts():
    from prometheus_client.parser import text_string_to_metric_families

    tally = Tally()
    for _ in range(3):
        ask(door(Inside(), tally), "/train")
    route = metrics_route(tally, lambda: {"running": 1, "queued": 2})
    body = run(route.endpoint(None)).body.decode()
    found = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }
    assert found["glyphlab_requests_total", "/train", "200", "GET"] == 3
    assert found["glyphlab_request_seconds_count", "/train", "GET"] == 3
    assert found["glyphlab_request_seconds_bucket", "+Inf", "/train", "GET"] == 3
    assert found["glyphlab_runs", "queued"] == 2
    assert found[("process_resident_memory_bytes",)] > 1e6
