"""Who calls STRICT servers in plaintext: one case for each client and destination.

The client is to be mended where it is the only one that a policy turns away; where a policy turns
several workloads away it was made STRICT too early, and taking that back mends them all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import access_logs
from meshdoctor.analyze.mtls_named_calls import NamedCall, named_calls
from meshdoctor.analyze.mtls_refusals import Refusal, Source, refusals
from meshdoctor.analyze.mtls_targets import target_of
from meshdoctor.model.kinds import DESTINATION_RULE

if TYPE_CHECKING:
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.intent.destinations import Destination
    from meshdoctor.intent.peer_authentication import PeerMode
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload


@dataclass(frozen=True, slots=True)
class Case:
    """What one workload outside the mesh met at one destination."""

    client: Workload
    pod: Resource
    """One of its pods."""
    destination: Destination
    refusals: tuple[Refusal, ...]
    """Oldest first; none where no log tells and the client's template names the destination."""
    named: NamedCall | None = None
    """What the template names, where no log tells."""

    @property
    def server(self) -> Server:
        """One that turns the client away, the last that did."""
        if self.refusals:
            return self.refusals[-1].server
        assert self.named is not None
        return self.named.server

    @property
    def peer(self) -> PeerMode:
        """What demands mutual TLS."""
        peer = self.server.peer
        assert peer is not None
        return peer

    @property
    def policy(self) -> Resource:
        """The PeerAuthentication that demands it."""
        policy = self.peer.policy
        assert policy is not None
        return policy


@dataclass(frozen=True, slots=True)
class Group:
    """What one change mends: every client of one policy, or one client at all its policies."""

    cases: tuple[Case, ...]

    @property
    def clients(self) -> tuple[Workload, ...]:
        """The workloads that are turned away, once each."""
        return tuple({str(case.client): case.client for case in self.cases}.values())

    @property
    def policies(self) -> tuple[Resource, ...]:
        """The PeerAuthentications that turn them away, once each."""
        return tuple(dict.fromkeys(case.policy for case in self.cases))

    @property
    def pods(self) -> tuple[Resource, ...]:
        """A pod of each client."""
        return tuple({str(case.client): case.pod for case in self.cases}.values())

    def objects(self, case: Case) -> tuple[str, str]:
        """What is to be changed to mend a case, the one that one would edit first at first."""
        client, policy = str(case.client), str(case.policy)
        return (client, policy) if len(self.clients) == 1 else (policy, client)


def _cases(mesh: Snapshot) -> list[Case]:
    found: dict[tuple[str, Destination], list[Refusal]] = {}
    for item in refusals(mesh):
        if item.source is Source.OUTSIDE and item.client is not None:
            owner = str(mesh.workloads.owning(item.client))
            target = target_of(mesh, item.server)
            found.setdefault((owner, target), []).append(item)
    cases: list[Case] = []
    for (_, destination), members in sorted(found.items(), key=lambda pair: pair[0]):
        pod = members[-1].client
        assert pod is not None
        cases.append(Case(mesh.workloads.owning(pod), pod, destination, tuple(members)))
    return cases + _named_cases(mesh, {(str(case.client), case.destination) for case in cases})


def _named_cases(mesh: Snapshot, known: set[tuple[str, Destination]]) -> list[Case]:
    # What is unread may hold the other fault that is to be mended first.
    if access_logs(mesh).unread or not mesh.catalog.known(DESTINATION_RULE):
        return []
    return [
        Case(client, call.pod, call.destination, (), call)
        for call in named_calls(mesh)
        if call.exclusion is None and call.is_silent
        for client in (mesh.workloads.owning(call.pod),)
        if (str(client), call.destination) not in known
    ]


def groups(mesh: Snapshot) -> tuple[Group, ...]:
    """The refused clients, by the policy where it turns several away, else by the client."""
    by_policy: dict[Resource, list[Case]] = {}
    for case in _cases(mesh):
        by_policy.setdefault(case.policy, []).append(case)
    found: dict[str, list[Case]] = {}
    for policy, cases in by_policy.items():
        alone = len({str(case.client) for case in cases}) == 1
        key = str(cases[0].client) if alone else str(policy)
        found.setdefault(key, []).extend(cases)
    return tuple(Group(tuple(cases)) for cases in found.values())
