"""Browser that asks a server on loopback, as `tests.login.browser` asks an application in this process."""

from __future__ import annotations

from http.client import HTTPConnection
from typing import Final

from tests.login.browser import Browser, Send

FLASK: Final = "-m flask --app {app} run --host 127.0.0.1 --port {port}"
"""Starts a program with Flask by `tests.programs.program.Program.serve`."""
PASSWORD: Final = "correct horse battery staple"
"""The password of each user is this with the name behind it."""


def to_server(port: int) -> Send:
    """Sends requests to the server at `port` of this machine, each on a connection of its own."""

    def send(
        method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in headers:
                connection.putheader(name, f"127.0.0.1:{port}" if name == "Host" else value)
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()

    return send


def browser_of(port: int, **cookies: str) -> Browser:
    """A browser with these cookies, at the server."""
    browser = Browser(to_server(port))
    browser.jar |= cookies
    return browser


def logged_in(port: int, username: str, password: str, path: str, **fields: str) -> Browser:
    """A browser that opened `path`, was sent to the login page, logged in there, and was sent back to `path`."""
    browser = browser_of(port)
    sent = browser.open(path, follow=False)
    assert (sent.status, sent.header("location").partition("?")[0]) == (303, "/auth/login")
    login = browser.open(sent.header("location"))
    answer = browser.post(
        login.form.action, {**login.form.fields, "username": username, "password": password, **fields}
    )
    assert (answer.status, answer.header("location")) == (303, path), answer.body[-2000:]
    assert browser.open(path, follow=False).status == 200
    return browser
