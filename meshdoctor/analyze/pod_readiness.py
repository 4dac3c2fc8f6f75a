"""Whether some pod behind each called destination is ready, and if none is, what keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import PROXY_CONFIG, PROXY_HOSTS, PROXY_LOG, holds, silent, unread
from meshdoctor.analyze.container_exits import crash_facts, crash_fills
from meshdoctor.analyze.destination_facts import (
    affected_by,
    callers_hold_no_host,
    failed_calls_to,
    requests_fail,
)
from meshdoctor.analyze.destination_findings import passes, problem
from meshdoctor.analyze.destination_pods import no_ready_endpoint, pods_of
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.kubelet_probes import probe_words, template_probe
from meshdoctor.analyze.pod_evidence import ready_evidence
from meshdoctor.analyze.pod_states import PodReason, PodState, why_not_ready
from meshdoctor.analyze.probe_resets import policy_of, reset_facts, reset_fills
from meshdoctor.model.kinds import (
    EVENT,
    PEER_AUTHENTICATION,
    POD,
    SERVICE,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.pod import is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PODS_NOT_READY = "MD0117"
PODS_CRASH = "MD0118"
PODS_NOT_INITIALIZED = "MD0119"
PROBE_IS_RESET = "MD0120"

_CODES = {
    PodState.CRASHING: PODS_CRASH,
    PodState.PROXY_NOT_READY: PODS_NOT_INITIALIZED,
    PodState.PROBE_RESET: PROBE_IS_RESET,
    PodState.NOT_STARTED: PODS_NOT_READY,
    PodState.PROBE_FAILS: PODS_NOT_READY,
}
"""In this order: a pod of an earlier state speaks for the others."""


def _why_fact(mesh: Snapshot, reasons: list[PodReason], probe: Evidence | None) -> Fact:
    text = "; ".join(dict.fromkeys(reason.text for reason in reasons[:3]))
    shown = [item for reason in reasons[:3] for item in reason.evidence]
    if probe is not None:
        shown.append(probe)
    if any(item.source.endswith("/events.json") for item in shown) or any(
        reason.state is PodState.NOT_STARTED for reason in reasons
    ):
        return holds("reason-is-known", text, *shown)
    if not mesh.catalog.known(EVENT):
        return unread("reason-is-known", "Events could not be read")
    return silent("reason-is-known", "No event says why", *shown)


def _pod_of(pods: tuple[Resource, ...], reason: PodReason, reasons: list[PodReason]) -> Resource:
    return pods[reasons.index(reason)]


def _state_facts(
    mesh: Snapshot, pods: tuple[Resource, ...], reason: PodReason, reasons: list[PodReason]
) -> tuple[Fact, ...]:
    """What the causes of a crash or of a reset probe ask for besides."""
    if reason.crash is not None:
        return crash_facts(mesh, reason.crash)
    if reason.reset is not None:
        return reset_facts(mesh, _pod_of(pods, reason, reasons), reason.reset)
    return ()


def _state_fills(
    mesh: Snapshot, pods: tuple[Resource, ...], reason: PodReason, reasons: list[PodReason]
) -> dict[str, str]:
    if reason.crash is not None:
        return crash_fills(mesh, reason.crash)
    if reason.reset is not None:
        return reset_fills(mesh, _pod_of(pods, reason, reasons), reason.reset)
    return {}


def _policies(
    mesh: Snapshot, pods: tuple[Resource, ...], reasons: list[PodReason]
) -> tuple[str, ...]:
    """The PeerAuthentications under which probes are reset, as text."""
    found = [
        name
        for pod, reason in zip(pods, reasons, strict=True)
        if reason.reset is not None and reason.state is PodState.PROBE_RESET
        for name in policy_of(mesh, pod, reason.reset)
    ]
    return tuple(dict.fromkeys(found))


def _not_ready(
    mesh: Snapshot, use: Use, pods: tuple[Resource, ...], reasons: list[PodReason]
) -> Finding:
    state = min((reason.state for reason in reasons), key=list(_CODES).index)
    told = [reason for reason in reasons if reason.state is state]
    owners = tuple(dict.fromkeys(mesh.workloads.owning(pod) for pod in pods))
    probe = template_probe(owners[0]) if state is PodState.PROBE_FAILS else None
    words = f"; the probe is {probe_words(probe[1])}" if probe else ""
    message = (
        f"None of the {len(pods)} pods behind {use.destination} is ready"
        if len(pods) > 1
        else f"The only pod behind {use.destination} is not ready"
    )
    message += f": {told[0].text}{words}"
    ready = [ready_evidence(pod) for pod in pods[:3]]
    first = owners[0]
    services = [str(use.service.resource)] if use.service else []
    return problem(
        _CODES[state],
        use,
        message,
        objects=(*map(str, owners), *_policies(mesh, pods, reasons), *services),
        facts=(
            holds("no-pod-ready", message, *ready),
            _why_fact(mesh, told, probe[0] if probe else None),
            *_state_facts(mesh, pods, told[0], reasons),
            *no_ready_endpoint(mesh, use),
            callers_hold_no_host(mesh, use),
            requests_fail(mesh, use, "UH", "UF"),
        ),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use, "UH", "UF")),
        fills={
            "why": told[0].text,
            "probe": words.removeprefix("; ") or "no readiness probe is set in its template",
            "workload": f"{first.kind.lower()}/{first.name}",
            "pod": pods[0].name,
            "space": first.namespace,
            "target": f"{first.kind.lower()}/{first.name}",
            "served": "No pod of it is ready",
            **_state_fills(mesh, pods, told[0], reasons),
        },
    )


def _judge(mesh: Snapshot, use: Use, pods: tuple[Resource, ...]) -> Iterator[Finding]:
    ready = [pod for pod in pods if is_ready(pod)]
    publishes = use.service is not None and use.service.resource.spec.get(
        "publishNotReadyAddresses"
    )
    if ready or publishes:
        if use.is_seen:
            message = (
                f"{len(ready)} of {len(pods)} pods behind {use.destination} are ready"
                if ready
                else f"{use.destination} takes pods that are not ready"
            )
            shown = (ready or list(pods))[0]
            evidence = ready_evidence(shown)
            for code in dict.fromkeys(_CODES.values()):
                yield passes(code, use, message, "pods-ready", [evidence])
        return
    yield _not_ready(mesh, use, pods, [why_not_ready(mesh, pod) for pod in pods])


@dataclass(frozen=True, slots=True)
class PodReadiness:
    """Every called destination has a ready pod."""

    name: str = "pod-readiness"
    description: str = "Behind every destination that is called at least one pod is ready."
    inputs: tuple[str, ...] = (
        SERVICE.input,
        POD.input,
        EVENT.input,
        VIRTUAL_SERVICE.input,
        PEER_AUTHENTICATION.input,
        PROXY_CONFIG,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (PODS_NOT_READY, PODS_CRASH, PODS_NOT_INITIALIZED, PROBE_IS_RESET)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the pods that each destination selects."""
        for use in destinations_in_use(mesh):
            if pods := pods_of(mesh, use):
                yield from _judge(mesh, use, pods)


ANALYZER = PodReadiness()
