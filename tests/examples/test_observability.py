"""The dashboard asks for metrics that are exported, and for no others; the application beside it exports them."""

from __future__ import annotations

import json
import re
from typing import Any

from authmw_prometheus import instrument
from prometheus_client import CollectorRegistry

from authmw.events.hub import hub
from authmw.events.records import KINDS
from examples.observability.app import app
from tests.events.test_records import made_of
from tests.support import ROOT

DASHBOARD: dict[str, Any] = json.loads((ROOT / "examples/observability/dashboard.json").read_text())
QUERIES = [target["expr"] for panel in DASHBOARD["panels"] for target in panel["targets"]]
LABELS = re.compile(r"by \(([\w, ]+)\) \([^)]*?(authmw_\w+)|(authmw_\w+)\{(\w+)=")


def exported() -> dict[str, set[str]]:
    """Each exported name, with its labels."""
    registry = CollectorRegistry()
    stop = instrument(registry)
    for kind in KINDS:
        hub.emit(made_of(kind, "x"))
    found = {sample.name: set(sample.labels) for metric in registry.collect() for sample in metric.samples}
    stop()
    return found


def test_each_metric_of_the_dashboard_is_exported_with_the_labels_that_it_uses() -> None:
    known = exported()
    asked = {name for query in QUERIES for name in re.findall(r"authmw_\w+", query)}
    assert asked - known.keys() == set()
    used = [
        (name or other, labels or label) for query in QUERIES for labels, name, other, label in LABELS.findall(query)
    ]
    assert len(used) > 8
    for name, labels in used:
        assert set(labels.split(", ")) <= known[name], (name, labels)


def test_the_dashboard_shows_every_event() -> None:
    shown = " ".join(QUERIES)
    assert [kind.name for kind in KINDS if f"authmw_{kind.name}_total" not in shown] == []


def test_panels_have_ids_of_their_own_and_do_not_overlap() -> None:
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in DASHBOARD["panels"]]
    assert len(set(places)) == len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)


def test_the_application_exports_what_it_counts() -> None:
    client = app.test_client()
    assert client.get("/orders", headers={"Authorization": "Bearer t0ken"}).json == {"hello": "alice"}
    assert client.get("/orders", headers={"Authorization": "Bearer other"}).status_code == 401
    metrics = client.get("/metrics").text
    assert re.search(r'^authmw_authenticated_total\{scheme="HTTPBearer"\} [1-9]', metrics, re.MULTILINE)
    assert re.search(r'^authmw_refused_total\{code="authmw.token-unknown",endpoint=""\} [1-9]', metrics, re.MULTILINE)
