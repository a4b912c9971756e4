"""Metrics of Prometheus: a count of each event, by labels of few values."""

from __future__ import annotations

import pytest
from authmw_prometheus import instrument
from prometheus_client import CollectorRegistry, generate_latest

from authmw import ConfigurationError
from authmw.events.hub import hub
from authmw.events.records import KINDS
from authmw.oauth2 import Lifetimes
from tests.events.test_records import made_of
from tests.oauth2.asking import Bench


def test_a_login_and_what_follows_are_counted() -> None:
    registry = CollectorRegistry()
    stop = instrument(registry)
    bench = Bench(lifetimes=Lifetimes(grace=0))
    token = bench.log_in().json["refresh_token"]
    bench.refresh(token)
    bench.clock.now += 1
    bench.refresh(token)
    for _ in range(2):
        bench.log_in(password="wrong")
    value = registry.get_sample_value
    assert value("authmw_logged_in_total") == 1
    assert value("authmw_logged_in_seconds_count") == 1
    assert value("authmw_token_issued_total", {"grant": "password"}) == 1
    assert value("authmw_refreshed_total") == 1
    assert value("authmw_reuse_detected_total") == 1
    assert value("authmw_revoked_total", {"kind": "session"}) == 1
    assert value("authmw_login_failed_total", {"code": "authmw.password-wrong"}) == 2
    assert value("authmw_refused_total", {"code": "invalid_grant", "endpoint": "token"}) == 3
    assert value("authmw_user_changed_total", {"change": "created"}) == 1
    stop()
    assert generate_latest(registry) == b""


def test_every_event_is_counted_once_and_no_label_tells_of_anybody() -> None:
    registry = CollectorRegistry()
    stop = instrument(registry)
    for kind in KINDS:
        for name in ("one", "two"):
            hub.emit(made_of(kind, name))
    counts = {
        sample.name: sample
        for metric in registry.collect()
        for sample in metric.samples
        if sample.name.endswith("_total")
    }
    assert set(counts) == {f"authmw_{kind.name}_total" for kind in KINDS}
    assert {name for sample in counts.values() for name in sample.labels} == set(
        "scheme code endpoint grant kind by issuer keys change".split()
    )
    stop()


def test_a_second_call_for_one_registry_is_refused() -> None:
    registry = CollectorRegistry()
    stop = instrument(registry)
    with pytest.raises(ConfigurationError, match="once, or with a registry of its own"):
        instrument(registry)
    stop()
    instrument(registry)()
