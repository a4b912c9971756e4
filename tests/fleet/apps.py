"""One API with its token service as a fleet serves it: in Flask and in Starlette, set up by the environment.

``/whoami`` takes whatever credentials there are. What ``/log-out`` and ``/disable`` do in one process, all honour.
"""

from __future__ import annotations

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
    HTTPBasic,
    HTTPBearer,
    HTTPDigest,
    PasswordVerifier,
    current_principal,
    public,
)
from authmw.oauth2.service import TokenService
from authmw.oauth2.sessions import AsyncSessions, Sessions
from authmw.stores import Stores
from tests.fleet.settings import HASHER, REALM, Settings

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
    return Auth(
        HTTPBearer(service.verifier())
        | APIKeyHeader("X-API-Key", ApiKeyVerifier(stores.keys, clock=clock))
        | HTTPBasic(PasswordVerifier(users, hasher=HASHER, throttle=service.throttle, clock=clock))
        | HTTPDigest(digest),
        realm=REALM,
        clock=clock,
    )


def _told() -> dict[str, str | int]:
    return {"id": current_principal().id, "process": os.getpid()}


def create_flask() -> Flask:
    """The application for WSGI."""
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
