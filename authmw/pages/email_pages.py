"""Pages behind the links of mails: to confirm an address, and for a link that no longer works."""

from __future__ import annotations

from dataclasses import dataclass, field

from authmw.pages.languages.texts import Texts
from authmw.pages.markup import joined, sentence
from authmw.pages.parts import Body, button_link, form, hidden, lead, name_of, submit


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifyEmailPage:
    """The page behind the link of a `verification_mail`. Programs that look through mails open links, so the address
    is confirmed by a form, which has the fields ``token`` and ``csrf_token``.

    Args:
        action: the URL that the form is posted to.
        form_token: is sent with the form.
        token: of the link. It is sent with the form.
        email: the address.
    """

    action: str
    form_token: str = field(repr=False)
    token: str = field(repr=False)
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailVerifiedPage:
    """The page after an address was confirmed.

    Args:
        email: the address.
        continue_url: where to go on; empty for no link.
    """

    email: str
    continue_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkExpiredPage:
    """The page for a link of a mail that was used already, is too old, or never existed.

    Args:
        again_url: where to ask for a new link; empty for no link.
    """

    again_url: str = ""


def verify_email(page: VerifyEmailPage, texts: Texts) -> Body:
    """What the page shows that confirms an address."""
    asked = lead(sentence(texts.verify_email_lead, email=name_of(page.email)))
    confirmed = form(page.action, page.form_token, hidden("token", page.token), submit(texts.confirm_email))
    return Body(texts.verify_email, joined(asked, confirmed), has_form=True)


def email_verified(page: EmailVerifiedPage, texts: Texts) -> Body:
    """What the page shows after an address was confirmed."""
    said = lead(sentence(texts.email_verified_lead, email=name_of(page.email)))
    return Body(texts.email_verified, joined(said, button_link(texts.proceed, page.continue_url)))


def link_expired(page: LinkExpiredPage, texts: Texts) -> Body:
    """What the page shows for a link that no longer works."""
    said = lead(texts.link_expired_lead)
    return Body(texts.link_expired, joined(said, button_link(texts.ask_again, page.again_url)))
