"""Password hashes of other programs: only verified, until the next login replaces them.

Werkzeug, Django, passlib and bcrypt made them. A hash in another format, or one that needs more work than the limits
below allow, matches no password. Nothing here raises. These programs hashed the password as the user typed it, so it is
not normalised. Only pass passwords that `authmw.crypto.passwords.prepared` accepts: HMAC pads a short key with NULs
(RFC 2104 §2), so that a password and the same password with NULs at its end have the same hash.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64encode
from binascii import a2b_base64
from collections.abc import Callable
from typing import Final, NamedTuple

from authmw.crypto.sha_crypt import sha_crypt

MAX_ARGON2_MEMORY_KIB: Final = 2**21
"""2 GiB, the most that RFC 9106 §4 recommends. To verify a hash with more would stop the server."""
MAX_ARGON2_TIME: Final = 64
MAX_ARGON2_LANES: Final = 64
MAX_PBKDF2_ITERATIONS: Final = 5_000_000
"""Django 6 and Werkzeug 3 use about a million."""
MAX_SCRYPT_WORK: Final = 2**21
"""The largest ``N * r * p``: 256 MiB of memory with p = 1. Werkzeug uses 2**18, OWASP's largest profile 2**20."""
MAX_BCRYPT_COST: Final = 16
"""About five seconds. Django, Flask-Bcrypt and passlib use 12."""
MAX_SHA_CRYPT_ROUNDS: Final = 1_000_000
"""About a second. passlib uses 656,000, and Unix systems 5,000."""
MAX_SHA_CRYPT_WORK: Final = 2**27
"""The largest product of the rounds and the octets of the password: SHA-crypt hashes the whole password in each round.
With 656,000 rounds a password has 204 octets at most; with 5,000 rounds any length is allowed."""
MAX_BCRYPT_BYTES: Final = 72
"""bcrypt ignores what is behind them, so that a longer password would match with any end (CVE-2025-22228)."""

Found = re.Match[str]


