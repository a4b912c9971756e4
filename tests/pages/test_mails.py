"""Mails: the link and how long it works, and no header that a name could add."""

from __future__ import annotations

from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authmw.pages import LANGUAGES, Mail, password_changed_mail, recovery_mail, texts_of, verification_mail

LINK = "https://shop.example/reset?token=t0ken"
every_language = pytest.mark.parametrize("language", LANGUAGES)


def mails(name: str, username: str, language: str) -> list[Mail]:
    texts = texts_of(language)
    return [
        recovery_mail(name=name, username=username, link=LINK, lifetime=1800, texts=texts),
        verification_mail(name=name, username=username, link=LINK, lifetime=86_400, texts=texts),
        password_changed_mail(name=name, username=username, link=LINK, at=1_796_000_000, texts=texts),
    ]


@every_language
def test_a_mail_has_the_name_the_link_and_the_time(language: str) -> None:
    texts = texts_of(language)
    for mail, time in zip(
        mails("Shop", "alice", language),
        (texts.lasting_minutes.of(30), texts.lasting_days.of(1), "00:53 UTC"),
        strict=True,
    ):
        assert mail.subject.startswith("Shop: ")
        assert f"\n{LINK}\n" in mail.body
        assert "alice" in mail.body
        assert time in mail.body
        assert "{" not in mail.body + mail.subject


@given(name=st.text(st.characters()), username=st.text(st.characters()), language=st.sampled_from(LANGUAGES))
def test_no_name_adds_a_header_or_a_line(name: str, username: str, language: str) -> None:
    plain = mails("Shop", "alice", language)
    for mail, expected in zip(mails(name, username, language), plain, strict=True):
        assert len(mail.subject.splitlines()) == 1
        assert len(mail.body.splitlines()) == len(expected.body.splitlines())
        message = EmailMessage(policy=SMTP)
        message["Subject"] = mail.subject
        message.set_content(mail.body)
        head = message.as_bytes().partition(b"\r\n\r\n")[0]
        assert {line.split(b":")[0].lower() for line in head.split(b"\r\n") if line[:1].strip()} == {
            *(b"subject", b"content-type", b"content-transfer-encoding", b"mime-version"),
        }


def test_a_lifetime_may_be_a_timedelta() -> None:
    for make in (recovery_mail, verification_mail):
        told = [make(name="", username="a", link=LINK, lifetime=each) for each in (timedelta(minutes=30), 1800)]
        assert told[0] == told[1]


def test_line_breaks_of_a_name_are_spaces() -> None:
    mail = recovery_mail(name="Shop\r\nBcc: all@shop.example", username="a\nb", link=LINK, lifetime=60)
    assert mail.subject == "Shop Bcc: all@shop.example: Choose a new password"
    assert mail.body.startswith("Hello a b,\n")


def test_without_a_name_the_subject_stands_alone() -> None:
    mail = recovery_mail(name="", username="alice", link=LINK, lifetime=60)
    assert mail.subject == "Choose a new password"


def test_a_name_with_braces_is_not_filled_in() -> None:
    mail = recovery_mail(name="{link}", username="{link}", link=LINK, lifetime=60)
    assert mail.body.startswith("Hello {link},\n")
    assert mail.subject.startswith("{link}: ")


@pytest.mark.parametrize("link", ["", "/reset", "javascript:alert(1)", "https://shop.example/a b", f"{LINK}\nBcc: a"])
def test_a_link_is_a_url_and_is_not_repeated_when_it_is_none(link: str) -> None:
    with pytest.raises(ValueError, match=r"^the link of a mail is no URL with http or https, or contains white space$"):
        recovery_mail(name="", username="alice", link=link, lifetime=60)


def test_the_token_in_a_mail_is_not_in_its_repr() -> None:
    assert "t0ken" not in repr(recovery_mail(name="", username="alice", link=LINK, lifetime=60))
