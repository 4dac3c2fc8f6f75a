"""Are the certificates of the other clusters of the mesh trusted here?

Clusters of one mesh need one root (or each other's roots); a recording of one of them shows the
lack of it only where a call leaves for an endpoint of another cluster and the handshake fails.
What the other cluster's root is cannot be seen from here, so the cause stays likely; where a
recording holds the other cluster's ``istio-ca-root-cert`` too, the two decide it.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import Call, Calls, access_logs, recent
from meshdoctor.analyze.base import (
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.certificate_sources import (
    ROOT_CONFIG_MAP,
    ROOT_KEY,
    Bundle,
    bundle_at,
    distributed_roots,
)
from meshdoctor.analyze.injection_facts import listed
from meshdoctor.analyze.mesh_roots import Mesh, meshes, other_clusters, up_to_date
from meshdoctor.analyze.proxy_evidence import endpoint_evidence
from meshdoctor.analyze.root_evidence import proxy_root_evidence, short
from meshdoctor.analyze.root_mismatch import NOT_ACCEPTED, not_accepted, says_untrusted
from meshdoctor.model.access_log import host_port
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import POD, SECRET
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REMOTE = "MD0213"

FROM_ELSEWHERE = "endpoint-is-in-another-cluster"
OTHER_ROOT = "roots-of-clusters-differ"
NOT_TRUSTED = "clusters-do-not-trust-each-other"
_SHARED = "clusters-share-a-root"
_MULTI_CLUSTER = "istio/multiCluster"
_EAST_WEST = 15443
"""Port of east-west gateways that pass mTLS through by server name."""
_FEWEST = 2
_MOST_SHOWN = 3


@lru_cache(maxsize=2)
def remote_secrets(mesh: Snapshot) -> tuple[Resource, ...]:
    """The Secrets by which istiod watches other clusters (``istioctl create-remote-secret``)."""
    return tuple(s for s in mesh.catalog.of(SECRET) if s.labels.get(_MULTI_CLUSTER) == "true")


@lru_cache(maxsize=2)
def _elsewhere(mesh: Snapshot) -> dict[str, tuple[str, Evidence]]:
    """Addresses that EDS places in another cluster, with that cluster's name."""
    found: dict[str, tuple[str, Evidence]] = {}
    for proxy in mesh.proxies.values():
        own = proxy.config.bootstrap.cluster_id if proxy.config and proxy.config.bootstrap else ""
        for assigned in proxy.config.endpoints if proxy.config and own else ():
            for item in assigned.endpoints:
                cluster = item.workload.rpartition(";")[2]
                if cluster and cluster != own and str(item) not in found:
                    shown = endpoint_evidence(proxy, assigned.cluster_name, item)
                    found[str(item)] = (cluster, shown)
    return found


def _is_remote(mesh: Snapshot, call: Call) -> bool:
    """Whether a call left for another cluster."""
    address = call.entry.upstream_host or ""
    if address in _elsewhere(mesh):
        return True
    ip, port = host_port(address)
    return bool(remote_secrets(mesh)) and port == _EAST_WEST and mesh.pod_at(ip or "") is None


def _remote_calls(mesh: Snapshot) -> dict[str, Calls]:
    """Recent calls to other clusters, by the cluster of the proxy that took them."""
    found: dict[str, list[Call]] = defaultdict(list)
    for name, calls in access_logs(mesh).outbound.items():
        found[name] += [call for call in recent(mesh, calls) if _is_remote(mesh, call)]
    return {name: tuple(calls) for name, calls in sorted(found.items()) if calls}


def _place(mesh: Snapshot, calls: Calls) -> tuple[str, tuple[Evidence, ...]]:
    """Which cluster was called, and what says so."""
    known = _elsewhere(mesh).get(calls[-1].entry.upstream_host or "")
    if known is not None:
        return f"cluster {known[0]}", (known[1],)
    secrets = remote_secrets(mesh)
    shown = tuple(item.evidence("metadata", "labels", _MULTI_CLUSTER) for item in secrets[:2])
    return f"another cluster ({listed([item.name for item in secrets])})", shown


def _objects(mesh: Snapshot) -> tuple[str, ...]:
    """The CA of this cluster, then the Secrets of the others."""
    own = next((found.secret for found in meshes(mesh) if found.secret is not None), None)
    root = object_text("ConfigMap", mesh.root_namespace, ROOT_CONFIG_MAP)
    return (str(own) if own else root, *map(str, remote_secrets(mesh)))[:6]


