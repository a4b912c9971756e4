"""Loader of the application that a command names, as ``shop:app`` or ``shop:create_app()``."""

from __future__ import annotations

import re
import sys
from contextlib import redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from inspect import isfunction
from pathlib import Path
from traceback import FrameSummary, extract_tb
from typing import Any, Final, cast

import click

_NAME = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*"
_FACTORIES: Final = ("create_app", "make_app")  # the names that Flask's command looks for
_TARGET: Final = re.compile(rf"(?P<module>{_NAME})(?::(?P<path>{_NAME})(?P<call>\(\))?)?")
_OF_DJANGO: Final = "application"  # the name that Django gives it in wsgi.py and asgi.py


class NoApplication(click.ClickException):
    """The application cannot be loaded, which counts as wrong usage of the command."""

    exit_code = 2


def load(name: str | None) -> Any:
    """The application of that name. Without a name: the application of Flask's command, if this runs inside it.

    The name of a module alone stands for its ``application``, as Django names it.

    Modules are also looked for in the current directory.

    Raises:
        NoApplication: there is none; the message says why and what to write.
    """
    with redirect_stdout(sys.stderr):  # what the application prints must not mix with the command's output
        if name is None:
            return _of_the_flask_command()
        found = _TARGET.fullmatch(name)
        if found is None:
            raise NoApplication(f"{name!r} names no application: write shop:app, or shop:create_app() for a factory")
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.insert(0, here)
        module = _module(found["module"])
        if found["path"] is None and not hasattr(module, _OF_DJANGO):
            why = _instead(module) or ": write shop:app, or shop:create_app() for a factory"
            raise NoApplication(f"{name!r} names no application{why}")
        target = _attribute(module, found["module"], found["path"] or _OF_DJANGO)
        if found["call"]:
            return _called(target, name)
        if isfunction(target):
            raise NoApplication(f"{name} is a function, not an application: write {name}() if it makes one")
        return target


def _of_the_flask_command() -> Any:
    script: Any = click.get_current_context().find_root().obj
    if not hasattr(script, "load_app"):  # flask.cli.ScriptInfo
        raise NoApplication("name the application: write shop:app, or shop:create_app() for a factory")
    return script.load_app()


def _module(name: str) -> Any:
    try:
        spec = find_spec(name)
        if spec is not None:
            return import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _failed(name, error) from error
    except (Exception, SystemExit) as error:  # the user's module may raise anything
        raise _failed(name, error) from error
    raise NoApplication(f"there is no module {name}, seen from {Path.cwd()}")


def _attribute(module: Any, name: str, path: str) -> Any:
    found = module
    for each in path.split("."):
        try:
            found = getattr(found, each)
        except AttributeError:
            raise NoApplication(f"{name} has no {path}{_instead(module)}") from None
    return found


def _instead(module: Any) -> str:
    """The names in `module` of applications and of factories, as the end of an error message."""
    from authmw.engine.routes.frameworks import is_known

    members = cast("dict[str, object]", vars(module))
    found = [f"{module.__name__}:{name}" for name, value in members.items() if is_known(value)]
    found += [f"{module.__name__}:{name}()" for name in _FACTORIES if callable(members.get(name))]
    return f": write {' or '.join(found)}" if found else ""


def _called(factory: Any, name: str) -> Any:
    if not callable(factory):
        raise NoApplication(f"{name.removesuffix('()')} is not a factory but {type(factory).__name__}: leave out ()")
    try:
        return factory()
    except (Exception, SystemExit) as error:  # the user's factory may raise anything
        raise _failed(name, error) from error


def _failed(name: str, error: BaseException) -> NoApplication:
    """The error for an exception of the user's code: its type, its message and its last line outside of libraries."""
    frames = [frame for frame in extract_tb(error.__traceback__) if _is_users(frame)]
    where = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    said = "; ".join(line.strip() for line in str(error).splitlines() if line.strip())
    return NoApplication(f"{name} fails: {type(error).__name__}{': ' if said else ''}{said}{where}")


def _is_users(frame: FrameSummary) -> bool:
    return frame.filename != __file__ and not frame.filename.startswith("<") and "site-packages" not in frame.filename
