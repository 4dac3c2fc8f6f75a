"""Does every running proxy have a connection to its istiod?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import (
    ISTIOD_SYNC,
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    holds,
    proxy_subject,
    silent,
    unread,
)
from meshdoctor.analyze.control_plane import DOWN
from meshdoctor.analyze.control_plane_state import condition
from meshdoctor.analyze.proxy_evidence import log_evidence
from meshdoctor.analyze.sync_connections import (
    all_connections_known,
    connection_evidence,
    connections,
)
from meshdoctor.analyze.sync_reach_log import Way
from meshdoctor.analyze.sync_reach_lost import Lost, lost_proxies
from meshdoctor.analyze.sync_reach_path import (
    Obstacle,
    policy_decision,
    policy_obstacle,
    service_obstacle,
    unseen_obstacle,
)
from meshdoctor.intent.network_policies import Decision, Verdict
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, NAMESPACE, NETWORK_POLICY, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.snapshot import Snapshot

CUT_OFF = "MD0420"
"""A proxy cannot open a connection to its istiod."""
IDENTITY_REFUSED = "MD0421"
"""istiod does not accept a proxy's identity."""
NOT_LISTED = "MD0422"
"""No istiod knows a running proxy, and nothing says why."""


def _not_listed(lost: Lost) -> Fact:
    fact = "istiod-does-not-list-proxy"
    if not lost.certain:
        return unread(fact, "syncz of some istiod was not read")
    known = connections(lost.mesh)
    shown = [connection_evidence(known[min(known)])] if known else []
    return holds(fact, f"istiod lists {len(known)} proxies, {lost.id} is not among them", *shown)


def _log_fact(lost: Lost) -> Fact:
    fact = "proxy-cannot-connect"
    if lost.report is None or lost.proxy is None:
        return unread(fact, "The proxy's log was not read")
    line = lost.report.line
    if lost.report.way is Way.UNREACHABLE and line is not None:
        shown = log_evidence(lost.proxy, line)
        return holds(fact, f"The proxy says: {line.message}", shown)
    return silent(fact, "The proxy's log does not say that a connection failed since the last one")


def _facts(lost: Lost, obstacle: Obstacle) -> tuple[Fact, ...]:
    listed, log = _not_listed(lost), _log_fact(lost)
    proof = (*listed.evidence, *log.evidence) or (lost.pod.evidence("metadata", "name"),)
    state = condition(lost.mesh, lost.plane)
    return (
        holds("proxy-not-connected", f"{lost.id} has no connection to istiod", *proof),
        holds("istiod-is-ready", state.text, *state.evidence),
        log,
        listed,
        holds("obstacle-to-istiod", obstacle.text, *obstacle.evidence),
    )


def _cut_off(lost: Lost, obstacle: Obstacle) -> Finding:
    return Finding(
        code=CUT_OFF,
        subject=proxy_subject(lost.id),
        outcome=Outcome.FAIL,
        message=f"{lost.id} cannot reach its istiod, which is ready: {obstacle.text}",
        resource=lost.workload,
        objects=obstacle.objects,
        facts=_facts(lost, obstacle),
        affected=(Affected(lost.workload, ""),),
        fills={"proxy": lost.id, "istiod": lost.istiod, **obstacle.fills},
    )


def _its_istiod_is_ready(lost: Lost) -> Finding:
    """What rules out that the proxy is lost because its istiod is down."""
    state = condition(lost.mesh, lost.plane)
    facts = (holds("state-of-istiod", state.text, *state.evidence),)
    subject = proxy_subject(lost.id)
    return Finding(DOWN, subject, Outcome.PASS, state.text, lost.workload, facts=facts)


def _unexplained(lost: Lost) -> Finding:
    return Finding(
        code=NOT_LISTED,
        subject=proxy_subject(lost.id),
        outcome=Outcome.WARN,
        message=f"No istiod knows {lost.id}: it keeps the configuration it holds, if any",
        resource=lost.workload,
        objects=(lost.workload,),
        facts=(_not_listed(lost), _log_fact(lost)),
        affected=(Affected(lost.workload, ""),),
        root=False,
    )


