"""Security schemes: how a credential travels, one file per family (`OpenIdConnect` is in `issuers`)."""
