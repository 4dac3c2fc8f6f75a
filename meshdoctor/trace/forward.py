"""The routing of a proxy that sends a request on: virtual host, route, fault, weights."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import (
    filter_chain_evidence,
    route_evidence,
    virtual_host_evidence,
)
from meshdoctor.model.envoy import duration_seconds, parse_cluster_name
from meshdoctor.model.pod import is_gateway
from meshdoctor.model.trace import Verdict
from meshdoctor.trace.gates import Gate, pass_filters
from meshdoctor.trace.owners import gateways_at, unknown_hosts_objects
from meshdoctor.trace.replies import Sender
from meshdoctor.trace.route_matching import choose_route, choose_virtual_host, rewritten
from meshdoctor.trace.staleness import note_route_differences
from meshdoctor.trace.trail import Branch
from meshdoctor.trace.upstream import send

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Fault, Route, RouteConfig, VirtualHost, WeightedCluster
    from meshdoctor.model.trace import Outcome
    from meshdoctor.trace.stage import Stage, Standing

_WHOLE = 100.0
_NOT_FOUND = 404
BLOCKED = "block_all"
"""istiod's virtual host for hosts that the registry does not have, under REGISTRY_ONLY."""


def _label(cluster: str) -> str:
    name = parse_cluster_name(cluster)
    if name is None:
        return cluster
    short = name.host.partition(".")[0] or f"port {name.port}"
    return f"{short} {name.subset}".strip()


def split(
    stage: Standing, branch: Branch, clusters: tuple[WeightedCluster, ...]
) -> list[tuple[Branch, str]]:
    """The branches of weighted destinations; those without weight get nothing."""
    total = sum(item.weight for item in clusters)
    if len(clusters) == 1 or not total:
        return [(branch, item.name) for item in clusters[:1]]
    return [
        (branch.to(_label(item.name), item.weight / total), item.name)
        for item in clusters
        if item.weight
    ]


def _declaring(stage: Stage, host: VirtualHost) -> tuple[str, ...]:
    """The Service or ServiceEntry that a virtual host is for."""
    name = host.name.rpartition(":")[0]
    found = stage.trail.mesh.registry.find(name) if "." in name else ()
    return tuple(str(item.resource) for item in found)


def _route_config(stage: Stage) -> RouteConfig | None:
    http = stage.chain.http
    if http is None:
        return None
    return http.route_config or stage.config.route_config(http.route_config_name)


def inject(
    stage: Standing, branch: Branch, fault: Fault, objects: tuple[str, ...]
) -> tuple[list[Outcome], list[tuple[Branch, tuple[str, ...]]]]:
    """What an injected fault ends, and the branches that go on, each with its flags."""
    delayed = (fault.delay_percent or 0.0) / _WHOLE if fault.delay else 0.0
    aborted = (fault.abort_percent or 0.0) / _WHOLE if fault.abort_status is not None else 0.0
    told = []
    if delayed:
        told.append(f"delays {delayed:.0%} by {fault.delay}")
    if aborted:
        told.append(f"aborts {aborted:.0%} with {fault.abort_status}")
    text = f"an injected fault {' and '.join(told) or 'does nothing'}"
    verdict = Verdict.FAILS if aborted >= 1 else Verdict.MAY_FAIL if aborted else Verdict.PASSES
    stage.hop(branch, "fault", f"{fault.abort_status or fault.delay}", verdict, text, objects)
    ends: list[Outcome] = []
    onward: list[tuple[Branch, tuple[str, ...]]] = []
    for part, flags in ((delayed, ("DI",)), (1 - delayed, ())):
        if not part:
            continue
        if aborted:
            gone = Branch(branch.share * part * aborted, branch.labels)
            ends.append(
                stage.end(
                    gone, fault.abort_status, (*flags, "FI"), "fault_filter_abort", text, objects
                )
            )
        if aborted < 1:
            rest = Branch(branch.share * part * (1 - aborted), branch.labels)
            onward.append((rest, flags))
    return ends, onward


def _no_route(
    stage: Stage, branch: Branch, config: RouteConfig | None, host: VirtualHost | None
) -> list[Outcome]:
    request = stage.trail.request
    if config is None:
        name = stage.chain.http.route_config_name if stage.chain.http else ""
        text = f"the proxy holds no RouteConfiguration {name}"
        details = "route_configuration_not_found" if name else "route_not_found"
    elif host is None:
        text = f"no virtual host of {config.name} is for {request.authority}"
        details = "route_not_found"
    else:
        text = f"no route of {host.name} takes {request.method} {request.path}"
        details = "route_not_found"
    evidence = (filter_chain_evidence(stage.proxy, stage.listener, stage.chain),)
    if config is not None and host is not None:
        evidence = (virtual_host_evidence(stage.proxy, config, host),)
    objects = gateways_at(stage.trail.mesh, stage.pod, stage.port) if is_gateway(stage.pod) else ()
    stage.hop(branch, "route", "none", Verdict.FAILS, text, objects, evidence)
    return [stage.end(branch, _NOT_FOUND, ("NR",), details, text, objects)]


