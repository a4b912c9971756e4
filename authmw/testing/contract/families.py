"""Contract of stores of refresh families."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

import pytest

from authmw.crypto.opaque_tokens import new_id, token_digest
from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import FamilyStore
from authmw.stores.records import Outcome, RefreshFamily, Rotation, RotationAnswer
from authmw.testing.contract.base import StoreContract, between_processes

# Ahead of the clock, so that no store forgets a record as expired during the tests, however long they take.
NOW: Final = float(int(time.time()) + 3600)
DAY: Final = 86_400.0


def a_family(**changes: Any) -> RefreshFamily:
    """A family that begins now, with a new id and new tokens."""
    id = new_id("fam")
    family = RefreshFamily(
        id=id,
        key=token_digest(f"key of {id}"),
        current=token_digest(f"first of {id}"),
        subject="usr_1",
        username="alice",
        client_id="shop",
        scopes=frozenset({"orders:read"}),
        created_at=NOW,
        expires_at=NOW + 30 * DAY,
        idle_until=NOW + 14 * DAY,
    )
    return replace(family, **changes)


def a_rotation(family: RefreshFamily, presented: str | None = None, **changes: Any) -> Rotation:
    """A rotation one minute after the start of `family`. It presents the current token, or `presented` if given."""
    rotation = Rotation(
        key=family.key,
        presented=family.current if presented is None else presented,
        successor=token_digest(new_id("next")),
        salt=token_digest(new_id("salt")),
        client_id=family.client_id,
        now=family.created_at + 60,
        idle_until=family.created_at + 60 + 14 * DAY,
        grace=30.0,
    )
    return replace(rotation, **changes)


class FamilyStoreContract(StoreContract[FamilyStore]):
    """The contract of `authmw.stores.FamilyStore`."""

    def add(self, **changes: Any) -> RefreshFamily:
        """A new family in the store."""
        family = a_family(**changes)
        self.ask(self.store.add_family, family)
        return family

    def rotate(self, family: RefreshFamily, presented: str | None = None, **changes: Any) -> RotationAnswer:
        """Present a token of `family`."""
        return self.ask(self.store.rotate, a_rotation(family, presented, **changes))

    def found(self, family: RefreshFamily) -> RefreshFamily:
        """The family as it is stored."""
        found = self.ask(self.store.find_family, family.key)
        assert found is not None
        return found

    def several(self, **changes: Any) -> list[RefreshFamily]:
        """A new family in the store for each round of a race."""
        return [self.add(**changes) for _ in range(self.rounds)]

    # What is stored

    @pytest.mark.parametrize(
        "changes",
        [
            {},
            {"client_id": None, "current": "", "scopes": frozenset[str](), "name": ""},
            {"username": "Zo\u00eb \U0001f510", "name": "Firefox \u2014 b\u00fcro \u30ce\u30fc\u30c8 '\"\\%{}"},
            {"scopes": frozenset({"a", "b:c", "https://example.org/x?y=z", "d,e"})},
            {
                "created_at": NOW + 0.123456,
                "expires_at": NOW + DAY + 0.654321,
                "idle_until": NOW + 0.1,
                "rotated_at": NOW + 1 / 3,
                "last_used_at": NOW + 2 / 3,
                "previous": "f" * 64,
                "salt": "0" * 64,
            },
            {"revoked_at": NOW + 0.123456},
            {"session_id": "sid_1"},
        ],
        ids=["plain", "least", "of all languages", "scopes", "times", "revoked", "of a session"],
    )
    def test_a_family_is_found_as_it_was_added(self, changes: dict[str, Any]) -> None:
        family = self.add(**changes)
        self.add()
        assert self.found(family) == family

    def test_another_key_finds_nothing(self) -> None:
        family = self.add()
        for key in (family.id, family.current, family.key[:-1], f"{family.key} ", "%", token_digest("another")):
            assert self.ask(self.store.find_family, key) is None

    # Rotation, rule by rule

    def test_1_an_unknown_key_is_unknown(self) -> None:
        family = self.add()
        assert self.rotate(family, key=token_digest("another")) == RotationAnswer(Outcome.UNKNOWN)
        assert self.found(family) == family

    @pytest.mark.parametrize("client_id", ["another", "SHOP", None])
    def test_1_the_family_of_another_client_is_unknown_and_unharmed(self, client_id: str | None) -> None:
        family = self.add()
        for presented in (family.current, token_digest("never issued")):
            answer = self.rotate(family, presented, client_id=client_id)
            assert answer == RotationAnswer(Outcome.UNKNOWN)
        assert self.found(family) == family

    def test_1_the_family_of_no_client_is_unknown_to_clients(self) -> None:
        family = self.add(client_id=None)
        assert self.rotate(family, client_id="shop").outcome is Outcome.UNKNOWN
        assert self.rotate(family, client_id=None).outcome is Outcome.ROTATED

    @pytest.mark.parametrize(
        "changes",
        [
            {"revoked_at": NOW + 1},
            {"expires_at": NOW + 60},
            {"idle_until": NOW + 60},
            {"expires_at": NOW + 59, "idle_until": NOW + 58},
        ],
        ids=["revoked", "expired this moment", "idle this moment", "long over"],
    )
    def test_2_an_ended_family_stays_as_it_is_whatever_is_presented(self, changes: dict[str, float]) -> None:
        family = self.add(previous=token_digest("previous"), rotated_at=NOW + 59, **changes)
        for presented in (family.current, family.previous, token_digest("never issued")):
            assert self.rotate(family, presented) == RotationAnswer(Outcome.ENDED, family)
        assert self.found(family) == family

    def test_3_the_current_token_is_replaced_by_its_successor(self) -> None:
        family = self.add(name="Firefox")
        rotation = a_rotation(family, now=NOW + 60.123456)
        expected = replace(
            family,
            previous=family.current,
            current=rotation.successor,
            salt=rotation.salt,
            rotated_at=rotation.now,
            last_used_at=rotation.now,
            idle_until=rotation.idle_until,
        )
        assert self.ask(self.store.rotate, rotation) == RotationAnswer(Outcome.ROTATED, expected)
        assert self.found(family) == expected

    def test_3_successors_are_rotated_in_their_turn(self) -> None:
        family = self.add()
        for number in range(1, 6):
            answer = self.rotate(family, now=NOW + 60 * number)
            assert answer.outcome is Outcome.ROTATED
            assert answer.family is not None
            family = answer.family

    def test_3_no_rotation_lets_a_family_live_beyond_its_end(self) -> None:
        family = self.add(expires_at=NOW + DAY)
        answer = self.rotate(family, idle_until=NOW + 2 * DAY)
        assert answer.family is not None
        assert answer.family.idle_until == answer.family.expires_at == NOW + DAY
        assert self.found(family) == answer.family

    def test_4_the_previous_token_within_the_grace_gets_the_same_successor(self) -> None:
        family = self.add()
        rotated = self.rotate(family).family
        for later in (0.0, 29.0, 30.0, 1.0):
            answer = self.rotate(family, now=NOW + 60 + later)
            assert answer == RotationAnswer(Outcome.RACED, rotated), "unchanged, with the first one's salt"
        assert self.found(family) == rotated

    def test_4_a_rotation_by_a_clock_that_is_behind_is_raced_too(self) -> None:
        family = self.add()
        rotated = self.rotate(family).family
        assert self.rotate(family, now=NOW + 59) == RotationAnswer(Outcome.RACED, rotated)

    def test_5_the_previous_token_after_the_grace_revokes_the_family(self) -> None:
        family = self.add()
        rotated = self.rotate(family).family
        assert rotated is not None
        revoked = replace(rotated, revoked_at=NOW + 91)
        assert self.rotate(family, now=NOW + 91) == RotationAnswer(Outcome.REUSED, revoked)
        assert self.found(family) == revoked
        assert self.rotate(rotated, now=NOW + 92) == RotationAnswer(Outcome.ENDED, revoked)

    def test_5_a_token_from_before_the_previous_one_has_no_grace(self) -> None:
        family = self.add()
        second = self.rotate(family).family
        assert second is not None
        self.rotate(second, now=NOW + 61)
        answer = self.rotate(family, now=NOW + 62)
        assert answer.outcome is Outcome.REUSED
        assert self.found(family).revoked_at == NOW + 62

    @pytest.mark.parametrize("current", [token_digest("first"), ""], ids=["with a token", "without one"])
    def test_5_a_token_that_never_was_revokes_the_family(self, current: str) -> None:
        family = self.add(current=current)
        answer = self.rotate(family, token_digest("never issued"))
        assert answer == RotationAnswer(Outcome.REUSED, replace(family, revoked_at=NOW + 60))
        assert self.found(family) == answer.family

    # The end of a family

    def test_an_ended_family_is_answered_as_of_the_first_time(self) -> None:
        family, other = self.add(), self.add()
        revoked = replace(family, revoked_at=NOW + 5.5)
        for at in (NOW + 5.5, NOW + 9):
            assert self.ask(self.store.end_family, family.id, at) == revoked
        assert self.found(family) == revoked
        assert self.found(other) == other
        assert self.rotate(family).outcome is Outcome.ENDED

    def test_a_family_that_is_not_there_is_not_ended(self) -> None:
        family = self.add()
        for id in (family.key, "fam_unknown", "%", family.id[:-1]):
            assert self.ask(self.store.end_family, id, NOW) is None
        assert self.found(family) == family

    def test_every_family_of_a_subject_ends_and_no_other(self) -> None:
        mine, other = [self.add(), self.add(client_id=None)], self.add(subject="usr_2")
        self.add(revoked_at=NOW)
        self.add(expires_at=NOW + 1)
        self.add(idle_until=NOW + 1)
        ended = self.ask(self.store.end_families, "usr_1", NOW + 5.5)
        assert sorted(each.id for each in ended) == sorted(each.id for each in mine)
        assert {each.revoked_at for each in ended} == {NOW + 5.5}
        assert [self.found(each) for each in mine] == [replace(each, revoked_at=NOW + 5.5) for each in mine]
        assert self.found(other) == other
        assert self.ask(self.store.end_families, "usr_1", NOW + 9) == ()

    def test_every_family_of_a_client_ends_and_no_other(self) -> None:
        mine, others = [self.add(), self.add(subject="usr_2")], [self.add(client_id="app"), self.add(client_id=None)]
        ended = self.ask(self.store.end_client_families, "shop", NOW + 5.5)
        assert sorted(each.id for each in ended) == sorted(each.id for each in mine)
        assert [self.found(each) for each in mine] == [replace(each, revoked_at=NOW + 5.5) for each in mine]
        assert [self.found(each) for each in others] == others
        assert self.ask(self.store.end_client_families, "shop", NOW + 9) == ()

    def test_every_family_of_a_session_ends_and_no_other(self) -> None:
        mine = [self.add(session_id="sid_1"), self.add(session_id="sid_1", client_id="app")]
        others = [self.add(session_id="sid_2"), self.add(session_id=None), self.add(session_id="")]
        ended = self.ask(self.store.end_session_families, "sid_1", NOW + 5.5)
        assert sorted(each.id for each in ended) == sorted(each.id for each in mine)
        assert [self.found(each) for each in mine] == [replace(each, revoked_at=NOW + 5.5) for each in mine]
        assert [self.found(each) for each in others] == others
        assert self.ask(self.store.end_session_families, "sid_1", NOW + 9) == ()

    def test_a_family_of_a_session_keeps_it_when_it_is_rotated(self) -> None:
        family = self.add(session_id="sid_1")
        rotated = self.rotate(family).family
        assert rotated is not None
        assert rotated.session_id == "sid_1"
        assert self.found(family) == rotated

    def test_the_live_families_of_a_subject_are_listed_oldest_first(self) -> None:
        made = [self.add(created_at=NOW + age) for age in (3, 1, 2)]
        self.add(subject="usr_2")
        self.add(revoked_at=NOW)
        self.add(expires_at=NOW + 10)
        self.add(idle_until=NOW + 10)
        assert self.ask(self.store.families_of, "usr_1", NOW + 10) == (made[1], made[2], made[0])
        assert self.ask(self.store.families_of, "usr_3", NOW + 10) == ()

    # Races

    def test_of_many_rotations_at_once_one_is_rotated_and_all_get_its_successor(self) -> None:
        families = self.several()
        self.assert_one_successor(families, self.race(partial(_rotate, families, 30.0)))

    @between_processes
    def test_of_rotations_by_processes_at_once_one_is_rotated(self) -> None:
        families = self.several()
        self.assert_one_successor(families, self.race_processes(partial(_rotate, families, 30.0)))

    def test_of_many_rotations_at_once_without_grace_one_is_rotated_and_the_family_ends(self) -> None:
        families = self.several()
        self.assert_one_reuse(families, self.race(partial(_rotate, families, 0.0)))

    @between_processes
    def test_of_rotations_by_processes_without_grace_one_is_rotated_and_the_family_ends(self) -> None:
        families = self.several()
        self.assert_one_reuse(families, self.race_processes(partial(_rotate, families, 0.0)))

    def assert_one_successor(self, families: list[RefreshFamily], rounds: list[list[RotationAnswer]]) -> None:
        """One answer is a rotation, the others got the same family, and that family is stored."""
        for family, answers in zip(families, rounds, strict=True):
            outcomes = [answer.outcome for answer in answers]
            assert (outcomes.count(Outcome.ROTATED), outcomes.count(Outcome.RACED)) == (1, len(answers) - 1)
            found = self.found(family)
            assert [answer.family for answer in answers] == [found] * len(answers)
            assert found.current == token_digest(f"successor {outcomes.index(Outcome.ROTATED)} of {family.id}")

    def assert_one_reuse(self, families: list[RefreshFamily], rounds: list[list[RotationAnswer]]) -> None:
        """One answer is a rotation, the next a reuse, which revoked the family; for the others it had ended."""
        for family, answers in zip(families, rounds, strict=True):
            outcomes = [answer.outcome for answer in answers]
            counts = [outcomes.count(each) for each in (Outcome.ROTATED, Outcome.REUSED, Outcome.ENDED)]
            assert counts == [1, 1, len(answers) - 2]
            assert self.found(family).revoked_at == NOW + 60

    @pytest.mark.parametrize("verb", ["end_family", "end_families", "end_session_families", "end_client_families"])
    def test_no_rotation_brings_a_family_back_that_ended_meanwhile(self, verb: str) -> None:
        families = [
            self.add(subject=f"usr_{number}", client_id=f"app_{number}", session_id=f"sid_{number}")
            for number in range(self.rounds)
        ]
        self.race(partial(_rotate_or_end, families, verb))
        self.assert_ended(families)

    @between_processes
    def test_no_rotation_by_a_process_brings_a_family_back_that_ended_meanwhile(self) -> None:
        families = self.several()
        self.race_processes(partial(_rotate_or_end, families, "end_family"))
        self.assert_ended(families)

    def assert_ended(self, families: list[RefreshFamily]) -> None:
        """All families have ended, and none of their tokens is rotated any more."""
        for family in families:
            found = self.found(family)
            assert found.revoked_at == NOW + 60
            for token in (found.current, found.previous or family.current):
                assert self.rotate(found, token) == RotationAnswer(Outcome.ENDED, found)

    def test_a_token_that_was_used_before_ends_the_family_though_the_current_one_is_rotated_at_once(self) -> None:
        families = self.several(previous=token_digest("used before"), rotated_at=NOW - 60)
        for family, answers in zip(families, self.race(partial(_rotate_or_replay, families)), strict=True):
            outcomes = [answer.outcome for answer in answers]
            assert outcomes.count(Outcome.REUSED) == 1
            assert set(outcomes[::2]) <= {Outcome.ROTATED, Outcome.RACED, Outcome.ENDED}
            assert self.found(family).revoked_at is not None

    def test_of_many_ends_at_once_each_family_is_in_one_answer(self) -> None:
        families = self.several()
        for answers in self.race(_end_all, rounds=1):
            ended = [family.id for answer in answers for family in answer]
            assert sorted(ended) == sorted(family.id for family in families)

    def test_families_that_are_added_at_once_are_all_kept(self) -> None:
        added = [family for answers in self.race(_add, rounds=5) for family in answers]
        assert [self.found(family) for family in added] == added
        assert len(self.ask(self.store.families_of, "usr_1", NOW)) == len(added)


def _rotate(
    families: Sequence[RefreshFamily], grace: float, store: FamilyStore, racer: int, number: int
) -> Flow[RotationAnswer]:
    successor = token_digest(f"successor {racer} of {families[number].id}")
    return (yield from Ask(store.rotate, a_rotation(families[number], successor=successor, grace=grace)))


def _rotate_or_end(
    families: Sequence[RefreshFamily], verb: str, store: FamilyStore, racer: int, number: int
) -> Flow[None]:
    family = families[number]
    at = family.created_at + 60
    if racer % 2 == 0:
        yield from Ask(store.rotate, a_rotation(family))
        return
    match verb:
        case "end_family":
            yield from Ask(store.end_family, family.id, at)
        case "end_families":
            yield from Ask(store.end_families, family.subject, at)
        case "end_session_families":
            yield from Ask(store.end_session_families, family.session_id or "", at)
        case _:
            yield from Ask(store.end_client_families, family.client_id or "", at)
    answer = yield from Ask(store.rotate, a_rotation(family))
    assert answer.outcome is Outcome.ENDED


def _rotate_or_replay(
    families: Sequence[RefreshFamily], store: FamilyStore, racer: int, number: int
) -> Flow[RotationAnswer]:
    family = families[number]
    presented = family.current if racer % 2 == 0 else token_digest("never issued")
    return (yield from Ask(store.rotate, a_rotation(family, presented)))


def _end_all(store: FamilyStore, racer: int, number: int) -> Flow[tuple[RefreshFamily, ...]]:
    return (yield from Ask(store.end_families, "usr_1", NOW + 60))


def _add(store: FamilyStore, racer: int, number: int) -> Flow[RefreshFamily]:
    family = a_family()
    yield from Ask(store.add_family, family)
    return family
