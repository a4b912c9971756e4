"""The table of reasons: what each tells a client, which is no more than RFC 6750 §3.1 and RFC 9449 §7.1 have."""

from __future__ import annotations

import pytest

from authmw import Reason

STATUSES = {
    "authorization-duplicate": 400,
    "credential-duplicate": 400,
    "body-too-large": 400,
    "scope-missing": 403,
    "forbidden": 403,
    "too-many-attempts": 429,
    "account-throttled": 503,
    "unavailable": 503,
}
"""All others are a 401."""
ERRORS = {
    "authorization-duplicate": "invalid_request",
    "credential-duplicate": "invalid_request",
    "body-too-large": "invalid_request",
    "scope-missing": "insufficient_scope",
    "authentication-insufficient": "insufficient_user_authentication",
    "proof-nonce": "use_dpop_nonce",
}
TOLD_APART = {
    "credentials-missing", "authorization-duplicate", "credential-duplicate", "body-too-large", "token-expired",
    "proof-missing", "proof-nonce", "digest-stale", "cross-site", "session-ended", "scope-missing", "forbidden",
    "account-throttled", "too-many-attempts", "unavailable", "authentication-insufficient",
}  # fmt: skip
"""What a client is told exactly. Of other tokens, proofs and credentials it learns only that they are invalid."""
IN_GROUPS = {"token": "token-invalid", "proof": "proof-invalid", "scheme": "credentials-missing"}
DESCRIBED = {
    "authmw.token-invalid": "The access token is invalid.",
    "authmw.proof-invalid": "The DPoP proof is invalid.",
    "authmw.credentials-invalid": "The credentials are invalid.",
    "authmw.credentials-missing": "Authentication is required.",
}


@pytest.mark.parametrize("reason", Reason, ids=lambda reason: reason.name)
def test_a_reason_has_its_status_its_error_and_the_code_that_a_client_may_see(reason: Reason) -> None:
    slug = reason.code.removeprefix("authmw.")
    assert slug == reason.name.lower().replace("_", "-")
    kind = slug.partition("-")[0]
    assert reason.status == STATUSES.get(slug, 401)
    assert reason.error == ERRORS.get(slug, {"token": "invalid_token", "proof": "invalid_dpop_proof"}.get(kind))
    shown = slug if slug in TOLD_APART else IN_GROUPS.get(kind, "credentials-invalid")
    assert reason.public_code == f"authmw.{shown}"


def test_reasons_of_one_public_code_cannot_be_told_apart() -> None:
    seen: dict[str, set[tuple[int, str | None, str]]] = {}
    for reason in Reason:
        seen.setdefault(reason.public_code, set()).add((reason.status, reason.error, reason.description))
    assert {code: told for code, told in seen.items() if len(told) > 1} == {}
    for code, description in DESCRIBED.items():
        assert {text for _, _, text in seen[code]} == {description}
