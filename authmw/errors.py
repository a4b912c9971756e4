"""Exceptions of authmw, and the lookup of public names that another package exports.

::

    AuthmwError
    ├── ConfigurationError     a mistake in the set-up; raised at construction, with the fix in the message
    │   └── WrongArguments     a class was called with wrong arguments; it is a TypeError too
    ├── FlowError              a mistake in the code of a flow or a store; the request fails closed
    ├── Unavailable            a store or another service cannot answer now; becomes a 503
    │   ├── StoreUnavailable   a store raised or timed out
    │   └── Overloaded         all slots for password hashing are in use and the queue is full
    └── AccessRefused          a requirement was not met inside the application; becomes a 401 or 403
                               (in `authmw.http.refusal`, because it contains the refusal)

What answers a misspelt name, a wrong argument and a wrong dependency is here too, for every room.

A bad credential raises none of these. The result of verifying a request is a value (`authmw.identity.verdict`).
"""

from __future__ import annotations

import sys
from functools import wraps
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

T = TypeVar("T")


class AuthmwError(Exception):
    """The base class of all exceptions of authmw."""

    is_passed_on: ClassVar[bool] = False
    """Whether it stays as it is where a store or a function of yours raises it, while a request is authenticated. Any
    other exception is a `StoreUnavailable` then, without its text."""
    is_answer: ClassVar[bool] = False
    """Whether a store answers by it, as that there is no such user: who asked the store sees it."""


class ConfigurationError(AuthmwError, ValueError):
    """A mistake in the set-up. The message names every mistake with its fix, one per line.

    Args:
        mistakes: one sentence for each mistake.
    """

    def __init__(self, *mistakes: str) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self.mistakes


class WrongArguments(ConfigurationError, TypeError):
    """A class was called with an argument that it does not have, with too many, or without one that it needs."""


class FlowError(AuthmwError, RuntimeError):
    """A mistake in the code of a flow or a store, such as a missing ``yield from`` or a coroutine under WSGI."""

    is_passed_on = True


class Unavailable(AuthmwError):
    """A store or another service cannot answer now. The middleware responds with 503 and ``Retry-After``."""

    is_passed_on = True
    retry_after: int = 5
    """Seconds after which the client may try again."""
    close_code: int = 1013
    """The code by which a websocket is closed for it: try again later (registered with IANA for RFC 6455)."""


class StoreUnavailable(Unavailable):
    """A store raised an exception, which is the ``__cause__``, or did not answer in time."""


class Overloaded(Unavailable):
    """All slots for password hashing are in use, and the queue is full."""

    retry_after = 1


def is_answer(error: BaseException) -> bool:
    """Whether a store answers by `error`."""
    return isinstance(error, AuthmwError) and error.is_answer


def is_passed_on(error: BaseException) -> bool:
    """Whether `error` stays as it is, and is no failure to decide, where it is raised during authentication."""
    return isinstance(error, AuthmwError) and error.is_passed_on


def did_you_mean(name: str, known: Iterable[str], quote: str = "") -> str:
    """A hint for a name that is none of `known`: the one that it is like, or all of them.

    Args:
        name: the name.
        known: the names that there are.
        quote: is put around a name in the hint.

    >>> did_you_mean("relm", ["realm", "scopes"]), did_you_mean("x", ["realm", "scopes"])
    ('did you mean realm?', 'there are realm, scopes')
    """
    names = list(known)
    near = nearest(name, names)
    return f"did you mean {quote}{near}{quote}?" if near else f"there are {', '.join(names)}"


def nearest(name: str, known: Iterable[str]) -> str:
    """The one of `known` that `name` is a misspelling of; empty if it is like none of them."""
    from difflib import get_close_matches  # loaded for a mistake only

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.5)), "")