def _finding(mesh: Snapshot, name: str, failed: Calls) -> Finding:
    parsed = parse_cluster_name(name)
    host, port = (parsed.host, parsed.port) if parsed else (name, None)
    where, shown = _place(mesh, failed)
    callers = sorted({mesh.caller(call.proxy) for call in failed})
    said = f"{listed(callers)} does not accept the certificate that {host} shows from {where}"
    newest = (call.evidence for call in reversed(failed[-_MOST_SHOWN:]))
    objects = _objects(mesh)
    return Finding(
        code=REMOTE,
        subject=destination_subject(host, port),
        outcome=Outcome.FAIL,
        message=said,
        resource=objects[0],
        objects=objects,
        facts=(
            holds(NOT_TRUSTED, said, *newest),
            holds(NOT_ACCEPTED, said),
            holds(FROM_ELSEWHERE, f"{failed[-1].entry.upstream_host} is in {where}", *shown),
            unread(OTHER_ROOT, f"The root of {where} is not part of this recording"),
        ),
        affected=tuple(Affected(caller, f"{host}:{port}") for caller in callers),
        fills={
            "claim": f"{host} in {where} shows certificates that this cluster does not trust",
            "where": where,
            "root_namespace": mesh.root_namespace,
        },
    )


def _bundle(mesh: Snapshot, cluster: str) -> Bundle | None:
    """The roots of a further cluster, as its istiod handed them out."""
    found = [item for item in mesh.further[cluster] if item.name == ROOT_CONFIG_MAP]
    found.sort(key=lambda item: (item.namespace != mesh.root_namespace, item.namespace))
    return bundle_at(found[0], ROOT_KEY) if found else None


def _compared(mesh: Snapshot, cluster: str, own: Bundle, other: Bundle) -> Finding:
    """What two clusters' roots have to do with each other."""
    where = f"cluster {cluster}"
    shown = (own.evidence, other.evidence)
    resource = str(own.resource)
    if own.ids & other.ids:
        text = f"This cluster and {where} hold a root in common"
        facts = (holds(_SHARED, text, *shown),)
        return Finding(REMOTE, MESH_SUBJECT, Outcome.PASS, text, resource, facts=facts)
    text = (
        f"This cluster's root has serial {short(own.certificates[0])}, that of {where} "
        f"{short(other.certificates[0])}: neither accepts the other's certificates"
    )
    objects = _objects(mesh)
    return Finding(
        code=REMOTE,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL,
        message=text,
        resource=objects[0],
        objects=objects,
        facts=(
            holds(NOT_TRUSTED, text, *shown),
            holds(OTHER_ROOT, text),
            silent(NOT_ACCEPTED, "No log of this cluster shows a call that failed for it"),
        ),
        fills={
            "claim": f"This cluster and {where} of the mesh have no root in common",
            "where": where,
            "root_namespace": mesh.root_namespace,
        },
    )


def _apart(mesh: Snapshot, found: Mesh, clusters: tuple[str, ...]) -> Finding:
    """Proxies of several clusters in one recording, whose roots part along the clusters."""
    left = found.left_behind
    where = f"cluster {listed(clusters)}"
    text = f"The proxies of {where} and those of the rest of the mesh trust different roots"
    shown = [proxy_root_evidence(item) for item in left[:_MOST_SHOWN]]
    shown.append(proxy_root_evidence(up_to_date(found, left)[0]))
    names = sorted({mesh.caller(item.proxy) for item in left})
    objects = _objects(mesh)
    return Finding(
        code=REMOTE,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL,
        message=text,
        resource=objects[0],
        objects=objects,
        facts=(
            holds(NOT_TRUSTED, text, *shown),
            holds(OTHER_ROOT, text),
            not_accepted(mesh, found, left),
        ),
        affected=tuple(Affected(name, "") for name in names),
        fills={"claim": text, "where": where, "root_namespace": mesh.root_namespace},
    )


def _unwatched(mesh: Snapshot) -> Finding:
    text = "Whether calls to the other clusters of the mesh fail is not known: a log was not read"
    return Finding(REMOTE, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=(PROXY_LOG,))


@dataclass(frozen=True, slots=True)
class RemoteRoots:
    """Certificates of the mesh's other clusters are trusted here."""

    name: str = "remote-roots"
    description: str = "Certificates of the mesh's other clusters are trusted here."
    inputs: tuple[str, ...] = (PROXY_LOG, PROXY_CONFIG, POD.input)
    codes: tuple[str, ...] = (REMOTE,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One FAIL for each destination whose remote endpoints are not trusted."""
        for found in meshes(mesh):
            if clusters := other_clusters(found):
                yield _apart(mesh, found, clusters)
            elif found.left_behind:
                # Then this cluster's own roots are to be mended first.
                return
        own = distributed_roots(mesh, mesh.root_namespace)
        for cluster in mesh.further:
            other = _bundle(mesh, cluster)
            if own is not None and other is not None:
                yield _compared(mesh, cluster, own, other)
        for name, calls in _remote_calls(mesh).items():
            failed = tuple(call for call in calls if says_untrusted(call.entry))
            if len(failed) >= _FEWEST and failed[-1] is calls[-1]:
                yield _finding(mesh, name, failed)
        if (remote_secrets(mesh) or _elsewhere(mesh)) and access_logs(mesh).unread:
            yield _unwatched(mesh)


ANALYZER = RemoteRoots()
