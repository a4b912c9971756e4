"""`Auth` of a service that accepts the tokens of an external issuer, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from authmw.engine.auth import Auth
from authmw.engine.user_loading import LoadUser
from authmw.errors import ConfigurationError
from authmw.issuers.introspection.verifier import IntrospectionVerifier
from authmw.issuers.issuer import Issuer
from authmw.local.sources import EXTERNAL, PREFIX, Found, Sources, checked
from authmw.schemes.http_bearer import HTTPBearer

_REQUIRED: Final = {
    "issuer": "the iss of its tokens, as https://id.example",
    "audience": "the name of this API, which is in the aud of its tokens",
}
_OF_ISSUER: Final = ("profile", "metadata_url", "jwks_uri")


def external_auth(kind: type[Auth], environ: Mapping[str, str] | None, load_user: LoadUser | None) -> Any:
    """See `Auth.from_env`."""
    sources = Sources.of(EXTERNAL, environ=environ)
    found = sources.found
    mistakes = [f"set {PREFIX}{name.upper()}: {why}" for name, why in _REQUIRED.items() if name not in found]
    if "client_secret" in found and "client_id" not in found:
        mistakes.append(f"set {PREFIX}CLIENT_ID too: the id of this API at the introspection endpoint")
    if "client_id" in found and "client_secret" not in found:
        mistakes.append(f"set {PREFIX}CLIENT_SECRET, or {PREFIX}CLIENT_SECRET_FILE, too: the secret of that client")
    mistakes += [f"{source} has to be text" for value, source in found.values() if not isinstance(value, str)]
    checked(sources, mistakes)
    given = {name: value for name, (value, _) in found.items()}
    try:
        verifier = _verifier(given)
    except ConfigurationError as error:
        raise ConfigurationError(*(f"{mistake} ({_named(found)})" for mistake in error.mistakes)) from None
    return kind(HTTPBearer(verifier), realm=given.get("realm", "app"), load_user=load_user)


def _verifier(given: Mapping[str, str]) -> Issuer | IntrospectionVerifier:
    options: dict[str, Any] = {name: given[name] for name in _OF_ISSUER if name in given}
    issuer = Issuer(given["issuer"], audience=given["audience"], **options)
    if "client_id" not in given and "introspection_endpoint" not in given:
        return issuer
    endpoint = given.get("introspection_endpoint")
    return IntrospectionVerifier(
        endpoint or issuer,
        audience=given["audience"],
        client_id=given.get("client_id", ""),
        client_secret=given.get("client_secret", ""),
        issuer=given["issuer"] if endpoint else None,
        profile=given.get("profile"),
    )


def _named(found: Mapping[str, Found]) -> str:
    return "read from " + ", ".join(sorted(source for _, source in found.values()))
