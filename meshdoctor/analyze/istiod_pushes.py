"""Is istiod slow to bring a change to the proxies?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import ISTIOD_LOG, MESH_SUBJECT, holds
from meshdoctor.analyze.sync_rejections import istiod_log_evidence
from meshdoctor.intent.control_plane import controller_of
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Fact, Finding, Outcome
from meshdoctor.model.kinds import POD, SIDECAR
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.snapshot import Snapshot

SLOW = "MD0442"
"""istiod takes long to bring a change to the proxies."""

_METRICS = "metrics.txt"
_SLOW_SECONDS = 10.0
"""A change is with every proxy within a second or two; istiod's own dashboards alarm at ten."""
_SHARE = 0.05
_FEWEST = 20
"""Fewer pushes say nothing: the first ones after a start wait for every object to be read."""
_RECENT = timedelta(minutes=3)
_BUSY = ("Failed to push, client busy", "Repeated failure to push", "Send failure for node")
"""istiod gave up on a proxy that does not read its stream (pilot/pkg/xds)."""


def _by_metrics(istiod: Istiod) -> Fact | None:
    metrics = istiod.metrics
    if metrics is None or metrics.pushes < _FEWEST:
        return None
    slow = metrics.slower_than(_SLOW_SECONDS)
    if slow < _SHARE * metrics.pushes:
        return None
    text = (
        f"{slow} of the {metrics.pushes} pushes since {istiod.pod} started took over "
        f"{_SLOW_SECONDS:.0f} s from the change to the proxy"
    )
    command = (
        f"kubectl exec -n {istiod.namespace} {istiod.pod} -c discovery -- "
        "pilot-discovery request GET /metrics | grep pilot_proxy_convergence_time"
    )
    within = [item for item in metrics.convergence if item.at_most <= _SLOW_SECONDS][-1:]
    shown = [
        Evidence(istiod.path(_METRICS), bucket.text, command, line=bucket.line)
        for bucket in (*within, metrics.convergence[-1])
    ]
    return holds("pushes-take-long", text, *shown)


def _by_log(mesh: Snapshot, istiod: Istiod) -> Fact | None:
    busy = [
        line
        for line in (istiod.log.lines if istiod.log else ())
        if line.time
        and mesh.now - line.time <= _RECENT
        and any(word in line.message for word in _BUSY)
    ]
    if len(busy) < 2:
        return None
    text = f"{istiod.pod} could not send to proxies {len(busy)} times within 3 minutes"
    return holds("clients-are-busy", text, *(istiod_log_evidence(istiod, x) for x in busy[-2:]))


def _controller(mesh: Snapshot, istiod: Istiod) -> str:
    plane = control_planes(mesh).get(istiod.revision)
    return controller_of(mesh, plane) if plane else object_text("Pod", istiod.namespace, istiod.pod)


def _advice(mesh: Snapshot) -> str:
    if mesh.catalog.known(SIDECAR) and not mesh.catalog.of(SIDECAR):
        return "; no Sidecar object limits what each proxy is sent"
    return ""


def _finding(mesh: Snapshot, istiod: Istiod) -> Finding | None:
    facts = tuple(fact for fact in (_by_metrics(istiod), _by_log(mesh, istiod)) if fact)
    controller = _controller(mesh, istiod)
    if facts:
        return Finding(
            code=SLOW,
            subject=MESH_SUBJECT,
            outcome=Outcome.WARN,
            message=facts[0].text + _advice(mesh),
            resource=controller,
            objects=(controller,),
            facts=facts,
            root=False,
        )
    return None


@dataclass(frozen=True, slots=True)
class PushesPrompt:
    """istiod brings a change to every proxy within seconds."""

    name: str = "pushes-prompt"
    description: str = "istiod brings a change to every proxy within seconds."
    inputs: tuple[str, ...] = (ISTIOD_LOG, POD.input, SIDECAR.input)
    codes: tuple[str, ...] = (SLOW,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One warning for each replica that is slow, or that cannot send."""
        for istiod in mesh.istiods:
            finding = _finding(mesh, istiod)
            if finding is not None:
                yield finding


ANALYZER = PushesPrompt()
