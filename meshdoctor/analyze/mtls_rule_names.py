"""A DestinationRule that accepts other names than its servers' certificates carry.

``subjectAltNames`` of a ``tls`` with mode ISTIO_MUTUAL replaces the service accounts that istiod
would have put there (pilot/pkg/networking/core/cluster_tls.go); Envoy then turns down every server
whose certificate carries none of them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.mtls_facts import (
    client_proxies,
    failed_calls,
    requests_fail,
    transport_text,
)
from meshdoctor.analyze.mtls_rule_conflicts import named, problem, rule_fact
from meshdoctor.analyze.mtls_servers import workloads_of
from meshdoctor.analyze.proxy_evidence import cluster_origin_evidence
from meshdoctor.intent.client_tls import ClientMode
from meshdoctor.intent.identities import accepts, identities_of, service_account
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.analyze.mtls_encounters import Encounter
    from meshdoctor.analyze.mtls_servers import Server
    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.finding import Fact, Finding
    from meshdoctor.model.snapshot import Snapshot

NAME_MISSED = "MD0207"

RULE_NAMES = "destinationrule-names-identities"
SERVER_IS_OTHER = "server-has-another-identity"
CLIENT_HOLDS_NAMES = "client-holds-names"
VERIFY_FAILED = "CERTIFICATE_VERIFY_FAILED"
"""What BoringSSL says of a certificate that is not accepted."""

_MOST_ASKED = 100
_MOST_SHOWN = 3


def names_of(meeting: Encounter) -> tuple[str, ...]:
    """The names that the clients' rule accepts in Istio's mutual TLS; none where it sets none."""
    setting = meeting.tls.setting
    if setting is None or meeting.tls.mode is not ClientMode.ISTIO_MUTUAL:
        return ()
    return tuple(map(str, as_list(as_mapping(setting.value).get("subjectAltNames"))))


def was_distrusted(entry: AccessLogEntry) -> bool:
    """Whether a client's line says that it did not accept the server's certificate."""
    return VERIFY_FAILED in transport_text(entry)


def _turned_down(mesh: Snapshot, meeting: Encounter, names: tuple[str, ...]) -> list[Server]:
    """Servers that answer with a certificate that carries none of the names."""
    return [
        server
        for server in meeting.servers
        if server.enforces
        and not server.is_disabled
        and not accepts(names, identities_of(mesh, server.pod))
    ]


def _client_fact(mesh: Snapshot, meeting: Encounter, names: tuple[str, ...]) -> tuple[Fact, bool]:
    """Whether the clients' clusters accept these names alone, and whether they contradict it."""
    name = meeting.destination.cluster
    others = False
    for proxy in islice(client_proxies(mesh, meeting), _MOST_ASKED):
        cluster = proxy.config.cluster(name) if proxy.config else None
        if cluster is None:
            continue
        if set(cluster.sans) == set(names):
            text = f"The proxy of {mesh.caller(proxy)} accepts no other name at {name}"
            shown = cluster_origin_evidence(proxy, cluster)
            return holds(CLIENT_HOLDS_NAMES, text, shown), False
        others = True
    if others:
        text = "The clients' proxies that were read do not hold these names"
        return silent(CLIENT_HOLDS_NAMES, text), True
    return unread(CLIENT_HOLDS_NAMES, f"No client's cluster {name} could be read"), False


def name_missed(mesh: Snapshot, meeting: Encounter) -> Finding | None:
    """A rule whose names are not those of its servers' service accounts."""
    names = names_of(meeting)
    servers = _turned_down(mesh, meeting, names) if names else []
    setting = meeting.tls.setting
    if not servers or setting is None:
        return None
    path = (*setting.path, "subjectAltNames")
    wanted = sorted({str(i) for server in servers for i in identities_of(mesh, server.pod)})
    # Where only some are turned down, what the others are known by must stay.
    kept = [
        n for n in names if any(accepts((n,), identities_of(mesh, s.pod)) for s in meeting.servers)
    ]
    correct, restore = replace_value(setting.rule, path, [*kept, *wanted])
    remove, put_back = replace_value(setting.rule, path, None)
    who = named(workloads_of(mesh, servers))
    failed = failed_calls(mesh, meeting, servers, [setting.rule], shows=was_distrusted)
    held, differs = _client_fact(mesh, meeting, names)
    others = f"{who} is {named(wanted)}"
    text = f"{setting.rule} accepts only {named(names)} at {meeting.destination}"
    shown = [setting.rule.evidence(*path, n) for n in range(min(len(names), _MOST_SHOWN))]
    accounts = [item.pod.evidence(*service_account(item.pod)[1]) for item in servers[:_MOST_SHOWN]]
    return problem(
        mesh,
        NAME_MISSED,
        meeting,
        f"{text}, but {others}",
        objects=[setting.rule, *workloads_of(mesh, servers)],
        facts=(
            holds(RULE_NAMES, text, *shown),
            holds(SERVER_IS_OTHER, others, *accounts),
            rule_fact(meeting),
            held,
            requests_fail(mesh, meeting, failed),
        ),
        failed=failed,
        contradicted=differs,
        fills={
            "servers": who,
            "names": named(names),
            "identities": named(wanted),
            "correct_names": correct,
            "restore_names": restore,
            "remove_names": remove,
            "put_back_names": put_back,
        },
    )
