"""Parts of pages: fields with labels, problems that lead to their field, buttons and links."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from authmw.pages.languages.texts import Texts
from authmw.pages.look import is_link
from authmw.pages.markup import NOTHING, Child, Html, element

FORM_FIELD: Final = "csrf_token"
"""The field of a form with its token: `authmw.http.form.FORM_FIELD`."""
LONGEST_SHOWN: Final = 100
"""The characters of a name that are shown. Names are longer only if someone wants a page to look broken."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a page shows between its head and its foot.

    Args:
        title: its heading, and the title of the browser's tab.
        content: what stands below the heading.
        has_form: whether a form is sent from it.
        has_problem: whether the form that was sent has a problem: then the title says so first.
        is_wide: whether it needs more width than a form.
    """

    title: str
    content: Html
    has_form: bool = False
    has_problem: bool = False
    is_wide: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """A problem as it is shown.

    Args:
        sentence: what is wrong.
        fields: the names of the fields that are wrong. The first is where to go on.
    """

    sentence: str
    fields: tuple[str, ...] = ()

    def shown(self, texts: Texts) -> Html:
        """The problem above a form, as a link to the field. Screen readers read it at once (WAI-ARIA 1.2, "alert")."""
        said = element("a", self.sentence, href=f"#{self.fields[0]}") if self.fields else self.sentence
        return element(
            "div",
            element("h2", texts.problem),
            element("p", said),
            class_="problem",
            id="problem",
            role="alert",
        )


def field(
    label: str,
    name: str,
    *,
    kind: str = "text",
    autocomplete: str,
    value: str | None = None,
    hint: str | None = None,
    problem: Problem | None = None,
    autofocus: bool = False,
    inputmode: str | None = None,
) -> Html:
    """A field with its label above it.

    Passwords can be pasted and filled in by password managers: nothing here prevents that (ASVS 5.0 6.2.7).

    Args:
        label: of the field.
        name: of the field in the form, and its id.
        kind: the ``type`` of the input.
        autocomplete: the autofill token (HTML Standard §4.10.18.7).
        value: what is filled in already.
        hint: what is allowed in it.
        problem: the problem of the form. The field is marked if it is one of its fields.
        autofocus: whether the cursor is in it when the page is opened.
        inputmode: the keyboard of a phone.
    """
    is_wrong = problem is not None and name in problem.fields
    hint_id = f"{name}-hint" if hint else None
    # Characters of a name or a password are neither words nor sentences.
    is_plain = "none" if kind == "text" else None
    return element(
        "div",
        element("label", label, for_=name),
        element("p", hint, class_="hint", id=hint_id) if hint else None,
        element(
            "input",
            type=kind,
            id=name,
            name=name,
            value=value or None,
            autocomplete=autocomplete,
            inputmode=inputmode,
            autocapitalize=is_plain,
            spellcheck="false",
            required=True,
            autofocus=autofocus,
            aria_invalid="true" if is_wrong else None,
            aria_describedby=" ".join(each for each in ("problem" if is_wrong else None, hint_id) if each) or None,
        ),
        class_="field",
    )


def form(action: str, form_token: str, *children: Child) -> Html:
    """A form that is posted to `action` with the token that proves where it comes from."""
    return element("form", hidden(FORM_FIELD, form_token), *children, method="post", action=action)


def hidden(name: str, value: str) -> Html:
    """A field that is sent and not shown."""
    return element("input", type="hidden", name=name, value=value)


def submit(label: str, *more: Child, class_: str = "button") -> Html:
    """The button that sends a form."""
    return element("button", label, *more, type="submit", class_=class_)


def lead(*children: Child) -> Html:
    """A paragraph."""
    return element("p", *children)


def button_link(label: str, url: str) -> Html:
    """A link that looks like a button; nothing if the page may not link to `url`."""
    return element("a", label, href=url, class_="button", rel="noreferrer") if is_link(url) else NOTHING


def link_below(label: str, url: str) -> Html:
    """A link below a form; nothing if the page may not link to `url`."""
    if not is_link(url):
        return NOTHING
    return element("p", element("a", label, href=url, rel="noreferrer"), class_="below")


def name_of(text: str) -> Html:
    """A name that somebody chose, cut to what can be read. It turns no other text around (HTML Standard §4.5.24)."""
    return element("bdi", element("strong", cut(text)))


def cut(text: str) -> str:
    """`text`, not longer than what is shown of a name."""
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
