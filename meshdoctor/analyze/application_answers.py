"""How the application of one pod answered of late, as the proxy beside it saw it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.proxy_evidence import host_evidence
from meshdoctor.analyze.server_connections import calls_at

if TYPE_CHECKING:
    from meshdoctor.analyze.access_logs import Call, Calls
    from meshdoctor.analyze.destinations_in_use import Use
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NEWEST = 20
"""So many of the latest answers count."""
_STILL = 4
"""One of so many newest answers must be an error: else the fault is mended."""
_FEWEST = 3
_SHARE = 0.25
_COUNTED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Answers:
    """How one pod's application answered of late."""

    pod: Resource
    port: int
    text: str
    fails: bool
    from_log: bool
    evidence: tuple[Evidence, ...]
    status: str = ""
    erred_last: bool = False
    """Whether an error is the newest thing seen: too little to say that all is well."""


def is_application_error(call: Call) -> bool:
    """Whether the application itself sent a server error."""
    entry = call.entry
    return entry.code >= 500 and not entry.flags and entry.details == "via_upstream"


def _fails(calls: Calls) -> bool:
    errors = [call for call in calls if is_application_error(call)]
    if not any(is_application_error(call) for call in calls[-_STILL:]):
        return False
    enough = len(errors) >= _FEWEST or (len(errors) == len(calls) and len(errors) > 1)
    return enough and len(errors) / len(calls) >= _SHARE


def answers_in_log(mesh: Snapshot, use: Use, pod: Resource, port: int) -> Answers | None:
    """What the access log shows of an application's latest answers; None when it shows none."""
    calls = calls_at(mesh, use, pod, port)[-NEWEST:]
    if not calls:
        return None
    errors = [call for call in calls if is_application_error(call)]
    if not _fails(calls):
        said = calls[-1].outcome
        text = f"the application of {pod.name} answers: {said} last"
        if calls[-1].entry.flags:
            text = f"the proxy of {pod.name} logs {said}, so the application sent no answer"
        last = (calls[-1].evidence,)
        erred = is_application_error(calls[-1])
        return Answers(pod, port, text, fails=False, from_log=True, evidence=last, erred_last=erred)
    status = ", ".join(sorted({str(call.entry.code) for call in errors}))
    text = f"{pod.name} itself answered {status} to {len(errors)} of its last {len(calls)} requests"
    shown = tuple(call.evidence for call in reversed(errors[-3:]))
    return Answers(pod, port, text, fails=True, from_log=True, evidence=shown, status=status)


def answers_counted(mesh: Snapshot, pod: Resource, port: int) -> Answers | None:
    """What the server's proxy counted since it started, where its log does not tell."""
    proxy = mesh.proxy_of(pod)
    if proxy is None or proxy.hosts is None:
        return None
    name = f"inbound|{port}||"
    hosts = proxy.hosts.hosts_of(name)
    errors = sum(host.rq_error for host in hosts)
    total = errors + sum(host.rq_success for host in hosts)
    if not total or any(host.cx_connect_fail for host in hosts):
        return None
    fails = errors >= _FEWEST and errors / total >= _COUNTED_SHARE
    text = f"{pod.name} itself answered {errors} of {total} requests with an error"
    shown = tuple(host_evidence(proxy, name, host) for host in hosts[:1])
    return Answers(pod, port, text, fails=fails, from_log=False, evidence=shown, status="5xx")
