"""PeerAuthentications with a selector in the root namespace, which Istio ignores.

A policy in the root namespace speaks for the whole mesh; narrowed to workloads it speaks for none,
those of the root namespace included (pilot/pkg/security/authn, ``ComposePeerAuthentication``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import save_and_delete
from meshdoctor.analyze.base import (
    ISTIOD_MESH,
    MESH_SUBJECT,
    PROXY_CONFIG,
    holds,
    namespace_subject,
    silent,
    unread,
)
from meshdoctor.analyze.mtls_servers import takes_plaintext
from meshdoctor.analyze.proxy_evidence import listener_evidence
from meshdoctor.intent.peer_authentication import PeerMode, is_for_workloads, peer_mode
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import container_ports, has_proxy, is_finished, is_gateway
from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SELECTOR_IN_ROOT = "MD0720"

_MOST_SHOWN = 3
INBOUND = "virtualInbound"


@dataclass(frozen=True, slots=True)
class _Meant:
    """A pod that the policy was meant for and that does something else."""

    pod: Resource
    port: int | None
    wanted: str
    peer: PeerMode


def _wanted(policy: Resource) -> Iterator[tuple[int | None, str]]:
    """The modes a policy asks for: in general, then by container port."""
    mode = policy.get("spec", "mtls", "mode")
    if isinstance(mode, str) and mode != "UNSET":
        yield None, mode
    for port, entry in as_mapping(policy.get("spec", "portLevelMtls")).items():
        mode = as_mapping(entry).get("mode")
        if isinstance(mode, str) and mode != "UNSET" and port.isdecimal():
            yield int(port), mode


def _meant(mesh: Snapshot, policy: Resource) -> tuple[_Meant, ...]:
    selector = as_strings(policy.get("spec", "selector", "matchLabels"))
    found = []
    for pod in mesh.catalog.of(POD):
        # Gateways follow their Gateway objects.
        if is_finished(pod) or not has_proxy(pod) or is_gateway(pod):
            continue
        if not matches_labels(selector, pod.labels):
            continue
        for port, wanted in _wanted(policy):
            peer = peer_mode(mesh, pod.namespace, pod.labels, port)
            if peer.mode.value != wanted:
                found.append(_Meant(pod, port, wanted, peer))
    return tuple(found)


def _proxy_fact(mesh: Snapshot, meant: tuple[_Meant, ...]) -> Fact:
    """What the proxies themselves hold, where STRICT was meant."""
    for item in meant:
        proxy = mesh.proxy_of(item.pod)
        if proxy is None or proxy.config is None or item.wanted != "STRICT":
            continue
        listener = proxy.config.listener(INBOUND)
        ports = sorted(set(container_ports(item.pod).values()))
        if listener and any(takes_plaintext(proxy, item.port or port) for port in ports):
            text = f"The listener of {proxy.id} takes plaintext"
            return holds("proxy-holds-other-mode", text, listener_evidence(proxy, listener))
    if any((proxy := mesh.proxy_of(item.pod)) is None or proxy.config is None for item in meant):
        return unread("proxy-holds-other-mode", "The proxies' configuration was not read")
    return silent("proxy-holds-other-mode", "The proxies' listeners do not show the mode")


def _copies(policy: Resource, meant: tuple[_Meant, ...]) -> tuple[str, str]:
    """The commands that put the policy where it counts, and their undo."""
    away, back = save_and_delete(policy)
    spaces = list(dict.fromkeys(item.pod.namespace for item in meant))
    name = f"peerauthentications.security.istio.io {policy.name}"
    forth = [
        f"kubectl get {name} -n {policy.namespace} -o json | "
        f"jq 'del(.metadata.uid, .metadata.resourceVersion, .metadata.creationTimestamp) | "
        f'.metadata.namespace = "{space}"\' | kubectl apply -f -'
        for space in spaces
    ]
    undo = [f"kubectl delete {name} -n {space}" for space in spaces]
    return " && ".join([*forth, away]), " && ".join([back, *undo])


def _finding(mesh: Snapshot, policy: Resource, meant: tuple[_Meant, ...]) -> Finding:
    root = mesh.root_namespace
    workloads = tuple(dict.fromkeys(str(mesh.workloads.owning(item.pod)) for item in meant))
    first = meant[0]
    shown = ", ".join(workloads[:_MOST_SHOWN])
    text = f"{policy} has a selector and stands in the root namespace, where it counts for nothing"
    other = f"{workloads[0]} is {first.peer.text}, not {first.wanted}"
    move, undo = _copies(policy, meant)
    return Finding(
        code=SELECTOR_IN_ROOT,
        subject=namespace_subject(root),
        outcome=Outcome.FAIL,
        message=f"{policy} is ignored: {other}",
        resource=str(policy),
        objects=(str(policy), *workloads)[:6],
        facts=(
            holds(
                "selector-in-root-namespace",
                text,
                policy.evidence("metadata", "namespace"),
                policy.evidence("spec", "selector", "matchLabels"),
            ),
            holds("workload-has-other-mode", other, *first.peer.evidence),
            _proxy_fact(mesh, meant),
        ),
        affected=tuple(Affected(name, "") for name in workloads),
        fills={
            "workloads": shown,
            "workload_namespaces": ", ".join(dict.fromkeys(m.pod.namespace for m in meant)),
            "root_namespace": root,
            "wanted": first.wanted,
            "mode": first.peer.text,
            "move": move,
            "undo_move": undo,
        },
    )


def _harmless(mesh: Snapshot, policy: Resource) -> Finding:
    message = (
        f"{policy} is ignored, because it has a selector and stands in the root namespace; "
        "nothing of the mesh does other than it asks"
    )
    return Finding(
        code=SELECTOR_IN_ROOT,
        subject=namespace_subject(mesh.root_namespace),
        outcome=Outcome.WARN,
        message=message,
        resource=str(policy),
        objects=(str(policy),),
        facts=(holds("selector-in-root-namespace", message, policy.evidence("spec", "selector")),),
        severity=Severity.INFO,
        root=False,
        fills={
            "workloads": "no workload",
            "workload_namespaces": "its workloads",
            "root_namespace": mesh.root_namespace,
            "wanted": str(policy.get("spec", "mtls", "mode")),
            "mode": "as it asks",
            "move": save_and_delete(policy)[0],
            "undo_move": save_and_delete(policy)[1],
        },
    )


@dataclass(frozen=True, slots=True)
class _SelectorInRoot:
    name: str = "peerauthentication-selector"
    description: str = "No PeerAuthentication of the root namespace has a selector."
    inputs: tuple[str, ...] = (
        PEER_AUTHENTICATION.input,
        POD.input,
        ISTIOD_MESH,
        PROXY_CONFIG,
    )
    codes: tuple[str, ...] = (SELECTOR_IN_ROOT,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every PeerAuthentication of the root namespace."""
        needs = mesh.catalog.unread(PEER_AUTHENTICATION, POD)
        if needs:
            text = "Whether a PeerAuthentication of the root namespace is ignored cannot be told"
            yield Finding(
                SELECTOR_IN_ROOT, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs
            )
            return
        for policy in mesh.catalog.within(PEER_AUTHENTICATION, mesh.root_namespace):
            if is_for_workloads(policy):
                meant = _meant(mesh, policy)
                yield _finding(mesh, policy, meant) if meant else _harmless(mesh, policy)


ANALYZER = _SelectorInRoot()
