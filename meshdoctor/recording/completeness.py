"""What a recording lacks: nothing that is missing may pass for "none"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.kinds import ALL, CRD, POD, Kind
from meshdoctor.model.not_read import NotRead, NotReadStatus, ReadState
from meshdoctor.model.pod import (
    ISTIOD_CONTAINER,
    PROXY_CONTAINER,
    container_runs,
    has_proxy,
    is_finished,
    is_istiod,
    is_terminating,
    is_ztunnel,
)
from meshdoctor.recording.assembly import (
    NEEDED_ISTIOD_PARTS,
    NEEDED_PROXY_PARTS,
    NEEDED_ZTUNNEL_PARTS,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.recording.assembly import Assembly


@dataclass(frozen=True, slots=True)
class Absent:
    """Why a needed part is missing that nobody said anything about."""

    reason: str
    status: NotReadStatus = NotReadStatus.FAILED
    of_logs: str = ""
    """Why logs are missing, when it is for another reason."""

    def line(self, what: str) -> NotRead:
        """What is said of one missing part."""
        if self.of_logs and what.endswith(".log"):
            return NotRead(what, NotReadStatus.FAILED, self.of_logs)
        return NotRead(what, self.status, self.reason)


def _told(errors: Iterable[NotRead]) -> dict[str, NotRead]:
    """What the recorder said it could not read, by path with the API version left out."""
    told: dict[str, NotRead] = {}
    for error in errors:
        parts = error.what.removesuffix(".json").split("/")
        if len(parts) == 4 and parts[0] == "kubernetes":
            parts.pop(2)
        told["/".join(parts)] = error
    return told


def _partly_read(kind: Kind, version: str, errors: Iterable[NotRead]) -> bool:
    """Whether a list is there of which the recorder said that it could not read all."""
    whole = f"kubernetes/{kind.group}/{version}/{kind.plural}"
    return any(error.what.removesuffix(".json") in (whole, kind.input) for error in errors)


def kind_states(
    assembly: Assembly, errors: tuple[NotRead, ...], absent: Absent
) -> tuple[dict[Kind, ReadState], list[NotRead]]:
    """The state of every kind, and a line for each needed one that is missing without a word."""
    told = _told(errors)
    defined = None
    if CRD in assembly.resources and CRD not in assembly.failed_kinds:
        defined = {resource.name for resource in assembly.resources[CRD][1]}
    states: dict[Kind, ReadState] = {}
    missing: list[NotRead] = []
    for kind in ALL:
        error = told.get(kind.input)
        version = assembly.resources.get(kind, ("", ()))[0]
        if kind in assembly.failed_kinds or (version and _partly_read(kind, version, errors)):
            states[kind] = ReadState.UNREAD
        elif kind in assembly.resources:
            states[kind] = ReadState.READ
        elif error is not None:
            is_absent = error.status is NotReadStatus.NOT_INSTALLED
            is_fact = is_absent and kind.custom
            states[kind] = ReadState.NOT_INSTALLED if is_fact else ReadState.UNREAD
            if is_absent and not is_fact:
                # Every API server has these: "not installed" can only be a failed read.
                missing.append(NotRead(kind.input, NotReadStatus.FAILED, error.reason))
        elif kind.custom and defined is not None and kind.crd not in defined:
            states[kind] = ReadState.NOT_INSTALLED
        else:
            states[kind] = ReadState.UNREAD
            if kind.needed:
                missing.append(absent.line(kind.input))
    return states, missing


def _missing_files(
    room: str,
    pod: Resource,
    parts: Mapping[str, object] | None,
    needed: Mapping[str, str],
    absent: Absent,
) -> list[NotRead]:
    folder = f"{room}/{pod.namespace}/{pod.name}"
    if not parts:
        return [absent.line(folder)]
    return [absent.line(f"{folder}/{file}") for file, part in needed.items() if part not in parts]


def missing_parts(
    assembly: Assembly, said: set[str], absent: Absent, wanted: Callable[[Resource], bool]
) -> list[NotRead]:
    """A line for each running proxy, istiod and ztunnel whose needed files are not there.

    Args:
        assembly: what was read.
        said: paths of which something was said already; a folder speaks for its files.
        absent: why they are missing.
        wanted: whether a pod's files were to be read at all.
    """
    missing: list[NotRead] = []
    pods = assembly.resources.get(POD, ("", ()))[1]
    for pod in pods:
        if is_finished(pod) or is_terminating(pod) or not wanted(pod):
            continue
        key = (pod.namespace, pod.name)
        if has_proxy(pod) and container_runs(pod, PROXY_CONTAINER):
            parts = assembly.proxies.get(key)
            missing += _missing_files("proxies", pod, parts, NEEDED_PROXY_PARTS, absent)
        elif is_istiod(pod) and container_runs(pod, ISTIOD_CONTAINER):
            parts = assembly.istiods.get(key)
            missing += _missing_files("istiod", pod, parts, NEEDED_ISTIOD_PARTS, absent)
        elif is_ztunnel(pod) and container_runs(pod, PROXY_CONTAINER):
            parts = assembly.ztunnels.get(key)
            missing += _missing_files("ztunnels", pod, parts, NEEDED_ZTUNNEL_PARTS, absent)
    return [
        item
        for item in missing
        if item.what not in said and "/".join(item.what.split("/")[:3]) not in said
    ]
