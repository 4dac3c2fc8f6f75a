"""Commands that mend injection: labels of namespaces, and restarts of workloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.revision_labels import DEFAULT_REVISION, INJECTION, REVISION
from meshdoctor.intent.revisions import default_webhooks, is_served, usable_revisions
from meshdoctor.model.kinds import DAEMON_SET, DEPLOYMENT, POD, REPLICA_SET, STATEFUL_SET

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

_ROLLED = {kind.name: kind.name.lower() for kind in (DEPLOYMENT, STATEFUL_SET, DAEMON_SET)}
_MOST_NAMED = 8
"""Beyond so many workloads a command restarts all of a kind."""


def _restart_within(namespace: str, workloads: list[Workload]) -> list[str]:
    rolled = [item for item in workloads if item.kind in _ROLLED]
    if len(rolled) > _MOST_NAMED:
        kinds = sorted({_ROLLED[item.kind] for item in rolled})
        commands = [f"kubectl rollout restart {kind} -n {namespace}" for kind in kinds]
    elif rolled:
        names = " ".join(f"{_ROLLED[item.kind]}/{item.name}" for item in rolled)
        commands = [f"kubectl rollout restart {names} -n {namespace}"]
    else:
        commands = []
    for item in workloads:
        if item.kind == POD.name:
            commands.append(
                f"kubectl get pod {item.name} -n {namespace} -o yaml | kubectl replace --force -f -"
            )
        elif item.kind == REPLICA_SET.name:
            names = " ".join(pod.name for pod in item.pods)
            commands.append(f"kubectl delete pod {names} -n {namespace}")
    return commands


def restart_command(workloads: Iterable[Workload]) -> str:
    """The command that makes the pods of these workloads anew.

    Jobs are left out: their next run gets new pods anyway.
    """
    by_namespace: dict[str, list[Workload]] = {}
    for item in workloads:
        by_namespace.setdefault(item.namespace, []).append(item)
    commands = [
        command
        for namespace, members in sorted(by_namespace.items())
        for command in _restart_within(namespace, members)
    ]
    return " && ".join(commands) or "kubectl get pods -A"


def wanted_label(mesh: Snapshot, revision: str = "") -> tuple[str, str]:
    """The label that puts a namespace into the mesh.

    Args:
        mesh: the snapshot.
        revision: the revision to prefer, where it can be had.

    Returns:
        Key and value: ``istio-injection=enabled`` where the default revision is meant and served.
    """
    usable = usable_revisions(mesh)
    chosen = revision if revision in usable else DEFAULT_REVISION
    if chosen == DEFAULT_REVISION and any(is_served(mesh, w) for w in default_webhooks(mesh)):
        return INJECTION, "enabled"
    if chosen in usable or usable:
        return REVISION, chosen if chosen in usable else usable[0]
    return INJECTION, "enabled"


def relabel_command(namespace: Resource, wanted: dict[str, str | None]) -> tuple[str, str]:
    """The command that changes labels of a namespace, and the one that changes them back.

    Args:
        namespace: the namespace as it is.
        wanted: new value by label; None takes the label away.
    """

    def words(values: dict[str, str | None]) -> str:
        return " ".join(
            f"{key}-" if value is None else f"{key}={value}" for key, value in values.items()
        )

    before = {key: namespace.labels.get(key) for key in wanted}
    changed = {key: value for key, value in wanted.items() if before[key] != value}
    command = f"kubectl label namespace {namespace.name} "
    forth = command + words(changed) + " --overwrite"
    back = command + words({key: before[key] for key in changed}) + " --overwrite"
    return forth, back


def join_mesh_command(
    mesh: Snapshot, namespace: Resource, revision: str = ""
) -> tuple[str, str, str]:
    """How to label a namespace so that it gets proxies: the label, the command and its undo."""
    key, value = wanted_label(mesh, revision)
    other = REVISION if key == INJECTION else INJECTION
    forth, back = relabel_command(namespace, {other: None, key: value})
    return f"{key}={value}", forth, back
