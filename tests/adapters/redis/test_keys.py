"""What stands in Redis: no secret, nothing for ever, and in a cluster each script's keys on one server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import redis
from authmw_redis import RedisStores
from authmw_redis.names import Names

from authmw import ConfigurationError
from authmw.crypto.opaque_tokens import token_digest
from authmw.stores.records import (
    Attempt,
    AttemptOutcome,
    Outcome,
    RefreshFamily,
    Reservation,
    Revocation,
    RevocationPage,
    TokenRecord,
)
from authmw.stores.session_records import BrowserSession, RenewalOutcome
from authmw.testing import FakeClock
from tests.adapters.redis.support import (
    RedisServer,
    a_family,
    a_pending,
    a_renewal,
    a_rotation,
    a_session,
    a_token,
    client,
    free_port,
    keys_of,
    new_prefix,
    now,
    stores,
)

SECRETS = (
    "rt_family-part",
    "rt_first-token",
    "rt_next-token",
    "alice@192.0.2.7",
    "account:alice",
    "jti-of-an-assertion",
    "st_session-part",
    "st_first-value",
    "st_next-value",
    "secret-of-a-mail",
)


def every_verb(kept: RedisStores) -> list[str]:
    """Ask all of it something; the secrets that were used."""
    family_part, first, following, pair, account, nonce, *of_browsers = SECRETS
    at = time.time()
    token, record = a_token(family_id="fam_1", scopes=frozenset({"a"}), audience=frozenset({"api"}))
    family = a_family(key=token_digest(family_part), current=token_digest(first), session_id="sid_1")
    kept.tokens.add_token(record)
    kept.families.add_family(family)
    created, _ = kept.tokens.create("usr_1", ["a"], client_id="shop")
    assert now(kept.families.rotate(a_rotation(family, successor=token_digest(following)))).outcome is Outcome.ROTATED
    assert len(now(kept.families.families_of("usr_1", at))) == 1
    kept.nonces.use_nonce(nonce, 1, at + 60)
    attempt = Attempt(f"source:{pair}", account, "a-network", (token_digest(pair),))
    for outcome in AttemptOutcome:
        reserved = now(kept.throttle.reserve(attempt, at))
        assert isinstance(reserved, Reservation)
        kept.throttle.settle(reserved, outcome, at, at + 60)
    kept.throttle.reserve(attempt, at)
    kept.throttle.make_familiar(account, token_digest(pair), at + 120)
    for revocation in (Revocation.of_user("usr_1", at), Revocation.of_client("shop", at)):
        kept.revocations.publish(revocation)
    assert len(now(kept.revocations.find_revocations((("user", "usr_1"), ("client", "shop"))))) == 2
    assert len(now(kept.revocations.revocations_after("", 10)).revocations) == 2
    assert now(kept.tokens.revoke_token(record.digest, at)) is True
    kept.tokens.revoke_family_tokens("fam_1", at)
    kept.tokens.revoke_subject_tokens("usr_1", at)
    kept.tokens.revoke_client_tokens("shop", at)
    assert len(kept.tokens.list("usr_1")) == len(kept.tokens.list()) == 2
    kept.tokens.revoke(record.id)
    assert now(kept.families.end_family(family.id, at)) is not None
    assert now(kept.families.end_families("usr_1", at)) == ()
    assert now(kept.families.end_session_families("sid_1", at)) == ()
    assert now(kept.families.end_client_families("shop", at)) == ()
    every_verb_of_browsers(kept, *of_browsers)
    return [token, created, *SECRETS]


def every_verb_of_browsers(kept: RedisStores, part: str, first: str, following: str, secret: str) -> None:
    """Ask the stores of sessions and of what is pending something."""
    at = time.time()
    session, other = a_session(key=token_digest(part), current=token_digest(first)), a_session()
    for each in (session, other):
        kept.sessions.add_session(each)
    renewal = a_renewal(session, successor=token_digest(following))
    assert now(kept.sessions.renew_session(renewal)).outcome is RenewalOutcome.RENEWED
    kept.sessions.touch_session(session.key, at + 120)
    assert len(now(kept.sessions.sessions_of("usr_1", at))) == 2
    assert [each.id for each in now(kept.sessions.end_sessions("usr_1", at, session.id))] == [other.id]
    assert now(kept.sessions.end_session(session.id, at)) == now(kept.sessions.find_session(session.key))
    pending = a_pending(digest=token_digest(secret))
    dropped = a_pending()
    for kind in ("recovery", "verification"):
        kept.pending.put_pending(replace(dropped, kind=kind))
        kept.pending.drop_pending("usr_1", kind)
    kept.pending.put_pending(pending)
    assert now(kept.pending.of_user("usr_1")) == (pending,)
    assert now(kept.pending.peek_pending(pending.digest, "recovery", at)) == pending
    assert now(kept.pending.take_pending(pending.digest, "recovery", at)) == pending


def everything(sees: Any, key: str) -> str:
    """A key and all that is in it."""
    read = {
        "string": lambda: sees.get(key),
        "hash": lambda: sees.hgetall(key),
        "zset": lambda: sees.zrange(key, 0, -1, withscores=True),
    }
    return f"{key} {read[cast('bytes', sees.type(key)).decode()]()!r}"


@pytest.mark.servers
def test_tok_1_no_key_and_no_value_holds_a_secret(kept: RedisStores) -> None:
    secrets = every_verb(kept)
    prefix = kept.revocations._keys[0].split(":")[0].removeprefix("{")  # pyright: ignore[reportPrivateUsage]
    keys = keys_of(prefix)
    with client() as sees:
        dump = "\n".join(everything(sees, key) for key in keys)
    assert len(keys) > 15
    assert token_digest(secrets[0]) in dump, "what is looked at is what was stored"
    assert [secret for secret in secrets if secret in dump] == []


@pytest.mark.servers
def test_every_key_expires() -> None:
    prefix = new_prefix()
    with stores(prefix=prefix) as kept:
        every_verb(kept)
        with client() as sees:
            times = {key: cast("int", sees.pttl(key)) for key in keys_of(prefix)}
    assert len(times) > 15
    assert {key: left for key, left in times.items() if left <= 0} == {}


@pytest.mark.servers
def test_what_is_stored_lives_as_long_as_its_record_and_a_minute() -> None:
    clock, prefix = FakeClock(), new_prefix()
    with stores(prefix=prefix, clock=clock) as kept:
        _, record = a_token(expires_at=clock.now + 600)
        kept.tokens.add_token(record)
        kept.families.add_family(family := a_family(expires_at=clock.now + 1200, idle_until=clock.now + 60))
        kept.sessions.add_session(session := a_session(expires_at=clock.now + 1800, idle_until=clock.now + 60))
        kept.pending.put_pending(pending := a_pending(expires_at=clock.now + 600))
        with client() as sees:
            token_left = cast("int", sees.pttl(Names(prefix).of("token", record.digest)))
            family_left = cast("int", sees.pttl(Names(prefix).of("family", family.key)))
            session_left = cast("int", sees.pttl(Names(prefix).of("session", session.key)))
            pending_left = cast("int", sees.pttl(Names(prefix).of("pending", pending.digest)))
    assert 655_000 < token_left <= 660_000
    assert 1_255_000 < family_left <= 1_260_000, "until its absolute end, however idle: a reuse has to be seen"
    assert 1_855_000 < session_left <= 1_860_000
    assert 655_000 < pending_left <= 660_000


@pytest.mark.servers
def test_what_was_taken_is_gone_from_redis_within_seconds(kept: RedisStores) -> None:
    kept.pending.put_pending(pending := a_pending())
    assert now(kept.pending.take_pending(pending.digest, pending.kind, 1.0)) == pending
    prefix = kept.revocations._keys[0].split(":")[0].removeprefix("{")  # pyright: ignore[reportPrivateUsage]
    with client() as sees:
        left = cast("int", sees.pttl(Names(prefix).of("pending", pending.digest)))
    assert 0 < left <= 10_000
    assert now(kept.pending.of_user("usr_1")) == ()
    kept.pending.put_pending(pending)
    kept.pending.put_pending(a_pending(subject="usr_2"))
    kept.pending.erase("usr_1")
    assert now(kept.pending.peek_pending(pending.digest, pending.kind, 1.0)) is None
    assert len(now(kept.pending.of_user("usr_2"))) == 1


@pytest.mark.servers
def test_a_family_has_ended_once_the_clock_says_so_though_its_key_is_there() -> None:
    clock = FakeClock()
    with stores(clock=clock) as kept:
        kept.families.add_family(family := a_family())
        clock.advance(31 * 86_400)
        answer = now(kept.families.rotate(a_rotation(family, now=clock())))
        assert answer.outcome is Outcome.ENDED
        assert now(kept.families.families_of("usr_1", clock())) == ()


@pytest.mark.servers
def test_indexes_let_go_of_what_has_expired() -> None:
    clock, prefix = FakeClock(), new_prefix()
    with stores(prefix=prefix, clock=clock) as kept, client() as sees:
        for _ in range(50):
            kept.tokens.add_token(a_token(expires_at=clock() + 10)[1])
        clock.advance(100)
        kept.tokens.add_token(a_token(expires_at=clock() + 10)[1])
        index = Names(prefix).indexes("token", "subject", "usr_1")[0].members
        assert sees.zcard(index) == 1


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[RedisServer]:
    """A cluster of one server. It refuses scripts whose keys are in several slots, or undeclared."""
    # By default its bus is 10000 ports above, where there may be none.
    settings = ("save", "", "cluster-enabled", "yes", "cluster-port", str(free_port()))
    with RedisServer(tmp_path, *settings) as started:
        with client(started.url) as sees:
            sees.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
            deadline = time.monotonic() + 10
            while cast("dict[str, str]", sees.execute_command("CLUSTER INFO"))["cluster_state"] != "ok":
                assert time.monotonic() < deadline
                time.sleep(0.02)
        yield started


@pytest.mark.servers
def test_every_verb_works_in_a_cluster(cluster: RedisServer) -> None:
    kept = RedisStores(cluster.url)
    every_verb(kept)
    kept.close()


@pytest.mark.servers
def test_every_verb_works_through_a_client_for_clusters(cluster: RedisServer) -> None:
    with redis.RedisCluster(host="127.0.0.1", port=cluster.port) as target:
        kept = RedisStores(target)
        every_verb(kept)
        assert kept.check() == [
            "nothing is written to disk: a restart loses all families and revocations; set appendonly to yes"
        ]


@pytest.mark.servers
def test_keys_spread_over_the_slots_of_a_cluster() -> None:
    from redis.crc import key_slot

    prefix = new_prefix()
    with stores(prefix=prefix) as kept:
        for number in range(64):
            kept.tokens.add_token(a_token(subject=f"usr_{number}")[1])
        keys = keys_of(prefix)
    slots = {key_slot(key.encode()) for key in keys}
    # 64 tokens, their ids, 64 subjects, and the client that all have in common in sixteen parts.
    assert len(slots) > 64 * 3
    assert len({key for key in keys if ":token-of-client:" in key}) > 8


@pytest.mark.parametrize("prefix", ["", "a{b}", "a b", "a*", "a\n"])
def test_a_prefix_that_would_change_slots_or_patterns_is_refused(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="prefix"):
        RedisStores("redis://127.0.0.1", prefix=prefix)


@pytest.mark.servers
def test_a_client_that_decodes_its_replies_finds_the_same(kept: RedisStores) -> None:
    prefix = new_prefix()
    options: dict[str, Any] = {"decode_responses": True, "host": "127.0.0.1"}
    target = redis.Redis(**options)
    with stores(prefix=prefix) as other:
        decoding = RedisStores(target, prefix=prefix)
        every_verb(decoding)
        family, (_, record) = a_family(subject="usr_2", name="Zo\u00eb"), a_token(subject="Zo\u00eb")
        decoding.families.add_family(family)
        decoding.tokens.add_token(record)
        session, pending = a_session(subject="usr_2", name="Zo\u00eb", acr="\u00e9"), a_pending(subject="Zo\u00eb")
        decoding.sessions.add_session(session)
        decoding.pending.put_pending(pending)
        taken = now(decoding.pending.take_pending(pending.digest, pending.kind, 1.0))
        sessions: list[BrowserSession | None] = [
            now(each.sessions.find_session(session.key)) for each in (decoding, other)
        ]
        found: list[tuple[RefreshFamily | None, TokenRecord | None, RevocationPage]] = [
            (
                now(each.families.find_family(family.key)),
                now(each.tokens.find_token(record.digest)),
                now(each.revocations.revocations_after("", 10)),
            )
            for each in (decoding, other)
        ]
    target.close()
    assert found[0] == found[1]
    assert found[0][:2] == (family, record)
    assert (sessions, taken) == ([session, session], pending)


@pytest.mark.servers
def test_a_revoked_token_is_found_with_the_exact_time(kept: RedisStores) -> None:
    _, record = a_token(created_at=1234567890.123456)
    kept.tokens.add_token(record)
    kept.tokens.revoke_token(record.digest, 1795234172.4100442)
    assert now(kept.tokens.find_token(record.digest)) == replace(record, revoked_at=1795234172.4100442)
