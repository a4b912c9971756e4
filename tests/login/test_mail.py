"""Mails are sent on a thread, in their order, and what fails is logged without the address and the text."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from authmw.login import Mail
from authmw.login.mail import Outbox

MAIL = Mail("alice@mail.example", "Hello", "https://shop.example/auth/reset?token=s3cret")


def _works_for(thread: threading.Thread, outbox: Outbox) -> bool:
    started: Any = outbox
    return started._thread is thread


def test_mails_are_sent_in_their_order_on_another_thread() -> None:
    sent: list[tuple[str, str]] = []
    outbox = Outbox(lambda mail: sent.append((mail.subject, threading.current_thread().name)))
    for number in range(20):
        outbox.put(Mail("alice@mail.example", str(number), ""))
    outbox.join()
    assert sent == [(str(number), "authmw-mail") for number in range(20)]
    (thread,) = [each for each in threading.enumerate() if each.name == "authmw-mail" and _works_for(each, outbox)]
    assert thread.daemon, "a program ends although mails are waiting"


def test_a_mail_that_fails_is_logged_and_the_next_one_is_sent(caplog: pytest.LogCaptureFixture) -> None:
    sent: list[str] = []

    def send(mail: Mail) -> None:
        if mail.subject == "Hello":
            raise OSError(mail.to, mail.text)
        sent.append(mail.subject)

    outbox = Outbox(send)
    with caplog.at_level(logging.ERROR):
        outbox.put(MAIL)
        outbox.put(Mail("bob@mail.example", "next", ""))
        outbox.join()
    assert sent == ["next"]
    assert "send_mail raised OSError" in caplog.text
    assert "s3cret" not in caplog.text
    assert "alice" not in caplog.text


def test_when_a_thousand_wait_further_mails_are_dropped(caplog: pytest.LogCaptureFixture) -> None:
    free = threading.Event()
    sent: list[Mail] = []

    def send(mail: Mail) -> None:
        free.wait(30)
        sent.append(mail)

    outbox = Outbox(send)
    with caplog.at_level(logging.ERROR):
        for _ in range(1003):
            outbox.put(MAIL)
    free.set()
    outbox.join()
    assert 1000 <= len(sent) <= 1001  # one is being sent
    assert "dropped a mail" in caplog.text


def test_a_mail_shows_neither_address_nor_link() -> None:
    assert repr(MAIL) == "Mail(subject='Hello', language='en')"
