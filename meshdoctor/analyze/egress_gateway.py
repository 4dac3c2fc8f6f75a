"""Whether the ways out of the mesh through an egress gateway are whole.

Four kinds of object have to agree on such a way: the ServiceEntry of the host, the Gateway, the
VirtualService with both hops, and the DestinationRule with the subsets that they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.access_logs import RECENT, Call, access_logs
from meshdoctor.analyze.base import PROXY_LOG, destination_subject, holds, silent, unread
from meshdoctor.analyze.destination_facts import failed_calls_text
from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.egress_gaps import Gap, first_gap
from meshdoctor.intent.egress_gateways import EgressWay, egress_ways
from meshdoctor.model.access_log import host_port
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    GATEWAY,
    POD,
    SERVICE,
    SERVICE_ENTRY,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.pod import is_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.access_logs import Calls
    from meshdoctor.model.finding import Fact
    from meshdoctor.model.snapshot import Snapshot

INCOMPLETE = "MD0155"
"""Something is missing on the way through an egress gateway."""
_DECIDING = (VIRTUAL_SERVICE, GATEWAY, SERVICE, SERVICE_ENTRY, DESTINATION_RULE, POD)


@lru_cache(maxsize=2)
def _calls_by_host(mesh: Snapshot) -> dict[str, Calls]:
    """Recent calls of every proxy by the host that the caller named, for the hosts of ways out."""
    hosts = {way.host for way in egress_ways(mesh)}
    found: dict[str, list[Call]] = {}
    for proxy in mesh.proxies.values() if hosts else ():
        for entry in proxy.log.access if proxy.log else ():
            name = host_port(entry.authority)[0] or entry.sni or ""
            if name in hosts and entry.time is not None and entry.time >= mesh.now - RECENT:
                found.setdefault(name, []).append(Call(proxy, entry, entry.time))
    return {name: tuple(sorted(calls, key=lambda call: call.time)) for name, calls in found.items()}


def _failed(call: Call) -> bool:
    return call.failed or call.entry.flagged("NR")


def _calls_fact(mesh: Snapshot, calls: Calls) -> Fact:
    fact = "calls-fail"
    failed = tuple(call for call in calls if _failed(call))
    if failed:
        newest = (call.evidence for call in reversed(failed[-3:]))
        return holds(fact, failed_calls_text(mesh, failed), *newest)
    if access_logs(mesh).unread:
        return unread(fact, "Not every proxy's access log could be read")
    return silent(fact, "The access logs hold no failed call of the last minutes")


def _affected(mesh: Snapshot, way: EgressWay, calls: Calls) -> tuple[Affected, ...]:
    """Who calls, and every place on the way."""
    places = [f"{way.host}:{way.first.destination.port}", way.first.destination.to]
    places += [leg.destination.to for leg in way.seconds]
    callers = {
        mesh.caller(call.proxy)
        for call in calls
        if (pod := mesh.pod_of(call.proxy)) is not None and not is_gateway(pod)
    }
    return tuple(
        Affected(caller, place)
        for caller in sorted(callers) or [""]
        for place in dict.fromkeys(places)
    )


def _incomplete(mesh: Snapshot, way: EgressWay, gap: Gap) -> Finding:
    calls = _calls_by_host(mesh).get(way.host, ())
    affected = _affected(mesh, way, calls)
    on_the_way = [way.first.rule, *way.gateways, *(leg.rule for leg in way.seconds)]
    objects = dict.fromkeys(map(str, (gap.object, *gap.others, *on_the_way)))
    # Calls that get through contradict what the objects say; past the gateway they may.
    works = bool(calls) and not _failed(calls[-1]) and not gap.bypass
    message = f"Requests for {way.host} do not get through the egress gateway {way.service.host}: "
    message += gap.text
    return Finding(
        code=INCOMPLETE,
        subject=destination_subject(way.host, way.first.destination.port),
        outcome=Outcome.WARN if works else Outcome.FAIL,
        message=message,
        resource=str(gap.object),
        objects=tuple(objects)[:6],
        facts=(
            holds("egress-route-incomplete", gap.text, *gap.evidence),
            _calls_fact(mesh, calls),
        ),
        affected=affected,
        root=not works,
        fills={
            "host": way.host,
            "gateway_service": way.service.host,
            "gap": gap.text,
            "outcome": gap.outcome,
            "caller": command_target(affected[0].source),
            "router": command_target(str(mesh.workloads.owning(way.pods[0]))),
            "command": gap.command,
            "undo": gap.undo,
        },
    )


def _whole(way: EgressWay) -> Finding:
    message = f"The way of {way.host} through {way.service.host} is complete"
    shown = way.first.rule.evidence(*way.first.route.path, "host")
    facts = (holds("egress-route-complete", message, shown),)
    subject = destination_subject(way.host, way.first.destination.port)
    return Finding(INCOMPLETE, subject, Outcome.PASS, message, str(way.first.rule), facts=facts)


@dataclass(frozen=True, slots=True)
class EgressGateways:
    """Every way out through an egress gateway is complete."""

    name: str = "egress-gateways"
    description: str = "Every way out of the mesh through an egress gateway is complete."
    inputs: tuple[str, ...] = (*(kind.input for kind in _DECIDING), PROXY_LOG)
    codes: tuple[str, ...] = (INCOMPLETE,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each host and gateway."""
        needs = mesh.catalog.unread(*_DECIDING)
        for way in egress_ways(mesh):
            if needs:
                message = (
                    f"Whether the way of {way.host} through a gateway is complete cannot be told"
                )
                subject = destination_subject(way.host, way.first.destination.port)
                yield Finding(
                    INCOMPLETE, subject, Outcome.UNKNOWN, message, str(way.first.rule), needs=needs
                )
                continue
            gap = first_gap(mesh, way)
            yield _incomplete(mesh, way, gap) if gap else _whole(way)


ANALYZER = EgressGateways()
