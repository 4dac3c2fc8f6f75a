"""What ztunnels could not do of late, in their own words: whatever no other analyzer explains.

The words are those of ztunnel's src/proxy.rs and src/state.rs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.ambient_facts import (
    ZTUNNEL_LOG_INPUT,
    Failure,
    affected_by,
    called,
    failures,
    server_pod,
    ztunnel_log_evidence,
)
from meshdoctor.analyze.base import destination_subject, holds, proxy_subject, workload_subject
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.resource import object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.log_line import LogLine
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.ztunnel import Ztunnel

REFUSED = "MD0510"
TROUBLED = "MD0511"
_WAYPOINT = re.compile(r'namespace: \\?"([^"\\]+)\\?", hostname: \\?"([^".\\]+)\.')
_SIGNS = (
    (
        re.compile(r"timed out waiting for workload .*from xds", re.IGNORECASE),
        "istiod has not told it of a pod that istio-cni handed it: look at istiod's load and log",
    ),
    (
        re.compile(r"permission denied", re.IGNORECASE),
        "the host denies it a socket or namespace: look at SELinux, AppArmor and the pod's rights",
    ),
    (
        re.compile(r"impersonat|signing gRPC error|identity error", re.IGNORECASE),
        "istiod gives it no certificates: look at CA_TRUSTED_NODE_ACCOUNTS and istiod's log",
    ),
    (
        re.compile(r"xds client connection error|XDS client error", re.IGNORECASE),
        "it cannot reach istiod: look at istiod's pods and port 15012",
    ),
)
_RECENT = timedelta(minutes=2)
_NOW = timedelta(minutes=1)
"""What nothing else confirms must be fresh: a mended fault leaves lines behind."""


def _subject(mesh: Snapshot, item: Failure) -> str:
    """The waypoint, workload or destination that a failure is about."""
    found = _WAYPOINT.search(item.error) if "unknown waypoint" in item.error else None
    if found is not None:
        return f"waypoint {found[1]}/{found[2]}"
    pod = server_pod(mesh, item.connection)
    if pod is not None:
        return workload_subject(mesh.workloads.owning(pod))
    host, _, port = called(mesh, item.connection).rpartition(":")
    return destination_subject(host, int(port) if port.isdecimal() else None)


def _refused(mesh: Snapshot, subject: str, found: list[Failure]) -> Finding:
    last = found[-1]
    words = last.error.partition(": waypoint ")[0]
    to = called(mesh, last.connection)
    message = f"{len(found)} connections to {to} failed of late, says ztunnel: {words}"
    kind, _, name = subject.partition(" ")
    return Finding(
        code=REFUSED,
        subject=subject,
        outcome=Outcome.WARN,
        message=message,
        resource=name if kind == "workload" else object_text("Pod", *_place(last.ztunnel)),
        facts=(holds("connections-fail", message, last.evidence),),
        affected=affected_by(mesh, found),
        root=False,
    )


def _place(ztunnel: Ztunnel) -> tuple[str, str]:
    return ztunnel.namespace, ztunnel.pod


def _troubles(mesh: Snapshot, ztunnel: Ztunnel) -> Iterator[Finding]:
    """The newest line of each kind of trouble that a ztunnel tells of."""
    newest: dict[str, LogLine] = {}
    for line in ztunnel.log.lines if ztunnel.log else ():
        if line.time is None or line.time < mesh.now - _RECENT:
            continue
        text = f"{line.message} {' '.join(value for _, value in line.fields)}"
        for pattern, why in _SIGNS:
            if pattern.search(text):
                newest[why] = line
                break
    pod = object_text("Pod", *_place(ztunnel))
    for why, line in newest.items():
        message = f"ztunnel {ztunnel.pod} says: {line.message}; {why}"
        shown = ztunnel_log_evidence(ztunnel, line.line, line.text)
        yield Finding(
            code=TROUBLED,
            subject=proxy_subject(ztunnel.id),
            outcome=Outcome.WARN,
            message=message,
            resource=pod,
            objects=(pod,),
            facts=(holds("ztunnel-says-so", message, shown),),
            affected=(Affected(pod, ""),),
            root=False,
        )


@dataclass(frozen=True, slots=True)
class AmbientFailures:
    """ztunnels carry the connections they are asked to."""

    name: str = "ambient-failures"
    description: str = "ztunnels carry the connections they are asked to."
    inputs: tuple[str, ...] = (ZTUNNEL_LOG_INPUT,)
    codes: tuple[str, ...] = (REFUSED, TROUBLED)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each destination that fails, one for each trouble of a ztunnel."""
        grouped: dict[str, list[Failure]] = {}
        for item in failures(mesh):
            time = item.connection.time
            if time is None or time < mesh.now - _NOW:
                continue
            grouped.setdefault(_subject(mesh, item), []).append(item)
        yield from (_refused(mesh, subject, found) for subject, found in grouped.items())
        for ztunnel in mesh.ztunnels:
            yield from _troubles(mesh, ztunnel)


ANALYZER = AmbientFailures()
