"""istiod's log lines, explained, counted and raw, as rows of tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.finding import Severity
from meshdoctor.model.log_line import DEFAULT_SCOPE, level_rank
from screens.widgets.columns import Column
from screens.widgets.marks import SEVERITY, Mark
from screens.widgets.row import Row

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from meshdoctor.model.log_line import LogLine
    from meshdoctor.views.istiod_logs import ExplainedLine, IstiodLogsView, UnexplainedLine

_ISTIOD = Column("ISTIOD", least=20, rank=2, cut="middle")
MATTERS = (
    Column("SEVERITY"),
    Column("TIMES"),
    Column("LAST"),
    Column("MEANING", least=40, wraps=True),
    Column("SCOPE", least=8, rank=1),
    _ISTIOD,
)
LINES = (
    Column("TIME"),
    Column("LEVEL"),
    Column("SCOPE", least=6),
    Column("MESSAGE", least=40),
    Column("LINE", rank=1),
    _ISTIOD,
)
SCOPES = (Column("SCOPE", least=20), Column("RECORDS"), _ISTIOD)


def columns_for(columns: tuple[Column, ...], replicas: int) -> tuple[Column, ...]:
    """The columns; which istiod said a line is worth one only where there are several."""
    return columns if replicas > 1 else tuple(item for item in columns if item is not _ISTIOD)


def level_mark(level: str) -> Mark:
    """The level word of istiod's own, with its glyph."""
    if level_rank(level) >= level_rank("error"):
        return Mark(f"✗ {level}", "error", bold=True)
    if level_rank(level) >= level_rank("warn"):
        return Mark(f"! {level}", "warning")
    return Mark(level, "md-muted")


def _clock(time: datetime | None) -> str:
    return f"{time:%H:%M:%S}" if time else "-"


def _named(views: Sequence[IstiodLogsView], view: IstiodLogsView) -> tuple[str, ...]:
    """The cell that says which istiod it was, where there are several."""
    return (view.istiod,) if len(views) > 1 else ()


def _explained(view: IstiodLogsView, line: ExplainedLine, named: tuple[str, ...]) -> Row:
    severity = line.pattern.severity
    return Row(
        key=f"{view.istiod} {line.pattern.id}",
        cells=(
            SEVERITY[severity],
            f"×{line.count}",
            _clock(line.last),
            line.pattern.meaning,
            line.example.scope or DEFAULT_SCOPE,
            *named,
        ),
        is_fault=severity is not Severity.INFO,
        value=(view, line),
        detail=_detail(view, line.example, line.pattern.meaning, line.pattern.what_to_do),
    )


def _unexplained(view: IstiodLogsView, line: UnexplainedLine, named: tuple[str, ...]) -> Row:
    return Row(
        key=f"{view.istiod} {line.level} {line.scope} {line.example.message}",
        cells=(
            level_mark(line.level),
            f"×{line.count}",
            _clock(line.last),
            line.example.message,
            line.scope,
            *named,
        ),
        is_fault=True,
        value=(view, line),
        detail=_detail(view, line.example, "No playbook explains this line.", ""),
    )


def _detail(view: IstiodLogsView, line: LogLine, meaning: str, what_to_do: str) -> str:
    todo = f"→ {what_to_do}" if what_to_do else ""
    place = f"{view.source} line {line.line}"
    raw = "\n".join((line.text, *line.more))
    return "\n".join(part for part in (meaning, todo, place, raw) if part)


def matter_rows(views: Sequence[IstiodLogsView]) -> Iterator[Row]:
    """The lines that matter: those that are known first, then warnings and errors that are not."""
    for view in views:
        named = _named(views, view)
        yield from (_explained(view, line, named) for line in view.explained)
        yield from (_unexplained(view, line, named) for line in view.unexplained)


def line_rows(views: Sequence[IstiodLogsView]) -> Iterator[Row]:
    """Every record, the latest first."""
    for view in views:
        for line in reversed(view.lines):
            yield Row(
                # Not its number: when a log is read again it begins elsewhere.
                key=f"{view.istiod} {line.text}",
                cells=(
                    _clock(line.time),
                    level_mark(line.level),
                    line.scope or DEFAULT_SCOPE,
                    " ".join((line.message, *(f"{key}={value}" for key, value in line.fields))),
                    str(line.line),
                    *_named(views, view),
                ),
                is_fault=line.rank >= level_rank("warn"),
                value=(view, line),
                detail=f"{view.source} line {line.line}\n\n" + "\n".join((line.text, *line.more)),
            )


def scope_rows(views: Sequence[IstiodLogsView]) -> Iterator[Row]:
    """How much each scope said."""
    for view in views:
        for scope, number in view.scopes:
            cells = (scope, str(number), *_named(views, view))
            yield Row(f"{view.istiod} {scope}", cells, value=None)


def summary_of(view: IstiodLogsView) -> str:
    """One replica's log in a line: how many records of which level."""
    if not view.read:
        return f"? {view.istiod}: log not collected ({view.source})"
    levels = ", ".join(f"{number} {level}" for level, number in view.levels) or "nothing"
    said = [line for line in view.lines if line.time]
    since = f", {_clock(said[0].time)} to {_clock(said[-1].time)}" if said else ""
    unparsed = f", {view.unparsed} lines of no known form" if view.unparsed else ""
    return f"{view.istiod} ({view.revision}): {view.total} records{since}: {levels}{unparsed}"


def line_of(value: Any) -> LogLine | None:
    """The log line that a row's value stands for."""
    if value is None:
        return None
    line: LogLine = getattr(value[1], "example", value[1])
    return line
