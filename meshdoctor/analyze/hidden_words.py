"""What is said of a destination that is hidden from a client, and of how to show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.destination_findings import command_target
from meshdoctor.analyze.visibility_remedies import (
    discover,
    export_words,
    widen_export,
    widen_sidecar,
)
from meshdoctor.intent.sidecar_scope import REGISTRY_ONLY, egress_hosts, outbound_mode
from meshdoctor.intent.visibility import Hider, View

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.analyze.client_attempts import Attempt
    from meshdoctor.model.snapshot import Snapshot

SIDECAR_EXCLUDES = "MD0150"
"""The Sidecar that governs a client leaves out a host that it calls."""
EXPORT_TO = "MD0151"
"""A host that a client calls is not exported to its namespace, or not discovered."""

_MOST_NAMED = 2


def code_of(view: View) -> str:
    """The code for what hides a destination."""
    return SIDECAR_EXCLUDES if view.hider is Hider.SIDECAR else EXPORT_TO


def reason_of(mesh: Snapshot, view: View, client: str) -> str:
    """What hides it, in a clause."""
    assert view.service is not None
    owner = view.service.resource
    match view.hider:
        case Hider.SIDECAR:
            assert view.by is not None
            entries = ", ".join(egress_hosts(view.by)) or "nothing"
            return f"{view.by} lets the proxies of namespace {client} see only {entries}"
        case Hider.EXPORT_TO:
            return f"{owner} is not exported to namespace {client} ({export_words(owner, mesh)})"
        case _:
            return f"istiod does not watch namespace {owner.namespace} (discoverySelectors)"


def message_of(mesh: Snapshot, attempt: Attempt, view: View) -> str:
    """What is wrong, in a sentence."""
    who = mesh.workloads.owning(attempt.pod)
    why = reason_of(mesh, view, attempt.pod.namespace)
    return f"{who} calls {attempt.to}, which its proxy may not see: {why}"


def _fate(mesh: Snapshot, attempt: Attempt) -> str:
    """What becomes of the calls."""
    if outbound_mode(mesh, attempt.pod).mode == REGISTRY_ONLY:
        return (
            "the outbound mode is REGISTRY_ONLY, so it refuses the calls itself: HTTP gets 502 "
            "(block_all), anything else is closed (BlackHoleCluster)"
        )
    return (
        "it passes the calls on as they are (PassthroughCluster), without mutual TLS and without "
        "any rule; a server that is STRICT closes them, which the caller sees as 503 UC"
    )


def _commands(
    mesh: Snapshot, attempt: Attempt, view: View, alike: Sequence[tuple[Attempt, View]]
) -> tuple[str, str]:
    """The command that shows what one object hides to all that want it, and the one back."""
    assert view.service is not None
    match view.hider:
        case Hider.SIDECAR:
            assert view.by is not None
            found = [item.service for _, item in alike if item.service is not None]
            hosts = {f"{item.namespace}/{item.host}" for item in found}
            return widen_sidecar(view.by, hosts, attempt.port)
        case Hider.EXPORT_TO:
            clients = {item.pod.namespace for item, _ in alike}
            return widen_export(view.service.resource, mesh, clients)
        case _:
            space = view.by
            name = view.service.namespace
            if space is None:
                return f"kubectl edit namespace {name}", f"kubectl edit namespace {name}"
            return discover(mesh, space)


def _hosts(alike: Sequence[tuple[Attempt, View]]) -> str:
    """What one object hides, the first few by name."""
    names = sorted({item.host for item, _ in alike})
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def fills_of(
    mesh: Snapshot, attempt: Attempt, view: View, alike: Sequence[tuple[Attempt, View]]
) -> dict[str, str]:
    """Words for the cause's templates."""
    command, undo = _commands(mesh, attempt, view, alike)
    workload = str(mesh.workloads.owning(attempt.pod))
    return {
        "destination": attempt.to,
        "host": attempt.host,
        "hosts": _hosts(alike),
        "client": workload,
        "clients": attempt.pod.namespace,
        "caller": command_target(workload),
        "why": reason_of(mesh, view, attempt.pod.namespace),
        "fate": _fate(mesh, attempt),
        "command": command,
        "undo": undo,
    }
