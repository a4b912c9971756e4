"""Finding: what is wrong with an issuer, its keys, or one of its tokens, each with its fix."""
