"""What the API server adds to new objects of built-in kinds, as far as it shows.

Not Kubernetes' whole defaulting: what kubectl shows and what meshdoctor's analyzers read.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.builtin_types import BUILTIN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from meshdoctor.serve.object_store import ObjectStore
    from meshdoctor.serve.resource_type import Key

_SERVICES = ("", "services")
_FIRST, _LAST = 2, 254


def _used_addresses(store: ObjectStore) -> set[str]:
    return {
        str(as_mapping(item.get("spec")).get("clusterIP") or "") for item in store.all(_SERVICES)
    }


def _free_address(store: ObjectStore) -> str:
    """An address beside those of the Services that are there."""
    used = _used_addresses(store)
    network = next((one for one in sorted(used) if one.count(".") == 3), "10.96.0.1")
    first, second, *_ = network.split(".")
    candidates = (
        f"{first}.{second}.{third}.{fourth}"
        for third in range(200, 255)
        for fourth in range(_FIRST, _LAST)
    )
    return next(address for address in candidates if address not in used)


def _service(item: dict[str, Any], store: ObjectStore) -> None:
    spec = item["spec"] = dict(as_mapping(item.get("spec")))
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec["ports"] = [
        {"protocol": "TCP", "targetPort": one.get("port"), **one}
        for one in as_list(spec.get("ports"))
        if isinstance(one, dict)
    ]
    if spec["type"] != "ExternalName":
        address = spec.setdefault("clusterIP", _free_address(store))
        spec.setdefault("clusterIPs", [address])
        spec.setdefault("ipFamilies", ["IPv4"])
        spec.setdefault("ipFamilyPolicy", "SingleStack")
    item.setdefault("status", {"loadBalancer": {}})


def _workload(item: dict[str, Any], store: ObjectStore) -> None:
    spec = item["spec"] = dict(as_mapping(item.get("spec")))
    spec.setdefault("replicas", 1)
    item.setdefault("status", {})


def _secret(item: dict[str, Any], store: ObjectStore) -> None:
    item.setdefault("type", "Opaque")


def _namespace(item: dict[str, Any], store: ObjectStore) -> None:
    metadata = item["metadata"]
    labels = as_mapping(metadata.get("labels"))
    metadata["labels"] = {**labels, "kubernetes.io/metadata.name": metadata["name"]}
    item["spec"] = {"finalizers": ["kubernetes"], **as_mapping(item.get("spec"))}
    item["status"] = {"phase": "Active"}


def _pod(item: dict[str, Any], store: ObjectStore) -> None:
    item.setdefault("status", {"phase": "Pending", "qosClass": "BestEffort"})


_DEFAULTS: Mapping[Key, Callable[[dict[str, Any], ObjectStore], None]] = {
    _SERVICES: _service,
    ("apps", "deployments"): _workload,
    ("apps", "replicasets"): _workload,
    ("apps", "statefulsets"): _workload,
    ("", "secrets"): _secret,
    ("", "namespaces"): _namespace,
    ("", "pods"): _pod,
}


def add_defaults(key: Key, item: dict[str, Any], store: ObjectStore) -> None:
    """Fill in a new object.

    Args:
        key: its resource.
        item: the object, which is changed.
        store: what else there is.
    """
    if key in BUILTIN and key in _DEFAULTS:
        _DEFAULTS[key](item, store)


def normalize(key: Key, item: dict[str, Any]) -> None:
    """What is done to every written object, new or not: plain text of Secrets is encoded."""
    if key == ("", "secrets") and "stringData" in item:
        plain = as_mapping(item.pop("stringData"))
        written = {
            name: base64.b64encode(str(value).encode()).decode() for name, value in plain.items()
        }
        item["data"] = {**as_mapping(item.get("data")), **written}
