"""Sidecars that a workload used to have: told by Events and by istiod's log.

Pods are gone when their namespace loses its label and they restart, but the cluster remembers
them for a while: the kubelet's Events name the containers it started, and istiod's log names the
proxies that it served.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_cases import has_own_proxy
from meshdoctor.intent.revision_labels import INJECT
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.kinds import (
    DAEMON_SET,
    DEPLOYMENT,
    EVENT,
    JOB,
    POD,
    REPLICA_SET,
    STATEFUL_SET,
)
from meshdoctor.model.resource import as_strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_INJECTED_CONTAINER = re.compile(r"spec\.(initContainers|containers)\{istio-(proxy|init)\}")
_HASH = "[bcdfghjklmnpqrstvwxz2456789]"
"""Letters of generated names: no vowels, no look-alikes (apimachinery ``rand``)."""
_SUFFIXES = {
    DEPLOYMENT.name: re.compile(rf"-(?P<template>{_HASH}{{1,10}})-{_HASH}{{5}}"),
    REPLICA_SET.name: re.compile(rf"-{_HASH}{{5}}"),
    DAEMON_SET.name: re.compile(rf"-{_HASH}{{5}}"),
    JOB.name: re.compile(rf"-{_HASH}{{5}}"),
    STATEFUL_SET.name: re.compile(r"-\d+"),
    POD.name: re.compile(""),
}
_PROXY = r"(?P<pod>[a-z0-9][a-z0-9.-]*)\.(?P<namespace>[a-z0-9-]+)"
_PUSH = re.compile(rf": PUSH(?: INC| request)? for node:{_PROXY} ")
_CONNECTION = re.compile(rf"(?:connection for node:|^ADS: \"[^\"]*\" ){_PROXY}-\d+(?: |$)")
"""Lines of istiod's that name a proxy; on connections a counter follows the proxy's id."""


@dataclass(frozen=True, slots=True)
class FormerProxy:
    """A pod of this namespace that had a sidecar and is gone."""

    pod: str
    evidence: Evidence


def _events(mesh: Snapshot) -> Iterator[tuple[str, FormerProxy]]:
    for event in mesh.catalog.of(EVENT):
        place = event.get("involvedObject", "fieldPath")
        pod = event.get("involvedObject", "name")
        if (
            isinstance(place, str)
            and isinstance(pod, str)
            and event.get("involvedObject", "kind") == POD.name
            and _INJECTED_CONTAINER.fullmatch(place)
        ):
            evidence = event.evidence("involvedObject", "fieldPath")
            yield event.namespace, FormerProxy(pod, evidence)


def _connections(mesh: Snapshot) -> Iterator[tuple[str, FormerProxy]]:
    for istiod in mesh.istiods:
        for line in istiod.log.lines if istiod.log else ():
            found = _PUSH.search(line.message) or _CONNECTION.search(line.message)
            if found is None:
                continue
            evidence = Evidence(
                source=istiod.path("discovery.log"),
                line=line.line,
                excerpt=line.text,
                command=f"kubectl logs {istiod.pod} -n {istiod.namespace} -c discovery",
            )
            yield found["namespace"], FormerProxy(found["pod"], evidence)


@lru_cache(maxsize=2)
def _former_proxies(mesh: Snapshot) -> Mapping[str, Mapping[str, FormerProxy]]:
    """By namespace and pod name: the first trace of each proxy whose pod is gone."""
    found: dict[str, dict[str, FormerProxy]] = {}
    for namespace, former in (*_events(mesh), *_connections(mesh)):
        if mesh.catalog.find(POD, namespace, former.pod) is None:
            found.setdefault(namespace, {}).setdefault(former.pod, former)
    return found


def _is_of(workload: Workload, pod: str) -> re.Match[str] | None:
    if not pod.startswith(workload.name) or workload.kind not in _SUFFIXES:
        return None
    return _SUFFIXES[workload.kind].fullmatch(pod, len(workload.name))


def _asked_by_itself(template: Resource) -> bool:
    """Whether a ReplicaSet's pods had a proxy without any help of their namespace."""
    labels = as_strings(template.get("spec", "template", "metadata", "labels"))
    return INJECT in labels or has_own_proxy(template)


def former_proxy(mesh: Snapshot, workload: Workload) -> FormerProxy | None:
    """An earlier pod of this workload that its namespace's label gave a sidecar; None if untold."""
    for name, former in sorted(_former_proxies(mesh).get(workload.namespace, {}).items()):
        found = _is_of(workload, name)
        if found is None:
            continue
        if workload.kind == DEPLOYMENT.name:
            owner = f"{workload.name}-{found['template']}"
            replica_set = mesh.catalog.find(REPLICA_SET, workload.namespace, owner)
            if replica_set is not None and _asked_by_itself(replica_set):
                continue
        return former
    return None
