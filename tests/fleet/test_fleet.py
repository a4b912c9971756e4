"""A fleet in miniature: what is revoked in one process is refused by all of them within the bound."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import pytest

from tests.fleet.asking import log_in
from tests.fleet.delays import REVOCATIONS, SERVERS, Fleet, fleet_of

pytestmark = [pytest.mark.servers, pytest.mark.fleet]

FLEETS: Final = [("postgresql", True), ("fleet", False)]


@pytest.fixture(scope="module", params=FLEETS, ids=["postgresql-jwt", "redis-opaque"])
def fleet(request: pytest.FixtureRequest) -> Generator[Fleet]:
    kind, jwt = request.param
    with fleet_of(kind, jwt=jwt) as running:
        yield running


@pytest.mark.parametrize("kind", REVOCATIONS)
def test_what_one_process_revokes_all_refuse_within_the_bound(fleet: Fleet, kind: str) -> None:
    at = list(REVOCATIONS).index(kind) % len(SERVERS)
    [username] = fleet.backend.add_users(1)
    delays = fleet.revoke(kind, username, at=at)
    # Whoever asks later than that is refused: there is nothing to be added to it.
    assert max(delay.seconds for delay in delays) < fleet.backend.settings.bound
    assert {delay.statuses for delay in delays} <= {(401,), (200, 401)}
    if kind == "a user is disabled":
        assert {log_in(port, username).status for port in fleet.ports} == {400}
