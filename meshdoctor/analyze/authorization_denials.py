"""Calls that a proxy's RBAC filter turned away of late, and why the policies as they stand do so.

A line counts only while the newest call of the same kind was turned away too, while the policy that
did it was there at the time, and while the policies as they stand now would still do it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call
from meshdoctor.analyze.authorization_callers import (
    client_of,
    identity,
    path_of,
    request_of,
    server_port,
)
from meshdoctor.analyze.authorization_workloads import governed
from meshdoctor.intent.authorization import (
    Access,
    Decision,
    action_of,
    decide,
    judge_rules,
    policies_at,
    rules_of,
)
from meshdoctor.intent.authorization_http import asks_for_request, taken_for_tcp, wants_request
from meshdoctor.intent.authorization_match import Match
from meshdoctor.intent.authorization_request import Seen
from meshdoctor.model.kinds import REQUEST_AUTHENTICATION, SERVICE
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.intent.authorization_match import Field
    from meshdoctor.intent.authorization_request import Request
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_REFUSED = re.compile(
    r"rbac_access_denied_matched_policy\[(none|ns\[.*?\]-policy\[.*?\]-rule\[\d+\])\]"
)
_POLICY = re.compile(r"ns\[(.*?)\]-policy\[(.*?)\]-rule\[(\d+)\]")
_SLACK = timedelta(seconds=2)
"""Objects are dated to the second."""
_PASSED_SINCE = 10
"""So many like calls may have passed since, where what decides is not in the log."""


class Reason(Enum):
    """Why a call was turned away."""

    NO_RULES = "the ALLOW policies have no rules"
    DENY = "a DENY rule matched"
    IDENTITY = "a rule would match, had the call carried the caller's identity"
    TOKEN = "the rules ask for a token, and the call carried none"
    PLAIN_TCP = "its rules ask for parts of a request, and the port is taken for plain TCP"
    NO_MATCH = "no rule matches"
    UNTOLD = "whether its proxy looks at tokens, or at requests at all, was not read"


@dataclass(frozen=True, slots=True)
class Denial:
    """The newest of several like calls, all turned away."""

    governed: Governed
    pod: Resource
    """The server."""
    calls: tuple[Call, ...]
    """Oldest first."""
    client: Resource | None
    """The caller's pod; None when it is no pod that is there now."""
    request: Request
    decision: Decision
    reason: Reason
    matched: tuple[Field, ...] = ()
    """What a DENY rule that matched asks of tokens; empty where none did, or it asks for more."""

    @property
    def port(self) -> int | None:
        """The server's own port."""
        return server_port(self.calls[-1].entry)

    @property
    def policy(self) -> Resource:
        """The policy that decides, or whose rule comes nearest to matching."""
        if self.decision.policy is not None:
            return self.decision.policy
        return self.nearest[0]

    @property
    def nearest(self) -> tuple[Resource, tuple[Field, ...]]:
        """The policy whose rule comes nearest to matching, and the fields that fail."""
        if self.matched and self.decision.policy is not None:
            return self.decision.policy, self.matched
        return nearest_of(self.decision) or (policies_at_all(self.governed)[0], ())


def nearest_of(decision: Decision) -> tuple[Resource, tuple[Field, ...]] | None:
    """The policy whose rule comes nearest to matching, and the fields that fail."""
    best = min(
        decision.missed,
        key=lambda m: (sum(f.match is Match.NO for f in m.rule.fields), str(m.policy)),
        default=None,
    )
    return (best.policy, best.rule.failed) if best else None


def policies_at_all(item: Governed) -> tuple[Resource, ...]:
    """The ALLOW policies of a workload."""
    return tuple(policy for policy in item.policies if action_of(policy) == "ALLOW")


def refused_by(entry: AccessLogEntry) -> str | None:
    """``none``, or the name of the DENY rule that matched; None when RBAC did not refuse it."""
    for text in (entry.details, entry.termination):
        found = _REFUSED.search(text or "")
        if found:
            return found[1]
    return None


