"""Checks of the settings of a project, for ``manage.py check`` and for every command that runs it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django import conf
from django.core.checks import CheckMessage, Error, Warning

from authmw_django.caches import views_shared_by_callers
from authmw_django.config import kind_of, read_configuration
from authmw_django.listing import closed_by_dispatchers
from authmw_django.middleware import AuthMiddleware
from authmw_django.refusing import RefusalMiddleware

_FETCHES: Final = "django.middleware.cache.FetchFromCacheMiddleware"
_UPDATES: Final = "django.middleware.cache.UpdateCacheMiddleware"
_OURS: Final = "authmw_django.AuthMiddleware"


def check_settings(**_: Any) -> list[CheckMessage]:
    """Every mistake in ``AUTHMW`` and in the order of ``MIDDLEWARE``."""
    layers = [*conf.settings.MIDDLEWARE]
    kinds = [kind_of(path) for path in layers]
    ours = [number for number, kind in enumerate(kinds) if issubclass(kind, AuthMiddleware)]
    if not ours and any(issubclass(kind, RefusalMiddleware) for kind in kinds):
        return []  # the middleware of authmw stands around Django's handler
    found: list[CheckMessage] = [Error(mistake, id="authmw.E001") for mistake in read_configuration().mistakes]
    if not ours:
        text = "authmw_django is installed, and no AuthMiddleware is in MIDDLEWARE: nothing is guarded"
        return [*found, Error(text, hint=f'Write MIDDLEWARE = ["{_OURS}", ...].', id="authmw.E002")]
    found += _order(layers, ours)
    return found if any(each.id == "authmw.E001" for each in found) else [*found, *_caches(), *_dispatchers()]


def _dispatchers() -> Iterator[CheckMessage]:
    for name, dispatcher in closed_by_dispatchers():
        yield Warning(
            f"a @public method of {name} needs a caller, since {dispatcher} may call another method or answer itself",
            hint="Write @authenticated or the like on its other methods, and @public in the class of the dispatcher or "
            "below; or @public on the class, for all that its methods do not close.",
            id="authmw.W003",
        )


def _caches() -> Iterator[CheckMessage]:
    for name in views_shared_by_callers():
        yield Warning(
            f"cache_page sends one caller what {name} made for another",
            hint='Write @vary_on_headers("Authorization") below @cache_page, with the headers of your schemes.',
            id="authmw.W002",
        )


def _order(layers: list[str], ours: list[int]) -> Iterator[CheckMessage]:
    if len(ours) > 1:
        yield Error("AuthMiddleware is in MIDDLEWARE more than once", hint="Leave one.", id="authmw.E003")
    first = ours[0]
    if any(path == _FETCHES for path in layers[:first]) or any(path == _UPDATES for path in layers[first:]):
        yield Error(
            "the cache of the site is shared by all callers: it does not see that responses depend on credentials",
            hint=f'Write MIDDLEWARE = ["{_UPDATES}", "{_OURS}", ..., "{_FETCHES}"].',
            id="authmw.E004",
        )
    if "django.middleware.cache.CacheMiddleware" in layers:
        yield Error(
            "CacheMiddleware in MIDDLEWARE is shared by all callers, wherever it stands",
            hint=f'Write MIDDLEWARE = ["{_UPDATES}", "{_OURS}", ..., "{_FETCHES}"].',
            id="authmw.E004",
        )
    remote = "django.contrib.auth.middleware.RemoteUserMiddleware"
    if any(path in (remote, remote.replace(".Remote", ".PersistentRemote")) for path in layers):
        yield Warning(
            "RemoteUserMiddleware begins a session for each caller of authmw, which outlives the credential",
            hint='Name its backend in AUTHMW, as "user": "django.contrib.auth.backends.RemoteUserBackend".',
            id="authmw.W001",
        )
