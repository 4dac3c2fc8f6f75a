"""``kubectl get events -o wide``, a table of text, back into Events."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import ALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

_HEADER = re.compile(r"\S+(?: \S+)*")
_AGE = re.compile(r"(\d+)([ydhms])")
_SECONDS = {"y": 365 * 86_400, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_KINDS = {kind.name.lower(): kind.name for kind in ALL}
_MOST_COLUMNS = 40
_LONGEST_HEADER = 100_000
_NEEDED = ("NAMESPACE", "LAST SEEN", "REASON", "OBJECT", "MESSAGE")


def _age(text: str) -> timedelta | None:
    """A short age as kubectl prints it: ``53m``, ``2m10s``, ``3d4h`` (duration.HumanDuration)."""
    parts = _AGE.findall(text)
    if not parts:
        return None
    try:
        return timedelta(seconds=sum(int(number) * _SECONDS[unit] for number, unit in parts))
    except OverflowError:
        return None


def _time(age: str, now: datetime) -> str | None:
    past = _age(age)
    try:
        return None if past is None else (now - past).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None


def events_of_table(data: bytes, now: datetime) -> Iterator[dict[str, Any]]:
    """The events of a table, as core/v1 Events.

    Args:
        data: the table, with its header.
        now: when it was printed, for ages are all it tells.
    """
    lines = data.decode("utf-8", errors="replace").split("\n")
    columns = [
        (match.group(), match.start()) for match in _HEADER.finditer(lines[0][:_LONGEST_HEADER])
    ]
    if len(columns) > _MOST_COLUMNS or not all(name in dict(columns) for name in _NEEDED):
        return
    ends = [start for _, start in columns[1:]]
    for number, line in enumerate(lines[1:], start=2):
        cells = {
            name: line[start:end].strip()
            for (name, start), end in zip(columns, [*ends, len(line)], strict=True)
        }
        kind, slash, name = cells["OBJECT"].partition("/")
        if not slash:
            continue
        last = _time(cells["LAST SEEN"], now)
        yield {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {
                "name": cells.get("NAME") or f"line-{number}",
                "namespace": cells["NAMESPACE"],
                "creationTimestamp": _time(cells.get("FIRST SEEN", ""), now) or last,
            },
            "involvedObject": {
                "kind": _KINDS.get(kind, kind),
                "namespace": cells["NAMESPACE"],
                "name": name,
                "fieldPath": cells.get("SUBOBJECT", ""),
            },
            "type": cells.get("TYPE", ""),
            "reason": cells["REASON"],
            "message": cells["MESSAGE"],
            "count": int(cells["COUNT"]) if cells.get("COUNT", "").isdecimal() else 1,
            "lastTimestamp": last,
        }
