"""The tutorial, followed as it stands: each chapter in each tab, on its server, with the lines that the page has."""

from __future__ import annotations

import configparser
import json
import os
import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.examples.following import BIN, PASSWORD, Follower, following, text_for, wait_for
from tests.examples.running import free_port
from tests.issuers.loopback import certificate
from tests.login.browser import Browser, Send
from tests.support import ROOT, require

pytestmark = [pytest.mark.servers, pytest.mark.clients]

TUTORIAL = ROOT / "docs" / "tutorial"
SECONDS = 1200
"""For tests that follow all chapters, or the last one, on a machine with more to do."""
TABS = ("Flask", "Starlette", "FastAPI")
CHAPTERS = [
    "first-steps",
    "current-caller",
    "password-login",
    "scopes",
    "docs-page",
    "machines",
    "browsers",
    "tests",
]


def text_of(chapter: str) -> str:
    """The text of a chapter."""
    return (TUTORIAL / f"{chapter}.md").read_text()


def to(port: int) -> Send:
    """Sends requests of a browser to a server on this machine."""

    def send(
        method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    return send


def authorize_on_the_docs_page(follower: Follower) -> None:
    """What Swagger UI sends, when a person does what the chapter says."""
    send = to(follower.port)
    host = ("Host", "127.0.0.1:8000")
    status, _, page = send("GET", "/docs/", [host], b"")
    assert (status, b"swagger" in page) == (200, True)
    form = {"grant_type": "password", "username": "alice", "password": PASSWORD, "scope": "notes:read"}
    body = urlencode({**form, "client_id": "", "client_secret": ""}).encode()
    told = [host, ("Content-Type", "application/x-www-form-urlencoded")]
    status, _, issued = send("POST", "/auth/token", [*told, ("Content-Length", str(len(body)))], body)
    assert status == 200
    bearer = ("Authorization", f"Bearer {json.loads(issued)['access_token']}")
    assert send("GET", "/notes", [host, bearer], b"")[0] == 200
    assert send("POST", "/notes", [*told, bearer, ("Content-Length", "6")], b"text=a")[0] == 403


def log_in_on_the_pages(follower: Follower) -> Browser:
    """What a person does in a browser, and what another site does with it."""
    browser = Browser(to(follower.port))
    login = browser.open("/")
    assert login.path == "/auth/login?next=/"
    home = browser.submit(login, username="alice", password=PASSWORD)
    assert (home.path, "Notes of alice" in home.text) == ("/", True)
    assert "<li>Buy &lt;tea&gt;" in browser.submit(home, text="Buy <tea>").text
    assert "/auth/sessions" in home.text
    assert len(browser.open("/auth/sessions").forms) >= 2
    assert browser.post("/", {"text": "evil"}, sec_fetch_site="cross-site").status in (401, 403)
    assert "evil" not in browser.open("/").text
    return browser


def is_logged_out(browser: Browser) -> bool:
    """Whether the browser is sent to log in, within some time."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if browser.open("/").path.startswith("/auth/login"):
            return True
    return False


def follow(follower: Follower, chapter: str, tab: str, *, from_here: bool) -> None:
    """Follow a chapter, and do in a browser what a person is asked to do."""
    text = text_for(text_of(chapter), tab, from_here=from_here)
    if chapter == "docs-page":
        before, _, after = text.partition("The document behind the page")
        follower.follow(before)
        authorize_on_the_docs_page(follower)
        follower.follow(after)
    elif chapter == "browsers":
        before, _, after = text.partition("After Alice has logged in")
        follower.follow(before)
        browser = log_in_on_the_pages(follower)
        follower.follow(after)
        assert is_logged_out(browser)
    else:
        follower.follow(text)


@pytest.mark.parametrize("tab", TABS)
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapter_is_followed_by_a_reader_who_begins_there(chapter: str, tab: str, tmp_path: Path) -> None:
    require("curl")
    with following(tmp_path) as follower:
        follow(follower, chapter, tab, from_here=True)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("tab", TABS)
def test_the_chapters_are_followed_one_after_the_other(tab: str, tmp_path: Path) -> None:
    require("curl")
    with following(tmp_path) as follower:
        for chapter in CHAPTERS:
            follow(follower, chapter, tab, from_here=False)


NGINX = """\
daemon off;
master_process off;
pid {place}/pid;
error_log {place}/log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    include {conf};
}}
"""
POSTGRESQL = {"PGHOST": "127.0.0.1", "PGUSER": "postgres"}


class Machine:
    """The server of the last chapter: what an administrator does there, done on this machine without one.

    Args:
        follower: who follows the chapter.
        place: a folder for nginx.
        stack: of what has to be taken back.
    """

    def __init__(self, follower: Follower, place: Path, stack: ExitStack) -> None:
        self._follower, self._place, self._stack = follower, place, stack
        self._name = f"authmw_test_tutorial_{os.getpid()}"
        self.port = free_port()
        self._proxy: subprocess.Popen[bytes] | None = None
        stack.callback(self._take_back)
        for name in ("notes.crt", "notes.key"):  # nginx looks in each for what it needs
            (place / name).write_bytes(certificate("localhost"))
        authority = place / "notes.crt"
        follower.configure_curl(f'cacert = "{authority}"', 'interface = "127.0.0.2"')
        # The user of the system has no database here, so libpq is told what it would find out.
        follower.environment |= {"PGHOST": "127.0.0.1", "PGUSER": self._name, "SSL_CERT_FILE": str(authority)}
        follower.replaced = {
            "/srv/notes/.venv/bin": str(BIN),
            "/srv/notes": str(follower.folder),
            "postgresql+psycopg:///notes": f"postgresql+psycopg:///{self._name}",
            "listen 443 ssl": f"listen 127.0.0.1:{self.port} ssl",
            "/etc/ssl/notes.example.": f"{place}/notes.",
            "https://notes.example": f"https://localhost:{self.port}",
            "notes.example": "localhost",
            "proxy_pass http://127.0.0.1:8000": f"proxy_pass http://127.0.0.1:{follower.port}",
        }
        follower.handled = {
            "sudo apt install": self._nothing,
            "sudo useradd --system --create-home --home-dir /srv/notes": self._nothing,
            "sudo -u postgres createuser notes": self._as_postgres,
            "sudo -u postgres createdb --owner notes notes": self._as_postgres,
            "sudo -u postgres pg_dump": self._as_postgres,
            "sudo -iu notes": self._nothing,
            "exit": self._nothing,
            "sudo cp /srv/notes/notes.service /etc/systemd/system/": self._nothing,
            "sudo cp /srv/notes/notes.nginx /etc/nginx/conf.d/notes.conf": self._nothing,
            "sudo systemctl enable --now notes": self._start,
            "sudo systemctl restart notes": self._start,
            "sudo nginx -t && sudo systemctl reload nginx": self._serve_by_nginx,
        }

    def _nothing(self, typed: str) -> str:
        """What the test has no need of, or must not do to this machine."""
        return ""

    def _as_postgres(self, typed: str) -> str:
        command = re.sub(r"\bnotes$", self._name, typed.removeprefix("sudo -u postgres "))
        command = command.replace("--owner notes", f"--owner {self._name}")
        command = command.replace("/var/tmp/notes.dump", str(self._place / "notes.dump"))
        ran = subprocess.run(
            command.split(), env={**os.environ, **POSTGRESQL}, capture_output=True, text=True, check=True
        )
        return ran.stdout

    def _start(self, typed: str) -> str:
        """Start the unit of the chapter, as systemd does: with its command, and no settings but those of its file."""
        unit = configparser.ConfigParser(interpolation=None)
        unit.optionxform = str  # type: ignore[assignment, method-assign]
        unit.read(self._follower.folder / "notes.service")
        service = unit["Service"]
        assert service["WorkingDirectory"] == str(self._follower.folder)
        lines = Path(service["EnvironmentFile"]).read_text().splitlines()
        self._follower.serve(service["ExecStart"], dict(line.split("=", 1) for line in lines))
        return ""

    def _serve_by_nginx(self, typed: str) -> str:
        conf = self._place / "nginx.conf"
        conf.write_text(NGINX.format(place=self._place, conf=self._follower.folder / "notes.nginx"))
        command = [str(shutil.which("nginx")), "-p", str(self._place), "-c", str(conf)]
        checked = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stderr
        self._proxy = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        assert wait_for(self.port, self._proxy)
        return ""

    def _take_back(self) -> None:
        if self._proxy is not None:
            self._proxy.terminate()
            self._proxy.wait(timeout=10)
        self._follower.stop()
        for command in (["dropdb", "--if-exists", "--force"], ["dropuser", "--if-exists"]):
            subprocess.run([*command, self._name], env={**os.environ, **POSTGRESQL}, capture_output=True, check=True)


@pytest.mark.timeout(SECONDS)
@pytest.mark.parametrize("tab", TABS)
def test_the_service_is_deployed_rotated_and_upgraded(tab: str, tmp_path: Path) -> None:
    for need in ("curl", "postgresql", "nginx"):
        require(need)
    (place := tmp_path / "nginx").mkdir()
    with following(tmp_path) as follower, ExitStack() as stack:
        machine = Machine(follower, place, stack)
        follower.follow(text_for(text_of("deploy"), tab, from_here=True))
        follower.run(
            f"curl -d grant_type=password -d username=alice -d password=wrong https://localhost:{machine.port}/auth/token"
        )
        assert "source=127.0.0.2" in follower.log.read_text()  # the address of the client, and not that of nginx