def _is_about_tokens(field: Field, policy: Resource) -> bool:
    if field.name in ("requestPrincipals", "notRequestPrincipals"):
        return True
    if field.name in ("values", "notValues") and "when" in field.path:
        key = policy.get(*field.path[:-1], "key")
        return isinstance(key, str) and key.startswith("request.auth.")
    return False


def _wants_token(decision: Decision) -> bool:
    """Whether some rule fails, or may fail, for want of a token alone."""
    return any(
        miss.rule.fields
        and all(
            _is_about_tokens(f, miss.policy) and "not" not in f.name.lower()[:3]
            for f in miss.rule.fields
        )
        for miss in decision.missed
    )


def _token_fields(mesh: Snapshot, decision: Decision, request: Request) -> tuple[Field, ...]:
    """What a DENY rule looks at that turns away whoever carries no token; else nothing.

    Such a rule may name paths, methods, hosts and ports that are so guarded, but nothing else of
    the caller.
    """
    policy = decision.policy
    if policy is None or decision.rule is None:
        return ()
    fields = judge_rules(mesh, policy, request)[decision.rule].judged
    of_caller = tuple(field for field in fields if "to" not in field.path)
    wanting = all(
        field.name.startswith("not") and _is_about_tokens(field, policy) for field in of_caller
    )
    return of_caller if wanting else ()


def _deny_reason(
    mesh: Snapshot,
    item: Governed,
    pod: Resource,
    request: Request,
    decision: Decision,
    client: Resource | None,
) -> Reason:
    """Why a DENY rule turns a call away: it matched, or it asks for a token in its own way."""
    if decision.policy is not None and decision.rule is not None and not request.http:
        asks = asks_for_request(rules_of(decision.policy)[decision.rule])
        if asks and taken_for_tcp(mesh, pod, _port(request)):
            return Reason.PLAIN_TCP
    # Strangers without a token at a gateway are what such a rule is there for.
    is_stranger = client is None and is_gateway(pod)
    if not is_stranger and _token_fields(mesh, decision, request):
        if item.authentications:
            return Reason.TOKEN
        if not mesh.catalog.known(REQUEST_AUTHENTICATION):
            return Reason.UNTOLD
    return Reason.DENY


def _port(request: Request) -> int | None:
    return int(request.port) if isinstance(request.port, str) else None


def _reason(
    mesh: Snapshot,
    item: Governed,
    pod: Resource,
    request: Request,
    decision: Decision,
    client: Resource | None,
) -> Reason:
    if not any(rules_of(policy) for policy in policies_at_all(item)):
        return Reason.NO_RULES
    if wants_request(decision) and not request.http:
        if not mesh.catalog.known(SERVICE):
            return Reason.UNTOLD
        if taken_for_tcp(mesh, pod, _port(request)):
            return Reason.PLAIN_TCP
    if _wants_token(decision):
        if item.authentications:
            return Reason.TOKEN
        if not mesh.catalog.known(REQUEST_AUTHENTICATION):
            return Reason.UNTOLD
    if request.principal is Seen.ABSENT and client is not None:
        known = decide(mesh, pod, request.as_peer(identity(mesh, client)))
        if known.access is Access.ALLOWED:
            return Reason.IDENTITY
    return Reason.NO_MATCH


def _was_there(policy: Resource, call: Call) -> bool:
    return policy.created is None or policy.created <= call.time + _SLACK


def _denied_by_rule(
    mesh: Snapshot, item: Governed, name: str, request: Request, call: Call
) -> Decision | None:
    """The DENY rule that a line names, when it still stands and still matches."""
    found = _POLICY.fullmatch(name)
    if found is None:
        return None
    for policy in item.policies:
        index = int(found[3])
        if (policy.namespace, policy.name) != (found[1], found[2]) or action_of(policy) != "DENY":
            continue
        if index >= len(rules_of(policy)) or not _was_there(policy, call):
            continue
        if judge_rules(mesh, policy, request)[index].match is not Match.NO:
            match = judge_rules(mesh, policy, request)[index].match
            access = Access.DENIED if match is Match.YES else Access.UNKNOWN
            return Decision(access, policy, index)
    return None


