"""How long keys are kept: by the issuer's headers, within bounds, and never against what it says."""

from __future__ import annotations

import logging
import math
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from authmw import Auth, ConfigurationError, HTTPBearer, Issuer, Key, KeyRing
from authmw.events import Event, IssuerUnreachable, on_event
from authmw.http.refusal import Refusal
from authmw.issuers.fetching.fetch import AnswerRefused, Fetched, FetchFailed
from authmw.issuers.fetching.freshness import lifetime
from authmw.issuers.keys.cache_policy import CachePolicy
from authmw.issuers.keys.key_cache import KeyCache
from authmw.issuers.keys.key_source import KeyAnswer, NoKeys
from authmw.testing import FakeClock, FakeIssuer
from tests.issuers.worlds import NOW, OK, World
from tests.requests import wsgi_request

HOUR = 3600.0


@pytest.mark.parametrize(
    "headers, seconds",
    [
        ({}, None),
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": "public, Max-Age = 600 , must-revalidate"}, 600),
        ({"cache-control": 'max-age="600"'}, 600),
        ({"cache-control": "max-age=600", "age": "200"}, 400),
        ({"cache-control": "max-age=600", "age": "2000"}, 0),
        ({"cache-control": "max-age=600", "age": "old"}, 600),
        ({"cache-control": "s-maxage=600"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=1e9"}, None),
        ({"cache-control": "max-age=99999999999999999999"}, None),
        ({"cache-control": "no-store, max-age=600"}, 0),
        ({"cache-control": "no-cache"}, 0),
        ({"cache-control": "max-age=" + "9" * 100_000}, None),
        ({"expires": "Fri, 15 Jan 2027 09:00:00 GMT", "date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 3600),
        ({"expires": "Fri, 15 Jan 2027 07:00:00 GMT", "date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 0),
        ({"expires": "0", "date": "Fri, 15 Jan 2027 08:00:00 GMT"}, 0),
        ({"expires": "Fri, 15 Jan 2027 09:00:00 GMT"}, None),
        ({"cache-control": "max-age=60", "expires": "0", "date": "0"}, 60),
    ],
)
def test_an_answer_is_fresh_for_as_long_as_it_says(headers: dict[str, str], seconds: float | None) -> None:
    assert lifetime(headers) == seconds


@pytest.mark.parametrize(
    "max_age, seconds",
    [(None, 3600), (0, 300), (60, 300), (600, 600), (86400, 86400), (10**9, 86400)],
)
def test_keys_are_kept_for_what_the_headers_say_within_bounds(max_age: int | None, seconds: float) -> None:
    world = World()
    world.fake.max_age = max_age
    assert world.ask(world.token()) == OK
    world.clock.advance(seconds * 0.75 - 1)
    assert world.ask(world.token()) == OK
    world.settle()
    assert world.fetches == 1
    world.clock.advance(1)
    assert world.ask(world.token()) == OK
    world.settle()
    assert world.fetches == 2, "early, and in the background"


def test_each_instance_of_a_fleet_refreshes_at_a_time_of_its_own() -> None:
    worlds = [World(chance=lambda chance=chance: chance) for chance in (0.0, 0.5, 0.99)]
    for world in worlds:
        world.ask(world.token())
        world.clock.advance(HOUR * 0.8)
        world.ask(world.token())
        world.settle()
    assert [world.fetches for world in worlds] == [2, 1, 1]


def test_keys_that_nobody_looked_at_for_long_are_fetched_before_they_are_used() -> None:
    world = World()
    old = world.token()
    assert world.ask(old) == OK
    retired = world.fake.ring.signer.kid
    world.fake.ring.rotate()
    world.fake.ring.retire(retired)
    world.clock.advance(5 * HOUR)
    assert world.ask(old).status == 401
    assert world.fetches == 2


def test_what_is_remembered_refreshes_keys_as_well() -> None:
    world = World(remember=16)
    token = world.token()
    for _ in range(3):
        assert world.ask(token) == OK
    world.clock.advance(HOUR * 0.8)
    assert world.ask(token) == OK
    world.settle()
    assert world.fetches == 2


def test_a_new_key_keeps_what_is_remembered_and_a_removed_one_drops_it() -> None:
    world = World()
    assert world.issuer.version < 0, "nothing is known yet"
    world.ask(world.token())
    before = world.issuer.version
    retired = world.fake.ring.signer.kid
    world.fake.ring.rotate()
    world.ask(world.token())
    assert world.issuer.version == before
    world.fake.ring.retire(retired)
    world.clock.advance(HOUR)
    world.ask(world.token())
    assert world.issuer.version not in (before, -1)


def test_a_key_that_is_replaced_under_its_old_name_is_a_key_that_goes() -> None:
    world = World()
    world.ask(world.token())
    before = world.issuer.version
    kid = world.fake.ring.signer.kid
    world.fake.ring = KeyRing(Key.generate(kid=kid))
    world.clock.advance(HOUR)
    assert world.ask(world.token()) == OK
    assert world.issuer.version not in (before, -1)


def test_a_key_that_is_replaced_under_its_old_name_is_found_although_it_was_looked_for_in_vain() -> None:
    world = World()
    world.ask(world.token())
    kid = world.fake.ring.signer.kid
    known, world.fake.ring = world.fake.ring, KeyRing(Key.generate(kid=kid))
    early = world.token()  # before the issuer publishes its key
    replaced, world.fake.ring = world.fake.ring, known
    assert world.ask(early).status == 401
    assert world.fetches == 2, "one token costs one fetch"
    world.fake.ring = replaced
    assert world.ask(early) == OK
    assert world.fetches == 3


def test_what_verifies_stays_the_same_while_the_keys_do() -> None:
    world = World()
    world.ask(world.token())
    ring = world.issuer.keys.at_hand()
    assert ring is not None
    verifier = world.issuer.verifier_with(ring)
    world.clock.advance(HOUR)
    world.ask(world.token())
    assert world.fetches == 2
    assert world.issuer.keys.at_hand() is ring
    assert world.issuer.verifier_with(ring) is verifier


def test_keys_that_another_request_has_just_fetched_are_not_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.ask(world.token())
    keys = world.issuer.keys
    tried = keys.at_hand()
    assert tried is not None
    world.fake.ring.rotate()
    newer = keys._newer  # pyright: ignore[reportPrivateUsage]
    found: list[object] = []

    def overtaken(kid: str | None, tried: KeyRing) -> KeyRing | None:
        """No newer keys, and then another request fetches them before this one may."""
        monkeypatch.setattr(keys, "_newer", newer)
        found.append(keys.wait_for(kid, tried))
        return None

    monkeypatch.setattr(keys, "_newer", overtaken)
    assert [keys.wait_for(None, tried)] == found
    assert world.fetches == 2


def test_first_keys_that_another_request_has_just_fetched_are_not_fetched_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    keys = world.issuer.keys
    at_hand = keys.at_hand
    found: list[object] = []

    def overtaken() -> KeyRing | None:
        """No keys, and then another request fetches them before this one may."""
        monkeypatch.setattr(keys, "at_hand", at_hand)
        found.append(keys.wait())
        return None

    monkeypatch.setattr(keys, "at_hand", overtaken)
    assert [keys.wait()] == found
    assert world.fetches == 1


def test_keys_that_have_become_too_old_since_they_were_tried_are_fetched() -> None:
    world = World()
    world.ask(world.token())
    tried = world.issuer.keys.at_hand()
    assert tried is not None
    world.fake.ring.rotate()
    world.clock.advance(30 * 24 * HOUR)
    newer = world.issuer.keys.wait_for(None, tried)
    assert newer is not None
    assert world.fake.ring.signer.kid in newer.current.by_kid


def test_metadata_is_taken_as_it_was_for_an_hour_at_least() -> None:
    world = World()
    world.fake.max_age = 300
    for _ in range(12):
        world.ask(world.token())
        world.clock.advance(300)
    assert world.fake.requests.count("https://issuer.test/.well-known/openid-configuration") == 1
    world.ask(world.token())
    assert world.fake.requests.count("https://issuer.test/.well-known/openid-configuration") == 2


@pytest.mark.parametrize(
    "options",
    [
        {"least": 0},
        {"least": 600, "default": 300},
        {"default": 10**6},
        {"most": math.inf},
        {"first_retry": 0},
        {"first_retry": 90},
        {"stale": -1},
        {"cooldown": 0},
    ],
    ids=str,
)
def test_a_policy_that_makes_no_sense_is_told_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="in seconds"):
        CachePolicy(**options)


# A fetch that took so long that a later one has begun


class Slow:
    """A source whose first answer waits until a test lets it go."""

    def __init__(self, *answers: KeyAnswer | Exception) -> None:
        self._answers = list(answers)
        self.left = len(answers)
        self.asked, self.go = threading.Event(), threading.Event()

    def keys(self) -> KeyAnswer:
        answer = self._answers.pop(0)
        self.left -= 1
        if not self.asked.is_set():
            self.asked.set()
            assert self.go.wait(30)
        if isinstance(answer, Exception):
            raise answer
        return answer


OLD_KEY, NEW_KEY = Key.generate(kid="old"), Key.generate(kid="new")


LATE = [NoKeys("none that can be used"), FetchFailed("refused"), KeyError("a bug"), KeyAnswer((OLD_KEY,), 300.0)]


@pytest.mark.parametrize("late", LATE, ids=lambda late: type(late).__name__)
def test_what_a_fetch_says_too_late_changes_nothing(
    late: KeyAnswer | Exception, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(NOW)
    source = Slow(late, KeyAnswer((NEW_KEY,), HOUR))
    cache = KeyCache(source, name="https://id.example", timer=clock, chance=lambda: 0.0)
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(cache.wait)
        assert source.asked.wait(30)
        clock.advance(61)  # its thread must be dead by now
        ring = cache.wait()
        assert [key.kid for key in ring.current.keys] == ["new"]
        version = cache.version
        source.go.set()
        assert first.result(30) is ring
    assert (cache.at_hand(), cache.version, cache.is_failing, caplog.messages) == (ring, version, False, [])
    clock.advance(HOUR * 0.75 - 1)
    assert cache.at_hand() is ring
    assert source.left == 0, "nothing was fetched again"


URL = "https://id.example/keys?sig=s3cret-of-the-shop"


class _OwnFetcher:
    """A fetcher of an application, whose exception says too much."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def fetch(self, url: str, **_: object) -> Fetched:
        raise self._error


@pytest.mark.parametrize("level", [logging.WARNING, logging.DEBUG], ids=["warning", "debug"])
@pytest.mark.parametrize(
    "error",
    [FetchFailed(f"no answer from {URL}"), KeyError(URL), AnswerRefused(f"password='s3cret-of-the-shop' for {URL}")],
    ids=lambda error: type(error).__name__,
)
def test_what_a_fetcher_of_the_application_raises_is_told_by_its_type_and_place(
    error: Exception, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    events: list[Event] = []
    stop = on_event(events.append, inline=True)
    fake = FakeIssuer()
    auth = Auth(HTTPBearer(Issuer(fake.issuer, audience="orders", jwks_uri=URL, fetcher=_OwnFetcher(error))))
    token = fake.token(audience="orders")
    with caplog.at_level(level, "authmw"):
        for _ in range(2):  # the second one is answered by the failure before
            assert isinstance(auth.authenticate(wsgi_request(authorization=f"Bearer {token}")), Refusal)
    stop()
    kind = type(error).__name__
    warnings = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    said = f"{kind} at {__file__}:"
    assert len(warnings) == 3
    assert said in warnings[0]
    assert all(kind in each for each in warnings)
    (event,) = [each for each in events if isinstance(each, IssuerUnreachable)]
    assert said in event.reason
    shown = [each.getMessage() for each in caplog.records if "traceback" in each.getMessage()]
    assert len(shown) == (1 if level == logging.DEBUG else 0)
    assert all(f"{kind}: " in each and "[cut]" in each for each in shown)
    assert "s3cret" not in caplog.text + repr(events)


def test_a_query_of_a_url_is_in_no_message(caplog: pytest.LogCaptureFixture) -> None:
    class Answers:
        def __init__(self, answer: Fetched) -> None:
            self._answer = answer

        def fetch(self, url: str, **_: object) -> Fetched:
            return self._answer

    fake = FakeIssuer()
    request = wsgi_request(authorization=f"Bearer {fake.token(audience='orders')}")
    for answer in (Fetched(500), Fetched(200, body=b"no JSON"), Fetched(200, body=b'{"keys": []}')):
        places: list[dict[str, Any]] = [{"jwks_uri": URL}, {"metadata_url": URL}]
        for where in places:
            issuer = Issuer(fake.issuer, audience="orders", fetcher=Answers(answer), **where)
            assert isinstance(Auth(HTTPBearer(issuer)).authenticate(request), Refusal)
    texts = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    assert len(texts) == 6
    assert all("https://id.example/keys?... " in each or "https://id.example/keys?...: " in each for each in texts)
    assert "s3cret" not in caplog.text
