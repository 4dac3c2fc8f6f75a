"""The policies that judge a request before it is routed, by their objects: JWT, then RBAC."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.jwt_keys import PLACEHOLDER, jwt_rules
from meshdoctor.intent.authorization import Access, action_of, decide, policies_at
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.envoy import JwtProvider
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, REQUEST_AUTHENTICATION
from meshdoctor.model.resource import as_list
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.gates import DRAIN, Passage, Refusal
from meshdoctor.trace.judged import gatekeeping, judged
from meshdoctor.trace.key_fetch import why_no_key
from meshdoctor.trace.tokens import DENIED, NO_KEY, judge_providers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.analyze.jwt_keys import JwtRule
    from meshdoctor.intent.authorization import Decision
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail

_FORBIDDEN = 403
_SHARE = {Access.ALLOWED: 0.0, Access.DENIED: 1.0}


def _providers(trail: Trail, rules: tuple[JwtRule, ...]) -> tuple[list[JwtProvider], str]:
    """The providers that istiod would make of the rules, and why some of them know no key."""
    found, because = [], ""
    for index, rule in enumerate(rules):
        # Without a token no key is asked for; so istiod's own request asks for none.
        why = None if trail.request.has_token is False else why_no_key(trail, rule)
        because = because or why or ""
        named = as_list(rule.policy.get(*rule.path, "audiences"))
        found.append(
            JwtProvider(
                name=f"origins-{index}",
                issuer=rule.issuer,
                audiences=tuple(str(item) for item in named),
                local_jwks=PLACEHOLDER if why else rule.inline or None,
                remote_uri="",
                remote_cluster="",
                pointer="",
            )
        )
    return found, because


def _tokens(
    trail: Trail, branch: Branch, pod: Resource, place: Place
) -> tuple[list[Refusal], bool | None]:
    """What RequestAuthentications make of the token, and whether a validated one stands behind."""
    policies = governing(trail.mesh, REQUEST_AUTHENTICATION, pod)
    rules = tuple(rule for policy in policies for rule in jwt_rules(policy))
    providers, keyless = _providers(trail, rules)
    verdict = judge_providers(trail.mesh, tuple(providers), trail.request)
    if verdict is None:
        return [], False
    objects = tuple(str(policy) for policy in policies)
    refused, doubtful = verdict.refused, verdict.may_be_refused
    because = keyless if refused == NO_KEY else verdict.because
    state = Verdict.FAILS if refused else Verdict.PASSES
    trail.hop(
        branch,
        place,
        "RequestAuthentication",
        ", ".join(item.issuer for item in providers),
        Verdict.MAY_FAIL if doubtful and not refused else state,
        because,
        objects=objects,
        evidence=tuple(item.evidence("spec", "jwtRules") for item in policies[:2]),
        basis=Basis.INTENT,
    )
    if refused is not None:
        status, reason = refused
        return [Refusal(status, f"{DENIED}{{{reason}}}", branch.share, because, objects)], None
    if doubtful is not None:
        status, reason = doubtful
        when = "if it brings a token that is not valid"
        text = f"{DENIED}{{{reason}}}"
        return [Refusal(status, text, 0.0, because, objects, condition=when)], None
    return [], verdict.validated


def _is_draining(mesh: Snapshot, policies: Iterable[Resource]) -> bool:
    """Whether a policy came so lately that connections from before it may still live on."""
    times = [policy.changed for policy in policies]
    return any(time is not None and mesh.now - time < DRAIN for time in times)


def _said(found: Decision, policies: tuple[Resource, ...]) -> tuple[str, Verdict, tuple[str, ...]]:
    deciding = [found.policy] if found.policy else [miss.policy for miss in found.missed]
    if not deciding and found.access is Access.DENIED:
        # ALLOW policies without any rule let nobody in.
        deciding = [policy for policy in policies if action_of(policy) == "ALLOW"]
    objects = tuple(dict.fromkeys(str(policy) for policy in deciding))
    if found.access is Access.ALLOWED:
        return "AuthorizationPolicies let it pass", Verdict.PASSES, objects
    if found.access is Access.DENIED:
        return f"denied by {', '.join(objects)}", Verdict.FAILS, objects
    return f"{', '.join(objects)} may deny it", Verdict.MAY_FAIL, objects


def pass_policies(
    trail: Trail,
    branch: Branch,
    pod: Resource,
    port: int,
    place: Place,
    arrival: Arrival | None,
) -> Passage:
    """What becomes of a request at the policies in force at a pod.

    Args:
        trail: takes the hops.
        branch: where it stands.
        pod: whose proxy enforces them.
        port: of that pod.
        place: where the proxy stands.
        arrival: the connection that the request comes by; None for a gateway's own clients.
    """
    mesh = trail.mesh
    http = trail.request.http if arrival is None else arrival.http
    refusals: list[Refusal] = []
    validated: bool | None = False
    if not mesh.catalog.known(REQUEST_AUTHENTICATION):
        trail.miss(REQUEST_AUTHENTICATION.input, "whether its token is taken")
    elif http:
        refusals, validated = _tokens(trail, branch, pod, place)
        if any(item.share for item in refusals):
            fresh = _is_draining(mesh, governing(mesh, REQUEST_AUTHENTICATION, pod))
            return Passage(tuple(refusals), 0.0, fresh)
    if not mesh.catalog.known(AUTHORIZATION_POLICY):
        trail.miss(AUTHORIZATION_POLICY.input, "whether the caller is allowed")
        return Passage(tuple(refusals), branch.share)
    policies = policies_at(mesh, pod)
    seen = judged(mesh, trail.request, arrival, port, validated)
    found = decide(mesh, pod, seen)
    text, verdict, objects = _said(found, policies)
    trail.hop(
        branch,
        place,
        "AuthorizationPolicy",
        pod.name,
        verdict,
        text if policies else "no AuthorizationPolicy is in force here",
        objects=objects,
        evidence=tuple(item.evidence("spec") for item in policies[:2]),
        basis=Basis.INTENT,
        gatekeeping=gatekeeping(seen, arrival, pod, port),
    )
    part = _SHARE.get(found.access, 0.5) * branch.share
    if part:
        rule = "none"
        if found.policy is not None and found.rule is not None:
            rule = f"ns[{found.policy.namespace}]-policy[{found.policy.name}]-rule[{found.rule}]"
        details = f"rbac_access_denied_matched_policy[{rule}]" if http else "rbac_deny_close"
        refusals.append(Refusal(_FORBIDDEN if http else 0, details, part, text, objects))
    return Passage(
        tuple(refusals), branch.share - part, bool(part) and _is_draining(mesh, policies)
    )
