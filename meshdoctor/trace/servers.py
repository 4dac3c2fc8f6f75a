"""The called end: whose address it is, whether packets get there, and what takes them."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.intent.inbound_capture import captures_inbound, is_in_ambient
from meshdoctor.model.kinds import POD
from meshdoctor.model.pod import has_proxy, is_gateway
from meshdoctor.model.proxy import CONFIG_DUMP
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.ages import differs
from meshdoctor.trace.ambient import without_ztunnel
from meshdoctor.trace.application import answer
from meshdoctor.trace.handshake import WRONG_VERSION
from meshdoctor.trace.inbound import walk_inbound
from meshdoctor.trace.inbound_intent import walk_inbound_intent
from meshdoctor.trace.network import blocked
from meshdoctor.trace.replies import Kind, Reply

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail


class Onward(Protocol):
    """What a gateway in the middle does with a request."""

    def __call__(
        self, trail: Trail, branch: Branch, arrival: Arrival, pod: Resource
    ) -> list[Reply]:
        """Walk the gateway's own listener, route and cluster."""


@lru_cache(maxsize=2)
def _node_addresses(mesh: Snapshot) -> frozenset[str]:
    return frozenset(str(pod.status.get("hostIP") or "") for pod in mesh.catalog.of(POD))


def _stranger(trail: Trail, branch: Branch, arrival: Arrival) -> list[Reply]:
    """An address that is no pod's: a host that is gone, or one outside the cluster."""
    host = arrival.host
    status = host.status if host else None
    objects = _declared_by(arrival)
    evidence: tuple[Evidence, ...] = ()
    if (
        status is not None
        and arrival.sender is not None
        and arrival.cluster is not None
        and status.cx_connect_fail
        and not status.rq_total
    ):
        text = f"none of {status.cx_total} connections to {arrival.name} came about"
        evidence = (host_evidence(arrival.sender, arrival.cluster.name, status),)
        kind = Kind.SILENT
    elif _is_gone(trail, arrival):
        text = f"{arrival.address} is no pod's address any more: the endpoint is out of date"
        kind = Kind.SILENT
        if arrival.sender is not None:
            differs(
                trail,
                arrival.sender,
                f"the proxy still sends to {arrival.name}, where no pod is",
                objects,
                "ClustersConfigDump",
                None,
            )
    else:
        text = f"{arrival.name} is outside the cluster; whether it answers cannot be told"
        kind = Kind.ANSWERED
        trail.miss(arrival.name, "whether the host outside the cluster answers")
    verdict = Verdict.UNKNOWN if kind is Kind.ANSWERED else Verdict.FAILS
    trail.hop(
        branch,
        Place.NETWORK,
        "host",
        arrival.name,
        verdict,
        text,
        objects=objects,
        evidence=evidence,
        basis=Basis.INTENT if arrival.sender is None else Basis.RUNTIME,
    )
    return [Reply(kind, branch.share, text, objects, Place.NETWORK)]


def _is_gone(trail: Trail, arrival: Arrival) -> bool:
    """Whether the address was a pod's, as its metadata tells, and is none's now."""
    endpoint = arrival.host.endpoint if arrival.host else None
    if endpoint is None or not endpoint.workload_name or not trail.mesh.catalog.known(POD):
        return False
    return arrival.address not in _node_addresses(trail.mesh)


def _declared_by(arrival: Arrival) -> tuple[str, ...]:
    services = arrival.cluster.services if arrival.cluster else ()
    kind = "ServiceEntry" if arrival.cluster and arrival.cluster.external else "Service"
    return tuple(f"{kind} {item.namespace}/{item.name}" for item in services if item.name)


def _uncaptured(trail: Trail, branch: Branch, arrival: Arrival, pod: Resource) -> list[Reply]:
    """No proxy takes the connection: the application gets it as it is."""
    why = "has no sidecar"
    if has_proxy(pod):
        why = f"keeps port {arrival.port} away from its sidecar"
    owner = str(trail.mesh.workloads.owning(pod))
    if not arrival.tls or arrival.own_tls:
        what = "TLS of the caller's own" if arrival.own_tls else "plaintext"
        text = f"{pod.name} {why}, so the application gets {what}"
        trail.hop(
            branch,
            Place.SERVER_PROXY,
            "capture",
            pod.name,
            Verdict.PASSES,
            text,
            objects=(owner,),
            basis=Basis.INTENT,
        )
        return answer(trail, branch, arrival, pod, arrival.port, proxied=False)
    rule = arrival.cluster.config if arrival.cluster else None
    objects = (str(rule), owner) if rule else (owner,)
    text = f"{pod.name} {why}, so TLS meets an application that speaks plaintext"
    trail.hop(
        branch,
        Place.SERVER_PROXY,
        "capture",
        pod.name,
        Verdict.FAILS,
        text,
        objects=objects,
        basis=Basis.INTENT,
    )
    return [
        Reply(
            Kind.TLS_FAILED, branch.share, text, objects, Place.APPLICATION, details=WRONG_VERSION
        )
    ]


def reach(trail: Trail, branch: Branch, arrival: Arrival, onward: Onward) -> list[Reply]:
    """What becomes of a connection to one address.

    Args:
        trail: takes the hops.
        branch: where it stands.
        arrival: the connection.
        onward: walks on where the address is a gateway's.
    """
    pod = trail.mesh.pod_at(arrival.address)
    if pod is None:
        trail.stop(branch, arrival.address, arrival.port, None)
        return _stranger(trail, branch, arrival)
    stopped = blocked(trail, branch, arrival, pod)
    if stopped is not None:
        return stopped
    trail.stop(branch, arrival.address, arrival.port, pod)
    if is_gateway(pod):
        return onward(trail, branch, arrival, pod)
    if is_in_ambient(pod):
        cut_off = without_ztunnel(trail, branch, pod)
        if cut_off is not None:
            return [cut_off]
        # ztunnel knows connections only: rules about HTTP never allow anything there.
        arrival = replace(arrival, http=False)
        return walk_inbound_intent(trail, branch, arrival, pod)
    if not has_proxy(pod) or not captures_inbound(pod, arrival.port):
        return _uncaptured(trail, branch, arrival, pod)
    proxy = trail.mesh.proxy_of(pod)
    if proxy is None or proxy.config is None or not proxy.config.listeners:
        if not trail.intent_only:
            what = f"proxies/{pod.namespace}/{pod.name}/{CONFIG_DUMP}"
            trail.miss(what, "what the server's proxy holds; its objects stand in")
        return walk_inbound_intent(trail, branch, arrival, pod)
    return walk_inbound(trail, branch, arrival, pod, proxy)
