"""DPoP client for tests: a key, and proofs signed by it (RFC 9449)."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from authmw.crypto.jose import base64url
from authmw.crypto.jws import write_claims
from authmw.crypto.key import Key
from authmw.flow.clocks import now


class DPoPClient:
    """A client with a throw-away key, for tests of what `HTTPDPoP` guards.

    Args:
        alg: the algorithm of its key.
        clock: seconds since the epoch, for the ``iat`` of its proofs.

    >>> client = DPoPClient()
    >>> headers = client.headers("GET", "https://api.example/orders", token="t0ken")
    >>> headers["Authorization"], headers["DPoP"].count(".")
    ('DPoP t0ken', 2)
    """

    def __init__(self, alg: str = "ES256", *, clock: Callable[[], float] = now) -> None:
        self.key: Key = Key.generate(alg)
        self._clock = clock

    @property
    def confirmation(self) -> dict[str, str]:
        """The ``cnf`` of tokens that are bound to its key: ``fake.token("alice", ..., cnf=client.confirmation)``."""
        return {"jkt": self.key.kid}

    def headers(self, method: str, url: str, *, token: str, nonce: str | None = None) -> dict[str, str]:
        """The headers of one request.

        Args:
            method: of the request.
            url: as the client sees it.
            token: the access token.
            nonce: of the server's last ``DPoP-Nonce``.
        """
        return {"Authorization": f"DPoP {token}", "DPoP": self.proof(method, url, token=token, nonce=nonce)}

    def proof(self, method: str, url: str, *, token: str | None = None, nonce: str | None = None, **claims: Any) -> str:
        """A new proof. `claims` are added to it, or replace its own; a claim of None is left out."""
        members: dict[str, Any] = {
            "jti": secrets.token_urlsafe(12),
            "htm": method,
            "htu": url.partition("?")[0].partition("#")[0],
            "iat": int(self._clock()),
            "ath": None if token is None else base64url.encode(sha256(token.encode()).digest()).decode(),
            "nonce": nonce,
            **claims,
        }
        public = self.key.public_jwk() or {}
        jwk = {name: value for name, value in public.items() if name not in ("kid", "alg", "use")}
        header = {"typ": "dpop+jwt", "alg": self.key.alg, "jwk": jwk}
        return write_claims({k: v for k, v in members.items() if v is not None}, self.key, header=header)
