"""What lets a client see a hidden destination: commands for each thing that may hide it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.json_patches import json_patch, replace_value
from meshdoctor.intent.export_to import ANNOTATION, default_key, exports, written_export
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.model.kinds import SERVICE
from meshdoctor.model.resource import as_list, as_mapping, as_strings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _listener_for(sidecar: Resource, port: int | None) -> int | None:
    """The egress listener to add a host to: one for every port, else the one for this port."""
    ports = [
        as_mapping(as_mapping(item).get("port")).get("number")
        for item in as_list(sidecar.spec.get("egress"))
    ]
    return next(
        (n for wanted in (None, port) for n, item in enumerate(ports) if item == wanted), None
    )


def widen_sidecar(sidecar: Resource, hosts: Iterable[str], port: int | None) -> tuple[str, str]:
    """Let a Sidecar's egress see more hosts.

    Args:
        sidecar: to be changed.
        hosts: ``namespace/host`` entries.
        port: of the destination, for a Sidecar whose listeners are all for certain ports.

    Returns:
        The command, and the one that takes it back.
    """
    index = _listener_for(sidecar, port)
    if index is None:
        entry = {"hosts": sorted(hosts)}
        count = len(as_list(sidecar.spec.get("egress")))
        forth = [{"op": "add", "path": "/spec/egress/-", "value": entry}]
        return json_patch(sidecar, forth), json_patch(
            sidecar, [{"op": "remove", "path": f"/spec/egress/{count}"}]
        )
    path = ("spec", "egress", index, "hosts")
    # An entry that lets nothing in must go: it may not stand beside others.
    known = [str(item) for item in as_list(sidecar.get(*path)) if not str(item).startswith("~")]
    return replace_value(sidecar, path, [*known, *(h for h in sorted(hosts) if h not in known)])


def widen_export(resource: Resource, mesh: Snapshot, clients: Iterable[str]) -> tuple[str, str]:
    """Let more namespaces see a Service, a ServiceEntry or a VirtualService.

    Returns:
        The command, and the one that takes it back.
    """
    known = [name for name in exports(mesh, resource) if name != "~"]
    wanted = [*known, *(name for name in sorted(clients) if name not in known)]
    if resource.kind is not SERVICE:
        return replace_value(resource, ("spec", "exportTo"), wanted)
    target = f"kubectl annotate service {resource.name} -n {resource.namespace}"
    old = ",".join(written_export(resource))
    back = f"{ANNOTATION}='{old}' --overwrite" if old else f"{ANNOTATION}-"
    return f"{target} {ANNOTATION}='{','.join(wanted)}' --overwrite", f"{target} {back}"


def export_words(resource: Resource, mesh: Snapshot) -> str:
    """What an object's visibility is, and where it is said."""
    text = ", ".join(exports(mesh, resource))
    if written_export(resource):
        return f"exportTo {text}"
    return f"no exportTo of its own, and the mesh's {default_key(resource)} is {text}"


def discover(mesh: Snapshot, namespace: Resource) -> tuple[str, str]:
    """Label a namespace so that istiod watches it.

    Returns:
        The command, and the one that takes it back; an editor where no plain label would do.
    """
    for item in as_list(mesh_config(mesh).settings.get("discoverySelectors")):
        wanted = as_strings(as_mapping(item).get("matchLabels"))
        if wanted and not as_list(as_mapping(item).get("matchExpressions")):
            old = namespace.labels
            labels = " ".join(f"{key}={value}" for key, value in sorted(wanted.items()))
            back = " ".join(
                f"{key}={old[key]}" if key in old else f"{key}-" for key in sorted(wanted)
            )
            target = f"kubectl label namespace {namespace.name}"
            return f"{target} {labels} --overwrite", f"{target} {back} --overwrite"
    return f"kubectl edit namespace {namespace.name}", f"kubectl edit namespace {namespace.name}"
