"""Stores in memory, for tests and for small programs of one process: safe in threads, bounded, empty at exit."""
