"""What parsers raise."""

from __future__ import annotations


class ParseError(ValueError):
    """A file is not what its place says it is; the message is one clear line."""
