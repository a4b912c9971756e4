"""Events: what the hook costs a remembered JWT, without a listener and with one."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from authmw import Auth, HTTPBearer, Principal
from authmw.engine import audit
from authmw.events import on_event
from authmw.events.hub import hub
from authmw.verifiers.jwt import JWTVerifier
from authmw.wsgi import AuthMiddleware
from tests.benchmarks import apps
from tests.benchmarks.adapters import bearer
from tests.benchmarks.cases import AUDIENCE, ISSUER, SECRET, Case, Places, ring
from tests.benchmarks.harness import USERS, Row
from tests.support import ROOT


def case() -> Case:
    """The middleware without the test of the hook, with it, and with a listener of each kind."""
    values = [bearer(user, "orders:read orders:write") for user in range(USERS)]
    places = Places("Authorization", values)
    auth = Auth(HTTPBearer(JWTVerifier(ring(SECRET, "HS256"), issuer=ISSUER, audience=AUDIENCE)), remember=4096)
    bare = places.wsgi("raw WSGI", apps.bare_wsgi)
    without = places.wsgi("F2 no hook", _without_hook()(apps.bare_wsgi, auth))
    guarded = AuthMiddleware(apps.bare_wsgi, auth)
    silent = places.wsgi("no listener", guarded)
    counted = places.wsgi("a listener, inline", _listened(guarded, inline=True))
    queued = places.wsgi("a listener, queued", _listened(guarded, inline=False))
    rows = [Row(each.name, each, bare, without, floor_bare=bare) for each in (silent, counted, queued)]
    bad = {"none": "", "garbage": "Bearer garbage"}
    return Case("Events, JWT HS256, remembered, WSGI: overhead / that without the hook", rows, [places], bad)


def _without_hook() -> Any:
    """The middleware as it is, but for `audit.admitted`, which knows no events."""
    spec = importlib.util.spec_from_file_location("middleware_without_events", ROOT / "authmw/wsgi/middleware.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.audit = SimpleNamespace(admitted=_admitted)  # type: ignore[attr-defined]
    return module.AuthMiddleware


def _admitted(principal: Principal, call: audit.HasRequest) -> None:
    if audit.logger.isEnabledFor(logging.DEBUG):
        raise RuntimeError("the benchmark measures requests that are not logged")


def _listened(app: AuthMiddleware, *, inline: bool) -> apps.App:
    """`app` with a listener, which the other candidates do not have."""
    listeners: Any = hub
    on_event(lambda _: None, inline=inline)
    sends, listeners._sends, listeners.listening = listeners._sends, (), False

    def listened(environ: Any, start_response: Any) -> Iterable[bytes]:
        listeners._sends, listeners.listening = sends, True
        try:
            return app(environ, start_response)
        finally:
            listeners._sends, listeners.listening = (), False

    return listened
