"""Settings of a service that logs its own users in."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from authmw.crypto.keyring import ENVIRONMENT, in_production
from authmw.local.sources import LOCAL, Found, Sources, checked

MOUNT: Final = "/auth"
"""The path of the token service below the root of the application."""
_DEFAULTS: Final[Mapping[str, Any]] = {
    "database": "sqlite:///app.db",
    "redis": None,
    "keys": "keys.json",
    "issuer": f"http://localhost{MOUNT}",
    "audience": "app",
    "realm": "app",
}
_SAID_IN_PRODUCTION: Final = {
    "issuer": f"the public URL of {MOUNT}, as https://shop.example{MOUNT}",
    "audience": "the name of this API, as shop",
    "database": "as postgresql+psycopg://…, or sqlite:////var/lib/shop/app.db",
    "keys": "the file that `authmw jwk generate` made, as /run/secrets/keys.json",
}
_SQLITE: Final = "sqlite:///"
_TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "keys": (str, os.PathLike),
    "audience": (str, list, tuple, set, frozenset),
}


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """Where a service keeps its users, and what its tokens say.

    Args:
        database: the URL of the database: ``sqlite:///app.db`` or ``postgresql+psycopg://…``.
        keys: the file of the key ring.
        issuer: the URL of the token service, which is the ``iss`` of tokens; it ends with ``/auth``.
        audience: the name of this API, which is the ``aud`` of tokens, or several.
        realm: the protection space named in challenges.
        redis: the URL of a Redis for tokens, sessions and attempts, or None.
        assumed: the names of the settings that nobody gave.

    >>> LocalSettings.read(environ={"AUTHMW_AUDIENCE": "shop"}).audience
    ('shop',)
    """

    # A URL may have a password.
    database: str = field(default=str(_DEFAULTS["database"]), repr=False)
    keys: Path = Path(_DEFAULTS["keys"])
    issuer: str = str(_DEFAULTS["issuer"])
    audience: tuple[str, ...] = (str(_DEFAULTS["audience"]),)
    realm: str = str(_DEFAULTS["realm"])
    redis: str | None = field(default=None, repr=False)
    assumed: tuple[str, ...] = LOCAL

    @classmethod
    def read(
        cls,
        arguments: Mapping[str, object] | None = None,
        config: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> LocalSettings:
        """The settings, each from the first source that has it: `arguments`, `config`, `environ`, a file, the default.

        The file is the one that ``AUTHMW_CONFIG`` names, or ``authmw.toml`` in the current directory.

        Args:
            arguments: name → argument; None stands for one that was not given.
            config: ``app.config``, with names such as ``AUTHMW_DATABASE``.
            environ: the environment; that of the process unless given.

        Raises:
            ConfigurationError: every mistake at once, each with its fix. With ``AUTHMW_ENV=production`` a missing
                issuer, audience, database or file of keys is one.
        """
        environ = os.environ if environ is None else environ
        sources = Sources.of(LOCAL, arguments=arguments, config=config, environ=environ)
        mistakes = [
            *_wrong_types(sources.found),
            *_in_issuer(sources.found.get("issuer")),
            *(each for name in LOCAL for each in unsaid_in_production(name, sources.found, environ)),
        ]
        checked(sources, mistakes)
        given = {name: found.value for name, found in sources.found.items()}
        values = {**_DEFAULTS, **given}
        audience = values["audience"]
        return cls(
            database=str(values["database"]),
            keys=Path(values["keys"]),
            issuer=str(values["issuer"]),
            audience=(audience,) if isinstance(audience, str) else tuple(audience),
            realm=str(values["realm"]),
            redis=values["redis"],
            assumed=tuple(name for name in LOCAL if name not in given),
        )

    @property
    def unsaid(self) -> list[str]:
        """A sentence for each setting that has to be given where others than this machine can reach the service."""
        return [_to_say(name) for name in _SAID_IN_PRODUCTION if name in self.assumed]

    def places(self) -> tuple[str, str]:
        """The database and the file of keys as absolute places, to compare those of two programs."""
        return place_of(self.database), place_of(self.keys)


def without_secrets(url: str) -> str:
    """The URL of a database for a log: without its user, its password and its options, any of which may be a secret.

    >>> without_secrets("postgresql+psycopg://shop:hunter2@db:5432/shop?password=hunter2")
    'postgresql+psycopg://db:5432/shop'
    >>> without_secrets("sqlite:////srv/shop/app.db?mode=ro")
    'sqlite:////srv/shop/app.db'
    """
    if url.startswith(_SQLITE):
        return url.partition("?")[0]
    scheme, separator, rest = url.partition("://")
    place, *options = re.split("[?#]", rest, maxsplit=1)
    if any("@" in each for each in options):  # it may be a password that was not encoded: then `place` is part of it
        return f"{scheme}{separator}…"
    return f"{scheme}{separator}{place.rpartition('@')[2]}"


def creates_files() -> bool:
    """Whether a missing file of keys, or of SQLite, is made: not in production."""
    return not in_production()


def is_missing(database: str) -> bool:
    """Whether `database` is a file of SQLite that does not exist."""
    path = database.removeprefix(_SQLITE).partition("?")[0]
    return database.startswith(_SQLITE) and path not in ("", ":memory:") and not Path(path).exists()


def _to_say(name: str) -> str:
    return f"set AUTHMW_{name.upper()} (or {name}=): {_SAID_IN_PRODUCTION[name]}"


def unsaid_in_production(name: str, found: Mapping[str, Found], environ: Mapping[str, str] | None = None) -> list[str]:
    """The mistake if the setting `name` is missing and ``AUTHMW_ENV=production`` needs it."""
    environ = os.environ if environ is None else environ
    if environ.get(ENVIRONMENT) != "production" or name in found or name not in _SAID_IN_PRODUCTION:
        return []
    return [f"{ENVIRONMENT}=production: {_to_say(name)}"]


def _in_issuer(found: Found | None) -> list[str]:
    # Whether it is a good URL, TokenService says.
    if found is None or not isinstance(found.value, str) or urlsplit(found.value).path.endswith(MOUNT):
        return []
    base = found.value.rstrip("/").removesuffix(MOUNT)
    url = base if "://" in base else f"https://{base}.example"
    return [f"{found.source} is {found.value!r}, but the token service is at {MOUNT}: write {url + MOUNT!r}"]


def _wrong_types(found: Mapping[str, Found]) -> Iterable[str]:
    for name, (value, source) in found.items():
        if not isinstance(value, _TYPES.get(name, str)):
            yield f"{source} has to be text, as {_DEFAULTS[name] or 'redis://localhost'!r}, not {_kind(value)}"
        elif value == "" or (name == "audience" and not value):
            yield f"{source} is empty: give it a value, or leave it out"


def _kind(value: object) -> str:
    return type(value).__name__


def place_of(name: str | os.PathLike[str]) -> str:
    """A file, or the URL of a database, as an absolute place.

    >>> place_of("postgresql://db/shop")
    'postgresql://db/shop'
    """
    if isinstance(name, os.PathLike):
        return str(Path(name).resolve())
    path = name.removeprefix(_SQLITE).partition("?")[0]
    return f"{_SQLITE}{Path(path).resolve()}" if name.startswith(_SQLITE) and path else name
