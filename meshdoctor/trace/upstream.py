"""A proxy's cluster: whether it holds it, its hosts, its limits, and what each host answers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.model.envoy import TlsMode, duration_seconds, parse_cluster_name
from meshdoctor.model.trace import Outcome, Place, Verdict
from meshdoctor.trace.arrival import sent_by
from meshdoctor.trace.hosts import Host, choose_hosts
from meshdoctor.trace.owners import backends_of, unknown_hosts_objects
from meshdoctor.trace.replies import RESET, Kind, Reply, outcomes_of
from meshdoctor.trace.servers import reach
from meshdoctor.trace.staleness import note_cluster_differences
from meshdoctor.trace.trail import Branch

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster, Route
    from meshdoctor.trace.hosts import Choice
    from meshdoctor.trace.replies import Sender
    from meshdoctor.trace.stage import Stage, Standing

BLACK_HOLE = "BlackHoleCluster"
_UNAVAILABLE, _TIMEOUT = 503, 504
_MOST_HOSTS = 50


def _objects(stage: Standing, cluster: Cluster) -> tuple[str, ...]:
    """The objects behind a cluster: its Service (or ServiceEntry), and its DestinationRule."""
    found = []
    for item in cluster.services:
        hosts = stage.trail.mesh.registry.find(item.host)
        found += [str(host.resource) for host in hosts]
        if not hosts and item.name:
            found.append(f"Service {item.namespace}/{item.name}")
    rule = (str(cluster.config),) if cluster.config else ()
    return (*rule, *dict.fromkeys(found))


def not_held(stage: Standing, branch: Branch, name: str, route: Route | None) -> list[Outcome]:
    """A request for a cluster that the proxy does not hold: NC.

    Args:
        stage: the proxy.
        branch: where it stands.
        name: the cluster's.
        route: the HTTP route that leads there; None for TCP.
    """
    objects = (str(route.config),) if route and route.config else ()
    parsed = parse_cluster_name(name)
    text = f"the proxy holds no cluster {name}"
    if parsed is not None and parsed.subset:
        text += f": no DestinationRule that counts defines subset {parsed.subset}"
    elif parsed is not None:
        text += f": no service {parsed.host} with port {parsed.port} is known to it"
    stage.hop(branch, "cluster", name, Verdict.FAILS, text, objects)
    status = route.missing_status if route else 0
    details = "cluster_not_found" if route else ""
    return [stage.end(branch, status, ("NC",), details, text, objects)]


def hostless(
    stage: Standing, branch: Branch, cluster: Cluster, choice: Choice, sender: Sender
) -> list[Outcome]:
    """No host can be chosen: UH; an ejected host comes back after a while."""
    objects = _objects(stage, cluster)
    if not cluster.subset and not choice.ejected:
        objects = (*objects, *backends_of(stage.trail.mesh, cluster))
    if choice.ejected:
        names = ", ".join(host.name for host in choice.ejected[:3])
        text = f"outlier detection has ejected {names}, and no host is left"
    elif choice.rest:
        states = ", ".join(f"{host.name} is {host.health}" for host in choice.rest[:3])
        text = f"no host of {cluster.name} is healthy: {states}"
    elif cluster.type in ("STRICT_DNS", "LOGICAL_DNS"):
        names = ", ".join(host.address for host in cluster.hosts[:3])
        text = f"{names or cluster.name} does not resolve, so there is no host"
    else:
        text = f"{cluster.name} has no host"
    stage.hop(branch, "endpoints", cluster.name, Verdict.FAILS, text, objects, choice.evidence)
    status = _UNAVAILABLE if sender.http else 0
    details = "no_healthy_upstream" if sender.http else ""
    found = [stage.end(branch, status, (*sender.flags, "UH"), details, text, objects)]
    if choice.ejected:
        time = cluster.outlier_detection.base_ejection_time if cluster.outlier_detection else ""
        when = f"when the ejection ends ({time or '30s'} for the first)"
        reached = replace(found[0], status=None, flags=sender.flags, details="via_upstream")
        found.append(
            replace(reached, share=0.0, delivered=True, place=Place.APPLICATION, condition=when)
        )
    return found


def overflow(stage: Standing, branch: Branch, cluster: Cluster, sender: Sender) -> list[Outcome]:
    """What a connection pool's limit ends under load."""
    limits = cluster.circuit_breakers
    if limits is None or not limits.is_limited or not cluster.config:
        return []
    named = {
        "connections": limits.max_connections,
        "pending requests": limits.max_pending_requests,
        "requests": limits.max_requests,
    }
    told = [f"{value} {name}" for name, value in named.items() if value is not None]
    if not told:
        return []
    objects = (str(cluster.config),)
    text = f"at most {', '.join(told)} at once, and what is above is refused"
    stage.hop(branch, "circuit breaker", cluster.name, Verdict.MAY_FAIL, text, objects)
    status, details = (_UNAVAILABLE, f"{RESET}{{overflow}}") if sender.http else (0, "")
    when = "when more come at once than the limits allow"
    flags = (*sender.flags, "UO")
    return [stage.end(branch, status, flags, details, text, objects, condition=when)]


