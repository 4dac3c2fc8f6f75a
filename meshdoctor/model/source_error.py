"""The one error that a source raises when nothing of it can be used."""

from __future__ import annotations


class SourceError(Exception):
    """A recording or a cluster cannot be read at all; the message is one line for the person."""
