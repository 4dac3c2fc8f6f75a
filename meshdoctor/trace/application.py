"""Whether the application itself takes a connection, as counters, settings and its state tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.application_binding import localhost_sign
from meshdoctor.analyze.application_ports import application_containers, port_sign
from meshdoctor.analyze.server_connections import Answer, counted_connections
from meshdoctor.model.pod import container_status, is_finished
from meshdoctor.model.trace import Basis, Place, Verdict
from meshdoctor.trace.owners import services_at
from meshdoctor.trace.replies import Kind, Reply

if TYPE_CHECKING:
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.arrival import Arrival
    from meshdoctor.trace.trail import Branch, Trail


_VERDICTS = {Kind.ANSWERED: Verdict.PASSES, Kind.REFUSED: Verdict.FAILS, None: Verdict.MAY_FAIL}
_SAID = {
    Kind.ANSWERED: "the application answers",
    Kind.REFUSED: "nothing takes the connection",
    None: "whether anything listens is not known",
}


def _is_down(pod: Resource) -> tuple[str, tuple[Evidence, ...]] | None:
    """Why no container of the application runs, if none does."""
    if is_finished(pod):
        return "the pod has run to its end", (pod.evidence("status", "phase"),)
    found = []
    for _, container in application_containers(pod):
        status = container_status(pod, str(container.get("name")))
        if status is None or "running" in (status[1].get("state") or {"running": 0}):
            return None
        found.append(status)
    if not found:
        return None
    path, status_of = found[0]
    state = next(iter(status_of.get("state") or {}), "waiting")
    reason = (status_of.get("state") or {}).get(state, {}).get("reason") or state
    where = pod.evidence(*path, "state", state)
    return f"its container {status_of.get('name')} does not run ({reason})", (where,)


def _by_sender(arrival: Arrival) -> tuple[bool, str] | None:
    """What the sender's proxy counts of a host that has no proxy of its own."""
    status = arrival.host.status if arrival.host else None
    if status is None or not status.cx_total:
        return None
    if status.cx_connect_fail >= status.cx_total and not status.rq_total:
        return False, f"all {status.cx_total} connections to {arrival.name} failed"
    return True, f"connections to {arrival.name} were made before"


def _signs(
    trail: Trail, pod: Resource, port: int, *, local: bool
) -> tuple[Kind | None, str, tuple[Evidence, ...]]:
    """What settings say where nothing was counted; the kind is None where they say nothing sure."""
    loopback = None if local else localhost_sign(trail.mesh, pod, port)
    if loopback is not None:
        text = f"it listens on localhost only: {loopback.text}"
        return Kind.REFUSED, text, loopback.evidence
    owner = trail.mesh.workloads.owning(pod).resource
    sign = port_sign(trail.mesh, pod, owner if owner is not pod else None, port)
    if sign is not None and not sign.own:
        return None, sign.text, sign.evidence
    text = sign.text if sign else "nothing says that it does not listen there"
    return Kind.ANSWERED, text, sign.evidence if sign else ()


def answer(
    trail: Trail,
    branch: Branch,
    arrival: Arrival,
    pod: Resource,
    port: int,
    *,
    proxied: bool,
    local: bool = False,
) -> list[Reply]:
    """How the application behind a port ends the request.

    Args:
        trail: takes the hop.
        branch: where it stands.
        arrival: what comes.
        pod: the server.
        port: of the application.
        proxied: whether its own proxy makes the connection, whose counters then tell.
        local: whether the connection is made to localhost, as a Sidecar's ``ingress`` may ask.
    """
    owner = str(trail.mesh.workloads.owning(pod))
    name = f"{pod.name} port {port}"
    counted = counted_connections(trail.mesh, pod, port) if proxied else None
    down = _is_down(pod)
    sent = None if proxied else _by_sender(arrival)
    kind: Kind | None = Kind.ANSWERED
    evidence: tuple[Evidence, ...] = ()
    if down is not None:
        kind, text, evidence = Kind.REFUSED, *down
    elif counted is not None and counted.answer is Answer.REFUSED:
        kind, text, evidence = Kind.REFUSED, counted.text, counted.evidence
    elif counted is not None and counted.answer is Answer.ACCEPTED:
        text, evidence = counted.text, counted.evidence
    elif sent is not None:
        kind, text = (Kind.ANSWERED if sent[0] else Kind.REFUSED), sent[1]
    else:
        kind, text, evidence = _signs(trail, pod, port, local=local)
    said = f"{_SAID[kind]}: {text}"
    trail.hop(
        branch,
        Place.APPLICATION,
        "application",
        name,
        _VERDICTS[kind],
        said,
        objects=(owner,),
        evidence=evidence,
        basis=Basis.RUNTIME if counted or sent else Basis.INTENT,
    )
    if kind is None:
        trail.miss(f"what {pod.name} listens on", "whether the application takes the connection")
        half = branch.share / 2
        return [Reply(k, half, said, (owner,)) for k in (Kind.REFUSED, Kind.ANSWERED)]
    behind = services_at(trail.mesh, pod, port) if kind is Kind.REFUSED and not down else ()
    return [Reply(kind, branch.share, said, (*behind, owner))]
