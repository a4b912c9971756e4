"""The languages that authmw has, and the choice of one of them by ``Accept-Language``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from authmw.errors import ConfigurationError
from authmw.pages.languages.chinese import CHINESE
from authmw.pages.languages.english import ENGLISH
from authmw.pages.languages.french import FRENCH
from authmw.pages.languages.german import GERMAN
from authmw.pages.languages.portuguese import PORTUGUESE
from authmw.pages.languages.spanish import SPANISH
from authmw.pages.languages.texts import Texts

_TEXTS: Final[Mapping[str, Texts]] = MappingProxyType(
    {"en": ENGLISH, "de": GERMAN, "fr": FRENCH, "es": SPANISH, "pt": PORTUGUESE, "zh": CHINESE}
)
LANGUAGES: Final = tuple(_TEXTS)
"""The languages that authmw has texts in: ``en``, ``de``, ``fr``, ``es``, ``pt`` and ``zh``."""

MAX_ACCEPT_LANGUAGE: Final = 1024
"""The characters of ``Accept-Language`` that are read. Browsers send fewer than a hundred."""

# language-range = (1*8ALPHA *("-" 1*8alphanum)) / "*"                                      RFC 4647 §2.1
# weight         = OWS ";" OWS "q=" qvalue                                                  RFC 9110 §12.4.2
# qvalue         = ( "0" [ "." 0*3DIGIT ] ) / ( "1" [ "." 0*3("0") ] )
_WEIGHTED: Final = re.compile(
    r"[ \t]*(?P<range>[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)"
    r"(?:[ \t]*;[ \t]*[qQ]=(?P<weight>0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?[ \t]*"
)


def texts_of(language: str) -> Texts:
    """The texts in a language that authmw has.

    Args:
        language: one of `LANGUAGES`.

    Raises:
        ConfigurationError: authmw does not have the language.

    >>> texts_of("de").log_in
    'Anmelden'
    """
    if language not in _TEXTS:
        raise ConfigurationError(
            f"there are no texts in {language!r}, only in {', '.join(LANGUAGES)}: write Texts(...) of your own, or use "
            "language_of(...), which answers one of these"
        )
    return _TEXTS[language]


def language_of(accept_language: str | None, offered: Iterable[str] = LANGUAGES) -> str:
    """The language for a person whose browser sends this header. Any header gets one.

    Of the ranges that fit an offered language, the one with the highest weight decides (RFC 9110 §12.5.4); of equal
    ones, the first. A range fits by lookup: ``pt-PT`` fits an offered ``pt`` (RFC 4647 §3.4). Malformed parts are
    ignored.

    Args:
        accept_language: the value of ``Accept-Language``; None if the request has none. The first 1024 characters are
            read.
        offered: the languages to choose from, the default first.

    Raises:
        ConfigurationError: no language is offered.

    >>> language_of("fr-CH, fr;q=0.9, en;q=0.8"), language_of("ja"), language_of(None)
    ('fr', 'en', 'en')
    >>> language_of("de", offered=["es", "en"])
    'es'
    """
    known = {tag.lower(): tag for tag in offered}
    if not known:
        raise ConfigurationError('offered=[] has no language: write offered=["en"]')
    weighted = _weighted_ranges((accept_language or "")[:MAX_ACCEPT_LANGUAGE])
    refused = {each for each, weight in weighted if weight == 0}
    acceptable = {tag: known[tag] for tag in known if not any(_contains(each, tag) for each in refused)}
    for each, _ in sorted((pair for pair in weighted if pair[1] > 0), key=lambda pair: -pair[1]):
        found = _lookup(each, acceptable)
        if found is not None:
            return found
    # Nobody is turned away for a language (RFC 9110 §12.5.4), and "*" is the default (RFC 4647 §3.4).
    return next(iter((acceptable or known).values()))


def _weighted_ranges(header: str) -> list[tuple[str, float]]:
    found = (_WEIGHTED.fullmatch(part) for part in header.split(","))
    return [(each["range"].lower(), float(each["weight"] or "1")) for each in found if each is not None]


def _contains(language_range: str, tag: str) -> bool:
    """Basic filtering (RFC 4647 §3.3.1), for what is not wanted. ``*;q=0`` would leave nothing, and is ignored."""
    return tag == language_range or tag.startswith(f"{language_range}-")


def _lookup(language_range: str, offered: Mapping[str, str]) -> str | None:
    """The offered tag that is the range, or the range without subtags from its end on (RFC 4647 §3.4)."""
    subtags = language_range.split("-")
    while subtags:
        tag = "-".join(subtags)
        if tag in offered:
            return offered[tag]
        subtags.pop()
        if subtags and len(subtags[-1]) == 1:  # it only introduces what was removed
            subtags.pop()
    return None
