"""Which DestinationRule governs a host for a client, and what it says.

Istio looks in three places and takes the first that has a rule for the host: the client's
namespace, the service's namespace, the root namespace (pilot/pkg/model/push_context.go,
``destinationRule``). Rules for one host in one namespace are merged: subsets add up, the oldest
top-level policy stands as a whole (pilot/pkg/model/destination_rule.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import DESTINATION_RULE
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Subset:
    """A named part of a host."""

    name: str
    labels: Mapping[str, str]
    rule: Resource
    path: Path
    """Path of the subset within the rule."""


def exported_to(resource: Resource, namespace: str) -> bool:
    """Whether the object's ``exportTo`` lets a namespace see it (absent means everyone)."""
    targets = as_list(resource.spec.get("exportTo"))
    own = resource.namespace == namespace
    return not targets or "*" in targets or namespace in targets or (own and "." in targets)


def rule_host(rule: Resource, mesh: Snapshot) -> str:
    """The host a rule speaks of, short names completed with the rule's own namespace."""
    return mesh.registry.resolve(str(rule.spec.get("host") or ""), rule.namespace)


def covers(pattern: str, host: str) -> bool:
    """Whether a host or wildcard (``*``, ``*.suffix``) covers a host."""
    if pattern.startswith("*"):
        return host.endswith(pattern[1:])
    return pattern == host


def patterns_for(host: str) -> Iterator[str]:
    """The host, then every wildcard that covers it, the most specific first."""
    yield host
    tail = host.removeprefix("*.")
    if tail == host:
        _, _, tail = host.partition(".")
    while tail:
        yield f"*.{tail}"
        _, _, tail = tail.partition(".")
    yield "*"


@lru_cache(maxsize=2)
def _by_namespace(mesh: Snapshot) -> Mapping[str, Mapping[str, tuple[Resource, ...]]]:
    """Rules by namespace and host, oldest first."""
    found: dict[str, dict[str, list[Resource]]] = {}
    for rule in mesh.catalog.of(DESTINATION_RULE):
        hosts = found.setdefault(rule.namespace, {})
        hosts.setdefault(rule_host(rule, mesh), []).append(rule)
    return {
        namespace: {host: _oldest_first(rules) for host, rules in hosts.items()}
        for namespace, hosts in found.items()
    }


