"""Attacks on what trusts an issuer: its keys, its names, its answers, and the way to it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
import traceback
from typing import Any

import pytest
import trio
import trio.testing

from authmw import Auth, Authenticated, BearerToken, HTTPBasic, HTTPBearer, Issuer, Key, KeyRing, Principal
from authmw.crypto.jose import base64url
from authmw.engine.authentication import Authentication
from authmw.errors import Unavailable
from authmw.flow.flow import run
from authmw.http.location import is_public
from authmw.http.refusal import Refusal
from authmw.issuers import Issuers
from authmw.issuers.fetching.fetch import FetchFailed
from authmw.issuers.fetching.http_fetcher import HTTPFetcher
from authmw.issuers.introspection.endpoint import DiscoveredEndpoint
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.issuers.keys.key_cache import KeyCache
from authmw.issuers.keys.key_source import KeyAnswer
from authmw.testing import FakeClock, FakeIssuer
from tests.issuers.introspection_servers import ACTIVE, URL, FakeServer, verifier_of
from tests.issuers.worlds import DRIVERS, NOW, OK, UNKNOWN_KEY, World
from tests.requests import asgi_request, wsgi_request

HOUR = 3600.0


def _replace_keys(world: World) -> None:
    """The issuer takes out the key that signed so far, as after a leak."""
    leaked = world.fake.ring.signer.kid
    world.fake.ring.rotate()
    world.fake.ring.retire(leaked)


# How long a key goes on that the issuer took out


def test_a_failure_of_long_ago_lets_no_removed_key_go_on() -> None:
    world = World()
    leaked = world.token()
    assert world.ask(leaked) == OK
    world.fake.mode = "down"
    assert world.ask(world.token(header={"kid": "nobody's"})).status == 503, "a stranger's token makes one fetch fail"
    world.fake.mode = "up"
    _replace_keys(world)
    world.clock.advance(20 * HOUR)  # a night without requests
    assert world.ask(leaked) == UNKNOWN_KEY


def test_old_keys_go_on_through_an_outage_with_few_requests() -> None:
    world = World()
    token = world.token()
    assert world.ask(token) == OK
    world.fake.mode = "down"
    for _ in range(5):
        world.clock.advance(4 * HOUR)
        assert world.ask(token) == OK
        world.settle()
    world.clock.advance(6 * HOUR)
    assert world.ask(token).status == 503


def test_what_was_remembered_while_keys_were_unknown_is_not_recalled_when_they_are_again() -> None:
    # The keys are unknown before a token is verified, known meanwhile, and withdrawn before it is remembered.
    world = World(remember=16)
    header = f"Bearer {world.token()}".encode()
    memo = world.auth.memo
    assert memo is not None
    before = memo.version
    ring = world.issuer.keys.wait()
    proved = world.issuer.verifier_with(ring).verify(BearerToken(header.decode().removeprefix("Bearer ")))
    assert isinstance(proved, Authenticated)
    world.fake.jwks = {"keys": []}
    with pytest.raises(FetchFailed):
        world.issuer.keys.wait_for("another", ring)
    assert world.issuer.keys.at_hand() is None
    memo.remember(header, Authentication(proved.principal), NOW + HOUR, before)
    assert memo.recall(header) is None


def test_an_answer_that_comes_after_a_later_one_brings_no_removed_key_back() -> None:
    clock = FakeClock(NOW)
    old, new = Key.generate(kid="old"), Key.generate(kid="new")
    first_asked, go_on = threading.Event(), threading.Event()

    class Source:
        asked = 0

        def keys(self) -> KeyAnswer:
            self.asked += 1
            if self.asked > 1:
                return KeyAnswer((new,), None)
            first_asked.set()
            assert go_on.wait(10)
            return KeyAnswer((old,), None)

    cache = KeyCache(Source(), name="issuer", timer=clock)
    late = threading.Thread(target=cache.wait)
    late.start()
    assert first_asked.wait(10)
    clock.advance(61)  # longer than a fetch may take: the next one does not wait for it
    assert list(cache.wait().current.by_kid) == ["new"]
    go_on.set()
    late.join(10)
    assert list(cache.wait().current.by_kid) == ["new"]


# Where documents may send us


@pytest.mark.parametrize("address", ["fec0::1", "feff::a00:1", "3fff::1", "5f00::1", "64:ff9b:1::a00:1"])
def test_addresses_that_nobody_on_the_internet_has_are_not_public(address: str) -> None:
    assert not is_public(address)


# What holds a key and what is signed by it


def _jwk(key: Key, **changes: Any) -> dict[str, Any]:
    return {**(key.public_jwk() or {}), **changes}


def _signed_by_text(world: World, alg: str, secret: bytes) -> str:
    head = base64url.encode(json.dumps({"alg": alg, "typ": "at+jwt", "kid": world.fake.ring.signer.kid}).encode())
    body = world.token().split(".")[1].encode()
    signature = hmac.new(secret, head + b"." + body, getattr(hashlib, alg.replace("HS", "sha"))).digest()
    return b".".join((head, body, base64url.encode(signature))).decode()


@pytest.mark.parametrize("alg", ["HS256", "HS384", "HS512"])
def test_what_the_issuer_publishes_is_no_secret_to_sign_with(alg: str) -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for secret in (
        json.dumps(world.fake.ring.jwks()["keys"][0]).encode(),
        json.dumps(world.fake.ring.jwks()).encode(),
        world.fake.ring.signer.kid.encode(),
        b"",
    ):
        assert world.ask(_signed_by_text(world, alg, secret)).code == "authmw.token-algorithm"
    assert world.fetches == 1


@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c"])
def test_a_key_that_a_token_brings_is_not_looked_at(member: str) -> None:
    world = World()
    own = Key.generate()
    value: Any = {"jwk": _jwk(own), "jku": "https://evil.test/keys", "x5u": "https://evil.test/c", "x5c": ["MIIB"]}
    for kid in (own.kid, world.fake.ring.signer.kid, ...):
        made = world.token(key=own, header={member: value[member], "kid": kid})
        assert world.ask(made).status == 401
    assert not [url for url in world.fake.requests if "evil" in url]


@pytest.mark.parametrize(
    "kid", ["../../etc/passwd", "' OR 1=1 --", "\u0000", "%00", "x" * 4000, "https://evil.test/keys", ""]
)
def test_a_kid_is_a_name_and_nothing_else(kid: str) -> None:
    world = World()
    assert world.ask(world.token()) == OK
    assert world.ask(world.token(header={"kid": kid})) == UNKNOWN_KEY
    assert set(world.fake.requests) == {world.fake.metadata["jwks_uri"], world.fake.requests[0]}


@pytest.mark.parametrize("driver", DRIVERS)
def test_any_number_of_unknown_kids_is_three_fetches(driver: str) -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for number in range(20):
        assert world.ask(world.token(header={"kid": f"random-{number}"}), driver) == UNKNOWN_KEY
    assert world.fetches == 1 + 3


def test_any_number_of_tokens_with_one_unknown_kid_is_one_fetch_in_each_cooldown() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for cooldown in range(1, 4):
        for _ in range(20):
            assert world.ask(world.token(header={"kid": "retired"})) == UNKNOWN_KEY
        assert world.fetches == 1 + cooldown
        world.clock.advance(30)


def test_any_number_of_bad_signatures_is_three_fetches() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for header in ({}, {"kid": ...}):
        stranger = Key.generate(kid=world.fake.ring.signer.kid)
        for _ in range(20):
            assert world.ask(world.token(key=stranger, header=header)).code == "authmw.token-signature"
    assert world.fetches == 1 + 3
    assert world.ask(world.token()) == OK


def test_a_key_for_one_curve_is_not_used_for_another_algorithm() -> None:
    world = World()
    key = Key.generate("ES384", kid="one")
    world.fake.jwks = {"keys": [_jwk(key, alg="ES256")]}
    assert world.ask(world.token(key=key)).status == 503
    rsa = Key.generate("RS256", kid="two")
    world = World(fake=FakeIssuer(alg="RS256"))
    world.fake.jwks = {"keys": [_jwk(rsa, alg="PS256")]}
    assert world.ask(world.token(key=rsa)).code == "authmw.token-algorithm"


@pytest.mark.parametrize(
    "changes",
    [{"use": "enc"}, {"key_ops": ["encrypt"]}, {"key_ops": []}, {"key_ops": "verify"}, {"use": ["sig"]}, {"d": "AA"}],
    ids=str,
)
def test_a_key_that_is_not_for_verifying_verifies_nothing(changes: dict[str, Any]) -> None:
    world = World()
    other = Key.generate(kid="other")
    world.fake.jwks = {"keys": [_jwk(world.fake.ring.signer, **changes), _jwk(other)]}
    assert world.ask(world.token()) == UNKNOWN_KEY
    assert world.ask(world.token(key=other)) == OK


# One issuer in the name of another


def test_what_one_issuer_signed_is_never_anothers_though_they_share_a_key_and_a_memory() -> None:
    clock = FakeClock(NOW)
    shared = KeyRing.generate()
    one, two = FakeIssuer("https://one.test", clock=clock), FakeIssuer("https://two.test", clock=clock)
    one.ring = two.ring = shared
    both = Issuers(one.verifier(audience="orders"), two.verifier(audience="orders", subject_prefix="two:"))
    auth = Auth(HTTPBearer(both), clock=clock, remember=16)
    for _ in range(3):
        for fake, who in ((one, "alice"), (two, "two:alice")):
            result = DRIVERS["sync"](auth, fake.token("alice", audience="orders"))
            assert isinstance(result, Authentication)
            assert result.principal.id == who


# What an authorization server says of a token


@pytest.mark.parametrize("active", ["true", "True", 1, 1.0, [True], {"active": True}, None, ..., "false", 0], ids=repr)
def test_only_true_is_active(active: object) -> None:
    members = {**ACTIVE, "active": active}
    server = FakeServer({name: value for name, value in members.items() if value is not ...})
    auth = Auth(HTTPBearer(verifier_of(server)))
    for _ in range(2):
        answer = auth.authenticate(wsgi_request(authorization="Bearer t0ken"))
        assert isinstance(answer, Refusal)
        assert answer.status == 503
    assert len(server.asked) == 2, "it is not kept either"


def test_what_is_known_of_one_token_is_said_of_no_other() -> None:
    server = FakeServer()
    by = verifier_of(server)
    for text in ("t0ken", "T0ken", "t0ken=", "t0ken==", "t0ke", "t0kenn"):
        assert isinstance(run(_flow(by.verify(BearerToken(text)))), Authenticated)
    assert [form["token"] for _, form, _ in server.asked] == ["t0ken", "T0ken", "t0ken=", "t0ken==", "t0ke", "t0kenn"]


@pytest.mark.parametrize("text", ["s3cr3t\n", "s3cr3t\r\nX-Admin: yes", "s3cr3t with spaces", "", "sécr3t", None, 7])
def test_a_token_of_this_api_that_is_none_is_a_503_that_does_not_show_it(text: Any) -> None:
    given: Any = {"client_id": "", "client_secret": "", "bearer": lambda: text}
    by = IntrospectionVerifier("http://127.0.0.1:9/introspect", audience="orders", **given)
    with pytest.raises(Unavailable) as caught:
        run(_flow(by.verify(BearerToken("t0ken"))))
    told = "".join(traceback.format_exception(caught.value))
    assert "s3cr3t" not in told
    assert "bearer=" in str(caught.value)


def _flow(answer: Any) -> Any:
    assert not isinstance(answer, Authenticated)
    return answer


@pytest.mark.parametrize("discovered", [False, True])
@pytest.mark.parametrize(
    "iss, becomes",
    [
        ("https://id.example", "alice"),
        (None, "alice"),
        ("https://id.example/other", "token-issuer"),
        (7, "token-issuer"),
    ],
)
def test_a_server_is_asked_for_its_own_tokens_and_not_for_those_of_another_it_knows(
    iss: object, becomes: str, discovered: bool
) -> None:
    server = FakeServer({**ACTIVE, "iss": iss})
    metadata = {"issuer": "https://id.example", "jwks_uri": "https://id.example/keys", "introspection_endpoint": URL}
    server.documents["https://id.example/.well-known/openid-configuration"] = metadata
    asked = Issuer("https://id.example", audience="orders", fetcher=server)
    by = IntrospectionVerifier(
        DiscoveredEndpoint("https://id.example", fetcher=server) if discovered else asked,
        audience="orders",
        client_id="orders-api",
        client_secret="s3cret",
        clock=FakeClock(NOW),
    )
    answer = run(_flow(by.verify(BearerToken("t0ken"))))
    told = answer.principal.id if isinstance(answer, Authenticated) else answer.reason.code.removeprefix("authmw.")
    assert told == becomes


@pytest.mark.parametrize("host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "10.1", "localhost.", "a.localhost"])
def test_no_other_spelling_of_an_address_leads_a_proxy_inside(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(FetchFailed, match="is not on the internet"):
        HTTPFetcher(proxies=True).fetch(f"https://{host}/", public=True)


# Whoever waits, and whom they keep waiting


def _crowd(world: World, count: int) -> list[str]:
    return [f"Bearer {world.token(header={'kid': f'random-{number}'})}" for number in range(count)]


class _Slow:
    """An issuer whose keys are known, and that answers no further before it is let."""

    def __init__(self) -> None:
        self.world = World()
        assert self.world.ask(self.world.token()) == OK
        self.released = threading.Event()
        self.world.fake.on_request = lambda _: assert_true(self.released.wait(10))
        self.auth = Auth(HTTPBearer(self.world.issuer) | HTTPBasic(self._find))
        self.strangers = [asgi_request(authorization=header) for header in _crowd(self.world, 100)]
        self.login = asgi_request(authorization="Basic YWxpY2U6c2VjcmV0")

    def _find(self, username: str, _password: str) -> Principal:
        return Principal(username)  # a blocking store, as it were


def assert_true(value: bool) -> None:
    assert value


def test_strangers_who_wait_for_an_issuer_keep_nobody_from_a_store_under_asyncio() -> None:
    slow = _Slow()

    async def main() -> None:
        waiting = [asyncio.create_task(slow.auth.authenticate_async(each)) for each in slow.strangers]
        await asyncio.sleep(0)
        assert isinstance(await slow.auth.authenticate_async(slow.login), Authentication)
        assert not any(task.done() for task in waiting)
        slow.released.set()
        answers = await asyncio.gather(*waiting)
        assert {answer.reason.code for answer in answers if isinstance(answer, Refusal)} == {UNKNOWN_KEY.code}

    asyncio.run(main())


def test_strangers_who_wait_for_an_issuer_keep_nobody_from_a_store_under_trio() -> None:
    slow = _Slow()

    async def main() -> None:
        async with trio.open_nursery() as nursery:
            for each in slow.strangers:
                nursery.start_soon(slow.auth.authenticate_async, each)
            await trio.testing.wait_all_tasks_blocked()
            assert isinstance(await slow.auth.authenticate_async(slow.login), Authentication)
            slow.released.set()

    trio.run(main)
