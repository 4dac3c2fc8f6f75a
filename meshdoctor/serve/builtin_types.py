"""The built-in resources that are served: names, short names and subresources of Kubernetes."""

from __future__ import annotations

from meshdoctor.model import kinds
from meshdoctor.serve.resource_type import READ_VERBS, Key, ResourceType

CLUSTER_SCOPED = frozenset(
    {kinds.NAMESPACE, kinds.NODE, kinds.MUTATING_WEBHOOK, kinds.VALIDATING_WEBHOOK, kinds.CRD}
)
_SHORT_NAMES = {
    "namespaces": ("ns",),
    "pods": ("po",),
    "services": ("svc",),
    "events": ("ev",),
    "nodes": ("no",),
    "configmaps": ("cm",),
    "endpoints": ("ep",),
    "serviceaccounts": ("sa",),
    "resourcequotas": ("quota",),
    "limitranges": ("limits",),
    "deployments": ("deploy",),
    "replicasets": ("rs",),
    "statefulsets": ("sts",),
    "daemonsets": ("ds",),
    "horizontalpodautoscalers": ("hpa",),
    "networkpolicies": ("netpol",),
    "customresourcedefinitions": ("crd", "crds"),
}
_IN_ALL = frozenset(
    {"pods", "services", "deployments", "replicasets", "statefulsets", "daemonsets", "jobs"}
    | {"horizontalpodautoscalers"}
)
"""What ``kubectl get all`` shows."""
_STATUS = _IN_ALL | {"namespaces", "nodes", "resourcequotas", "customresourcedefinitions"}
_SCALE = frozenset({"deployments", "replicasets", "statefulsets"})
_VERSIONS = {"horizontalpodautoscalers": ("v2",)}
_SINGULAR = {"endpoints": "endpoints"}


def _builtin(kind: kinds.Kind) -> ResourceType:
    return ResourceType(
        group="" if kind.group == "core" else kind.group,
        plural=kind.plural,
        kind=kind.name,
        versions=_VERSIONS.get(kind.plural, ("v1",)),
        namespaced=kind not in CLUSTER_SCOPED,
        short_names=_SHORT_NAMES.get(kind.plural, ()),
        categories=("all",) if kind.plural in _IN_ALL else (),
        singular=_SINGULAR.get(kind.plural, ""),
        has_status=kind.plural in _STATUS,
        has_scale=kind.plural in _SCALE,
    )


BUILTIN: dict[Key, ResourceType] = {
    one.key: one for one in (_builtin(kind) for kind in kinds.ALL if not kind.custom)
}
"""What every API server has, as far as meshdoctor reads it."""

METRICS: dict[Key, ResourceType] = {
    one.key: one
    for one in (
        ResourceType(
            "metrics.k8s.io", plural, kind, ("v1beta1",), namespaced=namespaced, verbs=READ_VERBS
        )
        for plural, kind, namespaced in (
            ("pods", "PodMetrics", True),
            ("nodes", "NodeMetrics", False),
        )
    )
}
"""Served where the recording holds them."""
