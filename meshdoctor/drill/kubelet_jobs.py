"""Pods of Jobs: their work ends, and whether the pod does depends on its sidecar.

A pod has succeeded when all its containers have ended. A native sidecar is stopped by the kubelet
when the others have ended; a classic one runs on until somebody ends it
(kubernetes.io, Sidecar Containers; istio.io, pilot-agent's ``/quitquitquit``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.kubelet_status import running, whole_status
from meshdoctor.drill.objects import PODS, controller_of, spec_of, status_of
from meshdoctor.drill.pods import is_live
from meshdoctor.model.kinds import JOB
from meshdoctor.model.pod import PROXY_CONTAINER
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.object_store import name_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.drill.state import State
    from meshdoctor.serve.object_store import Object

_STOPS_SIDECAR = "quitquitquit"


def _works(pod: Object) -> bool:
    """Whether the work of a Job's pod is under way, and nothing keeps it from its end."""
    if controller_of(pod).get("kind") != JOB.name or not is_live(pod):
        return False
    if spec_of(pod).get("restartPolicy", "Always") == "Always":
        return False
    statuses = _applications(pod)
    return bool(statuses) and all(
        one.get("ready") and "running" in as_mapping(one.get("state")) for one in statuses
    )


def _applications(pod: Object) -> list[Mapping[str, Any]]:
    return [
        as_mapping(one)
        for one in as_list(status_of(pod).get("containerStatuses"))
        if as_mapping(one).get("name") != PROXY_CONTAINER
    ]


def _stops_its_sidecar(pod: Object) -> bool:
    """Whether an application asks the sidecar's agent to quit when its work is done."""
    return any(
        _STOPS_SIDECAR in json.dumps([one.get(key) for key in ("command", "args", "lifecycle")])
        for one in map(as_mapping, as_list(spec_of(pod).get("containers")))
        if one.get("name") != PROXY_CONTAINER
    )


def finish_job(state: State, pod: Object) -> State:
    """Let the work of a Job's pod end, and the pod with it unless a sidecar outlives it."""
    if state.recorded.get(PODS, *name_of(pod)) is not None or not _works(pod):
        return state
    now, stops = state.timestamp, _stops_its_sidecar(pod)
    init = [
        running(one, now, ready=True, ended=True)
        for one in map(as_mapping, as_list(spec_of(pod).get("initContainers")))
    ]
    main = [
        running(one, now, ready=True)
        if one.get("name") == PROXY_CONTAINER and not stops
        else _ended(one, now)
        for one in map(as_mapping, as_list(spec_of(pod).get("containers")))
    ]
    return state.put(PODS, _with_status(pod, init, main, now))


def _ended(container: Mapping[str, Any], now: str) -> dict[str, Any]:
    return {**running(container, now, ready=False, ended=True), "ready": False}


def _with_status(
    pod: Object, init: list[dict[str, Any]], main: list[dict[str, Any]], now: str
) -> dict[str, Any]:
    """A pod whose containers fare so; it has succeeded when all have ended."""
    before = status_of(pod)
    place = {"address": str(before.get("podIP") or ""), "host": str(before.get("hostIP") or "")}
    status = whole_status(pod, init, main, now, **place)
    status["startTime"] = before.get("startTime", now)
    if all("terminated" in as_mapping(one["state"]) for one in main):
        status["phase"] = "Succeeded"
    return {**pod, "status": status}


def proxy_quits(pod: Object, now: str) -> dict[str, Any]:
    """A pod whose proxy was told to quit: it ends, or is started again where containers are.

    Args:
        pod: with a proxy that runs.
        now: RFC 3339.
    """
    again = spec_of(pod).get("restartPolicy", "Always") == "Always"
    spec = {
        str(as_mapping(one).get("name")): as_mapping(one)
        for key in ("initContainers", "containers")
        for one in as_list(spec_of(pod).get(key))
    }

    def after(status: Mapping[str, Any]) -> dict[str, Any]:
        name = str(status.get("name"))
        if name != PROXY_CONTAINER:
            return dict(status)
        if again or spec[name].get("restartPolicy") == "Always":
            count = int(status.get("restartCount") or 0) + 1
            ready = bool(status.get("ready"))
            return {**running(spec[name], now, ready=ready), "restartCount": count}
        return _ended(spec[name], now)

    init, main = (
        [after(as_mapping(one)) for one in as_list(status_of(pod).get(key))]
        for key in ("initContainerStatuses", "containerStatuses")
    )
    return _with_status(pod, init, main, now)
