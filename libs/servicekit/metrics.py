"""What a process counts and times, in Prometheus' format."""

from typing import Final

from prometheus_client import CONTENT_TYPE_LATEST, Gauge, Histogram, generate_latest
from starlette.responses import Response

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_requests = Histogram(
    "http_request_duration_seconds",
    "Time from the request's first byte to the response's last.",
    ["method", "route", "status"],
    buckets=_BUCKETS,
)
_process = Gauge("huitou_process", "1 for the service and the kind of process that this is.", ["service", "process"])
_METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def name_process(service: str, process: str) -> None:
    """`huitou_process` tells which process the other figures belong to."""
    _process.labels(service=service, process=process).set(1)


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """The request is in the histogram; `route` is a template, never a path with ids in it."""
    known = method if method in _METHODS else "other"
    _requests.labels(method=known, route=route, status=str(status)).observe(seconds)


def exposition() -> Response:
    """All figures of this process."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
