"""What a person may ask a trace for: callers, destinations, and what to begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.diagnose.object_names import split_object
from meshdoctor.intent.gateway_servers import servers
from meshdoctor.model.kinds import GATEWAY, POD
from meshdoctor.model.pod import has_proxy, is_gateway, is_istiod, is_ztunnel
from meshdoctor.views.trace_request import ANY_GATEWAY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.diagnosis import Diagnosis, RootCause
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_KINDS = {"Deployment": "deploy", "StatefulSet": "sts", "DaemonSet": "ds", "Pod": "pod"}
_HTTPS = 443


@dataclass(frozen=True, slots=True)
class Ends:
    """Who asks and for what, as ``trace`` takes them; empty where nothing tells."""

    source: str = ""
    to: str = ""


def caller_text(workload: str) -> str:
    """A workload's text form as ``--from`` takes it: ``deploy/name.namespace``."""
    kind, namespace, name = split_object(workload)
    short = _KINDS.get(kind)
    full = f"{name}.{namespace}" if namespace else name
    return f"{short}/{full}" if short else full


def _is_caller(workload: Workload) -> bool:
    pods = workload.running_pods
    return bool(pods) and not any(is_gateway(p) or is_istiod(p) or is_ztunnel(p) for p in pods)


def _callers(mesh: Snapshot) -> list[Workload]:
    """Workloads that may ask, those with a proxy first."""
    found = [workload for workload in mesh.workloads.all if _is_caller(workload)]
    return sorted(
        found, key=lambda w: (not any(map(has_proxy, w.running_pods)), w.namespace, w.name)
    )


def callers(mesh: Snapshot) -> tuple[str, ...]:
    """Who may ask: workloads with a proxy, then those without, then the gateway if there is one."""
    found = [caller_text(str(workload)) for workload in _callers(mesh)]
    gateway = [ANY_GATEWAY] if any(is_gateway(pod) for pod in mesh.catalog.of(POD)) else []
    return tuple(dict.fromkeys((*found, *gateway)))


def _short(mesh: Snapshot, place: str) -> str:
    """``host:port`` without the end that the cluster's DNS adds."""
    host, colon, port = place.partition(":")
    return f"{host.removesuffix(f'.svc.{mesh.registry.domain}')}{colon}{port}"


def _gateway_places(mesh: Snapshot) -> Iterator[str]:
    for gateway in mesh.catalog.of(GATEWAY):
        for server in servers(gateway):
            yield from (server.at(host) for host in server.plain_hosts if "*" not in host)


def destinations(mesh: Snapshot) -> tuple[str, ...]:
    """``host:port`` of every Service and ServiceEntry, then of what gateways serve."""
    own = (
        _short(mesh, f"{service.host}:{port.number}")
        for service in mesh.registry.hosts
        for port in service.ports
        if "*" not in service.host
    )
    return tuple(dict.fromkeys((*sorted(own), *_gateway_places(mesh))))


def _is_served(mesh: Snapshot, place: str) -> bool:
    host = place.partition(":")[0]
    return any(place.partition(":")[0] == host for place in _gateway_places(mesh))


def of_cause(mesh: Snapshot, cause: RootCause) -> Ends:
    """The first pair that a root cause affects: who calls, and what.

    Where the cause names no caller, the gateway stands for it if one serves the host, else the
    first workload that may call; a gateway's own calls begin outside, at a host that it serves.
    """
    gateways = {str(w) for w in mesh.workloads.all if any(map(is_gateway, w.pods))}
    pairs = [item for item in cause.affected if item.to]
    for item in pairs:
        if item.source and item.source not in gateways:
            return Ends(caller_text(item.source), _short(mesh, item.to))
    for item in pairs:
        if not item.source and _is_served(mesh, item.to):
            return Ends(ANY_GATEWAY, item.to)
        first = next(iter(callers(mesh)), "")
        return Ends(first, _short(mesh, item.to))
    return Ends(next((caller_text(i.source) for i in cause.affected if i.source), ""))


def of_names(mesh: Snapshot, names: Iterable[str]) -> Ends:
    """What to begin with where a person looked at something.

    Args:
        mesh: the snapshot.
        names: ``pod.namespace``, a workload's, a Service's or a Namespace's text form, or a
            namespace's bare name; the first that means anything counts.
    """
    pods = {f"{pod.name}.{pod.namespace}": pod for pod in mesh.catalog.of(POD)}
    workloads = {str(workload): workload for workload in mesh.workloads.all}
    for name in names:
        if name in pods:
            return Ends(name)
        if name in workloads and workloads[name].running_pods:
            return Ends(caller_text(name))
        kind, namespace, bare = split_object(name)
        if kind == "Service" and namespace:
            return Ends("", f"{bare}.{namespace}")
        near = [w for w in _callers(mesh) if w.namespace in (name, bare)]
        if near:
            return Ends(caller_text(str(near[0])))
    return Ends()


def of_diagnosis(mesh: Snapshot, diagnosis: Diagnosis) -> Ends:
    """The pair that the first root cause with one affects; else any caller."""
    found = (of_cause(mesh, cause) for cause in diagnosis.root_causes)
    complete = next((ends for ends in found if ends.source and ends.to), None)
    return complete or Ends(next(iter(callers(mesh)), ""))