def _denied_by_none(
    mesh: Snapshot, item: Governed, pod: Resource, request: Request, call: Call
) -> Decision | None:
    """What the ALLOW policies make of a call that none of them matched, when they still do not."""
    allowing = policies_at(mesh, pod, "ALLOW")
    if not any(_was_there(policy, call) for policy in allowing):
        return None
    decision = decide(mesh, pod, request)
    if decision.access is Access.ALLOWED:
        return None
    if decision.access is Access.DENIED and decision.policy is not None:
        # A DENY policy that was made since would turn it away now; the line is older news.
        return None
    return decision


def _grouped(mesh: Snapshot, pod: Resource, proxy: Proxy) -> Iterator[tuple[Call, ...]]:
    """Like calls of the last minutes, oldest first: same caller, identity, method and path."""
    begin, passes_on = mesh.now - RECENT, is_gateway(pod)
    groups: dict[tuple[object, ...], list[Call]] = {}
    for entry in proxy.log.access if proxy.log else ():
        if entry.time is None or entry.time < begin or (entry.is_outbound and not passes_on):
            continue
        key = (entry.remote_ip, bool(entry.sni), entry.method, path_of(entry), server_port(entry))
        groups.setdefault(key, []).append(Call(proxy, entry, entry.time))
    for calls in groups.values():
        yield tuple(sorted(calls, key=lambda call: (call.time, call.entry.line)))


def _still_refused(calls: tuple[Call, ...], last: Call, *, certain: bool) -> bool:
    """Whether nothing since shows that the refusal is mended.

    Where the policies leave no doubt a later call that passed shows that they were changed; where
    a header or a token decides, calls with it pass while others are turned away.
    """
    later = len(calls) - 1 - calls.index(last)
    return later == 0 or (not certain and later <= _PASSED_SINCE)


def _denial(
    mesh: Snapshot, item: Governed, pod: Resource, calls: tuple[Call, ...]
) -> Denial | None:
    last = next((call for call in reversed(calls) if refused_by(call.entry)), None)
    name = refused_by(last.entry) if last else None
    if last is None or name is None:
        return None
    client = client_of(mesh, last.entry, last.time)
    request = request_of(mesh, last.proxy, pod, last.entry, client)
    if name == "none":
        decision = _denied_by_none(mesh, item, pod, request, last)
        deciding = policies_at_all(item)
    else:
        decision = _denied_by_rule(mesh, item, name, request, last)
        deciding = (decision.policy,) if decision and decision.policy else ()
    if decision is None:
        return None
    if not _still_refused(calls, last, certain=decision.access is Access.DENIED):
        return None
    why = _reason if name == "none" else _deny_reason
    reason = why(mesh, item, pod, request, decision, client)
    matched = _token_fields(mesh, decision, request) if name != "none" else ()
    if reason is Reason.TOKEN:
        request = replace(request, has_token=False)
    refused = tuple(
        call
        for call in calls
        if refused_by(call.entry) == name and any(_was_there(p, call) for p in deciding)
    )
    return Denial(item, pod, refused, client, request, decision, reason, matched)


@lru_cache(maxsize=2)
def denials(mesh: Snapshot) -> tuple[Denial, ...]:
    """Every kind of call that the policies in force turn away now, by server and time.

    Needs AuthorizationPolicies and pods.
    """
    found = [
        denial
        for item in governed(mesh)
        for pod, proxy in item.proxies(mesh)
        for calls in _grouped(mesh, pod, proxy)
        if (denial := _denial(mesh, item, pod, calls)) is not None
    ]
    return tuple(found)