def _gets_there(lost: Lost, line_text: str) -> Finding:
    """PASS or WARN for a proxy that does reach istiod, but is not served."""
    assert lost.report is not None
    assert lost.report.line is not None
    assert lost.proxy is not None
    shown = log_evidence(lost.proxy, lost.report.line)
    facts = (holds("proxy-reaches-istiod", line_text, shown),)
    by_certificate = lost.report.way is Way.CERTIFICATE
    return Finding(
        code=CUT_OFF if by_certificate else IDENTITY_REFUSED,
        subject=proxy_subject(lost.id),
        outcome=Outcome.PASS if by_certificate else Outcome.WARN,
        message=line_text,
        resource=lost.workload,
        objects=() if by_certificate else (lost.workload,),
        facts=facts,
        affected=() if by_certificate else (Affected(lost.workload, ""),),
    )


def _judge(lost: Lost) -> Finding | None:
    """The finding about one lost proxy; None when it cannot be told."""
    way = lost.report.way if lost.report else None
    if way is Way.CERTIFICATE:
        return _gets_there(lost, f"{lost.id} reaches istiod but does not trust its certificate")
    if way is Way.REFUSED:
        return _gets_there(lost, f"istiod does not accept the identity of {lost.id}")
    decision: Decision = policy_decision(lost.mesh, lost.pod, lost.proxy, lost.plane)
    if decision.verdict is Verdict.BLOCKED and (lost.certain or lost.says_so):
        return _cut_off(lost, policy_obstacle(decision, lost.plane, lost.istiod))
    if decision.needs or lost.report is None:
        return None
    broken = service_obstacle(lost.mesh, lost.pod, lost.proxy, lost.plane)
    if lost.says_so and (broken or not lost.istiod_is_new):
        unseen = unseen_obstacle(lost.pod, lost.proxy, lost.workload)
        return _cut_off(lost, broken or unseen)
    if lost.certain and not lost.istiod_is_new and not lost.is_young:
        return _unexplained(lost)
    return None


def _cannot_tell(mesh: Snapshot, lost: list[Lost]) -> Finding | None:
    """One finding for all proxies of which it cannot be said whether they reach istiod."""
    needs = set(mesh.catalog.unread(POD))
    for item in lost:
        if item.report is None:
            needs.add(PROXY_LOG)
        if not item.certain:
            needs.add(ISTIOD_SYNC)
        needs.update(policy_decision(mesh, item.pod, item.proxy, item.plane).needs)
    waiting = [item for item in lost if not item.is_starting]
    if not needs and not waiting:
        return None
    names = ", ".join(item.id for item in (lost if needs else waiting)[:3])
    message = f"Whether {names or 'every proxy'} reaches its istiod is not known"
    if not needs:
        # What is read again in a minute will tell.
        needs.add(ISTIOD_SYNC)
        what = "their istiod" if waiting[0].istiod_is_new else "the pod"
        message += f": {what} came up less than a minute ago, and no istiod lists them yet"
    resource = f"Namespace {mesh.root_namespace}"
    unsure = tuple(sorted(needs))
    return Finding(CUT_OFF, MESH_SUBJECT, Outcome.UNKNOWN, message, resource, needs=unsure)


@dataclass(frozen=True, slots=True)
class ProxiesConnected:
    """Every running proxy whose istiod is ready is connected to it."""

    name: str = "proxies-connected"
    description: str = "Every running proxy is connected to its istiod."
    inputs: tuple[str, ...] = (
        ISTIOD_SYNC,
        PROXY_CONFIG,
        PROXY_LOG,
        POD.input,
        DEPLOYMENT.input,
        SERVICE.input,
        NETWORK_POLICY.input,
        NAMESPACE.input,
    )
    codes: tuple[str, ...] = (CUT_OFF, IDENTITY_REFUSED, NOT_LISTED, DOWN)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each proxy that is lost; one for all of the others."""
        lost = list(lost_proxies(mesh))
        judged = [(item, _judge(item)) for item in lost]
        for item, finding in judged:
            if finding is not None:
                yield finding
                yield _its_istiod_is_ready(item)
        unsure = _cannot_tell(mesh, [item for item, finding in judged if finding is None])
        if unsure is not None:
            yield unsure
        known = connections(mesh)
        if not lost and known and all_connections_known(mesh):
            message = f"Every running proxy whose istiod is ready is connected ({len(known)})"
            shown = connection_evidence(known[min(known)])
            facts = (holds("proxies-are-connected", message, shown),)
            resource = f"Namespace {mesh.root_namespace}"
            yield Finding(CUT_OFF, MESH_SUBJECT, Outcome.PASS, message, resource, facts=facts)


ANALYZER = ProxiesConnected()
