"""`Auth`: alternatives, verdict cache, guard, public paths, audit, context, decorators, markers, routes, metadata."""
