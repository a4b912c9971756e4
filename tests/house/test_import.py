"""`import authmw` is small, and what is missing says how to install it."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import ROOT, fresh_python

HEAVY = (
    "asyncio socket ssl selectors concurrent.futures "
    "jwt argon2 cryptography asgiref werkzeug click urllib3 "
    "flask starlette fastapi django sqlalchemy redis anyio trio"
).split()

EXTRAS = {
    "authmw_flask": ("flask", "flask"),
    "authmw_starlette": ("starlette", "starlette"),
    "authmw_fastapi": ("fastapi", "fastapi"),
    "authmw_django": ("django", "django"),
    "authmw_sqlalchemy": ("sqlalchemy", "sql"),
    "authmw_redis": ("redis", "redis"),
    "authmw_opentelemetry": ("opentelemetry", "opentelemetry"),
    "authmw_prometheus": ("prometheus_client", "prometheus"),
}

# Imports inside functions, by what they save. A module that is not here is imported at the top of its file.
LATE = {
    "packages that take long to load": "argon2 bcrypt jwt cryptography asgiref alembic redis werkzeug",
    "event loops and threads, which only some drivers need": "asyncio concurrent.futures ssl",
    "modules of Python that take a millisecond or more, or load such": (
        "ast base64 difflib email.utils hashlib hmac http importlib.metadata importlib.util inspect ipaddress pathlib "
        "random secrets shlex tempfile tomllib urllib.parse urllib.request"
    ),
    "modules of authmw that load one of these, or that few programs use": (
        "authmw authmw.cli.demo_servers authmw.cli.demo_user authmw.cli.settings authmw.engine.auth "
        "authmw.engine.remembered authmw.engine.routes.frameworks authmw.engine.user_loading authmw.events.records "
        "authmw.http.location authmw.http.login_page authmw.issuers.fetching.exchange authmw.local.pages "
        "authmw.openapi authmw.schemes.http_bearer authmw.stores.records authmw_flask.login authmw_sqlalchemy.postgres "
        "authmw_sqlalchemy.postgres_async authmw_starlette.login"
    ),
    "what the plugin of pytest must not load before coverage begins": (
        "authmw.errors authmw.identity.principal authmw.testing.acting authmw.testing.cheap_hashes "
        "authmw.testing.clock authmw.testing.fake_issuers authmw.testing.memory_stores"
    ),
}


def late_imports() -> Iterator[tuple[str, str]]:
    """Each import inside a function: where it is, and what it imports."""
    for path in sorted([*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]):
        for function in ast.walk(ast.parse(path.read_text())):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            for node in ast.walk(function):
                if isinstance(node, ast.ImportFrom) and node.module:
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", node.module
                elif isinstance(node, ast.Import):
                    yield from ((f"{path.relative_to(ROOT)}:{node.lineno}", name.name) for name in node.names)


def test_an_import_inside_a_function_saves_what_is_named_here() -> None:
    named = tuple(" ".join(LATE.values()).split())
    found = list(late_imports())
    odd = [each for each in found if not any(each[1] == name or each[1].startswith(f"{name}.") for name in named)]
    assert odd == []
    unused = [name for name in named if not any(f"{module}.".startswith(f"{name}.") for _, module in found)]
    assert unused == []


UNUSED = (
    "authmw.crypto.http_digest authmw.engine.user_loading authmw.events.records authmw.http.login_page "
    "authmw.stores.ports authmw.stores.records "
    "hashlib http ipaddress pathlib random tempfile urllib.parse"
).split()


def test_an_api_that_verifies_tokens_loads_neither_records_nor_what_writes_files() -> None:
    statement = "from authmw import Auth, HTTPBearer, JWTVerifier"
    # The site of a development environment may have loaded some of them.
    loaded = (
        f"import sys; before = set(sys.modules)\n{statement}\nprint(sorted(set({UNUSED}) & set(sys.modules) - before))"
    )
    fresh = fresh_python("-c", loaded)
    assert (fresh.stdout.strip(), fresh.stderr) == ("[]", "")


@pytest.mark.parametrize("statement", ["import authmw", "from authmw import *", "import authmw.wsgi, authmw.asgi"])
def test_importing_authmw_loads_nothing_heavy(statement: str) -> None:
    fresh = fresh_python("-c", f"{statement}\nimport sys; print(sorted(set({HEAVY}) & set(sys.modules)))")
    assert (fresh.stdout.strip(), fresh.stderr) == ("[]", "")


def test_a_program_loads_what_it_uses() -> None:
    statement = "from authmw import Auth, HTTPBearer, JWTVerifier; import authmw.asgi, authmw.stores, authmw.issuers"
    unused = "authmw.stores.memory authmw.stores.revocation_feed authmw.issuers.issuer authmw.asgi.mcp".split()
    fresh = fresh_python("-c", f"{statement}\nimport sys; print(sorted(set({unused}) & set(sys.modules)))")
    assert (fresh.stdout.strip(), fresh.stderr) == ("[]", "")


def test_importing_authmw_opens_no_socket_and_starts_no_process() -> None:
    watch = (
        "import sys; seen = set(); "
        "sys.addaudithook(lambda event, _: seen.add(event)); "
        "from authmw import *; print(sorted(event for event in seen if event.startswith(('socket', 'subprocess'))))"
    )
    assert fresh_python("-c", watch).stdout.strip() == "[]"


def test_every_adapter_is_named_here() -> None:
    assert {path.parent.name for path in ROOT.glob("adapters/*/__init__.py")} == set(EXTRAS)


@pytest.mark.parametrize("package", sorted(EXTRAS))
def test_an_adapter_without_its_extra_says_how_to_install_it(package: str) -> None:
    missing, extra = EXTRAS[package]
    # None in sys.modules makes an import fail as if nothing were installed.
    failed = fresh_python("-c", f"import sys; sys.modules[{missing!r}] = None; import {package}")
    assert failed.returncode == 1
    last = failed.stderr.strip().splitlines()[-1]
    assert last.startswith(("ImportError: ", "ModuleNotFoundError: "))
    assert f'pip install "authmw[{extra}]"' in last


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["no-such-command"]], ids=" ".join)
def test_the_console_script_is_python_m_authmw(arguments: list[str]) -> None:
    script = Path(sysconfig.get_path("scripts")) / "authmw"
    by_script = fresh_python(str(script), *arguments)
    by_module = fresh_python("-m", "authmw", *arguments)
    assert (by_script.returncode, by_script.stdout) == (by_module.returncode, by_module.stdout)
    assert by_script.stderr == by_module.stderr
    assert (by_script.stdout + by_script.stderr).strip()
    assert str(sys.executable) not in by_script.stdout
