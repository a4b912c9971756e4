"""`make demo`: both servers answer every printed line as it says, keep their users, and stop when they are told to."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Generator, Iterable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import pytest
from click.testing import CliRunner

from authmw.cli import group
from authmw.cli.demo import screen
from authmw.cli.demo_lines import HOST, LINES, Credentials, Line, prelude, written
from authmw.cli.demo_servers import listen, serving
from authmw.cli.demo_user import prepare
from authmw.cli.stores import open_stores
from authmw.crypto.opaque_tokens import token_digest
from authmw.issuers.diagnosis.explain import unverified
from tests.support import ROOT, require

LAST_LINE = "correct horse battery staple\n"
"""The end of the last line that is printed."""


@dataclass
class Demo:
    """A running demo and what it printed."""

    port: int
    printed: str
    process: subprocess.Popen[str]
    log: Path

    def prelude(self, offset: int = 0, port: int | None = None) -> str:
        """The printed variables and the function that the lines after them use, for one of the two applications."""
        found = re.search(r"^URL=.*?^member\(\) [^\n]*$", self.printed, re.MULTILINE | re.DOTALL)
        assert found is not None
        return found[0].replace(f":{self.port} ", f":{(port or self.port) + offset} ")

    @property
    def url(self) -> str:
        """Where Flask answers."""
        return f"http://{HOST}:{self.port}"

    def stop(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def running(directory: Path, *arguments: str, until: str = LAST_LINE, path: Path = ROOT) -> Generator[Demo]:
    port, log = free_port_pair(), directory / "log"
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "authmw", "demo", *arguments],
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=directory,
            env={**os.environ, "PORT": str(port), "PYTHONPATH": str(path)},
        )
    watchdog = threading.Timer(180, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        printed = ""
        for line in process.stdout:
            printed += line
            if until in line:
                break
        assert until in printed, printed + log.read_text()
        yield Demo(port, printed, process, log)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()


def free_port_pair() -> int:
    while True:
        with socket.create_server((HOST, 0)) as first:
            port: int = first.getsockname()[1]
            try:
                for offset in (1, 2):
                    socket.create_server((HOST, port + offset)).close()
            except (OSError, OverflowError):
                continue
            return port


def is_free(port: int) -> bool:
    try:
        listen(port).close()
    except click.ClickException:
        return False
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, port), timeout=1).close()
    return True


def bash(line: str, directory: Path) -> str:
    """What `line` prints, run as it stands."""
    pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=directory, timeout=90, check=True)
    return pasted.stdout


def paste(prelude: str, lines: Iterable[str], directory: Path) -> list[str]:
    """What each of `lines` prints, one after the other in one shell."""
    printed = bash("\n".join([prelude, *(f"{line}\nprintf '\\0'" for line in lines)]), directory)
    return printed.replace("\r\n", "\n").split("\0")[:-1]


def secrets_in(text: str) -> set[str]:
    """Every token and API key in `text`, and the password."""
    found = re.findall(r"\bey[\w-]+\.[\w.-]+|\b(?:ak|at|rt|cs)_\w{30,}|correct horse battery staple", text)
    return set(found)


def status_and_challenge(answer: str) -> tuple[int, bool]:
    head = answer.partition("\n\n")[0]
    return int(head.split()[1]), "\nwww-authenticate: " in head.lower()


def answers_to(prelude: str, directory: Path) -> list[tuple[Line, str]]:
    """The requests that the demo prints, each with its answer."""
    printed = paste(prelude, [line.command for line in LINES], directory)
    return [(line, answer) for line, answer in zip(LINES, printed, strict=True) if line.status is not None]


@pytest.mark.servers
def test_every_printed_line_is_answered_as_it_says_and_the_users_are_there_after_a_restart(tmp_path: Path) -> None:
    require("curl")
    with running(tmp_path) as demo:
        assert "Created alice" in demo.printed
        assert "\n".join(map(written, LINES)) in demo.printed
        answers = [answers_to(demo.prelude(offset), tmp_path) for offset in (0, 1)]
        for line, answer in (*answers[0], *answers[1]):
            refused = line.status in (401, 403)
            assert status_and_challenge(answer) == (line.status, refused), f"{line}\n{answer}"
        assert {line.status for line in LINES} == {None, 200, 401, 403}
        listing = next(line for line in demo.printed.splitlines() if " users list " in line)
        users = bash(listing, tmp_path)
        assert "alice" in users
        assert demo.stop(signal.SIGTERM) == 0
        log = demo.log.read_text()
    assert "Traceback" not in log
    assert log.endswith("Stopped.\n")
    assert "authmw refused code=authmw.scope-missing principal=alice" in log
    # No credential is in the log: neither those that were sent, nor those that were issued.
    secrets = secrets_in("\n".join([demo.printed, *(answer for each in answers for _, answer in each)]))
    assert {each[:3] for each in secrets} == {"eyJ", "ak_", "rt_", "cor"}
    assert [secret for secret in secrets if secret in log] == []
    assert [is_free(demo.port + each) for each in (0, 1)] == [True, True]

    with running(tmp_path, "--json", until="\n") as again:
        document = json.loads(again.printed)
        assert document["username"] == "alice"
        assert [each["command"] for each in document["requests"]] == [line.command for line in LINES]
        assert bash(listing, tmp_path) == users
        # What was given out by the first run is still good: only its API key was replaced.
        for line, answer in answers_to(demo.prelude(port=again.port), tmp_path):
            assert status_and_challenge(answer)[0] == (401 if "X-API-Key" in line.command else line.status), line
        for prelude in document["preludes"]:
            assert [status_and_challenge(answer)[0] for _, answer in answers_to(prelude, tmp_path)] == [
                line.status for line in LINES if line.status is not None
            ]
        # And what was revoked before is still refused, while its session goes on.
        logged_in, refreshed = (answer for _, answer in answers[1] if "refresh_token" in answer)
        refused_still, goes_on = paste(
            document["preludes"][0],
            [
                f"ANSWER={shlex.quote(logged_in)}\n"
                'curl -si -H "Authorization: Bearer $(member access_token)" $URL/orders',
                f"ANSWER={shlex.quote(refreshed)}\n"
                'curl -si -d grant_type=refresh_token -d refresh_token="$(member refresh_token)" $URL/auth/token',
            ],
            tmp_path,
        )
        assert [status_and_challenge(each)[0] for each in (refused_still, goes_on)] == [401, 200]
        assert again.stop(signal.SIGINT) == 0
        assert "Traceback" not in again.log.read_text()
    assert [is_free(again.port + each) for each in (0, 1)] == [True, True]


def everything_in(database: Path) -> bytes:
    """The database as it lies on disk, with its log, and the SQL that would make it again."""
    octets = b"".join(path.read_bytes() for path in sorted(database.parent.glob(f"{database.name}*")))
    with closing(sqlite3.connect(database)) as connection:
        return octets + "\n".join(connection.iterdump()).encode()


@pytest.mark.servers
def test_after_the_demo_no_table_holds_a_secret_in_clear(tmp_path: Path) -> None:
    require("curl")
    with running(tmp_path) as demo:
        answers = [answer for offset in (0, 1) for _, answer in answers_to(demo.prelude(offset), tmp_path)]
        while_running = everything_in(tmp_path / ".demo" / "demo.db")
        demo.stop(signal.SIGTERM)
    kept = while_running + everything_in(tmp_path / ".demo" / "demo.db")
    secrets = secrets_in("\n".join([demo.printed, *answers]))
    [key] = json.loads((tmp_path / ".demo" / "keys.json").read_text())["keys"]
    # The parts of a refresh token, and the signature of a signed one, are as good as the whole.
    parts = {each[3:33] for each in secrets if each.startswith("rt_")} | {each[33:63] for each in secrets}
    signatures = {each.rpartition(".")[2] for each in secrets if each.startswith("ey")}
    assert len(secrets) == 10, "the password, the key, and two tokens of each kind of each application"
    assert [each for each in {*secrets, *parts, *signatures, key["d"]} - {""} if each.encode() in kept] == []
    # The search can find something: names and digests are there.
    assert b"alice" in kept
    assert all(token_digest(each).encode() in kept for each in secrets if each.startswith("ak_"))
    assert b"argon2id" in kept


FIRST_DEMO: Final = ROOT / "tests" / "data" / "first_demo"
"""What the demo left when it had neither clients nor sessions, and no migrations: made at commit e7c7410."""


@pytest.mark.servers
def test_a_demo_from_before_there_were_sessions_goes_on_and_logs_in(tmp_path: Path) -> None:
    require("curl")
    directory = tmp_path / ".demo"
    directory.mkdir(mode=0o700)
    shutil.copy(FIRST_DEMO / "keys.json", directory / "keys.json")
    with closing(sqlite3.connect(directory / "demo.db")) as connection:
        connection.executescript((FIRST_DEMO / "demo.sql").read_text())
    [key] = json.loads((directory / "keys.json").read_text())["keys"]
    with running(tmp_path) as demo:
        assert "from an earlier run" in demo.printed
        answered = answers_to(demo.prelude(), tmp_path)
        for line, answer in answered:
            assert status_and_challenge(answer)[0] == line.status, f"{line}\n{answer}"
        # It is the old key that signs.
        assert {
            unverified_kid(each)
            for each in secrets_in("".join(answer for _, answer in answered))
            if each.startswith("ey")
        } == {key["kid"]}
        keys = bash(f"{sys.executable} -m authmw keys list --json --database sqlite:///.demo/demo.db", tmp_path)
        assert {each["id"] for each in json.loads(keys)["keys"] if each["revoked_at"]} == {"key_XqTsYi2hoMHU"}
        demo.stop(signal.SIGTERM)
        assert "Traceback" not in demo.log.read_text()


def unverified_kid(token: str) -> object:
    read = unverified(token)
    assert read is not None
    return read[0]["kid"]


@pytest.mark.servers
@pytest.mark.parametrize("taken", [0, 1], ids=["Flask's", "ASGI's"])
def test_a_port_that_is_taken_is_a_sentence_with_a_way_out(tmp_path: Path, taken: int) -> None:
    port = free_port_pair()
    with socket.create_server((HOST, port + taken)):
        refused = subprocess.run(
            [sys.executable, "-m", "authmw", "demo", "--port", str(port)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            timeout=60,
            check=False,
        )
    assert (refused.returncode, refused.stdout) == (1, "")
    assert (
        refused.stderr
        == f"Error: port {port + taken} is taken: try `authmw demo --port 9000`, or `PORT=9000 make demo`\n"
    )


def test_without_flask_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("examples", "authmw_flask"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "flask", None)
    refused = CliRunner().invoke(group, ["demo", "--directory", str(tmp_path / "demo")])
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert 'pip install "authmw[demo]"' in refused.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.usefixtures("context")
@pytest.mark.parametrize("port", [80, 8000, 65533])
def test_what_is_printed_fits_a_terminal_and_ends_with_the_pages_and_the_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("authmw.cli.demo._this_command", lambda: ".venv/bin/python -m authmw")
    for user in (prepare(Path(".demo")), prepare(Path(".demo"))):
        lines = screen(port, user).splitlines()
        assert len(lines) < 24, "the cursor stands in the last one"
        assert [line for line in lines if len(line) > 80] == []
        assert f"http://{HOST}:{port}/docs" in lines[-2]
        assert f"http://localhost:{port + 2}/" in lines[-2]
        assert lines[-1].endswith("Password: correct horse battery staple")
        assert "$TOKEN" in "\n".join(lines)


@pytest.fixture
def context() -> Generator[None]:
    with click.Context(group):
        yield


@pytest.mark.usefixtures("context")
def test_a_user_who_was_changed_is_left_alone_and_that_is_said(tmp_path: Path) -> None:
    assert "Created" in prepare(tmp_path).introduction
    again = prepare(tmp_path)
    assert "from an earlier run" in again.introduction
    stores = open_stores(again.database)
    stores.users.set_scopes("alice", ["orders:write"])
    assert "was changed" in prepare(tmp_path).introduction
    assert stores.users.list()[0].scopes == {"orders:write"}


@pytest.mark.usefixtures("context")
def test_of_all_runs_only_the_last_ones_key_is_good(tmp_path: Path) -> None:
    user = [prepare(tmp_path), prepare(tmp_path)][-1]
    keys = open_stores(user.database).keys.list()
    assert [key.revoked_at is None for key in keys] == [False, True]


@pytest.mark.usefixtures("context")
def test_class_36_no_secret_shows_in_a_repr(tmp_path: Path) -> None:
    user = prepare(tmp_path)
    assert user.credentials.api_key not in repr(user)
    assert user.credentials.password not in repr(user.credentials)
    assert not (tmp_path / "keys.json").stat().st_mode & 0o077


def wsgi_app(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [])
    return [b""]


def test_without_uvicorn_it_says_what_to_install_and_leaves_no_port_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    port = free_port_pair()
    with (
        pytest.raises(click.ClickException, match=r"pip install \"authmw\[demo\]\""),
        serving(port, lambda: wsgi_app, object, lambda: wsgi_app),
    ):
        pass
    assert [is_free(port + each) for each in range(3)] == [True] * 3


async def asgi_app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 500, "headers": []})
    await send({"type": "http.response.body"})


@pytest.mark.servers
def test_a_server_that_does_not_answer_is_a_sentence_and_stops_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("authmw.cli.demo_servers._READY_WITHIN", 1.0)
    port = free_port_pair()
    with (
        pytest.raises(click.ClickException, match=f"nothing answers on port {port + 1}"),
        serving(port, lambda: wsgi_app, lambda: asgi_app, lambda: wsgi_app),
    ):
        pass
    assert [is_free(port + each) for each in range(3)] == [True] * 3


@pytest.mark.usefixtures("context")
def test_a_directory_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(click.ClickException, match="cannot be created"):
        prepare(tmp_path / "file" / "demo")


def test_the_variables_are_quoted_for_a_shell(tmp_path: Path) -> None:
    hostile = "a'b \"$(c)`d`"
    printed = bash(f'{prelude(8000, Credentials(hostile, hostile, "k"))}\necho "$NAME|$PASSWORD|$KEY|$URL"', tmp_path)
    assert printed == f"{hostile}|{hostile}|k|http://{HOST}:8000\n"
