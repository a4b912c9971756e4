"""Documents for people, as bytes: pages and mails, escaping, Content-Security-Policy, style sheet, languages."""

from typing import TYPE_CHECKING

from authmw.errors import face

if TYPE_CHECKING:
    from authmw.pages.document import Document
    from authmw.pages.email_pages import EmailVerifiedPage, LinkExpiredPage, VerifyEmailPage
    from authmw.pages.failure_pages import Failure, FailurePage
    from authmw.pages.languages.known import LANGUAGES, language_of, texts_of
    from authmw.pages.languages.texts import Counted, Texts
    from authmw.pages.login_pages import LoggedOutPage, LoginPage, LogOutPage, StepPage
    from authmw.pages.look import Look
    from authmw.pages.mails import Mail, password_changed_mail, recovery_mail, verification_mail
    from authmw.pages.password_pages import ChangePasswordPage, ForgottenPasswordPage, ResetPasswordPage
    from authmw.pages.problems import ProblemCode, problem_sentence
    from authmw.pages.rendering import Page, Template, render
    from authmw.pages.session_pages import SessionEntry, SessionsPage

__all__ = [
    "LANGUAGES",
    "ChangePasswordPage",
    "Counted",
    "Document",
    "EmailVerifiedPage",
    "Failure",
    "FailurePage",
    "ForgottenPasswordPage",
    "LinkExpiredPage",
    "LogOutPage",
    "LoggedOutPage",
    "LoginPage",
    "Look",
    "Mail",
    "Page",
    "ProblemCode",
    "ResetPasswordPage",
    "SessionEntry",
    "SessionsPage",
    "StepPage",
    "Template",
    "Texts",
    "VerifyEmailPage",
    "language_of",
    "password_changed_mail",
    "problem_sentence",
    "recovery_mail",
    "render",
    "texts_of",
    "verification_mail",
]

_HOMES = {
    "pages.document": "Document",
    "pages.email_pages": "EmailVerifiedPage LinkExpiredPage VerifyEmailPage",
    "pages.failure_pages": "Failure FailurePage",
    "pages.languages.known": "LANGUAGES language_of texts_of",
    "pages.languages.texts": "Counted Texts",
    "pages.login_pages": "LoggedOutPage LoginPage LogOutPage StepPage",
    "pages.look": "Look",
    "pages.mails": "Mail password_changed_mail recovery_mail verification_mail",
    "pages.password_pages": "ChangePasswordPage ForgottenPasswordPage ResetPasswordPage",
    "pages.problems": "ProblemCode problem_sentence",
    "pages.rendering": "Page Template render",
    "pages.session_pages": "SessionEntry SessionsPage",
}

if not TYPE_CHECKING:  # type checkers would take every misspelt name for a public one
    __getattr__, __dir__ = face(__name__, _HOMES)
