"""Settings ``AUTHMW_*`` of ``app.config``, used if no argument is given: ``app.config.from_prefixed_env()`` works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, cast

from authmw.engine.guard import Preflights
from authmw.engine.path_patterns import patterns_in
from authmw.engine.path_rules import Needs
from authmw.engine.public_paths import Default
from authmw.errors import did_you_mean
from authmw.local.sources import LOCAL, OF_MIDDLEWARE

_PREFIX: Final = "AUTHMW_"
_NAMES: Final = tuple(f"{_PREFIX}{name.upper()}" for name in OF_MIDDLEWARE)
_OF_LOCAL_AUTH: Final = tuple(f"{_PREFIX}{name.upper()}" for name in LOCAL)
LOCAL_AUTH: Final = "authmw.local"
"""The key of `Local` in ``app.extensions``."""
LOGIN_PAGES: Final = "authmw.login"
"""The key of the `LoginPages` in ``app.extensions``."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a guarded application. An explicit argument overrides ``app.config``. The middleware checks them.

    Args:
        default: what happens without credentials.
        public: path patterns.
        preflights: who answers CORS preflights.
        needs: path patterns, each with what it needs.
        leave: path patterns.
        hide_credentials: whether the application sees no credentials.
        end_connections: whether streams end with the credentials that opened them.
        mistakes: a sentence for each mistake in the configuration, with its fix.
    """

    default: Default
    public: tuple[str, ...]
    preflights: Preflights = "guard"
    needs: Needs | None = None
    leave: tuple[str, ...] = ()
    hide_credentials: bool = False
    end_connections: bool = True
    mistakes: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any], *, local: bool = False, **given: Any) -> Settings:
        """The settings of one application.

        Args:
            config: ``app.config``.
            local: whether `LocalAuth` reads its settings there too.
            given: the explicit arguments; None for one that was not given.

        >>> Settings.of({"AUTHMW_PUBLIC": "/health, GET /docs/*"}).public
        ('/health', 'GET /docs/*')
        """
        known = _NAMES + (_OF_LOCAL_AUTH if local else ())
        mistakes = [_unknown(name, known) for name in config if name.startswith(_PREFIX) and name not in known]

        def chosen(name: str, default: Any) -> Any:
            explicit = given.get(name)
            return config.get(f"{_PREFIX}{name.upper()}", default) if explicit is None else explicit

        def patterns(name: str) -> tuple[str, ...]:
            explicit = given.get(name)
            found = _patterns(config.get(f"{_PREFIX}{name.upper()}", ())) if explicit is None else explicit
            if found is None:
                mistakes.append(
                    f'{_PREFIX}{name.upper()} in app.config has to be a list of paths: ["/health", "GET /docs/*"]'
                )
            return () if found is None else cast("tuple[str, ...]", patterns_in(found))

        return cls(
            chosen("default", "deny"),
            patterns("public"),
            chosen("preflights", "guard"),
            chosen("needs", None),
            patterns("leave"),
            chosen("hide_credentials", False),
            chosen("end_connections", True),
            tuple(mistakes),
        )


def _patterns(value: object) -> list[str] | None:
    """A list of strings, or one string with commas, as an environment variable holds it; None for anything else."""
    if isinstance(value, str):
        return [pattern.strip() for pattern in value.split(",") if pattern.strip()]
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    patterns = list(cast("Iterable[object]", value))
    strings = [pattern for pattern in patterns if isinstance(pattern, str)]
    return strings if len(strings) == len(patterns) else None


def _unknown(name: str, known: tuple[str, ...]) -> str:
    if name in _OF_LOCAL_AUTH:
        return f"{name} in app.config is a setting of LocalAuth: write LocalAuth(app) in place of FlaskAuth(app, auth)"
    return f"{name} in app.config is no setting of authmw: {did_you_mean(name, known)}"
