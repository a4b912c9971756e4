"""Contract of stores of revocations."""

from __future__ import annotations

import time
from functools import partial
from typing import Final

from authmw.flow.flow import Ask, Flow
from authmw.stores.ports import RevocationStore
from authmw.stores.records import Revocation, RevocationKind
from authmw.testing.contract.base import StoreContract, between_processes

NOW: Final = float(int(time.time()))
_EACH: Final = 8
_PAGES: Final = 40


class RevocationStoreContract(StoreContract[RevocationStore]):
    """The contract of `authmw.stores.RevocationStore`."""

    def publish(self, *revocations: Revocation) -> None:
        """Publish `revocations`, one after the other."""
        for revocation in revocations:
            self.ask(self.store.publish, revocation)

    def after(self, cursor: str, *, limit: int = 100) -> tuple[list[Revocation], str]:
        """All revocations after `cursor`, read page by page, and the cursor to continue from."""
        found: list[Revocation] = []
        while True:
            page = self.ask(self.store.revocations_after, cursor, limit)
            assert len(page.revocations) <= limit
            found += page.revocations
            cursor = page.cursor
            if len(page.revocations) < limit:
                return found, cursor

    def test_what_was_published_is_read_as_it_was_oldest_first(self) -> None:
        published = [
            Revocation("token", "jti '\"\\%", NOW + 0.123456, NOW + 3600.654321),
            Revocation.of_family("fam_1", NOW + 1 / 3),
            Revocation.of_user("Zo\u00eb \U0001f510", NOW),
            Revocation.of_client("shop", NOW - 10),
        ]
        self.publish(*published)
        assert self.after("")[0] == published

    def test_an_empty_store_has_a_cursor_to_read_on_from(self) -> None:
        found, cursor = self.after("")
        assert found == []
        self.publish(Revocation.of_user("alice", NOW))
        assert self.after(cursor)[0] == [Revocation.of_user("alice", NOW)]

    def test_who_reads_on_gets_what_is_new(self) -> None:
        cursor = ""
        for number in range(5):
            revocation = Revocation.of_user(f"user-{number}", NOW)
            self.publish(revocation)
            found, cursor = self.after(cursor)
            assert revocation in found

    def test_pages_hold_no_more_than_was_asked_for_and_miss_nothing(self) -> None:
        published = [Revocation.of_family(f"fam_{number}", NOW) for number in range(25)]
        self.publish(*published)
        for limit in (1, 7, 24, 25, 26):
            found, _ = self.after("", limit=limit)
            assert sorted({each.id for each in found}) == sorted(each.id for each in published)

    def test_a_cursor_from_before_the_store_was_emptied_misses_nothing(self) -> None:
        with self.second_store() as old:
            for number in range(20):
                old.ask(old.store.publish, Revocation.of_user(f"user-{number}", NOW))
            cursor = old.ask(old.store.revocations_after, "", 100).cursor
        published = [Revocation.of_user(name, NOW) for name in ("alice", "bob", "carol")]
        self.publish(*published)
        assert self.after(cursor)[0] == published

    def test_the_latest_revocation_of_each_key_is_found(self) -> None:
        late, early = Revocation.of_user("alice", NOW + 9.5), Revocation.of_user("alice", NOW)
        family, client = Revocation.of_family("alice", NOW + 1), Revocation.of_client("shop", NOW + 2)
        self.publish(early, late, early, family, client)
        keys: tuple[tuple[RevocationKind, str], ...] = (
            ("user", "alice"),
            ("family", "alice"),
            ("client", "shop"),
            ("token", "alice"),
            ("user", "Alice"),
        )
        found = self.ask(self.store.find_revocations, keys)
        assert len(found) == 3
        assert set(found) == {late, family, client}
        assert self.ask(self.store.find_revocations, ()) == ()
        assert self.ask(self.store.find_revocations, (("user", "bob"),)) == ()

    def test_an_expired_revocation_is_not_found(self) -> None:
        self.publish(Revocation("token", "jti", NOW - 3600, NOW - 60))
        assert self.ask(self.store.find_revocations, (("token", "jti"),)) == ()

    def test_an_expired_revocation_hides_none_that_is_not(self) -> None:
        live = Revocation("token", "jti", NOW - 3600, NOW + 3600)
        self.publish(live, Revocation("token", "jti", NOW - 1800, NOW - 60))
        assert self.ask(self.store.find_revocations, (("token", "jti"),)) == (live,)
        assert live in self.after("")[0]

    def test_who_reads_on_misses_nothing_that_is_published_at_once(self) -> None:
        cursor, published = "", set[str]()
        for number in range(5):
            answers = self.race(partial(_publish_or_read, cursor, number), rounds=1)[0]
            cursor = self.assert_nothing_missed(answers, published)

    @between_processes
    def test_who_reads_on_misses_nothing_that_processes_publish_at_once(self) -> None:
        cursor, published = "", set[str]()
        for number in range(5):
            answers = self.race_processes(partial(_publish_or_read, cursor, number), rounds=1)[0]
            cursor = self.assert_nothing_missed(answers, published)

    def assert_nothing_missed(self, answers: list[tuple[list[str], str]], published: set[str]) -> str:
        """All that the reader has not read yet comes after its cursor. Returns that cursor."""
        (read, cursor), *written = answers
        now_published = {id for ids, _ in written for id in ids}
        rest, cursor = self.after(cursor)
        assert now_published <= {*read, *(each.id for each in rest)}
        published |= now_published
        assert published == {each.id for each in self.after("")[0]}
        return cursor


def _publish_or_read(
    cursor: str, race: int, store: RevocationStore, racer: int, number: int
) -> Flow[tuple[list[str], str]]:
    if racer == 0:
        return (yield from _read(cursor, store))
    ids = [f"fam_{race}_{racer}_{each}" for each in range(_EACH)]
    for id in ids:
        revocation = Revocation.of_family(id, NOW)
        yield from Ask(store.publish, revocation)
        found = yield from Ask(store.find_revocations, (("family", id),))
        assert found == (revocation,), "publish has answered, but the revocation is not found"
    return ids, ""


def _read(cursor: str, store: RevocationStore) -> Flow[tuple[list[str], str]]:
    ids: list[str] = []
    for _ in range(_PAGES):
        page = yield from Ask(store.revocations_after, cursor, 5)
        ids += (each.id for each in page.revocations)
        cursor = page.cursor
    return ids, cursor
