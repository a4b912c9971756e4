"""Strict JSON: text that two parsers could read differently is refused (docs/security/threats.md, row 11)."""

from __future__ import annotations

import json
import sys
from typing import Any, cast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from authmw.crypto.jose.strict_json import MAX_DEPTH, parse_object

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"[]",
        b'"text"',
        b"7",
        b"null",
        b"{} {}",
        b"{}\xc2\xa0",
        b"{'a':1}",
        b'{"a":1,}',
        b'{"a":\x001}',
        b'{"a":"\n"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        '{"a":1}'.encode("utf-16-le"),
        '{"a":1}'.encode("utf-32"),
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b'{"a":"\\ud800"}',
        b'{"\\udfff":1}',
        b'{"a":[["\\udc00\\ud800"]]}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e999}',
        b'{"a":-1e999}',
        b'{"a":' + b"9" * 5000 + b"}",
        b'{"a":1,"a":1}',
        b'{"a":1,"\\u0061":2}',
        b'{"b":{"a":1,"a":2}}',
        nested(MAX_DEPTH + 1),
        b"{" * 6000,
        b'{"a":' + b"[" * 6000,
        b'{"a":"' + b"\\" * 5999,
    ],
    ids=lambda octets: repr(octets[:24]),
)
def test_jwt_2_anything_but_one_plain_object_is_refused(octets: bytes) -> None:
    with pytest.raises(ValueError, match=r"[a-z]"):
        parse_object(octets)


@pytest.mark.parametrize(
    "octets, value",
    [
        (b' \r\n\t{"a": 1}\n ', {"a": 1}),
        (b'{"a":"\\ud83d\\ude00\\u0000"}', {"a": "\N{GRINNING FACE}\0"}),
        (b'{"a":"\\\\ud800"}', {"a": "\\ud800"}),
        ('{"a":"é"}'.encode(), {"a": "é"}),
        (b'{"a":1e2,"b":-0.5}', {"a": 100.0, "b": -0.5}),
        (b'{"a":"' + b"{[" * 100 + b'"}', {"a": "{[" * 100}),
    ],
    ids=repr,
)
def test_an_object_is_read(octets: bytes, value: dict[str, Any]) -> None:
    assert parse_object(octets) == value


def test_jwt_2_objects_may_be_nested_as_deeply_as_the_limit() -> None:
    assert json.dumps(parse_object(nested(MAX_DEPTH))).count("{") == MAX_DEPTH


@pytest.mark.slow
@given(st.dictionaries(st.text(), JSON, max_size=5), st.booleans())
def test_what_was_written_is_read(value: dict[str, Any], escaped: bool) -> None:
    assert parse_object(json.dumps(value, ensure_ascii=escaped).encode()) == value


def texts(names: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, bool]]:
    """Texts of objects, each with whether a name stands twice in an object of it."""

    def written(members: list[tuple[str, tuple[str, bool]]]) -> tuple[str, bool]:
        text = ",".join(f"{name}:{value}" for name, (value, _) in members)
        decoded = [json.loads(name) for name, _ in members]
        return f"{{{text}}}", len(set(decoded)) < len(decoded) or any(twice for _, (_, twice) in members)

    def listed(values: list[tuple[str, bool]]) -> tuple[str, bool]:
        return f"[{','.join(value for value, _ in values)}]", any(twice for _, twice in values)

    def objects(values: st.SearchStrategy[tuple[str, bool]]) -> st.SearchStrategy[tuple[str, bool]]:
        return st.lists(st.tuples(names, values), max_size=4).map(written)

    plain = st.sampled_from(["1", "null", '""', '"a"', '"a:{}[],"', '"\\u0061"', '"\\""', "-1.5", "true"]).map(
        lambda text: (text, False)
    )
    nested = st.recursive(plain, lambda inner: objects(inner) | st.lists(inner, max_size=3).map(listed), max_leaves=8)
    return objects(nested)


@given(texts(st.sampled_from(['"a"', '"b"', '"\\u0061"', '"\\""', '""', '"c:"', '"é"', '"\\u00e9"'])))
@example(('{"a":{"b":1,"b":"x"}}', True))
@example(('{"a":[{"b":1},{"b":"x"}]}', False))
@example(('{"a":"\\u0061","\\u0061":1}', True))
def test_jwt_2_no_name_stands_twice_at_any_depth(text: tuple[str, bool]) -> None:
    written, is_refused = text
    if is_refused:
        with pytest.raises(ValueError, match=r"^a name stands twice in a JSON object$"):
            parse_object(written.encode())
    else:
        assert parse_object(written.encode()) == json.loads(written)


@given(st.binary(max_size=60) | st.text('{}[]":,\\ud80ae1N', max_size=60).map(str.encode))
def test_jwt_2_any_octets_give_an_object_or_a_value_error(octets: bytes) -> None:
    try:
        value = parse_object(octets)
    except ValueError:
        return
    assert value == json.loads(octets)


def depth_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth_of, cast("dict[str, object]", value).values()), default=0)
    return 1 + max(map(depth_of, cast("list[object]", value)), default=0) if isinstance(value, list) else 0


# What stands before the nesting, and has closed again.
SIBLINGS = [
    "",
    '"b":{},',
    '"b":[],',
    f'"b":[{",".join(["{}"] * 40)}],',
    f'"b":[{",".join(["[]"] * 40)}],',
    f'"b":{{{",".join(f"{json.dumps(str(n))}:[[]]" for n in range(40))}}},',
    '"b":"' + "}]" * 40 + '",',
    '"b":"' + "{[" * 40 + '",',
    '"b":"\\"' + "}" * 40 + '\\\\",',
    f'"b":{nested(MAX_DEPTH - 1).decode()},',
]


@pytest.mark.parametrize("siblings", SIBLINGS, ids=range(len(SIBLINGS)))
@pytest.mark.parametrize("opening, closing", [('{"a":', "}"), ("[", "]"), ('[{"a":[', "]}]")], ids=["{", "[", "[{["])
def test_jwt_2_the_limit_of_depth_is_exact_whatever_stands_before_and_after(
    siblings: str, opening: str, closing: str
) -> None:
    for depth in (MAX_DEPTH, MAX_DEPTH + 1):
        rest = depth - 1
        around = len(opening.replace('"a":', ""))
        inner = opening * (rest // around) + "[" * (rest % around) + "1" + "]" * (rest % around)
        text = f'{{{siblings}"a":{inner}{closing * (rest // around)},"z":[{{}},{{}}]}}'
        assert depth_of(json.loads(text)) == depth
        if depth <= MAX_DEPTH:
            assert parse_object(text.encode()) == json.loads(text)
        else:
            with pytest.raises(ValueError, match="nested too deeply"):
                parse_object(text.encode())


def test_the_limit_of_depth_is_what_the_docs_and_the_interpreter_can_bear() -> None:
    assert MAX_DEPTH == 32


def test_json_that_is_read_deep_in_other_calls_is_refused_and_no_crash() -> None:
    text = nested(MAX_DEPTH)

    def deeper(left: int) -> str:
        try:
            return deeper(left - 1) if left else str(parse_object(text))
        except ValueError as error:
            return str(error)
        except RecursionError:
            return "no room for the call itself"

    answers = {deeper(depth) for depth in range(max(0, sys.getrecursionlimit() - 400), sys.getrecursionlimit())}
    assert "JSON nested too deeply" in answers
    assert answers <= {"JSON nested too deeply", "no room for the call itself", str(parse_object(text))}
