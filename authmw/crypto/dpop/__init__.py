"""DPoP (RFC 9449): tokens that are good only together with a proof that their sender holds a key."""
