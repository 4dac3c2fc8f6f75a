"""Pods refused for a reason that no cause stands for: an unreachable webhook, or another rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.control_plane_state import State, condition
from meshdoctor.analyze.pod_refusals import Refusal, refusals
from meshdoctor.analyze.refusal_reasons import PodSecurity, WebhookFailure, reason_of
from meshdoctor.analyze.refused_workloads import (
    REFUSAL_KINDS,
    refused_fact,
    still_served_words,
    sufferer,
)
from meshdoctor.intent.control_plane import controller_of, serves
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.finding import Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import DEPLOYMENT, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.snapshot import Snapshot

UNREACHED = "MD0323"
OTHERWISE = "MD0324"
_LOST = ("i/o timeout", "context deadline exceeded", "no route to host", "Client.Timeout")


def _plane(mesh: Snapshot, reason: WebhookFailure) -> ControlPlane | None:
    service = mesh.catalog.find(SERVICE, *reason.service) if reason.service else None
    if service is None:
        return None
    return next((item for item in control_planes(mesh).values() if serves(service, item)), None)


def _problem(
    mesh: Snapshot,
    code: str,
    refusal: Refusal,
    why: str,
    facts: tuple[Fact, ...] = (),
    severity: Severity | None = None,
) -> Finding:
    return Finding(
        code=code,
        subject=workload_subject(refusal.workload),
        outcome=Outcome.WARN if severity else Outcome.FAIL,
        message=f"No pod of {refusal.workload} can be made: {why} "
        f"({still_served_words(mesh, refusal)})",
        resource=refusal.workload,
        objects=(refusal.workload,),
        facts=(refused_fact(refusal), *facts),
        affected=sufferer(refusal),
        severity=severity,
        root=severity is None,
    )


def _unreached(mesh: Snapshot, refusal: Refusal, reason: WebhookFailure) -> Iterator[Finding]:
    """The injection webhook did not answer; where istiod is down, that is said elsewhere."""
    plane = _plane(mesh, reason)
    if plane is None:
        if reason.service and mesh.catalog.known(SERVICE):
            name = "/".join(reason.service)
            if mesh.catalog.find(SERVICE, *reason.service) is None:
                why = f"webhook {reason.name} calls Service {name}, which does not exist"
                yield _problem(mesh, UNREACHED, refusal, why, severity=Severity.WARNING)
        return
    state = condition(mesh, plane)
    if state.state is not State.READY:
        return
    up = holds("istiod-is-ready", state.text, *state.evidence)
    who = controller_of(mesh, plane)
    if any(word in reason.error for word in _LOST):
        why = (
            f"the API server gets no answer from {who}, which is ready; a firewall or a "
            f"NetworkPolicy keeps it from port 15017: {reason.error}"
        )
        yield _problem(mesh, UNREACHED, refusal, why, (up,))
    else:
        why = f"{who} is ready, and the last call to its injection webhook failed: {reason.error}"
        yield _problem(mesh, UNREACHED, refusal, why, (up,), Severity.WARNING)


@dataclass(frozen=True, slots=True)
class RefusedCallsAnalyzer:
    """Reads the refusals that no other analyzer explains."""

    name: str = "refused-calls"
    description: str = "The API server reaches the injection webhook, and nothing else refuses pods"
    inputs: tuple[str, ...] = (
        SERVICE.input,
        DEPLOYMENT.input,
        POD.input,
        *(kind.input for kind in REFUSAL_KINDS),
    )
    codes: tuple[str, ...] = (UNREACHED, OTHERWISE)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """At most one finding for each refused workload."""
        for refusal in refusals(mesh):
            reason = reason_of(refusal)
            if isinstance(reason, WebhookFailure) and reason.injects:
                if not reason.is_untrusted:
                    yield from _unreached(mesh, refusal, reason)
            elif reason is None or isinstance(reason, WebhookFailure):
                yield _problem(mesh, OTHERWISE, refusal, refusal.text)
            elif isinstance(reason, PodSecurity) and not reason.names_init_container:
                why = f"Pod Security level {reason.level} forbids what its own containers ask for"
                yield _problem(mesh, OTHERWISE, refusal, f"{why}: {reason.why}")


ANALYZER = RefusedCallsAnalyzer()
