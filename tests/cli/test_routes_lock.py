"""``authmw routes --lock``: the lock is written, and ``--check`` against it fails on looser access."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.written_app import forgotten_afterwards, write

Run = Callable[..., Result]

SHOP = """
    from authmw import Auth, HTTPBearer, any_of, public, requires, requires_scopes
    from authmw.asgi import AuthMiddleware as PlainMiddleware
    from authmw_flask import FlaskAuth
    from authmw_starlette import AuthMiddleware
    from flask import Flask
    from starlette.applications import Starlette
    from starlette.routing import Mount, Route, WebSocketRoute

    auth = Auth(HTTPBearer(lambda token: None))

    def is_owner(principal, request):
        return principal.id == request.path_params["number"]

    app = Flask("shop", static_folder=None)
    FlaskAuth(app, auth, public=["/docs/*"], needs={"/admin/*": "admin"}, leave=["/own/*"])

    @app.get("/orders/<int:number>")
    @requires_scopes("orders:read", any_of("a", "b"))
    @requires(is_owner)
    def order(number):
        raise NotImplementedError

    @app.get("/health")
    @public
    def health():
        raise NotImplementedError

    @app.get("/plain")
    def plain():
        raise NotImplementedError

    @requires_scopes("live")
    async def live(request):
        raise NotImplementedError

    async def admin(scope, receive, send):
        raise NotImplementedError

    inner = Starlette(routes=[Route("/live", live), WebSocketRoute("/socket", live)])
    inner.add_middleware(AuthMiddleware, auth=auth, needs={"/live": "inner"})
    asgi = Starlette(routes=[Mount("/in", inner), Mount("/admin", admin)])
    asgi.add_middleware(AuthMiddleware, auth=auth)

    async def unknown(scope, receive, send):
        raise NotImplementedError

    plain_asgi = PlainMiddleware(unknown, auth, needs={"GET /api/*": "read"}, public=["/health"])
