"""Whether calls to hosts outside of every registry get out.

With REGISTRY_ONLY a proxy refuses what no Service and no ServiceEntry has. A ServiceEntry that
nearly fits, by another port, protocol or a host alike, is what was meant to let the call out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import (
    ISTIOD_MESH,
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
)
from meshdoctor.analyze.client_attempts import (
    Attempt,
    affected_by,
    attempts,
    lacks_cluster,
    untold_pods,
    wanted_by,
)
from meshdoctor.analyze.merged_findings import merged
from meshdoctor.analyze.near_entries import Near, near_entry
from meshdoctor.analyze.registry_only_words import NEARLY, NOT_DECLARED, fills_of, mode_object
from meshdoctor.intent.sidecar_scope import POLICY, REGISTRY_ONLY, OutboundMode, outbound_mode
from meshdoctor.intent.visibility import Sight, sees
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import CONFIG_MAP, POD, SERVICE, SERVICE_ENTRY, SIDECAR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.snapshot import Snapshot

_DECIDING = (SERVICE, SERVICE_ENTRY, SIDECAR)


def _mode_evidence(mode: OutboundMode) -> tuple[Evidence, ...]:
    if mode.sidecar is not None:
        return (mode.sidecar.evidence("spec", POLICY),)
    return mode.config.evidence(POLICY)


def _mode_fact(mode: OutboundMode) -> Fact:
    where = mode_object(mode)
    return holds("mode-is-registry-only", f"{where} sets {REGISTRY_ONLY}", *_mode_evidence(mode))


def _blocked(mesh: Snapshot, attempt: Attempt, mode: OutboundMode, near: Near | None) -> Finding:
    who = mesh.workloads.owning(attempt.pod)
    setter = mode_object(mode)
    missing = near.text if near else f"no Service and no ServiceEntry has {attempt.host}"
    message = f"{who} calls {attempt.to}, and its proxy refuses it: {missing}; {setter} sets "
    message += REGISTRY_ONLY
    objects = (str(near.entry), setter) if near else (setter,)
    shown = near.evidence if near else ()
    return Finding(
        code=NEARLY if near else NOT_DECLARED,
        subject=destination_subject(attempt.host, attempt.port),
        outcome=Outcome.FAIL,
        message=message,
        resource=objects[0],
        objects=objects,
        facts=(
            _mode_fact(mode),
            holds("host-not-declared", f"{attempt.to}: {missing}", *shown),
            lacks_cluster(mesh, attempt),
            wanted_by(mesh, attempt),
        ),
        affected=affected_by(mesh, attempt),
        fills=fills_of(mesh, attempt, mode, near),
    )


def _cannot_tell(attempt: Attempt, needs: tuple[str, ...]) -> Finding:
    message = f"Why the call to {attempt.to} was refused cannot be told"
    subject = destination_subject(attempt.host, attempt.port)
    resource = str(attempt.pod)
    return Finding(NOT_DECLARED, subject, Outcome.UNKNOWN, message, resource, needs=needs)


def _allowed(attempt: Attempt, mode: OutboundMode) -> Finding:
    message = f"The outbound mode of {attempt.pod.namespace}/{attempt.pod.name} is {mode.mode} now"
    facts = (holds("mode-lets-out", message, *_mode_evidence(mode)),)
    subject = destination_subject(attempt.host, attempt.port)
    return Finding(NOT_DECLARED, subject, Outcome.PASS, message, mode_object(mode), facts=facts)


def _judge(mesh: Snapshot, attempt: Attempt) -> Finding | None:
    """The finding about one client and destination; None when there is nothing to say."""
    refused = attempt.strays is not None and attempt.strays.refused
    if attempt.strays is not None and not refused:
        return None
    view = sees(mesh, attempt.pod, attempt.host, attempt.port)
    # A Service's missing port is no host outside of the mesh.
    if view.sight is Sight.HIDDEN or mesh.registry.service(attempt.host) is not None:
        return None
    if needs := mesh.catalog.unread(*_DECIDING):
        return _cannot_tell(attempt, needs) if refused else None
    mode = outbound_mode(mesh, attempt.pod)
    if not mode.is_known:
        return _cannot_tell(attempt, (ISTIOD_MESH, CONFIG_MAP.input)) if refused else None
    if mode.mode != REGISTRY_ONLY:
        return _allowed(attempt, mode) if refused else None
    near = near_entry(mesh, attempt, view)
    if view.sight is not Sight.ABSENT and near is None:
        return None
    return _blocked(mesh, attempt, mode, near)


def _unwatched(mesh: Snapshot) -> Iterator[Finding]:
    """One UNKNOWN for clients that are held to the registry and whose calls no log shows."""
    for pod in untold_pods(mesh):
        mode = outbound_mode(mesh, pod)
        if mode.mode == REGISTRY_ONLY:
            message = f"Whether {pod.namespace}/{pod.name} calls hosts that no registry has is not "
            message += "known: no access log shows its calls"
            where = mode_object(mode)
            needs = (PROXY_LOG,)
            yield Finding(NOT_DECLARED, MESH_SUBJECT, Outcome.UNKNOWN, message, where, needs=needs)
            return


@dataclass(frozen=True, slots=True)
class RegistryOnly:
    """What clients call outside of the mesh is declared where REGISTRY_ONLY asks for it."""

    name: str = "registry-only"
    description: str = "Hosts outside of the mesh that clients call are declared, or let out."
    inputs: tuple[str, ...] = (
        PROXY_LOG,
        PROXY_CONFIG,
        ISTIOD_MESH,
        CONFIG_MAP.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        SIDECAR.input,
        POD.input,
    )
    codes: tuple[str, ...] = (NOT_DECLARED, NEARLY)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that a proxy refused, or would."""
        yield from merged(filter(None, (_judge(mesh, item) for item in attempts(mesh))))
        yield from _unwatched(mesh)


ANALYZER = RegistryOnly()
