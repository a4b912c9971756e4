"""What the docs page answers, without a browser: its policy, its files and nothing else, caching, methods."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

import pytest

from authmw import ConfigurationError
from authmw.http.response import Response
from authmw.openapi import DocsPage
from authmw.openapi.docs_page import swagger_ui
from authmw.openapi.docs_page.page import way_up
from tests.requests import wsgi_request

INFO: dict[str, Any] = {"openapi": "3.1.1", "info": {"title": "Shop", "version": "1"}, "paths": {}}
FILES = ["docs.css", "docs.js", "document.js", "authorization.js", "requests.js", "oauth2-redirect.js"]


def ask(shown: DocsPage, path: str = "/", *, method: str = "GET", root: str = "../", **headers: str) -> Response:
    return shown.respond(wsgi_request(f"/docs{path}", method, **headers), path, root)


def header(response: Response, name: str) -> str | None:
    return dict(response.headers).get(name)


def policy(response: Response) -> dict[str, list[str]]:
    directives = (each.split() for each in (header(response, "Content-Security-Policy") or "").split("; "))
    return {directive[0]: directive[1:] for directive in directives}


def settings(response: Response) -> dict[str, str]:
    return {name: html.unescape(value) for name, value in re.findall(r'data-(\w+)="([^"]*)"', response.body.decode())}


# The HTML


@pytest.mark.parametrize("path", ["/", "/oauth2-redirect.html"])
def test_html_runs_nothing_but_files_of_its_own_and_stands_in_no_frame(path: str) -> None:
    answer = ask(DocsPage(), path)
    assert policy(answer) == {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
    text = answer.body.decode()
    assert all(re.match(r'<script src="[a-z0-9-]+\.js"', each) for each in re.findall(r"<script.*?>", text))
    assert re.search(r"</script>(?<!></script>)|<style|\son\w+=|javascript:", text) is None


@pytest.mark.parametrize("path", ["/", "/docs.js", "/swagger-ui.css", "/oauth2-redirect.html", "/nothing", "", "/x"])
def test_every_answer_is_of_the_type_that_it_says_and_tells_nobody_where_it_was(path: str) -> None:
    answer = ask(DocsPage(), path)
    assert header(answer, "X-Content-Type-Options") == "nosniff"
    assert header(answer, "Referrer-Policy") == "no-referrer"
    assert header(answer, "Content-Length") == str(len(answer.body))


def test_every_file_that_a_page_names_is_there() -> None:
    shown = DocsPage()
    named = [
        name
        for path in ("/", "/oauth2-redirect.html")
        for name in re.findall(r'(?:href|src)="([^"]+)"', ask(shown, path).body.decode())
    ]
    imported = re.findall(r'from "\./([^"]+)"', "".join(ask(shown, f"/{each}").body.decode() for each in FILES))
    assert {ask(shown, f"/{name}").status for name in {*named, *imported} - {"../openapi.json"}} == {200}
    assert set(named) | set(imported) == {*FILES, *swagger_ui.FILES, "../openapi.json"}


HOSTILE = "\"'></title><script>alert(1)</script>&{0}{title}"


def test_nothing_that_is_configured_becomes_markup() -> None:
    answer = ask(DocsPage(title=HOSTILE, client_id=HOSTILE))
    assert b"<script>alert" not in answer.body
    assert settings(answer)["title"] == settings(answer)["client"] == HOSTILE


def test_the_script_is_told_what_was_configured() -> None:
    shown = DocsPage(title="Shop", client_id="docs", scopes=(each for each in ["a", "b"]), persist=True)
    assert settings(ask(shown)) == {
        "openapi": "../openapi.json",
        "root": "../",
        "title": "Shop",
        "client": "docs",
        "scopes": "a b",
        "persist": "yes",
    }


@pytest.mark.parametrize(
    "shown, openapi",
    [
        pytest.param(DocsPage("v1/openapi.json"), "../../v1/openapi.json", id="relative to the root"),
        pytest.param(DocsPage("https://api.example/o.json"), "https://api.example/o.json", id="whole"),
        pytest.param(DocsPage(document=INFO), "openapi.json", id="below the page"),
    ],
)
def test_the_document_is_found_from_wherever_the_page_is(shown: DocsPage, openapi: str) -> None:
    assert settings(ask(shown, root="../../"))["openapi"] == openapi


# Whom scripts may ask


def test_scripts_may_ask_the_origins_that_were_named_and_that_of_the_document() -> None:
    shown = DocsPage("https://api.example:8443/openapi.json", connect=["https://id.example", "http://[::1]:9000"])
    asked = policy(ask(shown))["connect-src"]
    assert asked == ["'self'", "https://id.example", "http://[::1]:9000", "https://api.example:8443"]


def test_scripts_may_ask_what_the_document_sends_them_to() -> None:
    flows = {"clientCredentials": {"tokenUrl": "https://id.example/t", "refreshUrl": "https://again.example/"}}
    document = {
        **INFO,
        "servers": [{"url": "https://API.example/v1"}, {"url": "/v2"}, {"url": "https://{region}.example"}],
        "paths": {
            "/a": {
                "servers": [{"url": "https://a.example"}],
                "get": {"servers": [{"url": "https://b.example"}]},
            }
        },
        "components": {
            "securitySchemes": {
                "Client": {"type": "oauth2", "flows": flows},
                "OIDC": {"type": "openIdConnect", "openIdConnectUrl": "https://oidc.example/.well-known/x"},
            }
        },
    }
    assert policy(ask(DocsPage(document=document)))["connect-src"] == [
        "'self'",
        "https://api.example",
        "https://a.example",
        "https://b.example",
        "https://id.example",
        "https://again.example",
        "https://oidc.example",
    ]


@pytest.mark.parametrize(
    "url", ["https://x.example; script-src *", "https://x y/", "https://*/", "data:,x", "https://u:p@x.example/", "//x"]
)
def test_no_url_of_a_document_widens_the_policy(url: str) -> None:
    answer = ask(DocsPage(document={**INFO, "servers": [{"url": url}]}))
    assert policy(answer)["connect-src"] in (["'self'"], ["'self'", "https://x.example"])
    assert policy(answer)["script-src"] == ["'self'"]


@pytest.mark.parametrize("paths", [None, [], "x", {"/a": None}, {"/a": {"get": "x", "servers": "y"}}])
def test_a_document_that_is_none_does_not_break_the_page(paths: object) -> None:
    assert ask(DocsPage(document={"paths": paths, "servers": {}, "components": 3})).status == 200


# Files


@pytest.mark.parametrize(
    "path",
    [
        "/nothing.js",
        "/index.html",
        "/oauth2-redirect.js.map",
        "/swagger-ui.js",
        "/VERSION",
        "/../page.py",
        "/../../pyproject.toml",
        "/..%2fpage.py",
        "//etc/passwd",
        "/files/docs.js",
        "/docs.js/",
        "/docs.js\x00",
        "/DOCS.JS",
        "/\\docs.js",
        "/openapi.json",
        "docs.js.",
    ],
)
def test_only_names_that_are_known_lead_anywhere(path: str) -> None:
    assert ask(DocsPage(), path).status == 404


@pytest.mark.parametrize(
    "name, kind",
    [
        ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
        ("swagger-ui.css", "text/css; charset=utf-8"),
        ("favicon-32x32.png", "image/png"),
        ("docs.js", "text/javascript; charset=utf-8"),
        ("docs.css", "text/css; charset=utf-8"),
    ],
)
def test_a_file_is_sent_with_its_type(name: str, kind: str) -> None:
    answer = ask(DocsPage(), f"/{name}")
    assert (answer.status, header(answer, "Content-Type")) == (200, kind)
    assert len(answer.body) > 100


def test_the_document_is_asked_for_each_time() -> None:
    titles = iter(["first", "second"])
    shown = DocsPage(document=lambda: {**INFO, "info": {"title": next(titles)}})
    assert [json.loads(ask(shown, "/openapi.json").body)["info"]["title"] for _ in range(2)] == ["first", "second"]


# Caching


@pytest.mark.parametrize("path", ["/", "/docs.js", "/swagger-ui-bundle.js", "/openapi.json"])
def test_who_has_a_file_already_is_told_so(path: str) -> None:
    shown = DocsPage(document=INFO)
    first = ask(shown, path)
    tag = header(first, "ETag") or ""
    assert header(first, "Cache-Control") == "private, no-cache"
    again = ask(shown, path, if_none_match=f'"other", W/{tag}')
    assert (again.status, again.body, header(again, "ETag")) == (304, b"", tag)
    assert ask(shown, path, if_none_match='"other"').status == 200


def test_a_change_has_another_tag() -> None:
    tags = {header(ask(DocsPage(title=title)), "ETag") for title in ("a", "b")}
    assert len(tags) == 2


def test_the_page_that_gets_the_code_is_in_no_cache() -> None:
    assert header(ask(DocsPage(), "/oauth2-redirect.html"), "Cache-Control") == "no-store"


# Methods and slashes


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get"])
@pytest.mark.parametrize("path", ["/", "", "/docs.js", "/nothing"])
def test_the_page_is_only_read(method: str, path: str) -> None:
    answer = ask(DocsPage(), path, method=method)
    assert (answer.status, header(answer, "Allow")) == (405, "GET, HEAD")


def test_head_has_the_headers_of_get() -> None:
    shown = DocsPage()
    assert ask(shown, method="HEAD").headers == ask(shown).headers


@pytest.mark.parametrize(
    "path, location",
    [
        ("/docs", "./docs/"),
        ("/a/b/docs", "./docs/"),
        ("//evil.example", "./evil.example/"),
        ("/https:evil.example", "./https:evil.example/"),
        ("/a\\b\r\n", "./a%5Cb%0D%0A/"),
    ],
)
def test_without_its_slash_the_page_is_one_slash_further(path: str, location: str) -> None:
    answer = DocsPage().respond(wsgi_request(path), "")
    assert (answer.status, header(answer, "Location")) == (307, location)


# Mistakes


def test_a_missing_package_is_a_sentence_with_its_fix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swagger_ui, "PACKAGE", "not_installed_anywhere")
    with pytest.raises(ConfigurationError, match=r'pip install "authmw\[docs\]"'):
        DocsPage()


def test_a_package_without_the_files_is_a_missing_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    spec = ModuleSpec("empty", None, is_package=True)
    spec.submodule_search_locations = [str(tmp_path)]

    def find_spec(_: str) -> ModuleSpec:
        return spec

    monkeypatch.setattr("importlib.util.find_spec", find_spec)
    with pytest.raises(ConfigurationError, match=r'pip install "authmw\[docs\]"'):
        DocsPage()


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        ({"openapi_url": "/openapi.json"}, "write 'openapi.json'"),
        ({"openapi_url": ""}, "openapi.json"),
        ({"openapi_url": "javascript:alert(1)"}, "openapi.json"),
        ({"openapi_url": INFO}, "as document="),
        ({"document": "openapi.json"}, "pass a mapping"),
        ({"connect": ["https://id.example/token"]}, "no origin"),
        ({"connect": "https://id.example; script-src *"}, "no origin"),
        ({"scopes": "orders:read orders:write"}, "has to be a list: write ['orders:read', 'orders:write']"),
    ],
)
def test_a_mistake_is_a_sentence_with_its_fix(arguments: Mapping[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(sentence)):
        DocsPage(**arguments)


def test_all_mistakes_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swagger_ui, "PACKAGE", "not_installed_anywhere")
    with pytest.raises(ConfigurationError) as raised:
        DocsPage("/o.json", document="x", connect=["y"], scopes=["a b"])  # type: ignore[arg-type] # the mistake
    assert len(raised.value.mistakes) == 5


def test_the_package_is_not_imported() -> None:
    from tests.support import fresh_python

    code = "import sys; from authmw.openapi import DocsPage; DocsPage(); print('flask_swagger_ui' in sys.modules)"
    assert fresh_python("-c", code).stdout.strip() == "False"


def test_the_way_up_leads_to_the_root() -> None:
    assert [way_up(each) for each in ("/docs/", "/internal/docs/", "/")] == ["../", "../../", "./"]


def test_a_repr_holds_no_document() -> None:
    assert repr(DocsPage(document=INFO)) == "DocsPage(document=...)"
