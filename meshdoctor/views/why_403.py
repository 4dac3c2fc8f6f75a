"""Why 403: what each policy that governs a server makes of one request.

In the order in which Istio asks: CUSTOM, DENY, ALLOW. The caller's identity is told with how it is
known, because a rule that names one cannot match a caller who arrives in plaintext.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_words import field_text
from meshdoctor.analyze.mtls_servers import server_at
from meshdoctor.analyze.mtls_targets import services_at
from meshdoctor.intent.authorization import (
    Access,
    Decision,
    action_of,
    decide,
    has_provider,
    is_enforced,
    judge_rules,
    provider_of,
)
from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.intent.policy_attachment import governing
from meshdoctor.model.kinds import AUTHORIZATION_POLICY, REQUEST_AUTHENTICATION
from meshdoctor.model.pod import pod_ip
from meshdoctor.views.caller_identity import Identity, identity_seen

if TYPE_CHECKING:
    from meshdoctor.intent.authorization_match import RuleMatch
    from meshdoctor.intent.authorization_request import Value
    from meshdoctor.model.registry import ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_ORDER = {"CUSTOM": 0, "DENY": 1, "ALLOW": 2, "AUDIT": 3}
_TCP = ("tcp", "tls", "https", "mysql", "mongo", "redis")


@dataclass(frozen=True, slots=True)
class Judged:
    """One policy in force at the server, judged for the request."""

    policy: Resource
    action: str
    rules: tuple[RuleMatch, ...]
    note: str
    """What else there is to say: a dry run, no rules, who really decides."""
    decides: bool
    """Whether the verdict is this policy's."""


@dataclass(frozen=True, slots=True)
class Why:
    """What becomes of one request, and why."""

    client: str
    """The caller's workload; empty for one that is no pod of the cluster."""
    server: str
    identity: Identity
    request: Request
    policies: tuple[Judged, ...]
    """In the order in which Istio asks them."""
    decision: Decision
    reason: str
    """The verdict and its first reason."""
    needs: tuple[str, ...] = ()
    """What was not read."""


def _service_port(mesh: Snapshot, server: Resource, port: int | None) -> ServicePort | None:
    places = services_at(mesh, server_at(mesh, server, port)) if port is not None else ()
    return places[0][1] if places else None


def _is_tcp(port: ServicePort | None) -> bool:
    """Whether a port is declared as something else than HTTP, so that no HTTP field counts."""
    said = (port.app_protocol or port.name).lower() if port else ""
    return any(said == item or said.startswith(f"{item}-") for item in _TCP)


def _completed(
    mesh: Snapshot,
    client: Resource | None,
    server: Resource,
    port: int | None,
    request: Request,
    seen: Identity,
) -> Request:
    """The request with everything that the mesh itself tells of it."""
    found = replace(request, principal=seen.principal)
    if found.source_ip is Seen.UNKNOWN and client is not None and pod_ip(client):
        found = replace(found, source_ip=pod_ip(client))
    if found.port is Seen.UNKNOWN and port is not None:
        found = replace(found, port=str(port))
    known = mesh.catalog.known(REQUEST_AUTHENTICATION)
    if found.has_token is None and known and not governing(mesh, REQUEST_AUTHENTICATION, server):
        # A token that no RequestAuthentication validates counts as none.
        found = replace(found, has_token=False)
    if _is_tcp(_service_port(mesh, server, port)):
        found = replace(found, http=False)
    # A mapping of its own kind may know that what it does not hold is not there.
    held = found.attributes
    attributes: dict[str, Value] = copy(held) if isinstance(held, dict) else dict(held)
    if address := pod_ip(server):
        attributes.setdefault("destination.ip", address)
    return replace(found, attributes=attributes)


