"""Protocol of verifiers: credentials in, verdict out, as a plain function or as a flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.identity.verdict import Verdict
from authmw.verifiers.lookup import LookupVerifier

C = TypeVar("C")


C_contra = TypeVar("C_contra", contravariant=True)


class Verifier(Protocol[C_contra]):
    """Turns credentials into a verdict, as a plain function, or as a flow if it has to ask a store.

    A verifier whose verdicts may be remembered also has a ``version``. It changes whenever an earlier verdict may no
    longer be true, as when a key is retired. If a verifier has an empty ``scheme``, the first scheme that takes it sets
    this attribute to its own name: so the principals that it makes name their scheme from the start and need no copy.
    """

    def verify(self, credentials: C_contra, request: RequestHead, /) -> Verdict | Flow[Verdict | None] | None:
        """The verdict on the credentials; None if they are of another kind: then the next alternative is asked."""
        ...


def as_verifier(verifier: Verifier[C] | Callable[..., Any] | None) -> Verifier[C] | None:
    """A verifier from the argument of a scheme: a verifier, or a plain function from a credential to a principal."""
    if isinstance(verifier, type):
        name = verifier.__name__
        if hasattr(verifier, "verify"):
            raise ConfigurationError(f"pass {name}(...), not {name}: a scheme needs an instance")
        raise ConfigurationError(
            f"{name} is a class: pass a verifier, or a function from the credential to a Principal"
        )
    if verifier is None or hasattr(verifier, "verify"):
        return cast("Verifier[C] | None", verifier)
    if not callable(verifier):
        raise ConfigurationError(
            f"{type(verifier).__name__} is no verifier: pass an object with .verify, or a function"
        )
    return cast("Verifier[C]", LookupVerifier(verifier))
