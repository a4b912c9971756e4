"""The docs page in Chromium, against a certified provider: Authorize logs in by code and PKCE, and Try it out works."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Final

import pytest

from tests.browser.docs_reader import Reader, reading
from tests.oidc_provider.provider import Provider, provider
from tests.servers.running import running
from tests.support import chromium, require

pytestmark = [pytest.mark.browser, pytest.mark.servers]

SERVERS: Final = {
    "Starlette": ("uvicorn-h11", "tests.oidc_provider.docs_app:application"),
    "Flask": ("werkzeug", "tests.oidc_provider.docs_app:flask_application"),
}
# What the schemes are called in the dialog; Swagger UI has a form for each flow that the provider's metadata names.
FORMS: Final = {"by its endpoints": "ES256 (", "by its metadata": "OpenID (OAuth2, authorization_code "}


@pytest.fixture(scope="module")
def idp() -> Generator[Provider]:
    require("browser")
    require("oidc-provider")
    with provider() as server:
        yield server


@pytest.fixture(scope="module")
def browser(idp: Provider) -> Generator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module", params=SERVERS)
def api(request: pytest.FixtureRequest, idp: Provider) -> Generator[str]:
    server, application = SERVERS[request.param]
    with running(server, application, {"OIDC_ISSUER": idp.issuer}) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture
def reader(browser: Any, api: str, idp: Provider) -> Generator[Reader]:
    with reading(browser, f"{api}/docs/", idp.issuer) as reader:
        yield reader


@pytest.mark.parametrize("scheme", FORMS.values(), ids=FORMS)
def test_who_authorizes_at_the_provider_is_let_in_until_they_log_out(reader: Reader, scheme: str) -> None:
    assert reader.try_out()[0] == 401
    assert "Authorized" in reader.authorize(scheme)
    status, shown = reader.try_out()
    assert (status, '"alice"' in shown, '"docs"' in shown) == (200, True, True)
    assert len(reader.page.context.pages) == 1
    reader.log_out(scheme)
    assert reader.try_out()[0] == 401


@pytest.mark.parametrize("scheme", FORMS.values(), ids=FORMS)
def test_the_code_is_asked_for_with_a_challenge_and_exchanged_with_its_verifier_and_no_secret(
    reader: Reader, idp: Provider, scheme: str
) -> None:
    asked: list[Any] = []

    def hear(request: Any) -> None:
        asked.append(request)

    reader.page.context.on("request", hear)
    reader.authorize(scheme)
    assert any("code_challenge_method=S256" in each.url and "code_challenge=" in each.url for each in asked)
    (exchanged,) = (each.post_data for each in asked if each.url == f"{idp.issuer}/token" and each.method == "POST")
    assert "code_verifier=" in exchanged
    assert "client_secret" not in exchanged


def test_what_was_not_granted_is_a_403_that_names_the_scope(reader: Reader) -> None:
    reader.authorize(FORMS["by its endpoints"])
    assert reader.try_out("get")[0] == 200
    status, shown = reader.try_out("post")
    assert (status, "insufficient_scope" in shown, "orders:write" in shown) == (403, True, True)


def test_what_the_provider_refuses_is_shown_and_lets_nobody_in(reader: Reader) -> None:
    assert "invalid_target" in reader.authorize("Unknown")
    assert reader.try_out()[0] == 401
