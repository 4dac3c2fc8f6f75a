"""One piece of evidence whole: where it stands, what it says, how to see it live."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from screens.window import TextWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.model.evidence import Evidence


def place_of(evidence: Evidence) -> str:
    """File and pointer, or file and line."""
    if evidence.line is not None:
        return f"{evidence.source} line {evidence.line}"
    return f"{evidence.source} {evidence.pointer or ''}".rstrip()


def pretty(excerpt: str) -> str:
    """JSON indented; anything else as it stands."""
    if excerpt[:1] not in ("{", "["):
        return excerpt
    try:
        return json.dumps(json.loads(excerpt), indent=2, ensure_ascii=False)
    except ValueError:
        return excerpt


def evidence_text(evidence: Evidence) -> str:
    """Place, excerpt and command of one piece of evidence."""
    return f"{place_of(evidence)}\n\n{pretty(evidence.excerpt)}\n\n$ {evidence.command}"


def evidence_window(evidence: Evidence) -> TextWindow:
    """A window on one piece of evidence; its copy key takes the command."""
    return TextWindow("Evidence", evidence_text(evidence), copies=evidence.command)


def statement_window(title: str, statement: str, evidence: Sequence[Evidence]) -> TextWindow:
    """A window on a statement and everything that proves it."""
    parts = [statement, ""]
    for number, item in enumerate(evidence, start=1):
        parts += [f"── evidence {number} of {len(evidence)}", evidence_text(item), ""]
    if not evidence:
        parts.append("No evidence is attached to it.")
    commands = dict.fromkeys(item.command for item in evidence if item.command)
    return TextWindow(title, "\n".join(parts), copies="\n".join(commands))
