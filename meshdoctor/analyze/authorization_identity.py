"""Callers that a rule allows by name and that arrive without their name.

``principals``, ``namespaces`` and ``serviceAccounts`` are read from the client's certificate: a
call in plaintext has none, so such a rule cannot match it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_callers import identity
from meshdoctor.analyze.authorization_denials import Denial, Reason, policies_at_all
from meshdoctor.analyze.authorization_judging import INPUTS, Question, judge
from meshdoctor.analyze.authorization_words import (
    affected,
    denied_fact,
    everyone,
    fills,
    unlogged_fact,
)
from meshdoctor.analyze.base import holds
from meshdoctor.analyze.mtls_remedies import joining, peer_mode_change, tls_removal
from meshdoctor.analyze.mtls_servers import has_application, server_at
from meshdoctor.analyze.mtls_targets import target_of
from meshdoctor.intent.authorization import Access, decide, rules_of
from meshdoctor.intent.authorization_request import Request, Seen
from meshdoctor.intent.client_tls import client_tls
from meshdoctor.intent.inbound_capture import is_in_ambient
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD
from meshdoctor.model.pod import has_proxy, is_finished
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NEEDS_IDENTITY = "MD0702"


@dataclass(frozen=True, slots=True)
class _Plaintext:
    """Why a caller arrives without a certificate, and what mends that."""

    at_fault: str
    text: str
    evidence: tuple[Evidence, ...]
    mend: str
    undo: str


def _plaintext(mesh: Snapshot, client: Resource, server: Resource, port: int | None) -> _Plaintext:
    owner = str(mesh.workloads.owning(client))
    if not has_proxy(client):
        mend, undo = joining(mesh, [client])
        shown = (client.evidence("spec", "containers", 0, "name"),)
        return _Plaintext(
            owner, f"{owner} has no proxy, so it has no certificate to show", shown, mend, undo
        )
    at = server_at(mesh, server, port or 0)
    if at.is_disabled and at.peer is not None and at.peer.policy is not None:
        mend, undo = peer_mode_change(at.peer, "PERMISSIVE")
        text = f"the server's proxy takes no mutual TLS: {at.peer.text}"
        return _Plaintext(str(at.peer.policy), text, at.peer.evidence, mend, undo)
    target = target_of(mesh, at)
    tls = client_tls(mesh, target.host, target.port or 0, "", client.namespace, client.labels)
    if tls.setting is not None:
        mend, undo = tls_removal(tls.setting)
        text = f"{tls.setting.rule} makes {owner} send tls mode {tls.mode}"
        shown = (tls.setting.rule.evidence(*tls.mode_path),)
        return _Plaintext(str(tls.setting.rule), text, shown, mend, undo)
    text = f"{owner} has a proxy, but the call did not pass it"
    mend = f"kubectl get pod {client.name} -n {client.namespace} -o yaml"
    return _Plaintext(owner, text, (client.evidence("metadata", "name"),), mend, mend)


def _named_path(policy: Resource, name: str, namespace: str) -> tuple[str | int, ...] | None:
    """Where a policy names an identity, or its namespace."""
    for n, rule in enumerate(rules_of(policy)):
        for m, item in enumerate(as_list(as_mapping(rule).get("from"))):
            source = as_mapping(as_mapping(item).get("source"))
            for key, wanted in (
                ("principals", name),
                ("serviceAccounts", name.rpartition("/")[2]),
                ("namespaces", namespace),
            ):
                for k, value in enumerate(as_list(source.get(key))):
                    if str(value).rpartition("/")[2] == wanted.rpartition("/")[2]:
                        return ("spec", "rules", n, "from", m, "source", key, k)
    return None


def _finding(
    mesh: Snapshot,
    item: Governed,
    client: Resource,
    server: tuple[Resource, int | None],
    log: Fact,
    suffer: tuple[Affected, ...],
) -> Finding:
    name = identity(mesh, client)
    owner = str(mesh.workloads.owning(client))
    why = _plaintext(mesh, client, *server)
    policy, path = policies_at_all(item)[-1], None
    for candidate in policies_at_all(item):
        path = _named_path(candidate, name, client.namespace)
        if path is not None:
            policy = candidate
            break
    text = f"{policy} lets {name} call {item.workload}, and nobody without a certificate"
    objects = tuple(dict.fromkeys((why.at_fault, str(policy), owner)))
    return Finding(
        code=NEEDS_IDENTITY,
        subject=item.subject,
        outcome=Outcome.FAIL,
        message=f"{owner} is allowed to call {item.workload} as {name}, but {why.text}",
        resource=why.at_fault,
        objects=objects,
        facts=(
            holds("policy-names-caller", text, policy.evidence(*(path or ("spec",)))),
            holds("caller-has-no-certificate", why.text, *why.evidence),
            log,
        ),
        affected=suffer,
        fills={
            **fills(mesh, item, policy, suffer[0].to),
            "who": owner,
            "principal": name,
            "why": why.text,
            "mend": why.mend,
            "undo_mend": why.undo,
        },
    )


def _refused(mesh: Snapshot, item: Governed, found: Sequence[Denial]) -> Finding:
    newest = max(found, key=lambda denial: denial.calls[-1].time)
    client = newest.client
    assert client is not None
    owner = mesh.workloads.owning(client)
    same = [d for d in found if d.client and mesh.workloads.owning(d.client) == owner]
    suffer = affected(mesh, same)
    return _finding(mesh, item, client, (newest.pod, newest.port), denied_fact(same), suffer)


def _named(item: Governed) -> Iterator[tuple[str, str]]:
    """What the ALLOW rules name without a wildcard: fields with their values."""
    for policy in policies_at_all(item):
        for rule in rules_of(policy):
            for entry in as_list(as_mapping(rule).get("from")):
                source = as_mapping(as_mapping(entry).get("source"))
                for key in ("principals", "serviceAccounts", "namespaces"):
                    for value in as_list(source.get(key)):
                        if "*" not in str(value):
                            yield key, str(value)


@lru_cache(maxsize=2)
def _bare_identities(mesh: Snapshot) -> dict[str, list[Resource]]:
    """The identities whose pods all lack a proxy, with those that run an application."""
    by_name: dict[str, list[Resource]] = {}
    for pod in mesh.catalog.of(POD):
        if not is_finished(pod):
            by_name.setdefault(identity(mesh, pod), []).append(pod)
    return {
        name: applications
        for name, pods in by_name.items()
        if not any(has_proxy(pod) or is_in_ambient(pod) for pod in pods)
        and (applications := [pod for pod in pods if has_application(pod)])
    }


def _bare(mesh: Snapshot, item: Governed) -> Resource | None:
    """A pod without a proxy that the rules name, whose like all have none."""
    spaces = {value for key, value in _named(item) if key == "namespaces"}
    accounts = {value.rpartition("/")[2] for key, value in _named(item) if key != "namespaces"}
    if not spaces and not accounts:
        return None
    bare = _bare_identities(mesh)
    named = sorted(
        name
        for name, pods in bare.items()
        if pods[0].namespace in spaces or name.rpartition("/")[2] in accounts
    )
    server = item.pods[0]
    for name in named:
        without = decide(mesh, server, Request(principal=Seen.ABSENT))
        having = decide(mesh, server, Request(principal=name))
        if without.access is Access.DENIED and having.access is Access.ALLOWED:
            return bare[name][0]
    return None


def _configured(mesh: Snapshot, item: Governed) -> Finding | None:
    client = _bare(mesh, item)
    to = everyone(mesh, item)[0].to
    if client is None or not to:
        return None
    suffer = (Affected(str(mesh.workloads.owning(client)), to),)
    log = unlogged_fact(mesh, item)
    return _finding(mesh, item, client, (item.pods[0], None), log, suffer)


def _names_anyone(item: Governed) -> bool:
    return any(rules_of(policy) for policy in policies_at_all(item))


QUESTION = Question(
    NEEDS_IDENTITY,
    Reason.IDENTITY,
    _refused,
    _configured,
    _names_anyone,
    "nobody whom a rule names was turned away for want of a certificate",
)


@dataclass(frozen=True, slots=True)
class _NeedsIdentity:
    name: str = "authorization-identity"
    description: str = "Whoever a rule allows by identity arrives with that identity."
    inputs: tuple[str, ...] = (*INPUTS, DESTINATION_RULE.input, PEER_AUTHENTICATION.input)
    codes: tuple[str, ...] = (NEEDS_IDENTITY,)

    def analyze(self, mesh: Snapshot) -> Iterable[Finding]:
        """Judge every governed workload."""
        return judge(mesh, QUESTION)


ANALYZER = _NeedsIdentity()
