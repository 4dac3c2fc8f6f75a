"""Who read a mesh, from where, how much of it, and what was hidden on the way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Redaction:
    """How often one rule found a secret in one file; never what it hid."""

    path: str
    """Path within the recording."""
    rule: str
    """The rule's name, as ``RULES`` of the redactor lists them."""
    count: int


@dataclass(frozen=True, slots=True)
class Provenance:
    """What is told to people of how a snapshot came to be; no analyzer asks for it."""

    tool_version: str = ""
    """The version of meshdoctor that read the mesh; empty when nobody said."""
    context: str = ""
    """The kubeconfig context; empty when nobody said."""
    server: str = ""
    """The API server's host and port."""
    asked: tuple[tuple[str, str], ...] = ()
    """How reading was narrowed, as name and value; empty when everything was asked for."""
    logs: str = ""
    """How logs were narrowed, in words; empty when they were not."""
    interrupted: str = ""
    """Why reading ended early; empty when it did not."""
    redactions: tuple[Redaction, ...] = ()
    """What was hidden, by file and rule."""


UNTOLD = Provenance()
"""Nothing was said of it."""
