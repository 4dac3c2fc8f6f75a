"""Which clients want a destination that their proxy may not know.

A proxy's access log shows it; where the log is unread or silent, what the workload's own template
names counts as wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.proxy_evidence import virtual_host_evidence
from meshdoctor.analyze.stray_calls import stray_calls
from meshdoctor.intent.named_destinations import named_destinations
from meshdoctor.model.envoy.names import build_cluster_name
from meshdoctor.model.finding import Affected
from meshdoctor.model.pod import is_finished, is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.stray_calls import Strays
    from meshdoctor.intent.named_destinations import NamedDestination
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_UNKNOWN_HOSTS = ("block_all", "allow_any")
"""Virtual hosts for what no registry knows."""
_MOST_LINES = 3


@dataclass(frozen=True, slots=True)
class Attempt:
    """A client that wants a host and port."""

    pod: Resource
    proxy: Proxy | None
    host: str
    port: int | None
    strays: Strays | None
    """The calls that show it; None where only the template does."""
    named: NamedDestination | None

    @property
    def to(self) -> str:
        """``host:port``."""
        return f"{self.host}:{self.port}" if self.port is not None else self.host


def tells(mesh: Snapshot, pod: Resource) -> bool:
    """Whether a pod's access log was read and would show its calls."""
    proxy = mesh.proxy_of(pod)
    return proxy is not None and proxy.log is not None and proxy.id not in access_logs(mesh).silent


def untold_pods(mesh: Snapshot) -> tuple[Resource, ...]:
    """Running sidecars whose calls no log shows."""
    return tuple(
        pod
        for pod in mesh.proxy_pods
        if not is_finished(pod) and not is_gateway(pod) and not tells(mesh, pod)
    )


def _by_name(mesh: Snapshot) -> Iterator[Attempt]:
    seen: set[tuple[str, str, int]] = set()
    for pod in untold_pods(mesh):
        workload = str(mesh.workloads.owning(pod))
        for item in named_destinations(mesh, pod):
            # Pods of one template name the same.
            if (workload, item.host, item.port) not in seen:
                seen.add((workload, item.host, item.port))
                yield Attempt(pod, mesh.proxy_of(pod), item.host, item.port, None, item)


@lru_cache(maxsize=2)
def attempts(mesh: Snapshot) -> tuple[Attempt, ...]:
    """Calls that found no registered destination, and destinations named where no log tells."""
    found = [
        Attempt(pod, item.proxy, item.host, item.port, item, None)
        for item in stray_calls(mesh)
        if (pod := mesh.pod_of(item.proxy)) is not None
    ]
    return (*found, *_by_name(mesh))


def holds_cluster(attempt: Attempt) -> bool | None:
    """Whether the client's proxy holds the destination's cluster; None when it was not read."""
    config = attempt.proxy.config if attempt.proxy else None
    if config is None or attempt.port is None:
        return None
    name = build_cluster_name("outbound", attempt.port, "", attempt.host)
    return config.cluster(name) is not None


def _fallback_evidence(attempt: Attempt) -> Iterator[Evidence]:
    """The virtual host by which the proxy treats what it does not know."""
    proxy = attempt.proxy
    config = proxy.config.route_config(str(attempt.port)) if proxy and proxy.config else None
    if proxy is None or config is None:
        return
    for host in config.virtual_hosts:
        if host.name in _UNKNOWN_HOSTS:
            yield virtual_host_evidence(proxy, config, host)


def lacks_cluster(mesh: Snapshot, attempt: Attempt) -> Fact:
    """The fact that the client's proxy does not know the destination."""
    fact = "client-lacks-destination"
    held = holds_cluster(attempt)
    who = str(mesh.workloads.owning(attempt.pod))
    if held is None:
        return unread(fact, f"The configuration of the proxy of {who} was not read")
    if held:
        return silent(fact, f"The proxy of {who} still holds a cluster for {attempt.to}")
    text = f"The proxy of {who} holds no cluster for {attempt.to}"
    return holds(fact, text, *_fallback_evidence(attempt))


def wanted_by(mesh: Snapshot, attempt: Attempt) -> Fact:
    """The fact that the client's calls fail, or where no log tells, that it is told to call."""
    fact = "calls-fail"
    who = str(mesh.workloads.owning(attempt.pod))
    if attempt.strays is not None:
        calls = attempt.strays.calls
        times = "once" if len(calls) == 1 else f"{len(calls)} times"
        clock = calls[-1].time.strftime("%H:%M:%S")
        text = (
            f"{who} called {attempt.to} and got {calls[-1].outcome} {times} in the last minutes, "
            f"last at {clock} UTC"
        )
        return holds(fact, text, *(call.evidence for call in reversed(calls[-_MOST_LINES:])))
    text = f"No access log shows the calls of {who}, whose template names {attempt.to}"
    shown = (attempt.named.evidence,) if attempt.named else ()
    logs = access_logs(mesh)
    if attempt.proxy is not None and attempt.proxy.id in logs.silent:
        return silent(fact, text, *shown)
    return unread(fact, text)


def affected_by(mesh: Snapshot, attempt: Attempt) -> tuple[Affected, ...]:
    """Who suffers."""
    return (Affected(str(mesh.workloads.owning(attempt.pod)), attempt.to),)
