"""Calls that AuthorizationPolicies turn away for asking HTTP of a port that is taken for TCP.

The policy is right for the application; the port's name keeps the proxy from seeing requests.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_denials import Denial, Reason
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_words import (
    affected,
    denied_fact,
    everyone,
    unlogged_fact,
)
from meshdoctor.analyze.base import holds
from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.port_protocol_fix import declare
from meshdoctor.intent.authorization import Access, decide, rules_of
from meshdoctor.intent.authorization_http import asks_for_request, taken_for_tcp, wants_request
from meshdoctor.intent.authorization_request import Request
from meshdoctor.intent.port_protocol import declared_as, declared_at
from meshdoctor.model.finding import Finding, Outcome
from meshdoctor.model.kinds import SERVICE
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.finding import Affected, Fact
    from meshdoctor.model.registry import ServiceHost, ServicePort
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PLAIN_TCP = "MD0136"


def _policy(item: Governed) -> Resource:
    """The first policy with a rule that asks for a request."""
    asking = [p for p in item.policies if any(map(asks_for_request, rules_of(p)))]
    return asking[0]


def _finding(
    item: Governed,
    where: tuple[ServiceHost, ServicePort],
    log: Fact,
    suffer: tuple[Affected, ...],
) -> Finding:
    owner, port = where
    policy, said = _policy(item), declared_as(owner, port)
    index = next(n for n, rule in enumerate(rules_of(policy)) if asks_for_request(rule))
    text = (
        f"Rule {index} of {policy} asks for parts of a request, and port {port.number} of "
        f"{owner.resource} is {said}: the proxy of {item.workload} sees no request"
    )
    source = next((each.source for each in suffer), "")
    return Finding(
        code=PLAIN_TCP,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=text,
        resource=str(owner.resource),
        objects=(str(owner.resource), str(policy)),
        facts=(
            holds(
                "port-declared-otherwise",
                text,
                owner.resource.evidence(*declared_at(owner, port)),
                policy.evidence("spec", "rules", index),
            ),
            replace(log, id="proxies-follow-it"),
            replace(log, id="calls-show-it"),
        ),
        affected=suffer,
        fills={
            "summary": (
                f"Port {port.number} of {owner.resource} is {said}, so the proxy of "
                f"{item.workload} hands its bytes on as plain TCP and sees no request. Rule "
                f"{index} of {policy} asks for parts of a request: on such a port an ALLOW rule "
                "matches nothing and a DENY rule everything, and connections are closed"
            ),
            "consequence": f"{policy} turns its callers away",
            "port": str(port.number),
            "said": said,
            "caller": command_target(source),
            **declare(owner, port, "http"),
        },
    )


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    pairs = (taken_for_tcp(mesh, denial.pod, denial.port) for denial in found)
    where = next(pair for pair in pairs if pair is not None)
    return _finding(item, where, denied_fact(found), affected(mesh, found))


def _configured(mesh: Snapshot, item: Governed) -> Finding | None:
    """Whoever connects, no rule can match: every port of it is taken for TCP."""
    pod = item.pods[0]
    where = None if is_gateway(pod) else taken_for_tcp(mesh, pod, None)
    decision = decide(mesh, pod, Request(http=False))
    if where is None or decision.access is not Access.DENIED or not wants_request(decision):
        return None
    return _finding(item, where, unlogged_fact(mesh, item), everyone(mesh, item))


def _possible(item: Governed) -> bool:
    return any(asks_for_request(rule) for policy in item.policies for rule in rules_of(policy))


QUESTION = Question(
    PLAIN_TCP,
    Reason.PLAIN_TCP,
    _refused,
    _configured,
    _possible,
    "no call was turned away for want of a request on a port that is taken for TCP",
)


@dataclass(frozen=True, slots=True)
class _OnTcp:
    name: str = "authorization-on-tcp"
    description: str = "No AuthorizationPolicy asks HTTP of a port that proxies take for TCP."
    inputs: tuple[str, ...] = (*INPUTS, SERVICE.input)
    codes: tuple[str, ...] = (PLAIN_TCP,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _OnTcp()
