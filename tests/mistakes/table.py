"""Mistakes of a newcomer, as programs: what is wrong, the line that the answer says, and the line that mends it.

A program fails with an exception, logs a warning or a refusal, or prints an answer; that contains `Mistake.line`. The
mended program is the same with that line in place of the wrong one, and runs without any of these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CORE: Final = """
from authmw import *
from authmw.oauth2 import *
from authmw.stores import *
from authmw_sqlalchemy import SQLStores

lookup = {"t0ken": Principal("alice", scopes={"orders:read", "orders:write"})}.get
auth = Auth(HTTPBearer(lookup))
keys = KeyRing.load("keys.json", create=True)
stores = SQLStores("sqlite:///app.db")


class MyUsers:
    def find(self, username):
        return None
"""

FLASK: Final = f"""{CORE}
from authmw_flask import *
from flask import Flask

app = Flask("shop")


def get(path):
    response = app.test_client().get(path, headers={{"Authorization": "Bearer t0ken"}})
    print(response.status_code, response.text)
"""

STARLETTE: Final = f"""{CORE}
from authmw_starlette import *
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.testclient import TestClient


def get(path):
    with TestClient(app) as client:
        response = client.get(path, headers={{"Authorization": "Bearer t0ken"}})
    print(response.status_code, response.text)


async def orders(request):
    return JSONResponse(request.user.id)


app = Starlette(routes=[Route("/orders", orders)])
"""

FASTAPI: Final = f"""{CORE}
from typing import Annotated

import fastapi
from authmw_fastapi import *
from fastapi import Depends, FastAPI
from starlette.testclient import TestClient

app = FastAPI()


def get(path):
    with TestClient(app) as client:
        response = client.get(path, headers={{"Authorization": "Bearer t0ken"}})
    print(response.status_code, response.text)
"""

DJANGO: Final = """
import sys, types
from authmw import *

urls = sys.modules["urls"] = types.ModuleType("urls")
urls.urlpatterns = []
mysite = sys.modules["mysite"] = types.ModuleType("mysite")
mysite.auth = sys.modules["mysite.auth"] = types.ModuleType("mysite.auth")
mysite.auth.auth = Auth(HTTPBearer(lambda token: None))
from django.conf import settings


def configure(**given):
    settings.configure(ROOT_URLCONF="urls", SECRET_KEY="x", INSTALLED_APPS=["authmw_django"], **given)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("check")
"""


@dataclass(frozen=True)
class Mistake:
    """One mistake.

    Args:
        what: in words.
        before: the program before it.
        wrong: what the newcomer wrote.
        line: what the answer says to write, with ``...`` for what the reader fills in.
        mend: the part of `wrong` that `line` replaces, and the same line as it stands in the mended program.
        after: the program after it.
        alone: whether it needs an interpreter of its own, because it changes what is imported or configured.
    """

    what: str
    before: str
    wrong: str
    line: str
    mend: tuple[str, str]
    after: str = ""
    alone: bool = False

    @property
    def program(self) -> str:
        """The program with the mistake."""
        return f"{self.before}\n{self.wrong}\n{self.after}\n"

    @property
    def mended(self) -> str:
        """The program with the line that the answer says."""
        replaced, by = self.mend
        assert replaced in self.wrong, self.what
        return f"{self.before}\n{self.wrong.replace(replaced, by)}\n{self.after}\n"


SERVICE = 'TokenService(issuer="https://id.example", audience="orders", '
VIEW = """
@app.get("/orders")
{decorator}
def orders():
    return "orders"
"""
TAKES = """
@app.get("/orders")
def orders({parameter}):
    return caller.id


