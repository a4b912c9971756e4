"""Who is known to the token service of `tests.clients.oauth_apps`, and by what."""

from __future__ import annotations

from typing import Final

PASSWORD: Final = "p+ss w%20rd &=;"
"""Alice's."""
BEYOND_ASCII: Final = ("jürgen", "pässwörd£")
"""A name and a password that need more than ASCII."""
ODD_ID: Final = "odd:id+%/client"
"""A client whose id has every character that a client has to encode."""
SECRET: Final = "s:e c+r%20et/="
"""What each client has that has a secret."""
