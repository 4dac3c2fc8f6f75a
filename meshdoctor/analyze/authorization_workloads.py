"""Workloads whose proxies AuthorizationPolicies or RequestAuthentications govern."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call, access_logs
from meshdoctor.analyze.base import workload_subject
from meshdoctor.analyze.mtls_servers import server_at
from meshdoctor.analyze.mtls_targets import services_at, target_of
from meshdoctor.intent.authorization import policies_at
from meshdoctor.intent.backends import services_with_selector, target_port
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import REQUEST_AUTHENTICATION
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_runs,
    has_proxy,
    is_finished,
    is_gateway,
)

if TYPE_CHECKING:
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Governed:
    """A workload with proxies, and the policies in force there."""

    workload: Workload
    pods: tuple[Resource, ...]
    """Its running pods that have a proxy."""
    policies: tuple[Resource, ...]
    """AuthorizationPolicies, dry runs left out."""
    authentications: tuple[Resource, ...]
    """RequestAuthentications."""

    @property
    def subject(self) -> str:
        """Subject of findings about it."""
        return workload_subject(self.workload)

    def is_blind(self, mesh: Snapshot) -> bool:
        """Whether some of its access logs could not be read, or are switched off."""
        logs = access_logs(mesh)
        ids = {f"{pod.name}.{pod.namespace}" for pod in self.pods}
        return bool(ids & (logs.unread | logs.silent)) or not ids & set(mesh.proxies)

    def log_unread(self, mesh: Snapshot) -> bool:
        """Whether an access log could not be read, rather than being switched off."""
        ids = {f"{pod.name}.{pod.namespace}" for pod in self.pods}
        return bool(ids & access_logs(mesh).unread) or not ids & set(mesh.proxies)

    def proxies(self, mesh: Snapshot) -> tuple[tuple[Resource, Proxy], ...]:
        """Its pods with what was read of their proxies."""
        found = ((pod, mesh.proxy_of(pod)) for pod in self.pods)
        return tuple((pod, proxy) for pod, proxy in found if proxy is not None)


def target_at(mesh: Snapshot, pod: Resource, port: int | None) -> str:
    """``host:port`` that callers of a pod's port use."""
    if port is None:
        return first_target(mesh, pod)
    return target_of(mesh, server_at(mesh, pod, port)).to


def first_target(mesh: Snapshot, pod: Resource) -> str:
    """``host:port`` of a Service that leads to a pod; empty when none does."""
    for service in services_with_selector(mesh).get(pod.namespace, ()):
        for port in service.ports:
            number = target_port(port, pod)
            if number is None:
                continue
            server = server_at(mesh, pod, number)
            if services_at(mesh, server):
                return target_of(mesh, server).to
    return ""


@lru_cache(maxsize=2)
def governed(mesh: Snapshot) -> tuple[Governed, ...]:
    """Every workload with a proxy that some policy governs, by namespace and name."""
    found = []
    for workload in mesh.workloads.all:
        pods = tuple(
            pod
            for pod in workload.pods
            if has_proxy(pod) and not is_finished(pod) and container_runs(pod, PROXY_CONTAINER)
        )
        if not pods:
            continue
        policies = policies_at(mesh, pods[0])
        authentications = governing(mesh, REQUEST_AUTHENTICATION, pods[0])
        if policies or authentications:
            found.append(Governed(workload, pods, policies, authentications))
    return tuple(found)


def recent_calls(mesh: Snapshot, item: Governed) -> tuple[Call, ...]:
    """The requests of the last minutes that reached a workload's proxies, oldest first."""
    begin = mesh.now - RECENT
    calls = [
        Call(proxy, entry, entry.time)
        for pod, proxy in item.proxies(mesh)
        for entry in (proxy.log.access if proxy.log else ())
        if entry.time is not None
        and entry.time >= begin
        and (not entry.is_outbound or is_gateway(pod))
    ]
    return tuple(sorted(calls, key=lambda call: (call.time, call.entry.line)))


def newest_call(mesh: Snapshot, item: Governed) -> Call | None:
    """The last of a workload's recent requests, passed or not."""
    return next(reversed(recent_calls(mesh, item)), None)
