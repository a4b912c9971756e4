"""What would be decided about a request, and by which rule.

The guard, the route table and the engine that serve the application are asked, with a caller who needs no credentials.
Nothing of the application runs but the functions of `requires`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from authmw.engine.auth import Auth
from authmw.engine.authentication import LEFT_ALONE, NOBODY, Authentication
from authmw.engine.guard import Guard, Passage
from authmw.engine.path_patterns import PathPattern
from authmw.engine.path_rules import PathRules
from authmw.engine.public_paths import PublicPaths
from authmw.engine.routes.doors import Asked, Door
from authmw.engine.routes.frameworks import doors_of, routes_of
from authmw.engine.routes.route import Kind, Route
from authmw.http.refusal import ALLOWED, Decision, Refusal
from authmw.http.request import RequestHead
from authmw.identity.principal import Principal
from authmw.identity.requirement import AUTHENTICATED, PUBLIC, Access, Requirement, predicate_name
from authmw.identity.step_up import StepUp


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule that counts for the request.

    Args:
        source: where it comes from: ``needs pattern '/admin/*'``, ``the view (shop.py:12)``, ``default deny``.
        needed: what it needs.
        is_met: whether the caller meets it; None if that cannot be told.
    """

    source: str
    needed: Requirement
    is_met: bool | None


@dataclass(frozen=True, slots=True)
class Explained:
    """What would be decided.

    Args:
        is_allowed: whether the request would reach the view; None if that cannot be told.
        refusal: what would be answered instead.
        rules: the rules that count, from the outermost guard to the view.
        notes: what else may matter, a sentence each without a full stop.
    """

    is_allowed: bool | None
    refusal: Refusal | None
    rules: tuple[Rule, ...]
    notes: tuple[str, ...]


def explained(app: object, asked: Asked, principal: Principal | None) -> Explained:
    """What would be decided about a request of `principal`, and by which rule.

    Args:
        app: a Flask, Starlette, FastAPI or Django application, or another one behind an `AuthMiddleware`.
        asked: the request.
        principal: the caller; None for one without credentials.

    Raises:
        ConfigurationError: neither an adapter knows the application, nor is an `AuthMiddleware` around it.

    >>> from authmw import HTTPBearer
    >>> from authmw.wsgi import AuthMiddleware
    >>> app = AuthMiddleware(lambda environ, start_response: [], Auth(HTTPBearer()), needs={"/admin/*": "admin"})
    >>> found = explained(app, Asked.parse("GET /admin/users"), Principal("alice"))
    >>> found.is_allowed, found.refusal.missing, found.rules[0].source
    (False, ('admin',), "needs pattern '/admin/*'")
    """
    doors = doors_of(app, asked)
    routes = list(_routes_at(routes_of(app), asked))
    rules: list[Rule] = []
    notes = list(_notes_on(doors, routes, asked))
    for door in doors:
        found = _at(door, principal, _name_of(routes))
        rules += found.rules
        notes += (*found.notes, *(note for note in door.notes if principal is not None))
        if found.is_allowed is not True:
            return Explained(found.is_allowed, found.refusal, tuple(rules), tuple(dict.fromkeys(notes)))
    return Explained(True if doors else None, None, tuple(rules), tuple(dict.fromkeys(notes)))


def _at(door: Door, principal: Principal | None, view: str) -> Explained:
    """What one guard, and the view behind it, decide."""
    guard, request = door.guard, door.request
    auth = guard.settings.auth
    if guard.leaves_paths and guard.leaves(request):
        return _left_alone(door, view)
    if guard.adapter.reads_own_credentials(request):
        rule = Rule(view, Requirement(Access.OWN_CREDENTIALS), True)
        return Explained(True, None, (rule,), ("the endpoint reads the credentials of the request itself",))
    caller = NOBODY if principal is None else Authentication(principal, auth.schemes[0])
    declared = guard.adapter.requirement_of(door.at_view)
    rules = tuple(_rules_at(door, declared, caller, view))
    asked = tuple(_asked_predicates(rules))
    try:
        decision = _decided(door, declared, caller)
    except Exception as error:  # a predicate of the application may raise anything
        why = f"the check raised {type(error).__name__}, since this request has no headers, body and session"
        return Explained(None, None, rules, (*asked, why))
    if decision is ALLOWED:
        return Explained(True, None, rules, asked)
    if isinstance(decision, Refusal):
        return Explained(False, decision, rules, asked)
    return Explained(False, None, rules, ("it is a CORS preflight, which the guard answers",))


def _left_alone(door: Door, view: str) -> Explained:
    """What is decided where nobody is authenticated: a view that declares a requirement refuses everybody."""
    guard = door.guard
    auth = guard.settings.auth
    rules = [Rule(f"leave {_named(guard, guard.left.patterns, door.request)}", PUBLIC, True)]
    declared = guard.adapter.requirement_of(door.at_view)
    note = "nothing of the request is looked at here: the program decides"
    if declared is None:
        return Explained(True, None, tuple(rules), (note,))
    decision = auth.decide(LEFT_ALONE, declared, door.at_view)
    rules.append(Rule(view, declared, decision is ALLOWED))
    refusal = decision if isinstance(decision, Refusal) else None
    return Explained(refusal is None, refusal, tuple(rules), (note,))


