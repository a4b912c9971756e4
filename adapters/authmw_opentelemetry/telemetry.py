"""The listener that makes signals of OpenTelemetry from events, with the names of the semantic conventions.

An event is a log record with an event name (OpenTelemetry's own events), a count, and, where it took time, a value of a
histogram and a span below that of the request.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from opentelemetry._logs import LoggerProvider, LogRecord, SeverityNumber, get_logger
from opentelemetry.metrics import Counter, Histogram, MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from authmw.events import (
    Event,
    IssuerUnreachable,
    LoggedIn,
    LoginFailed,
    Refreshed,
    RequestAuthenticated,
    RequestRefused,
    ReuseDetected,
    Throttled,
    TokenIssued,
    on_event,
)
from authmw.events.records import KINDS

Attributes = dict[str, str | int | float | tuple[str, ...]]

_SCOPE: Final = "authmw"
# Attribute registry of the semantic conventions 1.37. What it has no name for stands below `authmw.`.
_ATTRIBUTES: Final = {
    "code": "error.type",
    "status": "http.response.status_code",
    "method": "http.request.method",
    "path": "url.path",
    "source": "client.address",
    "principal": "user.id",
    "session": "session.id",
    "reason": "error.message",
}
# HTTP conventions: a method that is none of these, which any client can send, is `_OTHER`.
_METHODS: Final = frozenset(["CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"])
# HTTP conventions: the boundaries that they advise for durations of requests, in seconds.
_BOUNDARIES: Final = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
_WARNINGS: Final = (RequestRefused, LoginFailed, Throttled, IssuerUnreachable)
_NANOSECONDS: Final = 1_000_000_000


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    logger_provider: LoggerProvider | None = None,
) -> Callable[[], None]:
    """From now on, hand each event of authmw to OpenTelemetry, by the providers of the process unless others are given.

    It runs on a thread of its own, in the context of the event: a record and a span belong to the trace of the request,
    and no request waits for an exporter.

    Args:
        tracer_provider: for spans of what takes time.
        meter_provider: for counters and histograms.
        logger_provider: for a log record of each event.

    Returns:
        A function that ends it.

    >>> stop = instrument()
    >>> stop()
    """
    return on_event(Telemetry(tracer_provider, meter_provider, logger_provider))


class Telemetry:
    """The listener.

    Args:
        tracer_provider: for spans.
        meter_provider: for counters and histograms.
        logger_provider: for log records.
    """

    def __init__(
        self,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        logger_provider: LoggerProvider | None,
    ) -> None:
        self._tracer = get_tracer(_SCOPE, tracer_provider=tracer_provider)
        self._logger = get_logger(_SCOPE, logger_provider=logger_provider)
        meter = get_meter(_SCOPE, meter_provider=meter_provider)
        self._counters: dict[str, Counter] = {}
        self._durations: dict[str, Histogram] = {}
        for kind in KINDS:
            name = f"authmw.{kind.name}"
            about = (kind.__doc__ or "").partition("\n")[0]
            self._counters[kind.name] = meter.create_counter(name, unit="{event}", description=about)
            if _takes_time(kind):
                self._durations[kind.name] = meter.create_histogram(
                    f"{name}.duration", unit="s", description=about, explicit_bucket_boundaries_advisory=_BOUNDARIES
                )

    def __call__(self, event: Event) -> None:
        """Make the signals of `event`."""
        told = event.fields()
        seconds = float(str(told.pop("seconds", 0.0)))
        at = int(event.at * _NANOSECONDS)
        del told["at"]
        attributes = _attributes(told)
        few = _attributes({name: value for name, value in told.items() if name in event.labels})
        self._counters[event.name].add(1, few)
        if event.name in self._durations:
            self._durations[event.name].record(seconds, few)
        if _has_span(event):
            began = at - int(seconds * _NANOSECONDS)
            self._tracer.start_span(f"authmw {event.name}", attributes=attributes, start_time=began).end(at)
        name = f"authmw.{event.name}"
        severity = _severity(event)
        self._logger.emit(
            LogRecord(timestamp=at, severity_number=severity, body=name, attributes=attributes, event_name=name)
        )


def _takes_time(kind: type[Event]) -> bool:
    return kind in (LoggedIn, LoginFailed, Refreshed, TokenIssued)


def _has_span(event: Event) -> bool:
    """Whether the event is one that took time. A login and a refresh are one span, and not another for their token."""
    if isinstance(event, TokenIssued):
        return event.grant == "client_credentials"
    return _takes_time(type(event))


def _severity(event: Event) -> SeverityNumber:
    if isinstance(event, RequestAuthenticated):
        return SeverityNumber.DEBUG
    if isinstance(event, ReuseDetected):
        return SeverityNumber.ERROR
    return SeverityNumber.WARN if isinstance(event, _WARNINGS) else SeverityNumber.INFO


def _attributes(fields: dict[str, str | float | tuple[str, ...]]) -> Attributes:
    named: Attributes = {_ATTRIBUTES.get(name, f"authmw.{name}"): value for name, value in fields.items()}
    if "http.request.method" in named and named["http.request.method"] not in _METHODS:
        named["http.request.method"] = "_OTHER"
    return named
