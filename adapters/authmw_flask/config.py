"""Settings ``AUTHMW_*`` of ``app.config``, used if no argument is given: ``app.config.from_prefixed_env()`` works."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final, cast

from authmw.engine.public_paths import Default, patterns_in

_PREFIX: Final = "AUTHMW_"
_NAMES: Final = ("AUTHMW_DEFAULT", "AUTHMW_PUBLIC")


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of a guarded application. An explicit argument overrides ``app.config``.

    Args:
        default: what happens without credentials; checked by the middleware.
        public: path patterns; checked by the middleware.
        mistakes: a sentence for each mistake in the configuration, with its fix.
    """

    default: Default
    public: tuple[str, ...]
    mistakes: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any], *, default: str | None, public: Iterable[str] | None) -> Settings:
        """The settings of one application.

        >>> Settings.of({"AUTHMW_PUBLIC": "/health, GET /docs/*"}, default=None, public=None).public
        ('/health', 'GET /docs/*')
        """
        mistakes = [_unknown(name) for name in config if name.startswith(_PREFIX) and name not in _NAMES]
        if public is None:
            public = _patterns(config.get("AUTHMW_PUBLIC", ()))
        if public is None:
            mistakes.append('AUTHMW_PUBLIC in app.config has to be a list of paths: ["/health", "GET /docs/*"]')
        chosen = config.get("AUTHMW_DEFAULT", "deny") if default is None else default
        patterns = () if public is None else patterns_in(public)
        return cls(cast("Default", chosen), cast("tuple[str, ...]", patterns), tuple(mistakes))


def _patterns(value: object) -> list[str] | None:
    """A list of strings, or one string with commas, as an environment variable holds it; None for anything else."""
    if isinstance(value, str):
        return [pattern.strip() for pattern in value.split(",") if pattern.strip()]
    if not isinstance(value, list | tuple | set | frozenset):
        return None
    patterns = list(cast("Iterable[object]", value))
    strings = [pattern for pattern in patterns if isinstance(pattern, str)]
    return strings if len(strings) == len(patterns) else None


def _unknown(name: str) -> str:
    close = get_close_matches(name, _NAMES, n=1, cutoff=0.5)
    hint = f"did you mean {close[0]}?" if close else f"there are {' and '.join(_NAMES)}"
    return f"{name} in app.config is no setting of authmw: {hint}"