def _timed_out(
    stage: Standing, branch: Branch, host: Host, route: Route | None, sender: Sender, reply: Reply
) -> tuple[float, Outcome] | None:
    """The part of answered requests that the route's timeout ends, as the host's counters tell."""
    seconds = duration_seconds(route.timeout or "15s") if route else None
    if route is not None and route.retry_policy is not None and not seconds:
        seconds = duration_seconds(route.retry_policy.per_try_timeout)
    status = host.status
    if not seconds or status is None or not status.rq_timeout or reply.kind is not Kind.ANSWERED:
        return None
    part = min(1.0, status.rq_timeout / max(status.rq_total, status.rq_timeout))
    objects = (str(route.config),) if route and route.config else ()
    text = (
        f"{status.rq_timeout} of {status.rq_total} requests to {host.name} took longer than the "
        f"route's timeout of {route.timeout if route else ''}"
    )
    stage.hop(branch, "timeout", host.name, Verdict.MAY_FAIL, text, objects)
    share = reply.share * part
    one_try = route is not None and duration_seconds(
        route.retry_policy.per_try_timeout if route.retry_policy else ""
    )
    details = "upstream_per_try_timeout" if one_try else "response_timeout"
    retried = one_try and sender.retries_status(_TIMEOUT)
    flags = ("URX", "UT") if retried else ("UT",)
    ended = stage.end(branch, _TIMEOUT, flags, details, text, objects)
    return part, replace(ended, share=share)


def _how(cluster: Cluster, host: Host) -> str:
    if cluster.tls is TlsMode.AUTO:
        tls = host.endpoint is not None and host.endpoint.tls_mode == "istio"
        return "mutual TLS (automatic)" if tls else "plaintext (the endpoint takes no mutual TLS)"
    return {
        TlsMode.NONE: "plaintext",
        TlsMode.ISTIO_MUTUAL: "Istio mutual TLS",
        TlsMode.MUTUAL: "mutual TLS with a certificate of its own",
        TlsMode.SIMPLE: "TLS without a certificate of its own",
    }[cluster.tls]


def try_host(
    stage: Standing,
    branch: Branch,
    cluster: Cluster,
    host: Host,
    sender: Sender,
    route: Route | None,
) -> list[Outcome]:
    """What becomes of a try at one host of a cluster.

    Args:
        stage: the proxy.
        branch: where it stands.
        cluster: the host's.
        host: which one.
        sender: how the proxy sends and tries again.
        route: the HTTP route that leads there; None for TCP.
    """
    own_tls = stage.trail.request.tls and not sender.http and not stage.ends_tls
    arrival = sent_by(
        stage.pod,
        stage.proxy,
        cluster,
        host,
        http=sender.http,
        own_tls=own_tls,
        sni=stage.trail.request.host if own_tls else "",
        overrides_alpn=stage.overrides_alpn,
    )
    text = f"sends {_how(cluster, host)} to {host.name}"
    stage.hop(
        branch,
        "transport socket",
        host.name,
        Verdict.PASSES,
        text,
        _objects(stage, cluster),
        stage.cluster_evidence(cluster),
    )
    found: list[Outcome] = []
    for reply in reach(stage.trail, branch, arrival, stage.onward):
        late = _timed_out(stage, branch, host, route, sender, reply)
        rest = reply
        if late is not None:
            found.append(late[1])
            rest = replace(reply, share=reply.share * (1 - late[0]))
        if rest.share or rest.condition or late is None:
            found += outcomes_of(rest, sender)
    return found


