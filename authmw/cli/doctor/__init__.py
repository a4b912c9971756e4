"""Command ``authmw doctor``: diagnosis of an application, of an issuer, and of a token of it."""
