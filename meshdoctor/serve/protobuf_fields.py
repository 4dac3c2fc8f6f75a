"""Numbers of protobuf fields: those of ``generated.proto`` in k8s.io/api and apimachinery.

Kinds that ``kubectl create``, ``kubectl auth`` and deletes send; others are refused with 415.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto


class Kind(Enum):
    """What a field holds."""

    TEXT = auto()
    BYTES = auto()
    NUMBER = auto()
    TRUTH = auto()
    TIME = auto()
    INT_OR_STRING = auto()
    MESSAGE = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message."""

    name: str
    kind: Kind = Kind.TEXT
    message: str = ""
    """Which, where it holds one."""
    is_list: bool = False
    is_map: bool = False
    """Text to values of its kind."""
    optional: bool = False
    """A pointer in Go: that it is there means something, be it empty."""


def _text(name: str) -> Field:
    return Field(name)


def _number(name: str, *, optional: bool = False) -> Field:
    return Field(name, Kind.NUMBER, optional=optional)


def _truth(name: str, *, optional: bool = False) -> Field:
    return Field(name, Kind.TRUTH, optional=optional)


def _one(name: str, message: str, *, optional: bool = False) -> Field:
    return Field(name, Kind.MESSAGE, message, optional=optional)


def _list(name: str, message: str = "") -> Field:
    return replace(
        Field(name, is_list=True), kind=Kind.MESSAGE if message else Kind.TEXT, message=message
    )


def _map(name: str, kind: Kind = Kind.TEXT) -> Field:
    return Field(name, kind, is_map=True)


def _spec(spec: str, status: str = "") -> dict[int, Field]:
    fields = {1: _one("metadata", "ObjectMeta"), 2: _one("spec", spec)}
    return fields | ({3: _one("status", status)} if status else {})