def explains_arguments(line: str) -> Callable[[type[T]], type[T]]:
    """A decorator of a class: a call with wrong arguments raises `WrongArguments`, with the line to write.

    Type checkers and `inspect.signature` see the signature of the class. A `TypeError` that is raised inside of its
    ``__init__`` stays as it is.

    Args:
        line: a right call of the class, with ``...`` for what the reader has to fill in.

    >>> @explains_arguments("Shop(realm=...)")
    ... class Shop:
    ...     def __init__(self, *, realm: str) -> None: ...
    >>> Shop(relm="orders")
    Traceback (most recent call last):
    authmw.errors.WrongArguments: Shop has no argument relm (did you mean realm?): write Shop(..., realm=...)
    """

    def decorate(cls: type[T]) -> type[T]:
        init: Callable[..., None] = getattr(cls, "__init__")  # noqa: B009 - type checkers warn of a subclass's own

        @wraps(init)
        def explaining(self: T, *args: Any, **kwargs: Any) -> None:
            try:
                init(self, *args, **kwargs)
            except TypeError as error:
                # The traceback of an error in the call itself has no frame of `init`.
                if error.__traceback__ is None or error.__traceback__.tb_next is not None:
                    raise
                meant: list[str] = []
                mistakes = list(_mistakes_in_call(init, (self, *args), kwargs, meant))
                if not mistakes:
                    raise
                only_misspelt = len(meant) == len(mistakes)
                right = f"{line.partition('(')[0]}(..., {', '.join(f'{name}=...' for name in meant)})"
                raise WrongArguments(
                    f"{type(self).__name__} {' and '.join(mistakes)}: write {right if only_misspelt else line}"
                ) from None

        setattr(cls, "__init__", explaining)  # noqa: B010 - type checkers keep the signature of the class
        return cls

    return decorate


def _mistakes_in_call(
    function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object], meant: list[str]
) -> Iterator[str]:
    """What is wrong with the arguments of a call. No value is repeated: it may be a secret.

    Args:
        function: what was called.
        args: the arguments without a name, and the object first.
        kwargs: the arguments with a name.
        meant: gets the right name of each that was misspelt.
    """
    from inspect import Parameter, signature

    parameters = signature(function).parameters
    by_place = [name for name, each in parameters.items() if each.kind is Parameter.POSITIONAL_OR_KEYWORD]
    by_name = [name for name, each in parameters.items() if each.kind is Parameter.KEYWORD_ONLY]
    placed = by_place[: len(args)]
    for name in kwargs:
        if name not in (*by_place, *by_name):
            public = [each for each in (*by_place, *by_name)[1:] if not each.startswith("_")]
            if near := nearest(name, public):
                meant.append(near)
            yield f"has no argument {name} ({did_you_mean(name, public)})"
        elif name in placed:
            yield f"got {name} twice, by its place and by its name"
    if len(args) > len(by_place):
        yield f"takes {len(by_place) - 1} argument(s) without a name, not {len(args) - 1}"
    needed = [each for each in (*by_place, *by_name) if parameters[each].default is Parameter.empty]
    missing = [each for each in needed if each not in placed and each not in kwargs and each not in meant]
    if missing:
        yield f"needs {' and '.join(missing)}"


class _NoSignature:
    """The ``__signature__`` of an object raises the line to write. Its class has the signature of ``__init__``."""

    def __get__(self, instance: NoDependency | None, owner: type) -> NoReturn:
        if instance is None:
            raise AttributeError("__signature__")
        raise ConfigurationError(instance._instead())  # pyright: ignore[reportPrivateUsage]


class NoDependency:
    """Base of what looks like a dependency to users of FastAPI and is none. It raises the line to write.

    FastAPI reads the signature of what ``Depends`` got, when the route is added.
    """

    if not TYPE_CHECKING:  # for type checkers it cannot be called

        def __call__(self, *args: object, **kwargs: object) -> None:
            """Raise the line to write."""
            raise ConfigurationError(self._instead())

        __signature__ = _NoSignature()

    def _instead(self) -> str:
        """The sentence, with the line to write."""
        kind = type(self).__name__
        auth = f"Auth({kind}(...))" if hasattr(self, "extract") else "auth"
        return (
            f"FastAPI cannot call {kind}: write Annotated[Principal, Security({auth})], with Security of "
            f"authmw_fastapi, or FastAPIAuth(app, {auth}) for the whole application"
        )


