"""A remembered password, while another process changes the user: with SQL stores, with the feed and without."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from authmw_sqlalchemy import AsyncSQLStores, SQLStores
from sqlalchemy import URL, make_url

from authmw.flow.flow import run_async
from authmw.http.request import WSGIRequest
from authmw.identity.credentials import BasicCredentials
from authmw.identity.verdict import Authenticated, Verdict
from authmw.stores import RevocationFeed
from authmw.testing import FakeClock
from authmw.verifiers.password import PasswordVerifier
from authmw.verifiers.password_memory import PasswordMemory
from tests.adapters.sqlalchemy.databases import HASHER, make_schema, written
from tests.drivers import DRIVERS
from tests.verifiers.password_bench import Hashing

pytestmark = pytest.mark.slow  # a process is started

REQUEST: Final = WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": "192.0.2.7"})
CHANGES: Final = {
    "disabled": "users.disable('alice')",
    "deleted": "users.delete('alice')",
    "password": "users.set_password('alice', 'n3w')",
    "scopes": "users.set_scopes('alice', ['write'])",
    "revoked": "stores.revocations.publish(Revocation.of_user('alice', time.time()))",
}
OTHER_PROCESS: Final = """
import sys, time
from authmw.stores import CHEAPEST, PasswordHasher, Revocation
from authmw_sqlalchemy import SQLStores

for line in sys.stdin:
    url, change = line.split()
    stores = SQLStores(url, hasher=PasswordHasher(CHEAPEST))
    users = stores.users
    {changes}[change]()
    stores.close()
    print("done", flush=True)
"""

ChangeElsewhere = Callable[[URL, str], None]


@pytest.fixture(scope="module")
def change_elsewhere() -> Iterator[ChangeElsewhere]:
    """Changes alice in another process."""
    changes = "{" + ", ".join(f"{name!r}: lambda: {change}" for name, change in CHANGES.items()) + "}"
    command = [sys.executable, "-I", "-c", OTHER_PROCESS.format(changes=changes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def change(url: URL, what: str) -> None:
            assert process.stdin is not None
            assert process.stdout is not None
            print(written(url), what, file=process.stdin, flush=True)
            assert process.stdout.readline() == "done\n"

        yield change


class Login:
    """A verifier of this process. The test moves the clock of its feed."""

    def __init__(self, stores: Any, *, feed: bool) -> None:
        self.timer = FakeClock(50.0)
        self.hasher = Hashing()
        self.feed = RevocationFeed(stores.revocations, bound=1.0, monotonic=self.timer) if feed else None
        self.verifier = PasswordVerifier(
            stores.users, hasher=self.hasher, throttle=stores.throttle, revocations=self.feed
        )
        self.verifier._memory = PasswordMemory(60.0, time.time, self.feed, monotonic=self.timer)  # pyright: ignore
        self.follow()

    def follow(self) -> None:
        """What the thread of the feed does."""
        if self.feed is not None:
            self.feed.follow_once()

    def flow(self, password: str = "s3cret") -> Any:
        return self.verifier.verify(BasicCredentials("alice", password), REQUEST)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The URL of a database with our tables."""
    if request.param == "sqlite":
        return make_url(f"sqlite:///{tmp_path / 'app.db'}")
    return make_schema(request.getfixturevalue("namespace"))


@pytest.fixture(autouse=True)
def _no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def start_nothing(_: RevocationFeed) -> None: ...

    monkeypatch.setattr("authmw.stores.revocation_feed.RevocationFeed._start", start_nothing)


@contextmanager
def login(url: URL, *, feed: bool) -> Generator[Login]:
    stores = SQLStores(url, hasher=HASHER)
    try:
        stores.users.create("alice", "s3cret", scopes=["read"])
        yield Login(stores, feed=feed)
    finally:
        stores.close()


def opens(verdict: Verdict) -> bool:
    return isinstance(verdict, Authenticated)


@pytest.mark.parametrize("driver", ["sync", "asyncio"])
@pytest.mark.parametrize("change", CHANGES)
def test_without_a_feed_a_change_elsewhere_counts_with_the_next_request(
    url: URL, change: str, driver: str, change_elsewhere: ChangeElsewhere
) -> None:
    drive = DRIVERS[driver]
    with login(url, feed=False) as here:
        assert opens(drive(here.flow()))
        change_elsewhere(url, change)
        verdict = drive(here.flow())
        if change in ("disabled", "deleted", "password"):
            assert not opens(verdict)
            assert opens(drive(here.flow("n3w"))) is (change == "password")
            return
        assert opens(verdict)
        assert verdict.principal.scopes == ({"write"} if change == "scopes" else {"read"})
        assert here.hasher.count == 1


@pytest.mark.parametrize("change", CHANGES)
def test_with_the_feed_a_change_elsewhere_counts_once_it_is_read(
    url: URL, change: str, change_elsewhere: ChangeElsewhere
) -> None:
    drive = DRIVERS["sync"]
    with login(url, feed=True) as here:
        assert opens(drive(here.flow()))
        change_elsewhere(url, change)
        assert opens(drive(here.flow())), "within the bound"
        assert here.hasher.count == 1
        here.follow()
        verdict = drive(here.flow())
        assert here.hasher.count == (1 if change == "scopes" else 2), "new scopes end no token"
        if change == "scopes":
            here.timer.advance(1.0)
            here.follow()
            verdict = drive(here.flow())
            assert verdict.principal.scopes == {"write"}
            assert here.hasher.count == 1
        assert opens(verdict) is (change in ("scopes", "revoked"))
        assert opens(drive(here.flow("n3w"))) is (change == "password")


@pytest.mark.parametrize("change", CHANGES)
def test_a_feed_that_does_not_follow_has_a_change_elsewhere_found_in_the_store(
    url: URL, change: str, change_elsewhere: ChangeElsewhere
) -> None:
    drive = DRIVERS["sync"]
    with login(url, feed=True) as here:
        assert opens(drive(here.flow()))
        change_elsewhere(url, change)
        here.timer.advance(1.0)
        verdict = drive(here.flow())
        assert opens(verdict) is (change in ("scopes", "revoked"))
        assert here.hasher.count == (1 if change == "scopes" else 2)


@pytest.mark.servers
@pytest.mark.parametrize("feed", [False, True], ids=["looked up", "feed"])
@pytest.mark.parametrize("change", CHANGES)
def test_asynchronous_stores_tell_of_changes_elsewhere_too(
    postgres: URL, change: str, feed: bool, change_elsewhere: ChangeElsewhere
) -> None:
    async def main() -> None:
        async with login_async(postgres, feed=feed) as here:
            assert opens(await run_async(here.flow()))
            change_elsewhere(postgres, change)
            here.timer.advance(1.0)
            await asyncio.to_thread(here.follow)
            verdict = await run_async(here.flow())
            assert opens(verdict) is (change in ("scopes", "revoked"))
            if isinstance(verdict, Authenticated):
                assert verdict.principal.scopes == ({"write"} if change == "scopes" else {"read"})

    asyncio.run(main())


@asynccontextmanager
async def login_async(url: URL, *, feed: bool) -> AsyncGenerator[Login]:
    async with aclosing(AsyncSQLStores(url, hasher=HASHER)) as stores:
        await asyncio.to_thread(stores.sync.users.create, "alice", "s3cret", scopes=["read"])
        yield await asyncio.to_thread(Login, stores, feed=feed)
