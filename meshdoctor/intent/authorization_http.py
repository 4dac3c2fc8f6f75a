"""Rules of AuthorizationPolicies that ask for parts of a request, and ports that show none.

On a port taken for TCP an ALLOW rule with such a field matches nothing, and a DENY rule matches as
if the field were not there (istio.io, "Authorization for TCP traffic").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.backends import services_with_selector, target_port
from meshdoctor.intent.port_protocol import PortProtocol, protocol_of
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_labels

if TYPE_CHECKING:
    from meshdoctor.intent.authorization import Decision, Miss
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_OF_OPERATION = frozenset({"methods", "notMethods", "paths", "notPaths", "hosts", "notHosts"})
_OF_SOURCE = frozenset(
    {"requestPrincipals", "notRequestPrincipals", "remoteIpBlocks", "notRemoteIpBlocks"}
)
_OF_CONDITION = "request."


def asks_for_request(rule: object) -> bool:
    """Whether a rule has a field that only HTTP has."""
    item = as_mapping(rule)
    operations = [as_mapping(as_mapping(to).get("operation")) for to in as_list(item.get("to"))]
    sources = [as_mapping(as_mapping(each).get("source")) for each in as_list(item.get("from"))]
    conditions = [str(as_mapping(when).get("key")) for when in as_list(item.get("when"))]
    return (
        any(_OF_OPERATION & each.keys() for each in operations)
        or any(_OF_SOURCE & each.keys() for each in sources)
        or any(key.startswith(_OF_CONDITION) for key in conditions)
    )


def _misses_request_alone(miss: Miss) -> bool:
    """Whether a rule fails at nothing but fields that only HTTP has."""
    failing = [field for field in miss.rule.fields if field.match is Match.NO]
    return bool(failing) and all(
        field.name in _OF_OPERATION | _OF_SOURCE
        or (
            "when" in field.path
            and str(miss.policy.get(*field.path[:-1], "key")).startswith(_OF_CONDITION)
        )
        for field in failing
    )


def wants_request(decision: Decision) -> bool:
    """Whether some ALLOW rule fails at nothing but fields that only HTTP has."""
    return any(_misses_request_alone(miss) for miss in decision.missed)


def _leading_to(
    mesh: Snapshot, pod: Resource, port: int | None
) -> list[tuple[ServiceHost, ServicePort]]:
    """The Service ports that lead to a port of a pod, or to any."""
    return [
        (service, each)
        for service in services_with_selector(mesh).get(pod.namespace, ())
        if matches_labels(service.selector, pod.labels)
        for each in service.ports
        if port in (None, target_port(each, pod))
    ]


def taken_for_tcp(
    mesh: Snapshot, pod: Resource, port: int | None
) -> tuple[ServiceHost, ServicePort] | None:
    """The Service port that declares a pod's port TCP; None where any leaves it to be HTTP.

    Args:
        mesh: the snapshot.
        pod: the server.
        port: its own port; None for all that Services lead to.
    """
    found = _leading_to(mesh, pod, port)
    declared = {protocol_of(service, each) for service, each in found}
    return found[0] if declared == {PortProtocol.TCP} else None
