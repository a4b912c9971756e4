"""Events in the format of OpenTelemetry's collector and as signals, from a real server; none holds a secret."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.servers.running import SERVERS, started

pytestmark = [pytest.mark.servers, pytest.mark.slow]

KINDS: dict[str, Any] = {
    "/v1/logs": ExportLogsServiceRequest,
    "/v1/metrics": ExportMetricsServiceRequest,
    "/v1/traces": ExportTraceServiceRequest,
}


@dataclass
class Collector:
    """What was sent to it, as the JSON of OTLP."""

    port: int
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list[tuple[str, dict[str, Any]]])

    def of(self, path: str, *keys: str) -> list[dict[str, Any]]:
        """The members below `keys` of everything that was sent to `path`."""
        found = [message for sent_to, message in self.got if sent_to == path]
        for key in keys:
            found = [member for message in found for member in message.get(key, [])]
        return found

    @property
    def logs(self) -> list[dict[str, Any]]:
        return self.of("/v1/logs", "resourceLogs", "scopeLogs", "logRecords")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        return self.of("/v1/metrics", "resourceMetrics", "scopeMetrics", "metrics")

    @property
    def spans(self) -> list[dict[str, Any]]:
        return self.of("/v1/traces", "resourceSpans", "scopeSpans", "spans")


@contextmanager
def collecting() -> Generator[Collector]:
    """A collector on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            message = KINDS[self.path]()
            message.ParseFromString(body)
            collector.got.append((self.path, MessageToDict(message)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    collector = Collector(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attributes(record: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a record, a span or a point, as a dict."""
    return {each["key"]: next(iter(each["value"].values())) for each in record.get("attributes", [])}


@dataclass
class Run:
    """What a run of the shop told."""

    collector: Collector
    signals: list[dict[str, Any]]
    secrets: list[str]
    answers: list[int]
    printed: str


@pytest.fixture(scope="module")
def run() -> Generator[Run]:
    """A run that logs in, is let in and refused, refreshes, uses a token again, revokes and fails."""
    secrets, answers = ["correct horse", "hunter2"], list[int]()
    with collecting() as collector:
        environment = {"COLLECTOR": f"http://127.0.0.1:{collector.port}"}
        command = SERVERS["gunicorn"][1]
        with started(command, "tests.adapters.opentelemetry.shop:application", environment) as server:
            url = f"http://127.0.0.1:{server.port}"

            def post(path: str, **form: str) -> dict[str, Any]:
                answer = requests.post(f"{url}/auth{path}", {"client_id": "first-party", **form}, timeout=30)
                answers.append(answer.status_code)
                members: dict[str, Any] = answer.json() if answer.content else {}
                secrets.extend(value for name, value in members.items() if name in ("access_token", "refresh_token"))
                return members

            def get(path: str, token: str) -> None:
                headers = {"Authorization": f"Bearer {token}"}
                answers.append(requests.get(url + path, headers=headers, timeout=30).status_code)

            login = {"grant_type": "password", "username": "alice"}
            first = post("/token", password="correct horse", **login)
            get("/orders", first["access_token"])
            get("/reports", first["access_token"])
            get("/orders", "f0rged.t0ken")
            secrets.append("f0rged.t0ken")
            post("/token", password="hunter2", **login)
            second = post("/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
            post("/token", grant_type="refresh_token", refresh_token=first["refresh_token"])
            post("/revoke", token=second["refresh_token"])
            signals = requests.post(f"{url}/flush", timeout=60).json()
            printed = server.output()
        yield Run(collector, signals, secrets, answers, printed)


def test_every_request_was_answered_beside_a_listener_that_blocks_and_one_that_raises(run: Run) -> None:
    assert run.answers == [200, 200, 403, 401, 400, 200, 400, 200]


TOLD = set("logged_in token_issued authenticated refused login_failed refreshed reuse_detected revoked".split())


def test_the_collector_has_each_event_as_an_event_with_the_names_of_the_conventions(run: Run) -> None:
    assert {record["eventName"].removeprefix("authmw.") for record in run.collector.logs} >= TOLD
    refused = [record for record in run.collector.logs if record["eventName"] == "authmw.refused"]
    by_code = {attributes(record)["error.type"]: attributes(record) for record in refused}
    missing = by_code["authmw.scope-missing"]
    assert missing["user.id"] == "user-1"
    assert missing["http.request.method"] == "GET"
    assert missing["url.path"] == "/reports"
    assert missing["client.address"] == "127.0.0.1"
    assert missing["http.response.status_code"] == "403"
    assert {each["http.response.status_code"] for each in by_code.values()} == {"400", "401", "403"}


def test_records_and_spans_belong_to_the_trace_of_their_request(run: Run) -> None:
    own = {span["spanId"]: span for span in run.collector.spans if span["name"] == "request"}
    told = [span for span in run.collector.spans if span["name"].startswith("authmw ")]
    assert sorted(span["name"] for span in told) == ["authmw logged_in", "authmw login_failed", "authmw refreshed"]
    for span in told:
        above = own[span["parentSpanId"]]
        assert above["traceId"] == span["traceId"]
        assert int(above["startTimeUnixNano"]) <= int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
    of_requests = [record for record in run.collector.logs if record["eventName"] != "authmw.user_changed"]
    assert {record["traceId"] for record in of_requests} <= {span["traceId"] for span in own.values()}


def test_the_collector_has_counts_and_durations(run: Run) -> None:
    metrics = {metric["name"]: metric for metric in run.collector.metrics}
    failed = metrics["authmw.login_failed"]["sum"]["dataPoints"][0]
    assert (failed["asInt"], attributes(failed)) == ("1", {"error.type": "authmw.password-wrong"})
    duration = metrics["authmw.logged_in.duration"]
    assert duration["unit"] == "s"
    assert duration["histogram"]["dataPoints"][0]["count"] == "1"
    for metric in run.collector.metrics:
        for point in (metric.get("sum") or metric["histogram"])["dataPoints"]:
            assert not {"user.id", "client.address", "url.path", "session.id"} & attributes(point).keys()


def test_the_signals_of_flask_told_the_same(run: Run) -> None:
    names = [signal["name"] for signal in run.signals]
    assert set(names) >= TOLD
    assert names.count("reuse_detected") == 1
    assert len(names) == len(run.collector.logs)


def test_log_1_no_event_of_the_run_holds_a_secret(run: Run) -> None:
    said = json.dumps([run.collector.got, run.signals]) + run.printed
    assert len(run.secrets) == 7
    assert [secret for secret in run.secrets if secret in said] == []
    assert "raised KeyError" in run.printed
    assert run.printed.count("raised KeyError") == 1
