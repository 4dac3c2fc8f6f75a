"""How the containers of a pod ended: by what code, for what reason, with what last words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.model.container_log import log_path
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.pod import PROXY_CONTAINER, container_statuses
from meshdoctor.model.resource import as_mapping, parse_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from meshdoctor.model.finding import Fact
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

RESTARTED_LATELY = timedelta(minutes=10)
"""A container that ended within this time is restarting, whatever it does at this moment."""
CAPTURE_CONTAINERS = frozenset({"istio-init", "istio-validation"})
"""Init containers of injection's own, which set up or check the redirection of traffic."""
_KILLED = 137
"""Exit code of a process that was killed (128 + SIGKILL)."""


@dataclass(frozen=True, slots=True)
class Crash:
    """A container that ends and is started again."""

    pod: Resource
    container: str
    path: tuple[str | int, ...]
    """Of its status within the pod."""
    restarts: int
    ended: tuple[str | int, ...] | None
    """Path of the newest ending within the pod; None where it is not told."""
    code: int | None
    reason: str
    """Kubernetes' word: ``Error``, ``OOMKilled``, ``Completed``; empty for none."""
    is_init: bool

    @property
    def how(self) -> str:
        """How it ends, in words."""
        if self.reason == "OOMKilled":
            return "it is killed because it takes more memory than its limit (OOMKilled)"
        if self.code is None:
            return "how it ends is not told"
        if self.code == 0:
            return "it ends by itself with exit code 0, as if its work were done"
        if self.code == _KILLED:
            return "it is killed from outside (exit code 137, SIGKILL)"
        return f"it ends by itself with exit code {self.code}"

    @property
    def text(self) -> str:
        """The whole in a sentence."""
        kind = "init container" if self.is_init else "container"
        times = f"{self.restarts} time{'s' if self.restarts != 1 else ''}"
        who = f"{kind} {self.container} of {self.pod.name}"
        return f"{who} ends and is restarted ({times}): {self.how}"


def _endings(status: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for key in ("state", "lastState"):
        if ended := as_mapping(as_mapping(status.get(key)).get("terminated")):
            yield key, ended


def _is_restarting(status: Mapping[str, Any], now: datetime) -> bool:
    waiting = as_mapping(as_mapping(status.get("state")).get("waiting"))
    if waiting.get("reason") == "CrashLoopBackOff":
        return True
    for _, ended in _endings(status):
        finished = parse_time(ended.get("finishedAt"))
        if finished is not None and now - finished <= RESTARTED_LATELY:
            return True
    return False


def application_statuses(
    pod: Resource,
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Statuses of the pod's own containers, the proxy's left out."""
    for path, status in container_statuses(pod):
        if path[1] == "containerStatuses" and status.get("name") != PROXY_CONTAINER:
            yield path, status


def restarted_lately(pod: Resource, now: datetime) -> bool:
    """Whether an application container ended a short while ago, or waits to be started again."""
    return any(_is_restarting(status, now) for _, status in application_statuses(pod))


def _crash(pod: Resource, path: tuple[str | int, ...], status: Mapping[str, Any]) -> Crash:
    key, ended = next(_endings(status), ("", {}))
    code, restarts = ended.get("exitCode"), status.get("restartCount")
    return Crash(
        pod=pod,
        container=str(status.get("name") or ""),
        path=path,
        restarts=restarts if isinstance(restarts, int) else 0,
        ended=(*path, key, "terminated") if key else None,
        code=code if isinstance(code, int) else None,
        reason=str(ended.get("reason") or ""),
        is_init=path[1] == "initContainerStatuses",
    )


def crash_of(pod: Resource, now: datetime) -> Crash | None:
    """The application container of a pod that ends and is restarted; None for none."""
    restarting = [item for item in application_statuses(pod) if _is_restarting(item[1], now)]
    # The one that was restarted most tells more than one that has only just ended.
    restarting.sort(key=lambda item: -(item[1].get("restartCount") or 0))
    for path, status in restarting:
        return _crash(pod, path, status)
    return None


def init_crash(pod: Resource, *, of_capture: bool) -> Crash | None:
    """An init container that fails over and over, so that the pod never starts.

    Args:
        pod: the pod.
        of_capture: whether those of injection's own are asked for, or the application's.
    """
    for path, status in container_statuses(pod):
        name = status.get("name")
        if path[1] != "initContainerStatuses" or name == PROXY_CONTAINER:
            continue
        waiting = as_mapping(as_mapping(status.get("state")).get("waiting")).get("reason")
        code = next((ended.get("exitCode") for _, ended in _endings(status)), None)
        fails = waiting == "CrashLoopBackOff" or code not in (None, 0)
        if fails and status.get("ready") is not True and (name in CAPTURE_CONTAINERS) == of_capture:
            return _crash(pod, path, status)
    return None


def last_words(mesh: Snapshot, crash: Crash) -> Evidence | None:
    """The last line of the container's log, of the run before where there is one."""
    pod = crash.pod
    for previous in (True, False):
        path = log_path(pod.namespace, pod.name, crash.container, previous=previous)
        log = mesh.container_logs.get(path)
        if log is not None and log.lines:
            number, text = log.lines[-1]
            flag = " --previous" if previous else ""
            command = f"kubectl logs {pod.name} -n {pod.namespace} -c {crash.container}{flag}"
            return Evidence(path, text, command, line=number)
    return None


def crash_facts(mesh: Snapshot, crash: Crash) -> tuple[Fact, ...]:
    """``container-restarts`` and ``exit-is-told``, with the container's last words."""
    shown = [crash.pod.evidence(*crash.path, "restartCount")]
    restarts = holds("container-restarts", crash.text, *shown)
    if crash.ended is None:
        return restarts, unread("exit-is-told", "The pod's status does not say how it ended")
    parts = [key for key in ("exitCode", "reason") if crash.pod.get(*crash.ended, key) is not None]
    proof = [crash.pod.evidence(*crash.ended, key) for key in parts]
    if not proof:
        return restarts, silent("exit-is-told", "The pod's status does not say how it ended")
    told = holds("exit-is-told", f"Container {crash.container}: {crash.how}", *proof)
    words = last_words(mesh, crash)
    if words is None:
        return restarts, told
    text = f"The last thing it says is: {words.excerpt.strip()[:200]}"
    return restarts, told, holds("last-words", text, words)


def crash_fills(mesh: Snapshot, crash: Crash) -> dict[str, str]:
    """Words about a crash for a cause's templates."""
    words = last_words(mesh, crash)
    said = f' The last thing it says is "{words.excerpt.strip()[:200]}".' if words else ""
    where = f"{crash.pod.name} -n {crash.pod.namespace} -c {crash.container}"
    previous = " --previous" if crash.restarts else ""
    return {
        "container": f"{'init container' if crash.is_init else 'container'} {crash.container}",
        "how": crash.how,
        "said": said,
        "restarts": str(crash.restarts),
        "log_command": f"kubectl logs {where}{previous}",
    }
