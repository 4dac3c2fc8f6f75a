"""One change whole: its fields as a diff that reads with and without colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.diff.change import Change, ObjectChange, ProxyChange
from screens.change_rows import Ranked
from screens.widgets.plain_text import PlainText
from screens.window import TextWindow, json_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.diff.change import CertificateChange
    from meshdoctor.model.diagnosis import RootCause
    from screens.widgets.plain_text import Piece

_STYLES = {"@": "bold $primary", "-": "$error", "+": "$success", "…": "$md-muted"}
"""By the sign in front of a line; the sign itself is printed, too."""


class ChangeWindow(TextWindow):
    """A title, lines with their styles, a key to copy the command."""

    def __init__(self, title: str, pieces: Sequence[Piece], *, copies: str = "") -> None:
        """Show pieces of text; ``copies`` is what the copy key takes instead of all of it."""
        self._pieces = tuple(pieces)
        words = (piece if isinstance(piece, str) else piece[0] for piece in self._pieces)
        super().__init__(title, "".join(words), copies=copies)

    def on_mount(self) -> None:
        """Give the text its colours."""
        self.query_one(PlainText).say(*self._pieces)


def pieces_of(value: Any, commands: Iterable[str]) -> list[Piece]:
    """A change in words: what became of it, what was there before and after, how to see it.

    Args:
        value: of a row: an object's, a proxy's or a certificate's change.
        commands: those that show it.
    """
    pieces = [(f"\n$ {command}\n", "$md-muted") for command in commands]
    if isinstance(value, Ranked):
        return [*_of_object(value.change, value.why), *pieces]
    if isinstance(value, ObjectChange):
        return [*_of_object(value), *pieces]
    made = _of_proxy(value) if isinstance(value, ProxyChange) else _of_certificate(value)
    return [*made, *pieces]


def _of_object(change: ObjectChange, why: str = "") -> list[Piece]:
    from meshdoctor.diff.field_lines import field_lines

    when = f" at {change.at:%Y-%m-%d %H:%M:%S} UTC" if change.at else ""
    by = ". Controllers write it: it follows from what people write" if change.derived else ""
    pieces: list[Piece] = [(f"{change.object} {change.change}{when}{by}.\n", "bold")]
    if why:
        pieces.append(f"Listed here because {why}.\n")
    if change.body is not None:
        sign = "+" if change.change is Change.ADDED else "-"
        written = json_text(change.body).splitlines()
        pieces += [("\n", ""), *((f"{sign} {line}\n", _STYLES[sign]) for line in written)]
    for sign, line in field_lines(change.fields):
        shown = f"\n{line}\n" if sign == "@" else f"  {sign} {line}\n"
        pieces.append((shown, _STYLES.get(sign, "")))
    return pieces


def _of_proxy(change: ProxyChange) -> list[Piece]:
    from meshdoctor.diff.text import SIGNS, proxy_summary

    pieces: list[Piece] = [(f"{change.proxy}\n", "bold"), f"{proxy_summary(change)}\n\n"]
    for part in change.parts:
        sign = SIGNS[part.change][0]
        detail = f": {part.detail}" if part.detail else ""
        pieces.append((f"{sign} {part.part} {part.name}{detail}\n", _STYLES.get(sign, "")))
    return pieces


def _of_certificate(change: CertificateChange) -> list[Piece]:
    days = ["unknown" if left is None else f"{left:g}" for left in change.days_left]
    said = "Renewed in time, as leaves are every day." if change.routine else "It differs."
    return [
        (f"{change.subject}\n", "bold"),
        f"{said}\n\n",
        (f"- {change.old or 'none'}, days left then: {days[0]}\n", _STYLES["-"]),
        (f"+ {change.new or 'none'}, days left then: {days[1]}\n", _STYLES["+"]),
    ]


def cause_text(cause: RootCause, said: str) -> str:
    """A root cause that the open mesh has not: what it was."""
    objects = "\n".join(f"  {name}" for name in cause.objects)
    head = f"{cause.title}\n{cause.id}, {cause.certainty.value}"
    return f"{head}\n{said}\n\n{cause.summary}\n\n{objects}"
