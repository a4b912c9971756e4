"""A client of ``https://shop.example`` on loopback: requests as bytes, event streams, websockets, any own address."""

from __future__ import annotations

import json
import socket
import ssl
from base64 import b64encode
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from websockets.sync.client import ClientConnection, connect

from tests.deployment.service import CLIENT, PASSWORD
from tests.servers.running import Reply, read_reply

HOST: Final = "shop.example"
_SECONDS: Final = 15.0
_FORM: Final = ("Content-Type", "application/x-www-form-urlencoded")
_NAMING_AN_ADDRESS: Final = ("X-Forwarded-For", "X_Forwarded_For", "X.Forwarded.For", "X-Real-IP", "CF-Connecting-IP")

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Client:
    """A client.

    Args:
        port: of the proxy.
        certificate: of the proxy, which the client trusts; None for HTTP without TLS.
        address: the client's own.
    """

    port: int
    certificate: Path | None
    address: str = "127.0.0.1"

    def at(self, address: str) -> Client:
        """The same client at another address of this machine."""
        return replace(self, address=address)

    @contextmanager
    def connection(self) -> Generator[socket.socket]:
        """A connection, which is closed when the block ends."""
        with socket.create_connection(("127.0.0.1", self.port), _SECONDS, (self.address, 0)) as plain:
            if self.certificate is None:
                yield plain
                return
            context = ssl.create_default_context(cafile=str(self.certificate))
            with context.wrap_socket(plain, server_hostname=HOST) as encrypted:
                yield encrypted

    def ask(self, target: str, headers: Headers = (), *, method: str = "GET", body: bytes = b"") -> Reply:
        """The reply to a request, in which nothing is checked or changed."""
        with self.connection() as connection:
            connection.sendall(_request(method, target, headers, body))
            return read_reply(connection, method=method)

    def guesses(self, number: int) -> list[int]:
        """The statuses of requests for a token with a wrong secret, which count for the client's address.

        Each says in every header known for that that it comes from another address.
        """
        form = urlencode({"grant_type": "client_credentials"}).encode()
        secret = ("Authorization", f"Basic {b64encode(f'{CLIENT}:wrong'.encode()).decode()}")
        statuses: list[int] = []
        for each in range(number):
            address = f"198.51.100.{each}"
            headers = [(name, address) for name in _NAMING_AN_ADDRESS]
            headers += [("Forwarded", f"for={address}"), secret, _FORM]
            statuses.append(self.ask("/auth/token", headers, method="POST", body=form).status)
        return statuses

    def log_in(self, name: str = "alice", password: str = PASSWORD, headers: Headers = ()) -> Reply:
        """The reply of the token endpoint to a name and a password."""
        form = urlencode({"grant_type": "password", "username": name, "password": password}).encode()
        return self.ask("/auth/token", [_FORM, *headers], method="POST", body=form)

    def bearer(self) -> tuple[str, str]:
        """The header ``Authorization`` with a new access token of ``alice``."""
        reply = self.log_in()
        assert reply.status == 200, reply
        return "Authorization", f"Bearer {json.loads(reply.body)['access_token']}"

    def first_part(self, target: str, headers: Headers, seconds: float = _SECONDS) -> bytes:
        """What arrives of a response that does not end, up to its first event.

        Raises:
            TimeoutError: nothing of its body arrives: something on the way keeps it back.
        """
        received = b""
        with self.connection() as connection:
            connection.settimeout(seconds)
            connection.sendall(_request("GET", target, headers, b""))
            while b"data: " not in received:
                part = connection.recv(65536)
                if not part:
                    break
                received += part
        return received

    @contextmanager
    def websocket(self, target: str, headers: Headers) -> Generator[ClientConnection]:
        """An open websocket."""
        with (
            self.connection() as connection,
            connect(f"ws://{HOST}{target}", sock=connection, additional_headers=list(headers)) as websocket,
        ):
            yield websocket


def _request(method: str, target: str, headers: Headers, body: bytes) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
