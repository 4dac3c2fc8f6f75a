"""What the screen of changes shows of a comparison, as rows of tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of
from meshdoctor.diff.change import Change
from screens.widgets.columns import Column
from screens.widgets.marks import Mark
from screens.widgets.row import Row
from screens.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.diff.change import (
        CertificateChange,
        Comparison,
        Explained,
        ObjectChange,
        ProxyChange,
    )
    from meshdoctor.model.diagnosis import RootCause

CAUSES = (
    Column("VERDICT"),
    Column("ROOT CAUSE", least=56, wraps=True),
    Column("OBJECT", least=24, cut="middle", rank=1),
)
EXPLAINS = (
    Column("#"),
    Column("CHANGE"),
    Column("OBJECT", least=24, cut="middle"),
    Column("WHY", least=40),
    Column("FIELDS", least=24, rank=1, cut="middle"),
)
OBJECTS = (
    Column("CHANGE"),
    Column("OBJECT", least=28, cut="middle"),
    Column("FIELDS", least=24, cut="middle"),
    Column("WRITTEN BY", rank=1),
    Column("AT (UTC)", rank=2),
)
PROXIES = (Column("CHANGE"), Column("PROXY", least=28, cut="middle"), Column("WHAT", least=30))
CERTIFICATES = (
    Column("CHANGE"),
    Column("WHOSE", least=24, cut="middle"),
    Column("DAYS LEFT"),
    Column("BEFORE", rank=2),
    Column("AFTER", rank=1),
)
NOT_COMPARED = (Column("WHAT", least=36, cut="middle"), Column("NOT READ ON"))

CHANGED = {
    Change.ADDED: Mark("+ added", "success"),
    Change.REMOVED: Mark("- removed", "error"),
    Change.CHANGED: Mark("~ changed", "warning"),
}
NEW = Mark("✗ new", "error", bold=True)
_OTHER_VERDICTS = (
    ("gone", Mark("✓ gone", "success"), "It was there before, and is no more."),
    ("untold", Mark("? untold", "md-muted"), "Too little was read after to tell about it."),
    ("still", Mark("! still", "warning"), "It was there before, and still is."),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One root cause of either side, and what became of it."""

    cause: RootCause
    explained: Explained | None
    """What may have brought it, for one that is new."""
    said: str

    @property
    def key(self) -> str:
        """Names it, on either side."""
        return f"{self.cause.id} {next(iter(self.cause.objects), '')}"


@dataclass(frozen=True, slots=True)
class Ranked:
    """A change that may have brought a root cause."""

    change: ObjectChange
    why: str


def verdict_rows(found: Comparison) -> Iterator[Row]:
    """Every root cause, the new ones first."""
    for item in found.explained:
        unsure = "" if item.known_before else " Too little was read before to tell since when."
        said = f"New: {counted(len(item.changes), 'change')} may explain it.{unsure}"
        yield _verdict_row(Verdict(item.cause, item, said), NEW)
    for name, mark, said in _OTHER_VERDICTS:
        for cause in getattr(found, name):
            yield _verdict_row(Verdict(cause, None, said), mark)


def _verdict_row(verdict: Verdict, mark: Mark) -> Row:
    cause = verdict.cause
    first = next(iter(cause.objects), "-")
    return Row(
        key=verdict.key,
        cells=(mark, Mark(cause.title, bold=mark is NEW), first),
        is_fault=mark is NEW,
        namespace=namespace_of(first),
        value=verdict,
    )


def explaining_rows(item: Explained) -> Iterator[Row]:
    """The changes that may have brought a root cause, the likeliest first."""
    for number, (change, why) in enumerate(item.changes, start=1):
        yield Row(
            key=change.object,
            cells=(str(number), CHANGED[change.change], change.object, why, fields_text(change)),
            value=Ranked(change, why),
            detail="\n".join((f"{change.object} {change.change}: {why}", *_fields(change))),
        )


def _fields(change: ObjectChange) -> Iterator[str]:
    from meshdoctor.diff.text import field_text

    yield from (f"  {field_text(field)}" for field in change.fields)


def fields_text(change: ObjectChange) -> str:
    """The first field that differs, and how many more do."""
    from meshdoctor.diff.text import field_text

    if not change.fields:
        return "-"
    more = len(change.fields) - 1
    return field_text(change.fields[0]) + (f" (and {more} more)" if more else "")


def object_row(change: ObjectChange) -> Row:
    """An object that differs."""
    at = f"{change.at:%m-%d %H:%M:%S}" if change.at else "-"
    by = Mark("controllers", "md-muted") if change.derived else "people"
    return Row(
        key=change.object,
        cells=(CHANGED[change.change], change.object, fields_text(change), by, at),
        # What controllers write follows from what people write: ctrl+z leaves the latter.
        is_fault=not change.derived,
        namespace=change.namespace,
        value=change,
        detail="\n".join((f"{change.object} {change.change}", *_fields(change))),
    )


def proxy_row(change: ProxyChange) -> Row:
    """A proxy that differs."""
    from meshdoctor.diff.text import proxy_summary

    worse = any(new not in ("SYNCED", "IGNORED", "-") for _, _, new in change.sync)
    return Row(
        key=change.proxy,
        cells=(CHANGED[change.change], change.proxy, proxy_summary(change)),
        is_fault=worse,
        namespace=namespace_of(change.proxy),
        value=change,
    )


def certificate_row(change: CertificateChange) -> Row:
    """A certificate that differs."""
    days = " → ".join("?" if left is None else f"{left:g}" for left in change.days_left)
    mark = Mark("– renewed", "md-muted") if change.routine else CHANGED[Change.CHANGED]
    return Row(
        key=change.subject,
        cells=(mark, change.subject, days, change.old, change.new),
        is_fault=not change.routine,
        namespace=namespace_of(change.subject) if " " in change.subject else "",
        value=change,
    )


def not_compared_row(item: tuple[str, str]) -> Row:
    """Something that one side lacks."""
    what, where = item
    sides = "both sides" if where == "both" else where
    return Row(key=f"{what} {where}", cells=(what, Mark(f"? {sides}", "md-muted")), value=item)
