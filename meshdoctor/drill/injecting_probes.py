"""Probes of an injected pod: led to the agent, which asks the application in plaintext.

istiod rewrites HTTP, TCP and gRPC probes unless ``sidecar.istio.io/rewriteAppHTTPProbers`` is
``false`` (pkg/kube/inject, ``app_probe.go``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from meshdoctor.drill.objects import annotations_of, spec_of
from meshdoctor.model.pod import PROXY_CONTAINER
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.serve.object_store import Object

REWRITE = "sidecar.istio.io/rewriteAppHTTPProbers"
_AGENT = 15020
_PATHS = {"readinessProbe": "readyz", "livenessProbe": "livez", "startupProbe": "startupz"}
_HOW = ("httpGet", "tcpSocket", "grpc")
_VARIABLE = "ISTIO_KUBE_APP_PROBERS"


def _numbered(asked: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any]:
    """A probe whose port is a number."""
    names = {
        as_mapping(one).get("name"): as_mapping(one).get("containerPort")
        for one in as_list(container.get("ports"))
    }
    return {**asked, "port": names.get(asked.get("port"), asked.get("port"))}


def _rewritten(container: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any]:
    made = dict(container)
    for field, word in _PATHS.items():
        probe = as_mapping(container.get(field))
        how = next((one for one in _HOW if one in probe), None)
        if how is None:
            continue
        path = f"/app-health/{container.get('name')}/{word}"
        timing = {key: value for key, value in probe.items() if key not in _HOW}
        told[path] = {how: _numbered(as_mapping(probe[how]), container), **_timeout(probe)}
        made[field] = {"httpGet": {"path": path, "port": _AGENT, "scheme": "HTTP"}, **timing}
    return made


def _timeout(probe: Mapping[str, Any]) -> dict[str, Any]:
    return {"timeoutSeconds": probe["timeoutSeconds"]} if "timeoutSeconds" in probe else {}


def rewritten_probes(pod: Object) -> dict[str, Any]:
    """An injected pod with its application's probes rewritten, where that is not switched off."""
    if annotations_of(pod).get(REWRITE, "true").lower() == "false":
        return dict(pod)
    told: dict[str, Any] = {}
    spec = dict(spec_of(pod))
    spec["containers"] = [
        one if one.get("name") == PROXY_CONTAINER else _rewritten(one, told)
        for one in as_list(spec.get("containers"))
    ]
    if told:
        variable = {"name": _VARIABLE, "value": json.dumps(told, separators=(",", ":"))}
        for key in ("initContainers", "containers"):
            spec[key] = [
                {**one, "env": [*as_list(one.get("env")), variable]}
                if one.get("name") == PROXY_CONTAINER
                else one
                for one in as_list(spec.get(key))
            ]
    return {**pod, "spec": spec}
