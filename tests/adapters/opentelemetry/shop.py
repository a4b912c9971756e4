"""A shop that sends its events to a collector of OpenTelemetry, and to a receiver of Flask's signals."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from typing import Any

from authmw_flask import FlaskAuth, requires_scopes, signal, token_blueprint
from authmw_opentelemetry import instrument
from flask import Flask
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from authmw import Auth, HTTPBearer
from authmw.events import Event, on_event
from authmw.events.hub import hub
from authmw.oauth2 import Lifetimes, TokenService
from authmw.oauth2.runtime import Runtime
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher

HASHER = PasswordHasher(CHEAPEST)
stores = MemoryStores(hasher=HASHER)
collector = os.environ["COLLECTOR"]
tracers, meters, loggers = (
    TracerProvider(),
    MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter(f"{collector}/v1/metrics"), 60_000)]),
    LoggerProvider(),
)
tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces")))
loggers.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{collector}/v1/logs")))
instrument(tracer_provider=tracers, meter_provider=meters, logger_provider=loggers)


def fail(event: Event) -> None:
    raise KeyError("a listener that raises")


def block(event: Event) -> None:
    while True:
        os.read(_never, 1)


_never, _ = os.pipe()
on_event(fail)
on_event(block)
received: list[dict[str, Any]] = []


def receive(sender: object, event: Event) -> None:
    received.append({"name": event.name, **event.fields()})


names = set(
    "authenticated refused logged_in login_failed token_issued refreshed reuse_detected revoked throttled keys_rotated "
    "issuer_unreachable user_changed".split()
)
for name in names:
    signal(name).connect(receive)

stores.users.create("alice", "correct horse", id="user-1", scopes=["orders:read"])
service = TokenService(
    issuer="http://localhost/auth",
    audience="orders",
    stores=stores,
    password=True,
    lifetimes=Lifetimes(grace=0),
    runtime=Runtime(hasher=HASHER),
)
app = Flask("shop")
FlaskAuth(app, Auth(HTTPBearer(service.verifier())), public=["POST /flush"])
app.register_blueprint(token_blueprint(service, url_prefix="/auth"))


@app.get("/orders")
@requires_scopes("orders:read")
def orders() -> dict[str, str]:
    return {"orders": "none"}


@app.get("/reports")
@requires_scopes("reports")
def reports() -> dict[str, str]:
    return {}


@app.post("/flush")
def flush() -> str:
    """Send what waits, and tell what the receiver of signals got."""
    hub.flush(2.0)  # the listener that blocks is waited for in vain
    for provider in (tracers, meters, loggers):
        assert provider.force_flush()
    return json.dumps(received)


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The shop, in a span for each request, as an instrumentation of its server makes them."""
    with trace.get_tracer("server", tracer_provider=tracers).start_as_current_span("request"):
        return app(environ, start_response)
