"""istiod's own say on injection: the policy that its ConfigMap gives the injector.

The webhook is called first; then istiod skips pods by ``neverInjectSelector``, injects those of
``alwaysInjectSelector`` and does with the rest what ``global.proxy.autoInject`` says
(pkg/kube/inject, ``injectRequired``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.intent.revision_labels import DEFAULT_REVISION, INJECT
from meshdoctor.intent.revisions import control_plane_namespaces
from meshdoctor.model.kinds import CONFIG_MAP
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.model.selector import matches_selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CONFIG_MAP_NAME = "istio-sidecar-injector"
NEVER_INJECTED = frozenset({"kube-system", "kube-public", "kube-node-lease", "local-path-storage"})
"""Namespaces that istiod never injects, whatever their labels (pkg/kube/inject)."""


@dataclass(frozen=True, slots=True)
class InjectionPolicy:
    """What one revision's injector does with a pod whose webhook was called."""

    resource: Resource
    auto_inject: bool
    never: tuple[object, ...]
    always: tuple[object, ...]

    def skips(self, labels: Mapping[str, str]) -> str | None:
        """Why a pod with these labels is left alone; None when it is injected."""
        if labels.get(INJECT) == "true":
            return None
        if any(matches_selector(item, labels) for item in self.never):
            return f"neverInjectSelector of {self.resource} matches its labels"
        if any(matches_selector(item, labels) for item in self.always):
            return None
        return None if self.auto_inject else f"{self.resource} sets autoInject to disabled"


def _policy(resource: Resource) -> InjectionPolicy | None:
    try:
        values = as_mapping(json.loads(str(resource.get("data", "values") or "{}")))
    except (ValueError, RecursionError):
        return None
    webhook = as_mapping(values.get("sidecarInjectorWebhook"))
    proxy = as_mapping(as_mapping(values.get("global")).get("proxy"))
    return InjectionPolicy(
        resource=resource,
        auto_inject=proxy.get("autoInject", "enabled") != "disabled",
        # An empty selector would match every pod; istiod passes over empty ones.
        never=tuple(item for item in as_list(webhook.get("neverInjectSelector")) if item),
        always=tuple(item for item in as_list(webhook.get("alwaysInjectSelector")) if item),
    )


@lru_cache(maxsize=2)
def injection_policies(mesh: Snapshot) -> Mapping[str, InjectionPolicy]:
    """Each revision's policy, by revision; those unread or not understood are left out.

    The ConfigMap is called ``istio-sidecar-injector[-<revision>]`` and lies beside istiod.
    """
    found: dict[str, InjectionPolicy] = {}
    for namespace in sorted(control_plane_namespaces(mesh)):
        for resource in mesh.catalog.within(CONFIG_MAP, namespace):
            stem, _, revision = resource.name.partition(CONFIG_MAP_NAME)
            policy = None if stem else _policy(resource)
            if policy is not None:
                found.setdefault(revision.removeprefix("-") or DEFAULT_REVISION, policy)
    return found