MESSAGES: dict[str, dict[int, Field]] = {
    "ObjectMeta": {
        1: _text("name"),
        2: _text("generateName"),
        3: _text("namespace"),
        5: _text("uid"),
        6: _text("resourceVersion"),
        7: _number("generation"),
        8: Field("creationTimestamp", Kind.TIME),
        9: Field("deletionTimestamp", Kind.TIME),
        11: _map("labels"),
        12: _map("annotations"),
        13: _list("ownerReferences", "OwnerReference"),
        14: _list("finalizers"),
    },
    "OwnerReference": {
        1: _text("kind"),
        3: _text("name"),
        4: _text("uid"),
        5: _text("apiVersion"),
        6: _truth("controller", optional=True),
        7: _truth("blockOwnerDeletion", optional=True),
    },
    "LabelSelector": {
        1: _map("matchLabels"),
        2: _list("matchExpressions", "LabelSelectorRequirement"),
    },
    "LabelSelectorRequirement": {1: _text("key"), 2: _text("operator"), 3: _list("values")},
    "DeleteOptions": {
        1: _number("gracePeriodSeconds", optional=True),
        2: _one("preconditions", "Preconditions", optional=True),
        3: _truth("orphanDependents", optional=True),
        4: _text("propagationPolicy"),
        5: _list("dryRun"),
    },
    "Preconditions": {1: _text("uid"), 2: _text("resourceVersion")},
    "SelfSubjectAccessReview": _spec("SelfSubjectAccessReviewSpec"),
    "SelfSubjectAccessReviewSpec": {
        1: _one("resourceAttributes", "ResourceAttributes"),
        2: _one("nonResourceAttributes", "NonResourceAttributes"),
    },
    "ResourceAttributes": {
        1: _text("namespace"),
        2: _text("verb"),
        3: _text("group"),
        4: _text("version"),
        5: _text("resource"),
        6: _text("subresource"),
        7: _text("name"),
    },
    "NonResourceAttributes": {1: _text("path"), 2: _text("verb")},
    "SelfSubjectRulesReview": _spec("SelfSubjectRulesReviewSpec"),
    "SelfSubjectRulesReviewSpec": {1: _text("namespace")},
    "SelfSubjectReview": {1: _one("metadata", "ObjectMeta")},
    "Secret": {
        1: _one("metadata", "ObjectMeta"),
        2: _map("data", Kind.BYTES),
        3: _text("type"),
        4: _map("stringData"),
        5: _truth("immutable", optional=True),
    },
    "ConfigMap": {
        1: _one("metadata", "ObjectMeta"),
        2: _map("data"),
        3: _map("binaryData", Kind.BYTES),
        4: _truth("immutable", optional=True),
    },
    "Namespace": _spec("NamespaceSpec", "NamespaceStatus"),
    "NamespaceSpec": {1: _list("finalizers")},
    "NamespaceStatus": {1: _text("phase")},
    "ServiceAccount": {
        1: _one("metadata", "ObjectMeta"),
        3: _list("imagePullSecrets", "LocalObjectReference"),
        4: _truth("automountServiceAccountToken", optional=True),
    },
    "LocalObjectReference": {1: _text("name")},
    "Service": _spec("ServiceSpec"),
    "ServiceSpec": {
        1: _list("ports", "ServicePort"),
        2: _map("selector"),
        3: _text("clusterIP"),
        4: _text("type"),
        5: _list("externalIPs"),
        7: _text("sessionAffinity"),
        8: _text("loadBalancerIP"),
        10: _text("externalName"),
        18: _list("clusterIPs"),
    },
    "ServicePort": {
        1: _text("name"),
        2: _text("protocol"),
        3: _number("port"),
        4: Field("targetPort", Kind.INT_OR_STRING),
        5: _number("nodePort"),
        6: _text("appProtocol"),
    },
    "Deployment": _spec("DeploymentSpec"),
    "DeploymentSpec": {
        1: _number("replicas", optional=True),
        2: _one("selector", "LabelSelector"),
        3: _one("template", "PodTemplateSpec"),
    },
    "Job": _spec("JobSpec"),
    "JobSpec": {
        1: _number("parallelism", optional=True),
        2: _number("completions", optional=True),
        3: _number("activeDeadlineSeconds", optional=True),
        4: _one("selector", "LabelSelector", optional=True),
        5: _truth("manualSelector", optional=True),
        6: _one("template", "PodTemplateSpec"),
        7: _number("backoffLimit", optional=True),
        9: _text("completionMode"),
        10: _truth("suspend", optional=True),
    },
    "PodTemplateSpec": {1: _one("metadata", "ObjectMeta"), 2: _one("spec", "PodSpec")},
    "PodSpec": {
        2: _list("containers", "Container"),
        3: _text("restartPolicy"),
        8: _text("serviceAccountName"),
    },
    "Container": {
        1: _text("name"),
        2: _text("image"),
        3: _list("command"),
        4: _list("args"),
        6: _list("ports", "ContainerPort"),
        7: _list("env", "EnvVar"),
    },
    "ContainerPort": {
        1: _text("name"),
        2: _number("hostPort"),
        3: _number("containerPort"),
        4: _text("protocol"),
    },
    "EnvVar": {1: _text("name"), 2: _text("value")},
}

KINDS: dict[tuple[str, str], str] = {
    ("", "DeleteOptions"): "DeleteOptions",
    ("authorization.k8s.io/v1", "SelfSubjectAccessReview"): "SelfSubjectAccessReview",
    ("authorization.k8s.io/v1", "SelfSubjectRulesReview"): "SelfSubjectRulesReview",
    ("authentication.k8s.io/v1", "SelfSubjectReview"): "SelfSubjectReview",
    ("apps/v1", "Deployment"): "Deployment",
    ("batch/v1", "Job"): "Job",
    **{
        ("v1", kind): kind
        for kind in ("Secret", "ConfigMap", "Namespace", "ServiceAccount", "Service")
    },
}
"""apiVersion and kind to the message; DeleteOptions come under any apiVersion."""
