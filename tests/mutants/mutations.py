"""Mutants: small mistakes that are made in a source, one at a time, in the tree of its syntax.

A mutant keeps the lines of the source, so that what is measured about them holds for it too. Not mutated are texts with
a space, docstrings, annotations, what only type checkers read, what a logger is told, why credentials were rejected,
messages of exceptions, variables that are only used in these, what type checkers hold, and what only saves memory.
"""

from __future__ import annotations

import ast
import copy
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Final

from tests.support import ROOT

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]]] = {
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: Final[dict[type[ast.operator], type[ast.operator]]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
}
_TWINS: Final = {"all": "any", "any": "all", "min": "max", "max": "min"}
# Methods that make a text or a set comparable: without them, more than one spelling may pass, or less.
_NORMALISING: Final = frozenset(
    "casefold lower upper strip lstrip rstrip removeprefix removesuffix translate replace isdisjoint".split()
)
_TUNING: Final = frozenset({"slots", "maxsize", "detail"})  # memory, and words for the log
_HELD_BY_TYPES: Final = frozenset({"frozen", "kw_only"})  # what these forbid, type checkers forbid too
# Exceptions whose arguments are their message.
_MESSAGES: Final = frozenset("ConfigurationError FlowError ValueError TypeError RuntimeError AttributeError".split())
_TEXT_CALLS: Final = frozenset("cast TypeVar ParamSpec getLogger assert_never".split())


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake in one source.

    Args:
        path: of the source, from the root of the repository.
        index: its number among all mutants of the source.
        where: the qualified name of the function or class around it; empty at the top of a module.
        before: the statement, or the first line of a compound one.
        after: the same with the mistake.
        lines: the first and the last line of the statement.
        at_import: it is read when the module is imported, not when a function runs.
    """

    path: str
    index: int
    where: str
    before: str
    after: str
    lines: tuple[int, int]
    at_import: bool

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What names it as long as its statement is the same, wherever that stands in the file."""
        return self.path, self.where, self.before, self.after


@dataclass(frozen=True, slots=True)
class _Place:
    """What is around a node."""

    scope: tuple[str, ...] = ()
    statement: ast.AST | None = None
    in_function: bool = False


@dataclass(frozen=True, slots=True)
class _Change:
    """Another node in the place of one, which `put` puts there."""

    place: _Place
    put: Callable[[ast.AST], None]
    old: ast.AST
    new: ast.AST


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All mutants of a source."""
    found: list[Mutant] = []
    seen: set[tuple[int, str]] = set()
    for index, change in enumerate(_changes(_parsed(source), _Place())):
        statement = change.place.statement
        assert statement is not None
        before = _head(statement)
        change.put(change.new)
        after = _head(change.new if statement is change.old else statement)
        change.put(change.old)
        if after == before or (id(statement), after) in seen:
            continue
        seen.add((id(statement), after))
        where = ".".join(change.place.scope)
        found.append(Mutant(path, index, where, before, after, _span(statement), not change.place.in_function))
    return found


def planted(source: str, index: int) -> ast.Module:
    """The tree of `source` with the mutant of that number in it."""
    tree = _parsed(source)
    change = next(itertools.islice(_changes(tree, _Place()), index, None))
    change.put(change.new)
    return ast.fix_missing_locations(tree)


def _parsed(source: str) -> ast.Module:
    """The tree of a source, in which what is only text for people is marked."""
    tree = ast.parse(source)
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(name)], value=value) if name not in _literals_that_are_read():
                # The name of a type: nothing of it is there when the program runs.
                if any(
                    isinstance(node, ast.Subscript) and ast.unparse(node.value) == "Literal" for node in ast.walk(value)
                ):
                    _mark(statement)
            case _:
                pass
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        texts = [text for node in ast.walk(function) for text in _texts_in(node)]
        for text in texts:
            _mark(text)
        # A variable that is only used in texts is one too.
        used = Counter(_names_read(function))
        in_texts = Counter(name for text in texts for name in _names_read(text))
        for node in ast.walk(function):
            match node:
                case ast.Assign(targets=[ast.Name(name)], value=value) if used[name] and used[name] == in_texts[name]:
                    if not any(isinstance(each, ast.Await | ast.Yield | ast.YieldFrom) for each in ast.walk(value)):
                        _mark(node)
                case _:
                    pass
    return tree


@cache
def _literals_that_are_read() -> frozenset[str]:
    """The names of types whose texts a program reads, by `typing.get_args`."""
    sources = (path.read_text() for top in ("authmw", "adapters") for path in (ROOT / top).rglob("*.py"))
    return frozenset(name for source in sources for name in re.findall(r"get_args\((\w+)\)", source))


def _texts_in(node: ast.AST) -> list[ast.expr]:
    """The arguments of a call that are only read by people: in a log, or in the message of an exception."""
    match node:
        case ast.Call(func=ast.Name("Rejected" | "seconds"), args=args):
            return args[1:]  # the detail; the name of the parameter
        case ast.Raise(exc=ast.Call(func=ast.Name(name), args=args)) if name in _MESSAGES:
            return args
        case ast.Call(func=called, args=args) if ast.unparse(called).startswith(("logger.", "_log.")):
            return args
        case ast.keyword(arg="detail", value=value):
            return [value]
        case _:
            return []


def _mark(node: ast.AST) -> None:
    node.is_text = True  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue]


def _names_read(node: ast.AST) -> Iterator[str]:
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load):
            yield each.id


def _span(statement: ast.AST) -> tuple[int, int]:
    pattern = statement.pattern if isinstance(statement, ast.match_case) else statement
    first, last = getattr(pattern, "lineno", 1), getattr(pattern, "end_lineno", 1)
    body = getattr(statement, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.stmt):
        last = max(first, body[0].lineno - 1)
    return first, last


def _head(statement: ast.AST) -> str:
    """The statement as text; of a compound one what stands before its block."""
    if isinstance(statement, ast.Match):
        return f"match {ast.unparse(statement.subject)}:"
    if not isinstance(getattr(statement, "body", None), list):
        return ast.unparse(statement)
    shown = copy.copy(statement)
    for name in {"body", "orelse", "handlers", "finalbody"}.intersection(shown._fields):
        setattr(shown, name, [ast.Pass()] if name == "body" else [])
    return ast.unparse(shown).removesuffix("\n    pass")


def _changes(node: ast.AST, place: _Place) -> Iterator[_Change]:
    """Each change of what is below `node`."""
    fields: Iterator[tuple[str, Any]] = ast.iter_fields(node)
    for name, value in fields:
        if name in ("annotation", "returns"):
            continue
        children = _as_list(value)
        for number, child in enumerate(children):
            if not isinstance(child, ast.AST) or _is_left_out(child):
                continue
            inner = _place_of(child, name, node, place)
            put = partial(children.__setitem__, number) if children is value else partial(setattr, node, name)
            if inner.statement is not None:
                for new in _others(child):
                    yield _Change(inner, put, child, new if hasattr(new, "lineno") else ast.copy_location(new, child))
            yield from _changes(child, inner)


def _as_list(value: Any) -> list[Any]:
    is_list: bool = isinstance(value, list)
    return value if is_list else [value]  # pyright: ignore[reportUnknownVariableType] - the very list, to be changed


def _place_of(child: ast.AST, name: str, parent: ast.AST, place: _Place) -> _Place:
    """The place of a child: a statement of its own, and in a block the name of what that is of."""
    scope, in_function = place.scope, place.in_function
    if name == "body" and isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        scope = (*scope, parent.name)
    if name == "body" and isinstance(parent, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        in_function = True
    is_statement = isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case)
    return _Place(scope, child if is_statement else place.statement, in_function)


def _is_left_out(node: ast.AST) -> bool:
    if getattr(node, "is_text", False):
        return True
    match node:
        case ast.If(test=test):
            return "TYPE_CHECKING" in ast.unparse(test)
        case ast.ClassDef(bases=bases):
            return any("Protocol" in ast.unparse(base) for base in bases)
        case ast.Assign(targets=[ast.Name("__all__" | "__slots__")]):
            return True
        case ast.Call(func=called):
            return ast.unparse(called) in _TEXT_CALLS or ast.unparse(called).startswith(("logger.", "_log."))
        case ast.keyword(arg=name):
            return name in _TUNING or name in _HELD_BY_TYPES
        case ast.Expr(value=ast.Constant()) | ast.Import() | ast.ImportFrom() | ast.JoinedStr() | ast.Assert():
            return True
        case _:
            return False


def _others(node: ast.AST) -> Iterator[ast.AST]:
    """What `node` may be mistaken for."""
    yield from _other_statements(node)
    if isinstance(node, ast.expr):
        yield from _other_expressions(node)


def _other_statements(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Expr(value=value) if not _is_left_out(value):
            yield ast.Pass()
        case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign() | ast.Delete():
            yield ast.Pass()
        case ast.Assign(targets=targets) if not any(isinstance(each, ast.Name) for each in targets):
            yield ast.Pass()
        # Instead of a truth value it is the other one that is returned: only `is` tells False from None.
        case ast.Return(value=ast.expr() as value) if ast.unparse(value) not in ("None", "True", "False"):
            yield ast.Return(ast.Constant(None))
        case ast.If() | ast.While():
            for constant in (True, False)[isinstance(node, ast.While) :]:
                other = copy.copy(node)
                other.test = ast.copy_location(ast.Constant(constant), node.test)
                yield other
        case _:
            return


def _other_expressions(node: ast.expr) -> Iterator[ast.expr]:
    match node:
        case ast.Compare(ops=ops):
            for number, operator in enumerate(ops):
                for other in _COMPARISONS[type(operator)]:
                    yield ast.Compare(node.left, [*ops[:number], other(), *ops[number + 1 :]], node.comparators)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.Or() if isinstance(operator, ast.And) else ast.And(), values)
            for number in range(len(values)):
                rest = values[:number] + values[number + 1 :]
                yield rest[0] if len(rest) == 1 else ast.BoolOp(operator, rest)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.IfExp():
            yield node.body
            yield node.orelse
        case ast.BinOp(op=operator) if type(operator) in _ARITHMETIC and not _is_text(node.left):
            yield ast.BinOp(node.left, _ARITHMETIC[type(operator)](), node.right)
        case ast.Constant(value=value):
            yield from map(ast.Constant, _other_values(value))
        case ast.Call():
            yield from _other_calls(node)
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            for number, generator in enumerate(node.generators):
                for condition in range(len(generator.ifs)):
                    fewer = copy.deepcopy(node)
                    del fewer.generators[number].ifs[condition]
                    yield fewer
        case _:
            return


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))


def _other_values(value: object) -> Iterator[Any]:
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        if value > 0:
            yield value - 1
    elif isinstance(value, str) and " " not in value:
        yield f"XX{value}"
    elif isinstance(value, bytes) and b" " not in value:
        yield b"XX" + value


def _other_calls(node: ast.Call) -> Iterator[ast.expr]:
    if isinstance(node.func, ast.Name) and node.func.id in _TWINS:
        yield ast.Call(ast.Name(_TWINS[node.func.id], ast.Load()), node.args, node.keywords)
    if isinstance(node.func, ast.Attribute) and node.func.attr in _NORMALISING and not _is_text(node.func.value):
        yield node.func.value
    for number, keyword in enumerate(node.keywords):
        if keyword.arg is not None and not _is_left_out(keyword):
            yield ast.Call(node.func, node.args, node.keywords[:number] + node.keywords[number + 1 :])
