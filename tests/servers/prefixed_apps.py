"""Applications behind a proxy that takes ``/shop`` away, which the server is told of."""

from __future__ import annotations

from typing import Final

from authmw_starlette import AuthMiddleware as StarletteMiddleware
from litestar import Litestar, get
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from authmw import Auth, DigestVerifier, DPoPVerifier, HTTPBearer, HTTPDigest, HTTPDPoP, current_principal
from authmw.asgi import AuthMiddleware
from authmw.stores import CHEAPEST, MemoryStores, PasswordHasher
from authmw.testing import DPoPClient, FakeIssuer

ALICE: Final = ("alice", "correct horse battery staple")
URLS: Final = ("https://example.com/shop/orders", "https://example.com/shop/shop/orders", "https://example.com/orders")


def _nobody(token: str) -> None:
    return None


@get("/admin", media_type="text/plain")
async def _admin() -> str:
    return "the admin page"


@get("/health/live", media_type="text/plain")
async def _live() -> str:
    return "alive"


litestar = AuthMiddleware(Litestar([_admin, _live]), Auth(HTTPBearer(_nobody)), public=["/health/*"])

_issuer: Final = FakeIssuer("https://id.example")
_client: Final = DPoPClient()
_token: Final = _issuer.token("alice", audience="orders", cnf=_client.confirmation)
_stores: Final = MemoryStores(hasher=PasswordHasher(CHEAPEST))
_stores.users.create(*ALICE, digest_realm="orders")


async def _orders(request: Request) -> JSONResponse:
    return JSONResponse(current_principal().id)


async def _proofs(request: Request) -> JSONResponse:
    """The headers of a client for each URL: the server alone has the keys."""
    return JSONResponse({url: _client.headers("GET", url, token=_token) for url in URLS})


dpop = Starlette(routes=[Route("/orders", _orders), Route("/proofs", _proofs)])
dpop.add_middleware(
    StarletteMiddleware,
    auth=Auth(HTTPDPoP(DPoPVerifier(_issuer.verifier(audience="orders"), public_url="https://example.com/shop"))),
    public=["/proofs"],
)

digest = Starlette(routes=[Route("/orders", _orders)])
digest.add_middleware(StarletteMiddleware, auth=Auth(HTTPDigest(DigestVerifier(_stores.users)), realm="orders"))
