"""Mail that is about to be sent, by a function of the application, without waiting for it.

A login page must not take longer for a user who exists because a mail is sent to it. So mails are put into a queue, and
a thread of this process sends them.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from authmw.flow.forks import in_each_child

logger: Final = logging.getLogger("authmw.login")
_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail to a user, as plain text.

    Args:
        to: the address.
        subject: one line.
        text: the body. It may contain a link that logs in or changes a password.
        language: of the text, as ``en``.
    """

    to: str = field(repr=False)
    subject: str
    text: str = field(repr=False)
    language: str = "en"


SendMail: TypeAlias = Callable[[Mail], object]
"""A function of the application that sends a mail. It is called on a thread, and may take its time."""


class Outbox:
    """Sends mails on one thread, in the order in which they came. What waits is lost when the process ends.

    Args:
        send: sends one mail. What it raises is logged, without the address and the text.
        most: the number of mails that may wait. Further ones are dropped, and logged.
    """

    def __init__(self, send: SendMail, *, most: int = _MOST) -> None:
        self._send = send
        self._most = most
        self._waiting: queue.Queue[Mail] = queue.Queue(most)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        in_each_child(self._reset)

    def put(self, mail: Mail) -> None:
        """Send `mail` soon."""
        try:
            self._waiting.put_nowait(mail)
        except queue.Full:
            logger.error("authmw dropped a mail, since %d are waiting: send_mail is too slow", self._most)
            return
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                thread = threading.Thread(target=self._work, name="authmw-mail", daemon=True)
                try:
                    thread.start()
                except RuntimeError:  # no more threads: an error here would tell a client that the address is known
                    logger.error("authmw could not start a thread to send mails: they wait for the next one")
                    return
                self._thread = thread

    def join(self) -> None:
        """Wait until every mail is sent, as tests do."""
        self._waiting.join()

    def _reset(self) -> None:
        # No thread survives a fork, and another one may have held a lock. What waited is the parent's to send.
        self._waiting = queue.Queue(self._most)
        self._thread = None
        self._lock = threading.Lock()

    def _work(self) -> None:
        while True:
            mail = self._waiting.get()
            try:
                self._send(mail)
            except Exception as error:
                logger.error("authmw could not send a mail: send_mail raised %s", type(error).__name__)
            finally:
                self._waiting.task_done()
