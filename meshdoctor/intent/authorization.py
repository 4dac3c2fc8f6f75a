"""What the AuthorizationPolicies of a workload make of a request.

CUSTOM comes first, then DENY, then ALLOW; a workload without any ALLOW policy lets through what
nothing denies (pilot/pkg/security/authz/builder and the AuthorizationPolicy reference).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from meshdoctor.intent.authorization_match import (
    DEFAULT_TRUST_DOMAIN,
    Match,
    RuleMatch,
    RuleReader,
)
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import AUTHORIZATION_POLICY
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.intent.authorization_request import Request
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_DRY_RUN = "istio.io/dry-run"


class Access(StrEnum):
    """What becomes of a request."""

    ALLOWED = "allowed"
    DENIED = "denied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Miss:
    """A rule that does not match."""

    policy: Resource
    rule: RuleMatch


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a request, and which policy decides."""

    access: Access
    policy: Resource | None = None
    """The policy that decides; None when no ALLOW rule matches, or no policy is in the way."""
    rule: int | None = None
    """Index of the rule that matched."""
    missed: tuple[Miss, ...] = ()
    """The ALLOW rules that do not match, or may not."""


def action_of(policy: Resource) -> str:
    """The policy's action; ALLOW where none is given."""
    return str(policy.spec.get("action") or "ALLOW")


def rules_of(policy: Resource) -> list[object]:
    """The policy's rules; a policy without any matches nothing."""
    return as_list(policy.spec.get("rules"))


def matches_everything(rule: object) -> bool:
    """Whether a rule asks for nothing at all."""
    return isinstance(rule, dict) and not any(rule.get(key) for key in ("from", "to", "when"))


def is_enforced(policy: Resource) -> bool:
    """Whether the policy is more than a rehearsal (annotation ``istio.io/dry-run``)."""
    return policy.annotations.get(_DRY_RUN, "").lower() != "true"


def policies_at(
    mesh: Snapshot, pod: Resource, action: str | None = None, service: Resource | None = None
) -> tuple[Resource, ...]:
    """The enforced AuthorizationPolicies in force at a pod, of one action or of all."""
    return tuple(
        policy
        for policy in governing(mesh, AUTHORIZATION_POLICY, pod, service)
        if is_enforced(policy) and action in (None, action_of(policy))
    )


def trust_domains(mesh: Snapshot) -> tuple[str, ...]:
    """The mesh's trust domain and its aliases, from MeshConfig."""
    for istiod in mesh.istiods:
        if istiod.mesh is not None:
            own = istiod.mesh.get("trustDomain")
            aliases = as_list(istiod.mesh.get("trustDomainAliases"))
            return (str(own or DEFAULT_TRUST_DOMAIN), *map(str, aliases))
    return (DEFAULT_TRUST_DOMAIN,)


def provider_of(policy: Resource) -> str:
    """The external authorizer that a CUSTOM policy names."""
    return str(as_mapping(policy.spec.get("provider")).get("name") or "")


def has_provider(mesh: Snapshot, policy: Resource) -> bool | None:
    """Whether mesh config defines a CUSTOM policy's provider; None where it was not read.

    Requests that such a policy matches are refused where there is no such provider
    (pilot/pkg/security/authz/builder, ``getBadCustomDenyRules``).
    """
    read = [istiod.mesh for istiod in mesh.istiods if istiod.mesh is not None]
    if not read:
        return None
    names = {as_mapping(p).get("name") for m in read for p in as_list(m.get("extensionProviders"))}
    return provider_of(policy) in names


def judge_rules(mesh: Snapshot, policy: Resource, request: Request) -> tuple[RuleMatch, ...]:
    """Every rule of a policy, judged for a request."""
    reader = RuleReader(request, policy.namespace, trust_domains(mesh))
    deny = action_of(policy) != "ALLOW"
    return tuple(reader.rule(n, rule, deny=deny) for n, rule in enumerate(rules_of(policy)))


def _first(
    mesh: Snapshot, policies: tuple[Resource, ...], request: Request
) -> tuple[Match, Resource | None, int | None]:
    """Whether any rule of these policies matches, and the first that does or may."""
    doubtful: tuple[Match, Resource | None, int | None] | None = None
    for policy in policies:
        for rule in judge_rules(mesh, policy, request):
            if rule.match is Match.YES:
                return Match.YES, policy, rule.index
            if rule.match is Match.UNKNOWN and doubtful is None:
                doubtful = (Match.UNKNOWN, policy, rule.index)
    return doubtful or (Match.NO, None, None)


def _allow(mesh: Snapshot, policies: tuple[Resource, ...], request: Request) -> Decision:
    if not policies:
        return Decision(Access.ALLOWED)
    misses: list[Miss] = []
    for policy in policies:
        for rule in judge_rules(mesh, policy, request):
            if rule.match is Match.YES:
                return Decision(Access.ALLOWED, policy, rule.index)
            misses.append(Miss(policy, rule))
    doubtful = any(miss.rule.match is Match.UNKNOWN for miss in misses)
    return Decision(Access.UNKNOWN if doubtful else Access.DENIED, missed=tuple(misses))


def decide(
    mesh: Snapshot, pod: Resource, request: Request, service: Resource | None = None
) -> Decision:
    """What the policies in force at a pod make of a request.

    Args:
        mesh: the snapshot; its AuthorizationPolicies must be known.
        pod: the server, which has a proxy.
        request: what its proxy sees.
        service: at a waypoint, the Service or ServiceEntry that the request is for.
    """

    def at_pod(action: str) -> tuple[Resource, ...]:
        return policies_at(mesh, pod, action, service)

    custom, policy, rule = _first(mesh, at_pod("CUSTOM"), request)
    if custom is Match.YES and policy is not None and has_provider(mesh, policy) is False:
        return Decision(Access.DENIED, policy, rule)
    denied, by, at = _first(mesh, at_pod("DENY"), request)
    if denied is Match.YES:
        return Decision(Access.DENIED, by, at)
    allowed = _allow(mesh, at_pod("ALLOW"), request)
    if allowed.access is Access.DENIED:
        return allowed
    if custom is not Match.NO:
        # An external authorizer has the last word, and nothing read says which.
        return Decision(Access.UNKNOWN, policy, rule, allowed.missed)
    if denied is Match.UNKNOWN:
        return Decision(Access.UNKNOWN, by, at, allowed.missed)
    return allowed
