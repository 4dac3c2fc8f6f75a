"""Do Jobs complete: does no classic sidecar outlive the work?

A pod completes when all its containers have ended. A sidecar among the containers never ends by
itself; a native one stands among the init containers and is stopped by the kubelet when the work
is done (kubernetes.io, Sidecar Containers).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, workload_subject
from meshdoctor.analyze.container_exits import application_statuses
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import JOB, POD, REPLICA_SET
from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_path,
    container_runs,
    container_status,
    is_finished,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping, object_text, parse_time
from meshdoctor.model.workload import CONTROLLERS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

OUTLIVES = "MD0332"
_CRON_JOB = "CronJob"
_SCHEDULED = re.compile(r"(?P<cron_job>.+)-\d{8,10}")
"""A CronJob names its Jobs after itself and the minute (pkg/controller/cronjob)."""
_ENDLESS = frozenset(kind.name for kind in (*CONTROLLERS, REPLICA_SET))
"""Controllers whose pods are not meant to end."""
_NATIVE = "sidecar.istio.io/nativeSidecar"
_ADDED_LABELS = (
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
)
_WINDING_DOWN = timedelta(seconds=20)
"""A workload that stops its own sidecar needs a moment to do so."""


def _ended_at(pod: Resource) -> datetime | None:
    """When the last application container ended; None while one runs or is to run again."""
    times = []
    for _, status in application_statuses(pod):
        ended = as_mapping(as_mapping(status.get("state")).get("terminated"))
        finished = parse_time(ended.get("finishedAt"))
        if finished is None:
            return None
        restarts = pod.spec.get("restartPolicy") == "Always"
        if restarts or (ended.get("exitCode") and pod.spec.get("restartPolicy") == "OnFailure"):
            return None
        times.append(finished)
    return max(times, default=None)


def _is_held_up(mesh: Snapshot, pod: Resource) -> bool:
    path = container_path(pod, PROXY_CONTAINER)
    if path is None or path[1] != "containers" or is_finished(pod) or is_terminating(pod):
        return False
    ended = _ended_at(pod)
    return (
        ended is not None
        and mesh.now - ended >= _WINDING_DOWN
        and container_runs(pod, PROXY_CONTAINER)
    )


def _cron_job(workload: Workload) -> str | None:
    """The CronJob that makes a Job: by its owner, else, where that is unread, by its name."""
    if workload.resource is not None:
        for owner in map(as_mapping, as_list(workload.resource.metadata.get("ownerReferences"))):
            if owner.get("kind") == _CRON_JOB:
                return str(owner.get("name"))
        return None
    named = _SCHEDULED.fullmatch(workload.name)
    return named["cron_job"] if named else None


def _proofs(pod: Resource) -> Iterator[Evidence]:
    for path, _ in application_statuses(pod):
        yield pod.evidence(*path, "state", "terminated", "exitCode")


def _make_native(workload: Workload, cron_job: str | None) -> tuple[str, str]:
    """The command that gives the next pods a native sidecar, and the one that undoes it."""
    space = workload.namespace
    if cron_job:
        command = f"kubectl patch cronjob {cron_job} -n {space} --type merge -p"

        def patch(value: str | None) -> str:
            template = {"metadata": {"annotations": {_NATIVE: value}}}
            spec = {"spec": {"jobTemplate": {"spec": {"template": template}}}}
            return f"{command} '{json.dumps(spec)}'"

        return patch("true"), patch(None)
    kind = workload.kind.lower()
    # A Job's template cannot be changed: the Job is made anew, without what its controller added.
    path = ".spec.template.metadata" if workload.kind == JOB.name else ".metadata"
    added = ", ".join(f'{path}.labels["{key}"]' for key in _ADDED_LABELS)
    clean = f"del(.metadata.uid, .metadata.resourceVersion, .status, .spec.selector, {added})"
    change = f'{path}.annotations["{_NATIVE}"]'
    show = f"kubectl get {kind} {workload.name} -n {space} -o json"
    again = "kubectl replace --force -f -"
    return (
        f"{show} | jq '{clean} | {change}=\"true\"' | {again}",
        f"{show} | jq '{clean} | del({change})' | {again}",
    )


def _outlives(workload: Workload, pods: list[Resource]) -> Finding:
    cron_job = _cron_job(workload)
    job = str(workload)
    maker = object_text(_CRON_JOB, workload.namespace, cron_job) if cron_job else ""
    pod = pods[0]
    proxy = container_status(pod, PROXY_CONTAINER)
    running = (pod.evidence(*proxy[0], "state", "running", "startedAt"),) if proxy else ()
    place = container_path(pod, PROXY_CONTAINER) or ()
    message = (
        f"The work of {job} is done, and its pod {pod.name} does not complete: {PROXY_CONTAINER} "
        "runs on beside it"
    )
    where = f"{pod.name} -n {pod.namespace}"
    command, undo = _make_native(workload, cron_job)
    return Finding(
        code=OUTLIVES,
        subject=workload_subject(workload),
        outcome=Outcome.FAIL,
        message=message,
        resource=job,
        objects=(maker, job) if maker else (job,),
        facts=(
            holds("work-has-ended", f"The application of {pod.name} has ended", *_proofs(pod)),
            holds("sidecar-runs-on", f"{PROXY_CONTAINER} of {pod.name} still runs", *running),
            holds(
                "sidecar-is-classic",
                f"{PROXY_CONTAINER} stands among the containers, so the pod waits for it",
                pod.evidence(*place, "name"),
            ),
        ),
        affected=(Affected(job, ""),),
        fills={
            "job": job,
            "pod": pod.name,
            "space": pod.namespace,
            "end_command": f"kubectl exec {where} -c {PROXY_CONTAINER} -- pilot-agent request POST "
            "quitquitquit",
            "command": command,
            "undo": undo,
        },
    )


def _native(workload: Workload, pod: Resource) -> Finding:
    message = f"The sidecar of {workload}'s pods is native: it ends when the work is done"
    path = container_path(pod, PROXY_CONTAINER) or ()
    fact = holds("sidecar-is-native", message, pod.evidence(*path, "name"))
    subject, resource = workload_subject(workload), str(workload)
    return Finding(OUTLIVES, subject, Outcome.PASS, message, resource, facts=(fact,))


@dataclass(frozen=True, slots=True)
class JobCompletionAnalyzer:
    """Looks at the pods of Jobs that have a sidecar."""

    name: str = "job-completion"
    description: str = "Jobs complete when their work is done"
    # A pod's owner names its Job, too: the list only adds the CronJob behind it.
    inputs: tuple[str, ...] = (POD.input,)
    codes: tuple[str, ...] = (OUTLIVES,)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each Job with a sidecar."""
        for workload in mesh.workloads.all:
            if workload.kind in _ENDLESS:
                continue
            held_up = [pod for pod in workload.pods if _is_held_up(mesh, pod)]
            if held_up:
                yield _outlives(workload, held_up)
                continue
            for pod in workload.running_pods:
                path = container_path(pod, PROXY_CONTAINER)
                if path is not None and path[1] == "initContainers":
                    yield _native(workload, pod)
                    break


ANALYZER = JobCompletionAnalyzer()
