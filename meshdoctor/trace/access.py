"""What the RBAC filters that a proxy holds make of a request.

Envoy holds one policy for each rule of an AuthorizationPolicy, named after it. Which ones are in
force is read from the proxy; whether one matches is judged by the rule in the object it is named
after, since rules read better there than in Envoy's permissions and principals.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import rules_of, trust_domains
from meshdoctor.intent.authorization_match import Match, RuleReader
from meshdoctor.intent.authorization_request import text_of
from meshdoctor.model.kinds import AUTHORIZATION_POLICY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.authorization_match import RuleMatch
    from meshdoctor.intent.authorization_request import Request as Judged
    from meshdoctor.model.envoy import FilterChain, RbacFilter, RbacPolicy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NO_RULE = "none"
"""What Envoy calls the policy that denies when no ALLOW policy matches."""


@dataclass(frozen=True, slots=True)
class Denial:
    """A filter that denies, or may deny, a request."""

    held: RbacFilter
    policy: str
    """Name of the policy that matched, as Envoy holds it; ``none`` when none of ALLOW does."""
    objects: tuple[str, ...]
    because: str
    certain: bool

    @property
    def details(self) -> str:
        """What the proxy logs."""
        return f"rbac_access_denied_matched_policy[{self.policy}]"


@dataclass(frozen=True, slots=True)
class _Judged:
    """One policy that a proxy holds, and whether it matches."""

    held: RbacPolicy
    policy: Resource | None
    rule: RuleMatch | None
    match: Match

    @property
    def failing(self) -> str:
        """Why it does not match, or may not."""
        if self.held.matches_nothing:
            return "it has no rules, so it matches nothing"
        if self.rule is None:
            return "its object is not there any more"
        shown = [
            f"{item.name} must be {' or '.join(item.wanted)}, and is {text_of(item.seen)}"
            for item in self.rule.failed[:2]
        ]
        return f"rule {self.rule.index}: {' and '.join(shown)}"

    @property
    def name(self) -> str:
        """The object's name."""
        source = self.held.source
        return f"AuthorizationPolicy {source[0]}/{source[1]}" if source else self.held.name


def _judge(mesh: Snapshot, held: RbacPolicy, seen: Judged, *, deny: bool) -> _Judged:
    if held.matches_nothing:
        return _Judged(held, None, None, Match.NO)
    source = held.source
    policy = mesh.catalog.find(AUTHORIZATION_POLICY, source[0], source[1]) if source else None
    rules = rules_of(policy) if policy else []
    if policy is None or source is None or source[2] >= len(rules):
        return _Judged(held, policy, None, Match.UNKNOWN)
    reader = RuleReader(seen, policy.namespace, trust_domains(mesh))
    rule = reader.rule(source[2], rules[source[2]], deny=deny)
    return _Judged(held, policy, rule, rule.match)


def _denied_by_deny(held: RbacFilter, judged: list[_Judged]) -> Denial | None:
    for wanted in (Match.YES, Match.UNKNOWN):
        found = next((item for item in judged if item.match is wanted), None)
        if found is not None:
            certain = wanted is Match.YES
            verb = "matches" if certain else f"may match ({found.failing})"
            text = f"{found.name} denies what it matches, and it {verb}"
            return Denial(held, found.held.name, (found.name,), text, certain)
    return None


def _denied_by_allow(held: RbacFilter, judged: list[_Judged]) -> Denial | None:
    if any(item.match is Match.YES for item in judged):
        return None
    certain = all(item.match is Match.NO for item in judged)
    names = tuple(dict.fromkeys(item.name for item in judged))
    told = "; ".join(f"{item.name}, {item.failing}" for item in judged[:3])
    verb = "matches" if certain else "is known to match"
    return Denial(held, NO_RULE, names, f"no ALLOW rule {verb}: {told}", certain)


def denials(mesh: Snapshot, chain: FilterChain, seen: Judged, *, http: bool) -> Iterator[Denial]:
    """The filters of a chain that deny, or may deny, a request, in their order.

    Args:
        mesh: the snapshot.
        chain: whose RBAC filters are asked.
        seen: the request as this proxy sees it.
        http: whether the HTTP filters are asked, or those for connections.
    """
    for held in chain.rbac:
        if held.is_http is not http or not held.policies:
            continue
        deny = held.action == "DENY"
        judged = [_judge(mesh, policy, seen, deny=deny) for policy in held.policies]
        denial = (_denied_by_deny if deny else _denied_by_allow)(held, judged)
        if held.action in ("ALLOW", "DENY") and denial is not None:
            yield denial
            if denial.certain:
                return


def external(chain: FilterChain) -> tuple[str, ...]:
    """The CUSTOM policies of a chain, which leave the decision to an external authorizer."""
    names = {
        f"AuthorizationPolicy {policy.source[0]}/{policy.source[1]}"
        for held in chain.rbac
        for policy in held.shadow_policies
        if policy.is_custom and policy.source
    }
    return tuple(sorted(names))
