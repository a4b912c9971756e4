"""Check of the arguments of `Auth`: what newcomers write for them, and the line to write."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, cast

from authmw.errors import ConfigurationError
from authmw.flow.application_code import takes
from authmw.identity.requirement import predicate_name
from authmw.identity.scopes import scope_mistakes
from authmw.schemes.base import Alternatives

_SCHEMES: Final = {
    "BasicCredentials": "HTTPBasic(",
    "BearerToken": "HTTPBearer(",
    "ApiKey": 'APIKeyHeader("X-API-Key", ',
    "DigestResponse": "HTTPDigest(",
    "DPoPToken": "HTTPDPoP(",
}
"""Type of credentials → the beginning of a scheme that reads them."""


def check_arguments(
    accept: object,
    realm: object,
    remember: object,
    scopes: object,
    resource: object,
    *,
    reason_pages: object,
    load_user: object,
    login: object,
    render: object,
) -> None:
    """Refuse what `Auth` cannot be made of.

    Raises:
        ConfigurationError: every mistake at once, each with its fix. They are the arguments of `Auth`.
    """
    mistakes: list[str] = scope_mistakes(scopes)
    if not isinstance(accept, Alternatives):
        mistakes.append(f"Auth accepts schemes, and {_instead_of(accept)}")
    else:
        # Two schemes of one name would overwrite each other in the OpenAPI document.
        last = {scheme.name: scheme for scheme in accept.schemes}
        mistakes += [
            f"two schemes are named {name}: give one of them a name of its own, {name}(..., name=...)"
            for name in sorted({each.name for each in accept.schemes if each is not last[each.name]})
        ]
    if not isinstance(realm, str) or not realm or not realm.isascii() or not realm.isprintable():
        mistakes.append(f"realm={realm!r} has to be printable ASCII and not empty: it stands in a header")
    if type(remember) is not int or remember < 0:
        mistakes.append("remember= is the number of verified tokens that are kept: write an int, 0 for none")
    if reason_pages != "":
        mistakes += _mistakes_in_address(reason_pages)
    if resource is not None and not hasattr(resource, "named_in"):
        mistakes.append(
            "resource= describes this API: ProtectedResource('https://api.example', ['https://id.example'])"
        )
    if load_user is not None and not callable(load_user):
        mistakes.append(
            f"load_user= is a function of the principal that returns your user object or None, not {load_user!r}"
        )
    if login is not None:
        mistakes += _mistakes_in_login(login)
    if render is not None and not (callable(render) and takes(render, 2)):
        mistakes.append(
            "render= is a function of the refusal and the request that returns a Body: write def render(refusal, "
            "request)"
        )
    if mistakes:
        raise ConfigurationError(*mistakes)


def _instead_of(accept: object) -> str:
    """What `accept`, which is no scheme, is, and what to write."""
    if isinstance(accept, type):
        return f"{accept.__name__} is a class: write Auth({accept.__name__}(...))"
    kind = type(accept).__name__
    if isinstance(accept, list | tuple | set | frozenset):
        names = [type(each).__name__ for each in cast("Iterable[object]", accept)]
        return f"this is a {kind}: write Auth({' | '.join(f'{name}(...)' for name in names)})"
    if hasattr(accept, "authenticate_async"):
        return "this is an Auth already: use it as it is"
    if hasattr(accept, "verify"):
        kinds: tuple[type, ...] = getattr(accept, "accepts", ())
        scheme = next((_SCHEMES[each.__name__] for each in kinds if each.__name__ in _SCHEMES), "HTTPBearer(")
        return f"{kind} verifies what a scheme has read: write Auth({scheme}{kind}(...)))"
    if callable(accept):
        name = predicate_name(accept) if predicate_name(accept).isidentifier() else "lambda token: ..."
        return f"this is a function: write Auth(HTTPBearer({name}))"
    return f"this is a {kind}: write Auth(HTTPBearer(...)) or Auth(a | b)"


def _mistakes_in_login(login: object) -> list[str]:
    from authmw.http.login_page import mistake_in_login

    return [wrong] if (wrong := mistake_in_login(login)) else []


def _mistakes_in_address(reason_pages: object) -> list[str]:
    """The mistake in the address of pages, if there is one: a code is added to its end."""
    from authmw.http.location import mistake_in_url  # loads ipaddress

    is_whole = isinstance(reason_pages, str) and reason_pages.endswith(("/", "#"))
    wrong = mistake_in_url(reason_pages.removesuffix("#") if isinstance(reason_pages, str) else None, insecure=True)
    if is_whole and not wrong:
        return []
    why = wrong or "it ends neither in / nor in #"
    return [f'reason_pages={reason_pages!r} is no address of pages, since {why}: write "https://docs.example/reasons/"']
