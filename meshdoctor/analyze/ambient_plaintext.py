"""Clients outside the mesh that ztunnels turn away because a PeerAuthentication is STRICT.

istiod turns the PeerAuthentication into a DENY policy for ztunnel, whose name stands in the log.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    client_pod,
    dump_evidence,
    server_pod,
)
from meshdoctor.analyze.ambient_refusals import refusals
from meshdoctor.analyze.base import holds, unread, workload_subject
from meshdoctor.analyze.mtls_remedies import peer_mode_change
from meshdoctor.analyze.pod_evidence import container_names, containers_text
from meshdoctor.intent.ambient import Enrolment, enrolment
from meshdoctor.intent.peer_authentication import PeerMode, ServerMode, peer_mode
from meshdoctor.intent.revision_labels import DATAPLANE_MODE
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import has_proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PLAINTEXT = "MD0523"
_CONVERTED = re.compile(
    r"explicitly denied by: \S*?(istio_converted_static_strict|converted_peer_authentication_)"
)


@dataclass(frozen=True, slots=True)
class _Meeting:
    """One client without a proxy, one STRICT server, and the refusals between them."""

    client: Resource
    server: Resource
    peer: PeerMode
    refused: tuple[Failure, ...]


def _meetings(mesh: Snapshot) -> Iterator[_Meeting]:
    found: dict[tuple[str, str], list[Failure]] = {}
    pods: dict[tuple[str, str], tuple[Resource, Resource]] = {}
    for items in refusals(mesh).values():
        for item in items:
            client, server = client_pod(mesh, item.connection), server_pod(mesh, item.connection)
            if client is None or server is None or not _CONVERTED.search(item.error):
                continue
            if has_proxy(client) or enrolment(mesh, client) is not Enrolment.OUTSIDE:
                continue
            owners = mesh.workloads.owning(client), mesh.workloads.owning(server)
            key = str(owners[0]), str(owners[1])
            found.setdefault(key, []).append(item)
            pods[key] = client, server
    for key, refused in found.items():
        client, server = pods[key]
        port = refused[-1].connection.inner_port or refused[-1].connection.target_port
        peer = peer_mode(mesh, server.namespace, server.labels, port)
        if peer.policy is not None and peer.mode is ServerMode.STRICT:
            yield _Meeting(client, server, peer, tuple(refused))


def _holds_mode(mesh: Snapshot, item: Failure) -> Fact:
    dump = item.ztunnel.config
    for policy in dump.policies if dump else ():
        if f"/{policy.name}" in item.error:
            shown = dump_evidence(item.ztunnel, f"{policy.pointer}/name", policy.name, "policies")
            return holds("server-holds-mode", f"ztunnel enforces it as {policy.name}", shown)
    del mesh
    return unread("server-holds-mode", "The ztunnel's dump does not show the policy")


def _fills(client: str, server: str, namespace: str, peer: PeerMode) -> dict[str, str]:
    loosen, tighten = peer_mode_change(peer, "PERMISSIVE")
    label = f"kubectl label namespace {namespace} {DATAPLANE_MODE}"
    return {
        "claim": f"{client} has no proxy, but calls",
        "who": f"{client} is outside the mesh and so calls",
        "policy": str(peer.policy),
        "server": server,
        "first_do": "Bring the client into ambient mode, so that its calls carry mutual TLS.",
        "first_command": f"{label}=ambient",
        "first_changes": f"Every pod of namespace {namespace} joins ambient mode, at once.",
        "first_undo": f"{label}-",
        "second_do": "Or, while the client cannot join, let its servers take plaintext too.",
        "second_command": loosen,
        "second_changes": f"{peer.policy}: what it governs then takes plaintext from anyone.",
        "second_undo": tighten,
        "check_pods": f"kubectl get pods -n {namespace}",
        "check_log": "kubectl logs -n istio-system ds/ztunnel --since=1m | grep 'policy rejection'",
    }


def _finding(mesh: Snapshot, case: _Meeting) -> Finding:
    client = str(mesh.workloads.owning(case.client))
    server = str(mesh.workloads.owning(case.server))
    last = case.refused[-1]
    message = (
        f"{server} takes only mutual TLS; ztunnel closes the plaintext connections of {client}"
    )
    no_proxy = f"{case.client.name} is not in the mesh: {containers_text(case.client)}"
    return Finding(
        code=PLAINTEXT,
        subject=workload_subject(client),
        outcome=Outcome.FAIL,
        message=message,
        resource=server,
        objects=(client, str(case.peer.policy)),
        facts=(
            holds("server-refused-plaintext", message, last.evidence),
            holds("server-is-strict", f"{server} is {case.peer.text}", *case.peer.evidence),
            holds("client-has-no-proxy", no_proxy, *container_names(case.client)),
            _holds_mode(mesh, last),
        ),
        affected=affected_by(mesh, case.refused),
        fills=_fills(client, server, case.client.namespace, case.peer),
    )


@dataclass(frozen=True, slots=True)
class AmbientPlaintext:
    """No client outside the mesh calls a STRICT server in ambient mode."""

    name: str = "ambient-plaintext"
    description: str = "No client outside the mesh calls a STRICT server in ambient mode."
    inputs: tuple[str, ...] = (POD.input, PEER_AUTHENTICATION.input, ZTUNNEL_LOG_INPUT)
    codes: tuple[str, ...] = (PLAINTEXT,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each client and server."""
        if mesh.catalog.known(POD, PEER_AUTHENTICATION):
            yield from (_finding(mesh, case) for case in _meetings(mesh))


ANALYZER = AmbientPlaintext()
