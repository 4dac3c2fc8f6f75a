"""Whether proxies that hold a route see the host that it leads to.

A VirtualService is given to proxies whether or not they may see its destinations: where an
``exportTo`` or ``discoverySelectors`` hides one, the proxy routes to a cluster that it does not
have and answers 503 with flag NC. A Sidecar hides none of them, it lets them in with the route.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs, recent
from meshdoctor.analyze.base import (
    ISTIOD_MESH,
    PROXY_CONFIG,
    PROXY_LOG,
    destination_subject,
    holds,
    silent,
    unread,
)
from meshdoctor.analyze.destination_facts import failed_calls_text
from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.hidden_words import EXPORT_TO, reason_of
from meshdoctor.analyze.merged_findings import merged
from meshdoctor.analyze.visibility_remedies import discover, widen_export
from meshdoctor.intent.destinations import DestinationRoute, destination_routes
from meshdoctor.intent.visibility import Hider, Sight, View, sees
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import NAMESPACE, POD, SERVICE, SERVICE_ENTRY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _without_cluster(mesh: Snapshot, route: DestinationRoute) -> Calls:
    """Recent calls to what a route is for that found no cluster."""
    logs = access_logs(mesh)
    found = [call for host in route.binding.hosts for call in logs.without_cluster.get(host, ())]
    return recent(mesh, tuple(sorted(found, key=lambda call: call.time)))


def _clients(mesh: Snapshot, route: DestinationRoute) -> Iterator[Resource]:
    """Whom a rule is meant for: its gateways, sidecars of its own namespace, and who was refused.

    One pod stands for all of a namespace.
    """
    refused = {call.proxy.namespace for call in _without_cluster(mesh, route)}
    near = {route.binding.virtual_service.namespace} | refused
    for pod, is_gateway in route.binding.holders.examples:
        if is_gateway or pod.namespace in near:
            yield pod


def _cluster_fact(mesh: Snapshot, pod: Resource, route: DestinationRoute) -> Fact | None:
    """The fact that a client's proxy lacks the cluster; None where it holds it."""
    proxy = mesh.proxy_of(pod)
    fact = "client-lacks-destination"
    cluster = route.destination.cluster
    if proxy is None or proxy.config is None:
        return unread(fact, f"The configuration of the proxy of {pod} was not read")
    if proxy.config.cluster(cluster) is not None:
        return None
    text = f"{mesh.caller(proxy)} routes to {cluster} and holds no such cluster"
    return holds(fact, text)


def _calls_fact(mesh: Snapshot, route: DestinationRoute) -> Fact:
    fact, calls = "calls-fail", _without_cluster(mesh, route)
    if calls:
        newest = (call.evidence for call in reversed(calls[-3:]))
        return holds(fact, failed_calls_text(mesh, calls), *newest)
    if access_logs(mesh).unread:
        return unread(fact, "Not every proxy's access log could be read")
    return silent(fact, "The access logs hold no such call of the last minutes")


def _commands(mesh: Snapshot, view: View, client: str) -> tuple[str, str]:
    assert view.service is not None
    if view.hider is Hider.EXPORT_TO:
        return widen_export(view.service.resource, mesh, [client])
    if view.by is None:
        command = f"kubectl edit namespace {view.service.namespace}"
        return command, command
    return discover(mesh, view.by)


def _finding(
    mesh: Snapshot, pod: Resource, route: DestinationRoute, view: View, lacks: Fact
) -> Finding:
    assert view.service is not None
    target, rule = route.destination, route.binding.virtual_service
    why = reason_of(mesh, view, pod.namespace)
    workload = str(mesh.workloads.owning(pod))
    message = f"{rule} sends requests of {workload} to {target}, which its proxy may not see: {why}"
    culprit = str(view.by) if view.by else f"Namespace {view.service.namespace}"
    objects = tuple(dict.fromkeys((culprit, str(view.service.resource), str(rule))))
    command, undo = _commands(mesh, view, pod.namespace)
    shown = [view.service.resource.evidence("metadata", "name"), rule.evidence(*route.path, "host")]
    if view.by is not None:
        shown.insert(0, view.by.evidence(*view.path))
    return Finding(
        code=EXPORT_TO,
        subject=destination_subject(target.host, target.port, target.subset),
        outcome=Outcome.FAIL,
        message=message,
        resource=culprit,
        objects=objects,
        facts=(
            holds("destination-is-hidden", message, *shown),
            lacks,
            _calls_fact(mesh, route),
        ),
        affected=(Affected(workload, target.to),),
        fills={
            "destination": target.to,
            "host": target.host,
            "hosts": target.host,
            "client": workload,
            "clients": pod.namespace,
            "caller": command_target(workload),
            "why": why,
            "fate": f"{rule} routes to a cluster that it does not have, and it answers 503 with "
            "flag NC (cluster_not_found)",
            "command": command,
            "undo": undo,
        },
    )


def _judge(mesh: Snapshot) -> Iterator[Finding]:
    for route in destination_routes(mesh):
        if not mesh.registry.find(route.destination.host):
            continue
        for pod in _clients(mesh, route):
            view = sees(mesh, pod, route.destination.host, route.destination.port)
            if view.sight is not Sight.HIDDEN or view.hider is Hider.SIDECAR:
                continue
            lacks = _cluster_fact(mesh, pod, route)
            if lacks is not None:
                yield _finding(mesh, pod, route, view, lacks)


@dataclass(frozen=True, slots=True)
class HiddenRoutes:
    """Every proxy that holds a route may see the host that it leads to."""

    name: str = "hidden-routes"
    description: str = "Proxies that hold a route may see the host that it leads to."
    inputs: tuple[str, ...] = (
        VIRTUAL_SERVICE.input,
        SERVICE.input,
        SERVICE_ENTRY.input,
        NAMESPACE.input,
        POD.input,
        ISTIOD_MESH,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = (EXPORT_TO,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each destination of each VirtualService."""
        yield from merged(_judge(mesh))


ANALYZER = HiddenRoutes()
