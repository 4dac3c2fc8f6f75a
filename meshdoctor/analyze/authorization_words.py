"""Facts, words and commands for findings about refused calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.authorization_workloads import first_target, target_at
from meshdoctor.analyze.base import holds, silent, unread
from meshdoctor.analyze.json_patches import json_patch
from meshdoctor.intent.authorization_request import text_of
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.finding import Affected, Fact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from meshdoctor.analyze.authorization_denials import Denial
    from meshdoctor.analyze.authorization_workloads import Governed
    from meshdoctor.intent.authorization_match import Field
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

REQUEST_DENIED = "request-denied"
_MOST_SHOWN = 3


def caller(mesh: Snapshot, denial: Denial) -> str:
    """The caller's workload; empty for a caller that is no pod of the cluster now."""
    return str(mesh.workloads.owning(denial.client)) if denial.client else ""


def callers_text(mesh: Snapshot, found: Sequence[Denial]) -> str:
    """The callers, for a sentence."""
    named = dict.fromkeys(
        caller(mesh, denial) or f"a caller at {denial.calls[-1].entry.remote_ip}"
        for denial in found
    )
    return ", ".join([*named][:_MOST_SHOWN])


def denied_fact(found: Sequence[Denial]) -> Fact:
    """The access log's lines."""
    count = sum(len(denial.calls) for denial in found)
    newest = sorted(found, key=lambda denial: denial.calls[-1].time, reverse=True)
    last = newest[0].calls[-1]
    what = f"{last.entry.method} {last.entry.path}" if last.entry.method else "a connection"
    at = f"{last.time.strftime('%H:%M:%S')} UTC ({last.entry.details or last.entry.termination})"
    how = "turned away with 403" if last.entry.method else "cut off"
    text = f"{count} calls were {how} of late, last {what} at {at}"
    return holds(REQUEST_DENIED, text, *(d.calls[-1].evidence for d in newest[:_MOST_SHOWN]))


def unlogged_fact(mesh: Snapshot, item: Governed) -> Fact:
    """In place of the access log's lines where there are none to read."""
    if item.log_unread(mesh):
        return unread(REQUEST_DENIED, f"The access log of {item.workload} could not be read")
    return silent(REQUEST_DENIED, f"The access log of {item.workload} is switched off")


def affected(mesh: Snapshot, found: Sequence[Denial]) -> tuple[Affected, ...]:
    """Who is turned away, and where."""
    pairs = {(caller(mesh, d), target_at(mesh, d.pod, d.port)) for d in found}
    return tuple(Affected(source, to) for source, to in sorted(pairs))


def everyone(mesh: Snapshot, item: Governed) -> tuple[Affected, ...]:
    """All who call a workload, by its Service; nobody was seen."""
    return (Affected("", first_target(mesh, item.pods[0])),)


def fills(mesh: Snapshot, item: Governed, policy: Resource, to: str) -> dict[str, str]:
    """Words that every cause of this family uses."""
    pod = item.pods[0]
    return {
        "policy": str(policy),
        "policy_name": policy.name,
        "policy_namespace": policy.namespace,
        "server": str(item.workload),
        "destination": to or str(item.workload),
        "check_log": f"kubectl logs {pod.name} -n {pod.namespace} -c istio-proxy --since=1m",
    }


def save_and_edit(policy: Resource) -> tuple[str, str]:
    """The command that saves a policy and opens it, and the one that puts the saved one back."""
    kind = f"{policy.kind.plural}.{policy.kind.group}"
    name = f"{kind} {policy.name} -n {policy.namespace}"
    # A file that names the version it was read at could not replace what was edited since.
    saved = f"kubectl get {name} -o yaml | grep -v '^  resourceVersion:' > {policy.name}.yaml"
    return (
        f"{saved} && kubectl edit {name}",
        f"kubectl replace -f {policy.name}.yaml",
    )


def save_and_delete(policy: Resource) -> tuple[str, str]:
    """The command that saves a policy and deletes it, and the one that makes it anew."""
    kind = f"{policy.kind.plural}.{policy.kind.group}"
    name = f"{kind} {policy.name} -n {policy.namespace}"
    return (
        f"kubectl get {name} -o yaml > {policy.name}.yaml && kubectl delete {name}",
        f"kubectl apply -f {policy.name}.yaml",
    )


def appending(policy: Resource, path: tuple[str | int, ...], value: object) -> tuple[str, str]:
    """The command that appends a value to a list of a policy, and its undo."""
    there = policy.get(*path)
    count = len(there) if isinstance(there, list) else 0
    if count:
        forth = {"op": "add", "path": join_pointer("", [*path, "-"]), "value": value}
        back = {"op": "remove", "path": join_pointer("", [*path, count])}
    else:
        forth = {"op": "add", "path": join_pointer("", [*path]), "value": [value]}
        back = {"op": "remove", "path": join_pointer("", [*path])}
    return json_patch(policy, [forth]), json_patch(policy, [back])


def field_text(policy: Resource, field: Field) -> str:
    """One field that does not match, for a sentence."""
    name = field.name
    if "when" in field.path:
        name = str(policy.get(*field.path[:-1], "key"))
    wanted = ", ".join(field.wanted)
    verb = "excludes" if field.name.startswith("not") else "asks for"
    return f"{name} {verb} {wanted}; the server sees {text_of(field.seen)}"
