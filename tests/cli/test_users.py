"""`authmw users`."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from hashlib import pbkdf2_hmac
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from authmw.crypto.http_digest import DigestAlgorithm
from authmw.crypto.passwords import Match, PasswordHasher
from authmw.flow.flow import Flow
from authmw.flow.flow import run as run_flow
from authmw.http.reasons import Reason
from authmw.http.request import WSGIRequest
from authmw.identity.verdict import Rejected
from authmw.stores.records import User
from authmw.verifiers.accounts import Attempts
from tests.cli.terminal import Terminal

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]


def stored(username: str, url: str = "sqlite:///app.db") -> User:
    stores = SQLStores(url)
    try:
        user = stores.users.find(username)
    finally:
        stores.close()
    assert user is not None
    return user


def match(user: User, password: str) -> Match:
    assert user.password_hash is not None
    return PasswordHasher().verify(password=password, hash=user.password_hash)


def test_a_user_is_created_in_the_default_database(run: Run) -> None:
    created = run("users", "create", "alice", "--scope", "a", "--scope", "b", "--password-stdin", stdin="pass word 1\n")
    assert (created.exit_code, created.stdout, created.stderr) == (0, "alice: created\n", "")
    user = stored("alice")
    assert (user.id, user.scopes, user.disabled) == ("alice", frozenset({"a", "b"}), False)
    assert match(user, "pass word 1") is not Match.MISMATCH


@pytest.mark.parametrize("line", ["caf\u00e9 au lait", " spaces stay ", "a:colon:is:fine"])
@pytest.mark.parametrize("ending", ["", "\n", "\r\n"], ids=["none", "lf", "crlf"])
def test_a_password_on_standard_input_is_the_line_without_its_end(run: Run, line: str, ending: str) -> None:
    assert run("users", "create", "alice", "--password-stdin", stdin=line + ending).exit_code == 0
    assert match(stored("alice"), line) is not Match.MISMATCH


@pytest.mark.parametrize(
    "stdin, sentence",
    [
        (b"", "at least 8 characters"),
        (b"7 chars\n", "at least 8 characters"),
        (b"two lines\nare no password\n", "more than one line"),
        (b"\xff\xfe not UTF-8", "is not UTF-8"),
        (b"a\x00null character", "no control characters"),
        (b"x" * 1025, "1 to 1024 bytes"),
    ],
    ids=["empty", "short", "two lines", "not UTF-8", "NUL", "long"],
)
def test_what_is_no_password_is_refused(run: Run, stdin: bytes, sentence: str) -> None:
    refused = run("users", "create", "alice", "--password-stdin", stdin=stdin)
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert sentence in refused.stderr
    assert "x" * 20 not in refused.stderr


def test_a_script_without_a_terminal_is_told_of_password_stdin(run: Run, directory: Path) -> None:
    refused = run("users", "create", "alice")
    assert refused.exit_code == 2
    assert "--password-stdin" in refused.stderr
    assert not (directory / "app.db").exists()


def test_no_option_takes_a_password_as_its_value(run: Run) -> None:
    # It would show in the list of processes and in the history of the shell.
    for command in ("create", "set-password"):
        assert run("users", command, "alice", "--password", "secret").exit_code == 2


def test_a_user_may_have_no_password(run: Run, document: Document) -> None:
    assert document("users", "create", "robot", "--no-password")["has_password"] is False
    assert "robot     no password  -" in run("users", "list").stdout


@pytest.mark.parametrize("other", [["--password-stdin"], ["--digest-realm", "orders"]], ids=" ".join)
def test_no_password_and_a_way_to_use_one_contradict_each_other(run: Run, other: list[str]) -> None:
    assert run("users", "create", "robot", "--no-password", *other).exit_code == 2


def test_users_are_listed_by_name_in_aligned_columns(run: Run, alice: str) -> None:
    assert run("users", "create", "Bob", "--no-password").exit_code == 0
    assert run("users", "list").stdout.splitlines() == [
        "USERNAME  STATUS       SCOPES                    E-MAIL",
        "Bob       no password  -                         -",
        "alice     active       orders:read orders:write  -",
    ]


@pytest.mark.usefixtures("alice")
def test_the_documents_say_the_same_everywhere_and_hold_no_hash(document: Document) -> None:
    alice = {
        "id": "alice",
        "username": "alice",
        "email": "",
        "email_verified": False,
        "scopes": ["orders:read", "orders:write"],
        "disabled": False,
        "has_password": True,
    }
    assert document("users", "list") == {"users": [alice]}
    assert document("users", "disable", "alice") == {**alice, "disabled": True}
    assert document("users", "enable", "alice") == alice
    assert document("users", "set-scopes", "alice", "--scope", "b") == {**alice, "scopes": ["b"]}
    assert document("users", "set-scopes", "alice", "--none") == {**alice, "scopes": []}
    assert document("users", "set-password", "alice", "--password-stdin", stdin="another one")["has_password"] is True


def test_a_user_has_an_address_from_the_start(run: Run, document: Document) -> None:
    created = document("users", "create", "alice", "--no-password", "--email", "alice@shop.example")
    assert (created["email"], created["email_verified"]) == ("alice@shop.example", False)
    assert "e-mail            alice@shop.example (not verified)" in run("users", "show", "alice").stdout
    verified = document("users", "create", "bob", "--no-password", "--email", "b@shop.example", "--email-verified")
    assert verified["email_verified"] is True
    assert run("users", "list").stdout.splitlines()[-1].split()[-1] == "b@shop.example"


@pytest.mark.usefixtures("alice")
def test_an_address_is_replaced_and_taken_away(run: Run, document: Document) -> None:
    assert run("users", "set-email", "alice", "a@shop.example", "--email-verified").stdout == (
        "alice: has the address a@shop.example\n"
    )
    assert stored("alice").email_verified
    changed = document("users", "set-email", "alice", "b@shop.example")
    assert (changed["email"], changed["email_verified"]) == ("b@shop.example", False)
    assert run("users", "set-email", "alice", "--none").stdout == "alice: has no address\n"
    assert (stored("alice").email, stored("alice").email_verified) == ("", False)


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    "command, code",
    [
        (["set-email", "alice"], 2),
        (["set-email", "alice", "a@shop.example", "--none"], 2),
        (["set-email", "alice", "--none", "--email-verified"], 2),
        (["set-email", "alice", ""], 2),
        (["set-email", "alice", "no address"], 1),
        (["set-email", "nobody", "a@shop.example"], 1),
        (["create", "bob", "--email-verified", "--no-password"], 2),
        (["create", "bob", "--email", "no address", "--password-stdin"], 1),
    ],
)
def test_a_mistake_in_an_address_changes_nothing(run: Run, command: list[str], code: int) -> None:
    assert run("users", "set-email", "alice", "kept@shop.example").exit_code == 0
    refused = run("users", *command)
    assert (refused.exit_code, refused.stdout) == (code, "")
    assert stored("alice").email == "kept@shop.example"
    assert "bob" not in run("users", "list").stdout


@pytest.mark.usefixtures("alice")
def test_a_new_password_replaces_the_old(run: Run) -> None:
    assert run("users", "set-password", "alice", "--password-stdin", stdin="another one").exit_code == 0
    user = stored("alice")
    assert match(user, "another one") is not Match.MISMATCH
    assert match(user, "correct horse") is Match.MISMATCH


def test_a_digest_realm_lets_the_user_log_in_by_digest(run: Run) -> None:
    assert run(
        "users", "create", "alice", "--password-stdin", "--digest-realm", "orders", stdin="correct horse"
    ).exit_code == 0  # fmt: skip
    stores = SQLStores("sqlite:///app.db")
    assert stores.users.find_digest("alice", "orders", "SHA-256") is not None
    stores.close()


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize("command", ["disable", "enable", "set-scopes", "set-password"])
def test_an_unknown_user_is_a_sentence(run: Run, command: str) -> None:
    refused = run("users", command, "nobody", *(["--none"] if command == "set-scopes" else []))
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert refused.stderr == "Error: there is no user 'nobody'\n"


@pytest.mark.usefixtures("alice")
def test_no_scope_is_taken_away_by_a_forgotten_option(run: Run, document: Document) -> None:
    run("clients", "create", "billing", "--scope", "b")
    for given in (["users", "set-scopes", "alice"], ["clients", "set-scopes", "billing"]):
        for mistake in ([], ["--none", "--scope", "b"]):
            refused = run(*given, *mistake)
            assert refused.exit_code == 2
            assert "give each scope as --scope orders:read, or --none to take all away" in refused.stderr
    assert document("users", "list")["users"][0]["scopes"] == ["orders:read", "orders:write"]


@pytest.mark.usefixtures("alice")
def test_a_name_is_taken_once(run: Run) -> None:
    refused = run("users", "create", "alice", "--no-password")
    assert refused.exit_code == 1
    assert "'alice'" in refused.stderr


@pytest.mark.parametrize("name", ["a:b", "", "a\x1b[2Jb", "x" * 257])
def test_a_name_nobody_could_log_in_with_is_refused(run: Run, name: str) -> None:
    refused = run("users", "create", name, "--no-password")
    assert refused.exit_code == 1
    assert "\x1b" not in refused.stderr


@pytest.mark.parametrize("scope", ["two words", 'a"quote', ""])
def test_what_is_no_scope_is_a_usage_error(run: Run, scope: str) -> None:
    assert run("users", "create", "alice", "--no-password", "--scope", scope).exit_code == 2


def test_an_option_comes_before_the_environment(run: Run, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHMW_DATABASE", "sqlite:///environment.db")
    assert run("users", "create", "alice", "--no-password").exit_code == 0
    assert run("users", "create", "bob", "--no-password", "--database", "sqlite:///option.db").exit_code == 0
    assert stored("alice", "sqlite:///environment.db").id == "alice"
    assert stored("bob", "sqlite:///option.db").id == "bob"
    assert not (directory / "app.db").exists()


def test_looking_at_a_database_that_is_not_there_makes_none(run: Run, directory: Path) -> None:
    refused = run("users", "list")
    assert refused.exit_code == 1
    assert f"there is no database app.db in {directory}: go to the folder of the program" in refused.stderr
    refused = run("users", "list", "--database", f"sqlite:///{directory / 'other.db'}")
    assert f"there is no database other.db in {directory}: go" in refused.stderr
    assert list(directory.iterdir()) == []


def test_a_database_that_cannot_be_used_is_a_sentence(run: Run, directory: Path) -> None:
    (directory / "app.db").write_text("not a database " * 100)
    refused = run("users", "list")
    assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1)
    assert "file is not a database" in refused.stderr


def test_a_folder_that_is_not_there_is_a_sentence(run: Run) -> None:
    refused = run("users", "create", "alice", "--no-password", "--database", "sqlite:///no/such/app.db")
    assert refused.exit_code == 1
    assert refused.stderr.startswith("Error: the folder no/such does not exist")


def test_the_password_of_a_database_is_not_repeated(run: Run) -> None:
    refused = run("users", "list", "--database", "postgresql://authmw:hunter2@localhost/app")
    assert refused.exit_code == 1
    assert "hunter2" not in refused.output


def test_a_terminal_is_sent_nothing_that_it_would_obey(run: Run, directory: Path) -> None:
    stores = SQLStores("sqlite:///app.db")
    stores.users.create("name")
    stores.close()
    with closing(sqlite3.connect("app.db")) as kept, kept:  # from before such names were refused
        kept.execute("UPDATE authmw_users SET username = 'bidi\u202ename'")
    assert "bidi\\u202ename" in run("users", "list").stdout


def test_a_user_is_let_in_from_an_address_while_others_guess(run: Run, alice: str) -> None:
    let_in = run("users", "let-in", "alice", "2001:db8::7")
    assert (let_in.exit_code, let_in.stdout) == (0, "alice: can log in from 2001:db8::7\n")
    stores = SQLStores("sqlite:///app.db")
    try:
        guesses = Attempts(stores.throttle, time.time)
        for number in range(11):
            request = WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": f"10.0.0.{number}"})
            run_flow(guesses.on_account("alice", request, _checked(Rejected(Reason.PASSWORD_WRONG))))
        answers = [
            run_flow(
                guesses.on_account(
                    "alice", WSGIRequest({"REQUEST_METHOD": "GET", "REMOTE_ADDR": address}), _checked("in")
                )
            )
            for address in ("2001:db8::7", "2001:db8::1:8", "2001:db8:1::7")
        ]
    finally:
        stores.close()
    assert answers[:2] == ["in", "in"], "of an IPv6 address its /64 counts"
    assert isinstance(answers[2], Rejected)


def _checked(result: str | Rejected) -> Flow[str | Rejected]:
    yield from ()
    return result


@pytest.mark.parametrize(
    "username, address, sentence",
    [("nobody", "192.0.2.7", "there is no user 'nobody'"), ("alice", "home", "'home' is no IP address")],
)
def test_nobody_is_let_in_by_a_mistake(run: Run, alice: str, username: str, address: str, sentence: str) -> None:
    refused = run("users", "let-in", username, address)
    assert refused.exit_code != 0
    assert sentence in refused.stderr


def test_the_prompt_hides_the_password_and_asks_twice(directory: Path) -> None:
    terminal = Terminal(directory, "users", "create", "alice")
    # The space after the colon comes when the terminal shows no more of what is typed.
    terminal.expect(b"Password: ")
    terminal.type(b"correct horse")
    terminal.expect(b"Repeat for confirmation: ")
    terminal.type(b"correct hoarse")
    terminal.expect(b"Password: ")
    terminal.type(b"correct horse")
    terminal.expect(b"Repeat for confirmation: ")
    terminal.type(b"correct horse")
    terminal.expect(b"alice: created")
    assert terminal.close() == 0
    assert b"horse" not in terminal.screen
    assert b"hoarse" not in terminal.screen
    assert match(stored("alice"), "correct horse") is Match.MATCH


HASHED = "pbkdf2:sha256:100$salt$" + pbkdf2_hmac("sha256", b"pass word 1", b"salt", 100).hex()


def _lines(*users: dict[str, Any]) -> str:
    return "".join(json.dumps(user) + "\n" for user in users)


def test_users_are_imported_with_the_hashes_that_they_have(run: Run, tmp_path: Path) -> None:
    text = _lines(
        {"username": "alice", "password_hash": HASHED, "scopes": ["a"], "id": "7", "attributes": {"email": "a@b.c"}},
        {"username": "bob", "password_hash": HASHED, "disabled": True, "email": "b@b.c", "email_verified": True},
    )
    path = tmp_path / "users.jsonl"
    path.write_text(f"\n{text}\n")
    assert run("users", "import", str(path)).stdout == "2 created, 0 existed already\n"
    alice = stored("alice")
    assert (alice.id, alice.scopes, dict(alice.attributes)) == ("7", frozenset({"a"}), {"email": "a@b.c"})
    assert match(alice, "pass word 1") is Match.MATCH_OUTDATED
    assert stored("bob").disabled
    assert (stored("bob").email, stored("bob").email_verified) == ("b@b.c", True)
    again = run("users", "import", "-", "--json", stdin=text + _lines({"username": "eve", "password_hash": HASHED}))
    assert json.loads(again.stdout) == {"created": 1, "existed": 2}


@pytest.mark.parametrize(
    "line, sentence",
    [
        ("no JSON", "line 2: this is no JSON"),
        (100_000 * "[", "line 2: this is no JSON"),
        ("[1]", "line 2: this is no JSON object"),
        (_lines({"username": "eve"}), "line 2: a user has username and password_hash"),
        (_lines({"username": 1, "password_hash": HASHED}), "not 'username' as here"),
        (_lines({"username": "eve", "password_hash": HASHED, "role": "x"}), "not 'role' as here"),
        (_lines({"username": "eve", "password_hash": HASHED, "disabled": "no"}), "not 'disabled' as here"),
        (_lines({"username": "eve", "password_hash": HASHED, "email_verified": 1}), "not 'email_verified' as here"),
        (_lines({"username": "eve", "password_hash": HASHED, "email": "no address"}), "line 2: 'no address' is no"),
        (_lines({"username": "eve", "password_hash": HASHED, "scopes": [1]}), "line 2: "),
        (_lines({"username": "eve", "password_hash": HASHED, "scopes": ["a b"]}), "line 2: "),
        (_lines({"username": "e\0e", "password_hash": HASHED}), "line 2: "),
        (_lines({"username": "eve", "password_hash": "md5$s3cret$0123"}), "not known (md5)"),
        (_lines({"username": "alice", "password_hash": HASHED}), "'alice' is in line 1 already"),
    ],
)
def test_nothing_is_imported_if_a_line_is_wrong(run: Run, line: str, sentence: str) -> None:
    refused = run("users", "import", "-", stdin=_lines({"username": "alice", "password_hash": HASHED}) + line)
    assert refused.exit_code != 0
    assert sentence in refused.stderr
    assert "s3cret" not in refused.stderr
    assert not Path("app.db").exists()


def test_every_wrong_line_is_named_up_to_twenty(run: Run) -> None:
    refused = run("users", "import", "-", stdin="x\n" * 25)
    assert "line 20: " in refused.stderr
    assert "line 21: " not in refused.stderr
    assert "5 more mistakes" in refused.stderr


def test_what_md5_clients_need_is_stored_when_it_is_asked_for(run: Run) -> None:
    both = ("--digest-realm", "app", "--digest-algorithm", "SHA-256", "--digest-algorithm", "MD5", "--password-stdin")
    assert run("users", "create", "alice", *both, stdin="pass word 1").exit_code == 0
    assert (
        run("users", "create", "bob", "--digest-realm", "app", "--password-stdin", stdin="pass word 1").exit_code == 0
    )
    assert _kept() == {"alice": {"MD5", "SHA-256"}, "bob": {"SHA-256"}}
    assert run("users", "set-password", "bob", *both, stdin="pass word 2").exit_code == 0
    assert _kept()["bob"] == {"MD5", "SHA-256"}
    unknown = run("users", "create", "eve", "--digest-realm", "app", "--digest-algorithm", "SHA-1", "--password-stdin")
    assert unknown.exit_code == 2


def _kept() -> dict[str, set[str]]:
    stores = SQLStores("sqlite:///app.db")
    try:
        algorithms: tuple[DigestAlgorithm, ...] = ("MD5", "SHA-256")
        return {
            user.username: {name for name in algorithms if stores.users.find_digest(user.username, "app", name)}
            for user in stores.users.list()
        }
    finally:
        stores.close()
