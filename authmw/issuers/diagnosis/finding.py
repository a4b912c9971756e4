"""Finding of a diagnosis: the thing examined, whether it is right, and the next step."""

from __future__ import annotations

from dataclasses import dataclass

from authmw.crypto.jws import shown


@dataclass(frozen=True, slots=True)
class Finding:
    """One result of a diagnosis.

    Args:
        check: the thing that was examined.
        ok: whether it is right; None if it is only information.
        words: the result, for people.
        fix: the next step; empty if there is none.
    """

    check: str
    ok: bool | None
    words: str
    fix: str = ""


def difference(said: str, wanted: str) -> str:
    """How the issuer `said` differs from `wanted`, after a comma; empty if they differ in more than one part.

    >>> difference("https://id.example/", "https://id.example"), difference("http://id.example", "https://id.example")
    (', with a slash at the end', ', with http: in place of https:')
    >>> difference("https://id.example/realms/a", "https://id.example/realms/b")
    ', another path on the same host: another realm or tenant'
    """
    from urllib.parse import urlsplit

    if said == wanted + "/":
        return ", with a slash at the end"
    if said + "/" == wanted:
        return ", without the slash at the end"
    try:
        one, other = urlsplit(said), urlsplit(wanted)
    except ValueError:
        return ""
    if one[1:] == other[1:]:
        return f", with {one.scheme}: in place of {other.scheme}:"
    if said.lower() == wanted.lower():
        return ", with other capital letters"
    if one.netloc == other.netloc:
        return ", another path on the same host: another realm or tenant"
    return ", another host" if one.path.rstrip("/") == other.path.rstrip("/") else ""


def quoted(value: object) -> str:
    """`value`, which is untrusted, as `shown` in a log, but with room for a long URL.

    >>> quoted("https://id.example/\\n")
    "'https://id.example/\\\\n'"
    """
    return ascii(value) if isinstance(value, str) and len(value) <= 200 else shown(value)
