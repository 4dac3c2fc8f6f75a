"""Tables: what kubectl shows is made here, since it asks for ``meta.k8s.io/v1`` Tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from meshdoctor.serve.durations import age
from meshdoctor.serve.json_path import find
from meshdoctor.serve.resource_type import Column
from meshdoctor.serve.table_cluster import CLUSTER_PRINTERS
from meshdoctor.serve.table_columns import Cells, Object, Printer, name_of
from meshdoctor.serve.table_network import NETWORK_PRINTERS
from meshdoctor.serve.table_pods import POD_PRINTERS
from meshdoctor.serve.table_workloads import WORKLOAD_PRINTERS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from meshdoctor.serve.resource_type import Key, ResourceType

_PRINTERS: dict[Key, Printer] = {
    **POD_PRINTERS,
    **WORKLOAD_PRINTERS,
    **NETWORK_PRINTERS,
    **CLUSTER_PRINTERS,
}
_DEFAULT = (Column("Age", "date", ".metadata.creationTimestamp"),)
_NAME = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "Name must be unique within a namespace.",
    "priority": 0,
}


@dataclass(frozen=True, slots=True)
class TableShape:
    """How a kind is shown."""

    columns: tuple[dict[str, Any], ...]
    """As a Table defines them."""
    cells: Callable[[Object, datetime], Cells]


def _builtin_column(written: str) -> dict[str, Any]:
    wide, name = written.endswith("+"), written.removesuffix("+")
    number, name = name.endswith("#"), name.removesuffix("#")
    return {
        "name": name,
        "type": "integer" if number else "string",
        "format": "name" if name == "Name" else "",
        "description": "",
        "priority": 1 if wide else 0,
    }


def _custom_cell(item: Object, column: Column, now: datetime) -> Any:
    """One cell as apiextensions' table convertor makes it: lists whole, dates as ages."""
    found = find(item, column.json_path)
    if not found:
        return None
    if column.type == "date":
        return age(found[0], now)
    # Of several values the first is shown, as apiextensions does.
    return _plain(found[0]) if column.type == "string" else found[0]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _custom_shape(columns: Sequence[Column]) -> TableShape:
    def cells(item: Object, now: datetime) -> Cells:
        return [name_of(item), *(_custom_cell(item, column, now) for column in columns)]

    written = (
        {
            "name": column.name,
            "type": column.type,
            "format": column.format,
            "description": column.description,
            "priority": column.priority,
        }
        for column in columns
    )
    return TableShape((_NAME, *written), cells)


def table_shape(kind: ResourceType) -> TableShape:
    """How objects of a resource are shown."""
    printer = _PRINTERS.get(kind.key)
    if printer is not None and not kind.custom:
        columns = tuple(_builtin_column(column) for column in printer.columns)
        return TableShape(columns, printer.cells)
    return _custom_shape(kind.columns or _DEFAULT)


def partial_metadata(item: Object) -> dict[str, Any]:
    """An object reduced to its metadata."""
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": item.get("metadata") or {},
    }


def make_table(
    kind: ResourceType,
    items: Sequence[Object],
    metadata: dict[str, Any],
    include: str,
    now: datetime,
    *,
    with_columns: bool = True,
) -> dict[str, Any]:
    """Show objects as a Table.

    Args:
        kind: what they are.
        items: the objects, with their apiVersion and kind.
        metadata: of the list.
        include: what each row carries of its object: ``None``, ``Metadata`` or ``Object``.
        now: what ages count back from.
        with_columns: define the columns; watches do so in their first event only.
    """
    shape = table_shape(kind)

    def row(item: Object) -> dict[str, Any]:
        cells: dict[str, Any] = {"cells": shape.cells(item, now)}
        if include != "None":
            cells["object"] = item if include == "Object" else partial_metadata(item)
        return cells

    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": list(shape.columns) if with_columns else [],
        "rows": [row(item) for item in items],
    }
