"""`authmw prune`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result

from authmw.stores.records import Revocation
from tests.cli.stored import begin_session, is_good, is_live, opened, published
from tests.cli.terminal import Terminal

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.usefixtures("alice")


@pytest.fixture
def expired(alice: str) -> list[str]:
    """Seven expired tokens and two revocations that nobody needs any more, beside what is still good."""
    with opened(ago=60) as stores:
        gone = [stores.tokens.create("alice", lifetime=1)[1].id for _ in range(7)]
        stores.keys.create("alice", lifetime=1)
    with opened() as stores:
        for number in range(2):
            stores.revocations.publish(Revocation("token", f"jti-{number}", time.time() - 20, time.time() - 10))
        stores.revocations.publish(Revocation.of_user("bob", time.time()))
        kept = begin_session(stores, "fam_1")
    return [kept, *gone]


def test_what_has_expired_goes_and_all_else_stays(document: Document, expired: list[str]) -> None:
    kept, *gone = expired
    pruned = document("prune")
    assert pruned == {"deleted": 9, "tables": {"authmw_revocations": 2, "authmw_tokens": 7}}
    listed = {each["id"] for each in document("tokens", "list")["tokens"]}
    assert listed.isdisjoint(gone)
    with opened() as stores:
        assert is_good(stores, kept)
        assert is_live(stores, "fam_1")
        assert published(stores, "user", "bob")
    assert len(document("keys", "list")["keys"]) == 1
    assert [user["username"] for user in document("users", "list")["users"]] == ["alice"]
    assert document("prune") == {"deleted": 0, "tables": {}}


@pytest.mark.usefixtures("expired")
@pytest.mark.parametrize("batch", ["1", "3", "100000"])
def test_the_size_of_a_batch_changes_nothing_but_the_steps(run: Run, batch: str) -> None:
    pruned = run("prune", "--batch", batch)
    # Where there is no terminal, there is no bar.
    assert (pruned.exit_code, pruned.stdout, pruned.stderr) == (0, "9 expired records deleted\n", "")


@pytest.mark.parametrize("batch", ["0", "-1", "100001", "many"])
def test_what_is_no_size_is_a_usage_error(run: Run, batch: str) -> None:
    assert run("prune", "--batch", batch).exit_code == 2


@pytest.mark.usefixtures("expired")
def test_on_a_terminal_a_bar_shows_how_far_it_is(directory: Any) -> None:
    terminal = Terminal(directory, "prune", "--batch", "2")
    terminal.expect(b"9 expired records deleted")
    assert terminal.close() == 0
    assert terminal.screen.index(b"Pruning") < terminal.screen.index(b"100%") < terminal.screen.index(b"9 expired")


@pytest.mark.usefixtures("expired")
def test_with_json_there_is_no_bar_on_a_terminal_either(directory: Any) -> None:
    terminal = Terminal(directory, "prune", "--json")
    terminal.expect(b'"deleted": 9')
    assert terminal.close() == 0
    assert b"Pruning" not in terminal.screen
