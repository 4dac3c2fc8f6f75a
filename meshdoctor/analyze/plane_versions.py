"""Which Istio version each control plane runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.upgrade_version import image_tag, istiod_version, parse_version
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.pod import ISTIOD_CONTAINER
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.analyze.upgrade_version import Version
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _of_template(deployment: Resource) -> Version | None:
    containers = as_list(deployment.get("spec", "template", "spec", "containers"))
    for container in map(as_mapping, containers):
        if container.get("name") == ISTIOD_CONTAINER:
            return parse_version(image_tag(str(container.get("image") or "")))
    return None


def versions_of(mesh: Snapshot, plane: ControlPlane) -> dict[str, Version]:
    """The version of each replica, by pod name; by Deployment where no replica says one."""
    stated = {pod.name: istiod_version(mesh, pod.namespace, pod.name) for pod in plane.pods}
    found = {name: item.version for name, item in stated.items() if item is not None}
    if found:
        return found
    templates = {item.name: _of_template(item) for item in plane.deployments}
    return {name: item for name, item in templates.items() if item is not None}


def installed_versions(mesh: Snapshot) -> tuple[Version, ...]:
    """Every Istio version that a control plane runs, oldest first; else what the snapshot says."""
    found = {
        version.numbers: version
        for plane in control_planes(mesh).values()
        for version in versions_of(mesh, plane).values()
    }
    if not found and (version := parse_version(mesh.about.istio)):
        found[version.numbers] = version
    return tuple(found[numbers] for numbers in sorted(found))
