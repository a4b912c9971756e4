"""Content-Security-Policy of every document of authmw (CSP Level 3): nothing is allowed that is not named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from authmw.errors import ConfigurationError

# scheme "://" host [ ":" port ]                                             RFC 6454 §6.2
# No character that ends a source expression or a directive matches (CSP Level 3 §2.3).
_ORIGIN: Final = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")
# A directive ends at ";" and a policy at "," (CSP Level 3 §2.2), a source expression at white space.
_SOURCE: Final = re.compile(r"[!-+\--:<-~]+")


def content_security_policy(sources: Mapping[str, Iterable[str]], form_action: Iterable[str] = ("'none'",)) -> str:
    """The policy of a document. No other site can frame it, and no ``<base>`` can move its URLs.

    Args:
        sources: directive → the sources that it allows, as ``{"style-src": ["'self'"]}``. A directive without sources
            is left out: ``default-src 'none'`` holds for it.
        form_action: where forms may be sent, redirects after that included.

    Raises:
        ValueError: a source contains what ends a source or a directive.

    >>> content_security_policy({"style-src": ["'self'"]})
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    """
    directives = {
        "default-src": ("'none'",),
        **{name: tuple(allowed) for name, allowed in sources.items()},
        "base-uri": ("'none'",),
        "form-action": tuple(form_action),
        "frame-ancestors": ("'none'",),
    }
    if any(_SOURCE.fullmatch(source) is None for allowed in directives.values() for source in allowed):
        raise ValueError("a source of a policy contains a character that ends it")
    return "; ".join(f"{name} {' '.join(allowed)}" for name, allowed in directives.items() if allowed)


def is_origin(text: str) -> bool:
    """Whether `text` is an origin as browsers write it, which may be a source.

    >>> is_origin("https://id.example"), is_origin("https://id.example/"), is_origin("https://id.example; script-src *")
    (True, False, False)
    """
    return _ORIGIN.fullmatch(text) is not None


def checked_origins(origins: Iterable[str], argument: str) -> tuple[str, ...]:
    """`origins`, after a check that each of them is one.

    Args:
        origins: the origins.
        argument: the name of the argument, for the message.

    Raises:
        ConfigurationError: one is no origin; it has a path, for example.
    """
    given = (origins,) if isinstance(origins, str) else tuple(origins)
    wrong = [each for each in given if not is_origin(each)]
    if wrong:
        raise ConfigurationError(*(f'{argument}={each!r} is no origin: write "https://id.example"' for each in wrong))
    return given
