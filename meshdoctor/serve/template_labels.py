"""A workload must select the pods that it makes: the API server takes no other.

Mirrors the validation of Deployments, ReplicaSets, StatefulSets and DaemonSets
(Kubernetes, pkg/apis/apps/validation, ``ValidatePodTemplateSpecForReplicaSet``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_mapping, as_strings
from meshdoctor.model.selector import matches_selector

if TYPE_CHECKING:
    from meshdoctor.serve.object_store import Object
    from meshdoctor.serve.resource_type import Key

FIELD = "spec.template.metadata.labels"
UNSELECTED = "`selector` does not match template `labels`"


def misses_own_pods(key: Key, item: Object) -> bool:
    """Whether a workload's selector does not match the labels of its own template.

    Args:
        key: the resource.
        item: the object; one without selector or template is not judged.
    """
    spec = as_mapping(item.get("spec"))
    selector, template = as_mapping(spec.get("selector")), as_mapping(spec.get("template"))
    if key[0] != "apps" or not selector or not template:
        return False
    return not matches_selector(
        selector, as_strings(as_mapping(template.get("metadata")).get("labels"))
    )
