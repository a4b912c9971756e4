"""Challenges: the values of ``WWW-Authenticate`` (RFC 9110 §11.6.1), written and read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authmw.http.grammar import Params, is_token, is_token68, parse_params, write_params

# RFC 7616 §3.3 writes the values of these without quotes, and existing clients do not recognise them with quotes.
_BARE_IN_DIGEST: Final = frozenset({"algorithm", "stale", "charset", "userhash"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge: a scheme that the client can authenticate by, with its parameters.

    >>> str(Challenge("Bearer", (("realm", "orders"), ("error", "invalid_token"))))
    'Bearer realm="orders", error="invalid_token"'
    """

    scheme: str
    params: Params = ()
    token68: str = ""

    def __str__(self) -> str:
        bare = _BARE_IN_DIGEST if self.scheme == "Digest" else frozenset[str]()
        return " ".join(filter(None, (self.scheme, self.token68, write_params(self.params, bare=bare))))

    def __getitem__(self, name: str) -> str:
        return dict(self.params)[name]


def parse_challenges(text: str) -> tuple[Challenge, ...]:
    """The challenges of a ``WWW-Authenticate`` value. Several header lines are joined by commas.

    Raises:
        ValueError: `text` is not a list of challenges.

    >>> [c.scheme for c in parse_challenges('Bearer realm="a", Basic realm="b", charset="UTF-8"')]
    ['Bearer', 'Basic']
    """
    challenges: list[Challenge] = []
    for scheme, rest in _split(text):
        if not is_token(scheme):
            raise ValueError("a challenge begins with a scheme name")
        if not rest:
            challenges.append(Challenge(scheme))
        elif is_token68(rest):
            challenges.append(Challenge(scheme, token68=rest))
        else:
            params = parse_params(rest)
            if params is None:
                raise ValueError(f"the parameters of the {scheme} challenge do not parse")
            challenges.append(Challenge(scheme, params))
    return tuple(challenges)


def _split(text: str) -> list[tuple[str, str]]:
    """Each challenge as (scheme, rest). A list element begins a challenge if no ``=`` follows its first token."""
    pieces: list[tuple[str, str]] = []
    for element in _elements(text):
        name, _, rest = element.partition(" ")
        begins = is_token(name) and not rest.lstrip(" \t").startswith("=") and "=" not in name
        if begins:
            pieces.append((name, rest.strip(" \t")))
        elif pieces and element:
            scheme, before = pieces[-1]
            pieces[-1] = (scheme, f"{before}, {element}")
        elif element:
            raise ValueError("a parameter comes before the first scheme")
    return pieces


def _elements(text: str) -> list[str]:
    """`text` split at the commas outside quoted-strings."""
    elements: list[str] = []
    start, quoted, escaped = 0, False, False
    for index, character in enumerate(text):
        if escaped:
            escaped = False
        elif quoted and character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
        elif character == "," and not quoted:
            elements.append(text[start:index].strip(" \t"))
            start = index + 1
    elements.append(text[start:].strip(" \t"))
    return elements
