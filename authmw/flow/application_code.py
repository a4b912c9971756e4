"""Code of the application, as opposed to the code of authmw: what surrounds it, and where it raised an exception."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from types import CodeType, FunctionType
from typing import Final, NamedTuple, Protocol, cast

from authmw.errors import FACES, Unavailable

_OURS: Final = frozenset(face.partition(".")[0] for face in FACES)
_CALLS_OTHERS: Final = frozenset({"authmw.stores.joined_revocations"})
"""Modules of authmw whose methods call stores of the application."""


_CO_VARARGS: Final = 0x04  # inspect.CO_VARARGS, without the import


class Surroundings(Protocol):
    """What an adapter puts around functions of the application that run in front of the framework."""

    @property
    def debug(self) -> bool:
        """Whether the application is in debug mode."""
        ...

    def __call__(self) -> AbstractContextManager[object]:
        """The context in which one function runs."""
        ...


def is_of_application(code: object) -> bool:
    """Whether `code` (a function, a method, a class or another object) is not part of authmw.

    >>> from authmw.stores import MemoryUsers
    >>> is_of_application(MemoryUsers().find), is_of_application({"t0ken": "alice"}.get)
    (False, True)
    """
    while isinstance(code, partial):
        code = cast("partial[object]", code).func
    if not _is_ours(getattr(code, "__module__", None)):
        return True
    owner = getattr(code, "__self__", None)
    if owner is None:
        return False
    return not _is_ours((owner if isinstance(owner, type) else type(owner)).__module__)


def takes(function: object, number: int) -> bool:
    """Whether `function` can be called with that many positional arguments. What is not written in Python passes.

    Args:
        function: a function, a method, or an object with ``__call__``.
        number: the number of arguments.

    >>> takes(lambda token: None, 1), takes(lambda: None, 1), takes({}.get, 1)
    (True, False, True)
    """
    code: object = getattr(function, "__func__", function)
    if not isinstance(code, FunctionType):
        code = getattr(type(function), "__call__", None)  # noqa: B004 - for the function that a call would run
    if not isinstance(code, FunctionType):
        return True
    most = code.__code__.co_argcount - (code is not function)
    needed = most - len(code.__defaults__ or ())
    return needed <= number and (most >= number or bool(code.__code__.co_flags & _CO_VARARGS))


def _is_ours(module: str | None) -> bool:
    return module is not None and module.partition(".")[0] in _OURS and module not in _CALLS_OTHERS


class Place(NamedTuple):
    """Where an exception was raised: a line of a function."""

    file: str
    line: int
    function: str


def raised_at(error: BaseException) -> Place | None:
    """The innermost place in code of the application where `error` passed; None if it passed through no code.

    Code of the application is outside of authmw, of the standard library and of installed packages. An application that
    is installed itself is recognised by the first function that authmw called. Of an exception group, the first
    exception counts.
    """
    frames = [frame for frame in _frames_of(error) if not _is_ours(frame.module)] or list(_frames_of(error))
    if not frames:
        return None
    package = frames[0].module.partition(".")[0]
    own = [frame for frame in frames if not _is_installed(frame.file) or frame.module.partition(".")[0] == package]
    return (own or frames)[-1].place


def where_raised(error: BaseException) -> str:
    """The place of `raised_at` in words, with a space before them; empty if there is none."""
    place = raised_at(error)
    return "" if place is None else f" at {place.file}:{place.line} in {place.function}"


def in_words(error: Exception) -> str:
    """What a log says of `error`: its text, if authmw wrote that, else its type and its place.

    The text of an exception of the application often is the secret, as a URL with a key in it.
    """
    cause = error.__cause__ or error
    place = where_raised(cause) if was_raised_by_application(cause) else ""
    return (type(error).__name__ if has_text_of_application(error) else str(error)) + place


def has_text_of_application(error: Exception) -> bool:
    """Whether code of the application wrote the text of `error`, or that of a failure which authmw passed on as it."""
    each: BaseException | None = error
    while isinstance(each, Unavailable):
        if was_raised_by_application(each):
            return True
        each = each.__cause__
    return False


def was_raised_by_application(error: BaseException) -> bool:
    """Whether code that is not part of authmw raised `error`, and so wrote its text."""
    frames = tuple(_frames_of(error))
    return bool(frames) and not _is_ours(frames[-1].module)


class _Frame(NamedTuple):
    module: str
    file: str
    place: Place


def _frames_of(error: BaseException) -> Iterator[_Frame]:
    trace = error.__traceback__
    while trace is not None:
        code: CodeType = trace.tb_frame.f_code
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        yield _Frame(module, code.co_filename, Place(code.co_filename, trace.tb_lineno, code.co_qualname))
        trace = trace.tb_next
    if isinstance(error, BaseExceptionGroup):
        yield from _frames_of(cast("BaseExceptionGroup[BaseException]", error).exceptions[0])


def _is_installed(file: str) -> bool:
    return file.startswith(("<", _STANDARD)) or not _PACKAGES.isdisjoint(file.split(os.sep))


_PACKAGES: Final = frozenset({"site-packages", "dist-packages"})
_STANDARD: Final = os.path.dirname(os.__file__) + os.sep
