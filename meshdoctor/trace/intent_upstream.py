"""What becomes of a request at a cluster that a proxy should hold, by the objects."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from meshdoctor.intent.visibility import Sight
from meshdoctor.model.envoy import Cluster, TlsMode, duration_seconds
from meshdoctor.model.trace import Place, Verdict
from meshdoctor.trace.hosts import Choice
from meshdoctor.trace.intent_clusters import asked_cluster
from meshdoctor.trace.intent_reach import cut_off
from meshdoctor.trace.intent_slowness import slow_answer
from meshdoctor.trace.replies import Kind, Reply, outcomes_of
from meshdoctor.trace.upstream import hostless, not_held, overflow, pass_through, try_host

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Route
    from meshdoctor.model.trace import Outcome
    from meshdoctor.trace.intent_clusters import AskedCluster
    from meshdoctor.trace.intent_stage import IntentStage
    from meshdoctor.trace.replies import Sender
    from meshdoctor.trace.trail import Branch

PASSTHROUGH = "PassthroughCluster"
_MOST_HOSTS = 50
_UNAVAILABLE, _TIMEOUT = 503, 504


def passthrough_cluster() -> Cluster:
    """The cluster for bytes that go on to where their caller wanted them."""
    return Cluster(
        name=PASSTHROUGH,
        type="ORIGINAL_DST",
        state="active",
        config=None,
        services=(),
        subset="",
        external=False,
        tls=TlsMode.NONE,
        upstream_tls=None,
        hbone=False,
        circuit_breakers=None,
        outlier_detection=None,
        connect_timeout="10s",
        lb_policy="",
        max_requests_per_connection=None,
        eds_service_name="",
        panic_threshold=0.0,
        hosts=(),
        error_state=None,
        pointer="",
    )


def _absent(
    stage: IntentStage, branch: Branch, name: str, route: Route | None, asked: AskedCluster
) -> list[Outcome]:
    """No such cluster: undeclared, hidden, or a subset that nobody defines."""
    view = asked.view
    if view.sight is Sight.UNKNOWN:
        for need in view.needs:
            stage.trail.miss(need, "whether the proxy sees the destination", decisive=True)
        stage.hop(branch, "cluster", name, Verdict.UNKNOWN, "whether it is visible is not known")
        return []
    if view.sight is Sight.HIDDEN and view.by is not None:
        text = f"{view.hider} of {view.by} hides the destination from {stage.pod.namespace}"
        shown = (view.by.evidence(*view.path),)
        stage.hop(branch, "visibility", name, Verdict.FAILS, text, (str(view.by),), shown)
    return not_held(stage, branch, name, route)


def _ejection(
    stage: IntentStage, branch: Branch, cluster: Cluster, sender: Sender
) -> list[Outcome]:
    """That outlier detection may take the hosts out, which no object tells."""
    if cluster.outlier_detection is None or cluster.config is None or not sender.http:
        return []
    objects = (str(cluster.config),)
    text = "outlier detection may eject every host, which the objects do not tell"
    stage.hop(branch, "outlier detection", cluster.name, Verdict.MAY_FAIL, text, objects)
    when = "while outlier detection has ejected every host"
    flags = (*sender.flags, "UH")
    return [
        stage.end(branch, _UNAVAILABLE, flags, "no_healthy_upstream", text, objects, condition=when)
    ]


def _patience(route: Route, sender: Sender) -> tuple[str, str, str, tuple[str, ...]]:
    """What ends first, a try or the whole: who gives up, after how long, details and flags."""
    each = route.retry_policy.per_try_timeout if route.retry_policy else ""
    per_try, whole = duration_seconds(each), duration_seconds(route.timeout)
    if per_try and (not whole or per_try < whole):
        flags = ("URX", "UT") if sender.retries_status(_TIMEOUT) else ("UT",)
        return "each try", each, "upstream_per_try_timeout", flags
    return "the route", route.timeout, "response_timeout", ("UT",)


def _too_slow(
    stage: IntentStage, branch: Branch, route: Route | None, asked: AskedCluster, sender: Sender
) -> tuple[float, list[Outcome]]:
    """The part of requests that the route's timeout ends, as far as settings tell."""
    if route is None or not sender.http:
        return 0.0, []
    who, limit, details, own_flags = _patience(route, sender)
    seconds = duration_seconds(limit)
    if not seconds:
        return 0.0, []
    objects = (str(route.config),) if route.config else ()
    pods = tuple(item.pod for item in asked.endpoints if item.ready and item.pod is not None)
    slow = slow_answer(pods, seconds)
    flags = (*sender.flags, *own_flags)
    if slow is None:
        when = f"if the application takes longer than {limit}"
        text = f"{who} gives up after {limit}"
        return 0.0, [stage.end(branch, _TIMEOUT, flags, details, text, objects, condition=when)]
    owner = str(stage.trail.mesh.workloads.owning(slow.pod))
    text = f"{slow.text}, and {who} gives up after {limit}"
    named = (*objects, owner)
    stage.hop(branch, "timeout", limit, Verdict.MAY_FAIL, text, named, slow.evidence)
    part = 0.5
    ended = stage.end(branch, _TIMEOUT, flags, details, text, named)
    return part, [replace(ended, share=branch.share * part)]


