"""`authmw users show`, `delete`, `rename` and `export`; colours, progress and completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from authmw_sqlalchemy import SQLStores
from click.testing import Result

from authmw.crypto.passwords import CHEAPEST, PasswordHasher
from tests.cli.stored import (
    begin_browser_session,
    begin_session,
    is_browser_live,
    is_good,
    is_live,
    is_pending,
    opened,
    published,
)
from tests.cli.terminal import Terminal

Run = Callable[..., Result]
Document = Callable[..., dict[str, Any]]
ESCAPE = "\x1b["


@pytest.fixture
def token(alice: str, run: Run) -> str:
    """An opaque token of a session of alice, who has two API keys, one of which is revoked."""
    assert run("keys", "create", alice, "--name", "laptop").exit_code == 0
    with opened() as stores:
        stores.keys.revoke(stores.keys.create(alice)[1].id)
        begin_browser_session(stores, "browser_1")
        return begin_session(stores, "login_1")


@pytest.mark.usefixtures("token")
def test_what_is_known_of_a_user_is_shown(run: Run, document: Document) -> None:
    lines = dict(line.split(maxsplit=1) for line in run("users", "show", "alice").stdout.splitlines()[1:])
    assert lines["id"] == "alice"
    assert lines["status"] == "active"
    assert lines["scopes"] == "orders:read orders:write"
    assert lines["created"].startswith(time.strftime("%Y"))
    assert [lines["API"].split(), lines["tokens"], lines["sessions"]] == [["keys", "1"], "1", "1"]
    assert (lines["browser"].split(), lines["e-mail"]) == (["sessions", "1"], "-")
    shown = document("users", "show", "alice")
    assert (shown["api_keys"], shown["tokens"], shown["sessions"], shown["digest_realms"]) == (1, 1, 1, [])
    assert (shown["id"], shown["has_password"], shown["browser_sessions"]) == ("alice", True, 1)
    with opened() as stores:
        alice = stores.users.find("alice")
    assert alice is not None
    assert str(alice.password_hash) not in json.dumps(shown)


def test_a_session_that_is_over_is_not_counted(token: str, document: Document) -> None:
    with opened() as stores:
        stores.families.end_family("login_1", time.time())
    assert document("users", "show", "alice")["sessions"] == 0


def test_a_deleted_user_is_gone_with_everything(token: str, run: Run) -> None:
    deleted = run("users", "delete", "alice", "--yes")
    assert (deleted.exit_code, deleted.stdout) == (0, "alice: deleted\n")
    with opened() as stores:
        assert not is_good(stores, token)
        assert not is_live(stores, "login_1")
        assert not is_browser_live(stores, "browser_1")
        assert not is_pending(stores)
        assert published(stores, "user", "alice") != []
        assert stores.keys.list() == ()
    for command in ("show", "export", "delete"):
        gone = run("users", command, "alice", *(["--yes"] if command == "delete" else []))
        assert (gone.exit_code, gone.stdout) == (1, "")
        assert "there is no user 'alice'" in gone.stderr
    created = json.loads(run("users", "create", "alice", "--no-password", "--json").stdout)
    assert created["id"].startswith("user_")


def test_a_deletion_is_confirmed_on_a_terminal(token: str, directory: Path) -> None:
    terminal = Terminal(directory, "users", "delete", "alice")
    terminal.expect(b"Delete alice, with 1 API key and 2 sessions? [y/N]: ")
    terminal.type(b"n")
    assert terminal.close() == 1
    with opened() as stores:
        assert is_good(stores, token)
    terminal = Terminal(directory, "users", "delete", "alice")
    terminal.expect(b"[y/N]: ")
    terminal.type(b"y")
    terminal.expect(b"alice: deleted")
    assert terminal.close() == 0


def test_without_a_terminal_a_deletion_has_to_say_yes(token: str, run: Run) -> None:
    refused = run("users", "delete", "alice")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "use --yes" in refused.stderr
    with opened() as stores:
        assert is_good(stores, token)


def test_a_renamed_user_keeps_the_id_and_the_sessions(token: str, run: Run, document: Document) -> None:
    renamed = run("users", "rename", "alice", "alicia")
    assert (renamed.exit_code, renamed.stdout, renamed.stderr) == (
        0,
        "alicia: renamed, and still has the id alice\n",
        "",
    )
    with opened() as stores:
        assert is_good(stores, token)
        assert is_live(stores, "login_1")
    assert document("users", "show", "alicia")["id"] == "alice"


def test_who_loses_digest_by_a_rename_is_told_what_to_do(run: Run) -> None:
    assert (
        run("users", "create", "bob", "--password-stdin", "--digest-realm", "my app", stdin="pass word").exit_code == 0
    )
    renamed = run("users", "rename", "bob", "robert")
    assert "authmw users set-password robert --digest-realm 'my app'" in renamed.stderr
    fixed = run("users", "set-password", "robert", "--digest-realm", "my app", "--password-stdin", stdin="pass word")
    assert fixed.exit_code == 0
    with opened() as stores:
        assert stores.users.find_digest("robert", "my app", "SHA-256") is not None


def test_a_name_of_another_user_is_refused(alice: str, run: Run) -> None:
    assert run("users", "create", "bob", "--no-password").exit_code == 0
    refused = run("users", "rename", "bob", "alice")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "is the name of another user" in refused.stderr


def test_an_export_is_one_document_without_secrets(token: str, run: Run) -> None:
    exported = run("users", "export", "alice")
    assert (exported.exit_code, exported.stderr) == (0, "")
    document = json.loads(exported.stdout)
    assert document["user"]["username"] == "alice"
    assert [each["id"] for each in document["sessions"]] == ["login_1"]
    assert [each["id"] for each in document["browser_sessions"]] == ["browser_1"]
    assert [each["kind"] for each in document["pending"]] == ["recovery"]
    with opened() as stores:
        (key,) = [each for each in stores.keys.list("alice") if each.revoked_at is None]
        assert key.digest not in exported.stdout
    assert token not in exported.stdout
    assert "argon2" not in exported.stdout


def test_several_users_are_exported_on_a_line_each(alice: str, run: Run) -> None:
    assert run("users", "create", "bob", "--no-password").exit_code == 0
    for arguments, names in ((["--all"], ["alice", "bob"]), (["bob", "alice"], ["bob", "alice"])):
        lines = run("users", "export", *arguments).stdout.splitlines()
        assert [json.loads(line)["user"]["username"] for line in lines] == names
        whole = json.loads(run("users", "export", *arguments, "--json").stdout)
        assert whole == {"users": [json.loads(line) for line in lines]}


def test_an_export_of_nobody_prints_nothing(alice: str, run: Run) -> None:
    for arguments, code in (([], 2), (["alice", "--all"], 2), (["alice", "nobody"], 1)):
        refused = run("users", "export", *arguments)
        assert (refused.exit_code, refused.stdout) == (code, "")


# Colours, progress, completion


def command(directory: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, in a pipe."""
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    return subprocess.run(
        [sys.executable, "-m", "authmw", *arguments],
        check=False,
        cwd=directory,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def on_terminal(directory: Path, monkeypatch: pytest.MonkeyPatch, *arguments: str, **environment: str) -> str:
    """What the command shows on a terminal."""
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal = Terminal(directory, *arguments)
    terminal.expect(b"alice")
    assert terminal.close() == 0
    return terminal.screen.decode()


@pytest.mark.usefixtures("alice")
def test_a_terminal_gets_colours_unless_it_wants_none(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = ("users", "list")
    assert ESCAPE in on_terminal(directory, monkeypatch, *listing)
    assert ESCAPE not in on_terminal(directory, monkeypatch, *listing, NO_COLOR="1")
    assert ESCAPE not in on_terminal(directory, monkeypatch, *listing, TERM="dumb")
    assert ESCAPE not in on_terminal(directory, monkeypatch, *listing, "--json")


@pytest.mark.usefixtures("alice")
def test_a_pipe_gets_colours_only_when_they_are_forced(directory: Path) -> None:
    plain = command(directory, "users", "list")
    assert ESCAPE not in plain.stdout
    assert plain.stdout.splitlines()[1].split() == ["alice", "active", "orders:read", "orders:write", "-"]
    forced = command(directory, "users", "list", FORCE_COLOR="1")
    assert f"{ESCAPE}32mactive{ESCAPE}0m" in forced.stdout
    assert ESCAPE not in command(directory, "users", "list", FORCE_COLOR="1", NO_COLOR="1").stdout
    assert ESCAPE not in command(directory, "users", "list", "--json", FORCE_COLOR="1").stdout


def test_a_name_cannot_colour_the_screen(run: Run, directory: Path) -> None:
    with opened() as stores:
        stores.clients.create("shop", name="\x1b[31mred")
    assert "\x1b[31mred" not in command(directory, "clients", "list", FORCE_COLOR="1").stdout


@pytest.mark.slow
def test_the_progress_of_an_export_of_many_is_on_the_terminal_and_not_in_the_file(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores = SQLStores("sqlite:///app.db", hasher=PasswordHasher(CHEAPEST))
    for number in range(20):
        stores.users.create(f"user-{number}")
    stores.close()
    shell = f"{sys.executable} -m authmw users export --all > all.jsonl"
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal(directory, run=["sh", "-c", shell])
    terminal.expect(b"100%")
    assert terminal.close() == 0
    assert len([json.loads(line) for line in (directory / "all.jsonl").read_text().splitlines()]) == 20


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script_and_the_commands(directory: Path, shell: str) -> None:
    script = command(directory, _AUTHMW_COMPLETE=f"{shell}_source")
    assert (script.returncode, script.stderr) == (0, "")
    assert "_AUTHMW_COMPLETE" in script.stdout
    words = {"COMP_WORDS": "authmw users e", "COMP_CWORD": "e" if shell == "fish" else "2"}
    completed = command(directory, _AUTHMW_COMPLETE=f"{shell}_complete", **words)
    assert "export" in completed.stdout
    assert "enable" in completed.stdout
    assert "delete" not in completed.stdout
