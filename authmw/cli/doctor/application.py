"""Findings about an application: its guards, routes, layers, credentials, stores, and the machine that it runs on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final

from authmw.cli.doctor.credentials import findings_on_credentials
from authmw.cli.doctor.machine import findings_on_machine
from authmw.cli.doctor.stores import findings_on_stores
from authmw.engine.guard import GuardSettings
from authmw.engine.inherited import InheritedAuth
from authmw.engine.routes.frameworks import guards_of, inwards, mistaken_patterns, routes_of
from authmw.engine.routes.patterns import PlacedGuard
from authmw.engine.routes.route import Kind, Protection, Route
from authmw.errors import ConfigurationError
from authmw.issuers.diagnosis.finding import Finding

_MOST_SHOWN: Final = 20


def findings_on(application: Any, name: str) -> list[Finding]:
    """What is found about an application.

    Args:
        application: the application, or the outermost middleware around it.
        name: by which it was loaded.

    Raises:
        ConfigurationError: no adapter knows the application, and no `AuthMiddleware` is around it.
    """
    guards = guards_of(application)
    if not guards:
        return [Finding("guard", False, f"nothing guards {name}", "wrap it in AuthMiddleware, or call FlaskAuth")]
    auths = {id(auth): auth for placed in guards if not isinstance(auth := placed.settings.auth, InheritedAuth)}
    findings = [_of_preflights(placed.settings) for placed in guards]
    findings += [*_of_layers(application), *_of_routes(application, guards)]
    for auth in auths.values():
        findings += [
            *findings_on_credentials(auth),
            *findings_on_stores(auth, getattr(application, "app_context", None)),
        ]
    return [*findings, *findings_on_machine(auths.values())]


def _of_preflights(settings: GuardSettings) -> Finding:
    if settings.preflights == "guard":
        return Finding("preflights", True, "the guard answers the preflights of strangers where OPTIONS is not public")
    return Finding(
        "preflights",
        None,
        "the preflights of strangers are handed on: layers and handlers of the application run for them",
        'put CORS in front of authmw and leave out preflights="application", if nothing inside needs them',
    )


def _of_layers(application: Any) -> Iterator[Finding]:
    """Where the layers for CORS and for proxies stand, which matters to a guard."""
    layers = list(_layers_of(application))
    guard = next((index for index, (_, is_guard) in enumerate(layers) if is_guard), None)
    for index, (layer, _) in enumerate(layers):
        is_inside = guard is not None and index > guard
        if "cors" in layer.lower():
            words = (
                f"{layer} stands inside of the guard, whose refusals have no CORS headers: scripts see nothing of them"
            )
            yield (
                Finding("CORS", None, words, "add it after authmw, so that it stands outside")
                if is_inside
                else Finding(
                    "CORS", True, f"{layer} stands outside of the guard, so that refusals have its headers too"
                )
            )
        elif "proxyfix" in layer.lower() or "proxyheaders" in layer.lower():
            words = f"{layer} stands inside of the guard, which sees the address and the path that the proxy sends"
            yield (
                Finding("proxy", None, words, "put it around the guarded application")
                if is_inside
                else Finding(
                    "proxy", True, f"{layer} stands outside of the guard, which sees the client's address as it says it"
                )
            )


def _layers_of(application: Any) -> Iterator[tuple[str, bool]]:
    """The names of the layers of an application, outermost first, and whether each is a guard of authmw."""
    try:
        around = list(inwards(application))
    except ConfigurationError:
        around = [application]
    *outside, framework = around
    yield from _names(type(each) for each in outside)
    yield from _names(each.cls for each in getattr(framework, "user_middleware", ()))  # Starlette
    layer: Any = getattr(framework, "wsgi_app", None)  # Flask
    while hasattr(layer, "app"):
        yield from _names([type(layer)])
        layer = layer.app
    if "django" in type(framework).__module__:
        yield from _names_in_django()


def _names(kinds: Any) -> Iterator[tuple[str, bool]]:
    for kind in kinds:
        name = getattr(kind, "__name__", str(kind))
        yield name, name == "AuthMiddleware" and str(getattr(kind, "__module__", "")).startswith("authmw")


def _names_in_django() -> Iterator[tuple[str, bool]]:
    configured: Any = sys.modules["django.conf"]
    for path in configured.settings.MIDDLEWARE:
        yield str(path).rpartition(".")[2], str(path).startswith("authmw_django.AuthMiddleware")


def _of_routes(application: object, guards: list[PlacedGuard]) -> Iterator[Finding]:
    routes = routes_of(application)
    mistaken = [route for route in routes if route.fix]
    for route in mistaken[:_MOST_SHOWN]:
        place = f" ({route.place})" if route.place else ""
        yield Finding("route", False, f"{route.label}{place} is {route.protection.value}", route.fix)
    if len(mistaken) > _MOST_SHOWN:
        yield Finding("route", False, f"and {len(mistaken) - _MOST_SHOWN} more", "authmw routes --check lists all")
    for sentence in mistaken_patterns(application, routes):
        yield Finding("pattern", False, *sentence.split(": ", 1))
    if not mistaken:
        yield Finding("routes", True, _counted(routes))
    if any(placed.settings.default == "allow" for placed in guards):
        yield Finding(
            "default", None, 'default="allow" leaves each view open that declares nothing', 'write default="deny"'
        )


def _counted(routes: list[Route]) -> str:
    listed = [route for route in routes if route.kind is not Kind.PATTERN]
    if not listed:
        return "they are not known: the patterns of the middleware protect all paths"
    is_open = [route for route in listed if route.protection in (Protection.PUBLIC, Protection.LEFT_ALONE)]
    return f"{len(listed)}, of which {len(is_open)} are public or left alone on purpose: authmw routes lists them"
