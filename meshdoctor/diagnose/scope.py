"""What a person asked to look at, applied to findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.callers import find_workload
from meshdoctor.diagnose.destination_scope import Asked, asked_destination
from meshdoctor.diagnose.object_names import namespace_of, namespace_of_host
from meshdoctor.diagnose.scope_error import ScopeError
from meshdoctor.model.kinds import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

__all__ = [
    "ScopeError",
    "find_workload",
    "in_namespaces",
    "in_scope",
    "namespaces_in",
    "namespaces_of",
]


def namespaces_of(finding: Finding) -> frozenset[str]:
    """Every namespace a finding touches."""
    names = [finding.resource, *finding.objects, *(item.source for item in finding.affected)]
    hosts = [item.to for item in finding.affected]
    kind, _, rest = finding.subject.partition(" ")
    if kind == "destination":
        hosts.append(rest.partition(" ")[0])
    elif kind == "namespace":
        names.append(f"Namespace {rest}")
    elif kind == "proxy":
        names.append(f"Pod {rest.rpartition('.')[2]}/{rest}")
    elif kind == "workload":
        names.append(rest)
    found = {namespace_of(name) for name in names} | {namespace_of_host(host) for host in hosts}
    return frozenset(found - {""})


def _calls(finding: Finding, caller: str) -> bool:
    sources = {item.source for item in finding.affected} - {""}
    return not sources or caller in sources or caller in finding.objects


def _goes_to(finding: Finding, asked: Asked) -> bool:
    """Whether a finding speaks of a destination; one that speaks of none at all always counts."""
    hosts = [item.to for item in finding.affected if item.to]
    if finding.subject.startswith("destination "):
        hosts.append(finding.subject.split()[1])
    return not hosts or any(asked.covers(host) for host in hosts)


def _asked(mesh: Snapshot, scope: Scope, caller: Workload | None) -> Asked | None:
    """The destination that is asked about; a caller looks a short name up in its namespace."""
    if scope.to is None:
        return None
    near = (caller.namespace,) if caller else scope.namespaces
    return asked_destination(mesh, scope.to, near)


def in_scope(mesh: Snapshot, scope: Scope, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that touch what the scope names; mesh-wide ones always do.

    Raises:
        ScopeError: the scope's caller, destination or namespace is not in the snapshot.
    """
    _check_namespaces(mesh, scope)
    caller = None
    if scope.source is not None:
        caller = find_workload(mesh, scope.source, scope.namespaces)
    asked = _asked(mesh, scope, caller)
    chosen: list[Finding] = []
    for finding in findings:
        touched = namespaces_of(finding)
        if scope.namespaces and finding.subject != "mesh" and touched.isdisjoint(scope.namespaces):
            continue
        if caller and not _calls(finding, str(caller)):
            continue
        if asked and not _goes_to(finding, asked):
            continue
        chosen.append(finding)
    return tuple(chosen)


def _check_namespaces(mesh: Snapshot, scope: Scope) -> None:
    known = {item.name for item in mesh.catalog.of(NAMESPACE)}
    for namespace in scope.namespaces:
        if known and namespace not in known:
            raise ScopeError(
                f"there is no namespace {namespace}; there are {', '.join(sorted(known))}"
            )


def namespaces_in(mesh: Snapshot, scope: Scope) -> tuple[str, ...]:
    """The namespaces looked at: those asked for, else every one that was read."""
    return scope.namespaces or tuple(item.name for item in mesh.catalog.of(NAMESPACE))


def in_namespaces(path: str, scope: Scope) -> bool:
    """Whether a path of a recording concerns the scope's namespaces (cluster-wide ones do)."""
    parts = path.split("/")
    if not scope.namespaces or parts[0] != "proxies" or len(parts) < 2:
        return True
    return parts[1] in scope.namespaces
