"""What runs on every node where it is installed: istio-cni, and ztunnel for ambient."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, failed, failed_if, skipped
from meshdoctor.intent.revision_labels import DATAPLANE_MODE
from meshdoctor.model.kinds import DAEMON_SET, NAMESPACE
from meshdoctor.model.resource import as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_CNI = ("k8s-app", "istio-cni-node")
_ZTUNNEL = ("app", "ztunnel")
"""Pod labels that the two charts set."""


def _labelled(mesh: Snapshot, label: tuple[str, str]) -> list[Resource]:
    key, value = label
    return [
        item
        for item in mesh.catalog.of(DAEMON_SET)
        if as_strings(item.get("spec", "template", "metadata", "labels")).get(key) == value
    ]


def _number(item: Resource, field: str) -> int:
    value = item.status.get(field)
    return value if isinstance(value, int) else 0


def _unready(items: list[Resource]) -> Iterator[str]:
    for item in items:
        wanted, ready = _number(item, "desiredNumberScheduled"), _number(item, "numberReady")
        if not wanted:
            yield f"{item} is wanted on no node"
        elif ready < wanted:
            yield f"{item} is ready on {ready} of {wanted} nodes"
        elif _number(item, "updatedNumberScheduled") < wanted:
            yield f"{item} is not rolled out on every node"


def _cni(mesh: Snapshot) -> Result:
    found = _labelled(mesh, _CNI)
    if not found:
        return skipped("istio-cni is not installed")
    return failed_if(_unready(found))


def _ambient(mesh: Snapshot) -> list[str]:
    return [n.name for n in mesh.catalog.of(NAMESPACE) if n.labels.get(DATAPLANE_MODE) == "ambient"]


def _ztunnel(mesh: Snapshot) -> Result:
    found = _labelled(mesh, _ZTUNNEL)
    namespaces = _ambient(mesh)
    if found:
        return failed_if(_unready(found))
    if not namespaces:
        return skipped("ztunnel is not installed, and no namespace is in ambient mode")
    return failed(f"namespace {', '.join(namespaces)} is in ambient mode, and there is no ztunnel")


CHECKERS = (
    MeshChecker(
        id="istio-cni-ready",
        description="istio-cni is ready on every node",
        needs=(DAEMON_SET,),
        check=_cni,
    ),
    MeshChecker(
        id="ztunnel-ready",
        description="ztunnel is ready on every node",
        needs=(DAEMON_SET, NAMESPACE),
        check=_ztunnel,
    ),
)
