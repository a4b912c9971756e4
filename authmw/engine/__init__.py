"""The engine: `Auth`, what it remembers, the guard, public paths, decorators, and the routes that they protect."""
