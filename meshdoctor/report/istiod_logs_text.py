"""istiod's logs for a person: counts, then the lines that matter with what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from meshdoctor.views.istiod_logs import IstiodLogsView

_LEVEL_STYLES = {"fatal": "bold red", "error": "bold red", "warn": "yellow"}
_LONGEST = 200


def _span(first: datetime | None, last: datetime | None) -> str:
    if first is None or last is None:
        return ""
    if first == last:
        return f" at {last:%H:%M:%S}"
    return f" from {first:%H:%M:%S} to {last:%H:%M:%S}"


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def _view(view: IstiodLogsView, *, raw: bool) -> Iterator[Text]:
    yield Text(f"{view.istiod} (revision {view.revision})", style="bold")
    if not view.read:
        yield Text(f"  ? not read: {view.source}")
        yield Text("")
        return
    levels = ", ".join(f"{number} {level}" for level, number in view.levels) or "nothing"
    scopes = ", ".join(f"{scope} {number}" for scope, number in view.scopes[:8])
    yield Text(f"  {len(view.lines)} of {view.total} lines: {levels}")
    yield Text(f"  scopes: {scopes or 'none'}", style="dim")
    yield Text("")
    for row in view.explained:
        style = _LEVEL_STYLES.get(row.example.level, "")
        yield Text.assemble(
            (f"  {row.example.level} ", style),
            (f"×{row.count}{_span(row.first, row.last)}  ", "dim"),
            row.pattern.meaning,
        )
        yield Text(f"    {view.source}:{row.example.line}", style="cyan")
        yield Text(f"    {_shortened(row.example.text)}")
        if row.pattern.what_to_do:
            yield Text(f"    → {row.pattern.what_to_do}", style="green")
    for other in view.unexplained:
        style = _LEVEL_STYLES.get(other.level, "")
        yield Text.assemble(
            (f"  {other.level} ", style),
            (f"×{other.count}{_span(other.first, other.last)}  ", "dim"),
            _shortened(other.example.text),
        )
    if not view.explained and not view.unexplained:
        yield Text("  ✓ No line that matters: no warning, no error, no known pattern.")
    if raw:
        yield Text("")
        for line in view.lines:
            yield Text(line.text)
    yield Text("")


def istiod_logs_lines(views: Iterable[IstiodLogsView], *, raw: bool = False) -> Iterator[Text]:
    """Every replica's log, line by line.

    Args:
        views: one a replica.
        raw: whether the log lines themselves follow.
    """
    any_view = False
    for view in views:
        any_view = True
        yield from _view(view, raw=raw)
    if not any_view:
        yield Text("No istiod was read: none runs, or none could be reached.")
