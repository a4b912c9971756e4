"""Check of the names of security schemes in one document: different schemes need different names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from authmw_starlette.dependencies import asked_by_dependencies, dependencies_of
from authmw_starlette.walk import Around, Entry, entries
from fastapi.encoders import jsonable_encoder
from fastapi.security.base import SecurityBase

from authmw.errors import ConfigurationError
from authmw.openapi import security_schemes

if TYPE_CHECKING:
    from fastapi import FastAPI


def check_names(app: FastAPI, around: Around) -> None:
    """Refuse different schemes with one name: one would overwrite the other in the document of `app`.

    Raises:
        ConfigurationError: every name that different schemes have.
    """
    found: dict[str, Any] = {}
    doubled: dict[str, None] = {}
    for entry in entries(app, around):
        if entry.owner is app and entry.route is not None:
            for name, described in _schemes_of(entry):
                if found.setdefault(name, described) != described:
                    doubled[name] = None
    if doubled:
        raise ConfigurationError(
            *(
                f"two different security schemes are named {name}: give one of them a name of its own, "
                "by name=... or, for FastAPI's classes, scheme_name=..."
                for name in doubled
            )
        )


def _schemes_of(entry: Entry) -> Iterator[tuple[str, Any]]:
    auths = [settings.auth for settings, _ in entry.around.guards]
    auths += [each.auth for each in asked_by_dependencies(entry.route) if each.auth is not None]
    for auth in dict.fromkeys(auths):
        for name, described in security_schemes(auth).items():
            yield name, _essence(described)
    for call in dependencies_of(entry.route):
        if isinstance(call, SecurityBase):
            described = jsonable_encoder(call.model, by_alias=True, exclude_none=True)
            yield call.scheme_name, _essence(described)


def _essence(described: Mapping[str, Any]) -> dict[str, Any]:
    """The members that make two schemes different. Descriptions may differ, and the scopes of flows are merged."""
    essence = {name: each for name, each in described.items() if name not in ("description", "bearerFormat")}
    if "flows" in essence:
        essence["flows"] = {flow: {**each, "scopes": {}} for flow, each in essence["flows"].items()}
    return essence
