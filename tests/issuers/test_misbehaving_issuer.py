"""An issuer misbehaves, mode by mode: what those see who send good and bad tokens, and what is logged."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from authmw import Key
from authmw.issuers.fetching.fetch import Fetched
from authmw.issuers.keys.published_keys import PublishedKeys
from authmw.testing import FakeIssuer
from authmw.testing.issuer import Mode
from tests.issuers.worlds import DRIVERS, NOW, OK, UNKNOWN_KEY, Seen, World
from tests.jwt_tokens import key_for

LOGGER = "authmw.issuers"
BROKEN: tuple[Mode, ...] = ("down", "slow", "error", "redirect", "huge", "not-json", "garbage", "wrong-issuer")
DAY = 86400
HOUR = 3600

every_driver = pytest.mark.parametrize("driver", DRIVERS)
every_mode = pytest.mark.parametrize("mode", BROKEN)


@every_driver
@every_mode
def test_an_issuer_that_is_broken_from_the_start_is_a_503_that_says_when_to_come_back(
    mode: Mode, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    world.fake.mode = mode
    with caplog.at_level(logging.WARNING, LOGGER):
        assert world.ask(world.token(), driver) == Seen(503, "authmw.unavailable", 1)
    assert [record.levelname for record in caplog.records if record.name == LOGGER] == ["WARNING"]
    assert "https://issuer.test" in caplog.text
    assert world.token().split(".")[0] not in caplog.text


@every_mode
def test_an_issuer_that_comes_back_is_asked_again(mode: Mode) -> None:
    world = World()
    world.fake.mode = mode
    assert world.ask(world.token()).status == 503
    world.fake.mode = "up"
    assert world.ask(world.token()).status == 503, "not before its time"
    world.clock.advance(1)
    assert world.ask(world.token()) == OK


@every_driver
@every_mode
def test_an_issuer_that_breaks_later_is_not_noticed_for_a_day(
    mode: Mode, driver: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World()
    assert world.ask(world.token(), driver) == OK
    world.fake.mode = mode
    with caplog.at_level(logging.WARNING, LOGGER):
        for hours in (1, 12, 23):
            world.clock.now = 1_800_000_000.0 + hours * HOUR + 1
            assert world.ask(world.token(), driver) == OK
            world.settle()
    assert "used for now" in caplog.text
    world.clock.now = 1_800_000_000.0 + HOUR + DAY + 1
    assert world.ask(world.token(), driver).status == 503


def test_what_was_remembered_is_dropped_when_the_keys_are_too_old() -> None:
    world = World(remember=16)
    token = world.token()
    assert [world.ask(token) for _ in range(3)] == [OK] * 3
    world.fake.mode = "down"
    world.clock.advance(HOUR - 60)
    assert world.ask(token) == OK
    world.settle()
    world.clock.advance(DAY + HOUR)
    assert world.ask(token).status == 503


def test_failures_back_off_and_are_not_kept_for_ever() -> None:
    world = World()
    world.fake.mode = "down"
    waits: list[int | None] = []
    for _ in range(9):
        seen = world.ask(world.token())
        waits.append(seen.retry_after)
        world.clock.advance(seen.retry_after or 0)
    assert waits == [1, 2, 3, 6, 12, 24, 45, 45, 45]
    world.fake.mode = "up"
    assert world.ask(world.token()) == OK


def test_a_hundred_requests_while_it_is_down_ask_it_once() -> None:
    world = World()
    world.fake.mode = "down"
    assert {world.ask(world.token()).status for _ in range(100)} == {503}
    assert len(world.fake.requests) == 1


@every_driver
def test_a_key_that_is_removed_takes_its_tokens_along(driver: str) -> None:
    world = World(remember=16)
    old = world.fake.ring.signer
    token = world.token()
    assert [world.ask(token, driver) for _ in range(2)] == [OK, OK]
    world.fake.ring.rotate()
    world.fake.ring.retire(old.kid)
    assert world.ask(token, driver) == OK, "nobody looked yet"
    world.clock.advance(HOUR)
    assert world.ask(token, driver) == UNKNOWN_KEY


def test_an_issuer_that_withdraws_all_its_keys_is_believed(caplog: pytest.LogCaptureFixture) -> None:
    world = World(remember=16)
    token = world.token()
    assert [world.ask(token) for _ in range(2)] == [OK, OK]
    world.fake.jwks = {"keys": []}
    world.clock.advance(HOUR)
    assert world.ask(token).status == 503
    assert "no key that can be used" in caplog.text


@every_driver
def test_a_token_of_a_new_key_is_accepted_at_once(driver: str) -> None:
    world = World()
    assert world.ask(world.token(), driver) == OK
    world.fake.ring.rotate()
    assert world.ask(world.token(), driver) == OK
    assert world.fetches == 2


def test_a_key_of_another_algorithm_is_found_as_well() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.fake.ring.rotate("EdDSA")
    assert world.ask(world.token()) == OK


def test_a_new_key_while_the_issuer_is_down_is_a_503_and_no_refusal() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.fake.ring.rotate()
    world.fake.mode = "down"
    assert world.ask(world.token()).status == 503


def test_a_rotation_right_after_a_strangers_kid_is_accepted_within_thirty_seconds() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for _ in range(3):
        assert world.ask(world.token(key=Key.generate())) == UNKNOWN_KEY
    world.fake.ring.rotate()
    assert world.ask(world.token()) == UNKNOWN_KEY
    world.clock.advance(30)
    assert world.ask(world.token()) == OK


def test_a_made_up_kid_does_not_delay_a_rotation() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    for _ in range(5):
        assert world.ask(world.token(header={"kid": "made-up"})) == UNKNOWN_KEY
    world.fake.ring.rotate()
    assert world.ask(world.token()) == OK


@pytest.mark.parametrize("kid", ["old", ...], ids=["same kid", "no kid"])
@pytest.mark.parametrize("alg", ["ES256", "ES384"])
def test_a_new_key_under_an_old_name_is_found(kid: Any, alg: str) -> None:
    world = World(remember=10)
    first, second = Key.generate("ES256", kid="old"), Key.generate(alg, kid="old")
    world.fake.jwks = {"keys": [first.public_jwk()]}
    before = world.token(key=first)
    assert world.ask(before) == OK
    world.fake.jwks = {"keys": [second.public_jwk()]}
    assert world.ask(world.token(key=second, header={"kid": kid})) == OK
    assert world.fetches == 2
    assert world.ask(before).status == 401, "the old key is withdrawn"


def test_a_bad_signature_by_a_known_key_stays_a_401_while_the_issuer_is_down() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.fake.mode = "down"
    stranger = Key.generate(kid=world.fake.ring.signer.kid)
    assert world.ask(world.token(key=stranger)) == Seen(401, "authmw.token-signature")


def test_a_thousand_random_kids_cause_three_fetches_and_then_one_in_each_cooldown() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    stranger = Key.generate()
    for cooldown in range(1, 4):
        for number in range(1000):
            header = {"kid": f"{cooldown}-{number}"}
            assert world.ask(world.token(key=stranger, header=header)) == UNKNOWN_KEY
        assert world.fetches == 3 + cooldown
        assert world.ask(world.token()) == OK
        world.clock.advance(30)


@pytest.mark.parametrize(
    "changes",
    [{"alg": "HS256"}, {"alg": "none"}, {"alg": "dir"}, {"kid": 7}, {"alg": 7}],
    ids=str,
)
def test_nothing_is_fetched_for_a_token_that_no_published_key_signs(changes: dict[str, Any]) -> None:
    cold = World()
    assert cold.ask(cold.token(header=changes)).status == 401
    assert cold.fake.requests == []
    warm = World()
    assert warm.ask(warm.token()) == OK
    assert warm.ask(warm.token(header={"kid": "other", **changes})).status == 401
    assert warm.fetches == 1


def test_nothing_is_fetched_for_a_token_of_somebody_else() -> None:
    world = World()
    assert world.ask(world.token(iss="https://evil.test")) == Seen(401, "authmw.token-issuer")
    assert world.ask("a.b.c") == Seen(401, "authmw.token-malformed")
    assert world.ask("opaque") == Seen(401, "authmw.token-kind")
    assert world.fake.requests == []


def test_a_token_without_kid_is_tried_with_the_keys_there_are() -> None:
    world = World()
    assert world.ask(world.token(header={"kid": ...})) == OK
    world.fake.ring.rotate()
    assert world.ask(world.token(header={"kid": ...})) == OK


def _without(world: World, *members: str) -> dict[str, Any]:
    return {
        "keys": [
            {name: value for name, value in jwk.items() if name not in members}
            for jwk in world.fake.ring.jwks()["keys"]
        ]
    }


def test_a_published_key_without_kid_verifies_tokens_without_kid() -> None:
    world = World()
    world.fake.jwks = _without(world, "kid")
    assert world.ask(world.token(header={"kid": ...})) == OK
    assert world.ask(world.token(header={"kid": "1"})) == UNKNOWN_KEY


def _duplicate(jwk: dict[str, str]) -> list[dict[str, Any]]:
    other = Key.generate(kid=jwk["kid"]).public_jwk()
    assert other is not None
    return [jwk, dict(other)]


def _oct(jwk: dict[str, str]) -> list[dict[str, Any]]:
    return [{"kty": "oct", "kid": jwk["kid"], "alg": "HS256", "k": "c2VjcmV0IG9mIGF0IGxlYXN0IHRoaXJ0eS10d28gYnl0ZXM"}]


BAD_KEYS: dict[str, tuple[Callable[[dict[str, str]], list[Any]], str]] = {
    "two keys with one kid": (_duplicate, "2 keys have the kid"),
    "EC key for RS256": (lambda jwk: [{**jwk, "alg": "RS256"}], "RS256 needs a key of type RSA"),
    "oct key": (_oct, "it is a secret"),
    "a private key": (lambda jwk: [{**jwk, "d": jwk["x"]}], "its private half is published"),
    "other operations": (lambda jwk: [{**jwk, "key_ops": ["encrypt"]}], "key_ops"),
    "a point that is not on its curve": (lambda jwk: [{**jwk, "y": jwk["x"]}], "do not fit together"),
    "an unknown type": (lambda jwk: [{**jwk, "kty": "AKP"}], "kty is not one of"),
    "no object": (lambda _: ["key"], "not a JSON object"),
    "a kid that is no text": (lambda jwk: [{**jwk, "kid": 7}], "the kid is not a printable text"),
}


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_bad_key_in_the_set_is_not_used_and_the_others_are(name: str, caplog: pytest.LogCaptureFixture) -> None:
    spoil, logged = BAD_KEYS[name]
    world = World()
    world.fake.ring.rotate()
    bad, good = world.fake.ring.current.keys
    published = {jwk["kid"]: jwk for jwk in world.fake.ring.jwks()["keys"]}
    world.fake.jwks = {"keys": [*spoil(published[bad.kid]), published[good.kid]]}
    with caplog.at_level(logging.WARNING, LOGGER):
        assert world.ask(world.token(key=good)) == OK
    assert world.ask(world.token(key=bad)) == UNKNOWN_KEY
    assert logged in caplog.text
    assert world.ask(world.token(key=good)) == OK, "not said again with each fetch"
    assert caplog.text.count(logged) == 1


@pytest.mark.parametrize("name", BAD_KEYS)
def test_a_set_of_bad_keys_alone_is_a_503(name: str) -> None:
    world = World()
    world.fake.jwks = {"keys": BAD_KEYS[name][0](world.fake.ring.jwks()["keys"][0])}
    assert world.ask(world.token()).status == 503


def test_a_key_for_encryption_is_left_out_and_not_worth_a_word(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    (jwk,) = world.fake.ring.jwks()["keys"]
    world.fake.jwks = {
        "keys": [{"kty": "RSA", "use": "enc", "alg": "RSA-OAEP", "kid": "e", "n": "AQAB", "e": "AQAB"}, jwk]
    }
    assert world.ask(world.token()) == OK
    assert caplog.text == ""


@pytest.mark.parametrize("keys", [..., None, 7, "keys", [None] * 101], ids=str)
def test_what_is_no_key_set_is_a_503(keys: object) -> None:
    world = World()
    world.fake.jwks = {} if keys is ... else {"keys": keys}
    assert world.ask(world.token()).status == 503


@pytest.mark.parametrize(
    "metadata",
    [
        {"jwks_uri": "http://issuer.test/keys"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": 7},
        {"jwks_uri": "https://user@issuer.test/keys"},
        {"issuer": "https://issuer.test/"},
        {"issuer": "HTTPS://issuer.test"},
        {"issuer": None},
    ],
    ids=str,
)
def test_metadata_that_is_not_exactly_right_is_a_503(metadata: dict[str, Any]) -> None:
    world = World()
    world.fake.metadata |= metadata
    assert world.ask(world.token()).status == 503


def test_another_spelling_of_the_issuer_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.fake.metadata |= {"issuer": "https://issuer.test/"}
    world.ask(world.token())
    assert "is the metadata of 'https://issuer.test/', not of 'https://issuer.test'" in caplog.text


def test_keys_that_moved_are_found_again() -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.fake.metadata["jwks_uri"] = "https://issuer.test/new-keys"
    world.fake.ring.rotate()
    assert world.ask(world.token()).status == 503
    world.clock.advance(30)
    assert world.ask(world.token()) == OK


def test_an_issuer_that_came_back_is_as_if_it_had_never_been_away() -> None:
    world = World()
    world.fake.mode = "down"
    for wait in (1, 2, 3):
        assert world.ask(world.token()) == Seen(503, "authmw.unavailable", wait)
        world.clock.advance(wait)
    world.fake.mode = "up"
    assert world.ask(world.token()) == OK
    stranger = Key.generate()
    assert world.ask(world.token(key=stranger)) == UNKNOWN_KEY
    world.clock.advance(30)
    world.fake.mode = "down"
    assert world.ask(world.token(key=stranger)) == Seen(503, "authmw.unavailable", 1), "and counts from one"


def test_good_keys_in_an_answer_that_is_an_error_do_not_count() -> None:
    class Erring(FakeIssuer):
        def fetch(self, url: str, **options: Any) -> Fetched:
            fetched = super().fetch(url, **options)
            return replace(fetched, status=500) if url.endswith("/keys") else fetched

    world = World(fake=Erring(clock=lambda: NOW))
    assert world.ask(world.token()).status == 503


def test_a_bad_key_is_not_told_again_because_a_good_one_was_added(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    bad = {"kty": "oct", "kid": "bad", "k": "AA"}
    world.fake.jwks = {"keys": [bad, *world.fake.ring.jwks()["keys"]]}
    assert world.ask(world.token()) == OK
    world.fake.ring.rotate()
    world.fake.jwks = {"keys": [bad, *world.fake.ring.jwks()["keys"]]}
    assert world.ask(world.token()) == OK
    assert caplog.text.count("it is a secret") == 1


def test_keys_that_are_too_old_are_withdrawn_and_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    assert world.ask(world.token()) == OK
    world.fake.mode = "down"
    world.clock.advance(DAY + HOUR)
    for _ in range(3):
        assert world.ask(world.token()).status == 503
    assert caplog.text.count("are too old to be used") == 1


@pytest.mark.parametrize("alg", ["ES256", "ES384", "ES512", "EdDSA"])
@pytest.mark.parametrize("rsa_algorithm", ["RS256", "PS512"])
def test_only_rsa_keys_without_an_algorithm_get_that_of_the_issuer(alg: str, rsa_algorithm: str) -> None:
    jwk = {name: value for name, value in (Key.generate(alg).public_jwk() or {}).items() if name != "alg"}
    rsa = {name: value for name, value in (key_for("RS256").public_jwk() or {}).items() if name != "alg"}
    published = PublishedKeys.of(json.dumps({"keys": [jwk, rsa]}).encode(), rsa_algorithm=rsa_algorithm)
    assert [key.alg for key in published.keys] == [alg, rsa_algorithm]
    assert published.refused == ()


@pytest.mark.parametrize("keys", [None, 7, "keys", {}, {"kid": {}}, True])
def test_a_set_of_keys_is_a_list(keys: object) -> None:
    with pytest.raises(ValueError, match="not a JWK Set"):
        PublishedKeys.of(json.dumps({"keys": keys}).encode())


def test_an_expired_token_is_let_in_for_thirty_seconds_unless_told_otherwise() -> None:
    for world, seconds in ((World(), 30), (World(leeway=5), 5)):
        token = world.token(lifetime=600)
        world.clock.advance(600 + seconds - 0.5)
        assert world.ask(token) == OK
        world.clock.advance(0.5)
        assert world.ask(token) == Seen(401, "authmw.token-expired")
