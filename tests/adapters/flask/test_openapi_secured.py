"""Security in documents of others: looked up by path, however prefixed, and put where each library makes its own."""

# The extensions are untyped, or typed loosely, so they are Any here.
# mypy: disable-error-code="untyped-decorator, misc"

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from importlib import import_module
from typing import Any

import pytest
from authmw_flask import FlaskAuth, public, requires_scopes, secure_openapi, secured_document
from flask import Blueprint, Flask
from openapi_spec_validator import OpenAPIV2SpecValidator, validate
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.test import Client

from authmw import ConfigurationError
from tests.adapters.flask.shop import ask, shop_auth

READ = [{"HTTPBearer": ["orders:read"]}]
ANYBODY: list[dict[str, list[str]]] = []
AUTHENTICATED: list[dict[str, list[str]]] = [{"HTTPBearer": []}]


def _orders() -> Callable[..., dict[str, str]]:
    @requires_scopes("orders:read")
    def orders(**names: Any) -> dict[str, str]:
        return {}

    return orders


def _app(*rules: str) -> Flask:
    app = Flask("shop", static_folder=None)
    for rule in rules:
        app.add_url_rule(rule, rule, _orders())
    FlaskAuth(app, shop_auth())
    return app


def _document(*paths: str, method: str = "get", **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": {path: {method: {"responses": {}}} for path in paths}, **more}


def _security(app: Flask, document: dict[str, Any], prefix: str | None = None) -> list[Any]:
    made = secured_document(app, document, prefix=prefix)
    return [operation.get("security") for item in made["paths"].values() for operation in item.values()]


def test_a_path_is_known_by_whatever_name_its_parameters_have() -> None:
    app = _app("/orders/<int:number>/lines/<line>")
    assert _security(app, _document("/orders/{number}/lines/{line}")) == [READ]
    assert _security(app, _document("/orders/{a}/lines/{b}")) == [READ]


def _named(name: str) -> str:
    return name


def test_of_two_paths_that_differ_in_names_each_is_found() -> None:
    app = _app("/orders/<int:number>")
    app.add_url_rule("/orders/<name>", "named", public(_named))
    assert _security(app, _document("/orders/{number}")) == [READ]
    assert _security(app, _document("/orders/{name}")) == [ANYBODY]


def test_head_goes_with_get() -> None:
    assert _security(_app("/orders"), _document("/orders", method="head")) == [READ]


def test_what_the_application_does_not_serve_stays_as_it_is() -> None:
    document = _document("/orders", "/elsewhere")
    assert _security(_app("/orders"), document) == [READ, None]


def test_security_by_hand_is_replaced_and_the_document_given_stays() -> None:
    document = _document("/orders")
    document["paths"]["/orders"]["get"]["security"] = [{"nobody": []}]
    before = deepcopy(document)
    assert _security(_app("/orders"), document) == [READ]
    assert document == before


@pytest.mark.parametrize(
    "servers",
    [
        [{"url": "/v1"}],
        [{"url": "/v1/"}],
        [{"url": "https://shop.example/v1"}],
        [{"url": "https://shop.example/script/name/v1"}],
        [{"url": "https://other.example/"}, {"url": "/v1"}],
    ],
)
def test_what_stands_before_the_paths_is_found_in_the_servers(servers: list[dict[str, str]]) -> None:
    app = _app("/v1/orders")
    app.add_url_rule("/orders", "unversioned", public(lambda: "seen"))
    assert _security(app, _document("/orders", servers=servers)) == [READ]


def test_servers_that_are_only_where_the_application_is_stand_before_nothing() -> None:
    app = _app("/orders", "/orders/<int:number>")
    servers = [{"url": "https://shop.example/script/name"}]
    assert _security(app, _document("/orders", "/orders/{number}", servers=servers)) == [READ, READ]


def test_a_prefix_that_is_given_is_the_one() -> None:
    app = _app("/v2/orders")
    app.add_url_rule("/v1/orders", "old", public(lambda: "seen"))
    document = _document("/orders", servers=[{"url": "/v1"}])
    assert _security(app, document) == [ANYBODY]
    assert _security(app, document, prefix="/v2") == [READ]
    assert _security(app, document, prefix="/v2/") == [READ]


def test_a_document_of_another_application_is_a_mistake_unless_it_has_nothing_in_it() -> None:
    app = _app("/orders")
    with pytest.raises(ConfigurationError, match="prefix="):
        secured_document(app, _document("/elsewhere"))
    with pytest.raises(ConfigurationError, match="prefix="):
        secured_document(app, _document("/orders"), prefix="/v3")
    assert secured_document(app, _document())["paths"] == {}


def test_below_a_mount_what_stands_around_it_is_described() -> None:
    app = Flask("shop", static_folder=None)
    app.add_url_rule("/admin/users", "hidden", _orders())
    setattr(app, "wsgi_app", DispatcherMiddleware(app.wsgi_app, {"/admin": Flask("admin")}))  # noqa: B010 - Flask's way
    FlaskAuth(app, shop_auth())
    assert _security(app, _document("/admin/users", "/admin")) == [AUTHENTICATED, AUTHENTICATED]
    assert ask(app, "/admin/users", as_="nobody-special").status_code == 404  # which the mounted one answers


def test_of_a_mount_that_nothing_stands_around_nobody_knows_what_it_asks() -> None:
    app = _app("/orders")
    setattr(app, "wsgi_app", DispatcherMiddleware(app.wsgi_app, {"/admin": Flask("admin")}))  # noqa: B010 - Flask's way
    document = _document("/orders", "/admin/users")
    document["paths"]["/admin/users"]["get"]["security"] = [{"own": []}]
    assert _security(app, document) == [READ, [{"own": []}]]


def test_path_items_that_are_elsewhere_in_the_document_are_found_under_their_prefix() -> None:
    app = _app("/v1/orders")
    document = _document("/orders", servers=[{"url": "/script/v1"}])
    document["components"] = {"pathItems": {"Orders": document["paths"]["/orders"]}}
    document["paths"]["/orders"] = {"$ref": "#/components/pathItems/Orders"}
    assert _security(app, document) == [READ]


def test_an_application_that_nobody_guards_secures_no_document() -> None:
    with pytest.raises(ConfigurationError, match=r"call FlaskAuth\(app, auth\) first"):
        secured_document(Flask("shop"), _document("/orders"))


def _spec(version: str = "3.1.0") -> Any:
    return import_module("apispec").APISpec("Shop", "1", version)


def test_all_that_an_apispec_writes_is_secured_however_early_it_is_asked_for() -> None:
    app, spec = Flask("shop", static_folder=None), _spec()
    secure_openapi(app, spec)
    FlaskAuth(app, shop_auth())
    spec.path("/orders", operations={"get": {"responses": {}}})
    app.add_url_rule("/orders", "orders", _orders())
    assert spec.to_dict()["paths"]["/orders"]["get"]["security"] == READ
    assert "orders:read" in spec.to_yaml()


def test_an_apispec_of_swagger_is_secured_as_swagger_can() -> None:
    app, spec = _app("/v1/orders"), _spec("2.0")
    spec.options["basePath"] = "/v1"
    spec.path("/orders", operations={"get": {"responses": {"200": {"description": "Done"}}}})
    secure_openapi(app, spec)
    made = spec.to_dict()
    assert made["paths"]["/orders"]["get"]["security"] == AUTHENTICATED
    validate(made, cls=OpenAPIV2SpecValidator)


def test_securing_twice_is_securing_once() -> None:
    app, spec, once = _app("/orders"), _spec(), _spec()
    for each in (spec, once):
        each.path("/orders", operations={"get": {"responses": {}}})
        secure_openapi(app, each)
    secure_openapi(app, spec)
    assert spec.to_dict() == once.to_dict()


def test_a_prefix_reaches_the_documents_of_a_generator() -> None:
    app, spec = _app("/v1/orders"), _spec()
    spec.path("/orders", operations={"get": {"responses": {}}})
    secure_openapi(app, spec, prefix="/v1")
    assert spec.to_dict()["paths"]["/orders"]["get"]["security"] == READ


def _apiflask() -> Any:
    app = import_module("apiflask").APIFlask("shop")
    app.config["OPENAPI_VERSION"] = "3.1.0"
    app.get("/orders")(_orders())
    FlaskAuth(app, shop_auth())
    secure_openapi(app)
    return app


@pytest.mark.parametrize("passes_object", [False, True])
def test_apiflask_hands_the_secured_document_to_the_applications_own_processor(passes_object: bool) -> None:
    app = _apiflask()
    app.config["SPEC_PROCESSOR_PASS_OBJECT"] = passes_object
    seen: list[Any] = []

    @app.spec_processor
    def process(spec: Any) -> Any:
        seen.append(spec.to_dict() if passes_object else spec)
        return spec

    made = app.spec
    assert made["paths"]["/orders"]["get"]["security"] == READ
    assert seen == [made]


def test_apiflask_writes_yaml_and_its_command_prints_the_same() -> None:
    app = _apiflask()
    printed = app.test_cli_runner().invoke(import_module("apiflask.commands").spec_command)
    assert json.loads(printed.output)["paths"]["/orders"]["get"]["security"] == READ
    app = _apiflask()
    app.config["SPEC_FORMAT"] = "yaml"
    assert "orders:read" in ask(app, "/openapi.json", as_="reader").text


def test_smorest_prints_what_it_serves() -> None:
    extension: Any = import_module("flask_smorest")
    app = Flask("shop")
    app.config.from_mapping(API_TITLE="shop", API_VERSION="1", OPENAPI_VERSION="3.0.3", OPENAPI_URL_PREFIX="/")
    api = extension.Api()
    with pytest.raises(ConfigurationError, match=r"api.init_app\(app\)"):
        secure_openapi(app, api)
    api.init_app(app)
    secure_openapi(app, api)
    blueprint = extension.Blueprint("orders", "orders", url_prefix="/v1")
    blueprint.route("/orders")(_orders())
    api.register_blueprint(blueprint)
    FlaskAuth(app, shop_auth())
    printed = json.loads(app.test_cli_runner().invoke(args=["openapi", "print"]).output)
    assert printed == ask(app, "/openapi.json", as_="reader").get_json()
    assert printed["paths"]["/v1/orders"]["get"]["security"] == AUTHENTICATED
    validate(printed)


def test_openapi3_prints_what_it_serves() -> None:
    extension: Any = import_module("flask_openapi3")
    app = extension.OpenAPI("shop", security_schemes={"made up": {"type": "http", "scheme": "basic"}})
    secure_openapi(app)
    app.get("/orders", security=[{"made up": []}])(_orders())
    FlaskAuth(app, shop_auth())
    printed = json.loads(app.test_cli_runner().invoke(args=["openapi"]).output)
    assert printed == app.api_doc
    assert printed["paths"]["/orders"]["get"]["security"] == READ


def _restx(url_prefix: str = "/v1") -> tuple[Flask, Any]:
    extension: Any = import_module("flask_restx")
    app = Flask("shop", static_folder=None)
    blueprint = Blueprint("api", __name__, url_prefix=url_prefix)
    api = extension.Api(blueprint)

    @api.route("/orders/<int:number>")
    class Orders(extension.Resource):
        @requires_scopes("orders:read")
        def get(self, number: int) -> dict[str, int]:
            return {"number": number}

    app.register_blueprint(blueprint)
    FlaskAuth(app, shop_auth())
    return app, api


@pytest.mark.parametrize("script_name", ["", "/behind/a/proxy"])
def test_restx_is_secured_under_a_base_path_and_a_prefix(script_name: str) -> None:
    app, api = _restx()
    secure_openapi(app, api)
    headers = {"Authorization": "Bearer reader"}
    for name in (script_name, ""):  # it keeps the first one that it made
        made = Client(app).get("/v1/swagger.json", headers=headers, environ_overrides={"SCRIPT_NAME": name}).get_json()
        assert made["basePath"] == f"{script_name}/v1"
        assert made["paths"]["/orders/{number}"]["get"]["security"] == AUTHENTICATED
        validate(made, cls=OpenAPIV2SpecValidator)


def test_restx_stays_what_it_was() -> None:
    app, api = _restx()
    secure_openapi(app, api)
    assert isinstance(api, import_module("flask_restx").Api)
    assert repr(api).startswith("<flask_restx.api.Api object")


def test_a_schema_that_restx_cannot_render_is_told_as_it_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    app, api = _restx()
    secure_openapi(app, api)
    monkeypatch.setattr(api, "_schema", {"error": "Unable to render schema"})
    answer = ask(app, "/v1/swagger.json", as_="reader")
    assert (answer.status_code, answer.get_json()) == (500, {"error": "Unable to render schema"})


def test_payloads_of_hidden_resources_of_restx_are_still_checked() -> None:
    extension: Any = import_module("flask_restx")
    app = Flask("shop", static_folder=None)
    api = extension.Api(app)
    line = api.model("Line", {"name": extension.fields.String(required=True)})
    order = api.model("Order", {"lines": extension.fields.List(extension.fields.Nested(line))})

    @api.route("/orders", doc=False)
    class Orders(extension.Resource):
        @api.expect(order, validate=True)
        def post(self) -> dict[str, bool]:
            return {"created": True}

    @api.route("/me")
    class Me(extension.Resource):
        def get(self) -> dict[str, bool]:
            return {}

    FlaskAuth(app, shop_auth())
    secure_openapi(app, api)
    client, headers = app.test_client(), {"Authorization": "Bearer reader"}
    assert client.post("/orders", json={"lines": [{"name": "tea"}]}, headers=headers).status_code == 200
    assert client.post("/orders", json={"lines": [{}]}, headers=headers).status_code == 400


@pytest.mark.parametrize(
    "generator, fix",
    [(None, r"openapi_document\(app\)"), (object(), r"secured_document\(app, document\)")],
    ids=["plain Flask", "an unknown one"],
)
def test_what_makes_no_document_is_refused_with_the_way_out(generator: object, fix: str) -> None:
    with pytest.raises(ConfigurationError, match=fix):
        secure_openapi(Flask("shop"), generator)


def test_a_document_is_not_made_before_the_application_is_guarded() -> None:
    app, spec = Flask("shop"), _spec()
    secure_openapi(app, spec)
    with pytest.raises(ConfigurationError, match=r"call FlaskAuth\(app, auth\) first"):
        spec.to_dict()