"""


@pytest.fixture(autouse=True)
def shop() -> Iterator[Path]:
    with forgotten_afterwards():
        yield write("shop", SHOP)


def without_rules(shop: Path) -> None:
    """Take the pattern out that names no route, which ``--check`` is not content with."""
    shop.write_text(shop.read_text().replace(', needs={"/admin/*": "admin"}', ""))


def checked_after(run: Run, shop: Path, old: str, new: str, application: str = "shop:app") -> Result:
    """Write a lock, change the application, and check it against the lock."""
    with forgotten_afterwards():
        assert run("routes", application, "--lock", "routes.lock").exit_code == 0
    text = shop.read_text()
    assert old in text
    shop.write_text(text.replace(old, new))
    return run("routes", application, "--check", "--lock", "routes.lock")


def test_the_lock_has_one_line_for_each_route_and_each_pattern(run: Run) -> None:
    run("routes", "shop:app", "--lock", "routes.lock")
    head, *lines = Path("routes.lock").read_text().splitlines()
    assert head.startswith("# ")
    *known, order, plain = lines
    assert known == [
        "GUARD / default deny",
        "GUARD / public /docs/*",
        "GUARD / leave /own/*",
        'GUARD / needs /admin/* "admin"',
        "GET /health public anyone",
    ]
    assert order.startswith('GET /orders/{number} declared "orders:read" any_of("a","b") check(shop.is_owner,')
    assert plain == "GET /plain default authenticated"


def test_websockets_mounts_and_inner_guards_are_in_it(run: Run) -> None:
    run("routes", "shop:asgi", "--lock", "routes.lock")
    assert Path("routes.lock").read_text().splitlines()[1:] == [
        "GUARD / default deny",
        "GUARD-2 /in default deny",
        'GUARD-2 /in needs /live "inner"',
        "MOUNT /admin/* default authenticated",
        'GET /in/live declared "inner" "live"',
        'WEBSOCKET /in/socket declared "live"',
    ]


@pytest.mark.parametrize("application", ["shop:app", "shop:asgi", "shop:plain_asgi"])
def test_without_a_change_nothing_is_said(run: Run, shop: Path, application: str) -> None:
    without_rules(shop)
    run("routes", application, "--lock", "routes.lock")
    first = Path("routes.lock").read_bytes()
    run("routes", application, "--lock", "routes.lock")
    assert Path("routes.lock").read_bytes() == first
    checked = run("routes", application, "--check", "--lock", "routes.lock")
    assert (checked.exit_code, checked.stderr) == (0, "")
    assert Path("routes.lock").read_bytes() == first


@pytest.mark.parametrize(
    "old, new, said",
    [
        ('"orders:read", any_of', "any_of", "looser: GET /orders/{number}: "),
        ('any_of("a", "b")', 'any_of("a", "b", "c")', "looser: GET /orders/{number}: "),
        ("@requires(is_owner)\n", "", "looser: GET /orders/{number}: "),
        ("@requires(is_owner)\n", "", "a caller whom shop.is_owner() refuses passes now."),
        ('== request.path_params["number"]', "!= ''", "shop.is_owner() has changed, and may let more callers pass now"),
        ('["/docs/*"]', '["/docs/*", "/plain"]', "looser: GET /plain: default authenticated -> public anyone: "),
        (
            '["/docs/*"], needs={"/admin/*": "admin"}',
            '["/*"]',
            "looser: paths /*: authenticated -> anyone: a caller without credentials",
        ),
        ('{"/admin/*": "admin"}', "{}", 'looser: paths /admin/*: "admin" -> authenticated: a caller without admin'),
        ('{"/admin/*": "admin"}', '{"/admin/*": "admin", "/admin/help": "x"}', "looser: path /admin/help: "),
        ('leave=["/own/*"]', 'leave=["/own/*", "/health"]', "changed: GET /health: public anyone -> left-alone anyone"),
        ("auth, public=", 'auth, default="allow", public=', "looser: GET /plain: "),
    ],
)
def test_what_got_looser_is_said(run: Run, shop: Path, old: str, new: str, said: str) -> None:
    checked = checked_after(run, shop, old, new)
    assert said in checked.stderr
    assert checked.exit_code == 1


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("@public\n", "", "tighter: GET /health: public anyone -> default authenticated."),
        ('@app.get("/plain")', '@app.get("/orders/<int:number>/refund")', "new: GET /orders/{number}/refund: default"),
        ('@app.get("/plain")', '@app.get("/another")', "gone: GET /plain: default authenticated."),
        ('["/docs/*"]', "[]", "tighter: paths /docs/*: anyone -> authenticated."),
    ],
)
def test_what_is_not_looser_is_said_and_is_no_failure(run: Run, shop: Path, old: str, new: str, said: str) -> None:
    without_rules(shop)
    checked = checked_after(run, shop, old, new)
    assert said in checked.stderr
    assert checked.stderr.endswith(
        "Write routes.lock again, by the same command without --check, and let a review see it.\n"
    )
    assert checked.exit_code == 0


def test_a_new_endpoint_that_a_pattern_opens_is_new(run: Run, shop: Path) -> None:
    without_rules(shop)
    shop.write_text(shop.read_text().replace('["/docs/*"]', '["/up"]'))
    with forgotten_afterwards():
        run("routes", "shop:app", "--lock", "routes.lock")
    lock = Path("routes.lock")
    lock.write_text(lock.read_text().replace("GUARD / public /up\n", ""))
    shop.write_text(shop.read_text().replace('"/plain"', '"/up"'))
    checked = run("routes", "shop:app", "--check", "--lock", "routes.lock")
    assert "new: GET /up: public anyone." in checked.stderr
    assert "looser" not in checked.stderr
    assert checked.exit_code == 0


def test_a_guard_that_is_gone_is_looser(run: Run, shop: Path) -> None:
    checked = checked_after(run, shop, "inner.add_middleware(AuthMiddleware", "(lambda *_, **__: 0)(0", "shop:asgi")
    assert 'looser: GET /in/live: declared "inner" "live" -> declared "live": a caller without inner' in checked.stderr
    assert checked.exit_code == 1


def test_json_has_every_change(run: Run, shop: Path) -> None:
    with forgotten_afterwards():
        run("routes", "shop:asgi", "--lock", "routes.lock")
    shop.write_text(shop.read_text().replace('@requires_scopes("live")', '@requires_scopes("live", "more")'))
    checked = run("routes", "shop:asgi", "--check", "--lock", "routes.lock", "--json")
    assert checked.exit_code == 0
    assert json.loads(checked.stdout)["changes"] == [
        {
            "direction": "tighter",
            "route": label,
            "before": f'declared {before}"live"',
            "now": f'declared {before}"live" "more"',
            "why": None,
        }
        for label, before in (("GET /in/live", '"inner" '), ("WEBSOCKET /in/socket", ""))
    ]


@pytest.mark.parametrize(
    "content, said",
    [
        (None, "there is no routes.lock: write it, by the same command without --check"),
        (b"\xff", "routes.lock is no lock"),
        (b"=======\n", "line 1 of the lock cannot be read"),
    ],
)
def test_a_lock_that_is_none_is_a_failure(run: Run, content: bytes | None, said: str) -> None:
    if content is not None:
        Path("routes.lock").write_bytes(content)
    checked = run("routes", "shop:app", "--check", "--lock", "routes.lock")
    assert said in checked.stderr
    assert checked.exit_code == 1
