"""DestinationRules whose ``tls`` the servers cannot understand.

Three ways to get there: plaintext to a STRICT server, mutual TLS to a pod without a proxy, mutual
TLS to a port where PeerAuthentication switched it off. Automatic mTLS gets none of these wrong; a
rule that sets ``tls`` switches it off for its host.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_CONFIG, PROXY_LOG, holds
from meshdoctor.analyze.mtls_agreements import (
    no_mutual_to_disabled,
    no_mutual_to_plain_pod,
    no_plaintext_to_strict,
)
from meshdoctor.analyze.mtls_encounters import encounters
from meshdoctor.analyze.mtls_facts import (
    affected_by,
    client_fact,
    failed_calls,
    requests_fail,
    server_fact,
)
from meshdoctor.analyze.mtls_refusals import refusals
from meshdoctor.analyze.mtls_remedies import (
    checks,
    joining,
    peer_mode_change,
    tls_removal,
    tls_to_istio_mutual,
)
from meshdoctor.analyze.mtls_servers import workloads_of
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.model.envoy import TlsMode
from meshdoctor.model.finding import Finding, Outcome, Severity
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD, SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.analyze.mtls_refusals import Refusal
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

PLAINTEXT_TO_STRICT = "MD0200"
MUTUAL_TO_PLAIN_POD = "MD0202"
MUTUAL_TO_DISABLED = "MD0203"
_CODES = (PLAINTEXT_TO_STRICT, MUTUAL_TO_PLAIN_POD, MUTUAL_TO_DISABLED)

RULE_SETS_MODE = "destinationrule-sets-mode"
SERVER_IS_STRICT = "server-is-strict"
SERVER_HAS_NO_PROXY = "server-has-no-proxy"
SERVER_IS_DISABLED = "server-is-disabled"
UNDERSTOOD = "client-and-server-agree"

_NEEDED = (DESTINATION_RULE, SERVICE, POD)
_MOST_NAMED = 3


def _named(names: Iterable[str]) -> str:
    """A few names; the rest are counted."""
    found = list(names)
    shown = ", ".join(found[:_MOST_NAMED])
    return f"{shown} and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else shown


def _rule_fact(meeting: Encounter) -> Fact:
    setting = meeting.tls.setting
    assert setting is not None
    text = f"{setting.rule} sets tls mode {meeting.tls.mode} for {meeting.destination}"
    return holds(RULE_SETS_MODE, text, setting.rule.evidence(*meeting.tls.mode_path))


def _a_client(mesh: Snapshot, meeting: Encounter, failed: Calls) -> str:
    """Proxy id of a client to look at: one whose calls failed, else that calls, else any."""
    for calls in (failed, meeting.calls(mesh)):
        if calls:
            return calls[-1].proxy.id
    return next((f"{pod.name}.{pod.namespace}" for pod in meeting.pods), "")


def _problem(
    mesh: Snapshot,
    code: str,
    meeting: Encounter,
    message: str,
    *,
    objects: Iterable[Resource],
    facts: tuple[Fact, ...],
    failed: Calls,
    refused: tuple[Refusal, ...] = (),
    contradicted: bool,
    fills: Mapping[str, str],
) -> Finding:
    """A FAIL; a WARN that names no root cause where nobody calls or the proxies say otherwise."""
    names = tuple(dict.fromkeys(str(item) for item in objects))
    counts = bool(failed or refused) or (meeting.is_wanted(mesh) and not contradicted)
    setting = meeting.tls.setting
    assert setting is not None
    remove, keep = tls_removal(setting)
    if contradicted and not counts:
        message += "; the proxies that were read do not hold this, so nothing suffers from it now"
    return Finding(
        code=code,
        subject=meeting.subject,
        outcome=Outcome.FAIL if counts else Outcome.WARN,
        message=message,
        resource=names[0],
        objects=names[:6],
        facts=facts,
        affected=affected_by(
            mesh, meeting, failed, [item.client for item in refused if item.client is not None]
        ),
        severity=None if counts else Severity.WARNING,
        root=counts,
        fills={
            "rule": str(setting.rule),
            "mode": meeting.tls.mode.value,
            "destination": str(meeting.destination),
            "host": meeting.destination.host,
            "remove_tls": remove,
            "restore_tls": keep,
            **checks(_a_client(mesh, meeting, failed), meeting.destination.host),
            **fills,
        },
    )


def _policies(servers: Iterable[Server]) -> list[Resource]:
    found = [s.peer.policy for s in servers if s.peer and s.peer.policy]
    return list(dict.fromkeys(found))


def _mode_evidence(servers: Iterable[Server]) -> tuple[Evidence, ...]:
    shown = [item for s in servers if s.peer for item in s.peer.evidence]
    return tuple(dict.fromkeys(shown))[:_MOST_NAMED]


def _refused(mesh: Snapshot, meeting: Encounter, servers: list[Server]) -> tuple[Refusal, ...]:
    """How these servers turned these clients away since the rule was made, newest first."""
    assert meeting.tls.setting is not None
    born = meeting.tls.setting.rule.created
    pods, clients = {s.pod for s in servers}, set(meeting.pods)
    return tuple(
        item
        for item in reversed(refusals(mesh))
        if item.server.pod in pods
        and item.client in clients
        and (born is None or item.time >= born)
    )


def _plaintext_to_strict(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    strict = [server for server in meeting.servers if server.is_strict]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.DISABLE or setting is None or not strict:
        return None
    peer = strict[0].peer
    assert peer is not None
    policies = _policies(strict)
    failed = failed_calls(mesh, meeting, strict, [setting.rule, *policies], plaintext=True)
    refused = _refused(mesh, meeting, strict)
    held, client_differs = client_fact(mesh, meeting, TlsMode.NONE)
    taken, server_differs = server_fact(mesh, strict, tls_only=True)
    who = _named(workloads_of(mesh, strict))
    strict_text = f"{who} takes only mutual TLS: {peer.text}"
    mutual, plain = tls_to_istio_mutual(setting)
    return _problem(
        mesh,
        PLAINTEXT_TO_STRICT,
        meeting,
        f"{setting.rule} sends plaintext to {meeting.destination}, but {strict_text}",
        objects=[setting.rule, *policies],
        facts=(
            _rule_fact(meeting),
            holds(SERVER_IS_STRICT, strict_text, *_mode_evidence(strict)),
            held,
            taken,
            requests_fail(mesh, meeting, failed, refused),
        ),
        failed=failed,
        refused=refused,
        contradicted=client_differs or server_differs,
        fills={
            "servers": who,
            "policy": str(peer.policy),
            "use_istio_mutual": mutual,
            "use_plaintext": plain,
        },
    )


def _mutual_to_plain_pod(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    plain = [server for server in meeting.servers if not server.has_proxy]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL or setting is None or not plain:
        return None
    failed = failed_calls(mesh, meeting, plain, [setting.rule], plaintext=False)
    held, differs = client_fact(mesh, meeting, TlsMode.ISTIO_MUTUAL)
    who = _named(workloads_of(mesh, plain))
    share = "no pod" if len(plain) == len(meeting.servers) else "not every pod"
    text = f"{share} of {meeting.destination.to} has a proxy: {who} has none"
    shown = [server.pod.evidence("spec", "containers", 0, "name") for server in plain]
    join, leave = joining(mesh, [server.pod for server in plain])
    return _problem(
        mesh,
        MUTUAL_TO_PLAIN_POD,
        meeting,
        f"{setting.rule} demands mutual TLS of {meeting.destination}, but {text}",
        objects=[setting.rule],
        facts=(
            _rule_fact(meeting),
            holds(SERVER_HAS_NO_PROXY, text[0].upper() + text[1:], *shown[:_MOST_NAMED]),
            held,
            requests_fail(mesh, meeting, failed),
        ),
        failed=failed,
        contradicted=differs,
        fills={"servers": who, "join_mesh": join, "leave_mesh": leave},
    )


def _newest_first(rule: Resource, policy: Resource) -> list[Resource]:
    """The later change is the one that broke what worked; of two alike the policy.

    Putting the policy back restores encryption, taking the rule away gives it up.
    """
    by_rule, by_policy = rule.created, policy.created
    if by_rule is not None and by_policy is not None and by_rule > by_policy:
        return [rule, policy]
    return [policy, rule]


def _mutual_to_disabled(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    disabled = [server for server in meeting.servers if server.is_disabled]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL or setting is None or not disabled:
        return None
    peer = disabled[0].peer
    assert peer is not None
    assert peer.policy is not None
    policies = _policies(disabled)
    failed = failed_calls(mesh, meeting, disabled, [setting.rule, *policies], plaintext=False)
    held, client_differs = client_fact(mesh, meeting, TlsMode.ISTIO_MUTUAL)
    taken, server_differs = server_fact(mesh, disabled, tls_only=False)
    who = _named(workloads_of(mesh, disabled))
    text = f"{who} does not speak TLS at all: {peer.text}"
    permit, forbid = peer_mode_change(peer, "PERMISSIVE")
    return _problem(
        mesh,
        MUTUAL_TO_DISABLED,
        meeting,
        f"{setting.rule} demands mutual TLS of {meeting.destination}, but {text}",
        objects=[*_newest_first(setting.rule, peer.policy), *policies],
        facts=(
            _rule_fact(meeting),
            holds(SERVER_IS_DISABLED, text, *_mode_evidence(disabled)),
            held,
            taken,
            requests_fail(mesh, meeting, failed),
        ),
        failed=failed,
        contradicted=client_differs or server_differs,
        fills={
            "servers": who,
            "policy": str(peer.policy),
            "permit_tls": permit,
            "forbid_tls": forbid,
        },
    )


_CHECKS = {
    PLAINTEXT_TO_STRICT: _plaintext_to_strict,
    MUTUAL_TO_PLAIN_POD: _mutual_to_plain_pod,
    MUTUAL_TO_DISABLED: _mutual_to_disabled,
}
_TURNS_ON_POLICY = {
    PLAINTEXT_TO_STRICT: ClientMode.DISABLE,
    MUTUAL_TO_DISABLED: ClientMode.ISTIO_MUTUAL,
}
_AGREEMENTS = {
    PLAINTEXT_TO_STRICT: no_plaintext_to_strict,
    MUTUAL_TO_PLAIN_POD: no_mutual_to_plain_pod,
    MUTUAL_TO_DISABLED: no_mutual_to_disabled,
}


def _agreement(code: str, meeting: Encounter) -> Finding | None:
    """A PASS: why this encounter cannot fail in the code's way; None where that is not so."""
    found = _AGREEMENTS[code](meeting)
    if found is None:
        return None
    text, shown = found
    setting = meeting.tls.setting
    return Finding(
        code=code,
        subject=meeting.subject,
        outcome=Outcome.PASS,
        message=text,
        resource=str(setting.rule if setting else meeting.service.resource),
        facts=(holds(UNDERSTOOD, text, *shown),),
    )


