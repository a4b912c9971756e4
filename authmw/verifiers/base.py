"""What a verifier is: credentials in, verdict out, as a plain function or as a flow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar, cast

from authmw.errors import ConfigurationError
from authmw.flow.flow import Flow
from authmw.http.request import RequestHead
from authmw.identity.verdict import Verdict

C = TypeVar("C")


C_contra = TypeVar("C_contra", contravariant=True)


class Verifier(Protocol[C_contra]):
    """Turns credentials into a verdict, as a plain function or as a flow when it has to ask a store.

    One whose verdicts may be remembered also has a ``version``, which changes whenever what was proved before may
    not hold any longer, as when a key is retired. One whose ``scheme`` is empty is told the name of the first scheme
    it is given to: a principal that names its scheme need not be copied.
    """

    def verify(self, credentials: C_contra, request: RequestHead, /) -> Verdict | Flow[Verdict | None] | None:
        """Whether the credentials hold; None when they are of another kind, so that the next alternative is asked."""
        ...


def as_verifier(verifier: Verifier[C] | Callable[..., Any] | None) -> Verifier[C] | None:
    """A verifier from what a user passed: one already, or a plain function from the credential to its principal."""
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
    from authmw.verifiers.lookup import LookupVerifier

    return cast("Verifier[C]", LookupVerifier(verifier))
