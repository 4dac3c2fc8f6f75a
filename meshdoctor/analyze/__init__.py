"""Analyzers: pure functions of a Snapshot that say what holds and what does not."""
