"""A soak of some seconds, and the oracle of the long one: ``python -m tests.soak``."""

from __future__ import annotations

import pytest

from tests.soak.__main__ import soak
from tests.soak.memory import GROWTH, Memory
from tests.soak.notes import LONGEST, Seen
from tests.soak.oracle import AFTERWARDS, Event, fault_in

OUTAGE = Event("PostgreSQL silent", 100.0, 120.0, True)
KILLED = Event("killed workers", 200.0, 200.1, False)


def judged(
    status: int, at: float, right: int = 200, *, seconds: float = 0.1, store: bool = True, said: str = ""
) -> str:
    seen = Seen("kind", status, at, at + seconds, (right,), store, said)
    return fault_in(seen, [OUTAGE, KILLED], 0.0)


@pytest.mark.parametrize(
    "fault",
    [
        judged(401, 50.0),
        judged(401, 110.0),
        judged(429, 110.0),
        judged(503, 50.0),
        judged(503, 120.0 + AFTERWARDS + 0.1),
        judged(500, 110.0),
        judged(503, 110.0, store=False),
        judged(200, 110.0, 401),
        judged(200, 50.0, said="taken for bob"),
        judged(0, 50.0, said="ConnectionResetError"),
        judged(0, 110.0, said="ConnectionResetError"),
        judged(200, 110.0, seconds=LONGEST + 0.1),
        judged(200, 50.0, said="introspected as active=True"),
    ],
)
def test_the_oracle_finds_what_is_wrong(fault: str) -> None:
    assert fault


@pytest.mark.parametrize(
    "fault",
    [judged(200, 50.0), judged(401, 50.0, 401), judged(503, 110.0), judged(503, 121.0, 401), judged(0, 201.0)],
)
def test_the_oracle_takes_what_is_right(fault: str) -> None:
    assert fault == ""


@pytest.mark.servers
@pytest.mark.fleet
@pytest.mark.timeout(900)
@pytest.mark.parametrize("jwt", [False, True], ids=["opaque", "jwt"])
def test_nothing_is_wrong_while_stores_go_away_and_workers_are_killed(jwt: bool) -> None:
    report = soak(0, outage=4.0, calm=1.0, jwt=jwt, slack=3.0, seed=1)
    assert report.faults == []
    assert report.requests > 500
    kinds = {kind.rpartition(": ")[2]: answers for kind, answers in report.answers.items()}
    assert {"access token", "API key", "cookies", "Digest", "DPoP", "introspection", "password"} <= kinds.keys()
    assert all(answers[401] for kind, answers in kinds.items() if kind in ("cookies", "DPoP", "introspection"))


def test_a_worker_that_goes_on_growing_is_a_fault() -> None:
    memory = Memory(warm_after=60.0)
    memory.series["gunicorn", 1] = [(0.0, 50.0), (60.0, 80.0), (120.0, 80.0 + GROWTH)]
    memory.series["gunicorn", 2] = [(0.0, 50.0), (60.0, 80.0), (120.0, 80.1 + GROWTH)]
    memory.series["uvicorn", 3] = [(0.0, 50.0), (59.0, 500.0)]
    assert [fault.partition(" grew")[0] for fault in memory.faults()] == ["gunicorn: worker 2"]
