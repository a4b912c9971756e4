"""Programs of others behind Basic, for `tests.benchmarks.basic_clients`: a package index, git, a WebDAV store.

Each is served by gunicorn: ``gunicorn "tests.benchmarks.basic_servers:create('git', 60.0, '/tmp/folder')"``. What the
guard takes is measured around it: from the request until the program below is called.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from authmw_sqlalchemy import SQLStores

import authmw.wsgi
from authmw import Auth, HTTPBasic, HTTPBearer, PasswordVerifier, TokenVerifier
from authmw.crypto.passwords import Match, PasswordHasher

USERS: Final = 60
PASSWORD: Final = "correct horse battery staple"
MEASURED: Final = "/.measured"
"""Where a server tells how many hashes it made, and how many seconds the guard took for each request that it let in."""
PACKAGE: Final = "bench-package"

App = Callable[..., Iterable[bytes]]


def prepare(folder: Path) -> str:
    """Fill a folder: users, a package, a repository, a file; an opaque token of the first user."""
    stores = SQLStores(_url(folder))
    stored = PasswordHasher().hash(PASSWORD)
    for number in range(USERS):
        stores.users.create(f"user-{number}", password_hash=stored)
    token, _ = stores.tokens.create("user-0", lifetime=86_400.0)
    stores.close()
    for name in ("packages", "dav", "work"):
        (folder / name).mkdir()
    (folder / "dav" / "file.txt").write_text("hello")
    _write_wheel(folder / "packages")
    _git(folder / "work", "init", "--quiet", "--initial-branch", "main")
    _git(folder / "work", "commit", "--quiet", "--allow-empty", "--message", "Begin")
    _git(folder, "clone", "--quiet", "--bare", "work", "repository.git")
    return token


def create(program: str, remember_for: float, folder: str) -> App:
    """One of `PROGRAMS` behind the guard."""
    stores, hasher, times = SQLStores(_url(Path(folder))), _Counting(), list[float]()
    below = PROGRAMS[program](Path(folder))

    def let_in(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        times.append(time.perf_counter() - environ["bench.began"])
        return below(environ, start_response)

    verifier = PasswordVerifier(stores.users, hasher=hasher, remember_for=remember_for)
    auth = Auth(HTTPBearer(TokenVerifier(stores.tokens)) | HTTPBasic(verifier))
    guarded = authmw.wsgi.AuthMiddleware(let_in, auth)

    def measured(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != MEASURED:
            environ["bench.began"] = time.perf_counter()
            return guarded(environ, start_response)
        told = json.dumps({"hashes": hasher.count, "seconds": times}).encode()
        hasher.count = 0
        times.clear()
        start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(told)))])
        return [told]

    return measured


class _Counting(PasswordHasher):
    """argon2 with its default, counted."""

    count = 0

    def verify(self, *, password: str, hash: str) -> Match:
        self.count += 1
        return super().verify(password=password, hash=hash)


def _pypiserver(folder: Path) -> App:
    app: App = _module("pypiserver").app(
        roots=[folder / "packages"], authenticate=[], password_file=".", disable_fallback=True
    )
    return app


def _wsgidav(folder: Path) -> App:
    app: App = _module("wsgidav.wsgidav_app").WsgiDAVApp(
        {
            "provider_mapping": {"/": str(folder / "dav")},
            "simple_dc": {"user_mapping": {"*": True}},  # who is there is the guard's to say
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    return app


def _git_http_backend(folder: Path) -> App:
    """``git http-backend``, which speaks CGI (RFC 3875)."""

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        variables = {name: value for name, value in environ.items() if isinstance(value, str)}
        variables |= {"PATH": os.environ["PATH"], "GIT_PROJECT_ROOT": str(folder), "GIT_HTTP_EXPORT_ALL": "1"}
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        done = subprocess.run(["git", "http-backend"], input=body, env=variables, capture_output=True, check=True)
        head, _, content = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n"))
        start_response(fields.pop("Status", "200 OK"), list(fields.items()))
        return [content]

    return app


PROGRAMS: Final[dict[str, Callable[[Path], App]]] = {
    "pypiserver": _pypiserver,
    "git": _git_http_backend,
    "wsgidav": _wsgidav,
}


def _module(name: str) -> Any:
    """A module without types."""
    return import_module(name)


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'bench.db'}"


def _git(folder: Path, *arguments: str) -> None:
    identity = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def _write_wheel(folder: Path) -> None:
    name = f"{PACKAGE.replace('-', '_')}-1.0"
    files = {
        f"{name}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {PACKAGE}\nVersion: 1.0\n",
        f"{name}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: bench\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        record = "".join(f"{path},,\n" for path in (*files, f"{name}.dist-info/RECORD"))
        wheel.writestr(f"{name}.dist-info/RECORD", record)
