"""What other authorization servers got wrong: each test is named after its class of bypass."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores, SQLThrottle

from authmw.http.reasons import Reason
from authmw.identity.principal import Principal
from authmw.identity.verdict import Rejected
from tests.oauth2.asking import HASHER, KEYS, Answer, Bench, Clock

RACERS = 8


@contextmanager
def started(path: Path, **options: Any) -> Generator[Bench]:
    """A service on a file, as a process has it that has just started."""
    clock = Clock()
    with closing(SQLStores(f"sqlite:///{path}", hasher=HASHER, clock=clock)) as stores:
        throttle = SQLThrottle(stores.database, free=1000)
        bench = Bench(stores=stores, throttle=throttle, **options)
        if not stores.users.list():
            stores.users.create("alice", "correct horse", scopes=["orders:read"])
        yield bench


def test_class_26_refreshes_at_once_get_one_successor_in_every_process(tmp_path: Path) -> None:
    """CVE-2026-1035, CVE-2026-22751: what reads first and writes later hands out two."""
    with started(tmp_path / "app.db") as one, started(tmp_path / "app.db") as other:
        token = one.log_in().json["refresh_token"]
        barrier = threading.Barrier(RACERS)

        def refresh(bench: Bench) -> Answer:
            barrier.wait()
            return bench.refresh(token)

        with ThreadPoolExecutor(RACERS) as pool:
            answers = list(pool.map(refresh, [one, other] * (RACERS // 2)))
        assert Counter(answer.status for answer in answers) == {200: RACERS}
        (successor,) = {answer.json["refresh_token"] for answer in answers}
        assert other.refresh(successor).status == 200


@pytest.mark.parametrize("keys", [KEYS, None], ids=["signed", "opaque"])
def test_class_27_what_was_revoked_is_refused_after_a_restart(tmp_path: Path, keys: Any) -> None:
    """CVE-2026-9802: revocations that were kept in memory only."""
    with started(tmp_path / "app.db", keys=keys) as bench:
        kept, ended = bench.log_in().json, bench.log_in().json
        assert bench.post({"token": ended["refresh_token"]}, path="/revoke").status == 200
    with started(tmp_path / "app.db", keys=keys) as bench:
        refused = bench.verified(ended["access_token"])
        assert isinstance(refused, Rejected)
        assert refused.reason is Reason.TOKEN_REVOKED
        assert bench.refresh(ended["refresh_token"]).error == "invalid_grant"
        assert isinstance(bench.verified(kept["access_token"]), Principal)
        assert bench.refresh(kept["refresh_token"]).status == 200