def _oldest_first(rules: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(
        sorted(rules, key=lambda r: (str(r.metadata.get("creationTimestamp") or ""), r.name))
    )


@lru_cache(maxsize=2)
def _namespaces_by_host(mesh: Snapshot) -> Mapping[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for namespace, hosts in _by_namespace(mesh).items():
        for host in hosts:
            found.setdefault(host, set()).add(namespace)
    return {host: frozenset(namespaces) for host, namespaces in found.items()}


def namespaces_with_rules(mesh: Snapshot, host: str) -> frozenset[str]:
    """The namespaces that have a rule for a host, visible to others or not."""
    index = _namespaces_by_host(mesh)
    return frozenset[str]().union(*(index.get(item, ()) for item in patterns_for(host)))


def covering(mesh: Snapshot, namespace: str, host: str) -> Iterator[tuple[Resource, ...]]:
    """A namespace's rules for a host by their pattern, the most specific pattern first."""
    place = _by_namespace(mesh).get(namespace)
    if place:
        yield from (place[item] for item in patterns_for(host) if item in place)


def default_export(mesh: Snapshot) -> tuple[str, ...]:
    """Where rules without ``exportTo`` are visible: ``defaultDestinationRuleExportTo``."""
    for istiod in mesh.istiods:
        value = (istiod.mesh or {}).get("defaultDestinationRuleExportTo")
        if isinstance(value, list) and value:
            return tuple(str(item) for item in value)
    return ("*",)


def _exported(mesh: Snapshot, rule: Resource, client: str) -> bool:
    if as_list(rule.spec.get("exportTo")):
        return exported_to(rule, client)
    targets = default_export(mesh)
    return "*" in targets or client in targets or ("." in targets and rule.namespace == client)


def _is_private(mesh: Snapshot, rule: Resource) -> bool:
    """Whether only its own namespace sees a rule."""
    targets = as_list(rule.spec.get("exportTo")) or list(default_export(mesh))
    return len(targets) == 1 and targets[0] in (".", rule.namespace)


def _for_workload(rules: tuple[Resource, ...], labels: Mapping[str, str]) -> tuple[Resource, ...]:
    """The rules that reach a workload: those that select it, else those that select nobody.

    A matching ``workloadSelector`` excludes the rules without one, and where no rule is left
    istiod looks no further (pilot/pkg/model/sidecar.go, ``SidecarScope.DestinationRule``).
    """
    selecting = [
        rule
        for rule in rules
        if "workloadSelector" in rule.spec and matches_labels(_selector(rule), labels)
    ]
    if selecting:
        return tuple(rule for rule in selecting if _selector(rule) == _selector(selecting[0]))
    return _unselective(rules)


def _selector(rule: Resource) -> dict[str, str]:
    return as_strings(rule.get("spec", "workloadSelector", "matchLabels"))


def _unselective(rules: Iterable[Resource]) -> tuple[Resource, ...]:
    return tuple(rule for rule in rules if "workloadSelector" not in rule.spec)


def _own(mesh: Snapshot, host: str, client: str) -> tuple[Resource, ...] | None:
    """Rules of the client's own namespace; ``exportTo`` does not matter there.

    For clients in the root namespace only its private rules count here: the public ones are
    meant for the whole mesh and come last.
    """
    for rules in covering(mesh, client, host):
        if client != mesh.root_namespace:
            return rules
        private = tuple(rule for rule in rules if _is_private(mesh, rule))
        if private:
            return private
    return None


def _exported_by(
    mesh: Snapshot, namespace: str, host: str, client: str
) -> tuple[Resource, ...] | None:
    """Rules that another namespace lets the client see, those for certain workloads left out.

    The most specific pattern that is not private decides, even if its rules are for others.
    """
    for rules in covering(mesh, namespace, host):
        public = [rule for rule in rules if not _is_private(mesh, rule)]
        visible = [rule for rule in public if _exported(mesh, rule, client)]
        if public:
            return _unselective(visible) if visible else None
    return None


def rules_for(
    mesh: Snapshot,
    host: str,
    client_namespace: str,
    client_labels: Mapping[str, str] | None = None,
) -> tuple[Resource, ...]:
    """The rules that govern a host for a client: of the first of the three places with any.

    Args:
        mesh: the snapshot.
        host: fully qualified.
        client_namespace: where the calling proxy runs.
        client_labels: the calling pod's labels, for rules with a workloadSelector.
    """
    own = _own(mesh, host, client_namespace)
    if own is not None:
        return _for_workload(own, client_labels or {})
    services = mesh.registry.find(host)
    places = [*(item.namespace for item in services), mesh.root_namespace]
    for place in dict.fromkeys(places):
        # The root namespace is asked even when the client lives there: see _own.
        if place == client_namespace != mesh.root_namespace:
            continue
        found = _exported_by(mesh, place, host, client_namespace)
        if found is not None:
            return found
    return ()


def subsets_of(rules: tuple[Resource, ...]) -> Iterator[Subset]:
    """Every subset of these rules; the first of a name stands."""
    seen: set[str] = set()
    for rule in rules:
        for index, value in enumerate(as_list(rule.spec.get("subsets"))):
            item = as_mapping(value)
            name = str(item.get("name") or "")
            if name and name not in seen:
                seen.add(name)
                yield Subset(name, as_strings(item.get("labels")), rule, ("spec", "subsets", index))


def subset_named(rules: tuple[Resource, ...], name: str) -> Subset | None:
    """The subset of this name."""
    return next((item for item in subsets_of(rules) if item.name == name), None)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting of a traffic policy, with where it stands."""

    value: Any
    rule: Resource
    path: Path


def _levels(rules: tuple[Resource, ...], subset: str) -> Iterator[tuple[Resource, Path]]:
    """The policies that count, the subset's before the rule's own.

    Of several rules for a host the first that defines the subset gives the subset's policy, and
    the first that has a policy gives the other, whole.
    """
    named = subset_named(rules, subset) if subset else None
    if named is not None:
        yield named.rule, (*named.path, "trafficPolicy")
    for rule in rules:
        if as_mapping(rule.spec.get("trafficPolicy")):
            yield rule, ("spec", "trafficPolicy")
            return


def _policies(
    rule: Resource, root: Path, port: int
) -> Iterator[tuple[Path, Mapping[str, Any], bool]]:
    """A port's entry, then the policy it stands in; and whether it is the port's entry."""
    policy = as_mapping(rule.get(*root))
    for index, value in enumerate(as_list(policy.get("portLevelSettings"))):
        item = as_mapping(value)
        if as_mapping(item.get("port")).get("number") == port:
            yield (*root, "portLevelSettings", index), item, True
            break
    yield root, policy, False


def setting(rules: tuple[Resource, ...], key: str, port: int, subset: str = "") -> Setting | None:
    """The effective ``tls``, ``connectionPool``, ``outlierDetection`` or ``loadBalancer``.

    Most specific first: subset port, subset, port, rule. Port-level settings replace the policy
    they stand in as a whole for that port (DestinationRule.TrafficPolicy.PortTrafficPolicy:
    settings of the destination level are not inherited), so a port entry without the key hides
    the wider one.
    """
    for rule, root in _levels(rules, subset):
        for path, policy, is_port in _policies(rule, root, port):
            if policy.get(key) is not None:
                return Setting(policy[key], rule, (*path, key))
            if is_port:
                return None
    return None