def pass_through(
    stage: Standing, branch: Branch, cluster: Cluster, sender: Sender, route: Route | None
) -> list[Outcome]:
    """ORIGINAL_DST: to the address that the client asked for, whoever that is."""
    name = f"{stage.address or 'an address outside the cluster'}:{stage.port}"
    nowhere = stage.unserved()
    if nowhere is not None:
        kind, text, objects = nowhere
        stage.hop(branch, "cluster", cluster.name, Verdict.FAILS, text, objects)
        return outcomes_of(Reply(kind, branch.share, text, objects, Place.NETWORK), sender)
    stage.hop(branch, "cluster", cluster.name, Verdict.PASSES, f"sends it on as it is, to {name}")
    found: list[Outcome] = []
    targets = stage.targets() or ((stage.address or stage.trail.request.host, stage.port),)
    for address, port in targets:
        way = Branch(branch.share / len(targets), branch.labels)
        host = Host(address, port, None, None)
        found += try_host(stage, way, cluster, host, sender, route)
    return found


def black_hole(stage: Standing, branch: Branch, sender: Sender) -> list[Outcome]:
    """Bytes to an unknown destination, under REGISTRY_ONLY."""
    text = "the destination is unknown, and unknown ones are not allowed (REGISTRY_ONLY)"
    objects = unknown_hosts_objects(stage.trail.mesh, stage.pod)
    stage.hop(branch, "cluster", BLACK_HOLE, Verdict.FAILS, text, objects)
    status = _UNAVAILABLE if sender.http else 0
    return [stage.end(branch, status, ("UH",), "no_healthy_upstream", text, objects)]


def send(
    stage: Stage, branch: Branch, name: str, sender: Sender, route: Route | None
) -> list[Outcome]:
    """What becomes of a request that a proxy sends to one of its clusters.

    Args:
        stage: the proxy.
        branch: where it stands.
        name: the cluster's.
        sender: how it sends and tries again.
        route: the HTTP route that leads there; None for TCP.
    """
    stage.trail.send(branch, stage.pod, stage.place, name, route)
    cluster = stage.config.cluster(name)
    if cluster is None:
        return not_held(stage, branch, name, route)
    sender = replace(sender, connect_timeout=cluster.connect_timeout)
    note_cluster_differences(stage, cluster)
    if cluster.type == "ORIGINAL_DST":
        return pass_through(stage, branch, cluster, sender, route)
    if name == BLACK_HOLE:
        return black_hole(stage, branch, sender)
    choice = choose_hosts(stage.proxy, cluster)
    if not choice.known:
        trail = stage.trail
        trail.miss(f"{stage.proxy.source}/clusters.json", "the endpoints", decisive=True)
        text = "its endpoints were not read"
        stage.hop(branch, "endpoints", name, Verdict.UNKNOWN, text)
        return []
    if not choice.hosts:
        return hostless(stage, branch, cluster, choice, sender)
    left = f", {len(choice.rest)} left out" if choice.rest else ""
    panic = "; so few are healthy that all of them get requests" if choice.panic else ""
    stage.hop(
        branch,
        "cluster",
        name,
        Verdict.PASSES,
        f"{len(choice.hosts)} host(s){left}{panic}",
        _objects(stage, cluster),
        choice.evidence,
    )
    found = overflow(stage, branch, cluster, sender)
    shown = choice.hosts[:_MOST_HOSTS]
    scale = sum(host.share for host in shown)
    for host in shown:
        part = host.share / scale
        way = branch.to(host.name, part) if len(shown) > 1 else branch
        found += try_host(stage, way, cluster, host, sender, route)
    return found
