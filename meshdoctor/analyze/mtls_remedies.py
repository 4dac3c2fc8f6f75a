"""Words and commands for mending a conflict between a DestinationRule and its servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.injection_commands import join_mesh_command, restart_command
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.model.kinds import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.intent.destination_rules import Setting
    from meshdoctor.intent.peer_authentication import PeerMode
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

Path = tuple[str | int, ...]


def emptied(rule: Resource, path: Path) -> Path:
    """What to take away so that a rule's ``tls`` goes and what is left is valid.

    istiod rejects a traffic policy, or a port's entry, that sets nothing.
    """
    while len(path) > 2:
        holder = rule.get(*path[:-1])
        left = len(holder) - 1 if isinstance(holder, dict | list) else 0
        if isinstance(holder, dict) and "port" in holder:
            left -= 1
        if left > 0 or "subsets" in path[-2:]:
            break
        path = path[:-1]
    return path


def tls_removal(setting: Setting) -> tuple[str, str]:
    """The command that takes ``tls`` out of a DestinationRule, and its undo."""
    return replace_value(setting.rule, emptied(setting.rule, setting.path), None)


def tls_to_istio_mutual(setting: Setting) -> tuple[str, str]:
    """The command that makes a DestinationRule's ``tls`` ISTIO_MUTUAL, and its undo."""
    return replace_value(setting.rule, setting.path, {"mode": "ISTIO_MUTUAL"})


def peer_mode_change(peer: PeerMode, mode: str) -> tuple[str, str]:
    """The command that sets a PeerAuthentication's mode, and its undo.

    Args:
        peer: the mode in force, which some policy must set.
        mode: the new one.
    """
    assert peer.policy is not None
    return replace_value(peer.policy, peer.path, mode)


def checks(proxy_id: str, host: str) -> dict[str, str]:
    """Commands, as fills, that show whether a client's calls to a host fare better.

    Args:
        proxy_id: of a client, ``pod.namespace``; empty when none is known.
        host: fully qualified.
    """
    pod, _, namespace = proxy_id.partition(".")
    if not pod:
        return {
            "check_cluster": f"istioctl proxy-config cluster POD.NAMESPACE --fqdn {host} -o json",
            "check_log": "kubectl logs POD -n NAMESPACE -c istio-proxy --since=1m",
        }
    return {
        "check_cluster": f"istioctl proxy-config cluster {proxy_id} --fqdn {host} -o json",
        "check_log": f"kubectl logs {pod} -n {namespace} -c istio-proxy --since=1m",
    }


def joining(mesh: Snapshot, pods: Iterable[Resource]) -> tuple[str, str]:
    """The command that gives pods a sidecar by way of their namespaces, and its undo."""
    chosen = list(pods)
    forth: list[str] = []
    back: list[str] = []
    for name in dict.fromkeys(pod.namespace for pod in chosen):
        namespace = mesh.catalog.find(NAMESPACE, "", name)
        if namespace is None:
            forth.append(f"kubectl label namespace {name} istio-injection=enabled")
            back.append(f"kubectl label namespace {name} istio-injection-")
        else:
            label, there, undo = join_mesh_command(mesh, namespace)
            key, _, value = label.partition("=")
            # Labelled already: its pods are merely older than the label.
            if namespace.labels.get(key) != value:
                forth.append(there)
                back.append(undo)
    restart = restart_command(dict.fromkeys(mesh.workloads.owning(pod) for pod in chosen))
    return " && ".join([*forth, restart]), " && ".join([*back, restart])
