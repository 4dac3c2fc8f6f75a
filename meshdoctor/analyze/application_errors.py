"""Whether the application itself answers with server errors.

Only the server's side tells: its proxy logs the status with ``via_upstream`` and no flag on
``inbound|…``, while the callers log the same line for a connection that the server's proxy could
not make.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.application_answers import (
    NEWEST,
    Answers,
    answers_counted,
    answers_in_log,
    is_application_error,
)
from meshdoctor.analyze.base import PROXY_HOSTS, PROXY_LOG, holds, silent, unread
from meshdoctor.analyze.destination_facts import affected_by, failed_calls_to
from meshdoctor.analyze.destination_findings import cannot_tell, passes, problem
from meshdoctor.analyze.destination_pods import pods_of
from meshdoctor.analyze.destinations_in_use import destinations_in_use
from meshdoctor.analyze.outlier_ejection import OUTLIER_DETECTION
from meshdoctor.analyze.server_connections import NOW_WINDOW, calls_at
from meshdoctor.analyze.traffic_settings import is_set_for_a_part, unread_callers
from meshdoctor.intent.backends import target_port
from meshdoctor.model.kinds import DESTINATION_RULE, POD, SERVICE
from meshdoctor.model.pod import has_proxy, is_ready

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

APPLICATION_FAILS = "MD0125"
_MOST_SHOWN = 3
_MOST_EVIDENCE = 6


def _passes_on(mesh: Snapshot, pod: Resource, errors: int) -> Calls:
    """The pod's own failed calls, when they are frequent enough to explain its errors."""
    own = [
        call
        for calls in access_logs(mesh).outbound.values()
        for call in recent(mesh, calls, NOW_WINDOW)
        if call.proxy.id == f"{pod.name}.{pod.namespace}" and call.failed
    ]
    refused = [
        call
        for calls in access_logs(mesh).without_cluster.values()
        for call in recent(mesh, calls, NOW_WINDOW)
        if call.proxy.id == f"{pod.name}.{pod.namespace}"
    ]
    found = tuple(sorted([*own, *refused], key=lambda call: call.time))
    return found if len(found) * 2 >= errors else ()


def _log_fact(mesh: Snapshot, pods: list[Answers]) -> Fact:
    if any(item.from_log for item in pods):
        shown = [evidence for item in pods if item.from_log for evidence in item.evidence]
        return holds("requests-fail", "The server's own access log says so", *shown[:3])
    ids = {f"{item.pod.name}.{item.pod.namespace}" for item in pods}
    if ids & access_logs(mesh).unread:
        return unread("requests-fail", "The server's access log could not be read")
    return silent("requests-fail", "The server's access log shows no request of the last minutes")


def _finding(mesh: Snapshot, use: Use, failing: list[Answers]) -> Finding:
    owners = tuple(dict.fromkeys(mesh.workloads.owning(item.pod) for item in failing))
    owner, first = owners[0], failing[0]
    message = "; ".join(item.text for item in failing[:3])
    shown = [evidence for item in failing[:3] for evidence in item.evidence]
    services = [str(use.service.resource)] if use.service else []
    return problem(
        APPLICATION_FAILS,
        use,
        message,
        objects=(*map(str, owners), *services),
        facts=(holds("application-answers-error", message, *shown), _log_fact(mesh, failing)),
        affected=affected_by(mesh, use, failed_calls_to(mesh, use)),
        fills={
            "status": first.status,
            "workload": f"{owner.kind.lower()}/{owner.name}",
            "pod": first.pod.name,
            "space": owner.namespace,
            "why": message,
        },
    )


def _relayed(mesh: Snapshot, use: Use, item: Answers) -> Finding | None:
    """The application fails because what it calls fails."""
    answered = calls_at(mesh, use, item.pod, item.port)[-NEWEST:]
    own = _passes_on(mesh, item.pod, sum(1 for call in answered if is_application_error(call)))
    if not own:
        return None
    message = f"{item.pod.name} passes on failures of what it calls itself ({own[-1].outcome})"
    return passes(APPLICATION_FAILS, use, message, "failure-passed-on", [own[-1].evidence])


def _judge(mesh: Snapshot, use: Use, servers: list[tuple[Resource, int]]) -> Iterator[Finding]:
    found = [
        answers
        for pod, port in servers
        if (answers := answers_in_log(mesh, use, pod, port) or answers_counted(mesh, pod, port))
    ]
    relayed = {
        item.pod: note
        for item in found
        if item.fails and (note := _relayed(mesh, use, item)) is not None
    }
    failing = [item for item in found if item.fails and item.pod not in relayed]
    if failing:
        detects = is_set_for_a_part(mesh, use, OUTLIER_DETECTION)
        if detects and unread_callers(mesh, use):
            message = f"{failing[0].text}; whether its hosts are ejected cannot be told"
            yield cannot_tell(APPLICATION_FAILS, use, message, (PROXY_HOSTS,))
            return
        yield _finding(mesh, use, failing)
    elif relayed:
        yield next(iter(relayed.values()))
    elif found and use.is_seen and not any(item.erred_last for item in found):
        text = "; ".join(item.text for item in found[:_MOST_SHOWN])
        shown = [evidence for item in found for evidence in item.evidence]
        yield passes(APPLICATION_FAILS, use, text, "application-answers", shown[:_MOST_EVIDENCE])
    elif use.is_seen and any(_is_blind(mesh, pod) for pod, _ in servers):
        message = f"It cannot be told how the application behind {use.destination} answers"
        yield cannot_tell(APPLICATION_FAILS, use, message, (PROXY_HOSTS, PROXY_LOG))


def _is_blind(mesh: Snapshot, pod: Resource) -> bool:
    proxy = mesh.proxy_of(pod)
    return has_proxy(pod) and (proxy is None or (proxy.log is None and proxy.hosts is None))


@dataclass(frozen=True, slots=True)
class ApplicationErrors:
    """Called applications do not answer with server errors."""

    name: str = "application-errors"
    description: str = "Applications do not answer most requests with a server error themselves."
    inputs: tuple[str, ...] = (
        SERVICE.input,
        POD.input,
        DESTINATION_RULE.input,
        PROXY_HOSTS,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (APPLICATION_FAILS,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at the ready pods behind each destination."""
        for use in destinations_in_use(mesh):
            service, number = use.service, use.destination.port
            port = service.port(number) if service and number is not None else None
            if port is None:
                continue
            servers = [
                (pod, target)
                for pod in pods_of(mesh, use)
                if is_ready(pod) and (target := target_port(port, pod)) is not None
            ]
            if servers:
                yield from _judge(mesh, use, servers)


ANALYZER = ApplicationErrors()
