"""Does istiod restart over and over for another reason than memory?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import ISTIOD_LOG, MESH_SUBJECT, holds
from meshdoctor.analyze.memory_kills import killed_for_memory
from meshdoctor.analyze.sync_rejections import istiod_log_evidence
from meshdoctor.intent.control_plane import controller_of
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.finding import Fact, Finding, Outcome
from meshdoctor.model.kinds import POD
from meshdoctor.model.log_line import level_rank
from meshdoctor.model.pod import ISTIOD_CONTAINER, container_status
from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

RESTARTS = "MD0441"
"""istiod restarts over and over."""

_OFTEN = 2
"""One restart may be a drained node or a rolled cluster."""
_RECENT = timedelta(minutes=10)


def _last_words(mesh: Snapshot, pod: Resource) -> tuple[Fact, ...]:
    """The gravest line at the end of the log that was read: istiod says why it gives up."""
    for istiod in mesh.istiods:
        if (istiod.namespace, istiod.pod) != (pod.namespace, pod.name) or istiod.log is None:
            continue
        grave = [line for line in istiod.log.lines if line.rank >= level_rank("error")]
        if grave:
            line = max(grave, key=lambda item: (item.rank, item.line))
            text = f"istiod's log says: {line.message}"
            return (holds("istiod-says-why", text, istiod_log_evidence(istiod, line)),)
    return ()


def _restarting(mesh: Snapshot, plane: ControlPlane, pod: Resource) -> Finding | None:
    found = container_status(pod, ISTIOD_CONTAINER)
    if found is None or killed_for_memory(pod, ISTIOD_CONTAINER):
        return None
    path, status = found
    count = status.get("restartCount")
    if not isinstance(count, int) or count < _OFTEN:
        return None
    state = as_mapping(status.get("state"))
    waits = as_mapping(state.get("waiting")).get("reason") == "CrashLoopBackOff"
    for key in ("state", "lastState"):
        ended = as_mapping(as_mapping(status.get(key)).get("terminated"))
        finished = parse_time(ended.get("finishedAt"))
        if not ended or not (waits or (finished and mesh.now - finished <= _RECENT)):
            continue
        reason = f"{ended.get('reason') or 'Error'}, exit code {ended.get('exitCode')}"
        message = f"{pod.name} has restarted {count} times; it ended last with {reason}"
        controller = controller_of(mesh, plane)
        fact = holds(
            "istiod-restarts",
            message,
            pod.evidence(*path, "restartCount"),
            pod.evidence(*path, key, "terminated", "exitCode"),
        )
        return Finding(
            code=RESTARTS,
            subject=MESH_SUBJECT,
            outcome=Outcome.WARN,
            message=message,
            resource=controller,
            objects=(controller,),
            facts=(fact, *_last_words(mesh, pod)),
            root=False,
        )
    return None


@dataclass(frozen=True, slots=True)
class IstiodRunsOn:
    """No istiod restarts over and over."""

    name: str = "istiod-runs-on"
    description: str = "No istiod restarts over and over."
    inputs: tuple[str, ...] = (POD.input, ISTIOD_LOG)
    codes: tuple[str, ...] = (RESTARTS,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One warning for each replica that restarts; an istiod that is down is MD0400's."""
        for plane in control_planes(mesh).values():
            for pod in plane.pods:
                finding = _restarting(mesh, plane, pod)
                if finding is not None:
                    yield finding


ANALYZER = IstiodRunsOn()
