"""How the objects of a played mesh are listed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.drill.object_rows import CHANGED
from meshdoctor.model.kinds import NAMESPACE
from screens.view_rows import Look, ViewTable
from screens.widgets.marks import Mark

if TYPE_CHECKING:
    from meshdoctor.drill.object_rows import ObjectRow


def _status_mark(text: str) -> Mark:
    return Mark(text, "warning", bold=True) if text.startswith(CHANGED) else Mark(text)


def _key(row: ObjectRow) -> str:
    """Names an object, kinds of the same name told apart."""
    return f"{row.target.kind.group} {row.target}"


def _namespace(row: ObjectRow) -> str:
    is_one = row.target.kind == NAMESPACE
    return row.target.name if is_one else row.target.namespace


def _detail(row: ObjectRow) -> str:
    labels = f"labels  {row.labels}" if row.labels else "no labels"
    return "\n".join(part for part in (str(row.target), row.shows, labels) if part)


OBJECTS = ViewTable(
    columns=(("KIND", "kind"), ("NAME", "name"), ("STATUS", "status")),
    to_json=lambda row: {"object": str(row.target)},
    key=_key,
    looks={
        "kind": Look(least=14),
        "name": Look(least=34, cut="middle"),
        "status": Look(least=16, mark=_status_mark),
    },
    is_fault=lambda row: bool(row.change),
    namespace=_namespace,
    detail=_detail,
)
"""Rows that are "not in order" are those that the candidate changed."""