def _note(mesh: Snapshot, policy: Resource, action: str) -> str:
    notes = []
    if not is_enforced(policy):
        notes.append("a dry run: decides nothing")
    if action == "CUSTOM":
        name = provider_of(policy)
        undefined = has_provider(mesh, policy) is False
        text = (
            "is not in mesh config: what matches is refused" if undefined else "has the last word"
        )
        notes.append(f"provider {name or '(none)'} {text}")
    if action == "AUDIT":
        notes.append("decides nothing: only marks requests for audit")
    if not policy.spec.get("rules"):
        nobody = "it lets nobody in" if action == "ALLOW" else "it does nothing"
        notes.append(f"no rules: {nobody}")
    return "; ".join(notes)


def _judged(
    mesh: Snapshot, server: Resource, service: Resource | None, request: Request, made: Decision
) -> tuple[Judged, ...]:
    deciding = {made.policy} if made.policy else {miss.policy for miss in made.missed}
    if made.access is Access.ALLOWED and made.policy is None:
        deciding = set()
    found = []
    for policy in governing(mesh, AUTHORIZATION_POLICY, server, service):
        action = action_of(policy)
        empty = action == "ALLOW" and not policy.spec.get("rules")
        refuses = made.access is Access.DENIED and made.policy is None and empty
        decides = is_enforced(policy) and (policy in deciding or refuses)
        rules = judge_rules(mesh, policy, request)
        found.append(Judged(policy, action, rules, _note(mesh, policy, action), decides))
    return tuple(sorted(found, key=lambda item: _ORDER.get(item.action, len(_ORDER))))


def _by_policy(made: Decision, policy: Resource) -> str:
    rule = f"rule {made.rule} of {policy}"
    action = action_of(policy)
    if action == "CUSTOM" and made.access is Access.UNKNOWN:
        return f"{rule} leaves it to the external authorizer {provider_of(policy)}"
    if action == "CUSTOM":
        return f"{rule} names the provider {provider_of(policy)}, which mesh config does not define"
    verb = {Access.DENIED: "denies it", Access.ALLOWED: "allows it"}.get(made.access, "may deny it")
    return f"{rule} {verb}"


def _reason(made: Decision) -> str:
    """The verdict's first reason, in a sentence."""
    if made.policy is not None:
        return _by_policy(made, made.policy)
    if made.access is Access.ALLOWED:
        return "no policy is in the way"
    if not made.missed:
        return "the ALLOW policies have no rules, so they let nobody in"
    near = min(
        made.missed, key=lambda m: (sum(f.match is Match.NO for f in m.rule.fields), str(m.policy))
    )
    fields = "; ".join(field_text(near.policy, field) for field in near.rule.failed)
    certain = (
        "no ALLOW rule matches" if made.access is Access.DENIED else "no ALLOW rule surely does"
    )
    return f"{certain}; nearest is rule {near.rule.index} of {near.policy}: {fields}"


def why(
    mesh: Snapshot,
    client: Resource | None,
    server: Resource,
    port: int | None = None,
    request: Request | None = None,
    service: Resource | None = None,
    identity: Identity | None = None,
) -> Why:
    """What the policies in force at a server make of a request, field by field.

    Args:
        mesh: the snapshot; its pods must be known.
        client: the calling pod; None for a caller that is no pod.
        server: the pod whose proxy judges.
        port: the server's own port; None when it is not known.
        request: what is known of the call (method, path, host …); the rest is taken from the mesh.
        service: at a waypoint, the Service or ServiceEntry that the request is for.
        identity: who the server takes the caller for, where that is known already.
    """
    asked = request or Request()
    seen = identity or identity_seen(mesh, client, server, port, asked)
    known = _completed(mesh, client, server, port, asked, seen)
    needs = mesh.catalog.unread(AUTHORIZATION_POLICY)
    if needs:
        made, reason = Decision(Access.UNKNOWN), "AuthorizationPolicies were not read"
    else:
        made = decide(mesh, server, known, service)
        reason = _reason(made)
    return Why(
        client=str(mesh.workloads.owning(client)) if client else "",
        server=str(mesh.workloads.owning(server)),
        identity=seen,
        request=known,
        policies=_judged(mesh, server, service, known, made),
        decision=made,
        reason=f"{made.access}: {reason}",
        needs=needs,
    )
