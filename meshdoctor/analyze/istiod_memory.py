"""Is istiod killed for memory?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds, silent
from meshdoctor.analyze.control_plane_users import namespaces_asking, pods_served
from meshdoctor.analyze.memory_kills import (
    Kill,
    Limit,
    binary_text,
    killed_for_memory,
    memory_limit,
)
from meshdoctor.intent.control_plane import controller_of, ready_pods
from meshdoctor.intent.revisions import ControlPlane, control_planes
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome, Severity
from meshdoctor.model.kinds import DEPLOYMENT, POD, SIDECAR
from meshdoctor.model.pod import ISTIOD_CONTAINER, container_path, container_status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.snapshot import Snapshot

KILLED = "MD0440"
"""istiod's container is killed for memory."""

_SMALLEST_NEW_LIMIT = 512 * 2**20
"""An istiod of an empty mesh needs some 100 MiB, more while it starts."""


def _limit_fact(limit: Limit | None) -> Fact:
    fact = "istiod-memory-limit"
    if limit is None:
        return silent(fact, "istiod has no memory limit: the node itself runs out of memory")
    return holds(fact, f"istiod may use {limit.text} of memory", limit.evidence)


def _killed_fact(kills: Sequence[Kill]) -> Fact:
    first = kills[0]
    times = "once" if first.restarts <= 1 else f"again and again, {first.restarts} times so far"
    text = f"{first.pod.name} was killed for memory (OOMKilled) and restarted {times}"
    shown = [item for kill in kills[:2] for item in (kill.evidence, kill.restarts_evidence)]
    return holds("istiod-killed-for-memory", text, *shown)


def _serves_fact(plane: ControlPlane, kills: Sequence[Kill]) -> Fact:
    ready = ready_pods(plane)
    if not ready:
        text = f"No istiod of revision {plane.revision} is ready meanwhile"
        return holds("istiod-does-not-serve", text, *(_ready_evidence(kill) for kill in kills[:2]))
    text = f"{len(ready)} istiod pod(s) of revision {plane.revision} serve at this moment"
    return holds("istiod-serves-in-between", text, ready[0].evidence("status", "phase"))


def _ready_evidence(kill: Kill) -> Evidence:
    found = container_status(kill.pod, ISTIOD_CONTAINER)
    path = found[0] if found else ("status",)
    return kill.pod.evidence(*path, "ready")


def _load_fact(mesh: Snapshot, served: int) -> Fact | None:
    """What istiod's memory goes with: proxies, services, and the lack of Sidecars."""
    if not served or not mesh.catalog.known(SIDECAR) or mesh.catalog.of(SIDECAR):
        return None
    text = (
        f"No Sidecar object limits what the {served} proxies are sent, so that each of them "
        "makes istiod build and send the whole mesh"
    )
    return silent("no-sidecar-limits-configuration", text)


def _fills(mesh: Snapshot, plane: ControlPlane, limit: Limit | None) -> dict[str, str]:
    kind, _, rest = controller_of(mesh, plane).partition(" ")
    namespace, _, name = rest.partition("/")
    target = f"{kind.lower()}/{name} -n {namespace}"
    wanted = max(2 * limit.bytes, _SMALLEST_NEW_LIMIT) if limit else _SMALLEST_NEW_LIMIT
    new = binary_text(wanted)
    before = limit.text if limit else "0"
    common = {
        "revision": plane.revision,
        "target": target,
        "limit": f"its limit of {limit.text}" if limit else "what its node has",
        "new_limit": new,
    }
    undo = f"kubectl set resources {target} -c {ISTIOD_CONTAINER} --limits=memory={before}"
    request = _request(plane)
    undo += f" --requests=memory={request}" if request else ""
    return common | {
        "mend_command": f"kubectl set resources {target} -c {ISTIOD_CONTAINER} "
        f"--limits=memory={new} --requests=memory={new}",
        "mend_undo": undo,
    }


def _request(plane: ControlPlane) -> str:
    for pod in plane.pods:
        path = container_path(pod, ISTIOD_CONTAINER)
        value = pod.get(*path, "resources", "requests", "memory") if path else None
        if value:
            return str(value)
    return ""


def _killed(mesh: Snapshot, plane: ControlPlane, kills: Sequence[Kill]) -> Finding:
    controller = controller_of(mesh, plane)
    limit = memory_limit(kills[0].pod, ISTIOD_CONTAINER)
    served = pods_served(mesh, plane)
    killed = _killed_fact(kills)
    recent = any(kill.is_recent(mesh.now) for kill in kills)
    facts = (killed, _limit_fact(limit), _serves_fact(plane, kills), _load_fact(mesh, len(served)))
    spaces = namespaces_asking(mesh, plane.revision)
    used = bool(served or spaces or len(control_planes(mesh)) == 1)
    names = sorted({str(mesh.workloads.owning(pod)) for pod in served})
    fault = recent and used
    tail = "" if limit is None else f", its limit is {limit.text}"
    return Finding(
        code=KILLED,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if fault else Outcome.WARN,
        message=f"{killed.text}{tail}",
        resource=controller,
        objects=(controller,),
        facts=tuple(fact for fact in facts if fact),
        affected=tuple(Affected(name, "") for name in names) if fault else (),
        severity=None if fault else Severity.INFO,
        root=fault,
        fills=_fills(mesh, plane, limit),
    )


def _judge(mesh: Snapshot, plane: ControlPlane) -> Finding:
    kills = [kill for pod in plane.pods if (kill := killed_for_memory(pod, ISTIOD_CONTAINER))]
    if kills:
        return _killed(mesh, plane, sorted(kills, key=lambda kill: -kill.restarts))
    controller = controller_of(mesh, plane)
    if not mesh.catalog.known(POD):
        message = f"Whether {controller} is killed for memory is not known"
        needs = mesh.catalog.unread(POD)
        return Finding(KILLED, MESH_SUBJECT, Outcome.UNKNOWN, message, controller, needs=needs)
    message = f"No pod of {controller} was killed for memory"
    shown = [
        pod.evidence(*found[0], "restartCount")
        for pod in plane.pods[:2]
        if (found := container_status(pod, ISTIOD_CONTAINER))
    ]
    facts = (holds("not-killed-for-memory", message, *shown),) if shown else ()
    outcome = Outcome.PASS
    return Finding(KILLED, MESH_SUBJECT, outcome, message, controller, facts=facts)


@dataclass(frozen=True, slots=True)
class IstiodHasMemory:
    """No istiod is killed for memory."""

    name: str = "istiod-has-memory"
    description: str = "No istiod's container is killed for memory."
    inputs: tuple[str, ...] = (POD.input, DEPLOYMENT.input)
    codes: tuple[str, ...] = (KILLED,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each control plane."""
        for plane in control_planes(mesh).values():
            yield _judge(mesh, plane)


ANALYZER = IstiodHasMemory()
