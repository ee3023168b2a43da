"""What Prometheus reads at /metrics: requests and their times by door, runs by state, the queue,
memory and processor time of this process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.doors.tally import BUCKETS, Tally

if TYPE_CHECKING:
    from prometheus_client.core import Metric


class _Collector:
    """The tally and the lab's health, in Prometheus' words."""

    def __init__(self, tally: Tally, states: Callable[[], dict[str, int]]) -> None:
        self._tally, self._states = tally, states

    def collect(self) -> Iterator[Metric]:
        """Every family of figures."""
        from prometheus_client.core import (
            CounterMetricFamily,
            GaugeMetricFamily,
            HistogramMetricFamily,
        )

        answers = CounterMetricFamily(
            "glyphlab_requests", "Requests answered.", labels=("method", "door", "status")
        )
        for (method, door, status), count in list(self._tally.answers.items()):
            answers.add_metric((method, door or "none", str(status)), count)
        yield answers
        times = HistogramMetricFamily(
            "glyphlab_request_seconds",
            "Seconds from a request to the end of its answer; the pad's questions are the door"
            " /canvas/gradio_api/component_server.",
            labels=("method", "door"),
        )
        for key, found in list(self._tally.times.items()):
            total, rows = 0, []
            for end, count in zip((*map(str, BUCKETS), "+Inf"), found.counts, strict=True):
                total += count
                rows.append((end, total))
            times.add_metric(key, rows, found.seconds)
        yield times
        runs = GaugeMetricFamily("glyphlab_runs", "Runs of the lab.", labels=("state",))
        for state, count in self._states().items():
            runs.add_metric((state,), count)
        yield runs


def metrics_route(tally: Tally, states: Callable[[], dict[str, int]]) -> Route:
    """The route /metrics. states: asked for the number of runs in each state."""

    def page() -> tuple[bytes, str]:
        from prometheus_client import (
            CONTENT_TYPE_LATEST,
            CollectorRegistry,
            ProcessCollector,
            generate_latest,
        )

        registry = CollectorRegistry()
        collector: Any = _Collector(tally, states)
        registry.register(collector)
        ProcessCollector(registry=registry)
        return generate_latest(registry), CONTENT_TYPE_LATEST

    async def metrics(request: Request) -> Response:
        body, kind = await run_in_threadpool(page)
        return Response(body, media_type=kind)

    return Route("/metrics", metrics)
