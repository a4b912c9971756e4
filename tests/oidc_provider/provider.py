"""The provider on loopback, and what its clients do: ask for tokens, log in with a browser, revoke."""

from __future__ import annotations

import json
import secrets
import subprocess
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from typing import IO, Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx2

from authmw.testing import DPoPClient
from tests.oidc_provider import package

ORDERS: Final = "https://orders.example"
"""The API. A resource below it says what its tokens are: ``https://orders.example/ES256``."""
BILLING: Final = "https://billing.example"
"""Another API of the same provider."""
ALGORITHMS: Final = ("RS256", "ES256", "PS256", "EdDSA")
OPAQUE: Final = "opaque"
SCOPES: Final = "orders:read orders:write"

SECRETS: Final = {name: secrets.token_urlsafe(32) for name in ("robot", "orders-api", "web")}
_CALLBACK: Final = "https://web.example/callback"
_CLIENTS: Final[list[dict[str, Any]]] = [
    {"client_id": "robot", "grant_types": ["client_credentials"], "response_types": [], "redirect_uris": []},
    {"client_id": "orders-api", "grant_types": [], "response_types": [], "redirect_uris": []},
    {
        "client_id": "web",
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [_CALLBACK],
        "scope": f"openid offline_access {SCOPES}",
    },
    {
        "client_id": "docs",
        "application_type": "native",  # so that any port of loopback will do (RFC 8252 §7.3)
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/docs/oauth2-redirect.html"],
    },
]
_SECONDS: Final = 20.0
_REDIRECTS: Final = 5


class Provider:
    """The provider as its clients see it.

    Args:
        issuer: where it is.
        http: what they ask by.
    """

    def __init__(self, issuer: str, http: httpx2.Client) -> None:
        self.issuer = issuer
        self._http = http
        self.metadata: dict[str, Any] = http.get(f"{issuer}/.well-known/openid-configuration").json()

    def machine_token(self, resource: str, scope: str = SCOPES, dpop: DPoPClient | None = None) -> str:
        """The access token of ``robot``, by client credentials; bound to the key of `dpop`."""
        form = {"grant_type": "client_credentials", "resource": resource, "scope": scope}
        return str(self._token("robot", form, dpop)["access_token"])

    def log_in(self, resource: str | None = None, dpop: DPoPClient | None = None) -> dict[str, Any]:
        """What ``web`` gets when Alice logs in: an access token, an ID token and a refresh token."""
        verifier = secrets.token_urlsafe(32)
        challenge = urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "client_id": "web",
            "response_type": "code",
            "redirect_uri": _CALLBACK,
            "scope": f"openid {SCOPES}",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({} if resource is None else {"resource": resource}),
        }
        form = {"code": self._code(asked), "redirect_uri": _CALLBACK, "code_verifier": verifier}
        return self._token("web", {"grant_type": "authorization_code", **form}, dpop)

    def revoke(self, token: str) -> None:
        """What ``robot`` does with a token that it needs no longer."""
        robot = ("robot", SECRETS["robot"])
        self._http.post(self.metadata["revocation_endpoint"], data={"token": token}, auth=robot).raise_for_status()

    def _token(self, client: str, form: dict[str, str], dpop: DPoPClient | None) -> dict[str, Any]:
        url: str = self.metadata["token_endpoint"]
        headers = {} if dpop is None else {"DPoP": dpop.proof("POST", url)}
        answer = self._http.post(url, data=form, auth=(client, SECRETS[client]), headers=headers)
        members: dict[str, Any] = answer.json()
        assert answer.status_code == 200, members
        return members

    def _code(self, asked: dict[str, str]) -> str:
        """Follow the provider until it sends the browser back."""
        self._http.cookies.clear()  # each time in a browser that knows nothing yet
        url, query = str(self.metadata["authorization_endpoint"]), f"?{urlencode(asked)}"
        for _ in range(_REDIRECTS):
            answer = self._http.get(url + query)
            assert answer.is_redirect, answer.text
            url, query = urljoin(url, answer.headers["location"]), ""
            if url.startswith(_CALLBACK):
                return dict(parse_qsl(urlsplit(url).query))["code"]
        raise AssertionError(f"the provider redirects to {url}, and on")


@contextmanager
def provider() -> Generator[Provider]:
    """The provider, in a process of its own that ends with the block."""
    clients = [dict(client) for client in _CLIENTS]
    for client in clients:
        if client["client_id"] in SECRETS:
            client["client_secret"] = SECRETS[client["client_id"]]
    command = ["node", str(package.HERE / "server.mjs"), package.prepare(), json.dumps(clients)]
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints)
        try:
            with httpx2.Client(timeout=_SECONDS, trust_env=False) as http:
                yield Provider(_issuer(process, complaints), http)
        finally:
            process.kill()
            process.communicate()


def _issuer(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline().decode().strip()  # it listens when it says so
    if not said:
        complaints.seek(0)
        raise RuntimeError(f"the provider did not start: {complaints.read().decode(errors='replace')}")
    return said
