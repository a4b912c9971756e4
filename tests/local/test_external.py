"""`Auth.from_env`: an external issuer by the environment, and every mistake at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from authmw import Auth, ConfigurationError, HTTPBearer
from authmw.engine.authentication import Authentication
from authmw.issuers import IntrospectionVerifier
from authmw.issuers.issuer import Issuer
from authmw.testing import FakeIssuer
from tests.requests import wsgi_request

GIVEN = {"AUTHMW_ISSUER": "https://id.example", "AUTHMW_AUDIENCE": "orders"}


def verifier_of(auth: Auth) -> object:
    assert isinstance(auth.accept, HTTPBearer)
    return auth.accept.verifier


def test_its_tokens_are_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeIssuer("https://id.example")
    auth = Auth.from_env(GIVEN | {"AUTHMW_REALM": "shop"})
    verifier = verifier_of(auth)
    assert isinstance(verifier, Issuer)
    monkeypatch.setattr(verifier.fetcher, "fetch", fake.fetch)
    good = auth.authenticate(wsgi_request(authorization=f"Bearer {fake.token(audience='orders')}"))
    assert isinstance(good, Authentication)
    other = auth.authenticate(wsgi_request(authorization=f"Bearer {fake.token(audience='other')}"))
    assert not isinstance(other, Authentication)
    assert auth.realm == "shop"


def test_the_process_environment_is_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    assert isinstance(verifier_of(Auth.from_env()), Issuer)


@pytest.mark.parametrize("where", ["environment", "file of the secret", "authmw.toml"])
def test_a_client_of_the_issuer_introspects(where: str, folder: Path) -> None:
    environ = GIVEN | {"AUTHMW_CLIENT_ID": "orders-api"}
    if where == "environment":
        environ |= {"AUTHMW_CLIENT_SECRET": "s3cret-of-client"}
    elif where == "file of the secret":
        (folder / "secret").write_text("s3cret-of-client\n")
        environ |= {"AUTHMW_CLIENT_SECRET_FILE": "secret"}
    else:
        (folder / "authmw.toml").write_text('client_secret = "s3cret-of-client"\n')
    auth = Auth.from_env(environ)
    assert isinstance(verifier_of(auth), IntrospectionVerifier)
    assert "s3cret" not in repr(auth.accept) + repr(verifier_of(auth))


def test_the_class_that_is_asked_is_made() -> None:
    class Own(Auth):
        """A subclass."""

    assert type(Own.from_env(GIVEN)) is Own


def test_every_mistake_is_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        Auth.from_env({"AUTHMW_ISUER": "https://id.example", "AUTHMW_CLIENT_SECRET": "geheim"})
    assert raised.value.mistakes == (
        "AUTHMW_ISUER is no setting of authmw: did you mean AUTHMW_ISSUER?",
        "set AUTHMW_ISSUER: the iss of its tokens, as https://id.example",
        "set AUTHMW_AUDIENCE: the name of this API, which is in the aud of its tokens",
        "set AUTHMW_CLIENT_ID too: the id of this API at the introspection endpoint",
    )
    with pytest.raises(ConfigurationError, match=r"profile='keycloack' is none of .* AUTHMW_PROFILE"):
        Auth.from_env(GIVEN | {"AUTHMW_PROFILE": "keycloack"})
    with pytest.raises(ConfigurationError, match="set AUTHMW_CLIENT_SECRET, or AUTHMW_CLIENT_SECRET_FILE, too"):
        Auth.from_env(GIVEN | {"AUTHMW_CLIENT_ID": "orders-api"})
