"""Rules from outside: the longest pattern counts, and no spelling of a path meets a weaker rule than the path."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import quote, unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from authmw import (
    ConfigurationError,
    Principal,
    Requirement,
    any_of,
    authenticated,
    optionally_authenticated,
    public,
    requires,
    requires_scopes,
)
from authmw.engine.path_patterns import PathPattern, PatternTable
from authmw.engine.path_readings import (
    _PLAIN,  # pyright: ignore[reportPrivateUsage]
    LONGEST_READ,
    MOST_READINGS,
    Reading,
    destinations_of,
    methods_of,
    readings_of,
)
from authmw.engine.path_rules import PathRules
from authmw.http.request import ASGIRequest, RequestHead, WSGIRequest
from authmw.identity.requirement import PUBLIC, Predicate
from tests.paths import TARGETS, resolved
from tests.support import examples


def wsgi(path: str, method: str = "GET", **environ: str) -> WSGIRequest:
    """A request whose server keeps no raw path."""
    octets = path.encode("utf-8", "replace").decode("latin-1")
    return WSGIRequest({"REQUEST_METHOD": method, "PATH_INFO": octets, **environ})


def asgi(raw: str, root: str = "", headers: tuple[tuple[bytes, bytes], ...] = ()) -> ASGIRequest:
    """A request whose server keeps the raw path."""
    path = unquote(raw, errors="replace")
    return ASGIRequest(
        {"type": "http", "method": "GET", "path": path, "raw_path": raw.encode(), "root_path": root, "headers": headers}
    )


@pytest.mark.parametrize(
    "method, found",
    [
        ("HEAD", {"GET"}),
        ("COPY", {"COPY"}),
        ("MOVE", {"MOVE", "DELETE"}),
        ("move", {"move", "MOVE", "DELETE"}),
        ("post", {"post", "POST"}),
    ],
)
def test_a_move_deletes_what_it_moves_and_a_method_is_also_one_in_capitals(method: str, found: set[str]) -> None:
    assert methods_of(wsgi("/x", method)) == frozenset(found)
    overridden = wsgi("/x", "POST", HTTP_X_HTTP_METHOD_OVERRIDE=f" {method} ")
    assert methods_of(overridden) == frozenset({"POST", *(each for each in found if each.isupper())})


def scopes(rules: PathRules, request: RequestHead) -> set[str]:
    """The scopes that `request` needs."""
    needed = rules.requirement(request)
    return set() if needed is None else set(needed.all_scopes)


NO_SCOPES: Final[set[str]] = set()
RULES: Final = PathRules(
    {
        "GET /api/*": "read",
        "/api/*": "write",
        "/api/admin/*": any_of("admin", "support"),
        "PROPFIND /dav/*": "list",
        "/dav/my files/*": ["files", "mine"],
        "/dav/straße/*": "street",
        "/about": "about",
        "/about/*": "below",
    }
)


@pytest.mark.parametrize(
    "method, path, needed",
    [
        ("GET", "/api/orders", {"read"}),
        ("HEAD", "/api/orders", {"read"}),
        ("POST", "/api/orders", {"write"}),
        ("OPTIONS", "/api/orders", {"write"}),
        ("GET", "/api/admin/users", {"admin", "support"}),  # the longest path, though another rule has the method
        ("GET", "/api", {"read"}),  # routers serve /api as /api/
        ("GET", "/apis", NO_SCOPES),
        ("GET", "/", NO_SCOPES),
        ("PROPFIND", "/dav/x", {"list"}),
        ("GET", "/dav/x", NO_SCOPES),
        ("GET", "/dav/my files/a", {"files", "mine"}),
        ("GET", "/dav/straße/a", {"street"}),
        ("GET", "/dav/STRASSE/a", {"street"}),
        ("GET", "/about", {"about"}),
        ("GET", "/about/", {"about", "below"}),  # either may be meant
        ("GET", "/about/us", {"below"}),
        ("get", "/api/orders", {"read", "write"}),
    ],
)
def test_the_longest_path_counts_and_then_the_pattern_with_the_method(method: str, path: str, needed: set[str]) -> None:
    assert scopes(RULES, wsgi(path, method)) == needed


EXCEPTIONS: Final = PathRules(
    {"/*": "write", "/RPC2": "search", "/api/Search/*": "search", "/login/": "login", "/app/x": "whole"}
)


@pytest.mark.parametrize(
    "request_, needed",
    [
        (wsgi("/RPC2"), {"search"}),
        (wsgi("/api/Search/x"), {"search"}),
        (asgi("/api/Search"), {"search"}),
        (wsgi("/rpc2"), {"search", "write"}),  # another path, or the same one where case does not count
        (wsgi("/API/search/x"), {"search", "write"}),
        (wsgi("/login/"), {"login"}),
        (wsgi("/login"), {"login"}),
        (wsgi("/login/x"), {"write"}),
        (wsgi("/RPC2/x"), {"write"}),
        (wsgi("/RPC2", SCRIPT_NAME="/app"), {"search"}),
        (wsgi("/RPC2", SCRIPT_NAME="/App", REQUEST_URI="/App/RPC2"), {"search"}),
        (wsgi("/login/", SCRIPT_NAME="/app"), {"login"}),
        (asgi("/app/RPC2", root="/app"), {"search"}),
        (asgi("/app/other", root="/app"), {"write"}),
        (asgi("/app/login/", root="/app"), {"login"}),
        (asgi("/app/x", root="/app"), {"write", "whole"}),  # for a program that reads the prefix too
        (asgi("/app/app/RPC2", root="/app"), {"search", "write"}),
        (wsgi("/app/RPC2", SCRIPT_NAME="/app", REQUEST_URI="/app/RPC2"), {"search", "write"}),  # a proxy took one off
        (asgi("/app/%2e%2e/RPC2", root="/app"), {"search", "write"}),
        (asgi("/x/../RPC2"), {"search", "write"}),
    ],
    ids=lambda value: f"{value.root}{value.path}" if isinstance(value, RequestHead) else "",
)
def test_a_rule_may_ask_for_less_than_one_that_contains_it(request_: RequestHead, needed: set[str]) -> None:
    assert scopes(EXCEPTIONS, request_) == needed


@pytest.mark.parametrize("path", ["/café/x", "/caf%E9/x", "/caf%25E9/x", "/caf%C3%A9/x"])
def test_a_path_that_is_no_ascii_once_it_is_decoded_needs_what_it_is_in_latin_1_and_in_utf_8(path: str) -> None:
    rules = PathRules({"/*": "all", "/café/*": "coffee"})
    assert "coffee" in scopes(rules, wsgi(path))


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_a_method_that_a_header_names_counts_too(name: str) -> None:
    variable = "HTTP_" + name.upper().replace("-", "_")
    assert scopes(RULES, wsgi("/api/orders", "GET", **{variable: "delete"})) == {"read", "write"}


@pytest.mark.parametrize(
    "query", ["_method=delete", "a=1&_method=DELETE", "%5Fmethod=DELETE", "__METHOD_OVERRIDE__=PUT"]
)
def test_a_method_that_the_query_names_counts_too(query: str) -> None:
    assert scopes(RULES, wsgi("/api/orders", "GET", QUERY_STRING=query)) == {"read", "write"}


def test_a_method_behind_a_semicolon_counts_too() -> None:
    assert scopes(RULES, wsgi("/api/orders", "GET", QUERY_STRING="a=1;_method=DELETE")) == {"read", "write"}
    assert scopes(RULES, wsgi("/api/orders", "GET", QUERY_STRING="_method=DELETE;a=1")) == {"read", "write"}


def test_a_header_counts_in_each_spelling_that_a_wsgi_application_inside_of_asgi_knows() -> None:
    asked = [(b"x_http-method_override", b"DELETE"), (b"x_vhm_root", b"/api/admin")]
    assert scopes(RULES, asgi("/api/orders", headers=(asked[0],))) == {"read", "write"}
    assert scopes(RULES, asgi("/orders", headers=(asked[1],))) == {"admin", "support"}


@pytest.mark.parametrize(
    "path, told, needed",
    [
        # Pyramid's traversal begins at this resource, at the root of the host or where a route ends.
        ("/", {"HTTP_X_VHM_ROOT": "/admin/x"}, {"admin"}),
        ("/users", {"HTTP_X_VHM_ROOT": "/admin"}, {"admin", "users"}),
        ("/users", {"HTTP_X_VHM_ROOT": "admin"}, {"admin", "users"}),
        ("/x/y", {"HTTP_X_VHM_ROOT": "/b/../ADMIN/"}, {"admin"}),
        ("/app/x", {"HTTP_X_VHM_ROOT": "/own"}, {"own"}),
        ("/app", {"HTTP_X_VHM_ROOT": "/own/x"}, {"own"}),
        ("/x", {"HTTP_X_VHM_ROOT": "/caf\xc3\xa9"}, {"coffee"}),
        ("/x", {"HTTP_X_VHM_ROOT": "/"}, NO_SCOPES),
        # Zope adds a name to the path.
        ("/", {"QUERY_STRING": "users:method=1"}, {"users"}),
        ("/", {"QUERY_STRING": "a=1&users%3aaction=1"}, {"users"}),
        ("/", {"QUERY_STRING": ":default_method=users"}, {"users"}),
        ("/x/", {"QUERY_STRING": "../admin/y:method"}, {"admin"}),
        ("/admin", {"QUERY_STRING": "y:method"}, {"admin"}),
        ("/", {"QUERY_STRING": "caf%C3%A9/x:method"}, {"coffee"}),
        ("/", {"QUERY_STRING": "users:methods=1&y=users:method"}, NO_SCOPES),
        # Zope takes the names of a virtual host out of the path.
        ("/VirtualHostBase/http/shop.example:80/admin/VirtualHostRoot/x", {}, {"admin"}),
        ("/VirtualHostBase/http/shop.example:80/VirtualHostRoot/_vh_a/_vh_b/users", {}, {"users"}),
        ("/admin/VirtualHostRoot/x", {}, {"admin"}),
        ("/app/VirtualHostRoot/_vh_x/own/x", {}, {"own"}),
    ],
)
@pytest.mark.parametrize("root", ["", "/shop"])
def test_the_path_that_a_router_takes_instead_counts_too(
    path: str, told: dict[str, str], needed: set[str], root: str
) -> None:
    rules = PathRules({"/users": "users", "/admin/*": "admin", "/app/own/*": "own", "/café/*": "coffee"})
    headers = tuple(
        (name[5:].lower().replace("_", "-").encode(), value.encode("latin-1"))
        for name, value in told.items()
        if name.startswith("HTTP_")
    )
    under_asgi = asgi(f"{root}{path}", root, headers)
    under_asgi.scope["query_string"] = told.get("QUERY_STRING", "").encode()
    assert scopes(rules, under_asgi) == needed
    assert scopes(rules, wsgi(path, SCRIPT_NAME=root, **told)) == needed


@pytest.mark.parametrize(
    "told",
    [
        {"HTTP_X_VHM_ROOT": "/x"},
        {"QUERY_STRING": "&".join(f"a{number}:method" for number in range(65))},
        {"QUERY_STRING": "a:b&" * 1000},
    ],
    ids=["places", "names", "fields"],
)
def test_more_paths_than_a_client_names_need_what_all_rules_need_together(told: dict[str, str]) -> None:
    request = wsgi("/a" * (MOST_READINGS + 1), **told)
    assert readings_of(request) is None


@pytest.mark.parametrize("query", ["payment_method=DELETE", "method=DELETE", "a=_method", "%41=DELETE"])
def test_a_query_that_names_no_method_changes_nothing(query: str) -> None:
    assert scopes(RULES, wsgi("/api/orders", "GET", QUERY_STRING=query)) == {"read"}


@pytest.mark.parametrize(
    "environ", [{"HTTP_X_HTTP_METHOD": ",".join("abcdefghijk")}, {"QUERY_STRING": "%41=1&" * 1001}], ids=str
)
def test_more_methods_than_a_client_names_need_what_all_rules_need_together(environ: dict[str, str]) -> None:
    every = {"read", "write", "admin", "support", "list", "files", "mine", "street", "about", "below"}
    assert scopes(RULES, wsgi("/elsewhere", **environ)) == every


DAV: Final = {
    "GET /dav/*": "read",
    "/dav/*": "write",
    "/dav/private/*": "private",
    "PUT /dav/inbox/*": "put",
    "DELETE /dav/kept/*": "delete",
    "/dav/kept/*": "keep",
    "GET /dav/photos/*": "see",
}


@pytest.mark.parametrize(
    "method, path, headers, needed",
    [
        ("COPY", "/dav/a", {"HTTP_DESTINATION": "http://localhost/dav/b"}, {"write"}),
        ("COPY", "/dav/a", {"HTTP_DESTINATION": "http://localhost/dav/private/b"}, {"write", "private"}),
        ("COPY", "/dav/a", {"HTTP_DESTINATION": "/dav/x/..//PRIVATE/b"}, {"write", "private"}),
        ("MOVE", "/dav/a", {"HTTP_DESTINATION": "http://localhost/dav/%70rivate"}, {"write", "private"}),
        ("COPY", "/dav/a", {"HTTP_DESTINATION": "/app/dav/private/b", "SCRIPT_NAME": "/app"}, {"write", "private"}),
        ("COPY", "/dav/a", {"HTTP_DESTINATION": "http://localhost/dav/inbox/b"}, {"write", "put"}),
        ("POST", "/dav/a", {"HTTP_DESTINATION": "/dav/private", "HTTP_X_HTTP_METHOD": "COPY"}, {"write", "private"}),
        ("PUT", "/dav/a", {"HTTP_DESTINATION": "http://localhost/dav/private/b"}, {"write"}),
        ("MOVE", "/dav/kept/a", {"HTTP_DESTINATION": "http://localhost/dav/b"}, {"write", "keep", "delete"}),
        ("COPY", "/dav/kept/a", {"HTTP_DESTINATION": "http://localhost/dav/b"}, {"write", "keep"}),
        ("DELETE", "/dav/kept/a", {}, {"delete"}),
        # A collection is copied, moved and deleted with all that is below it.
        ("COPY", "/dav", {"HTTP_DESTINATION": "http://localhost/x"}, {"write", "private", "keep"}),
        ("DELETE", "/dav", {}, {"write", "private", "delete"}),
        ("DELETE", "//DAV/", {}, {"write", "private", "delete"}),
        ("DELETE", "/dav/photos", {}, {"write"}),
        ("PUT", "/dav", {}, {"write"}),
        ("PROPFIND", "/", {}, {"write", "private", "keep"}),
        ("PROPFIND", "/", {"HTTP_DEPTH": "infinity"}, {"write", "private", "keep"}),
        ("PROPFIND", "/dav", {"HTTP_DEPTH": "1"}, {"write"}),
        ("REPORT", "/dav", {"HTTP_DEPTH": "0"}, {"write"}),
        *((method, "/dav", {}, {"write", "private", "keep"}) for method in ("PROPFIND", "REPORT", "SEARCH")),
    ],
)
def test_a_method_that_reaches_other_paths_needs_what_these_need(
    method: str, path: str, headers: dict[str, str], needed: set[str]
) -> None:
    assert scopes(PathRules(DAV), wsgi(path, method, **headers)) == needed


def test_a_destination_that_cannot_be_read_needs_what_all_rules_need_together() -> None:
    needed = scopes(PathRules(DAV), wsgi("/dav/a", "COPY", HTTP_DESTINATION="/" + "a" * LONGEST_READ))
    assert needed == {"read", "write", "private", "put", "delete", "keep", "see"}


def is_alice(principal: Principal, request: RequestHead) -> bool:
    """A predicate."""
    return principal.id == "alice"


def test_what_a_rule_may_need() -> None:
    rules = PathRules(
        {
            "/a": "one",
            "/b": ("one", any_of("two", "three")),
            "/c": requires(is_alice),
            "/d": requires_scopes("one"),
            "/e": authenticated,
            "/f": Requirement.all_of("one"),
        }
    )
    found = {path: rules.requirement(wsgi(path)) for path in "/a /b /c /d /e /f".split()}
    assert found == {
        "/a": Requirement.all_of("one"),
        "/b": Requirement.all_of("one", any_of("two", "three")),
        "/c": Requirement(predicates=(is_alice,)),
        "/d": Requirement.all_of("one"),
        "/e": Requirement(),
        "/f": Requirement.all_of("one"),
    }
    assert not any(needed is None or needed.is_open for needed in found.values())


NAMELESS: Predicate = lambda principal, request: True  # noqa: E731


@pytest.mark.parametrize(
    "needs, said",
    [
        ({"/api": "two words"}, "needs pattern '/api': 'two words' is not a scope"),
        ({"/api": None}, "a rule says what a caller needs: write authenticated"),
        ({"/api": public}, "a rule says what a caller needs: write authenticated"),
        ({"/api": PUBLIC}, "a rule says what a caller needs: write authenticated"),
        ({"/api": optionally_authenticated}, "or name the path in public="),
        ({"/api": set[str]()}, "an empty set says nothing: write authenticated"),
        ({"/api": ()}, "an empty tuple says nothing: write authenticated"),
        ({"/api": True}, "True names no caller: write authenticated"),
        ({"/api": requires_scopes}, 'requires_scopes needs its scopes: write "orders:read"'),
        ({"/api": is_alice}, "a function is given to requires: write requires(is_alice)"),
        ({"/api": NAMELESS}, "write requires(lambda principal, request: ...)"),
        ({"GET,HEAD /api": "x"}, "GET means HEAD too: write GET /api"),
        ({"GET, POST /api": "x"}, "a pattern has one method: write GET /api and POST /api"),
        ({"get|post /api": "x"}, "a pattern has one method: write GET /api and POST /api"),
        ({"/a/<id>": "x"}, "patterns have no placeholders: write /a/* for everything below"),
        ({"/api": 3}, "is nothing that a caller can need"),
        ({"/api": Requirement.together([])}, "a rule says what a caller needs"),
        ({"api": "x"}, "a path begins with a slash: write /api"),
        ({"http://api": "x"}, "write a path as /health or /docs/*"),
        ({"/api*": "x"}, "* needs a slash before it"),
        ({"/a/*/b": "x"}, "* is allowed at the end only"),
        ({"/a/{id}": "x"}, "patterns have no placeholders"),
        ({"get /a": "x"}, "write GET /a"),
        ({"HEAD /a": "x"}, "HEAD needs what GET needs: write GET /a"),
        ({"/my%20files/*": "x"}, "as it is after decoding"),
        ({"/a//b": "x"}, "empty and dot segments never match"),
        ({"/a/../b": "x"}, "empty and dot segments never match"),
        ({3: "x"}, 'needs holds paths, not 3: write needs={"/admin/*": "admin"}'),
        (["/a"], 'write needs={"/admin/*": "admin"}'),
        ({"/Admin/*": "x", "/admin/*": "y"}, "paths count without case, so keep one"),
    ],
)
def test_a_mistake_is_refused_with_its_fix(needs: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        PathRules(needs)
    assert said in str(raised.value)


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(ConfigurationError) as raised:
        PathRules({"a": "x", "/b": None, "/c/*/d": "y"})
    assert len(raised.value.mistakes) == 3


# What programs do to a path before they look for its view, each written here apart from the code that is tested.
READERS: Final[dict[str, Callable[[str], str]]] = {
    "decoding": lambda path: unquote(path, errors="replace"),
    "decoding, latin-1": lambda path: unquote(path, "latin-1"),
    "lower case": str.lower,
    "upper and lower case": lambda path: path.upper().lower(),
    "no case": lambda path: unicodedata.normalize("NFKC", path).casefold(),
    "normalisation": lambda path: "/" + posixpath.normpath(path).lstrip("/") if path.startswith("/") else path,
    "no repeated slashes": lambda path: "/" + "/".join(filter(None, path.split("/"))),
    "no parameters": lambda path: "/".join(part.partition(";")[0] for part in path.split("/")),
    "backslashes": lambda path: path.replace("\\", "/"),
    "C strings": lambda path: path.partition("\0")[0],
    "no query": lambda path: path.partition("?")[0],
    "no fragment": lambda path: path.partition("#")[0],
    "no control characters": lambda path: "".join(each for each in path if each > "\x1f"),
    "Windows": lambda path: "/".join(part if set(part) <= {"."} else part.rstrip(". ") for part in path.split("/")),
    "no slash at the end": lambda path: path.rstrip("/") or "/",
    "no authority": lambda path: "/" + path[2:].partition("/")[2] if path.startswith("//") else path,
}
GENERATED: Final = PathRules(
    {
        "/*": "all",
        "/public/*": "public",
        "/admin/*": "admin",
        "/admin/users": "users",
        "GET /admin/own/*": "own",
        "POST /admin/*": "post",
    }
)
PLAIN: Final = ("/", "/public/x", "/admin", "/admin/x", "/admin/users", "/admin/own/x", "/other", "/app/admin/x")
PIECES: Final = (
    *"/ // . .. ; ;v=1 \\ %2f %2e %5c %25 %252e %252f %61 %41 %00 ? # %3b %09 app public ADMIN own a X".split(),
    *("\t", " "),
)


def needed_as_read(path: str) -> Requirement | None:
    """What the plain form of `path` needs, if it is one that the rules know."""
    return GENERATED.requirement(wsgi(path)) if path in PLAIN else None


@settings(max_examples=examples(500), deadline=None)
@given(
    st.lists(st.one_of(st.sampled_from(PIECES), st.sampled_from([*PLAIN, "admin", "users"])), max_size=6).map("".join),
    st.lists(st.sampled_from(list(READERS)), max_size=5),
    st.booleans(),
)
def test_a_program_that_reads_the_path_in_another_way_gives_no_weaker_rule(
    written: str, readers: list[str], keeps_raw: bool
) -> None:
    sent = "/" + written.lstrip("/")
    request = asgi(sent) if keeps_raw else wsgi(unquote(sent, errors="replace"))
    needed = GENERATED.requirement(request)
    path = sent if keeps_raw else unquote(sent, errors="replace")
    for reader in readers:
        path = READERS[reader](path) or "/"
        read = needed_as_read(path)
        assert read is None or (needed is not None and needed.includes(read)), (readers, path, needed)


def encoded_all(path: str) -> str:
    """`path` with each octet of its names encoded."""
    return "".join(each if each == "/" else f"%{ord(each):02x}" for each in path)


SPELLINGS: Final[dict[str, Callable[[str], str]]] = {
    "encoded": encoded_all,
    "encoded twice": lambda path: encoded_all(path).replace("%", "%25"),
    "encoded slashes": lambda path: path[0] + path[1:].replace("/", "%2F"),
    "quoted three times": lambda path: quote(quote(encoded_all(path))),
    "upper case": str.upper,
    "title": str.title,
    "doubled slashes": lambda path: path.replace("/", "//"),
    "dots": lambda path: path.replace("/", "/./"),
    "detour": lambda path: "/public/.." + path,
    "detour by an encoded slash": lambda path: "/public%2f..%2f" + path[1:],
    "parameters": lambda path: path + ";x",
    "a slash at the end": lambda path: path.rstrip("/") + "/",
    "backslashes": lambda path: path[0] + path[1:].replace("/", "\\"),
    "a dot at the end": lambda path: path.rstrip("/") + ".",
    "a NUL": lambda path: path + "%00.txt",
}
IN_FRONT: Final = ("", "", "http://localhost", "//x")


@settings(max_examples=examples(400), deadline=None)
@given(
    st.sampled_from(PLAIN),
    st.lists(st.sampled_from(list(SPELLINGS)), min_size=1, max_size=3),
    st.sampled_from(IN_FRONT),
)
def test_no_spelling_of_a_path_meets_a_weaker_rule_than_its_plain_form(
    plain: str, spellings: list[str], front: str
) -> None:
    path = plain
    for each in spellings:
        path = SPELLINGS[each](path)
    path = front + path
    plainly = GENERATED.requirement(wsgi(plain))
    for request in (asgi(path), wsgi(unquote(path, errors="replace")), wsgi(unquote(path), REQUEST_URI=path)):
        needed = GENERATED.requirement(request)
        assert plainly is not None
        assert needed is not None
        assert needed.includes(plainly), path


def test_every_known_detour_needs_what_the_path_needs_as_a_normalising_program_reads_it() -> None:
    rules = PathRules({"/health": "health", "/admin": "admin", "/*": "other"})
    needed_for = {"/health": {"health"}, "/admin": {"admin"}}
    weaker = [
        target
        for target in TARGETS
        for request in (asgi(target), wsgi(unquote(target, errors="replace")))
        if not scopes(rules, request) >= needed_for.get(resolved(target), {"other"})
    ]
    assert len(TARGETS) > 500
    assert weaker == []


@pytest.mark.parametrize(
    "request_",
    [
        asgi("/app/admin/x", root="/app"),
        asgi("/app/app/admin/x", root="/app"),
        asgi("/appadmin/x", root="/app"),
        asgi("/x/app/admin/x", root="/app"),  # Litestar cuts it anywhere
        asgi("/p/admin/x", headers=((b"x-forwarded-prefix", b"/p"),)),
        asgi("/p/admin/x", headers=((b"x-script-name", b"/q, /p"),)),
        wsgi("/admin/x", SCRIPT_NAME="/app"),
        wsgi("/app/admin/x", SCRIPT_NAME="/app"),
        wsgi("/p/admin/x", HTTP_X_FORWARDED_PREFIX="/p"),
    ],
    ids=lambda request: f"{type(request).__name__} {request.root}{request.path} {request.told_prefixes}",
)
def test_a_prefix_that_a_layer_may_cut_off_does_not_hide_the_path(request_: RequestHead) -> None:
    assert "admin" in scopes(GENERATED, request_)


@pytest.mark.parametrize(
    "path",
    [
        "/A" * LONGEST_READ,
        "/%2e;a%5c.%2f" * 12,
        "/" + "A/" * 4000 + ";%2e%5c",  # some readings, each of them long
        "/" + "%EF%B7%BA" * 500 + "A;",  # characters that are 18 each when they are folded
    ],
)
def test_a_path_with_too_many_readings_needs_what_all_rules_need_together(path: str) -> None:
    assert readings_of(asgi(path)) is None
    assert scopes(GENERATED, asgi(path)) == {"all", "public", "admin", "users", "own", "post"}


def test_more_prefixes_than_proxies_name_need_what_all_rules_need_together() -> None:
    many = ",".join(f"/p{index}" for index in range(20)).encode()
    request = asgi("/p1/x", headers=((b"x-forwarded-prefix", many), (b"destination", b"/p1/y")))
    assert readings_of(request) is destinations_of(request) is None


@pytest.mark.parametrize("path, kept", [("/x/a/./../b", "/x/b"), ("/a/.", "/a"), ("/a/..", "/"), ("/./a", "/a")])
def test_dot_segments_are_removed_as_in_rfc_3986(path: str, kept: str) -> None:
    found = readings_of(asgi(path))
    assert found is not None
    assert Reading(kept) in found.with_case


def test_a_dot_segment_makes_no_more_readings_than_these() -> None:
    found = readings_of(asgi("/x/y/../b"))
    assert found is not None
    # Removed, as it is written, and without it where an empty segment stays or not.
    assert {each.path for each in found.with_case} == {"/x/b", "/x/y/../b", "/x/y//b", "/x/y/b"}


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=40).map("".join))
def test_no_path_has_more_readings_than_the_limit(written: str) -> None:
    found = readings_of(asgi("/" + written))
    assert found is None or max(map(len, found)) <= MOST_READINGS + 1


@pytest.mark.parametrize(
    "target, needed",
    [
        ("", {"root"}),  # Django, Pyramid, Falcon, Bottle, CherryPy and Litestar serve / for it
        ("?x", {"root"}),
        ("users", {"users"}),
        ("*users", {"users"}),  # Sanic
        ("x:/admin/x", {"admin"}),  # Quart
        ("x:admin/x", {"admin"}),
        ("%20x:/admin/x", {"admin"}),
        ("app/admin/x", {"admin"}),  # the DispatcherMiddleware of Werkzeug
        ("/adm%ffin/x", {"admin"}),  # Bottle leaves out what is no UTF-8
        ("/%c3/admin/x", {"admin"}),
        ("/adm%c4%b1n/x", {"admin"}),  # a dotless i, whose capital is I
        ("/ad%e2%80%8bmin/x", {"admin"}),  # a space without width
        ("/@@users", {"users"}),  # Pyramid's traversal
        ("/++view++users", {"users"}),
        ("/x/./admin/./../admin/y", {"admin"}),
        ("/admin/y/./../x", {"admin"}),
        ("/x/y/./../../admin/x", {"admin"}),
        ("/my-page/x", {"page"}),  # CherryPy
        ("/MY.page/x", {"page"}),
        ("/my%25page/x", {"page"}),
        ("/mypage/x", NO_SCOPES),
    ],
)
def test_what_a_known_program_takes_for_a_path_needs_what_the_path_needs(target: str, needed: set[str]) -> None:
    rules = PathRules({"/": "root", "/users": "users", "/admin/*": "admin", "/my_page/*": "page"})
    path = unquote(target.partition("?")[0], "latin-1")
    request = WSGIRequest({"REQUEST_METHOD": "GET", "PATH_INFO": path})
    assert scopes(rules, request) >= needed
    assert scopes(rules, asgi(target.partition("?")[0])) >= needed
    assert bool(scopes(rules, request)) is bool(needed)


def test_patterns_that_differ_in_punctuation_alone_are_needed_together() -> None:
    rules = PathRules({"/a-b/*": "one", "/a_b/*": "two", "/ab/*": "three"})
    assert [scopes(rules, wsgi(path)) for path in ("/a-b/x", "/a.b/x", "/ab/x")] == [
        {"one", "two"},
        {"one", "two"},
        {"three"},
    ]


@pytest.mark.parametrize(
    "request_",
    [
        asgi("/app/public/app/x", root="/app"),
        asgi("/app/public/app/x", root="/app", headers=((b"x-forwarded-prefix", b"/app"),)),
        wsgi("/public/app/x", SCRIPT_NAME="/app"),
        wsgi("/public/app/x", SCRIPT_NAME="/app", HTTP_X_FORWARDED_PREFIX="/app"),
    ],
    ids=lambda request: f"{type(request).__name__} {request.root}{request.path} {request.told_prefixes}",
)
def test_the_text_of_the_prefix_inside_of_a_path_is_no_prefix_where_the_path_begins_with_it(
    request_: RequestHead,
) -> None:
    assert scopes(GENERATED, request_) == {"public"}


def test_a_prefix_that_has_a_comma_in_it_does_not_hide_the_path() -> None:
    assert scopes(GENERATED, wsgi("/a,/admin/x", HTTP_X_SCRIPT_NAME="/a,")) >= {"admin"}


@pytest.mark.parametrize("raw, root", [("/admin/x", ""), ("/admin/x", "/app"), ("/app/admin/x", "/app")])
def test_a_plain_path_beside_another_raw_path_is_read_as_both(raw: str, root: str) -> None:
    request = ASGIRequest(
        {
            "type": "http",
            "method": "GET",
            "path": f"{root}/public/x",
            "raw_path": raw.encode(),
            "root_path": root,
            "headers": (),
        }
    )
    assert scopes(GENERATED, request) >= {"public", "admin"}


@pytest.mark.parametrize("request_", [wsgi("/", SCRIPT_NAME="/api"), asgi("/api/", root="/api")], ids=["wsgi", "asgi"])
def test_the_root_of_a_mounted_application_is_read_without_its_slash_too(request_: RequestHead) -> None:
    assert scopes(PathRules({"/api": "root", "/": "top"}), request_) == {"root", "top"}


ROOTS: Final = ("", "/", "/api", "/api/v1", "/api/", "/a//b", "/Api", "/%61pi", "/a;b", "/a/./b", "/stra\xc3\x9fe")


@given(st.from_regex(_PLAIN, fullmatch=True), st.sampled_from(ROOTS))
@example("/", "/api")
@example("/a/", "/api")
def test_a_path_that_all_read_alike_is_read_fast_as_any_other(path: str, root: str) -> None:
    request = wsgi(path, SCRIPT_NAME=root)
    fast = readings_of(request)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("authmw.engine.path_readings._PLAIN", re.compile(r"(?!)"))
        assert fast == readings_of(request)


def test_a_raw_path_that_does_not_begin_with_the_prefix_has_none() -> None:
    needed = {}
    for raw in ("/app/v1/x", "//app/v1/x", "/y/%2e%2e/app/v1/x"):
        scope = {"type": "http", "method": "GET", "path": "/app/v1/x", "raw_path": raw.encode(), "headers": ()}
        needed[raw] = scopes(PathRules({"/app/*": "app"}), ASGIRequest({**scope, "root_path": "/app/v1"}))
    assert needed == {"/app/v1/x": NO_SCOPES, "//app/v1/x": {"app"}, "/y/%2e%2e/app/v1/x": {"app"}}


@pytest.mark.parametrize("root", ["", "/api"])
def test_a_plain_path_has_a_length_too(root: str) -> None:
    room = LONGEST_READ - len(root)
    assert readings_of(wsgi("/".ljust(room, "a"), SCRIPT_NAME=root)) is not None
    assert readings_of(wsgi("/".ljust(room + 1, "a"), SCRIPT_NAME=root)) is None


def test_a_plain_path_has_few_readings() -> None:
    assert readings_of(wsgi("/api/orders")) == (frozenset({Reading("/api/orders")}),) * 2
    assert methods_of(wsgi("/", "HEAD")) == frozenset({"GET"})


def test_what_a_path_costs_does_not_depend_on_the_number_of_patterns() -> None:
    asked: list[str] = []

    class Counting(dict[str, Any]):
        def get(self, key: str, default: Any = None) -> Any:
            asked.append(key)
            return super().get(key, default)

    counts: list[int] = []
    for number in (10, 10_000):
        table = PatternTable((PathPattern("", f"/p{index}/", below=True), index) for index in range(number))
        vars(table)["_below"] = Counting(vars(table)["_below"])
        asked.clear()
        assert [prefix for prefix, _ in table.below("/p5/a/b/c/d/e")] == ["/p5/"]
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_route_has_the_rule_that_names_all_of_its_paths() -> None:
    assert RULES.covering("GET", "/api/{id}") == Requirement.all_of("read")
    assert RULES.covering("", "/api/live") == Requirement.all_of("read")  # a websocket
    assert RULES.covering("", "/api/*") == Requirement.all_of("write")  # a mount answers any method
    assert RULES.covering("GET", "/{page}") is None
