"""MeshConfig: what an istiod says of itself, else what its ConfigMap says.

istiod's ``/debug/mesh`` is the configuration in force, as proto JSON, in which a field that has its
zero value is left out; the ConfigMap ``istio`` (``istio-<revision>``) holds what differs from the
defaults (pkg/config/mesh, ``DefaultMeshConfig``).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.intent.revision_labels import DEFAULT_REVISION
from meshdoctor.intent.revisions import got_revision
from meshdoctor.model.evidence import Evidence, excerpt_of
from meshdoctor.model.kinds import CONFIG_MAP
from meshdoctor.model.resource import as_mapping, object_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.istiod import Istiod
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_DEBUG = "debug/mesh.json"


@dataclass(frozen=True, slots=True)
class MeshConfig:
    """The mesh configuration of one control plane."""

    settings: Mapping[str, Any]
    istiod: Istiod | None
    """Whose ``/debug/mesh`` it is; None when it comes from the ConfigMap, or nothing was read."""
    config_map: Resource | None
    name: str
    """The ConfigMap's text form, whether it was read or not."""

    @property
    def is_known(self) -> bool:
        """Whether anything was read."""
        return self.istiod is not None or self.config_map is not None

    def evidence(self, key: str) -> tuple[Evidence, ...]:
        """Where a setting stands: in what istiod says, and in the ConfigMap's text."""
        found = []
        if self.istiod is not None and key in self.settings:
            pod, namespace = self.istiod.pod, self.istiod.namespace
            command = (
                f"kubectl exec {pod} -n {namespace} -- pilot-discovery request GET /debug/mesh"
            )
            found.append(
                Evidence(
                    source=self.istiod.path(_DEBUG),
                    pointer=f"/{key}",
                    excerpt=excerpt_of(self.settings[key]),
                    command=command,
                )
            )
        if self.config_map is not None and key in str(self.config_map.get("data", "mesh")):
            found.append(self.config_map.evidence("data", "mesh"))
        return tuple(found)


def _config_map_name(revision: str) -> str:
    return "istio" if revision == DEFAULT_REVISION else f"istio-{revision}"


def _parsed(config_map: Resource | None) -> Mapping[str, Any]:
    text = config_map.get("data", "mesh") if config_map else None
    if not isinstance(text, str):
        return {}
    try:
        return as_mapping(yaml.load(text, Loader=yaml.CSafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return {}


def _of_revision(mesh: Snapshot, revision: str) -> MeshConfig:
    answering = [item for item in mesh.istiods if item.mesh is not None]
    same = [item for item in answering if item.revision == revision]
    # Where the revision has no istiod of its own, a tag may stand for another.
    istiod = next(iter(same or answering), None)
    place = istiod.namespace if istiod else mesh.root_namespace
    name = _config_map_name(istiod.revision if istiod else revision)
    found = mesh.catalog.find(CONFIG_MAP, place, name)
    text = object_text(CONFIG_MAP.name, place, name)
    settings = istiod.mesh if istiod and istiod.mesh is not None else _parsed(found)
    return MeshConfig(settings, istiod, found, text)


@lru_cache(maxsize=2)
def _known(mesh: Snapshot) -> dict[str, MeshConfig]:
    """What was found for one snapshot's revisions so far."""
    del mesh
    return {}


def mesh_config(mesh: Snapshot, pod: Resource | None = None) -> MeshConfig:
    """The mesh configuration that governs a pod's proxy, or the default revision's.

    Args:
        mesh: the snapshot.
        pod: whose revision counts.
    """
    revision = (got_revision(pod) if pod is not None else "") or DEFAULT_REVISION
    known = _known(mesh)
    if revision not in known:
        known[revision] = _of_revision(mesh, revision)
    return known[revision]
