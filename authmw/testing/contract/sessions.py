"""Contract of stores of browser sessions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from authmw.crypto.opaque_tokens import new_id, token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.session_ports import SessionStore
from authmw.stores.session_records import BrowserSession, Renewal, RenewalAnswer, RenewalOutcome
from authmw.testing.contract.base import StoreContract, between_processes

# Ahead of the clock, so that no store forgets a record as expired during the tests, however long they take.
NOW: Final = float(int(time.time()) + 3600)
DAY: Final = 86_400.0
MANY: Final = 32
"""The number of requests of one browser that renew the same value at once."""


def a_session(**changes: Any) -> BrowserSession:
    """A session that begins now, with a new id and a new cookie."""
    id = new_id("sid")
    session = BrowserSession(
        id=id,
        key=token_digest(f"key of {id}"),
        current=token_digest(f"first of {id}"),
        subject="usr_1",
        scopes=frozenset({"orders:read"}),
        created_at=NOW,
        authenticated_at=NOW,
        expires_at=NOW + 30 * DAY,
        idle_for=DAY,
        idle_until=NOW + DAY,
        last_used_at=NOW,
        amr=("pwd",),
    )
    return replace(session, **changes)


def a_renewal(session: BrowserSession, presented: str | None = None, **changes: Any) -> Renewal:
    """A renewal one minute after the start of `session`. It presents the current value, or `presented` if given."""
    renewal = Renewal(
        key=session.key,
        presented=session.current if presented is None else presented,
        successor=token_digest(new_id("next")),
        salt=token_digest(new_id("salt")),
        now=session.created_at + 60,
        scopes=session.scopes,
    )
    return replace(renewal, **changes)


class SessionStoreContract(StoreContract[SessionStore]):
    """The contract of `authmw.stores.SessionStore`."""

    def add(self, **changes: Any) -> BrowserSession:
        """A new session in the store."""
        session = a_session(**changes)
        self.ask(self.store.add_session, session)
        return session

    def renew(self, session: BrowserSession, presented: str | None = None, **changes: Any) -> RenewalAnswer:
        """Present a value of the cookie of `session`."""
        return self.ask(self.store.renew_session, a_renewal(session, presented, **changes))

    def renewed(self, session: BrowserSession, **changes: Any) -> BrowserSession:
        """The session after a renewal that has to succeed."""
        answer = self.renew(session, **changes)
        assert answer.outcome is RenewalOutcome.RENEWED
        assert answer.session is not None
        return answer.session

    def found(self, session: BrowserSession) -> BrowserSession:
        """The session as it is stored."""
        found = self.ask(self.store.find_session, session.key)
        assert found is not None
        return found

    def several(self, **changes: Any) -> list[BrowserSession]:
        """A new session in the store for each round of a race."""
        return [self.add(**changes) for _ in range(self.rounds)]

    # What is stored

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"scopes": frozenset[str](), "amr": (), "acr": "", "name": "", "remembered": False},
            {"name": "Firefox \u2014 b\u00fcro \u30ce\u30fc\u30c8 '\"\\%{} \U0001f510", "remembered": True},
            {"scopes": frozenset({"a", "b:c", "https://example.org/x?y=z", "d,e"})},
            {"amr": ("pwd", "otp", "mfa"), "acr": "https://refeds.org/profile/mfa \u00e9"},
            {
                "created_at": NOW + 0.123456,
                "authenticated_at": NOW + 0.2,
                "expires_at": NOW + DAY + 0.654321,
                "idle_for": 1800.5,
                "idle_until": NOW + 0.1,
                "last_used_at": NOW + 2 / 3,
                "renewed_at": NOW + 1 / 3,
                "previous": "f" * 64,
                "salt": "0" * 64,
            },
            {"ended_at": NOW + 0.123456},
        ],
        ids=["plain", "least", "of all languages", "scopes", "methods", "times", "ended"],
    )
    def test_a_session_is_found_as_it_was_added(self, changes: dict[str, Any]) -> None:
        session = self.add(**changes)
        self.add()
        assert self.found(session) == session

    def test_another_key_finds_nothing(self) -> None:
        session = self.add()
        for key in (session.id, session.current, session.key[:-1], f"{session.key} ", "%", "", token_digest("another")):
            assert self.ask(self.store.find_session, key) is None

    # Renewal, rule by rule

    def test_1_an_unknown_key_is_unknown(self) -> None:
        session = self.add()
        assert self.renew(session, key=token_digest("another")) == RenewalAnswer(RenewalOutcome.UNKNOWN)
        assert self.found(session) == session

    @pytest.mark.parametrize(
        "changes",
        [
            {"ended_at": NOW + 1},
            {"expires_at": NOW + 60},
            {"idle_until": NOW + 60},
            {"expires_at": NOW + 59, "idle_until": NOW + 58},
        ],
        ids=["ended", "expired this moment", "idle this moment", "long over"],
    )
    def test_2_an_ended_session_stays_as_it_is_whatever_is_presented(self, changes: dict[str, float]) -> None:
        session = self.add(previous=token_digest("previous"), renewed_at=NOW + 59, **changes)
        for presented in (session.current, session.previous, token_digest("never issued")):
            assert self.renew(session, presented) == RenewalAnswer(RenewalOutcome.ENDED, session)
        assert self.found(session) == session

    def test_3_the_current_value_is_replaced_by_its_successor(self) -> None:
        session = self.add(name="Firefox", remembered=True, acr="silver")
        renewal = a_renewal(session, now=NOW + 60.123456, scopes=frozenset({"orders:write", "a b"}))
        renewal = replace(renewal, scopes=frozenset({"orders:write", "admin"}))
        expected = replace(
            session,
            previous=session.current,
            current=renewal.successor,
            salt=renewal.salt,
            renewed_at=renewal.now,
            last_used_at=renewal.now,
            idle_until=renewal.now + DAY,
            scopes=renewal.scopes,
        )
        assert self.ask(self.store.renew_session, renewal) == RenewalAnswer(RenewalOutcome.RENEWED, expected)
        assert self.found(session) == expected

    def test_3_a_login_is_noted_with_its_time_and_methods(self) -> None:
        session = self.add(acr="silver")
        proved: dict[str, Any] = {"authenticated_at": NOW + 60.5, "amr": ("pwd", "otp"), "acr": "gold"}
        after = self.renewed(session, now=NOW + 60.5, **proved)
        assert (after.authenticated_at, after.amr, after.acr) == (NOW + 60.5, ("pwd", "otp"), "gold")
        assert self.found(session) == after
        emptied = self.renewed(after, now=NOW + 61, amr=(), acr="")
        assert (emptied.authenticated_at, emptied.amr, emptied.acr) == (NOW + 60.5, (), "")
        assert self.found(session) == emptied

    def test_3_successors_are_renewed_in_their_turn(self) -> None:
        session = self.add()
        for number in range(1, 6):
            session = self.renewed(session, now=NOW + 60 * number)
        assert self.found(session) == session

    def test_3_no_renewal_lets_a_session_live_beyond_its_end(self) -> None:
        session = self.add(expires_at=NOW + DAY)
        after = self.renewed(session)
        assert after.idle_until == after.expires_at == NOW + DAY
        assert self.found(session) == after

    def test_3_a_renewal_by_a_clock_that_is_behind_takes_nothing_back(self) -> None:
        session = self.add(last_used_at=NOW + 120, idle_until=NOW + 120 + DAY)
        after = self.renewed(session, now=NOW + 60)
        assert (after.last_used_at, after.idle_until) == (NOW + 120, NOW + 120 + DAY)
        assert after.renewed_at == NOW + 60
        assert self.found(session) == after

    def test_4_the_previous_value_within_the_grace_gets_the_same_successor(self) -> None:
        session = self.add()
        after = self.renewed(session)
        for later in (0.0, 29.0, 30.0, 1.0, -1.0):
            answer = self.renew(session, now=NOW + 60 + later, scopes=frozenset({"admin"}), amr=("otp",))
            assert answer == RenewalAnswer(RenewalOutcome.RACED, after), "unchanged, with the first one's salt"
        assert self.found(session) == after

    @pytest.mark.parametrize(
        "changes",
        [{"now": NOW + 90.5}, {"grace": 0.0}, {"grace": 0.0, "now": NOW + 59}],
        ids=["late", "none", "behind"],
    )
    def test_5_the_previous_value_after_the_grace_is_unknown_and_changes_nothing(self, changes: dict[str, Any]) -> None:
        session = self.add()
        after = self.renewed(session)
        assert self.renew(session, **changes) == RenewalAnswer(RenewalOutcome.UNKNOWN)
        assert self.found(session) == after

    @pytest.mark.parametrize("current", [token_digest("first"), ""], ids=["with a value", "without one"])
    def test_5_a_value_that_never_was_or_is_empty_is_unknown_and_changes_nothing(self, current: str) -> None:
        session = self.add(current=current, renewed_at=NOW + 60)
        for presented in (token_digest("never issued"), "", current[:-1]):
            assert self.renew(session, presented) == RenewalAnswer(RenewalOutcome.UNKNOWN)
        assert self.found(session) == session

    def test_5_a_value_from_before_the_previous_one_has_no_grace(self) -> None:
        session = self.add()
        second = self.renewed(session)
        third = self.renewed(second, now=NOW + 61)
        assert self.renew(session, now=NOW + 61) == RenewalAnswer(RenewalOutcome.UNKNOWN)
        assert self.found(session) == third

    # The time of the last use

    def test_a_use_extends_a_session(self) -> None:
        session, other = self.add(), self.add()
        self.ask(self.store.touch_session, session.key, NOW + 60.25)
        assert self.found(session) == replace(session, last_used_at=NOW + 60.25, idle_until=NOW + 60.25 + DAY)
        assert self.found(other) == other

    def test_a_use_never_moves_back(self) -> None:
        session = self.add(last_used_at=NOW + 60, idle_until=NOW + 60 + DAY)
        for at in (NOW + 60, NOW + 59.5, NOW - DAY):
            self.ask(self.store.touch_session, session.key, at)
        assert self.found(session) == session

    def test_a_use_never_shortens_a_session_nor_lets_it_live_beyond_its_end(self) -> None:
        long, short = self.add(idle_until=NOW + 3 * DAY), self.add(expires_at=NOW + DAY)
        for session in (long, short):
            self.ask(self.store.touch_session, session.key, NOW + 60)
        assert self.found(long) == replace(long, last_used_at=NOW + 60)
        assert self.found(short) == replace(short, last_used_at=NOW + 60, idle_until=NOW + DAY)

    @pytest.mark.parametrize(
        "changes",
        [{"ended_at": NOW + 1}, {"expires_at": NOW + 60}, {"idle_until": NOW + 60}],
        ids=["ended", "expired this moment", "idle this moment"],
    )
    def test_no_use_revives_a_session_that_is_over(self, changes: dict[str, float]) -> None:
        session = self.add(**changes)
        self.ask(self.store.touch_session, session.key, NOW + 60)
        self.ask(self.store.touch_session, token_digest("another"), NOW + 60)
        assert self.found(session) == session

    # The end of a session

    def test_an_ended_session_is_answered_as_of_the_first_time(self) -> None:
        session, other = self.add(), self.add()
        ended = replace(session, ended_at=NOW + 5.5)
        for at in (NOW + 5.5, NOW + 9):
            assert self.ask(self.store.end_session, session.id, at) == ended
        assert self.found(session) == ended
        assert self.found(other) == other
        assert self.renew(session) == RenewalAnswer(RenewalOutcome.ENDED, ended)

    def test_a_session_that_is_not_there_is_not_ended(self) -> None:
        session = self.add()
        for id in (session.key, "sid_unknown", "%", "", session.id[:-1]):
            assert self.ask(self.store.end_session, id, NOW) is None
        assert self.found(session) == session

    def test_every_session_of_a_subject_ends_and_no_other(self) -> None:
        mine, other = [self.add(), self.add(remembered=True)], self.add(subject="usr_2")
        over = [self.add(ended_at=NOW), self.add(expires_at=NOW + 1), self.add(idle_until=NOW + 1)]
        ended = self.ask(self.store.end_sessions, "usr_1", NOW + 5.5)
        expected = [replace(each, ended_at=NOW + 5.5) for each in mine]
        assert sorted(ended, key=_id) == sorted(expected, key=_id)
        assert [self.found(each) for each in mine] == expected
        assert [self.found(each) for each in (other, *over)] == [other, *over]
        assert self.ask(self.store.end_sessions, "usr_1", NOW + 9) == ()

    def test_every_session_of_a_subject_ends_but_the_one_that_is_kept(self) -> None:
        kept, mine = self.add(), [self.add(), self.add()]
        ended = self.ask(self.store.end_sessions, "usr_1", NOW + 5.5, kept.id)
        assert sorted(each.id for each in ended) == sorted(each.id for each in mine)
        assert self.found(kept) == kept
        assert self.ask(self.store.sessions_of, "usr_1", NOW + 9) == (kept,)
        after = self.renewed(kept)
        assert self.ask(self.store.end_sessions, "usr_1", NOW + 70, "sid_unknown") == (
            replace(after, ended_at=NOW + 70),
        )

    def test_no_session_is_kept_for_another_subject(self) -> None:
        mine, other = self.add(), self.add(subject="usr_2")
        assert self.ask(self.store.end_sessions, "usr_1", NOW + 5, other.id) == (replace(mine, ended_at=NOW + 5),)
        assert self.found(other) == other

    def test_the_live_sessions_of_a_subject_are_listed_oldest_first(self) -> None:
        made = [self.add(created_at=NOW + age) for age in (3, 1, 2)]
        self.add(subject="usr_2")
        self.add(ended_at=NOW)
        self.add(expires_at=NOW + 10)
        self.add(idle_until=NOW + 10)
        assert self.ask(self.store.sessions_of, "usr_1", NOW + 10) == (made[1], made[2], made[0])
        assert self.ask(self.store.sessions_of, "usr_3", NOW + 10) == ()

    # Races

    def test_of_many_renewals_at_once_one_is_renewed_and_all_get_its_successor(self) -> None:
        sessions = self.several()
        self.assert_one_successor(sessions, self.race(partial(_renew, sessions), racers=MANY))

    @between_processes
    def test_of_renewals_by_processes_at_once_one_is_renewed(self) -> None:
        sessions = self.several()
        self.assert_one_successor(sessions, self.race_processes(partial(_renew, sessions)))

    def assert_one_successor(self, sessions: list[BrowserSession], rounds: list[list[RenewalAnswer]]) -> None:
        """One answer is a renewal, the others got the same session with the same salt, and that session is stored."""
        for session, answers in zip(sessions, rounds, strict=True):
            outcomes = [answer.outcome for answer in answers]
            assert (outcomes.count(RenewalOutcome.RENEWED), outcomes.count(RenewalOutcome.RACED)) == (
                1,
                len(answers) - 1,
            )
            found = self.found(session)
            assert [answer.session for answer in answers] == [found] * len(answers)
            assert found.salt == token_digest(f"salt {outcomes.index(RenewalOutcome.RENEWED)} of {session.id}")

    @pytest.mark.parametrize("verb", ["end_session", "end_sessions"])
    def test_no_renewal_and_no_use_brings_a_session_back_that_ended_meanwhile(self, verb: str) -> None:
        sessions = [self.add(subject=f"usr_{number}") for number in range(self.rounds)]
        self.race(partial(_use_or_end, sessions, verb))
        self.assert_ended(sessions)

    @between_processes
    def test_no_renewal_and_no_use_by_a_process_brings_a_session_back_that_ended_meanwhile(self) -> None:
        sessions = self.several()
        self.race_processes(partial(_use_or_end, sessions, "end_session"))
        self.assert_ended(sessions)

    def assert_ended(self, sessions: list[BrowserSession]) -> None:
        """All sessions have ended, and none of their values is renewed any more."""
        for session in sessions:
            found = self.found(session)
            assert found.ended_at == NOW + 60
            for value in (found.current, found.previous or session.current):
                assert self.renew(found, value) == RenewalAnswer(RenewalOutcome.ENDED, found)

    def test_of_many_uses_at_once_the_latest_is_kept(self) -> None:
        sessions = self.several()
        for session, times in zip(sessions, self.race(partial(_touch, sessions)), strict=True):
            latest = max(times)
            assert self.found(session) == replace(session, last_used_at=latest, idle_until=latest + DAY)

    def test_of_many_ends_at_once_each_session_is_in_one_answer_and_the_kept_one_in_none(self) -> None:
        kept, sessions = self.add(), self.several()
        for answers in self.race(partial(_end_others, kept.id), rounds=1):
            ended = [session.id for answer in answers for session in answer]
            assert sorted(ended) == sorted(session.id for session in sessions)
        assert self.ask(self.store.sessions_of, "usr_1", NOW + 61) == (kept,)

    def test_sessions_that_are_added_at_once_are_all_kept(self) -> None:
        added = [session for answers in self.race(_add, rounds=5) for session in answers]
        assert [self.found(session) for session in added] == added
        assert len(self.ask(self.store.sessions_of, "usr_1", NOW)) == len(added)


def _id(session: BrowserSession) -> str:
    return session.id


def _renew(sessions: Sequence[BrowserSession], store: SessionStore, racer: int, number: int) -> Flow[RenewalAnswer]:
    session = sessions[number]
    salt, successor = (token_digest(f"{what} {racer} of {session.id}") for what in ("salt", "successor"))
    return (yield from Ask(store.renew_session, a_renewal(session, successor=successor, salt=salt)))


def _use_or_end(
    sessions: Sequence[BrowserSession], verb: str, store: SessionStore, racer: int, number: int
) -> Flow[None]:
    session = sessions[number]
    at = session.created_at + 60  # each process has a NOW of its own
    if racer % 3 == 0:
        yield from Ask(store.renew_session, a_renewal(session))
    elif racer % 3 == 1:
        yield from Ask(store.touch_session, session.key, at - 1)
    else:
        if verb == "end_session":
            yield from Ask(store.end_session, session.id, at)
        else:
            yield from Ask(store.end_sessions, session.subject, at)
        answer = yield from Ask(store.renew_session, a_renewal(session))
        assert answer.outcome is RenewalOutcome.ENDED


def _touch(sessions: Sequence[BrowserSession], store: SessionStore, racer: int, number: int) -> Flow[float]:
    at = NOW + 60 + racer * 7 % 5
    yield from Ask(store.touch_session, sessions[number].key, at)
    return at


def _end_others(kept: str, store: SessionStore, racer: int, number: int) -> Flow[tuple[BrowserSession, ...]]:
    return (yield from Ask(store.end_sessions, "usr_1", NOW + 60, kept))


def _add(store: SessionStore, racer: int, number: int) -> Flow[BrowserSession]:
    session = a_session()
    yield from Ask(store.add_session, session)
    return session
