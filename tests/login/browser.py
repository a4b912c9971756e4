"""A browser as far as logins need one: cookies, forms, redirects, and the headers that tell where a request comes from.

It asks an application in this process, under WSGI or ASGI.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

HOST: Final = "shop.example"
FORM: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Page:
    """A response, with its forms."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    path: str
    forms: list[Form] = field(default_factory=list["Form"])

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        return ", ".join(value for key, value in self.headers if key.lower() == name.lower())

    def cookies(self) -> dict[str, str]:
        """Name → the whole header of each cookie that it sets."""
        set_cookies = [value for key, value in self.headers if key.lower() == "set-cookie"]
        return {each.partition("=")[0]: each for each in set_cookies}

    @property
    def form(self) -> Form:
        return self.forms[0]


@dataclass
class Form:
    """A form: where it is posted to, and its fields."""

    action: str
    fields: dict[str, str]


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.found.append(Form(named.get("action", ""), {}))
        elif tag == "input" and self.found and "name" in named and named.get("type") != "checkbox":
            self.found[-1].fields[named["name"]] = named.get("value", "")


Send = Callable[[str, str, list[tuple[str, str]], bytes], tuple[int, list[tuple[str, str]], bytes]]
"""Sends method, target, headers and body to an application."""


def to_wsgi(app: Any) -> Send:
    """Sends requests to a WSGI application."""

    def send(
        method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.7",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": BytesIO(body),
            "wsgi.errors": BytesIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in headers:
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        started: list[Any] = []

        def start(status: str, sent: list[tuple[str, str]], exc_info: object = None) -> None:
            started.append((status, sent))

        chunks = app(environ, start)
        try:
            content = b"".join(chunks)
        finally:
            getattr(chunks, "close", lambda: None)()
        status, sent = started[-1]
        return int(status[:3]), sent, content

    return send


def to_asgi(app: Any) -> Send:
    """Sends requests to an ASGI application."""

    def send(
        method: str, target: str, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _, query = target.partition("?")
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
            "client": ("192.0.2.7", 50000),
            "server": ("127.0.0.1", 80),
        }
        messages: list[dict[str, Any]] = []
        requests = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> dict[str, Any]:
            return requests.pop(0) if requests else {"type": "http.disconnect"}

        async def keep(message: dict[str, Any]) -> None:
            messages.append(message)

        asyncio.run(app(scope, receive, keep))
        start = messages[0]
        content = b"".join(each.get("body", b"") for each in messages[1:])
        sent = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"]]
        return start["status"], sent, content

    return send


class Browser:
    """A browser.

    Args:
        send: sends its requests.
        agent: its ``User-Agent``.
    """

    def __init__(self, send: Send, agent: str = "Firefox") -> None:
        self._send = send
        self.jar: dict[str, str] = {}
        self.agent = agent

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Page:
        """Send one request with its cookies. ``sec_fetch_site="none"`` is the header ``Sec-Fetch-Site``."""
        told = [("Host", HOST), ("User-Agent", self.agent)]
        if self.jar:
            told.append(("Cookie", "; ".join(f"{name}={value}" for name, value in self.jar.items())))
        told += [(name.replace("_", "-").title(), value) for name, value in headers.items()]
        if body or method == "POST":
            told.append(("Content-Length", str(len(body))))
        status, sent, content = self._send(method, target, told, body)
        found = _Forms()
        if b"<html" in content[:200]:
            found.feed(content.decode())
        page = Page(status, sent, content, target, found.found)
        for name, cookie in page.cookies().items():
            value, *attributes = (part.strip() for part in cookie.partition("=")[2].split(";"))
            if name != "session":  # that of Flask, which has fewer by default
                assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes), cookie
            if "Max-Age=0" in attributes:
                self.jar.pop(name, None)
            else:
                self.jar[name] = value
        return page

    def open(self, target: str, *, follow: bool = True, **headers: str) -> Page:
        """Open a page, and follow its redirects."""
        told: Any = {"sec_fetch_mode": "navigate", "sec_fetch_dest": "document", "sec_fetch_site": "none", **headers}
        page = self.ask("GET", target, **told)
        for _ in range(5):
            if not follow or page.status != 303:
                return page
            page = self.ask("GET", page.header("location"), **told)
        raise AssertionError(f"{target} redirects for ever")

    def post(self, target: str, fields: dict[str, str], **headers: str) -> Page:
        """Post a form as a page of the application does, and follow no redirect."""
        told = {"sec_fetch_site": "same-origin", "sec_fetch_mode": "navigate", "sec_fetch_dest": "document", **headers}
        sent: Any = {name: value for name, value in told.items() if value}
        return self.ask("POST", target, urlencode(fields).encode(), content_type=FORM, **sent)

    def submit(self, page: Page, form: int = 0, **fields: str) -> Page:
        """Fill in and post a form of `page`, and follow the redirect."""
        chosen = page.forms[form]
        answer = self.post(chosen.action, {**chosen.fields, **fields})
        return self.open(answer.header("location")) if answer.status == 303 else answer

    def fetch(self, target: str, method: str = "GET", **headers: str) -> Page:
        """What a script of the page does."""
        told: Any = {"sec_fetch_mode": "cors", "sec_fetch_dest": "empty", **headers}
        return self.ask(method, target, **told)


def path_of(url: str) -> str:
    """The path and query of a URL."""
    split = urlsplit(url)
    return f"{split.path}?{split.query}" if split.query else split.path
