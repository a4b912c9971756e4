"""What is secret is compared in constant time: each place is listed here, and no other comparison names a secret."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator

from tests.support import ROOT

# Where `hmac.compare_digest` is called, and how often. A place that is missing here compares by `==`, or is new.
PLACES = {
    "authmw/asgi/mcp.py for_server": 1,
    "authmw/crypto/digest_nonces.py issued_at": 1,
    "authmw/crypto/dpop/nonces.py issued_at": 1,
    "authmw/crypto/form_tokens.py is_form_token": 1,
    "authmw/crypto/legacy_hashes.py _equal": 1,
    "authmw/crypto/legacy_hashes.py _is_passlib_pbkdf2": 1,
    "authmw/crypto/legacy_hashes.py _is_passlib_scrypt": 1,
    "authmw/login/recovery.py _user_of": 2,
    "authmw/oauth2/client_authentication.py _judge_secret": 1,
    "authmw/oauth2/presented_token.py _stored": 1,
    "authmw/oauth2/refresh.py find_family": 1,
    "authmw/stores/rotation.py same_digest": 1,
    "authmw/verifiers/api_key.py _judge": 1,
    "authmw/verifiers/binding.py _refuse_key": 1,
    "authmw/verifiers/digest.py is_answered": 1,
    "authmw/verifiers/dpop.py _judge": 1,
    "authmw/verifiers/password_memory.py _is_proved": 1,
    "authmw/verifiers/token.py _judge": 1,
}

# Names of what is compared with what a client sent, in full or as the last word.
SECRET = re.compile(
    r"(?:^|_)(?:digest|mac|hmac|signature|secret|password|token|hash|ha1|response|thumbprint|jkt|ath|code|checksum|nonce|"
    r"sought|expected|computed|presented|current|previous|csrf|cookie|assertion)$",
    re.IGNORECASE,
)

# Comparisons of such names that tell a client nothing it does not know, or that no client causes.
ALLOWED = {
    "code in _CLOSED_BY_ERROR": "the status of a response",
    "user.password_hash != old": "both are stored: whether a hash was replaced meanwhile",
    "now.password_hash == user.password_hash": "both are stored: whether a hash was replaced meanwhile",
    "token_digest(user.password_hash or '') != pending.data['mark']": "both are stored: whether a hash was replaced",
    "checksum(match['head']) != match['checksum']": "a CRC that anybody can compute",
    "families.c.current == rotation.presented": "of digests, in the database",
    "sessions.c.current == renewal.presented": "of digests, in the database",
    "api_keys.c.digest == bindparam('digest')": "of digests, in the database",
    "pending.c.digest == bindparam('digest')": "of digests, in the database",
    "tokens.c.digest == bindparam('digest')": "of digests, in the database",
    "retired_ids.c.digest == token_digest(id)": "of digests of ids, which are no secrets, in the database",
    "users.c.password_hash == bindparam('old')": "both are stored: whether a hash was replaced meanwhile",
}


def sources() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted([*ROOT.glob("authmw/**/*.py"), *ROOT.glob("adapters/**/*.py")]):
        if "testing" not in path.parts:  # there it is tests that compare
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text())


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def test_tok_2_each_place_that_compares_a_secret_does_so_in_constant_time() -> None:
    found = Counter(
        f"{path} {function.name}"
        for path, tree in sources()
        for function in functions(tree)
        for node in ast.walk(function)
        if isinstance(node, ast.Call) and named(node.func) == "compare_digest"
    )
    assert found == PLACES


def named(node: ast.expr) -> str:
    """The name of what is compared: of a variable, a member, a key or what a function returns."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Subscript(slice=ast.Constant(value=str(name))):
            return name
        case ast.Call(func=ast.Attribute(attr="encode" | "hex" | "digest" | "decode", value=value)):
            return named(value)
        case ast.Call(func=function):
            return named(function)
        case _:
            return ""


def compared() -> Iterator[tuple[str, str]]:
    """Each comparison of two values of which one is named like a secret, and where it stands."""
    for path, tree in sources():
        for node in ast.walk(tree):
            match node:
                case ast.Compare(left=left, ops=[ast.Eq() | ast.NotEq() | ast.In() | ast.NotIn()], comparators=[right]):
                    sides = (left, right)
                    if any(map(SECRET.search, map(named, sides))) and not any(map(_is_constant, sides)):
                        yield ast.unparse(node), f"{path}:{node.lineno}"
                case _:
                    pass


def _is_constant(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.Set | ast.List):
        return all(map(_is_constant, node.elts))
    return isinstance(node, ast.Constant)


def test_tok_2_nothing_that_is_named_like_a_secret_is_compared_otherwise() -> None:
    found = dict(compared())
    assert {text: place for text, place in found.items() if text not in ALLOWED} == {}
    assert set(ALLOWED) <= set(found), "no longer there: take it out"


def test_the_search_for_comparisons_finds_each_form() -> None:
    for text in ("a.digest == b", "b != digest(x)", "x in d['secret']", "mac.encode() == y", "known.token_hash == z"):
        (comparison,) = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Compare))
        assert any(map(SECRET.search, map(named, (comparison.left, *comparison.comparators)))), text
