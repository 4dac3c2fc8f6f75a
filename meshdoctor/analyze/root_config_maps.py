"""Does every namespace with proxies hold the mesh's root?

A pod's agent learns whom to trust from ``istio-ca-root-cert`` of its namespace, before it has a
certificate of its own. istiod keeps the ConfigMap; a person, or a tool that restores backups, may
put an older one in its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_LOG, holds, silent
from meshdoctor.analyze.certificate_sources import ROOT_CONFIG_MAP, Bundle, distributed_roots
from meshdoctor.analyze.injection_facts import listed
from meshdoctor.analyze.mesh_roots import meshes
from meshdoctor.analyze.proxy_evidence import log_evidence
from meshdoctor.analyze.root_evidence import short
from meshdoctor.analyze.root_mismatch import NOT_ACCEPTED, ROOTS_DIFFER
from meshdoctor.analyze.sync_reach_log import Way, report
from meshdoctor.model.finding import Affected, Finding, Outcome, Severity
from meshdoctor.model.kinds import CONFIG_MAP, POD
from meshdoctor.model.pod import is_finished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

ASTRAY = "MD0212"


def _pods(mesh: Snapshot) -> dict[str, list[Resource]]:
    """Pods with a proxy, by namespace."""
    found: dict[str, list[Resource]] = {}
    for pod in mesh.proxy_pods:
        if not is_finished(pod):
            found.setdefault(pod.namespace, []).append(pod)
    return {space: found[space] for space in sorted(found)}


def _not_accepted(mesh: Snapshot, pods: list[Resource]) -> Fact:
    for pod in pods:
        proxy = mesh.proxy_of(pod)
        said = report(proxy.log) if proxy and proxy.log else None
        if proxy and said and said.way is Way.CERTIFICATE and said.line is not None:
            text = f"{proxy.id} says that it does not trust istiod's certificate"
            return holds(NOT_ACCEPTED, text, log_evidence(proxy, said.line))
    return silent(NOT_ACCEPTED, "Pods that run already keep the root they started with")


def _astray(mesh: Snapshot, found: list[Bundle], given: Bundle) -> Finding:
    """Every ConfigMap that is not the mesh's root: one fault, wherever it shows."""
    pods = _pods(mesh)
    spaces = [held.resource.namespace for held in found]
    own = [pod for space in spaces for pod in pods[space]]
    maps = listed([str(held.resource) for held in found])
    text = (
        f"{maps} holds the root of serial {short(found[0].certificates[0])}, but istiod's own "
        f"namespace that of serial {short(given.certificates[0])}"
    )
    # Proxies that were left behind with another root are told by themselves, and come first.
    counts = not any(item.left_behind for item in meshes(mesh))
    names = sorted({str(mesh.workloads.owning(pod)) for pod in own})
    delete = (f"kubectl delete configmap {ROOT_CONFIG_MAP} -n {space}" for space in spaces)
    return Finding(
        code=ASTRAY,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if counts else Outcome.WARN,
        message=f"{text}: pods that start in {listed(spaces)} will not trust istiod",
        resource=str(found[0].resource),
        objects=(*(str(held.resource) for held in found), str(given.resource))[:6],
        facts=(
            holds(ROOTS_DIFFER, text, found[0].evidence, given.evidence),
            _not_accepted(mesh, own),
        ),
        affected=tuple(Affected(name, "") for name in names),
        severity=None if counts else Severity.WARNING,
        root=counts,
        fills={
            "claim": f"{maps} is not the mesh's root certificate",
            "mend": "Delete the ConfigMap: istiod writes it again, with the root it has.",
            "mend_command": " && ".join(delete),
            "mend_changes": f"{maps}; pods that wait for istiod take the new one within a minute, "
            "or when they are restarted.",
            "mend_undo": "Nothing to undo: istiod owns this ConfigMap.",
            "istiod_namespace": given.resource.namespace,
            "proxy": f"{own[0].name}.{own[0].namespace}",
        },
    )


@dataclass(frozen=True, slots=True)
class NamespaceRoots:
    """Every namespace with proxies holds the mesh's root."""

    name: str = "namespace-roots"
    description: str = "Every namespace with proxies holds the mesh's root."
    inputs: tuple[str, ...] = (CONFIG_MAP.input, POD.input, PROXY_LOG)
    codes: tuple[str, ...] = (ASTRAY,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One FAIL for all namespaces whose root is none of istiod's."""
        given = [found.distributed for found in meshes(mesh) if found.distributed]
        held = (distributed_roots(mesh, space) for space in _pods(mesh))
        # Where there are several meshes the namespace may belong to any of them.
        astray = [
            item
            for item in held
            if item is not None and not any(item.ids & own.ids for own in given)
        ]
        if astray and given:
            yield _astray(mesh, astray, given[0])


ANALYZER = NamespaceRoots()
