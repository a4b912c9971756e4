"""A plugin of pytest, loaded in FastAPI's own environment: `fastapi.security` holds the names of authmw.

It is proof as well. What FastAPI defines there is poisoned, so that a test which uses it after all fails; a scheme
that is not one of ours cannot be made; and a run in which one of ours was not made and called fails.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Awaitable, Callable
from importlib import import_module
from types import FunctionType
from typing import Any

import pytest
from fastapi import FastAPI  # everything in FastAPI has what it imports from fastapi.security now
from fastapi.security.base import SecurityBase

THEIRS, OURS = "fastapi.security", "authmw_fastapi.security"
MODULES = ("", ".api_key", ".base", ".http", ".oauth2", ".open_id_connect_url", ".utils")
KEPT = {"SecurityBase", "SecurityScopes"}
"""What FastAPI knows schemes by, and what it makes itself."""
SCHEMES = {
    "APIKeyCookie",
    "APIKeyHeader",
    "APIKeyQuery",
    "HTTPBase",
    "HTTPBasic",
    "HTTPBearer",
    "HTTPDigest",
    "OAuth2",
    "OAuth2AuthorizationCodeBearer",
    "OAuth2PasswordBearer",
    "OpenIdConnect",
}
"""What has to be made and called at least once."""

replaced: set[str] = set()
constructed: Counter[str] = Counter()
called: Counter[str] = Counter()


def poisoned(*_: object, **__: object) -> Any:
    """Stands where FastAPI's own code stood."""
    raise AssertionError("a name of fastapi.security is FastAPI's own")


def poison(original: Any) -> None:
    """Make whatever `original` is raise when it is used, by whatever name it is known."""
    if isinstance(original, FunctionType):
        original.__code__ = poisoned.__code__
        return
    for name in [name for name, _ in inspect.getmembers(original, inspect.isfunction) if name in vars(original)]:
        setattr(original, name, poisoned)
    original.__init__ = poisoned


def substitute() -> None:
    """Put each name of ours in place of FastAPI's; a missing one is an error."""
    originals: dict[str, Any] = {}
    for suffix in MODULES:
        module = import_module(THEIRS + suffix)
        for name, original in list(vars(module).items()):
            home: str = getattr(original, "__module__", "")
            if not home.startswith(THEIRS) or not isinstance(original, type | FunctionType):
                continue
            ours = getattr(import_module(home.replace(THEIRS, OURS, 1)), name)
            assert (ours is original) == (name in KEPT), f"{name} is FastAPI's own"
            setattr(module, name, ours)
            if name not in KEPT:
                originals[f"{home}.{name}"] = original
    for name, original in originals.items():
        poison(original)
        replaced.add(name)


def make(cls: type[Any], *_: object, **__: object) -> Any:
    """Make a scheme, and count it; a scheme of FastAPI's cannot be made."""
    # In releases of up to 0.122 FastAPI's OAuth2 stands behind ours: isinstance asks for it.
    first = next(base for base in cls.__mro__ if base.__module__.startswith((THEIRS, OURS)))
    assert first is SecurityBase or first.__module__.startswith(OURS), f"{cls} is FastAPI's own"
    constructed[first.__name__] += 1
    made: object = object.__new__(cls)
    return made


def counted(call: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    """`call`, which counts for the class of ours that it was called on."""

    @functools.wraps(call)
    async def wrapper(self: object, *args: Any, **kwargs: Any) -> object:
        called[next(base.__name__ for base in type(self).__mro__ if base.__module__.startswith(OURS))] += 1
        return await call(self, *args, **kwargs)

    return wrapper


def count() -> None:
    """From now on count what is made and called."""
    SecurityBase.__new__ = make  # type: ignore[method-assign]
    for suffix in MODULES:
        for member in vars(import_module(OURS + suffix)).values():
            call = vars(member).get("__call__") if isinstance(member, type) else None
            if call is not None and member.__module__.startswith(OURS) and not hasattr(call, "__wrapped__"):
                assert inspect.iscoroutinefunction(call)
                member.__call__ = counted(call)


assert FastAPI is not None
substitute()
count()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was made and called."""
    for title, what in (("constructed", constructed), ("called", called)):
        numbers = ", ".join(f"{name} {what[name]}" for name in sorted(what))
        terminalreporter.write_line(f"authmw: {title} {what.total()}: {numbers}")
    terminalreporter.write_line(f"authmw: replaced {len(replaced)} names of {THEIRS}")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run that proved nothing."""
    unused = sorted(SCHEMES - constructed.keys()) + sorted(SCHEMES - called.keys())
    if unused and not session.config.option.collectonly:
        print(f"\nauthmw: not used: {', '.join(unused)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
