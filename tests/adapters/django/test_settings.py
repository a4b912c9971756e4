"""The setting ``AUTHMW``: every mistake at once, by a system check and at start, each with its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers

from authmw import authenticated, public, requires_scopes
from authmw.errors import ConfigurationError
from tests.adapters.django.asking import KINDS
from tests.adapters.django.site import AUTHMW, LAYERS, configured, handler


def seen(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def other(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


def opened(request: HttpRequest) -> HttpResponse:
    return HttpResponse()


CACHED_VIEW = "tests.adapters.django.urls.cached"
FINDERS = "tests.adapters.django.finders"
UPDATE = "django.middleware.cache.UpdateCacheMiddleware"
FETCH = "django.middleware.cache.FetchFromCacheMiddleware"


@pytest.fixture(autouse=True)
def _project() -> Iterator[None]:
    with configured():
        yield


def checked() -> dict[str, str]:
    """The messages of ``manage.py check``: text → its identifier. That of the view ``cached`` is left out."""
    from django.core.checks import run_checks

    return {
        str(each.msg): str(each.id)
        for each in run_checks()
        if str(each.id).startswith("authmw") and CACHED_VIEW not in str(each.msg)
    }


def test_a_right_configuration_has_no_mistakes() -> None:
    assert checked() == {}


CACHED: dict[str, tuple[Callable[[], Any], bool]] = {
    "closed": (lambda: cache_page(60)(authenticated(seen)), True),
    "closed by default": (lambda: cache_page(60)(other), True),
    "above": (lambda: requires_scopes("a")(cache_page(60)(seen)), True),
    "varies": (lambda: cache_page(60)(vary_on_headers("Authorization")(authenticated(seen))), False),
    "varies further in": (lambda: cache_page(60)(authenticated(vary_on_headers("Authorization")(seen))), False),
    "public": (lambda: cache_page(60)(public(opened)), False),
    "not cached": (lambda: authenticated(seen), False),
}


@pytest.mark.parametrize("make, warns", CACHED.values(), ids=CACHED)
def test_a_cache_that_callers_share_is_warned_of(make: Callable[[], Any], warns: bool) -> None:
    with configured(ROOT_URLCONF=(path("view", make(), name="it"),)):
        expected = {"cache_page sends one caller what it made for another": "authmw.W002"} if warns else {}
        assert checked() == expected


MISTAKES: list[tuple[dict[str, Any], list[str]]] = [
    ({"AUTHMW": None}, ['AUTHMW is missing: write AUTHMW = {"auth": "mysite.auth.auth"} in the settings']),
    ({"AUTHMW": ["auth"]}, ["AUTHMW is a list, and has to be a dict"]),
    ({"AUTHMW": {}}, ['AUTHMW has no "auth"']),
    ({"AUTHMW": {"auth": None}}, ['AUTHMW has no "auth"']),
    ({"AUTHMW": {"auth": "no.such.auth"}}, ["AUTHMW[\"auth\"]: 'no.such.auth' cannot be imported"]),
    ({"AUTHMW": {"auth": f"{FINDERS}.no_function"}}, ["which is a int"]),
    ({"AUTHMW": {"auth": 7}}, ["not a int"]),
    ({"authmw": {"publik": []}}, ["AUTHMW has no key 'publik': did you mean \"public\"?"]),
    (
        {"authmw": {"zzz": []}},
        ["AUTHMW has no key 'zzz': there are auth, user, staff, hide_credentials, end_connections"],
    ),
    ({"authmw": {"public": ["/health*"]}}, ["AUTHMW: public pattern '/health*'"]),
    ({"authmw": {"default": "open"}}, ["AUTHMW: default='open'"]),
    ({"authmw": {"preflights": "yes"}}, ["AUTHMW: preflights='yes'"]),
    ({"authmw": {"staff": "yes"}}, ["AUTHMW[\"staff\"]='yes' has to be True or False"]),
    ({"authmw": {"user": "no.such.function"}}, ["AUTHMW[\"user\"]: 'no.such.function' cannot be imported"]),
    ({"authmw": {"user": f"{FINDERS}.no_function"}}, ["has to be the path of a function of a principal"]),
    (
        {"AUTHMW": {"publik": [], "public": ["x"], "default": "open", "staff": 1, "user": "no.such"}},
        ["publik", 'has no "auth"', "staff", "no.such", "default='open'", "public pattern 'x'"],
    ),
]


@pytest.mark.parametrize("changes, mistakes", MISTAKES, ids=[str(row[1][0])[:40] for row in MISTAKES])
def test_every_mistake_is_found_by_the_check_and_at_start(changes: dict[str, Any], mistakes: list[str]) -> None:
    with configured(**changes):
        found = checked()
        assert set(found.values()) == {"authmw.E001"}
        for kind in KINDS:
            with pytest.raises(ConfigurationError) as refused:
                handler(kind)
            assert list(refused.value.mistakes) == list(found)
    assert len(found) == len(mistakes)
    assert [text for text in mistakes if not any(text in each for each in found)] == []


def test_the_mistakes_of_an_auth_are_told_with_the_key_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import ModuleType

    class Lazy(ModuleType):
        def __getattr__(self, name: str) -> object:
            if name == "auth":
                raise ConfigurationError("the realm is wrong", "the key is missing")
            raise AttributeError(name)

    monkeypatch.setitem(sys.modules, "lazy_auth", Lazy("lazy_auth"))
    with configured(authmw={"auth": "lazy_auth.auth"}):
        assert list(checked()) == [
            "AUTHMW[\"auth\"]: 'lazy_auth.auth': the realm is wrong",
            "AUTHMW[\"auth\"]: 'lazy_auth.auth': the key is missing",
        ]


def test_an_application_that_no_middleware_guards_is_an_error() -> None:
    with configured(MIDDLEWARE=LAYERS[1:]):
        assert list(checked().values()) == ["authmw.E002"]


def test_the_middleware_around_djangos_handler_needs_no_setting() -> None:
    with configured(MIDDLEWARE=["authmw_django.RefusalMiddleware", *LAYERS[1:]], AUTHMW=None):
        assert checked() == {}


def test_a_middleware_that_cannot_be_imported_is_left_to_django() -> None:
    with configured(MIDDLEWARE=[*LAYERS, "no.such.Middleware", "tests.adapters.django.test_paths.overrides"]):
        assert checked() == {}


@pytest.mark.parametrize(
    "layers, found",
    [
        ([UPDATE, *LAYERS, FETCH], []),
        ([*LAYERS, UPDATE, FETCH], ["authmw.E004"]),
        ([FETCH, *LAYERS], ["authmw.E004"]),
        ([UPDATE, *LAYERS, "django.middleware.cache.CacheMiddleware"], ["authmw.E004"]),
        ([*LAYERS, *LAYERS], ["authmw.E003"]),
        ([*LAYERS, "django.contrib.auth.middleware.RemoteUserMiddleware"], ["authmw.W001"]),
        ([*LAYERS, "django.contrib.auth.middleware.PersistentRemoteUserMiddleware"], ["authmw.W001"]),
    ],
)
def test_the_order_of_the_middleware_is_checked(layers: list[str], found: list[str]) -> None:
    with configured(MIDDLEWARE=layers):
        assert [each for each in checked().values() if each.startswith("authmw")] == found


def test_an_auth_may_be_given_itself() -> None:
    from tests.adapters.django.site import auth

    with configured(AUTHMW={**AUTHMW, "auth": auth}):
        assert checked() == {}
