"""Identity: credentials, scopes, principal, requirement, verdict, user names, and the call being served."""