def _decided(door: Door, declared: Requirement | None, caller: Authentication) -> Decision | Passage:
    """The decision of the guard and, if that lets the request pass, the one in front of the view."""
    passage = door.guard.admit(caller, door.request)
    if isinstance(passage, Refusal) or passage in (Passage.PREFLIGHT_ANSWERED, Passage.PREFLIGHT_PASSED):
        return passage
    return ALLOWED if declared is None else door.guard.settings.auth.decide(caller, declared, door.at_view)


def _rules_at(door: Door, declared: Requirement | None, caller: Authentication, view: str) -> Iterator[Rule]:
    guard, request = door.guard, door.request
    auth = guard.settings.auth
    needed, is_public = guard.rule(request), guard.is_public(request)
    if is_public and guard.public.is_login(request, guard.adapter.knows_router):
        yield Rule("the login page", PUBLIC, True)
    elif is_public:
        yield Rule(f"public {_named(guard, guard.public.patterns, request)}", PUBLIC, True)
    for pattern in () if needed is None else _deciding(guard.rules, request):
        by_pattern = guard.rules.by_pattern[pattern]
        yield Rule(f"needs pattern '{pattern}'", by_pattern, _meets(auth, caller, by_pattern, request))
    if declared is not None:
        yield Rule(view, declared, _meets(auth, caller, declared, door.at_view))
    elif needed is None and not is_public:
        default = AUTHENTICATED if guard.settings.default == "deny" else PUBLIC
        yield Rule(f"default {guard.settings.default}", default, _meets(auth, caller, default, request))


def _meets(auth: Auth, caller: Authentication, needed: Requirement, request: RequestHead) -> bool | None:
    try:
        return auth.decide(caller, needed, request) is ALLOWED
    except Exception:  # a predicate of the application may raise anything
        return None


def _named(guard: Guard, patterns: Iterable[PathPattern], request: RequestHead) -> str:
    """The patterns that name the path of `request`, each asked alone."""
    knows = guard.adapter.knows_router
    found = [each for each in patterns if PublicPaths([str(each)]).matches(request, knows)]
    if not found:  # the query names another method, for which another pattern opens the path
        found = [each for each in patterns if PublicPaths([str(each._replace(method=""))]).matches(request, knows)]
    named = " and ".join(f"'{each}'" for each in found)
    return f"pattern{'s' if len(found) > 1 else ''} {named}"


def _deciding(rules: PathRules, request: RequestHead) -> list[PathPattern]:
    """The patterns without which the rules would need something else; all that name the path if one alone does not."""
    needed = rules.requirement(request)
    patterns = rules.by_pattern
    naming = [each for each in patterns if PathRules({str(each): patterns[each]}).requirement(request) is not None]
    without = {each: PathRules({str(p): patterns[p] for p in patterns if p != each}) for each in naming}
    return [each for each in naming if without[each].requirement(request) != needed] or naming


def _asked_predicates(rules: Iterable[Rule]) -> Iterator[str]:
    names = (predicate_name(each) for rule in rules for each in rule.needed.predicates if not isinstance(each, StepUp))
    for name in dict.fromkeys(names):
        yield f"{name}() was asked about a request without headers and body, and may answer otherwise for another one"


def _notes_on(doors: list[Door], routes: list[Route], asked: Asked) -> Iterator[str]:
    if not doors:
        yield "nothing of authmw guards this path: no caller is authenticated, so a decorator would refuse everybody"
    if not routes:
        yield "no route of the application is known for it: who passes may get its 404 or 405"
    elif all(route.kind is Kind.MOUNT for route in routes):
        yield "another application is mounted there, and may refuse the caller for itself"


def _routes_at(routes: Iterable[Route], asked: Asked) -> Iterator[Route]:
    """The routes whose template may stand for the path. It serves for names only: the framework's router decides."""
    method = "GET" if asked.method == "HEAD" else asked.method
    for route in routes:
        verb = route.method or route.kind.name
        if route.kind is Kind.PATTERN or verb in (method, "MOUNT"):
            template = re.sub(r"\\{[^}]*\\}", ".+", re.escape(route.path)).replace(r"\*", ".*")
            if route.kind is Kind.PATTERN or re.fullmatch(f"{template}/?", asked.path):
                yield route


def _name_of(routes: list[Route]) -> str:
    """The view in words, with its place if exactly one route can be it."""
    places = list(dict.fromkeys(route.place for route in routes if route.place and route.kind is not Kind.MOUNT))
    return f"the view ({places[0]})" if len(places) == 1 else "the view"
