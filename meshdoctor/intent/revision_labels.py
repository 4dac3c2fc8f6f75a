"""The labels with which namespaces and pods ask for injection, and what they ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

INJECTION = "istio-injection"
"""Namespace label: ``enabled`` asks for the default revision, any other value for nothing."""
REVISION = "istio.io/rev"
"""Namespace or pod label: a revision or a tag. On the control plane's own objects: its revision."""
TAG = "istio.io/tag"
"""Label of a MutatingWebhookConfiguration that gives a revision another name."""
INJECT = "sidecar.istio.io/inject"
"""Pod label (or annotation, for opting out only): ``true`` or ``false``."""
DATAPLANE_MODE = "istio.io/dataplane-mode"
"""Namespace or pod label: ``ambient`` hands the traffic to ztunnel."""
DEFAULT_REVISION = "default"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a namespace or pod asks for."""

    revision: str
    """A revision or tag; ``default`` for ``istio-injection=enabled``."""
    label: str
    """The label that asks."""
    value: str
    by_pod: bool = False
    """Whether the pod asks rather than its namespace."""

    def __str__(self) -> str:
        """``label=value``, as kubectl writes it."""
        return f"{self.label}={self.value}"


def asked_by_namespace(labels: Mapping[str, str]) -> Asked | None:
    """What a namespace asks for; ``istio-injection`` beats ``istio.io/rev``."""
    value = labels.get(INJECTION)
    if value is not None:
        return Asked(DEFAULT_REVISION, INJECTION, value) if value == "enabled" else None
    revision = labels.get(REVISION)
    return Asked(revision, REVISION, revision) if revision else None


def asked(namespace: Mapping[str, str], pod: Mapping[str, str]) -> Asked | None:
    """What is asked for a pod; the pod's own labels count only in a namespace without any."""
    if INJECTION in namespace or REVISION in namespace:
        return asked_by_namespace(namespace)
    revision = pod.get(REVISION)
    if revision:
        return Asked(revision, REVISION, revision, by_pod=True)
    if pod.get(INJECT) == "true":
        return Asked(DEFAULT_REVISION, INJECT, "true", by_pod=True)
    return None


def opting_out(labels: Mapping[str, str], annotations: Mapping[str, str]) -> str | None:
    """Where a pod opts out of injection: ``labels``, ``annotations`` or None.

    The label decides; the annotation counts only where there is no label
    (pkg/kube/inject, ``injectRequired``).
    """
    if INJECT in labels:
        return "labels" if labels[INJECT] == "false" else None
    return "annotations" if annotations.get(INJECT) == "false" else None
