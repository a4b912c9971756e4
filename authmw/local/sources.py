"""Sources of settings: arguments, ``app.config``, the environment, a file. An earlier one overrides a later one."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from authmw.crypto.keyring import ENVIRONMENT
from authmw.errors import ConfigurationError, did_you_mean

PREFIX: Final = "AUTHMW_"
FILE: Final = "authmw.toml"
_CONFIG: Final = f"{PREFIX}CONFIG"
_IN_FILE: Final = "_FILE"
_ENVIRONMENTS: Final = ("production", "development")

# What the middleware of an adapter reads from ``app.config``, and some deployments from the environment.
OF_MIDDLEWARE: Final = (
    *("default", "public", "preflights", "needs", "leave"),
    *("hide_credentials", "end_connections"),
)

LOCAL: Final = ("database", "redis", "keys", "issuer", "audience", "realm")
"""The settings of `LocalAuth`."""
EXTERNAL: Final = (
    "issuer",
    "audience",
    "profile",
    "realm",
    "metadata_url",
    "jwks_uri",
    "introspection_endpoint",
    "client_id",
    "client_secret",
)
"""The settings of `Auth.from_env`."""
SECRETS: Final = frozenset({"database", "redis", "client_secret"})
"""What may hold a secret: a URL may have a password. Each may be in a file, ``AUTHMW_DATABASE_FILE``."""
_KNOWN: Final = frozenset(
    {
        ENVIRONMENT,
        _CONFIG,
        f"{PREFIX}APP",  # the application that the command loads
        *(f"{PREFIX}{name.upper()}" for name in (*LOCAL, *EXTERNAL, *OF_MIDDLEWARE)),
        *(f"{PREFIX}{name.upper()}{_IN_FILE}" for name in SECRETS),
    }
)


class Found(NamedTuple):
    """A setting.

    Args:
        value: as it was given.
        source: where it was given, for messages: ``AUTHMW_ISSUER`` or ``issuer in authmw.toml``.
    """

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Sources:
    """What was given, by name, from the source that counts; and each mistake.

    Args:
        found: name → setting. Names that were not given are missing.
        mistakes: a sentence for each mistake, with its fix.
    """

    found: Mapping[str, Found]
    mistakes: tuple[str, ...]

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        *,
        arguments: Mapping[str, object] | None = None,
        config: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Sources:
        """The settings of these names.

        Args:
            names: of the settings, in lower case.
            arguments: name → argument; None stands for one that was not given.
            config: ``app.config``, whose names have the prefix ``AUTHMW_``.
            environ: the environment; that of the process unless given. A secret may be in a file:
                ``AUTHMW_DATABASE_FILE=/run/secrets/database``.
        """
        names = tuple(names)
        environ = os.environ if environ is None else environ
        mistakes = _unknown_in_environment(environ)
        layers = [
            {name: Found(value, f"{name}=") for name, value in (arguments or {}).items() if value is not None},
            _in_config(names, config or {}),
            _in_environment(names, environ, mistakes),
            _in_file(names, environ, mistakes),
        ]
        return cls({name: found for layer in reversed(layers) for name, found in layer.items()}, tuple(mistakes))


def _unknown_in_environment(environ: Mapping[str, str]) -> list[str]:
    mistakes = [
        f"{name} is no setting of authmw: {did_you_mean(name, sorted(_KNOWN))}"
        for name in sorted(environ)
        if name.startswith(PREFIX) and name not in _KNOWN
    ]
    where = environ.get(ENVIRONMENT, "development")
    if where not in _ENVIRONMENTS:
        mistakes.append(f"{ENVIRONMENT}={where!r}: write production or development")
    return mistakes


def _in_config(names: Iterable[str], config: Mapping[str, Any]) -> dict[str, Found]:
    keys = {name: f"{PREFIX}{name.upper()}" for name in names}
    return {
        name: Found(config[key], f"{key} in app.config") for name, key in keys.items() if config.get(key) is not None
    }


def _in_environment(names: Iterable[str], environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for name in names:
        key = f"{PREFIX}{name.upper()}"
        path = environ.get(f"{key}{_IN_FILE}") if name in SECRETS else None
        if path and environ.get(key):
            mistakes.append(f"{key} and {key}{_IN_FILE} are both set: leave one of them out")
        elif path:
            try:
                found[name] = Found(Path(path).read_text("utf-8").strip(), f"{key}{_IN_FILE}")
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
                mistakes.append(f"{key}{_IN_FILE}={path!r} cannot be read: {why}")
        elif environ.get(key):
            found[name] = Found(environ[key], key)
    return found


def _in_file(names: Iterable[str], environ: Mapping[str, str], mistakes: list[str]) -> dict[str, Found]:
    """The settings in the file that ``AUTHMW_CONFIG`` names, or in ``authmw.toml`` of the current directory."""
    named = environ.get(_CONFIG)
    path = Path(named or FILE)
    if not named and not path.is_file():
        return {}
    import tomllib  # most programs have no such file

    try:
        members = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        mistakes.append(f"{_CONFIG}={named!r} cannot be read: {error.strerror}")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        mistakes.append(f"{path} is no TOML: {error}")
        return {}
    known = sorted({*LOCAL, *EXTERNAL})
    mistakes += [
        f"{name} in {path} is no setting: {did_you_mean(name, known)}" for name in members if name not in known
    ]
    return {name: Found(value, f"{name} in {path}") for name, value in members.items() if name in set(names)}


def checked(sources: Sources, mistakes: Iterable[str]) -> None:
    """Refuse every mistake in the settings at once.

    Raises:
        ConfigurationError: there is one.
    """
    if wrong := (*sources.mistakes, *mistakes):
        raise ConfigurationError(*wrong)