get("/orders")
"""

MISTAKES: Final = (
    # Keys and issuers.
    Mistake(
        "a token service with a secret for keys",
        CORE,
        f'{SERVICE}stores=stores, keys="secret")',
        'KeyRing.load("keys.json", create=True)',
        ('"secret"', 'KeyRing.load("keys.json", create=True)'),
    ),
    Mistake(
        "a token service with a ring of secrets",
        CORE,
        f'{SERVICE}stores=stores, keys=KeyRing(Key.from_secret("s" * 32)))',
        'KeyRing.load("keys.json", create=True)',
        ('KeyRing(Key.from_secret("s" * 32))', 'KeyRing.load("keys.json", create=True)'),
    ),
    Mistake(
        "a verifier with a short secret for keys",
        CORE,
        'JWTVerifier("secret", issuer="https://id.example", audience="orders")',
        'KeyRing.load("keys.json", create=True)',
        ('"secret"', 'KeyRing.load("keys.json", create=True)'),
    ),
    Mistake(
        "the name of a file for keys",
        CORE,
        'JWTVerifier(KeyRing("keys.json"), issuer="https://id.example", audience="orders")',
        'KeyRing.load("keys.json")',
        ('KeyRing("keys.json")', 'KeyRing.load("keys.json")'),
    ),
    Mistake(
        "one key for a ring",
        CORE,
        'key = Key.generate()\nJWTVerifier(key, issuer="https://id.example", audience="orders")',
        "KeyRing(key)",
        ("JWTVerifier(key", "JWTVerifier(KeyRing(key)"),
    ),
    Mistake(
        "a missing file of keys",
        CORE,
        'KeyRing.load("other.json")',
        'KeyRing.load("other.json", create=True)',
        ('KeyRing.load("other.json")', 'KeyRing.load("other.json", create=True)'),
    ),
    Mistake(
        "an issuer with http",
        CORE,
        'TokenService(issuer="http://id.example", audience="orders", stores=stores)',
        "issuer='https://id.example'",
        ('issuer="http://id.example"', "issuer='https://id.example'"),
    ),
    Mistake(
        "a verifier whose issuer and audience have no names",
        CORE,
        'JWTVerifier(keys, "https://id.example", "orders")',
        'JWTVerifier(keys, issuer="https://...", audience="...")',
        (
            'JWTVerifier(keys, "https://id.example", "orders")',
            'JWTVerifier(keys, issuer="https://id.example", audience="orders")',
        ),
    ),
    Mistake(
        "a verifier without an audience",
        CORE,
        'JWTVerifier(keys, issuer="https://id.example")',
        'JWTVerifier(keys, issuer="https://...", audience="...")',
        (
            'JWTVerifier(keys, issuer="https://id.example")',
            'JWTVerifier(keys, issuer="https://id.example", audience="orders")',
        ),
    ),
    # Stores.
    Mistake(
        "a store of users for all stores",
        CORE,
        f"{SERVICE}stores=MyUsers())",
        'stores=Stores.of(SQLStores("sqlite:///app.db"), MyUsers(...))',
        ("stores=MyUsers()", 'stores=Stores.of(SQLStores("sqlite:///app.db"), MyUsers())'),
    ),
    Mistake(
        "stores of users alone",
        CORE,
        f"{SERVICE}stores=Stores.of(MyUsers()))",
        'stores=Stores.of(SQLStores("sqlite:///app.db"), Stores(users=...))',
        ("stores=Stores.of(MyUsers())", 'stores=Stores.of(SQLStores("sqlite:///app.db"), Stores(users=MyUsers()))'),
    ),
    Mistake(
        "all stores for those of users",
        CORE,
        "PasswordVerifier(stores)",
        "stores.users",
        ("stores", "stores.users"),
    ),
    Mistake(
        "the class of a store",
        CORE,
        "PasswordVerifier(MyUsers)",
        "MyUsers(...)",
        ("MyUsers", "MyUsers()"),
    ),
    Mistake(
        "the name of a file for a database",
        CORE,
        'SQLStores("shop.db")',
        "sqlite:///app.db",
        ("shop.db", "sqlite:///app.db"),
    ),
    # Arguments.
    Mistake(
        "a misspelt argument of a token service",
        CORE,
        f"{SERVICE}store=stores)",
        "TokenService(..., stores=...)",
        (f"{SERVICE}store=stores)", f"{SERVICE}stores=stores)"),
    ),
    Mistake(
        "a misspelt argument of Auth",
        CORE,
        'Auth(HTTPBearer(lookup), relm="x")',
        "Auth(..., realm=...)",
        ("relm", "realm"),
    ),
    Mistake(
        "two schemes side by side",
        CORE,
        'Auth(HTTPBearer(lookup), APIKeyHeader("X-API-Key", lookup))',
        "Auth(HTTPBearer(...) | APIKeyHeader(...), realm=...)",
        (
            'Auth(HTTPBearer(lookup), APIKeyHeader("X-API-Key", lookup))',
            'Auth(HTTPBearer(lookup) | APIKeyHeader("X-API-Key", lookup), realm="shop")',
        ),
    ),
    Mistake(
        "a list of schemes",
        CORE,
        'Auth([HTTPBearer(lookup), APIKeyHeader("X-API-Key", lookup)])',
        "Auth(HTTPBearer(...) | APIKeyHeader(...))",
        (
            'Auth([HTTPBearer(lookup), APIKeyHeader("X-API-Key", lookup)])',
            'Auth(HTTPBearer(lookup) | APIKeyHeader("X-API-Key", lookup))',
        ),
    ),
    # Schemes and verifiers.
    Mistake(
        "a verifier for a scheme",
        CORE,
        "Auth(PasswordVerifier(stores.users))",
        "Auth(HTTPBasic(PasswordVerifier(...)))",
        ("Auth(PasswordVerifier(stores.users))", "Auth(HTTPBasic(PasswordVerifier(stores.users)))"),
    ),
    Mistake(
        "the class of a scheme",
        CORE,
        "Auth(HTTPBearer)",
        "Auth(HTTPBearer(...))",
        ("Auth(HTTPBearer)", "Auth(HTTPBearer(lookup))"),
    ),
    Mistake(
        "a verifier's class",
        CORE,
        "HTTPBasic(PasswordVerifier)",
        "PasswordVerifier(...)",
        ("PasswordVerifier", "PasswordVerifier(stores.users)"),
    ),
    Mistake(
        "an Auth for a verifier",
        CORE,
        "HTTPBearer(auth)",
        "HTTPBearer(JWTVerifier(...))",
        ("HTTPBearer(auth)", 'HTTPBearer(JWTVerifier(keys, issuer="https://id.example", audience="orders"))'),
    ),
    Mistake(
        "a token service for a verifier",
        CORE,
        f"service = {SERVICE}stores=stores)\nHTTPBearer(service)",
        "HTTPBearer(service.verifier())",
        ("HTTPBearer(service)", "HTTPBearer(service.verifier())"),
    ),
    Mistake(
        "users for a verifier",
        CORE,
        "users = stores.users\nHTTPBasic(users)",
        "HTTPBasic(PasswordVerifier(users))",
        ("HTTPBasic(users)", "HTTPBasic(PasswordVerifier(users))"),
    ),
    Mistake(
        "a ring for a verifier",
        CORE,
        "HTTPBearer(keys)",
        'HTTPBearer(JWTVerifier(keys, issuer="https://...", audience="..."))',
        ("HTTPBearer(keys)", 'HTTPBearer(JWTVerifier(keys, issuer="https://id.example", audience="orders"))'),
    ),
    Mistake(
        "a dict for a function",
        CORE,
        "tokens = {}\nHTTPBearer(tokens)",
        "tokens.get",
        ("HTTPBearer(tokens)", "HTTPBearer(tokens.get)"),
    ),
    Mistake(
        "a function of one argument for Basic",
        CORE,
        "HTTPBasic(lambda token: None)",
        "HTTPBasic(lambda username, password: ...)",
        ("HTTPBasic(lambda token: None)", "HTTPBasic(lambda username, password: None)"),
    ),
    Mistake(
        "a verifier before the name of the header",
        CORE,
        'APIKeyHeader(lookup, "X-API-Key")',
        'APIKeyHeader("X-API-Key", ...)',
        ('APIKeyHeader(lookup, "X-API-Key")', 'APIKeyHeader("X-API-Key", lookup)'),
    ),
    # Scopes.
    Mistake(
        "two scopes in one string",
        CORE,
        '@requires_scopes("orders:read orders:write")\ndef view(): ...',
        '"orders:read", "orders:write"',
        ('"orders:read orders:write"', '"orders:read", "orders:write"'),
    ),
    Mistake(
        "a list of scopes",
        CORE,
        '@requires_scopes(["orders:read"])\ndef view(): ...',
        '"orders:read"',
        ('["orders:read"]', '"orders:read"'),
    ),
    Mistake(
        "no parentheses",
        CORE,
        "@requires_scopes\ndef view(): ...",
        '@requires_scopes("orders:read")',
        ("@requires_scopes", '@requires_scopes("orders:read")'),
    ),
    Mistake(
        "parentheses too many",
        CORE,
        "@authenticated()\ndef view(): ...",
        "@authenticated",
        ("@authenticated()", "@authenticated"),
    ),
    Mistake(
        "a scope for authenticated",
        CORE,
        '@authenticated("orders:read")\ndef view(): ...',
        '@requires_scopes("orders:read")',
        ('@authenticated("orders:read")', '@requires_scopes("orders:read")'),
    ),
    Mistake(
        "a scope for requires",
        CORE,
        '@requires("orders:read")\ndef view(): ...',
        '@requires_scopes("orders:read")',
        ('@requires("orders:read")', '@requires_scopes("orders:read")'),
    ),
    Mistake(
        "text for the scopes of a principal",
        CORE,
        'Principal("alice", scopes="orders:read")',
        "scopes=['orders:read']",
        ('scopes="orders:read"', "scopes=['orders:read']"),
    ),
    Mistake(
        "a list for described scopes",
        CORE,
        'Auth(HTTPBearer(lookup), scopes=["orders:read"])',
        "{'orders:read': 'See orders'}",
        ('["orders:read"]', "{'orders:read': 'See orders'}"),
    ),
    # Paths.
    Mistake(
        "a placeholder in a public path",
        FLASK,
        'FlaskAuth(app, auth, public=["/users/<id>"])',
        "/users/*",
        ("/users/<id>", "/users/*"),
    ),
    Mistake(
        "a path without a slash", FLASK, 'FlaskAuth(app, auth, public=["health"])', "/health", ("health", "/health")
    ),
    Mistake(
        "two methods of a pattern",
        FLASK,
        'FlaskAuth(app, auth, needs={"GET,HEAD /x": "a"})',
        "GET /x",
        ("GET,HEAD /x", "GET /x"),
    ),
    Mistake(
        "a rule that needs nobody",
        FLASK,
        'FlaskAuth(app, auth, needs={"/x": public})',
        "authenticated",
        ("public", "authenticated"),
    ),
    Mistake(
        "a rule that is empty",
        FLASK,
        'FlaskAuth(app, auth, needs={"/x": set()})',
        "authenticated",
        ("set()", "authenticated"),
    ),
    Mistake(
        "a function for a rule",
        FLASK,
        'FlaskAuth(app, auth, needs={"/x": lambda principal, request: True})',
        "requires(lambda principal, request: ...)",
        ("lambda principal, request: True", "requires(lambda principal, request: True)"),
    ),
    Mistake(
        "a list for the rules",
        FLASK,
        'FlaskAuth(app, auth, needs=["/admin/*"])',
        'needs={"/admin/*": "admin"}',
        ('needs=["/admin/*"]', 'needs={"/admin/*": "admin"}'),
    ),
    # Flask.
    Mistake(
        "the Auth first",
        FLASK,
        "FlaskAuth(auth, app)",
        "FlaskAuth(app, auth)",
        ("FlaskAuth(auth, app)", "FlaskAuth(app, auth)"),
    ),
    Mistake(
        "a scheme for the Auth",
        FLASK,
        "FlaskAuth(app, HTTPBearer(lookup))",
        "Auth(HTTPBearer(...))",
        ("HTTPBearer(lookup)", "Auth(HTTPBearer(lookup))"),
    ),
    Mistake("no Auth", FLASK, "FlaskAuth(app)", "FlaskAuth(app, auth)", ("FlaskAuth(app)", "FlaskAuth(app, auth)")),
    Mistake(
        "a guard twice",
        FLASK,
        "FlaskAuth(app, auth)\nFlaskAuth(app, auth)",
        "FlaskAuth(app, ...)",
        ("FlaskAuth(app, auth)\nFlaskAuth(app, auth)", "FlaskAuth(app, auth)"),
    ),
    Mistake(
        "an extension for an application",
        FLASK,
        "app.wsgi_app = FlaskAuth(app, auth)",
        "FlaskAuth(app, auth)",
        ("app.wsgi_app = FlaskAuth(app, auth)", "FlaskAuth(app, auth)"),
        after='get("/")',
    ),
    Mistake(
        "the inner application of Flask",
        FLASK,
        "FlaskAuth(app.wsgi_app, auth)",
        "FlaskAuth(app, auth)",
        ("FlaskAuth(app.wsgi_app, auth)", "FlaskAuth(app, auth)"),
    ),
    Mistake(
        "a misspelt argument",
        FLASK,
        'FlaskAuth(app, auth, pubilc=["/health"])',
        "FlaskAuth(..., public=...)",
        ("pubilc", "public"),
    ),
    Mistake(
        "a misspelt setting",
        FLASK,
        'app.config["AUTHMW_PUBLC"] = ["/health"]',
        "AUTHMW_PUBLIC",
        ("AUTHMW_PUBLC", "AUTHMW_PUBLIC"),
        after="FlaskAuth(app, auth)",
    ),
    Mistake(
        "a forgotten guard",
        FLASK,
        "",
        "FlaskAuth(app, auth)",
        ("", "FlaskAuth(app, auth)"),
        f'{VIEW.format(decorator="@authenticated")}\n\nget("/orders")',
    ),
    Mistake(
        "a misspelt scope",
        FLASK,
        VIEW.format(decorator='@requires_scopes("order:read")'),
        '"orders:read"',
        ('"order:read"', '"orders:read"'),
        'FlaskAuth(app, Auth(HTTPBearer(lookup), scopes={"orders:read": "See orders"}))\nget("/orders")',
    ),
    Mistake(
        "a misspelt scope of a rule",
        FLASK,
        'FlaskAuth(app, Auth(HTTPBearer(lookup), scopes={"orders:read": "See"}), needs={"/orders": "order:read"})',
        '"orders:read"',
        ('"order:read"', '"orders:read"'),
    ),
    Mistake(
        "an asynchronous store",
        f"{FLASK}\n\nclass Users:",
        "    async def find(self, username):",
        "def find",
        ("async def find", "def find"),
        "        return None\n\n\nFlaskAuth(app, Auth(HTTPBasic(PasswordVerifier(Users()))))",
    ),
    Mistake(
        "an asynchronous function",
        FLASK,
        "async def find(token):",
        "def find",
        ("async def find", "def find"),
        "    return None\n\n\nFlaskAuth(app, Auth(HTTPBearer(find)))",
    ),
    Mistake(
        "an asynchronous store of a token service",
        f"{FLASK}\n\nclass Users:",
        "    async def find(self, username):",
        "def find",
        ("async def find", "def find"),
        f"        return None\n\n\nservice = {SERVICE}stores=Stores.of(stores, Users()))\n"
        "app.register_blueprint(token_blueprint(service))",
    ),
    Mistake(
        "a password grant that is off",
        FLASK,
        f"service = {SERVICE}stores=stores)",
        "TokenService(..., password=True)",
        (f"{SERVICE}stores=stores)", f"{SERVICE}stores=stores, password=True)"),
        "app.register_blueprint(token_blueprint(service))\n"
        'stores.users.create("alice", "correct horse battery staple")\n'
        'form = {"grant_type": "password", "username": "alice", "password": "correct horse battery staple"}\n'
        'print(app.test_client().post("/token", data=form).status)',
    ),
    Mistake(
        "a token of another issuer",
        FLASK,
        'FlaskAuth(app, Auth(HTTPBearer(JWTVerifier(keys, issuer="https://id.example/", audience="orders"))))',
        "'https://id.example'",
        ('"https://id.example/"', "'https://id.example'"),
        'token = issue("alice", keys=keys, issuer="https://id.example", audience="orders")\n'
        'print(app.test_client().get("/", headers={"Authorization": f"Bearer {token}"}).status)',
    ),
    Mistake(
        "the middleware of ASGI",
        f"{FLASK}",
        "from authmw.asgi import AuthMiddleware",
        "from authmw.wsgi import AuthMiddleware",
        ("from authmw.asgi import AuthMiddleware", "from authmw.wsgi import AuthMiddleware"),
        "app.wsgi_app = AuthMiddleware(app.wsgi_app, auth)",
    ),
    Mistake(
        "an Auth for a token service",
        FLASK,
        f"service = {SERVICE}stores=stores)\ntoken_blueprint(auth)",
        "token_blueprint(service)",
        ("token_blueprint(auth)", "token_blueprint(service)"),
    ),
    # Starlette.
    Mistake(
        "no name for the Auth of a middleware",
        STARLETTE,
        "app.add_middleware(AuthMiddleware)",
        'app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])',
        (
            "app.add_middleware(AuthMiddleware)",
            'app.add_middleware(AuthMiddleware, auth=auth, public=["/health"])',
        ),
        'get("/orders")',
    ),
    Mistake(
        "a middleware twice",
        STARLETTE,
        "app.add_middleware(AuthMiddleware, auth=auth)\napp.add_middleware(AuthMiddleware, auth=auth)",
        "app.add_middleware(AuthMiddleware, ...)",
        (
            "app.add_middleware(AuthMiddleware, auth=auth)\napp.add_middleware(AuthMiddleware, auth=auth)",
            "app.add_middleware(AuthMiddleware, auth=auth)",
        ),
        'get("/orders")',
    ),
    Mistake(
        "a made middleware in a list",
        STARLETTE,
        "app = Starlette(middleware=[AuthMiddleware(app, auth)])",
        "Middleware(AuthMiddleware, auth=auth)",
        ("AuthMiddleware(app, auth)", "Middleware(AuthMiddleware, auth=auth)"),
        'get("/orders")',
    ),
    Mistake(
        "a forgotten middleware",
        STARLETTE,
        "app = Starlette(routes=[Route('/orders', authenticated(orders))])\n",
        "app.add_middleware(AuthMiddleware, auth=auth)",
        ("\n", "\napp.add_middleware(AuthMiddleware, auth=auth)\n"),
        'get("/orders")',
    ),
    Mistake(
        "the middleware of WSGI",
        STARLETTE,
        "from authmw.wsgi import AuthMiddleware",
        "from authmw.asgi import AuthMiddleware",
        ("from authmw.wsgi import AuthMiddleware", "from authmw.asgi import AuthMiddleware"),
        "app.add_middleware(AuthMiddleware, auth=auth)\nget('/orders')",
    ),
    Mistake(
        "a misspelt scope in Starlette",
        STARLETTE,
        'app = Starlette(routes=[Route("/orders", requires_scopes("order:read")(orders))])',
        '"orders:read"',
        ('"order:read"', '"orders:read"'),
        'declared = Auth(HTTPBearer(lookup), scopes={"orders:read": "See"})\n'
        'app.add_middleware(AuthMiddleware, auth=declared)\nget("/orders")',
    ),
    # FastAPI.
    Mistake(
        "an Auth for a dependency",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        TAKES.format(parameter="caller: Annotated[Principal, Depends(auth)]"),
        "Annotated[Principal, Security(auth)]",
        ("Annotated[Principal, Depends(auth)]", "Annotated[Principal, Security(auth)]"),
    ),
    Mistake(
        "a scheme for a dependency",
        FASTAPI,
        TAKES.format(parameter="caller: Annotated[Principal, Depends(HTTPBearer(lookup))]"),
        "Annotated[Principal, Security(Auth(HTTPBearer(...)))]",
        (
            "Annotated[Principal, Depends(HTTPBearer(lookup))]",
            "Annotated[Principal, Security(Auth(HTTPBearer(lookup)))]",
        ),
    ),
    Mistake(
        "a principal without a dependency",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        TAKES.format(parameter="caller: Principal"),
        "caller: CurrentPrincipal",
        ("caller: Principal", "caller: CurrentPrincipal"),
    ),
    Mistake(
        "a dependency without its scopes",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        TAKES.format(parameter="caller: Annotated[Principal, Scopes]"),
        'caller: Annotated[Principal, Scopes("orders:read")]',
        ("caller: Annotated[Principal, Scopes]", 'caller: Annotated[Principal, Scopes("orders:read")]'),
    ),
    Mistake(
        "a principal that the client makes up",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        TAKES.format(parameter="caller: Annotated[Principal, Depends()]"),
        "CurrentPrincipal",
        ("Annotated[Principal, Depends()]", "CurrentPrincipal"),
    ),
    Mistake(
        "a dependency of a dependency",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        TAKES.format(parameter="caller: Principal = Depends(CurrentPrincipal)"),
        "caller: CurrentPrincipal",
        ("caller: Principal = Depends(CurrentPrincipal)", "caller: CurrentPrincipal"),
    ),
    Mistake(
        "a decorator for a dependency",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        '@app.get("/orders", dependencies=[Depends(requires_scopes("orders:write"))])\ndef orders(): ...',
        'Scopes("orders:write")',
        ('Depends(requires_scopes("orders:write"))', 'Scopes("orders:write")'),
        'get("/orders")',
    ),
    Mistake(
        "a decorator in the list of dependencies",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        '@app.get("/orders", dependencies=[requires_scopes("orders:write")])\ndef orders(): ...\n\n\nget("/orders")',
        'Scopes("orders:write")',
        ('requires_scopes("orders:write")', 'Scopes("orders:write")'),
    ),
    Mistake(
        "text for the scopes of a dependency",
        FASTAPI,
        TAKES.format(parameter='caller: Annotated[Principal, Security(auth, scopes="orders:read")]'),
        "['orders:read']",
        ('"orders:read"', "['orders:read']"),
    ),
    Mistake(
        "a guard as a middleware",
        FASTAPI,
        "app.add_middleware(FastAPIAuth, auth=auth)",
        "FastAPIAuth(app, auth)",
        ("app.add_middleware(FastAPIAuth, auth=auth)", "FastAPIAuth(app, auth)"),
        'get("/docs")',
    ),
    Mistake(
        "a forgotten guard of dependencies",
        FASTAPI,
        "\n",
        "FastAPIAuth(app, auth)",
        ("\n", "FastAPIAuth(app, auth)"),
        TAKES.format(parameter="caller: CurrentPrincipal"),
    ),
    Mistake(
        "a decorator above that of the framework",
        f"{FASTAPI}\nFastAPIAuth(app, auth)",
        '@requires_scopes("orders:read")\n@app.get("/orders")\ndef orders(): ...\n\n\nget("/orders")',
        "@requires_scopes",
        (
            '@requires_scopes("orders:read")\n@app.get("/orders")',
            '@app.get("/orders")\n@requires_scopes("orders:read")',
        ),
    ),
    Mistake(
        "a word for the docs that is none",
        FASTAPI,
        "FastAPIAuth(app, auth, docs=True)",
        'docs="public"',
        ("docs=True", 'docs="public"'),
        'get("/docs")',
    ),
    # Django.
    Mistake(
        "a misspelt key of the setting",
        DJANGO,
        'AUTHMW = {"auth": "mysite.auth.auth", "publc": ["/health"]}\n'
        'configure(AUTHMW=AUTHMW, MIDDLEWARE=["authmw_django.AuthMiddleware"])',
        '"public"',
        ('"publc"', '"public"'),
        alone=True,
    ),
    Mistake(
        "no setting",
        DJANGO,
        'configure(MIDDLEWARE=["authmw_django.AuthMiddleware"])',
        'AUTHMW = {"auth": "mysite.auth.auth"}',
        ("configure(", 'AUTHMW = {"auth": "mysite.auth.auth"}\nconfigure(AUTHMW=AUTHMW, '),
        alone=True,
    ),
    Mistake(
        "no middleware",
        DJANGO,
        'configure(AUTHMW={"auth": "mysite.auth.auth"}, MIDDLEWARE=[])',
        '["authmw_django.AuthMiddleware", ...]',
        ("[]", '["authmw_django.AuthMiddleware", "django.middleware.common.CommonMiddleware"]'),
        alone=True,
    ),
    # What is not installed, and names that are elsewhere.
    Mistake(
        "a name of another package",
        "",
        "from authmw import FlaskAuth",
        "authmw_flask",
        ("from authmw ", "from authmw_flask "),
    ),
    *(
        Mistake(
            f"{package} without {library}",
            "import sys",
            f'sys.modules["{library}"] = None  # not installed',
            f'pip install "authmw[{extra}]"',
            (f'sys.modules["{library}"] = None  # not installed', f'# pip install "authmw[{extra}]"'),
            f"import {package}",
            alone=True,
        )
        for package, library, extra in (
            ("authmw_flask", "flask", "flask"),
            ("authmw_starlette", "starlette", "starlette"),
            ("authmw_fastapi", "fastapi", "fastapi"),
            ("authmw_django", "django", "django"),
            ("authmw_sqlalchemy", "sqlalchemy", "sql"),
            ("authmw_redis", "redis", "redis"),
        )
    ),
)