class _Format(NamedTuple):
    """A format of password hashes.

    Args:
        name: the format in words.
        pattern: matches the whole of a hash.
        is_right: whether a password (its octets) has this hash. It may raise ValueError.
        is_affordable: whether the work of a check is within the limits.
        library: the module that it needs, and the extra that installs it.
    """

    name: str
    pattern: re.Pattern[str]
    is_right: Callable[[bytes, Found], bool]
    is_affordable: Callable[[Found], bool]
    library: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether its library is installed."""
        return not self.library or _is_installed(self.library)


def matches(*, password: str, encoded: str) -> bool:
    """Whether `encoded` is a hash of `password`. A hash in an unknown format matches nothing. Never raises."""
    known = _read(encoded)
    if known is None:
        return False
    form, found = known
    try:
        return form.is_affordable(found) and form.is_usable and form.is_right(password.encode(), found) is True
    except (ValueError, OverflowError, MemoryError, AttributeError):
        # A lone surrogate in the password, parameters that OpenSSL refuses, or a Python without scrypt.
        return False


def problem_with(encoded: str) -> str:
    """Why no password can match `encoded`, in words without its secret part; empty if one can.

    >>> problem_with("md5$salt$0123456789abcdef")
    'the stored hash is in a format that is not known (md5)'
    """
    known = _read(encoded)
    if known is None:
        named = _NAME.match(encoded)
        return f"the stored hash is in a format that is not known{f' ({named[1]})' if named else ''}"
    form, found = known
    if not form.is_affordable(found):
        return f"the stored hash ({form.name}) needs more work than is allowed"
    if not form.is_usable:
        return f'the stored hash needs a library: pip install "authmw[{form.library}]"'
    return ""


def _read(encoded: str) -> tuple[_Format, Found] | None:
    for form in _FORMATS:
        found = form.pattern.fullmatch(encoded)
        if found is not None:
            return form, found
    return None


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None


def _pbkdf2(secret: bytes, found: Found) -> bytes:
    salt = found["salt"].encode()
    return hashlib.pbkdf2_hmac(found["hash"], secret, salt, int(found["iterations"]))


def _scrypt(secret: bytes, costs: tuple[int, int, int], salt: bytes, length: int = 64) -> bytes:
    n, r, p = costs
    # RFC 7914 §5: ROMix needs 128 * N * r bytes. OpenSSL adds the other buffers to that.
    return hashlib.scrypt(secret, salt=salt, n=n, r=r, p=p, maxmem=128 * r * (n + p + 4), dklen=length)


def _costs(found: Found) -> tuple[int, int, int]:
    """N, r and p (RFC 7914 §2). passlib writes the logarithm of N."""
    r, p = int(found["r"]), int(found["p"])
    return (1 << min(int(found["ln"]), 64) if "ln" in found.re.groupindex else int(found["n"])), r, p


def _is_werkzeug_scrypt(secret: bytes, found: Found) -> bool:
    return _equal(_scrypt(secret, _costs(found), found["salt"].encode()).hex(), found["digest"])


def _is_werkzeug_pbkdf2(secret: bytes, found: Found) -> bool:
    return _equal(_pbkdf2(secret, found).hex(), found["digest"])


def _is_django_pbkdf2(secret: bytes, found: Found) -> bool:
    return _equal(b64encode(_pbkdf2(secret, found)).decode(), found["digest"])


def _is_django_scrypt(secret: bytes, found: Found) -> bool:
    return _equal(b64encode(_scrypt(secret, _costs(found), found["salt"].encode())).decode(), found["digest"])


def _is_passlib_pbkdf2(secret: bytes, found: Found) -> bool:
    salt, stored = _unpadded(found["salt"]), _unpadded(found["digest"])
    name = found["hash"] or "sha1"
    return hmac.compare_digest(hashlib.pbkdf2_hmac(name, secret, salt, int(found["iterations"])), stored)


def _is_passlib_scrypt(secret: bytes, found: Found) -> bool:
    stored = _unpadded(found["digest"])
    return hmac.compare_digest(_scrypt(secret, _costs(found), _unpadded(found["salt"]), len(stored)), stored)


def _is_bcrypt(secret: bytes, found: Found) -> bool:
    return len(secret) <= MAX_BCRYPT_BYTES and _check_bcrypt(secret, found["bcrypt"])


def _is_django_bcrypt_sha256(secret: bytes, found: Found) -> bool:
    return _check_bcrypt(hashlib.sha256(secret).hexdigest().encode(), found["bcrypt"])


def _is_passlib_bcrypt_sha256(secret: bytes, found: Found) -> bool:
    salt = found["salt"]
    # Version 2 is keyed with the salt, so that hashes of another program cannot be used as passwords.
    hashed = hmac.digest(salt.encode(), secret, "sha256") if found["two"] else hashlib.sha256(secret).digest()
    return _check_bcrypt(b64encode(hashed), f"${found['kind']}${int(found['cost']):02}${salt}{found['digest']}")


def _check_bcrypt(secret: bytes, encoded: str) -> bool:
    import bcrypt

    return bcrypt.checkpw(secret, encoded.encode())


def _is_sha_crypt(secret: bytes, found: Found) -> bool:
    salt, rounds = found["salt"].encode(), int(found["rounds"] or 5000)
    if rounds * len(secret) > MAX_SHA_CRYPT_WORK:
        return False
    return _equal(sha_crypt(secret, salt, rounds, "sha256" if found["kind"] == "5" else "sha512"), found["digest"])


def _is_django_argon2(secret: bytes, found: Found) -> bool:
    from argon2.exceptions import VerificationError
    from argon2.low_level import Type, verify_secret

    kind = {"id": Type.ID, "i": Type.I, "d": Type.D}[found["kind"]]
    try:
        return verify_secret(found["argon2"].encode("ascii"), secret, kind)
    except VerificationError:
        return False


def _few_iterations(found: Found) -> bool:
    return 0 < int(found["iterations"]) <= MAX_PBKDF2_ITERATIONS


def _little_scrypt(found: Found) -> bool:
    n, r, p = _costs(found)
    return 0 < n * r * p <= MAX_SCRYPT_WORK


def _little_bcrypt(found: Found) -> bool:
    return int(found["cost"]) <= MAX_BCRYPT_COST


def _few_rounds(found: Found) -> bool:
    return 1000 <= int(found["rounds"] or 5000) <= MAX_SHA_CRYPT_ROUNDS


def is_affordable_argon2(found: Found) -> bool:
    """Whether the parameters of a match of `ARGON2` are within the limits."""
    memory, time, lanes = map(int, found.group("memory", "time", "lanes"))
    return memory <= MAX_ARGON2_MEMORY_KIB and time <= MAX_ARGON2_TIME and lanes <= MAX_ARGON2_LANES


def _unpadded(text: str) -> bytes:
    """The octets of base64 without padding, in which passlib writes ``.`` for ``+``."""
    return a2b_base64(text.replace(".", "+") + "=" * (-len(text) % 4), strict_mode=True)


def _equal(computed: str, stored: str) -> bool:
    return hmac.compare_digest(computed.encode(), stored.encode())


_SALT: Final = r"(?P<salt>[^$\x00]+)"
_BCRYPT: Final = r"(?P<bcrypt>\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53})"
_AB64: Final = r"[./A-Za-z0-9]"
ARGON2: Final = (
    r"\$argon2(?P<kind>id|i|d)\$v=19\$m=(?P<memory>\d{1,9}),t=(?P<time>\d{1,9}),p=(?P<lanes>\d{1,9})"
    r"\$(?P<salt>[A-Za-z0-9+/]+)\$(?P<digest>[A-Za-z0-9+/]+)"
)
"""The PHC string format: ``$argon2id$v=19$m=65536,t=3,p=4$<salt>$<digest>``."""
# Only these names are repeated: what stands before the first ``$`` may be a password that was stored as plain text.
_NAME: Final = re.compile(
    r"[$]?(1|2[abxy]?|[35-7]|g?y|apr1|argon2(?:id?|d)?|bcrypt(?:[_-]sha256)?|crypt|(?:unsalted_)?md5|P|H|S"
    r"|pbkdf2(?:[_-]sha(?:1|256|512))?|plain|plaintext|scrypt|(?:unsalted_)?sha1|sha(?:224|256|384|512)|sha1_crypt)[$:]",
    re.ASCII,
)


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


_FORMATS: Final = (
    # method[:parameter...]$salt$hex                                  werkzeug.security.generate_password_hash
    _Format(
        "scrypt of Werkzeug",
        _compiled(rf"scrypt:(?P<n>\d{{1,9}}):(?P<r>\d{{1,9}}):(?P<p>\d{{1,9}})\${_SALT}\$(?P<digest>[0-9a-f]{{128}})"),
        _is_werkzeug_scrypt,
        _little_scrypt,
    ),
    _Format(
        "PBKDF2 of Werkzeug",
        _compiled(
            rf"pbkdf2:(?P<hash>sha1|sha256|sha512):(?P<iterations>\d{{1,9}})\${_SALT}\$(?P<digest>[0-9a-f]{{40,128}})"
        ),
        _is_werkzeug_pbkdf2,
        _few_iterations,
    ),
    # algorithm$parameters$salt$base64                                django.contrib.auth.hashers
    _Format(
        "PBKDF2 of Django",
        _compiled(
            rf"pbkdf2_(?P<hash>sha1|sha256)\$(?P<iterations>\d{{1,9}})\${_SALT}\$(?P<digest>[A-Za-z0-9+/]{{27,43}}=)"
        ),
        _is_django_pbkdf2,
        _few_iterations,
    ),
    _Format(
        "scrypt of Django",
        _compiled(
            rf"scrypt\$(?P<n>\d{{1,9}})\${_SALT}\$(?P<r>\d{{1,9}})\$(?P<p>\d{{1,9}})\$(?P<digest>[A-Za-z0-9+/]{{86}}==)"
        ),
        _is_django_scrypt,
        _little_scrypt,
    ),
    _Format(  # with the salt first
        "scrypt of Django",
        _compiled(
            r"scrypt\$(?P<salt>[A-Za-z0-9]*[A-Za-z][A-Za-z0-9]*)"
            r"\$(?P<n>\d{1,9})\$(?P<r>\d{1,9})\$(?P<p>\d{1,9})\$(?P<digest>[A-Za-z0-9+/]{86}==)"
        ),
        _is_django_scrypt,
        _little_scrypt,
    ),
    _Format("argon2 of Django", _compiled(rf"argon2(?P<argon2>{ARGON2})"), _is_django_argon2, is_affordable_argon2),
    _Format("bcrypt", _compiled(rf"(?:bcrypt\$)?{_BCRYPT}"), _is_bcrypt, _little_bcrypt, "bcrypt"),
    _Format(
        "bcrypt_sha256 of Django",
        _compiled(rf"bcrypt_sha256\${_BCRYPT}"),
        _is_django_bcrypt_sha256,
        _little_bcrypt,
        "bcrypt",
    ),
    # $name$parameters$salt$digest                                    passlib.hash
    _Format(
        "PBKDF2 of passlib",
        _compiled(
            rf"\$pbkdf2(?:-(?P<hash>sha256|sha512))?\$(?P<iterations>\d{{1,9}})"
            rf"\$(?P<salt>{_AB64}*)\$(?P<digest>{_AB64}{{27,86}})"
        ),
        _is_passlib_pbkdf2,
        _few_iterations,
    ),
    _Format(
        "scrypt of passlib",
        _compiled(
            r"\$scrypt\$ln=(?P<ln>\d{1,2}),r=(?P<r>\d{1,9}),p=(?P<p>\d{1,9})"
            r"\$(?P<salt>[A-Za-z0-9+/]*)\$(?P<digest>[A-Za-z0-9+/]{43})"
        ),
        _is_passlib_scrypt,
        _little_scrypt,
    ),
    _Format(
        "bcrypt_sha256 of passlib",
        _compiled(
            r"\$bcrypt-sha256\$(?P<two>v=2,t=)?(?P<kind>2[ab]),(?(two)r=)(?P<cost>\d{1,2})"
            rf"\$(?P<salt>{_AB64}{{22}})\$(?P<digest>{_AB64}{{31}})"
        ),
        _is_passlib_bcrypt_sha256,
        _little_bcrypt,
        "bcrypt",
    ),
    # $5$[rounds=...$]salt$digest                                     SHA-crypt, of Unix and passlib
    _Format(
        "SHA-crypt",
        _compiled(
            r"\$(?P<kind>5|6)\$(?:rounds=(?P<rounds>\d{1,9})\$)?(?P<salt>[./A-Za-z0-9]{0,16})"
            r"\$(?P<digest>[./A-Za-z0-9]{43}|[./A-Za-z0-9]{86})"
        ),
        _is_sha_crypt,
        _few_rounds,
    ),
)
