"""The peers, each as its documentation shows it. What they do with bad credentials is printed beside their time.

Annotations are evaluated here: FastAPI reads those of functions inside functions.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Annotated, Any

import jwt
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import PlainTextResponse as FastAPIText
from fastapi.security import APIKeyHeader, HTTPBasic, HTTPBasicCredentials, OAuth2PasswordBearer
from flask import Flask
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, SimpleUser
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

# These have no types.
authlib_flask: Any = import_module("authlib.integrations.flask_oauth2")
authlib_bearer: Any = import_module("authlib.oauth2.rfc6750")
httpauth: Any = import_module("flask_httpauth")
extended: Any = import_module("flask_jwt_extended")

Check = Callable[[str], Any]
ISSUER, AUDIENCE = "https://issuer.example", "orders"


def pyjwt(key: Any, alg: str, issuer: str, audience: str) -> Check:
    """F1: the whole of ``jwt.decode`` with a prepared key, ``aud`` and ``iss`` checked; the subject."""
    prepared = jwt.get_algorithm_by_name(alg).prepare_key(key)
    return lambda token: jwt.decode(token, prepared, algorithms=[alg], issuer=issuer, audience=audience)["sub"]


class _Backend(AuthenticationBackend):
    def __init__(self, keyword: str, check: Check) -> None:
        self._keyword = keyword
        self._check = check

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        header = conn.headers.get("Authorization")
        if header is None:
            return None
        scheme, _, value = header.partition(" ")
        if scheme.lower() != self._keyword:
            return None
        try:
            return AuthCredentials(["authenticated"]), SimpleUser(self._check(value))
        except Exception as error:
            raise AuthenticationError("invalid") from error


class _KeyBackend(AuthenticationBackend):
    def __init__(self, digests: dict[bytes, bool]) -> None:
        self._digests = digests

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        key = conn.headers.get("X-API-Key")
        if key is None:
            return None
        if hashlib.sha256(key.encode()).digest() not in self._digests:
            raise AuthenticationError("invalid")
        return AuthCredentials(["authenticated"]), SimpleUser("user")


def _starlette(backend: AuthenticationBackend) -> Starlette:
    async def orders(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.user.display_name if request.user.is_authenticated else "nobody")

    routes = [Route("/orders", orders)]
    return Starlette(routes=routes, middleware=[Middleware(AuthenticationMiddleware, backend=backend)])


def starlette_pyjwt(check: Check) -> Starlette:
    """Starlette's middleware with PyJWT."""
    return _starlette(_Backend("bearer", check))


def starlette_joserfc(key: Any, alg: str) -> Starlette:
    """Starlette's middleware with joserfc."""
    return _starlette(_Backend("bearer", _joserfc(key, alg)))


def _joserfc(key: Any, alg: str) -> Check:
    exported = _exported(key)
    imported: Any = OctKey.import_key(exported) if alg == "HS256" else None
    if imported is None:
        imported = RSAKey.import_key(exported) if alg == "RS256" else ECKey.import_key(exported)
    registry = jose.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}, exp={"essential": True}
    )

    def check(token: str) -> Any:
        decoded = jose.decode(token, imported, algorithms=[alg])
        registry.validate(decoded.claims)
        return decoded.claims["sub"]

    return check


def _exported(key: Any) -> Any:
    if isinstance(key, str):
        return key
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def starlette_basic(passwords: dict[str, bytes]) -> Starlette:
    """Starlette's middleware with Basic, as its documentation has it."""

    def check(value: str) -> str:
        name, _, password = base64.b64decode(value).decode("ascii").partition(":")
        if not hmac.compare_digest(passwords[name], password.encode()):
            raise ValueError
        return name

    return _starlette(_Backend("basic", check))


def starlette_api_key(digests: dict[bytes, bool]) -> Starlette:
    """Starlette's middleware with an API key."""
    return _starlette(_KeyBackend(digests))


def fastapi_pyjwt(check: Check) -> FastAPI:
    """FastAPI's tutorial: OAuth2PasswordBearer with PyJWT, in an ``async def`` dependency."""
    app, scheme = FastAPI(openapi_url=None), OAuth2PasswordBearer(tokenUrl="token")

    async def user(token: Annotated[str, Depends(scheme)]) -> str:
        try:
            return str(check(token))
        except jwt.InvalidTokenError:
            raise HTTPException(401, "invalid", {"WWW-Authenticate": "Bearer"}) from None

    @app.get("/orders", response_class=FastAPIText)
    async def orders(user: Annotated[str, Depends(user)]) -> str:
        return user

    return app


