"""Whether clients' proxies see the registered destinations that they call.

A host that is hidden from a client is no unknown host: a Service or ServiceEntry has it, and the
client's Sidecar, an ``exportTo`` or the mesh's ``discoverySelectors`` keeps it from the proxy.
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
    holds_cluster,
    lacks_cluster,
    untold_pods,
    wanted_by,
)
from meshdoctor.analyze.hidden_words import (
    EXPORT_TO,
    SIDECAR_EXCLUDES,
    code_of,
    fills_of,
    message_of,
)
from meshdoctor.analyze.merged_findings import merged
from meshdoctor.intent.backends import pods_behind, target_port
from meshdoctor.intent.peer_authentication import ServerMode, peer_mode
from meshdoctor.intent.sidecar_scope import (
    REGISTRY_ONLY,
    egress_hosts,
    outbound_mode,
    sidecar_for,
)
from meshdoctor.intent.visibility import Hider, Sight, View, sees
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import (
    NAMESPACE,
    PEER_AUTHENTICATION,
    POD,
    SERVICE,
    SERVICE_ENTRY,
    SIDECAR,
    VIRTUAL_SERVICE,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.snapshot import Snapshot

_CODES = (SIDECAR_EXCLUDES, EXPORT_TO)


def _meets_strict(mesh: Snapshot, attempt: Attempt, view: View) -> bool | None:
    """Whether a destination refuses plaintext, as what goes through PassthroughCluster is.

    None when PeerAuthentications were not read.
    """
    if not mesh.catalog.known(PEER_AUTHENTICATION):
        return None
    service = view.service
    port = service.port(attempt.port) if service and attempt.port is not None else None
    if service is None or port is None:
        return False
    return any(
        peer_mode(mesh, pod.namespace, pod.labels, target_port(port, pod)).mode is ServerMode.STRICT
        for pod in pods_behind(mesh, service)
    )


def _hurts(mesh: Snapshot, attempt: Attempt, view: View) -> bool | None:
    """Whether a client that does not know a destination fails to reach it; None: not known."""
    if attempt.strays is not None and attempt.strays.refused:
        return True
    if attempt.strays is None and holds_cluster(attempt):
        return False
    if attempt.strays is None and outbound_mode(mesh, attempt.pod).mode == REGISTRY_ONLY:
        return True
    return _meets_strict(mesh, attempt, view)


def _hidden_evidence(attempt: Attempt, view: View) -> Iterator[Evidence]:
    assert view.service is not None
    if view.by is not None:
        yield view.by.evidence(*view.path)
        if view.hider is Hider.SIDECAR and view.by.get("spec", "workloadSelector"):
            yield view.by.evidence("spec", "workloadSelector")
    if view.by != view.service.resource:
        yield view.service.resource.evidence("metadata", "name")


def _hidden(
    mesh: Snapshot, attempt: Attempt, view: View, alike: list[tuple[Attempt, View]]
) -> Finding:
    assert view.service is not None
    message = message_of(mesh, attempt, view)
    culprit = str(view.by) if view.by else f"Namespace {view.service.namespace}"
    objects = tuple(dict.fromkeys((culprit, str(view.service.resource))))
    return Finding(
        code=code_of(view),
        subject=destination_subject(attempt.host, attempt.port),
        outcome=Outcome.FAIL,
        message=message,
        resource=culprit,
        objects=objects,
        facts=(
            holds("destination-is-hidden", message, *_hidden_evidence(attempt, view)),
            lacks_cluster(mesh, attempt),
            wanted_by(mesh, attempt),
        ),
        affected=affected_by(mesh, attempt),
        fills=fills_of(mesh, attempt, view, alike),
    )


def _seen(mesh: Snapshot, attempt: Attempt, view: View) -> Iterator[Finding]:
    """What rules out that a destination is hidden."""
    assert view.service is not None
    shown = view.service.resource
    message = f"Pod {attempt.pod.namespace}/{attempt.pod.name} may see {attempt.host}"
    evidence = [shown.evidence("metadata", "name")]
    sidecar = sidecar_for(mesh, attempt.pod)
    if sidecar is not None and sidecar.spec.get("egress"):
        evidence.insert(0, sidecar.evidence("spec", "egress"))
    facts = (holds("destination-is-visible", message, *evidence),)
    subject = destination_subject(attempt.host, attempt.port)
    for code in _CODES:
        yield Finding(code, subject, Outcome.PASS, message, str(shown), facts=facts)


def _cannot_tell(attempt: Attempt, needs: tuple[str, ...]) -> Iterator[Finding]:
    subject = destination_subject(attempt.host, attempt.port)
    message = f"Whether the proxy of {attempt.pod.namespace}/{attempt.pod.name} may see "
    message += f"{attempt.to} cannot be told"
    resource = str(attempt.pod)
    for code in _CODES:
        yield Finding(code, subject, Outcome.UNKNOWN, message, resource, needs=needs)


def _unwatched(mesh: Snapshot) -> Iterator[Finding]:
    """Clients whose proxies see a part of the mesh only, and whose calls no log shows."""
    for pod in untold_pods(mesh):
        sidecar = sidecar_for(mesh, pod)
        if sidecar is None or "*/*" in egress_hosts(sidecar):
            continue
        message = f"Whether {pod.namespace}/{pod.name} calls what {sidecar} hides from it is not "
        message += "known: no access log shows its calls"
        needs = (PROXY_LOG,)
        yield Finding(
            SIDECAR_EXCLUDES, MESH_SUBJECT, Outcome.UNKNOWN, message, str(sidecar), needs=needs
        )
        return


@dataclass(frozen=True, slots=True)
class HiddenDestinations:
    """Every registered destination that a client calls is visible to its proxy."""

    name: str = "hidden-destinations"
    description: str = "Every registered destination that a client calls is visible to its proxy."
    inputs: tuple[str, ...] = (
        PROXY_LOG,
        PROXY_CONFIG,
        ISTIOD_MESH,
        SIDECAR.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        VIRTUAL_SERVICE.input,
        NAMESPACE.input,
        PEER_AUTHENTICATION.input,
        POD.input,
    )
    codes: tuple[str, ...] = _CODES

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination that some client wants."""
        judged = [(item, sees(mesh, item.pod, item.host, item.port)) for item in attempts(mesh)]
        hidden = [
            (item, view, _hurts(mesh, item, view))
            for item, view in judged
            if view.sight is Sight.HIDDEN
        ]
        broken = [(item, view) for item, view, hurts in hidden if hurts]
        yield from merged(
            _hidden(mesh, attempt, view, [pair for pair in broken if pair[1].by == view.by])
            for attempt, view in broken
        )
        for attempt, _, hurts in hidden:
            if hurts is None:
                yield from _cannot_tell(attempt, mesh.catalog.unread(PEER_AUTHENTICATION))
        for attempt, view in judged:
            if view.sight is Sight.UNKNOWN:
                yield from _cannot_tell(attempt, view.needs)
            elif view.sight is Sight.SEEN and attempt.strays is not None:
                yield from _seen(mesh, attempt, view)
        yield from _unwatched(mesh)


ANALYZER = HiddenDestinations()
