"""What a pod asks of its own sidecar: ``proxy.istio.io/config``, or a container ``istio-proxy``.

The annotation is laid over the mesh's ``defaultConfig``; a container of the pod that is called
``istio-proxy`` is laid over what the template makes (pkg/kube/inject, "Customizing injection").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from meshdoctor.drill.pods import is_native
from meshdoctor.intent.mesh_config import mesh_config
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

CONFIG = "proxy.istio.io/config"
_HOLD = "holdApplicationUntilProxyStarts"
_VARIABLE = "PROXY_CONFIG"
_WAIT = {"postStart": {"exec": {"command": ["pilot-agent", "wait"]}}}
_TEMPLATES_OWN = "auto"
"""The image that stands for the template's."""


class SettingsError(ValueError):
    """Settings that the injector cannot read; the message is one line."""


def own_settings(annotations: Mapping[str, str]) -> Mapping[str, Any]:
    """The ProxyConfig that a pod brings; fields that are in none count for nothing.

    Raises:
        SettingsError: it is no YAML, no mapping, or has a text for a truth value.
    """
    text = annotations.get(CONFIG, "")
    try:
        read = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        read = text
    if not isinstance(read or {}, dict) or not isinstance((read or {}).get(_HOLD, True), bool):
        raise SettingsError(
            f"invalid value {text!r} for annotation {CONFIG!r}: "
            "failed to convert to apply proxy config"
        )
    return read or {}


def holds_application(mesh: Snapshot, pod: Resource, settings: Mapping[str, Any]) -> bool:
    """Whether the application waits for its proxy, by the pod's say or else the mesh's.

    Args:
        mesh: the moment.
        pod: annotated with the revision that injects it.
        settings: the pod's own.
    """
    default = as_mapping(mesh_config(mesh, pod).settings.get("defaultConfig"))
    return bool(settings.get(_HOLD, default.get(_HOLD)))


def configured(
    container: Mapping[str, Any], settings: Mapping[str, Any], *, waits: bool
) -> dict[str, Any]:
    """The proxy's container with the pod's own settings.

    Args:
        container: as the template makes it.
        settings: the pod's own ProxyConfig.
        waits: whether the application waits for it, which a native sidecar needs no hook for.
    """
    made = dict(container)
    if settings:
        metadata = as_mapping(settings.get("proxyMetadata"))
        kept = [one for one in as_list(made.get("env")) if one.get("name") not in metadata]
        made["env"] = [
            *(_merged_config(one, settings) for one in kept),
            *({"name": str(name), "value": str(value)} for name, value in metadata.items()),
        ]
    if waits and not is_native(made):
        made["lifecycle"] = _WAIT
    return made


def _merged_config(variable: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    if variable.get("name") != _VARIABLE:
        return dict(variable)
    try:
        before = as_mapping(json.loads(str(variable.get("value") or "{}")))
    except ValueError:
        before = {}
    text = json.dumps(_over(before, settings), separators=(",", ":"))
    return {**variable, "value": f"{text}\n"}


def overlaid(container: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The template's container under the pod's own of the same name."""
    said = {key: value for key, value in own.items() if (key, value) != ("image", _TEMPLATES_OWN)}
    return _over(container, said)


def _over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """One mapping over another: mappings merge, lists of named things merge by name."""
    made = dict(below)
    for key, value in above.items():
        old = below.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            made[key] = _over(old, value)
        elif isinstance(value, list) and _all_named(value) and _all_named(as_list(old)):
            named = {one["name"]: one for one in as_list(old)}
            made[key] = list((named | {one["name"]: one for one in value}).values())
        else:
            made[key] = value
    return made


def _all_named(items: list[Any]) -> bool:
    return all("name" in as_mapping(one) for one in items)
