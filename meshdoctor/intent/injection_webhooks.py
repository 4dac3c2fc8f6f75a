"""Which injection webhooks there are, and which pods each of them selects.

The API server calls a webhook when its namespaceSelector and objectSelector match the labels of
the namespace and of the pod that is being created; annotations are invisible to it
(admissionregistration.k8s.io/v1, and the mutatingwebhook template of Istio's istiod chart).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION, TAG
from meshdoctor.model.kinds import MUTATING_WEBHOOK
from meshdoctor.model.resource import as_list, as_mapping, as_strings
from meshdoctor.model.selector import matches_selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SUFFIX = "sidecar-injector.istio.io"
"""Every injection entry's name ends so; istiod patches the caBundle of these alone."""
_DEACTIVATED = {"istio.io/deactivated": "never-match"}
"""The selector with which istioctl switches an entry off (istioctl/pkg/util)."""


@dataclass(frozen=True, slots=True)
class InjectionWebhook:
    """One entry of a MutatingWebhookConfiguration that injects proxies."""

    configuration: Resource
    index: int
    """Place in ``webhooks``."""

    @property
    def path(self) -> tuple[str | int, ...]:
        """Path of the entry within its configuration."""
        return ("webhooks", self.index)

    @property
    def _entry(self) -> Mapping[str, Any]:
        return as_mapping(self.configuration.get(*self.path))

    @property
    def name(self) -> str:
        """The entry's name, e.g. ``rev.namespace.sidecar-injector.istio.io``."""
        return str(self._entry.get("name") or "")

    @property
    def revision(self) -> str:
        """Revision of the control plane behind it."""
        return self.configuration.labels.get(REVISION) or DEFAULT_REVISION

    @property
    def tag(self) -> str:
        """The revision tag it stands for; empty when it is the revision's own."""
        return self.configuration.labels.get(TAG, "")

    @property
    def failure_policy(self) -> str:
        """``Fail`` or ``Ignore``: what becomes of a pod when istiod does not answer."""
        return str(self._entry.get("failurePolicy") or "Fail")

    @property
    def service(self) -> tuple[str, str] | None:
        """Namespace and name of the Service it calls; None when it calls a URL."""
        service = as_mapping(as_mapping(self._entry.get("clientConfig")).get("service"))
        name = service.get("name")
        return (str(service.get("namespace") or ""), str(name)) if name else None

    @property
    def url_path(self) -> str:
        """The path that it calls of its Service."""
        service = as_mapping(as_mapping(self._entry.get("clientConfig")).get("service"))
        return str(service.get("path") or "/inject")

    @property
    def namespace_selector(self) -> Mapping[str, Any]:
        """Which namespaces it is called for."""
        return as_mapping(self._entry.get("namespaceSelector"))

    @property
    def object_selector(self) -> Mapping[str, Any]:
        """Which pods it is called for."""
        return as_mapping(self._entry.get("objectSelector"))

    @property
    def is_deactivated(self) -> bool:
        """Whether istioctl switched it off in favour of a revision tag."""
        return as_strings(self.namespace_selector.get("matchLabels")) == _DEACTIVATED

    @property
    def is_conditional(self) -> bool:
        """Whether CEL matchConditions decide too, which are not evaluated here."""
        return bool(as_list(self._entry.get("matchConditions")))

    @property
    def sees_new_pods(self) -> bool:
        """Whether its rules cover the creation of pods."""
        return any(
            any(item in ("CREATE", "*") for item in as_list(rule.get("operations")))
            and any(item in ("pods", "*", "*/*") for item in as_list(rule.get("resources")))
            for rule in map(as_mapping, as_list(self._entry.get("rules")))
        )

    def selects(self, namespace: Mapping[str, str], pod: Mapping[str, str]) -> bool:
        """Whether the API server calls it for a new pod.

        Args:
            namespace: labels of the pod's namespace.
            pod: labels of the pod as it is created.
        """
        return (
            self.sees_new_pods
            and matches_selector(self.namespace_selector, namespace)
            and matches_selector(self.object_selector, pod)
        )


@lru_cache(maxsize=2)
def injection_webhooks(mesh: Snapshot) -> tuple[InjectionWebhook, ...]:
    """Every injection entry of the cluster, deactivated ones included."""
    return tuple(
        InjectionWebhook(configuration, index)
        for configuration in mesh.catalog.of(MUTATING_WEBHOOK)
        for index, entry in enumerate(as_list(configuration.get("webhooks")))
        if str(as_mapping(entry).get("name") or "").endswith(SUFFIX)
    )


def selecting(
    mesh: Snapshot, namespace: Mapping[str, str], pod: Mapping[str, str]
) -> tuple[InjectionWebhook, ...]:
    """The injection entries that would be called for a new pod with these labels."""
    return tuple(item for item in injection_webhooks(mesh) if item.selects(namespace, pod))
