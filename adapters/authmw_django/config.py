"""Setting ``AUTHMW`` of a Django project, read and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from django import conf
from django.utils.module_loading import import_string

from authmw.engine.auth import Auth
from authmw.engine.guard import Guard, GuardSettings
from authmw.errors import ConfigurationError, did_you_mean
from authmw.schemes.http_bearer import HTTPBearer
from authmw_django.urlconf import ViewTable
from authmw_django.users import UserFinder

if TYPE_CHECKING:
    from authmw_django.users import FindUser

OWN: Final = ("auth", "user", "staff", "hide_credentials", "end_connections")
GUARD: Final = ("public", "leave", "needs", "default", "preflights")
"""The keys whose values the guard checks: the arguments of every middleware of authmw."""
_ABSENT: Final = object()
"""Stands for the Auth of a project without the setting, which is a mistake already."""
_EXAMPLE: Final = 'AUTHMW = {"auth": "mysite.auth.auth"}'


@dataclass(frozen=True, slots=True)
class Configuration:
    """What ``AUTHMW`` says.

    Args:
        auth: the engine.
        guard: the guard in front of the project.
        table: the views of the project.
        user: finds the user of a principal.
        mistakes: a sentence for each mistake, with its fix. With any, nothing else of this may be used.
        hides_credentials: whether views and other middleware see no credentials.
        ends_connections: whether streams and websockets end with the credentials that opened them.
    """

    auth: Auth
    guard: Guard
    table: ViewTable
    user: UserFinder
    mistakes: tuple[str, ...] = ()
    hides_credentials: bool = False
    ends_connections: bool = True

    @property
    def guard_settings(self) -> GuardSettings:
        """The settings of the guard, for lists of routes."""
        return self.guard.settings


def read_configuration() -> Configuration:
    """What the settings of the project say, with every mistake."""
    given: object = getattr(conf.settings, "AUTHMW", None)
    if not isinstance(given, Mapping):
        problem = "is missing" if given is None else f"is a {type(given).__name__}, and has to be a dict"
        return _read({"auth": _ABSENT}, [f"AUTHMW {problem}: write {_EXAMPLE} in the settings"])
    values = cast("Mapping[str, Any]", given)
    mistakes = [_unknown(name) for name in values if name not in (*OWN, *GUARD)]
    return _read(values, mistakes)


def guards_project() -> bool:
    """Whether `AuthMiddleware` is in ``MIDDLEWARE``."""
    return any(getattr(kind_of(path), "guards_project", False) is True for path in conf.settings.MIDDLEWARE)


def kind_of(path: str) -> type:
    """The class of a middleware; `object` for a function, and for what cannot be imported: Django says so itself."""
    try:
        found: object = import_string(path)
    except ImportError:
        return object
    return found if isinstance(found, type) else object


def checked_configuration() -> Configuration:
    """What the settings of the project say.

    Raises:
        ConfigurationError: every mistake at once.
    """
    found = read_configuration()
    if found.mistakes:
        raise ConfigurationError(*found.mistakes)
    return found


def _read(values: Mapping[str, Any], mistakes: list[str]) -> Configuration:
    auth = _auth(values, mistakes)
    user = _user(values, mistakes)
    table = ViewTable()
    # Whatever the values are, the guard checks them.
    given: dict[str, Any] = {"default": "deny", "public": ()} | {name: values[name] for name in GUARD if name in values}
    try:
        guard = Guard(auth, table, **given)
    except ConfigurationError as error:
        mistakes += [f"AUTHMW: {mistake}" for mistake in error.mistakes]
        guard = Guard(auth, table, default="deny", public=())
    hides = _flag("hide_credentials", values, mistakes)
    ends = _flag("end_connections", values, mistakes, usual=True)
    return Configuration(auth, guard, table, user, tuple(mistakes), hides, ends)


def _flag(key: str, values: Mapping[str, Any], mistakes: list[str], *, usual: bool = False) -> bool:
    given = values.get(key, usual)
    if not isinstance(given, bool):
        mistakes.append(f'AUTHMW["{key}"]={given!r} has to be True or False')
    return given is True


def _auth(values: Mapping[str, Any], mistakes: list[str]) -> Auth:
    given = values.get("auth")
    found = _imported("auth", given, mistakes) if isinstance(given, str) else given
    if isinstance(found, Auth):
        return found
    if given is None:
        mistakes.append(f'AUTHMW has no "auth": write {_EXAMPLE}, where mysite/auth.py has auth = Auth(...)')
    elif found is not None and found is not _ABSENT:
        mistakes.append(
            f'AUTHMW["auth"] has to be the path of an Auth, as "mysite.auth.auth", not {_named(given, found)}'
        )
    return Auth(HTTPBearer())  # to find the other mistakes too; it authenticates nobody


def _user(values: Mapping[str, Any], mistakes: list[str]) -> UserFinder:
    given, staff = values.get("user"), _flag("staff", values, mistakes)
    found = _imported("user", given, mistakes) if isinstance(given, str) else given
    path = given if isinstance(given, str) else ""
    if given is not None and found is not None and not callable(found):
        mistakes.append(
            f'AUTHMW["user"] has to be the path of a function of a principal, or of an authentication backend, '
            f"not {_named(given, found)}"
        )
        found = None
    return UserFinder(cast("FindUser | None", found), path=path, staff=staff)


def _imported(key: str, path: str, mistakes: list[str]) -> Any:
    """What `path` names; None if it cannot be imported, and then that is a mistake."""
    try:
        return import_string(path)
    except ImportError as error:
        mistakes.append(f'AUTHMW["{key}"]: {path!r} cannot be imported: {error}')
    except ConfigurationError as error:  # the module makes an Auth, and that has mistakes
        mistakes += [f'AUTHMW["{key}"]: {path!r}: {mistake}' for mistake in error.mistakes]
    return None


def _named(given: object, found: object) -> str:
    return f"{given!r}, which is a {type(found).__name__}" if isinstance(given, str) else f"a {type(found).__name__}"


def _unknown(name: object) -> str:
    hint = did_you_mean(str(name), (*OWN, *GUARD), quote='"')
    return f"AUTHMW has no key {name!r}: {hint}"
