"""Who is let in: the owners of tokens that the key ring of this project has signed."""

from __future__ import annotations

from django.conf import settings

from authmw import Auth, HTTPBearer, JWTVerifier, KeyRing

keys = KeyRing.load(settings.BASE_DIR / "keys.json", create=True)  # made at the first start
auth = Auth(HTTPBearer(JWTVerifier(keys, issuer="https://me.example", audience="orders")), realm="orders")
