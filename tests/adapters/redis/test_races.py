"""What is added while somebody is logged out everywhere, step by step, and what is sent again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from authmw_redis import RedisStores, families
from authmw_redis.commands import Batch, Steps

from authmw.stores.records import Outcome, RefreshFamily, TokenRecord
from authmw.stores.session_records import BrowserSession, RenewalOutcome
from tests.adapters.redis.support import (
    RedisServer,
    a_family,
    a_pending,
    a_renewal,
    a_rotation,
    a_session,
    a_token,
    client,
    now,
)

pytestmark = pytest.mark.servers


def interrupted(kept: RedisStores, steps: Steps[Any], meanwhile: Callable[[], object]) -> None:
    """Run `steps`, with `meanwhile` before the one that stores, after all that enter into indexes."""
    before: list[str] = []

    def halted() -> Steps[None]:
        try:
            step = next(steps)
            while True:
                if not isinstance(step, Batch) and (step[0] == "SET" or families.ADD.sha in step):
                    before.append(str(step[0]))
                    meanwhile()
                try:
                    reply = yield step
                except Exception as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(reply)
        except StopIteration:
            return

    kept._server.run(halted())  # pyright: ignore[reportPrivateUsage]
    assert len(before) == 1


def adding_token(kept: RedisStores, record: TokenRecord) -> Steps[None]:
    return kept.tokens._add(record)  # pyright: ignore[reportPrivateUsage]


def adding_family(kept: RedisStores, family: RefreshFamily) -> Steps[None]:
    return kept.families._add(family)  # pyright: ignore[reportPrivateUsage]


def adding_session(kept: RedisStores, session: BrowserSession) -> Steps[None]:
    return kept.sessions._add(session)  # pyright: ignore[reportPrivateUsage]


REVOKE_TOKENS: dict[str, Callable[[RedisStores, float], object]] = {
    "of the subject": lambda kept, at: kept.tokens.revoke_subject_tokens("usr_1", at),
    "of the client": lambda kept, at: kept.tokens.revoke_client_tokens("shop", at),
    "of the family": lambda kept, at: kept.tokens.revoke_family_tokens("fam_1", at),
}
END_FAMILIES: dict[str, Callable[[RedisStores, RefreshFamily], object]] = {
    "of the subject": lambda kept, family: kept.families.end_families("usr_1", family.created_at),
    "of the client": lambda kept, family: kept.families.end_client_families("shop", family.created_at),
    "of the session": lambda kept, family: kept.families.end_session_families("sid_1", family.created_at),
    "by its id": lambda kept, family: kept.families.end_family(family.id, family.created_at),
}


@pytest.mark.parametrize("revoke", REVOKE_TOKENS.values(), ids=REVOKE_TOKENS)
def test_a_token_that_is_half_added_when_all_are_revoked_is_never_good(
    kept: RedisStores, revoke: Callable[[RedisStores, float], object]
) -> None:
    _, record = a_token(family_id="fam_1")
    # Even one that says to be newer than the revocation.
    interrupted(kept, adding_token(kept, record), lambda: revoke(kept, record.created_at - 1))
    assert now(kept.tokens.find_token(record.digest)) is None


@pytest.mark.parametrize("revoke", REVOKE_TOKENS.values(), ids=REVOKE_TOKENS)
def test_a_token_that_was_made_before_all_were_revoked_is_stored_as_revoked(
    kept: RedisStores, revoke: Callable[[RedisStores, float], object]
) -> None:
    _, record = a_token(family_id="fam_1")
    revoke(kept, record.created_at + 0.25)
    kept.tokens.add_token(record)
    found = now(kept.tokens.find_token(record.digest))
    assert found is not None
    assert found.revoked_at == record.created_at + 0.25


def test_a_token_that_was_made_after_all_were_revoked_is_good(kept: RedisStores) -> None:
    _, record = a_token(family_id="fam_1")
    kept.tokens.revoke_subject_tokens("usr_1", record.created_at)
    kept.tokens.revoke_client_tokens("shop", record.created_at - 1)
    kept.tokens.add_token(record)
    assert now(kept.tokens.find_token(record.digest)) == record


def test_no_token_of_a_family_is_good_after_all_of_it_were_revoked(kept: RedisStores) -> None:
    _, record = a_token(family_id="fam_1")
    kept.tokens.revoke_family_tokens("fam_1", record.created_at - 60)
    kept.tokens.add_token(record)
    found = now(kept.tokens.find_token(record.digest))
    assert found is not None
    assert found.revoked_at == record.created_at - 60


@pytest.mark.parametrize("end", END_FAMILIES.values(), ids=END_FAMILIES)
def test_a_family_that_is_half_added_when_it_ends_is_never_good(
    kept: RedisStores, end: Callable[[RedisStores, RefreshFamily], object]
) -> None:
    family = a_family(session_id="sid_1")
    interrupted(kept, adding_family(kept, family), lambda: end(kept, family))
    assert now(kept.families.find_family(family.key)) is None
    assert now(kept.families.rotate(a_rotation(family))).outcome is Outcome.UNKNOWN
    assert now(kept.families.families_of("usr_1", family.created_at)) == ()


def test_a_family_that_was_begun_before_all_ended_is_stored_as_revoked(kept: RedisStores) -> None:
    family, later = a_family(), a_family(subject="usr_2", client_id=None)
    kept.families.end_families("usr_1", family.created_at + 1)
    kept.families.end_families("usr_2", later.created_at)
    for each in (family, later):
        kept.families.add_family(each)
    assert now(kept.families.rotate(a_rotation(family))).outcome is Outcome.ENDED
    assert now(kept.families.rotate(a_rotation(later))).outcome is Outcome.ROTATED


END_SESSIONS: dict[str, Callable[[RedisStores, BrowserSession], object]] = {
    "of the subject": lambda kept, session: kept.sessions.end_sessions("usr_1", session.created_at, "sid_other"),
    "by its id": lambda kept, session: kept.sessions.end_session(session.id, session.created_at),
}


@pytest.mark.parametrize("end", END_SESSIONS.values(), ids=END_SESSIONS)
def test_a_session_that_is_half_added_when_it_ends_is_never_good(
    kept: RedisStores, end: Callable[[RedisStores, BrowserSession], object]
) -> None:
    session = a_session()
    interrupted(kept, adding_session(kept, session), lambda: end(kept, session))
    assert now(kept.sessions.find_session(session.key)) is None
    assert now(kept.sessions.renew_session(a_renewal(session))).outcome is RenewalOutcome.UNKNOWN
    kept.sessions.touch_session(session.key, session.created_at + 1)
    assert now(kept.sessions.sessions_of("usr_1", session.created_at)) == ()


def test_a_session_that_was_begun_before_all_ended_is_stored_as_ended(kept: RedisStores) -> None:
    session, later, other = a_session(), a_session(subject="usr_2"), a_session(subject="usr_3")
    kept.sessions.end_sessions("usr_1", session.created_at + 1)
    kept.sessions.end_sessions("usr_2", later.created_at)
    for each in (session, later, other):
        kept.sessions.add_session(each)
    found = now(kept.sessions.find_session(session.key))
    assert found is not None
    assert found.ended_at == session.created_at + 1
    outcomes = [now(kept.sessions.renew_session(a_renewal(each))).outcome for each in (session, later, other)]
    assert outcomes == [RenewalOutcome.ENDED, RenewalOutcome.RENEWED, RenewalOutcome.RENEWED]


def test_more_sessions_than_one_page_of_an_index_are_ended_but_one(kept: RedisStores) -> None:
    sessions = [a_session() for _ in range(600)]
    for session in sessions:
        kept.sessions.add_session(session)
    ended = now(kept.sessions.end_sessions("usr_1", time.time(), sessions[300].id))
    assert len(ended) == 599
    assert now(kept.sessions.sessions_of("usr_1", time.time())) == (sessions[300],)


@pytest.mark.parametrize("revoke", REVOKE_TOKENS.values(), ids=REVOKE_TOKENS)
def test_no_token_made_before_a_revocation_is_good_after_it_whoever_adds_at_once(
    kept: RedisStores, revoke: Callable[[RedisStores, float], object]
) -> None:
    at, revoked = time.time() + 0.3, threading.Event()

    def add(racer: int) -> list[TokenRecord]:
        added: list[TokenRecord] = []
        while not revoked.is_set():
            _, record = a_token(family_id="fam_1", audience=frozenset({str(racer)}))
            kept.tokens.add_token(record)
            added.append(record)
        return added

    with ThreadPoolExecutor(8) as threads:
        adding = [threads.submit(add, number) for number in range(7)]
        while time.time() < at:
            pass
        try:
            revoke(kept, at)
        finally:
            revoked.set()
        records = [record for each in adding for record in each.result() if record.created_at < at]
    assert records
    found = [now(kept.tokens.find_token(record.digest)) for record in records]
    assert [each for each in found if each is not None and each.revoked_at is None] == []


def test_more_tokens_than_one_page_of_an_index_are_all_revoked(kept: RedisStores) -> None:
    records = [a_token()[1] for _ in range(1200)]
    for record in records:
        kept.tokens.add_token(record)
    kept.tokens.revoke_subject_tokens("usr_1", records[-1].created_at)
    found = [now(kept.tokens.find_token(record.digest)) for record in records]
    assert all(each is not None and each.revoked_at is not None for each in found)
    assert len(kept.tokens.list("usr_1")) == 1200


def test_what_is_pending_for_nobody_costs_as_many_steps_as_for_a_user(kept: RedisStores) -> None:
    def steps(subject: str) -> list[str]:
        put, taken = kept.pending._put(a_pending(subject=subject)), list[str]()  # pyright: ignore[reportPrivateUsage]
        reply: Any = None
        while True:
            try:
                step = put.send(reply)
            except StopIteration:
                return taken
            assert not isinstance(step, Batch)
            taken.append(str(step[1]))
            reply = None

    assert steps("") == steps("usr_1")


def test_adding_again_brings_nothing_back(kept: RedisStores) -> None:
    family, (_, record), session = a_family(), a_token(), a_session()
    kept.families.add_family(family)
    kept.tokens.add_token(record)
    kept.sessions.add_session(session)
    kept.sessions.end_session(session.id, session.created_at)
    kept.sessions.add_session(session)
    assert now(kept.sessions.renew_session(a_renewal(session))).outcome is RenewalOutcome.ENDED
    kept.families.end_family(family.id, family.created_at)
    kept.tokens.revoke_token(record.digest, record.created_at)
    kept.families.add_family(family)
    kept.tokens.add_token(record)
    found = now(kept.tokens.find_token(record.digest))
    assert found is not None
    assert found.revoked_at is not None
    assert now(kept.families.rotate(a_rotation(family))).outcome is Outcome.ENDED


def test_a_server_that_forgot_its_scripts_gets_them_again(server: RedisServer) -> None:
    kept = RedisStores(server.url)
    with client(server.url) as sees:
        for _ in range(3):
            _, record = a_token()
            kept.tokens.add_token(record)
            assert now(kept.tokens.find_token(record.digest)) == record
            sees.script_flush()
    kept.close()