FACES: Final = (
    "authmw",
    "authmw.events",
    "authmw.flow",
    "authmw.stores",
    "authmw.issuers",
    "authmw.openapi",
    "authmw.pages",
    "authmw.wsgi",
    "authmw.asgi",
    "authmw.login",
    "authmw.oauth2",
    "authmw.local",
    "authmw.testing",
    "authmw.testing.contract",
    "authmw_flask",
    "authmw_starlette",
    "authmw_fastapi",
    "authmw_fastapi.security",
    "authmw_django",
    "authmw_django.drf",
    "authmw_sqlalchemy",
    "authmw_redis",
    "authmw_opentelemetry",
    "authmw_prometheus",
)
"""The packages whose ``__init__`` exports public names."""

_places: Final[dict[str, list[str]]] = {}
"""Name → the packages that export it. Filled when a package is first asked for a name that it does not have."""


def face(
    package: str, homes: Mapping[str, str] | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` (PEP 562) of a package with public names.

    A name of `homes` is imported when it is first used. A name that another package exports raises an `ImportError`,
    whose message says where it is: ``from authmw import FlaskAuth`` would drop the message of an `AttributeError`. Any
    other name raises an `AttributeError`, so that `hasattr` returns False.

    Args:
        package: the ``__name__`` of the package.
        homes: module inside the outermost package → the names that are imported from it when they are first used,
            separated by spaces.
    """
    root = package.partition(".")[0]
    home_of = {name: f"{root}.{home}" for home, names in (homes or {}).items() for name in names.split()}

    def get(name: str) -> object:
        module = sys.modules[package]
        if name in home_of:
            value = vars(module)[name] = getattr(import_module(home_of[name]), name)
            return value
        # After an AttributeError, and only then, ``from package import name`` looks for a module of that name.
        is_module = PathFinder.find_spec(f"{package}.{name}", module.__path__) is not None
        places = [] if name.startswith("_") or is_module else _places_of(name)
        if places and package not in places:
            raise ImportError(f"{name} is in {', '.join(places)}", name=package)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    return get, lambda: sorted({*vars(sys.modules[package]), *home_of})


def _places_of(name: str) -> list[str]:
    """The packages that export `name`. If `authmw` is one of them, only `authmw`."""
    if not _places:
        found: dict[str, list[str]] = {}
        for package in FACES:
            for exported in _exports_of(package):
                found.setdefault(exported, []).append(package)
        _places.update(found)
    places = _places.get(name, [])
    return places[:1] if "authmw" in places else places


def _exports_of(package: str) -> list[str]:
    """The ``__all__`` of a package, read from its source, because the import of an adapter imports its framework."""
    from ast import Assign, literal_eval, parse, unparse

    spec = _spec_of(package)
    source_of: Callable[[str], str | None] | None = getattr(spec and spec.loader, "get_source", None)
    source = source_of(package) if source_of else None  # a frozen program has no source
    lists = [
        node.value
        for node in parse(source or "").body
        if isinstance(node, Assign) and unparse(node.targets[0]) == "__all__"
    ]
    return literal_eval(lists[0]) if lists else []


def _spec_of(package: str) -> ModuleSpec | None:
    from importlib.util import find_spec

    parent, _, _ = package.rpartition(".")
    if not parent:
        # Not that of `sys.modules` first: the loader by which pytest imports the package of a plugin has no source.
        return PathFinder.find_spec(package) or find_spec(package)
    above = _spec_of(parent)  # `find_spec` would import the parent
    return above and PathFinder.find_spec(package, above.submodule_search_locations)