def _cannot_tell(code: str, meeting: Encounter, needs: tuple[str, ...]) -> Finding:
    return Finding(
        code=code,
        subject=meeting.subject,
        outcome=Outcome.UNKNOWN,
        message=f"What the servers of {meeting.destination} demand could not be read",
        resource=str(meeting.service.resource),
        needs=needs,
    )


def _judge(mesh: Snapshot, code: str, meeting: Encounter) -> Finding | None:
    found = _CHECKS[code](mesh, meeting)
    if found is not None:
        return found
    unread = mesh.catalog.unread(PEER_AUTHENTICATION)
    matters = _TURNS_ON_POLICY.get(code) is meeting.tls.mode and meeting.tls.setting is not None
    if unread and matters and any(server.enforces for server in meeting.servers):
        return _cannot_tell(code, meeting, unread)
    return _agreement(code, meeting)


def _worst_first(judged: Iterable[Finding | None]) -> Iterator[Finding]:
    """Of a destination and a code: every problem, else what is unknown, else one PASS."""
    found = [item for item in judged if item is not None]
    for outcomes in ((Outcome.FAIL, Outcome.WARN), (Outcome.UNKNOWN,), (Outcome.PASS,)):
        chosen = [item for item in found if item.outcome in outcomes]
        if chosen:
            yield from chosen if Outcome.FAIL in outcomes else chosen[:1]
            return


