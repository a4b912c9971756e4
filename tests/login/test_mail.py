"""Mails are sent on a thread, in their order, and what fails is logged without the address and the text."""

from __future__ import annotations

import logging
import os
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


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_was_ended_by_a_mail_is_replaced_for_the_next_one() -> None:
    sent: list[str] = []
    ended = threading.Event()

    def send(mail: Mail) -> None:
        if mail.subject == "Hello":
            ended.set()
            raise SystemExit
        sent.append(mail.subject)

    outbox = Outbox(send)
    outbox.put(MAIL)
    assert ended.wait(10)
    outbox.join()
    for thread in [each for each in threading.enumerate() if _works_for(each, outbox)]:
        thread.join(10)
    outbox.put(Mail("bob@mail.example", "next", ""))
    outbox.join()
    assert sent == ["next"]


def test_a_mail_waits_for_the_next_one_while_no_thread_can_be_started(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    sent: list[str] = []
    outbox = Outbox(lambda mail: sent.append(mail.subject))
    with monkeypatch.context() as limited, caplog.at_level(logging.ERROR):
        limited.setattr(threading.Thread, "start", refused)
        outbox.put(MAIL)
    assert "authmw could not start a thread to send mails" in caplog.text
    assert "s3cret" not in caplog.text
    outbox.put(Mail("bob@mail.example", "next", ""))
    outbox.join()
    assert sent == ["Hello", "next"]


def test_one_mail_more_than_may_wait_is_dropped() -> None:
    free, first = threading.Event(), threading.Event()
    sent: list[str] = []

    def send(mail: Mail) -> None:
        first.set()
        free.wait(30)
        sent.append(mail.subject)

    outbox = Outbox(send, most=2)
    outbox.put(Mail("alice@mail.example", "0", ""))
    assert first.wait(10)
    for number in (1, 2, 3):
        outbox.put(Mail("alice@mail.example", str(number), ""))
    free.set()
    outbox.join()
    assert sent == ["0", "1", "2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_child_process_sends_its_own_mails_and_none_of_its_parent() -> None:
    free, first = threading.Event(), threading.Event()
    parent, sent = os.getpid(), list[str]()

    def send(mail: Mail) -> None:
        first.set()
        if os.getpid() == parent:
            free.wait(30)
        sent.append(mail.subject)

    outbox = Outbox(send, most=2)
    for number in range(2):
        outbox.put(Mail("alice@mail.example", f"parent {number}", ""))
        assert first.wait(10)
    held: Any = outbox
    with held._lock:
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            for number in range(2):
                outbox.put(Mail("alice@mail.example", f"child {number}", ""))
            outbox.join()
            os._exit(0 if sent == ["child 0", "child 1"] else 1)
    _, status = os.waitpid(child, 0)
    free.set()
    outbox.join()
    assert os.waitstatus_to_exitcode(status) == 0
    assert sent == ["parent 0", "parent 1"]


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
