"""The meaning: credentials, scopes, principal, requirement, verdict, user names, the call that is served."""