def fastapi_basic(passwords: dict[str, bytes]) -> FastAPI:
    """FastAPI's HTTPBasic."""
    app, scheme = FastAPI(openapi_url=None), HTTPBasic()

    async def user(credentials: Annotated[HTTPBasicCredentials, Depends(scheme)]) -> str:
        if not hmac.compare_digest(passwords.get(credentials.username, b""), credentials.password.encode()):
            raise HTTPException(401, "invalid", {"WWW-Authenticate": "Basic"})
        return credentials.username

    @app.get("/orders", response_class=FastAPIText)
    async def orders(user: Annotated[str, Depends(user)]) -> str:
        return user

    return app


def fastapi_api_key(digests: dict[bytes, bool]) -> FastAPI:
    """FastAPI's APIKeyHeader."""
    app, scheme = FastAPI(openapi_url=None), APIKeyHeader(name="X-API-Key")

    async def user(key: Annotated[str, Depends(scheme)]) -> str:
        if hashlib.sha256(key.encode()).digest() not in digests:
            raise HTTPException(401, "invalid")
        return "user"

    @app.get("/orders", response_class=FastAPIText)
    async def orders(user: Annotated[str, Depends(user)]) -> str:
        return user

    return app


def flask_jwt_extended(key: Any, alg: str) -> Flask:
    """Flask-JWT-Extended."""
    app = Flask("peer")
    app.config.from_mapping(JWT_ALGORITHM=alg, JWT_DECODE_AUDIENCE=AUDIENCE, JWT_DECODE_ISSUER=ISSUER)
    app.config["JWT_SECRET_KEY" if alg == "HS256" else "JWT_PUBLIC_KEY"] = key
    extended.JWTManager(app)

    def orders() -> str:
        return str(extended.get_jwt_identity())

    app.get("/orders")(extended.jwt_required()(orders))
    return app


def flask_authlib(key: Any, alg: str) -> Flask:
    """Authlib's ResourceProtector, verifying JWTs with joserfc (the library Authlib has moved to)."""
    check = _joserfc(key, alg)

    def authenticate_token(_: Any, token_string: str) -> Any:
        try:
            return check(token_string)
        except Exception:
            return None

    def validate_token(_: Any, token: Any, scopes: Any, request: Any) -> None:
        if token is None:
            raise authlib_bearer.InvalidTokenError

    methods = {"authenticate_token": authenticate_token, "validate_token": validate_token}
    protect = authlib_flask.ResourceProtector()
    protect.register_token_validator(type("Validator", (authlib_bearer.BearerTokenValidator,), methods)())
    app = Flask("peer")

    def orders() -> str:
        return str(authlib_flask.current_token)

    app.get("/orders")(protect()(orders))
    return app


def flask_httpauth_basic(passwords: dict[str, bytes]) -> Flask:
    """Flask-HTTPAuth, Basic."""
    app, auth = Flask("peer"), httpauth.HTTPBasicAuth()

    def verify(username: str, password: str) -> str | None:
        known = passwords.get(username)
        return username if known is not None and hmac.compare_digest(known, password.encode()) else None

    def orders() -> str:
        return str(auth.current_user())

    auth.verify_password(verify)
    app.get("/orders")(auth.login_required(orders))
    return app


def flask_httpauth_digest(realm: str, username: str, password: str) -> tuple[Sequence[str], Flask]:
    """Flask-HTTPAuth, Digest with HA1 and nonces in memory, and the header of a client that answered its challenge."""
    app, auth = Flask("peer"), httpauth.HTTPDigestAuth(use_ha1_pw=True, realm=realm)
    app.config["SECRET_KEY"] = "s" * 32
    ha1 = hashlib.md5(f"{username}:{realm}:{password}".encode(), usedforsecurity=False).hexdigest()
    nonce, opaque = "n" * 32, "o" * 32
    auth.generate_nonce(lambda: nonce)
    auth.generate_opaque(lambda: opaque)
    auth.verify_nonce(_is(nonce))
    auth.verify_opaque(_is(opaque))

    def find(given: str) -> str | None:
        return ha1 if given == username else None

    def orders() -> str:
        return str(auth.current_user() or auth.username())

    auth.get_password(find)
    app.get("/orders")(auth.login_required(orders))
    return _digest_headers(ha1, username, realm, nonce, opaque), app


def _is(known: str) -> Callable[[str], bool]:
    return lambda given: hmac.compare_digest(given, known)


def _digest_headers(ha1: str, username: str, realm: str, nonce: str, opaque: str) -> Sequence[str]:
    middle = hashlib.md5(b"GET:/orders", usedforsecurity=False).hexdigest()
    text = f"{ha1}:{nonce}:00000001:c:auth:{middle}"
    answer = hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    return [
        f'Digest username="{username}", realm="{realm}", nonce="{nonce}", uri="/orders", algorithm=MD5, qop=auth, '
        f'nc=00000001, cnonce="c", response="{answer}", opaque="{opaque}"'
    ]
