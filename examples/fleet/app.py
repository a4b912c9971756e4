"""An API on many processes and machines: users in PostgreSQL, sessions and revocations in Redis.

    export AUTHMW_DATABASE=postgresql+psycopg://authmw:...@localhost/authmw AUTHMW_REDIS=redis://localhost:6379/0
    export AUTHMW_KEYS=keys.json AUTHMW_ISSUER=http://127.0.0.1:8000/auth
    authmw db upgrade && authmw jwk generate && authmw users create alice --scope orders:read
    gunicorn --chdir examples/fleet --workers 2 --bind 127.0.0.1:8000 app:application
    uvicorn --app-dir examples/fleet --workers 2 --port 8001 app:asgi_application

`authmw jwk generate` makes the keys, once; each machine gets the same file. Either server logs in, and its tokens open
both. What one process revokes, all refuse within a second; none asks a store for that while a request waits.
``docker-compose.yml`` starts all of it.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from authmw_flask import FlaskAuth, token_blueprint
from authmw_redis import AsyncRedisStores, RedisStores
from authmw_sqlalchemy import AsyncSQLStores, SQLStores
from authmw_starlette import AuthMiddleware, token_routes
from flask import Flask
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from authmw import Auth, HTTPBearer, KeyRing, current_principal, requires_scopes
from authmw.oauth2 import TokenService
from authmw.stores import Stores

DATABASE, REDIS = os.environ["AUTHMW_DATABASE"], os.environ["AUTHMW_REDIS"]
KEYS, ISSUER = os.environ["AUTHMW_KEYS"], os.environ["AUTHMW_ISSUER"]


def token_service(*stores: object) -> TokenService:
    """Where two keep the same, the later one's counts: tokens, sessions and revocations are in Redis."""
    return TokenService(
        issuer=ISSUER, audience="orders", stores=Stores.of(*stores), keys=KeyRing.load(KEYS), password=True
    )


def guarded_by(service: TokenService) -> Auth:
    return Auth(HTTPBearer(service.verifier()), realm="orders")


@requires_scopes("orders:read")
def orders() -> dict[str, list[str] | str]:
    return {"orders": ["tea", "cake"], "for": current_principal().id}


@requires_scopes("orders:read")
async def orders_async(request: Request) -> JSONResponse:
    return JSONResponse({"orders": ["tea", "cake"], "for": current_principal().id})


def create_wsgi() -> Flask:
    service = token_service(SQLStores(DATABASE), RedisStores(REDIS))
    app = Flask(__name__)
    app.add_url_rule("/orders", view_func=orders)
    app.register_blueprint(token_blueprint(service, url_prefix="/auth"))
    FlaskAuth(app, guarded_by(service))
    return app


def create_asgi() -> Starlette:
    sql, redis = AsyncSQLStores(DATABASE), AsyncRedisStores(REDIS)
    service = token_service(sql, redis)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncGenerator[None]:
        yield
        await sql.aclose()
        await redis.aclose()

    return Starlette(
        lifespan=lifespan,
        routes=[Route("/orders", orders_async), Mount("/auth", routes=token_routes(service))],
        middleware=[Middleware(AuthMiddleware, auth=guarded_by(service))],
    )


application = create_wsgi()
asgi_application = create_asgi()
