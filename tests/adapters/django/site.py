"""A Django project for the tests of its adapter. There is one configuration of Django for the whole process."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django

from authmw import APIKeyCookie, APIKeyHeader, Auth, HTTPBasic, HTTPBearer, Principal

SCOPES = {
    "t0ken": (),
    "reader": ("orders:read",),
    "writer": ("orders:read", "orders:write"),
}
"""Token → scopes. The owner of each token is named like the token."""


class Outage(Exception):
    """What a store raises that is down."""


def lookup(token: str) -> Principal | None:
    """The principal of a token. The token ``down`` finds the store down."""
    if token == "down":
        raise Outage
    if token == "machine":
        return Principal("writer", kind="client")
    if token == "s3cret-of-sam":
        return Principal("sam", claims={"email": "sam@shop.example"})
    return Principal(token, scopes=SCOPES[token]) if token in SCOPES else None


def of_basic(username: str, password: str) -> Principal | None:
    """The principal of a user name and a password."""
    return Principal(username) if password == "pass" else None


auth = Auth(HTTPBearer(lookup) | APIKeyHeader("X-API-Key", lookup), realm="shop")

many = Auth(
    HTTPBearer(lookup) | APIKeyHeader("X-API-Key", lookup) | HTTPBasic(of_basic) | APIKeyCookie("key", lookup),
    realm="shop",
)
"""Schemes whose credentials browsers add by themselves, and others."""

gateway = Auth(APIKeyHeader("X-Gateway", lookup) | APIKeyCookie("__Host-x", lookup))
"""Schemes whose places have names that Django does not take for secrets."""

LAYERS = [
    "authmw_django.AuthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
AUTHMW: dict[str, Any] = {"auth": "tests.adapters.django.site.auth", "public": ["/open/*"]}


_LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


def _mail() -> dict[str, Any]:
    """The settings for mail to the administrators, by the version of Django."""
    return {
        "ADMINS": ["ops@shop.example"] if django.VERSION >= (6, 0) else [("Ops", "ops@shop.example")],
        **({"MAILERS": {"default": {"BACKEND": _LOCMEM}}} if django.VERSION >= (6, 1) else {"EMAIL_BACKEND": _LOCMEM}),
    }


def configure() -> None:
    """Configure Django, once in a process."""
    from django.conf import settings

    if settings.configured:
        return
    folder = Path(tempfile.mkdtemp(prefix="authmw-django-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    settings.configure(
        SECRET_KEY="only for tests",
        ROOT_URLCONF="tests.adapters.django.urls",
        ALLOWED_HOSTS=["*"],
        MIDDLEWARE=LAYERS,
        AUTHMW=AUTHMW,
        INSTALLED_APPS=[
            "django.contrib.admin",
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.messages",
            "rest_framework",
            "authmw_django",
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": folder / "db.sqlite3"}},
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
        TEMPLATES=[
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {
                    "context_processors": [
                        "django.template.context_processors.request",
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                },
            }
        ],
        **_mail(),
        LANGUAGES=[("en", "English"), ("de", "German")],
        STATIC_URL="static/",
    )
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)


@contextmanager
def configured(**changes: Any) -> Generator[None]:
    """Django with `changes` to its settings; ``authmw={...}`` changes keys of ``AUTHMW``."""
    configure()
    from django.db import connections
    from django.test import override_settings
    from django.urls import clear_url_caches, set_urlconf
    from django.utils import translation

    values = {name: value for name, value in changes.items() if name.isupper()}
    values.setdefault("AUTHMW", {**AUTHMW, **changes.get("authmw", {})})
    values.setdefault("ROOT_URLCONF", "tests.adapters.django.urls")
    values.setdefault("MIDDLEWARE", LAYERS)
    try:
        with override_settings(**values):
            yield
    finally:
        clear_url_caches()
        set_urlconf(None)
        translation.deactivate()
        connections.close_all()


def handler(kind: str) -> Callable[..., Any]:
    """The application of the project as a server gets it: ``wsgi`` or ``asgi``."""
    if kind == "wsgi":
        from django.core.wsgi import get_wsgi_application

        return get_wsgi_application()
    from django.core.asgi import get_asgi_application

    return get_asgi_application()