@dataclass(frozen=True, slots=True)
class _MtlsOfDestinationRules:
    name: str = "mtls-destination-rules"
    description: str = "What DestinationRules say about TLS is what their servers understand."
    inputs: tuple[str, ...] = (
        DESTINATION_RULE.input,
        PEER_AUTHENTICATION.input,
        SERVICE.input,
        POD.input,
        PROXY_CONFIG,
        PROXY_LOG,
    )
    codes: tuple[str, ...] = _CODES

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every encounter of clients and servers, three codes each."""
        needs = mesh.catalog.unread(*_NEEDED)
        if needs:
            text = "Which DestinationRule meets which pods cannot be told"
            return [
                Finding(code, MESH_SUBJECT, Outcome.UNKNOWN, text, "mesh", needs=needs)
                for code in _CODES
            ]
        by_subject: dict[str, list[Encounter]] = {}
        # What a rule sets tells more than that others set nothing.
        for meeting in sorted(encounters(mesh), key=lambda item: item.tls.setting is None):
            by_subject.setdefault(meeting.subject, []).append(meeting)
        return [
            finding
            for meetings in by_subject.values()
            for code in _CODES
            for finding in _worst_first(_judge(mesh, code, item) for item in meetings)
        ]


ANALYZER = _MtlsOfDestinationRules()
