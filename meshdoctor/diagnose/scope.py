"""What a person asked to look at, applied to findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import namespace_of, namespace_of_host
from meshdoctor.model.kinds import NAMESPACE, POD

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.diagnosis import Scope
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload


class ScopeError(Exception):
    """The scope names something that is not there; the message is one line for the person."""


_SHORT_KINDS = {
    "deploy": "Deployment",
    "deployment": "Deployment",
    "sts": "StatefulSet",
    "statefulset": "StatefulSet",
    "ds": "DaemonSet",
    "daemonset": "DaemonSet",
    "pod": "Pod",
    "po": "Pod",
}


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


def _pods_named(mesh: Snapshot, text: str) -> list[Resource]:
    """The pods that ``pod[.namespace]`` means; pod names may hold dots themselves."""
    return [
        pod for pod in mesh.catalog.of(POD) if text in (pod.name, f"{pod.name}.{pod.namespace}")
    ]


def find_workload(mesh: Snapshot, text: str, namespaces: tuple[str, ...] = ()) -> Workload:
    """The workload that ``pod[.namespace]`` or ``deploy/name`` means.

    Raises:
        ScopeError: there is none, or the name is in more than one namespace.
    """
    kind, found, name = text.partition("/")
    if found:
        wanted = _SHORT_KINDS.get(kind.lower())
        matches = [w for w in mesh.workloads.all if w.kind == wanted and w.name == name]
    else:
        matches = [mesh.workloads.owning(pod) for pod in _pods_named(mesh, text)]
    matches = [w for w in matches if not namespaces or w.namespace in namespaces]
    if not matches:
        raise ScopeError(f"nothing called {text} is in what was read")
    if len({str(w) for w in matches}) > 1:
        places = ", ".join(sorted({w.namespace for w in matches}))
        raise ScopeError(f"{text} is in more than one namespace ({places}); name one with -n")
    return matches[0]


def _calls(finding: Finding, caller: str) -> bool:
    sources = {item.source for item in finding.affected} - {""}
    return not sources or caller in sources or caller in finding.objects


def _goes_to(finding: Finding, to: str) -> bool:
    """Whether a finding speaks of a destination: ``host[:port]``, the host short or full."""
    wanted, _, port = to.partition(":")
    port = port.partition("/")[0]
    hosts = [item.to for item in finding.affected if item.to]
    if finding.subject.startswith("destination "):
        hosts.append(finding.subject.split()[1])
    for text in hosts:
        host, _, number = text.partition(":")
        if (host == wanted or host.startswith(wanted + ".")) and port in ("", number):
            return True
    return not hosts


def in_scope(mesh: Snapshot, scope: Scope, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings that touch what the scope names; mesh-wide ones always do.

    Raises:
        ScopeError: the scope's caller or namespace is not in the snapshot.
    """
    _check_namespaces(mesh, scope)
    caller = str(find_workload(mesh, scope.source, scope.namespaces)) if scope.source else None
    chosen: list[Finding] = []
    for finding in findings:
        touched = namespaces_of(finding)
        if scope.namespaces and finding.subject != "mesh" and touched.isdisjoint(scope.namespaces):
            continue
        if caller and not _calls(finding, caller):
            continue
        if scope.to and not _goes_to(finding, scope.to):
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
