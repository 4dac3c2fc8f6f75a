"""A request as a form asks for it, in texts, and the walk that answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope import ScopeError
from meshdoctor.trace.walk import walk
from meshdoctor.views.trace_request import build_request, parse_claims, parse_headers
from meshdoctor.views.trace_why import refused

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Walk
    from meshdoctor.views.trace_why import Refused

NO_TOKEN = "none"
_NEXT_HEADER = re.compile(r";\s*(?=[A-Za-z0-9_-]+\s*:)")


@dataclass(frozen=True, slots=True)
class Form:
    """What stands in the fields."""

    source: str = ""
    to: str = ""
    method: str = "GET"
    headers: str = ""
    """``NAME: VALUE; NAME: VALUE``."""
    claims: str = ""
    """``iss=...,sub=...`` or JSON; ``none`` for no token; empty where that is not known."""

    @property
    def command(self) -> str:
        """The same at the command line, without the mesh that it is asked of."""
        words = ["meshdoctor trace", f"--from {_quoted(self.source)}", f"--to {_quoted(self.to)}"]
        if self.method.upper() not in ("", "GET"):
            words.append(f"--method {_quoted(self.method.upper())}")
        words += [f"--header {_quoted(line)}" for line in header_lines(self.headers)]
        if self.claims.strip().lower() == NO_TOKEN:
            words.append("--no-jwt")
        elif self.claims.strip():
            words.append(f"--jwt-claims {_quoted(self.claims.strip())}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a form."""

    form: Form
    walk: Walk | None = None
    refused: tuple[Refused, ...] = ()
    complaint: str = ""
    """Why there is no walk."""


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"[\w./:@%+=,-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def header_lines(text: str) -> tuple[str, ...]:
    """The headers of one line: a semicolon counts where a name and a colon follow."""
    return tuple(part.strip() for part in _NEXT_HEADER.split(text) if part.strip(" ;"))


def answer(mesh: Snapshot, form: Form) -> Answer:
    """Walk what a form asks for.

    Args:
        mesh: the snapshot.
        form: what stands in the fields.
    """
    if not form.source or not form.to:
        missing = "who asks" if not form.source else "what is asked for, HOST[:PORT][/path]"
        return Answer(form, complaint=f"Say {missing}.")
    claims = form.claims.strip()
    no_token = claims.lower() == NO_TOKEN
    try:
        request = build_request(
            mesh,
            form.source,
            form.to,
            method=form.method or "GET",
            headers=parse_headers(header_lines(form.headers)),
            claims=parse_claims(claims) if claims and not no_token else None,
            no_token=no_token,
        )
    except ScopeError as error:
        said = str(error)
        return Answer(form, complaint=said if said.endswith("?") else f"{said}.")
    found = walk(mesh, request)
    return Answer(form, found, refused(mesh, found))
