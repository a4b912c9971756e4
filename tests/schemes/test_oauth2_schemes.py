"""The schemes of OAuth 2 verify tokens as `HTTPBearer` does, whatever verifies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from authmw import (
    Auth,
    JWTVerifier,
    KeyRing,
    OAuth2,
    OAuth2AuthorizationCodeBearer,
    OAuth2ClientCredentialsBearer,
    OAuth2PasswordBearer,
    OpenIdConnect,
    Principal,
    TokenVerifier,
    issue,
)
from authmw.engine.authentication import Authentication
from authmw.http.refusal import Refusal
from authmw.stores import MemoryTokens
from tests.requests import wsgi_request

KEYS: Final = KeyRing.generate()
TOKENS: Final = MemoryTokens()
ISSUER: Final = "https://id.example"
DAY: Final = 86_400
SIGNED: Final = issue("alice", keys=KEYS, issuer=ISSUER, audience="orders", lifetime=DAY)
OPAQUE: Final = str(TOKENS.create("alice", lifetime=DAY)[0])
VERIFIERS: Final[dict[str, tuple[Any, str, str]]] = {
    "JWT": (
        JWTVerifier(KEYS, issuer=ISSUER, audience="orders"),
        SIGNED,
        issue("alice", keys=KeyRing.generate(), issuer=ISSUER, audience="orders", lifetime=DAY),
    ),
    "opaque": (TokenVerifier(TOKENS), OPAQUE, str(MemoryTokens().create("alice")[0])),
    "function": ({"good": Principal("alice")}.get, "good", "bad"),
}
SCHEMES: Final[dict[str, Callable[[Any], Any]]] = {
    "flows": lambda verifier: OAuth2({"password": {"tokenUrl": "token"}}, verifier),
    "password": lambda verifier: OAuth2PasswordBearer("token", verifier),
    "code": lambda verifier: OAuth2AuthorizationCodeBearer("https://a.example", "https://a.example/token", verifier),
    "client": lambda verifier: OAuth2ClientCredentialsBearer("token", verifier),
    "OpenID Connect": lambda verifier: OpenIdConnect("https://op.example", verifier),
}


@pytest.mark.parametrize("by", VERIFIERS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_token_of_an_oauth2_scheme_is_verified_like_any_other(scheme: str, by: str) -> None:
    verifier, good, bad = VERIFIERS[by]
    auth = Auth(SCHEMES[scheme](verifier))
    found = auth.authenticate(wsgi_request(authorization=f"Bearer {good}"))
    assert isinstance(found, Authentication)
    assert found.principal.id == "alice"
    refused = auth.authenticate(wsgi_request(authorization=f"Bearer {bad}"))
    assert isinstance(refused, Refusal)
    assert refused.status == 401
