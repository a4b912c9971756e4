"""A Digest client written from RFC 7616 alone, and small stores, for the tests of Digest."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final

from authmw.crypto.http_digest import DigestAlgorithm, DigestSessAlgorithm, ha1, userhash
from authmw.flow.flow import run
from authmw.http.challenge import Challenge
from authmw.http.request import RequestHead, WSGIRequest
from authmw.identity.verdict import Rejected, Verdict
from authmw.schemes.http_digest import HTTPDigest
from authmw.stores.records import DigestUser, NonceUse, User
from authmw.verifiers.digest import DigestVerifier

REALM: Final = "orders"
SECRET: Final = b"only for testing, never elsewhere"
PASSWORDS: Final = {"alice": "s3:crët", "Jäsøn Doe": "Secret, or not?", "disabled": "s3cret"}
USERS: Final = {
    "alice": User("1", "alice", scopes=frozenset({"orders:read"})),
    "Jäsøn Doe": User("2", "Jäsøn Doe"),
    "disabled": User("3", "disabled", disabled=True),
}
_HASHES: Final[dict[str, Callable[[bytes], Any]]] = {
    "MD5": hashlib.md5,
    "SHA-256": hashlib.sha256,
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data),
}


class Clock:
    """The time, moved by hand."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class DigestUsers:
    """A store of HA1s that remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_digest(self, username: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        self.asked.append(username)
        user = USERS.get(username)
        if user is None:
            return None
        password = PASSWORDS[username]
        return DigestUser(user, ha1(username=username, realm=realm, password=password, algorithm=algorithm))

    def find_digest_by_userhash(self, hashed: str, realm: str, algorithm: DigestAlgorithm) -> DigestUser | None:
        self.asked.append(hashed)
        for name in USERS:
            if userhash(username=name, realm=realm, algorithm=algorithm) == hashed:
                return self.find_digest(name, realm, algorithm)
        return None


class Nonces:
    """Uses counts of nonces, and remembers each."""

    def __init__(self) -> None:
        self.used: list[tuple[str, int, float]] = []

    def use_nonce(self, nonce: str, count: int, expires_at: float) -> NonceUse:
        fresh = all(count > known for other, known, _ in self.used if other == nonce)
        if fresh:
            self.used.append((nonce, count, expires_at))
        return NonceUse.FRESH if fresh else NonceUse.REPLAYED


@dataclass(frozen=True)
class Client:
    """Answers challenges as RFC 7616 §3.4 says; each field that a test bends is one of these."""

    challenge: Challenge
    username: str = "alice"
    password: str = PASSWORDS["alice"]
    method: str = "GET"
    uri: str = "/orders?page=2"
    qop: str = "auth"
    nc: str = "00000001"
    cnonce: str = "0a4f113b"
    body: bytes = b""
    as_userhash: bool = False

    def params(self, **changes: str | None) -> dict[str, str]:
        """The auth-params of the answer; `changes` replace some after the response was computed, None drops one."""
        challenge, algorithm = self.challenge, self.challenge["algorithm"]
        is_session = algorithm.endswith("-sess")

        def h(text: bytes) -> str:
            return str(_HASHES[algorithm.removesuffix("-sess")](text).hexdigest())

        realm, nonce = challenge["realm"], challenge["nonce"]
        a1 = h(f"{self.username}:{realm}:{self.password}".encode())
        if is_session:
            a1 = h(f"{a1}:{nonce}:{self.cnonce}".encode())
        a2 = f"{self.method}:{self.uri}" + (f":{h(self.body)}" if self.qop == "auth-int" else "")
        response = h(f"{a1}:{nonce}:{self.nc}:{self.cnonce}:{self.qop}:{h(a2.encode('latin-1'))}".encode())
        params: dict[str, str | None] = {
            "username": h(f"{self.username}:{realm}".encode()) if self.as_userhash else self.username,
            "realm": realm,
            "nonce": nonce,
            "uri": self.uri,
            "response": response,
            "opaque": challenge["opaque"],
            "algorithm": algorithm,
            "qop": self.qop,
            "nc": self.nc,
            "cnonce": self.cnonce,
            "userhash": "true" if self.as_userhash else None,
        }
        return {name: value for name, value in {**params, **changes}.items() if value is not None}

    def header(self, **changes: str | None) -> str:
        """The value of ``Authorization``, as its bytes are seen from a server."""
        quoted = ", ".join(f'{name}="{value}"' for name, value in self.params(**changes).items())
        return f"Digest {quoted}".encode().decode("latin-1")

    def request(self, header: str | None = None, **environ: Any) -> RequestHead:
        """The request that carries the answer."""
        path, _, query = self.uri.partition("?")
        return WSGIRequest(
            {
                "REQUEST_METHOD": self.method,
                "PATH_INFO": path,
                "QUERY_STRING": query,
                "REQUEST_URI": self.uri,
                "REMOTE_ADDR": "192.0.2.7",
                "HTTP_AUTHORIZATION": self.header() if header is None else header,
                "CONTENT_LENGTH": str(len(self.body)),
                "wsgi.input": BytesIO(self.body),
                **environ,
            }
        )

    def bent(self, **changes: Any) -> Client:
        """The same with other fields, from which the response is computed."""
        return replace(self, **changes)


class Server:
    """A verifier with its scheme and stores."""

    def __init__(
        self,
        *algorithms: DigestSessAlgorithm,
        users: DigestUsers | None = None,
        throttle: Any = None,
        **limits: Any,
    ) -> None:
        self.clock = Clock()
        self.users = users or DigestUsers()
        self.nonces = Nonces()
        self.verifier = DigestVerifier(
            self.users,
            algorithms=algorithms or ("SHA-256",),
            nonces=self.nonces,
            secret=SECRET,
            throttle=throttle,
            clock=self.clock,
            **limits,
        )
        self.scheme = HTTPDigest(self.verifier)
        self.scheme.bind(REALM)

    def client(self, **fields: Any) -> Client:
        """A client that was just challenged."""
        return Client(self.scheme.challenge(REALM), **fields)

    def answer(self, request: RequestHead) -> Verdict | None:
        """The verdict on a request."""
        found = self.scheme.extract(request)
        if found is None or isinstance(found, Rejected):
            return found
        return run(self.verifier.verify(found, request))
