"""Plugin of pytest: fixtures for tests of programs that use authmw. The docs page "Testing" explains each.

pytest loads it in every project of an environment that has authmw, before coverage begins to measure. So it imports
nothing of authmw but inside a fixture, has no hook, and replaces nothing unless a test asks for a fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from authmw.testing.acting import AsUser, Caller, Stage
    from authmw.testing.clock import FakeClock
    from authmw.testing.fake_issuers import FakeIssuerFor
    from authmw.testing.memory_stores import MemoryStoresFor


@pytest.fixture
def _authmw_stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    from authmw.testing.acting import Stage

    stage = Stage(lambda: _client_of_project(request))
    with pytest.MonkeyPatch.context() as patch:
        stage.set(patch)
        yield stage


@pytest.fixture
def as_user(_authmw_stage: Stage) -> AsUser:
    """``with as_user("alice", "orders:read"):`` requests are alice's; ``as_user("alice").get("/")`` sends one."""
    from authmw.testing.acting import AsUser

    return AsUser(_authmw_stage)


@pytest.fixture
def anonymous(_authmw_stage: Stage) -> Caller:
    """``with anonymous:`` requests are of nobody; ``anonymous.get("/")`` sends one."""
    from authmw.identity.principal import ANONYMOUS

    return _authmw_stage.caller(ANONYMOUS)


@pytest.fixture
def fake_issuer() -> Iterator[FakeIssuerFor]:
    """``fake_issuer(auth).token("alice", scopes=[...])`` is a token that `auth` accepts without the network."""
    from authmw.testing.fake_issuers import FakeIssuerFor

    with ExitStack() as undone:
        yield FakeIssuerFor(undone)


@pytest.fixture
def memory_stores(cheap_hashes: None) -> Iterator[MemoryStoresFor]:
    """``memory_stores()`` is a new `MemoryStores`; ``memory_stores(stores)`` also stands in for `stores`."""
    from authmw.testing.memory_stores import MemoryStoresFor

    with pytest.MonkeyPatch.context() as patch:
        yield MemoryStoresFor(patch)


@pytest.fixture
def cheap_hashes() -> Iterator[None]:
    """Passwords are hashed in no time, which protects nothing: for tests only."""
    from authmw.testing.cheap_hashes import make_hashes_cheap

    with pytest.MonkeyPatch.context() as patch:
        make_hashes_cheap(patch)
        yield


@pytest.fixture
def clock() -> Iterator[FakeClock]:
    """``clock.advance(minutes=11)`` moves every clock of authmw, which stand still until then."""
    from authmw.testing.clock import FakeClock, move_all_clocks

    moved = FakeClock()
    with pytest.MonkeyPatch.context() as patch:
        move_all_clocks(moved, patch)
        yield moved


def _client_of_project(request: pytest.FixtureRequest) -> Any:
    """The client of the fixture ``client``; without one, that of the Flask application of the fixture ``app``."""
    try:
        return request.getfixturevalue("client")
    except pytest.FixtureLookupError as error:
        if error.argname != "client":
            raise
    try:
        return request.getfixturevalue("app").test_client()
    except (pytest.FixtureLookupError, AttributeError):
        raise _no_client() from None


def _no_client() -> Exception:
    from authmw.errors import ConfigurationError

    return ConfigurationError(
        "as_user(...).get(...) sends its requests through the fixture client of your tests, and there is none: "
        "make one that returns TestClient(app), or write as_user(...).through(TestClient(app)).get(...)"
    )
