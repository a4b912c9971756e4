"""The page with the sessions of a user: where the user is logged in, and to log out there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from authmw.pages.languages.texts import Texts
from authmw.pages.markup import Html, element, joined, sentence
from authmw.pages.parts import Body, cut, form, hidden, lead, name_of, submit
from authmw.pages.times import ago, date_and_time, machine_readable


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEntry:
    """A session of the user.

    Args:
        id: names the session in the form.
        name: a label, as the name of the browser; empty if it is not known.
        started_at: the time of the login, in seconds since the epoch.
        last_used_at: the time of the last use, in seconds since the epoch.
        is_current: the page is opened in this session.
        remembered: the user asked to be remembered.
        kind: a browser, or an application that holds a refresh token.
    """

    id: str
    name: str = ""
    started_at: float
    last_used_at: float
    is_current: bool = False
    remembered: bool = False
    kind: Literal["browser", "app"] = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsPage:
    """The page with the sessions of a user. The form of each has the fields ``session`` (its id) and ``csrf_token``,
    the form that ends all of them has ``csrf_token`` alone.

    Args:
        action: the URL that the form of a session is posted to.
        form_token: is sent with each form.
        entries: the sessions, in the order in which they are shown.
        end_all_action: the URL that the form for all sessions is posted to; empty for no such form.
        now: the time, in seconds since the epoch.
    """

    action: str
    form_token: str = field(repr=False)
    entries: tuple[SessionEntry, ...]
    end_all_action: str = ""
    now: float


def sessions(page: SessionsPage, texts: Texts) -> Body:
    """What the page with the sessions shows."""
    if not page.entries:
        return Body(texts.sessions, lead(texts.no_sessions))
    entries = [_entry(each, page, texts) for each in page.entries]
    hint = element("p", texts.end_all_lead, class_="hint after")
    end_all = form(page.end_all_action, page.form_token, submit(texts.end_all), hint) if page.end_all_action else None
    # Screen readers that leave out the bullets do not announce a list, unless its role is written.
    listed = element("ul", *entries, class_="sessions", role="list")
    return Body(texts.sessions, joined(lead(texts.sessions_lead), listed, end_all), has_form=True, is_wide=True)


def _entry(entry: SessionEntry, page: SessionsPage, texts: Texts) -> Html:
    name = entry.name or texts.unknown_device
    mark = element("span", texts.this_session, class_="mark") if entry.is_current else None
    kind = texts.app if entry.kind == "app" else texts.browser
    facts = f"{kind} · {texts.remembered}" if entry.remembered else kind
    told = element(
        "div",
        element("h2", name_of(name), mark),
        element("p", facts),
        element("p", sentence(texts.last_used, time=_time(entry.last_used_at, page.now, texts))),
        element("p", sentence(texts.started, time=_time(entry.started_at, page.now, texts))),
    )
    # Each button says of itself which session it ends (WCAG 2.2 §2.4.6).
    button = submit(texts.end_session, element("span", f": {cut(name)}", class_="hidden"), class_="button plain")
    return element("li", told, form(page.action, page.form_token, hidden("session", entry.id), button))


def _time(at: float, now: float, texts: Texts) -> Html:
    return element("time", ago(at, now, texts), datetime=machine_readable(at), title=date_and_time(at, texts))