def answered_here(
    stage: Standing, branch: Branch, host: VirtualHost, route: Route, objects: tuple[str, ...]
) -> list[Outcome] | None:
    """What the proxy answers itself: a redirect or a direct response."""
    if host.require_tls and not stage.trail.request.tls:
        status, text = 301, "requests over plaintext are redirected to https"
    elif route.redirect:
        status, text = route.redirect_status, "the route is a redirect"
    elif route.direct_response is not None:
        status, text = route.direct_response, "the route is a direct response"
        if host.name.startswith(BLOCKED):
            objects = (*objects, *unknown_hosts_objects(stage.trail.mesh, stage.pod))
            text = f"the proxy knows no such host as {stage.trail.request.authority}"
            text += ", and outbound traffic to unknown hosts is not allowed (REGISTRY_ONLY)"
    else:
        return None
    verdict = Verdict.FAILS if status >= 400 else Verdict.PASSES
    stage.hop(branch, "direct response", str(status), verdict, text, objects)
    return [stage.end(branch, status, (), "direct_response", text, objects)]


def walk_http(stage: Stage, branch: Branch) -> list[Outcome]:
    """What a proxy makes of a request once its HTTP filter chain has it.

    Args:
        stage: the proxy, with the chain.
        branch: where it stands.
    """
    gate = Gate(stage.proxy, stage.pod, stage.listener, stage.chain, stage.place, stage.port)
    passage = pass_filters(stage.trail, branch, gate, stage.arrival)
    found = [
        replace(
            stage.end(branch, r.status, r.flags, r.details, r.because, r.objects),
            share=r.share,
            condition=r.condition,
        )
        for r in passage.refusals
    ]
    if not passage.share:
        return found
    return found + _routed(stage, Branch(passage.share, branch.labels))


def _routed(stage: Stage, branch: Branch) -> list[Outcome]:
    request = stage.trail.request
    config = _route_config(stage)
    host = choose_virtual_host(config, request.authority) if config else None
    route = choose_route(host, request) if host else None
    if config is None or host is None or (route is None and not host.require_tls):
        return _no_route(stage, branch, config, host)
    if route is None:
        text = "requests over plaintext are redirected to https"
        return [stage.end(branch, 301, (), "direct_response", text)]
    objects = (str(route.config),) if route.config else ()
    behind = objects or _declaring(stage, host)
    names = ", ".join(f"{c.name} ({c.weight})" for c in route.clusters) or "an answer of its own"
    limit = f", within {route.timeout}" if duration_seconds(route.timeout) else ""
    stage.hop(
        branch,
        "route",
        f"{config.name} > {host.name} > {route.name or route.match}",
        Verdict.PASSES,
        f"{request.method} {request.authority}{request.path} leads to {names}{limit}",
        behind,
        (route_evidence(stage.proxy, config, host, route),),
    )
    note_route_differences(stage, route)
    here = answered_here(stage, branch, host, route, objects)
    if here is not None:
        return here
    fault = route.fault or (stage.chain.http.fault if stage.chain.http else None)
    found: list[Outcome] = []
    ways: list[tuple[Branch, tuple[str, ...]]] = [(branch, ())]
    if fault is not None:
        found, ways = inject(stage, branch, fault, objects)
    with stage.trail.asking(rewritten(route, request)):
        for way, flags in ways:
            for fork, cluster in split(stage, way, route.clusters):
                sender = Sender(True, route.retry_policy, flags=flags)
                found += send(stage, fork, cluster, sender, route)
    return found


def walk_chain(stage: Stage, branch: Branch) -> list[Outcome]:
    """What a proxy makes of a connection once a filter chain has it: HTTP, or bytes.

    Args:
        stage: the proxy, with the chain.
        branch: where it stands.
    """
    if stage.chain.http is not None:
        return walk_http(stage, branch)
    found: list[Outcome] = []
    clusters = stage.chain.tcp.clusters if stage.chain.tcp else ()
    for fork, cluster in split(stage, branch, clusters):
        found += send(stage, fork, cluster, Sender(False, None), None)
    return found
