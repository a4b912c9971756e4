"""Opener of a database or of Redis by its URL: a registry by the entry points of the adapters."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Any, Final, Protocol

from authmw.errors import ConfigurationError

GROUP: Final = "authmw.stores"
"""The group of the entry points. The name of each is the scheme of a URL (``sqlite``), and its value an `Opener`."""
_EXTRAS: Final = {"sqlite": "sql", "postgresql": "postgres", "redis": "redis", "rediss": "redis", "unix": "redis"}


class Opener(Protocol):
    """What an adapter gives for the URLs of its databases."""

    def __call__(self, url: str, /, *, asynchronous: bool, **options: Any) -> Any:
        """The stores at `url`: an object with a field for each role, as `Stores` has them.

        Args:
            url: of the database.
            asynchronous: whether an event loop asks them.
            options: those of the class of the stores.
        """
        ...


def open_stores(url: str, *, asynchronous: bool = False, **options: Any) -> Any:
    """The stores at `url`, by the adapter that knows its scheme.

    Args:
        url: of the database or of Redis. Its password is in no message.
        asynchronous: whether an event loop asks them.
        options: those of the class of the stores.

    Raises:
        ConfigurationError: no adapter knows the scheme, its package is not installed, or the URL is wrong.
    """
    scheme = url.partition(":")[0].partition("+")[0] if "://" in url else ""
    found = next(iter(entry_points(group=GROUP, name=scheme)), None) if scheme else None
    if found is None:
        known = sorted({each.name for each in entry_points(group=GROUP)})
        raise ConfigurationError(
            f"no adapter opens a database with the scheme {scheme!r}: write sqlite:///app.db or "
            f"postgresql+psycopg://host/name (there are {', '.join(known)})"
        )
    try:
        opener: Opener = found.load()
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(scheme)
        mend = f': pip install "authmw[{extra}]"' if extra and "pip install" not in str(error) else ""
        raise ConfigurationError(f"{scheme}: {error}{mend}") from None
    return opener(url, asynchronous=asynchronous, **options)
