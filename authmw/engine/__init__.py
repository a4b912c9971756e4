"""`Auth`: alternatives, remembered verdicts, guard, public paths, audit, context, decorators, routes."""
