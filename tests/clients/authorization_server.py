"""A small authorization server as MCP clients expect one: metadata, registration, codes with PKCE, and resources.

It is strict about what the specifications ask of clients, and asks nobody: its user agrees to everything at once.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse
from starlette.routing import Route

from authmw.asgi.middleware import ASGIApp
from authmw.testing.issuer import FakeIssuer

PREREGISTERED: Final = "pre-registered"


@dataclass
class AuthorizationServer:
    """Issues tokens of `issuer` for one resource.

    Args:
        issuer: its URL.
        resource: what tokens may be asked for.
        registers: whether clients may register themselves.
    """

    issuer: str
    resource: str
    registers: bool = True
    authorizations: list[dict[str, str]] = field(default_factory=list[dict[str, str]])
    """What clients asked for, in order."""
    registered: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])

    def __post_init__(self) -> None:
        self.signer = FakeIssuer(self.issuer)
        self._codes: dict[str, dict[str, str]] = {}
        self._clients = {PREREGISTERED}

    def app(self) -> ASGIApp:
        """The server."""
        return Starlette(
            routes=[
                Route("/.well-known/oauth-authorization-server", self._metadata),
                Route("/keys", self._keys),
                Route("/register", self._register, methods=["POST"]),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _metadata(self, request: Request) -> JSONResponse:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none"],
            "authorization_response_iss_parameter_supported": True,
        }
        if self.registers:
            document["registration_endpoint"] = f"{self.issuer}/register"
        return JSONResponse(document)

    async def _keys(self, request: Request) -> JSONResponse:
        return JSONResponse(self.signer.ring.jwks())

    async def _register(self, request: Request) -> JSONResponse:
        asked: dict[str, Any] = await request.json()
        self.registered.append(asked)
        client_id = secrets.token_urlsafe(8)
        self._clients.add(client_id)
        return JSONResponse(
            {**asked, "client_id": client_id, "token_endpoint_auth_method": "none"},
            status_code=201,
            headers={"Cache-Control": "no-store"},
        )

    async def _authorize(self, request: Request) -> JSONResponse | RedirectResponse:
        asked = dict(request.query_params)
        self.authorizations.append(asked)
        if asked.get("client_id") not in self._clients:
            return JSONResponse({"error": "invalid_client"}, status_code=400)
        if asked.get("resource") != self.resource:  # RFC 8707 §2
            return self._back(asked, error="invalid_target")
        if asked.get("code_challenge_method") != "S256" or len(asked.get("code_challenge", "")) != 43:
            return self._back(asked, error="invalid_request")
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return self._back(asked, code=code)

    def _back(self, asked: dict[str, str], **answer: str) -> RedirectResponse:
        sent = {**answer, "state": asked["state"], "iss": self.issuer}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(sent)}", status_code=302)

    async def _token(self, request: Request) -> JSONResponse:
        form = dict(parse_qsl((await request.body()).decode()))
        granted = self._codes.pop(form.get("code", ""), None)
        if granted is None or not self._may_have_it(granted, form):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        scopes = granted.get("scope", "").split()
        token = self.signer.token("alice", audience=self.resource, scopes=scopes, client_id=granted["client_id"])
        answer = {"access_token": token, "token_type": "Bearer", "expires_in": 600, "scope": " ".join(scopes)}
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _may_have_it(self, granted: dict[str, str], form: dict[str, str]) -> bool:
        hashed = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        return (
            form.get("grant_type") == "authorization_code"
            and form.get("client_id") == granted["client_id"]
            and form.get("redirect_uri") == granted["redirect_uri"]
            and form.get("resource") == self.resource
            and base64.urlsafe_b64encode(hashed).decode().rstrip("=") == granted["code_challenge"]
        )
