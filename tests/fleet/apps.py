"""One API with its token service as a fleet serves it: in Flask and in Starlette, set up by the environment.

``/whoami`` takes whatever credentials there are. What ``/log-out`` and ``/disable`` do in one process, all honour.
"""

from __future__ import annotations

import logging
import os
from typing import Final

from authmw_flask import FlaskAuth, token_blueprint
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from authmw import (
    APIKeyHeader,
    ApiKeyVerifier,
    Auth,
    DigestVerifier,
    DPoPVerifier,
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    HTTPDPoP,
    JWTVerifier,
    KeyRing,
    PasswordVerifier,
    current_principal,
    public,
)
from authmw.issuers import IntrospectionVerifier
from authmw.oauth2.cookies import token_cookie
from authmw.oauth2.service import TokenService
from authmw.oauth2.sessions import AsyncSessions, Sessions
from authmw.stores import Stores
from tests.fleet.settings import API_CLIENT, AUDIENCE, BOUND_ISSUER, HASHER, ISSUER, REALM, Settings

PUBLIC_URL: Final = "https://api.example"
"""The URL that proofs of DPoP name."""
KEPT: Final = 1.0
"""Seconds for which the API keeps what it was told of a token."""
_NONCE_SECRET: Final = b"only for testing, never elsewhere"


def guarded_by(service: TokenService, stores: Stores, settings: Settings) -> Auth:
    """Whatever may be presented, each by its store."""
    assert stores.keys is not None
    clock = settings.now
    users = service.users
    digest = DigestVerifier(
        users,  # type: ignore[arg-type]  # every store of ours finds HA1s too
        nonces=service.nonces,
        secret=_NONCE_SECRET,
        throttle=service.throttle,
        clock=clock,
    )
    # Each password is checked: a remembered one asks no throttle, whose outages these servers are for.
    passwords = PasswordVerifier(users, hasher=HASHER, throttle=service.throttle, remember_for=0, clock=clock)
    schemes = (
        HTTPBearer(service.verifier())
        | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys, clock=clock))
        | HTTPBasic(passwords)
        | HTTPDigest(digest)
    )
    if settings.cookies:
        schemes |= token_cookie(service, path="/auth")
    if settings.bound_keys is not None:
        ring = KeyRing.load(settings.bound_keys)
        bound = JWTVerifier(ring, issuer=BOUND_ISSUER, audience=AUDIENCE, revocations=service.feed, clock=clock)
        schemes |= HTTPDPoP(DPoPVerifier(bound, public_url=PUBLIC_URL, nonces=service.nonces, clock=clock))
    if settings.api_secret is not None:
        introspected = IntrospectionVerifier(
            settings.introspection,
            audience=AUDIENCE,
            client_id=API_CLIENT,
            client_secret=settings.api_secret,
            issuer=ISSUER,
            keep=KEPT,
            clock=clock,
        )
        schemes |= APIKeyHeader("X-Forwarded-Access-Token", introspected, name="Introspected")
    return Auth(schemes, realm=REALM, clock=clock)


def _log() -> None:
    """Print warnings with the time, in seconds since the epoch, and the process."""
    logging.basicConfig(level=logging.WARNING, format="%(created).2f %(process)d %(message)s")


def _told() -> dict[str, str | int]:
    return {"id": current_principal().id, "process": os.getpid()}


def create_flask() -> Flask:
    """The application for WSGI."""
    _log()
    settings = Settings.from_environment()
    stores = settings.open()
    service = settings.service(stores)
    sessions, managed = Sessions(service), settings.open_database()
    app = Flask("fleet")

    @app.get("/whoami")
    def whoami() -> dict[str, str | int]:
        return _told()

    @app.get("/process")
    @public
    def process() -> dict[str, str | int]:
        return _told()

    @app.post("/log-out")
    def log_out() -> dict[str, int]:
        return {"ended": sessions.end_all(current_principal().id)}

    @app.post("/disable")
    def disable() -> dict[str, int]:
        user = managed.users.disable(current_principal().id)
        # What is kept elsewhere has to be told.
        return {"ended": sessions.end_all(user.id)}

    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    FlaskAuth(app, guarded_by(service, stores, settings))
    return app


def create_starlette() -> Starlette:
    """The same for ASGI."""
    _log()
    settings = Settings.from_environment()
    stores = settings.open_async()
    service = settings.service(stores)
    sessions, managed = AsyncSessions(service), settings.open_database()

    async def whoami(request: Request) -> JSONResponse:
        return JSONResponse(_told())

    @public
    async def process(request: Request) -> JSONResponse:
        return JSONResponse(_told())

    async def log_out(request: Request) -> JSONResponse:
        return JSONResponse({"ended": await sessions.end_all(current_principal().id)})

    async def disable(request: Request) -> JSONResponse:
        user = await run_in_threadpool(managed.users.disable, current_principal().id)
        return JSONResponse({"ended": await sessions.end_all(user.id)})

    return Starlette(
        routes=[
            Route("/whoami", whoami),
            Route("/process", process),
            Route("/log-out", log_out, methods=["POST"]),
            Route("/disable", disable, methods=["POST"]),
            Mount("/auth", routes=token_routes(service)),
        ],
        middleware=[Middleware(AuthMiddleware, auth=guarded_by(service, stores, settings))],
    )
