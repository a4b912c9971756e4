"""What the metadata of an issuer says that it can do (RFC 8414 §2). None of it is wrong; some is worth knowing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, cast

from authmw.crypto.jose.jws import shown
from authmw.issuers.diagnosis.diagnose import Diagnosis, quoted


def features(document: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """What is worth knowing before anything is built on this issuer."""
    endpoint: object = document.get("introspection_endpoint")
    if isinstance(endpoint, str):
        yield Diagnosis(
            "introspection", None, f"{quoted(endpoint)[1:-1]}: IntrospectionVerifier can ask about opaque tokens"
        )
    else:
        yield Diagnosis("introspection", None, "no endpoint is named: opaque tokens cannot be verified")
    if "S256" in _texts(document.get("code_challenge_methods_supported")):
        yield Diagnosis("PKCE", None, "S256")
    elif "authorization_endpoint" in document:
        words = "it does not say that it takes S256: MCP clients, for one, then do not log in"
        yield Diagnosis("PKCE", None, words, "switch it on, or find out whether it is merely not said")
    grants = _texts(document.get("grant_types_supported"))
    if grants:
        old = [grant for grant in grants if grant in ("implicit", "password")]
        fix = f"switch {' and '.join(old)} off where nobody needs it (RFC 9700 §2.1.2, §2.4)" if old else ""
        yield Diagnosis("grants", None, ", ".join(shown(grant)[1:-1] for grant in grants[:12]), fix)
    bound = _texts(document.get("dpop_signing_alg_values_supported"))
    if bound:
        words = f"it binds tokens to keys, by {', '.join(shown(alg)[1:-1] for alg in bound[:12])}"
        yield Diagnosis("DPoP", None, words + ": HTTPDPoP takes them")


def _texts(value: object) -> list[str]:
    return [each for each in cast("list[object]", value) if isinstance(each, str)] if isinstance(value, list) else []
