"""Which pods have an Envoy that can be asked, and why the others cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.pod import (
    PROXY_CONTAINER,
    container_path,
    container_runs,
    container_status,
    has_proxy,
    is_finished,
    is_gateway,
    is_terminating,
)
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.resource import Resource

_GRPC_AGENT = "grpc-agent"
"""The injection template of proxyless gRPC."""
_NO_ENVOY = ("DISABLE_ENVOY", "true")
_AGENTGATEWAY = "agentgateway"


def _without_envoy(pod: Resource) -> str | None:
    """Why a pod with an ``istio-proxy`` container has no Envoy."""
    path = container_path(pod, PROXY_CONTAINER)
    container = as_mapping(pod.get(*path)) if path else {}
    variables = {
        (as_mapping(item).get("name"), str(as_mapping(item).get("value")).lower())
        for item in as_list(container.get("env"))
    }
    templates = pod.annotations.get("inject.istio.io/templates", "").split(",")
    if _NO_ENVOY in variables or _GRPC_AGENT in templates:
        return "proxyless gRPC: there is no Envoy in the pod"
    if _AGENTGATEWAY in str(container.get("image") or ""):
        return "agentgateway has no Envoy in it"
    return None


def state_words(pod: Resource, container: str) -> str:
    """Why a container does not run, by its state and the pod's phase."""
    phase = pod.status.get("phase") or "Unknown"
    found = container_status(pod, container)
    state = as_mapping(found[1].get("state")) if found else {}
    for word in ("waiting", "terminated"):
        reason = as_mapping(state.get(word)).get("reason")
        if isinstance(reason, str) and reason:
            return f"the pod is {phase}, its {container} {word}: {reason}"
    return f"the pod is {phase}: its {container} does not run"


def why_not_asked(pod: Resource) -> str | None:
    """Why a pod's proxy cannot be asked; None when it can.

    Args:
        pod: a pod that has a proxy.
    """
    reason = _without_envoy(pod)
    if reason is None and not container_runs(pod, PROXY_CONTAINER):
        reason = state_words(pod, PROXY_CONTAINER)
    return reason


def proxy_pods(pods: Iterable[Resource]) -> tuple[Resource, ...]:
    """Pods with a proxy that have not run to their end: gateways first, then by name."""
    found = [
        pod for pod in pods if has_proxy(pod) and not is_finished(pod) and not is_terminating(pod)
    ]
    found.sort(key=lambda pod: (not is_gateway(pod), pod.namespace, pod.name))
    return tuple(found)
