"""Schemathesis, driving the examples from their own documents, finds no 5xx and no status that is not documented."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

import pytest
from authmw_sqlalchemy import SQLStores
from authmw_starlette.openapi import openapi_document as document_of_starlette
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis import checks as of_all
from schemathesis import openapi as documents
from schemathesis.specs.openapi import checks as of_documents

from authmw.crypto.keyring import KeyRing
from authmw.crypto.passwords import CHEAPEST, PasswordHasher

pytestmark = pytest.mark.slow

_CHECKS_OF_ALL: Final[Any] = of_all  # both are partly untyped
_CHECKS_OF_DOCUMENTS: Final[Any] = of_documents
CHECKS: Final[list[Any]] = [
    _CHECKS_OF_ALL.not_a_server_error,
    _CHECKS_OF_DOCUMENTS.status_code_conformance,
    _CHECKS_OF_DOCUMENTS.content_type_conformance,
    _CHECKS_OF_DOCUMENTS.response_headers_conformance,
    _CHECKS_OF_DOCUMENTS.response_schema_conformance,
    _CHECKS_OF_DOCUMENTS.allow_header_conformance,
]
HEADERS: Final = {"fastapi_app": "Authorization: Bearer {}"}
"""How an API key is presented, where that is not in the header ``X-API-Key``."""
SCOPES: Final = ("orders:read", "orders:write", "orders:admin")


@dataclass
class Example:
    """An example application, its document, and who may ask it."""

    app: Any
    document: Mapping[str, Any]
    callers: dict[str, dict[str, str]]
    """By what they may do, the headers of a caller."""


def served(path: str) -> Callable[[Any], Mapping[str, Any]]:
    """The document that an application serves at `path`."""

    def fetch(app: Any) -> Mapping[str, Any]:
        loader: Any = documents.from_asgi if is_asgi(app) else documents.from_wsgi
        fetched: Mapping[str, Any] = loader(path, app).raw_schema
        return fetched

    return fetch


def is_asgi(app: Any) -> bool:
    return not hasattr(app, "wsgi_app")


EXAMPLES: Final[Mapping[str, tuple[str, Callable[[Any], Mapping[str, Any]]]]] = {
    "flask": ("flask_app", served("/docs/openapi.json")),
    "asgi": ("asgi_app", served("/docs/openapi.json")),
    "starlette": ("starlette_app", lambda app: document_of_starlette(app, title="Orders")),
    "fastapi": ("fastapi_app", lambda app: app.openapi()),
}


@pytest.fixture(scope="module", params=sorted(EXAMPLES))
def example(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    name, document = EXAMPLES[request.param]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp(name))
        KeyRing.generate().save("keys.json")
        stores = SQLStores("sqlite:///app.db", hasher=PasswordHasher(CHEAPEST))
        alice = stores.users.create("alice", "correct horse battery staple", scopes=SCOPES)
        known = {
            "who may do nothing": stores.keys.create(alice.id, ())[0],
            "who may do all": stores.keys.create(alice.id, SCOPES)[0],
        }
        app = import_module(f"examples.{name}").create_app()
        scheme = HEADERS.get(name, "X-API-Key: {}")
        callers = {who: dict([scheme.format(key).split(": ")]) for who, key in known.items()}
        yield Example(app, document(app), {"nobody": {}, **callers})
        stores.close()


@pytest.mark.parametrize("caller", ["nobody", "who may do nothing", "who may do all"])
def test_no_answer_is_a_server_error_or_undocumented(example: Example, caller: str) -> None:
    schema: Any = documents.from_dict(dict(example.document))
    schema.app = example.app
    statuses: set[int] = set()
    for result in schema.get_all_operations():
        operation = result.ok()
        # Where nothing may be sent, nothing can be sent wrongly.
        wrongly = bool(operation.definition.raw.get("parameters") or operation.definition.raw.get("requestBody"))
        for mode in GenerationMode if wrongly else [GenerationMode.POSITIVE]:

            @settings(max_examples=10, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
            @given(case=operation.as_strategy(mode))
            def ask(case: Any) -> None:
                answer = case.call_and_validate(headers=example.callers[caller], checks=CHECKS)
                statuses.add(answer.status_code)

            ask()
    # Each caller was met as such.
    assert statuses >= {"nobody": {401}, "who may do nothing": {403, 200}, "who may do all": {200}}[caller]
