"""Every object of a played mesh as a row: what kubectl shows of it, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.drill.objects import Objects, key_of, labels_of, uid_of
from meshdoctor.drill.targets import Target
from meshdoctor.model import kinds
from meshdoctor.serve.object_store import name_of
from meshdoctor.serve.table import table_shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.drill.world import World
    from meshdoctor.model.kinds import Kind
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import ResourceType

_FIRST = (
    kinds.NAMESPACE,
    kinds.POD,
    kinds.DEPLOYMENT,
    kinds.STATEFUL_SET,
    kinds.DAEMON_SET,
    kinds.JOB,
    kinds.SERVICE,
)
_LAST = (
    kinds.CONFIG_MAP,
    kinds.SECRET,
    kinds.SERVICE_ACCOUNT,
    kinds.REPLICA_SET,
    kinds.ENDPOINT_SLICE,
    kinds.ENDPOINTS,
    kinds.EVENT,
    kinds.NODE,
    kinds.CRD,
)
_ORDER = (*_FIRST, *(kind for kind in kinds.ALL if kind not in {*_FIRST, *_LAST}), *_LAST)
"""What is looked at most stands first; what controllers write stands last."""
_AGES = ("Name", "Namespace", "Age", "Last Seen")
"""Columns that are said already, or that change by looking."""
CHANGED = "* "
"""Begins the status of an object that is not what it was."""
_MEANT = ("metadata", "status", "apiVersion", "kind")


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """One object."""

    target: Target
    shows: str
    """What ``kubectl get`` shows of it, a line."""
    labels: str
    change: str
    """``new`` or ``changed`` since the drill began; empty for neither."""

    @property
    def kind(self) -> str:
        """Kubernetes' word for it; with its group where the word is taken twice."""
        kind = self.target.kind
        return kind.name if kind != kinds.KUBERNETES_GATEWAY else f"{kind.name}.{kind.group}"

    @property
    def status(self) -> str:
        """What kubectl shows of it; what became of it stands first."""
        change = f"{CHANGED}{self.change}" if self.change else ""
        return "  ".join(part for part in (change, self.shows) if part)

    @property
    def name(self) -> str:
        """``namespace/name``, or the name alone."""
        target = self.target
        return f"{target.namespace}/{target.name}" if target.namespace else target.name


def object_rows(world: World, now: datetime) -> tuple[ObjectRow, ...]:
    """Every object as it stands, kind by kind, by namespace and name.

    Args:
        world: the played mesh.
        now: what ages count back from.
    """
    return tuple(row for kind in _ORDER for row in _of_kind(world, kind, now))


def _of_kind(world: World, kind: Kind, now: datetime) -> Iterator[ObjectRow]:
    type_ = world.cluster.catalog.types.get(key_of(kind))
    if type_ is None:
        return
    objects, start = world.objects, world.start
    for item in objects.all(key_of(kind)):
        target = Target(kind, *name_of(item))
        labels = ", ".join(f"{key}={value}" for key, value in labels_of(item).items())
        change = _change(target, item, start)
        yield ObjectRow(target, _shows(type_, item, now), labels, change)


def _shows(kind: ResourceType, item: Object, now: datetime) -> str:
    shape = table_shape(kind)
    cells = zip(shape.columns, shape.cells(item, now), strict=False)
    return "  ".join(
        f"{column['name'].lower()} {value}"
        for column, value in cells
        if not column["priority"] and column["name"] not in _AGES and value not in (None, "")
    )


def _change(target: Target, item: Object, start: Objects) -> str:
    before = target.find(start)
    if before is item:
        return ""
    if before is None or uid_of(before) != uid_of(item):
        return "new"
    return "changed" if _meant(before) != _meant(item) else ""


def _meant(item: Object) -> tuple[object, ...]:
    """What somebody may have wanted: all but what servers and controllers write."""
    metadata = item["metadata"]
    rest = {key: value for key, value in item.items() if key not in _MEANT}
    return rest, metadata.get("labels"), metadata.get("annotations")
