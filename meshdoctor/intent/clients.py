"""Who may call a host, in groups that the same DestinationRules govern.

Of a mesh's namespaces few have a rule for a given host; all the others are governed alike, so that
a thousand namespaces need no thousand look-ups.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.destination_rules import (
    covering,
    default_export,
    namespaces_with_rules,
)
from meshdoctor.model.pod import is_finished
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Clients:
    """Pods with a proxy that are governed alike when they call one host."""

    namespace: str
    """One namespace that stands for all of them."""
    labels: Mapping[str, str] | None
    """The labels they share, where a namespace's rules have workload selectors."""
    _apart: frozenset[str] | None
    """Where this is everybody else: the namespaces that stand apart."""
    _pods: Mapping[str, tuple[Resource, ...]] = field(repr=False)

    def includes(self, namespace: str, labels: Mapping[str, str] | None = None) -> bool:
        """Whether a pod of this namespace, with these labels, is one of them."""
        if self._apart is not None:
            return namespace not in self._apart
        return namespace == self.namespace and self.labels in (None, labels)

    @property
    def key(self) -> tuple[object, ...]:
        """What tells this group from every other, of any host."""
        if self._apart is not None:
            return ("all but", self._apart)
        return (self.namespace, tuple(sorted(self.labels.items())) if self.labels else ())

    @property
    def pods(self) -> Iterator[Resource]:
        """The pods."""
        if self._apart is None:
            yield from (p for p in self._pods[self.namespace] if self.labels in (None, p.labels))
            return
        for namespace, pods in self._pods.items():
            if namespace not in self._apart:
                yield from pods


@lru_cache(maxsize=2)
def _by_namespace(mesh: Snapshot) -> Mapping[str, tuple[Resource, ...]]:
    found: dict[str, list[Resource]] = {}
    for pod in mesh.proxy_pods:
        if not is_finished(pod):
            found.setdefault(pod.namespace, []).append(pod)
    return {namespace: tuple(found[namespace]) for namespace in sorted(found)}


def _export_names(mesh: Snapshot, host: str) -> Iterator[str]:
    """Namespaces that the rules of the host's and of the root namespace are exported to by name."""
    places = {item.namespace for item in mesh.registry.find(host)} | {mesh.root_namespace}
    for place in places:
        for rules in covering(mesh, place, host):
            for rule in rules:
                targets = as_list(rule.spec.get("exportTo")) or default_export(mesh)
                yield from (str(name) for name in targets)


def _apart(mesh: Snapshot, host: str) -> frozenset[str]:
    """The namespaces whose clients other rules may govern than everybody else's."""
    return namespaces_with_rules(mesh, host) | frozenset(_export_names(mesh, host))


def governed_alike(mesh: Snapshot, host: str, namespaces: Iterable[str]) -> tuple[str, ...]:
    """Some of these namespaces, so that each set of rules for a host is seen from one at least.

    Args:
        mesh: the snapshot.
        host: fully qualified.
        namespaces: of clients; the first of those that are governed alike is kept.
    """
    apart = _apart(mesh, host)
    found: dict[str, None] = {}
    others = False
    for namespace in namespaces:
        if namespace in apart:
            found[namespace] = None
        elif not others:
            others = True
            found[namespace] = None
    return tuple(found)


def clients_of(mesh: Snapshot, host: str) -> tuple[Clients, ...]:
    """Everyone with a proxy who may call a host, in groups; by namespace, everybody else first."""
    pods = _by_namespace(mesh)
    apart = _apart(mesh, host)
    found: list[Clients] = []
    other = next((namespace for namespace in pods if namespace not in apart), None)
    if other is not None:
        found.append(Clients(other, None, apart, pods))
    for namespace in sorted(apart & pods.keys()):
        rules = [rule for rules in covering(mesh, namespace, host) for rule in rules]
        if any("workloadSelector" in rule.spec for rule in rules):
            sets = {tuple(sorted(pod.labels.items())) for pod in pods[namespace]}
            found += [Clients(namespace, dict(labels), None, pods) for labels in sorted(sets)]
        else:
            found.append(Clients(namespace, None, None, pods))
    return tuple(found)