def _without_hosts(
    stage: IntentStage, branch: Branch, cluster: Cluster, choice: Choice, sender: Sender
) -> list[Outcome]:
    """No endpoint is ready; a proxy that istiod does not reach may still send to those it knew."""
    gap = cut_off(stage.trail.mesh, stage.pod) if cluster.type == "EDS" else None
    if gap is None:
        return hostless(stage, branch, cluster, choice, sender)
    half = replace(branch, share=branch.share / 2)
    found = hostless(stage, half, cluster, choice, sender)
    text = f"{gap.text}: the proxy keeps the hosts that it had, which are not there any more"
    objects = (*gap.objects, *found[0].objects)
    stage.hop(half, "istiod", cluster.name, Verdict.MAY_FAIL, text, objects, gap.evidence)
    stale = Reply(Kind.SILENT, half.share, text, objects, Place.NETWORK)
    return [*outcomes_of(stale, sender), *found]


def send_asked(
    stage: IntentStage, branch: Branch, name: str, sender: Sender, route: Route | None
) -> list[Outcome]:
    """What becomes of a request that a proxy sends to a cluster of this name.

    Args:
        stage: the proxy.
        branch: where it stands.
        name: the cluster's, as istiod would build it.
        sender: how it sends and tries again.
        route: the HTTP route that leads there; None for TCP.
    """
    stage.trail.send(branch, stage.pod, stage.place, name, route)
    asked = asked_cluster(stage.trail.mesh, stage.pod, name)
    cluster = asked.cluster
    if cluster is None:
        return _absent(stage, branch, name, route, asked)
    sender = replace(sender, connect_timeout=cluster.connect_timeout)
    if cluster.type == "ORIGINAL_DST":
        return pass_through(stage, branch, cluster, sender, route)
    unresolved = {item.address for item in asked.endpoints if not item.resolved}
    evidence = tuple(shown for item in asked.endpoints[:3] for shown in item.evidence)
    usable = tuple(h for h in asked.hosts if h.is_usable and h.address not in unresolved)
    rest = tuple(h for h in asked.hosts if h not in usable and h.address not in unresolved)
    if cluster.type == "STRICT_DNS" and not asked.hosts and not unresolved:
        trail = stage.trail
        trail.miss(name, "what DNS outside the cluster says of it", decisive=True)
        return []
    if not usable:
        service = asked.view.service
        shown = evidence or ((service.resource.evidence("spec", "selector"),) if service else ())
        choice = Choice((), rest, known=True, evidence=shown)
        return _without_hosts(stage, branch, cluster, choice, sender)
    text = f"{len(usable)} host(s) ready" + (f", {len(rest)} not" if rest else "")
    rule = (str(cluster.config),) if cluster.config else ()
    owner = (str(asked.view.service.resource),) if asked.view.service else ()
    stage.hop(branch, "cluster", name, Verdict.PASSES, text, (*rule, *owner), evidence)
    found = overflow(stage, branch, cluster, sender) + _ejection(stage, branch, cluster, sender)
    part, late = _too_slow(stage, branch, route, asked, sender)
    found += late
    shown_hosts = usable[:_MOST_HOSTS]
    scale = sum(host.weight for host in shown_hosts)
    for host in shown_hosts:
        share = host.weight / scale
        way = branch.to(host.name, share) if len(shown_hosts) > 1 else branch
        # What is answered too late has come to the host all the same.
        ends = try_host(stage, way, cluster, host, sender, route)
        found += [replace(end, share=end.share * (1 - part)) for end in ends]
    return found
