"""By which member the elements of lists in built-in kinds are told apart.

The ``patchMergeKey`` tags of k8s.io/api types; every other list is replaced as a whole.
"""

from __future__ import annotations

_KEYS = {
    "containers": "name",
    "initContainers": "name",
    "ephemeralContainers": "name",
    "volumes": "name",
    "env": "name",
    "volumeMounts": "mountPath",
    "volumeDevices": "devicePath",
    "imagePullSecrets": "name",
    "hostAliases": "ip",
    "topologySpreadConstraints": "topologyKey",
    "schedulingGates": "name",
    "resourceClaims": "name",
    "conditions": "type",
    "ownerReferences": "uid",
    "taints": "key",
    "webhooks": "name",
    "secrets": "name",
    "podIPs": "ip",
    "hostIPs": "ip",
}
_IN_PARENT = {
    ("spec", "ports"): "port",
    ("containers", "ports"): "containerPort",
    ("initContainers", "ports"): "containerPort",
    ("ephemeralContainers", "ports"): "containerPort",
    ("status", "addresses"): "type",
}
SETS = frozenset({"finalizers"})
"""Lists of plain values that are merged as sets."""


def merge_key(parent: str, field: str) -> str | None:
    """The member that tells elements of a list apart; None when the list is replaced whole.

    Args:
        parent: the field that holds the object (or the list of objects) with the list.
        field: the list's own.
    """
    return _IN_PARENT.get((parent, field)) or _KEYS.get(field)
