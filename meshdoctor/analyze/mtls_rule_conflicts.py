"""The three ways in which a DestinationRule's ``tls`` misses its servers, each as a finding.

Plaintext to a STRICT server, mutual TLS to a pod without a proxy, mutual TLS to a port where
PeerAuthentication switched it off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.mtls_facts import (
    affected_by,
    client_fact,
    failed_calls,
    requests_fail,
    server_fact,
    was_cut,
    was_garbled,
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
from meshdoctor.analyze.pod_evidence import container_names
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.model.envoy import TlsMode
from meshdoctor.model.finding import Finding, Outcome, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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

RULE_SETS_MODE = "destinationrule-sets-mode"
SERVER_IS_STRICT = "server-is-strict"
SERVER_HAS_NO_PROXY = "server-has-no-proxy"
SERVER_IS_DISABLED = "server-is-disabled"

_MOST_NAMED = 3


def named(names: Iterable[str]) -> str:
    """A few names; the rest are counted."""
    found = list(names)
    shown = ", ".join(found[:_MOST_NAMED])
    return f"{shown} and {len(found) - _MOST_NAMED} more" if len(found) > _MOST_NAMED else shown


def rule_fact(meeting: Encounter) -> Fact:
    """The fact that a DestinationRule sets the clients' mode (one must)."""
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


def problem(
    mesh: Snapshot,
    code: str,
    meeting: Encounter,
    message: str,
    *,
    objects: Iterable[Resource | str],
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
    pods = {server.pod for server in servers}
    return tuple(
        item
        for item in reversed(refusals(mesh))
        if item.server.pod in pods
        and item.client is not None
        and any(c.includes(item.client.namespace, item.client.labels) for c in meeting.clients)
        and (born is None or item.time >= born)
    )


def plaintext_to_strict(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    """A rule with mode DISABLE, and servers that demand mutual TLS."""
    strict = [server for server in meeting.servers if server.is_strict]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.DISABLE or setting is None or not strict:
        return None
    peer = strict[0].peer
    assert peer is not None
    policies = _policies(strict)
    failed = failed_calls(mesh, meeting, strict, [setting.rule, *policies], shows=was_cut)
    refused = _refused(mesh, meeting, strict)
    held, client_differs = client_fact(mesh, meeting, TlsMode.NONE)
    taken, server_differs = server_fact(mesh, strict, tls_only=True)
    who = named(workloads_of(mesh, strict))
    strict_text = f"{who} takes only mutual TLS: {peer.text}"
    mutual, plain = tls_to_istio_mutual(setting)
    return problem(
        mesh,
        PLAINTEXT_TO_STRICT,
        meeting,
        f"{setting.rule} sends plaintext to {meeting.destination}, but {strict_text}",
        objects=[setting.rule, *policies],
        facts=(
            rule_fact(meeting),
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


def mutual_to_plain_pod(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    """A rule with mode ISTIO_MUTUAL, and pods that have neither sidecar nor ztunnel."""
    plain = [server for server in meeting.servers if not server.has_proxy]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL or setting is None or not plain:
        return None
    failed = failed_calls(mesh, meeting, plain, [setting.rule], shows=was_garbled)
    held, differs = client_fact(mesh, meeting, TlsMode.ISTIO_MUTUAL)
    who = named(workloads_of(mesh, plain))
    share = "no pod" if len(plain) == len(meeting.servers) else "not every pod"
    text = f"{share} of {meeting.destination.to} has a proxy: {who} has none"
    shown = [item for server in plain[:_MOST_NAMED] for item in container_names(server.pod)]
    join, leave = joining(mesh, [server.pod for server in plain])
    return problem(
        mesh,
        MUTUAL_TO_PLAIN_POD,
        meeting,
        f"{setting.rule} demands mutual TLS of {meeting.destination}, but {text}",
        objects=[setting.rule, *workloads_of(mesh, plain)],
        facts=(
            rule_fact(meeting),
            holds(SERVER_HAS_NO_PROXY, text[0].upper() + text[1:], *shown),
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


def mutual_to_disabled(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    """A rule with mode ISTIO_MUTUAL, and servers whose sidecars do not terminate TLS."""
    disabled = [server for server in meeting.servers if server.is_disabled]
    setting = meeting.tls.setting
    if meeting.tls.mode is not ClientMode.ISTIO_MUTUAL or setting is None or not disabled:
        return None
    peer = disabled[0].peer
    assert peer is not None
    assert peer.policy is not None
    policies = _policies(disabled)
    failed = failed_calls(mesh, meeting, disabled, [setting.rule, *policies], shows=was_garbled)
    held, client_differs = client_fact(mesh, meeting, TlsMode.ISTIO_MUTUAL)
    taken, server_differs = server_fact(mesh, disabled, tls_only=False)
    who = named(workloads_of(mesh, disabled))
    text = f"{who} does not speak TLS at all: {peer.text}"
    permit, forbid = peer_mode_change(peer, "PERMISSIVE")
    return problem(
        mesh,
        MUTUAL_TO_DISABLED,
        meeting,
        f"{setting.rule} demands mutual TLS of {meeting.destination}, but {text}",
        objects=[*_newest_first(setting.rule, peer.policy), *policies],
        facts=(
            rule_fact(meeting),
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
