"""The status of pods and containers, as a kubelet writes it (core/v1 PodStatus)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import spec_of, uid_of
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.object_store import Object


def _status(container: Mapping[str, Any], state: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "name": container.get("name"),
        "image": container.get("image"),
        "imageID": "",
        "lastState": {},
        "restartCount": 0,
        "ready": False,
        "started": False,
        "state": state,
        **more,
    }


def running(
    container: Mapping[str, Any], now: str, *, ready: bool, ended: bool = False
) -> dict[str, Any]:
    """A container that runs, or an init container that has done its work.

    Args:
        container: of the pod's spec.
        now: RFC 3339.
        ready: whether its readiness probe succeeds.
        ended: whether it has run to its end.
    """
    if ended:
        done = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
        return _status(container, {"terminated": done}, ready=True)
    return _status(container, {"running": {"startedAt": now}}, ready=ready, started=True)


def waiting(container: Mapping[str, Any], reason: str, message: str = "") -> dict[str, Any]:
    """A container that does not run yet."""
    state = {"reason": reason, **({"message": message} if message else {})}
    return _status(container, {"waiting": state})


def never_pulled(container: Mapping[str, Any]) -> dict[str, Any]:
    """A container whose image is on no node and may not be pulled."""
    message = f'Container image "{container.get("image")}" is not present with pull policy of Never'
    return waiting(container, "ErrImageNeverPull", message)


def crashed(container: Mapping[str, Any], seen: Object, now: str) -> dict[str, Any]:
    """A container that fares as the same one did in the recording.

    Args:
        container: of the pod's spec.
        seen: the recorded status.
        now: RFC 3339.
    """
    state = as_mapping(seen.get("state"))
    if "running" in state:
        return _status(
            container, {"running": {"startedAt": now}}, started=bool(seen.get("started"))
        )
    return _status(container, state, lastState=as_mapping(seen.get("lastState")))


def _condition(kind: str, now: str, reason: str = "", message: str = "") -> dict[str, Any]:
    made: dict[str, Any] = {
        "type": kind,
        "status": "False" if reason else "True",
        "lastProbeTime": None,
        "lastTransitionTime": now,
    }
    return {**made, "reason": reason, "message": message} if reason else made


def _unready(statuses: list[dict[str, Any]], word: str) -> str:
    names = " ".join(str(one["name"]) for one in statuses if not one["ready"])
    return f"containers with {word} status: [{names}]" if names else ""


def whole_status(
    pod: Object,
    init: list[dict[str, Any]],
    main: list[dict[str, Any]],
    now: str,
    *,
    address: str,
    host: str,
) -> dict[str, Any]:
    """The status of a pod that was scheduled.

    Args:
        pod: with its spec.
        init: the statuses of its init containers.
        main: the statuses of its other containers.
        now: RFC 3339.
        address: the pod's own.
        host: its node's.
    """
    started = _unready(init, "incomplete")
    sidecars = {
        str(one.get("name"))
        for one in as_list(spec_of(pod).get("initContainers"))
        if one.get("restartPolicy") == "Always"
    }
    counted = [one for one in init if one["name"] in sidecars] + main
    ready = _unready(counted, "unready")
    gates = [
        _condition("PodReadyToStartContainers", now),
        _condition("Initialized", now, "ContainersNotInitialized" if started else "", started),
        _condition("Ready", now, "ContainersNotReady" if ready else "", ready),
        _condition("ContainersReady", now, "ContainersNotReady" if ready else "", ready),
        _condition("PodScheduled", now),
    ]
    for one in (*init, *main):
        one.setdefault("containerID", f"containerd://{uid_of(pod).replace('-', '')}{one['name']}")
    return {
        "phase": "Pending" if started else "Running",
        "conditions": gates,
        "hostIP": host,
        "hostIPs": [{"ip": host}],
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        **({"initContainerStatuses": init} if init else {}),
        "containerStatuses": main,
        "qosClass": _quality(pod),
    }


def _quality(pod: Object) -> str:
    """BestEffort where no container asks for anything; nothing here tells the others apart."""
    every = [
        as_mapping(one)
        for key in ("initContainers", "containers")
        for one in as_list(spec_of(pod).get(key))
    ]
    asks = any(as_mapping(one.get("resources")) for one in every)
    return "Burstable" if asks else "BestEffort"


def unschedulable(now: str, nodes: int) -> dict[str, Any]:
    """The status of a pod that no node takes.

    Args:
        now: RFC 3339.
        nodes: how many there are.
    """
    message = (
        f"0/{nodes} nodes are available: {nodes} node(s) didn't match Pod's node affinity/selector."
    )
    return {
        "phase": "Pending",
        "conditions": [_condition("PodScheduled", now, "Unschedulable", message)],
        "qosClass": "Burstable",
    }
