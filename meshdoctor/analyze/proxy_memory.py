"""Do the proxies get along with the memory they may use?"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds, silent, unread, workload_subject
from meshdoctor.analyze.memory_kills import Kill, Limit, killed_for_memory, memory_limit
from meshdoctor.analyze.proxy_memory_fix import limit_fills
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import POD, SIDECAR
from meshdoctor.model.pod import PROXY_CONTAINER, is_finished, is_terminating
from meshdoctor.model.proxy import STATS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.model.envoy import Stat
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

EXHAUSTED = "MD0445"
"""Proxies of a workload are at the limit of their memory."""

_NEAR = 0.9
"""The agent beside Envoy needs the rest; the kernel kills at the limit, not before it."""
_PHYSICAL = "server.memory_physical_size"
_CLUSTERS = "cluster_manager.active_clusters"
_MANY = 500
"""An Envoy needs some 50 to 100 kB a cluster: below this the cause lies elsewhere."""


@dataclass(frozen=True, slots=True)
class _Strained:
    """A proxy at its limit: killed for it, or close to it."""

    pod: Resource
    proxy: Proxy | None
    limit: Limit | None
    kill: Kill | None
    used: Stat | None


def _stat(proxy: Proxy | None, name: str) -> Stat | None:
    return (proxy.stats or {}).get(name) if proxy else None


def stat_evidence(proxy: Proxy, stat: Stat) -> Evidence:
    """A line of a proxy's stats."""
    return Evidence(
        source=proxy.path(STATS),
        line=stat.line,
        excerpt=f"{stat.name}: {stat.value}",
        command=f"kubectl exec {proxy.pod} -n {proxy.namespace} -c {PROXY_CONTAINER} -- "
        f"pilot-agent request GET 'stats?filter={stat.name.replace(';', '')}'",
    )


def _strained(mesh: Snapshot, pod: Resource) -> _Strained | None:
    proxy = mesh.proxy_of(pod)
    limit = memory_limit(pod, PROXY_CONTAINER)
    kill = killed_for_memory(pod, PROXY_CONTAINER)
    if kill is not None and not kill.is_recent(mesh.now):
        kill = None
    used = _stat(proxy, _PHYSICAL)
    near = (
        limit is not None
        and used is not None
        and isinstance(used.value, int)
        and used.value >= _NEAR * limit.bytes
    )
    if kill is None and not near:
        return None
    return _Strained(pod, proxy, limit, kill, used if near else None)


def _at_the_limit(found: Sequence[_Strained]) -> Fact:
    fact = "proxy-memory-at-its-limit"
    first = found[0]
    limit = f"its limit of {first.limit.text}" if first.limit else "what its node has"
    shown = [first.limit.evidence] if first.limit else []
    if first.kill is not None:
        text = f"The proxy of {first.pod.name} needs more memory than {limit}"
        return holds(fact, text, *shown, first.kill.evidence)
    used = first.used
    size = used.value if used is not None and isinstance(used.value, int) else 0
    text = f"The proxy of {first.pod.name} uses {size / 2**20:.0f} MiB, close to {limit}"
    if used is not None and first.proxy is not None:
        shown.append(stat_evidence(first.proxy, used))
    return holds(fact, text, *shown)


def _killed(found: Sequence[_Strained]) -> Fact:
    fact = "proxy-killed-for-memory"
    kills = [item.kill for item in found if item.kill]
    if not kills:
        return silent(fact, "No proxy of it was killed yet")
    text = f"{kills[0].pod.name}'s proxy was killed for memory {kills[0].restarts or 1} time(s)"
    shown = [item for kill in kills[:2] for item in (kill.evidence, kill.restarts_evidence)]
    return holds(fact, text, *shown)


def _sidecars(mesh: Snapshot, namespace: str) -> bool:
    spaces = (namespace, mesh.root_namespace)
    return any(item.namespace in spaces for item in mesh.catalog.of(SIDECAR))


def _load(mesh: Snapshot, found: Sequence[_Strained]) -> tuple[Fact, str]:
    """What fills the memory, as far as it shows, and the sentence about it."""
    fact = "what-fills-the-memory"
    first = found[0]
    stat = _stat(first.proxy, _CLUSTERS)
    if first.proxy is None or stat is None or not isinstance(stat.value, int):
        return unread(fact, "How much configuration the proxy holds was not read"), (
            "how much configuration it holds was not read"
        )
    shown = stat_evidence(first.proxy, stat)
    if stat.value < _MANY:
        text = (
            f"it holds {stat.value} clusters, which is not much: look at its connections, at large "
            "request bodies that filters keep, and at Wasm"
        )
    elif mesh.catalog.known(SIDECAR) and not _sidecars(mesh, first.pod.namespace):
        text = (
            f"it holds {stat.value} clusters, because no Sidecar limits what its namespace gets: "
            "the whole mesh is sent to every proxy"
        )
    else:
        text = f"it holds {stat.value} clusters: a narrower Sidecar would save most of them"
    return holds(fact, text[0].upper() + text[1:], shown), text


def _finding(mesh: Snapshot, workload: Workload, found: Sequence[_Strained]) -> Finding:
    ordered = sorted(found, key=lambda item: (item.kill is None, item.pod.name))
    at_limit, killed = _at_the_limit(ordered), _killed(ordered)
    load, words = _load(mesh, ordered)
    was_killed = any(item.kill for item in ordered)
    first = ordered[0]
    return Finding(
        code=EXHAUSTED,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL if was_killed else Outcome.WARN,
        message=f"{at_limit.text}; {words}",
        resource=str(workload),
        objects=(str(workload),),
        facts=(at_limit, killed, load),
        affected=(Affected(str(workload), ""),),
        severity=None if was_killed else Severity.WARNING,
        fills={
            "at_limit": at_limit.text,
            "load": words,
            **limit_fills(workload, first.pod, first.limit),
        },
    )


@dataclass(frozen=True, slots=True)
class ProxiesHaveMemory:
    """No proxy is killed for memory, or close to it."""

    name: str = "proxies-have-memory"
    description: str = "No proxy is killed for memory or close to its limit."
    inputs: tuple[str, ...] = (POD.input, SIDECAR.input)
    codes: tuple[str, ...] = (EXHAUSTED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each workload whose proxies are at their limit."""
        found: dict[str, list[_Strained]] = defaultdict(list)
        for pod in mesh.proxy_pods:
            if is_finished(pod) or is_terminating(pod):
                continue
            strained = _strained(mesh, pod)
            if strained is not None:
                found[str(mesh.workloads.owning(pod))].append(strained)
        for name in sorted(found):
            yield _finding(mesh, mesh.workloads.owning(found[name][0].pod), found[name])
        resource = f"Namespace {mesh.root_namespace}"
        if not mesh.catalog.known(POD):
            message = "Whether a proxy is killed for memory is not known"
            needs = mesh.catalog.unread(POD)
            yield Finding(EXHAUSTED, MESH_SUBJECT, Outcome.UNKNOWN, message, resource, needs=needs)


ANALYZER = ProxiesHaveMemory()
