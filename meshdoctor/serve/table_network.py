"""The rows of Services and of what stands behind them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.model.resource import as_list
from meshdoctor.serve.table_columns import (
    NONE,
    Cells,
    Object,
    Printer,
    at,
    created,
    items_at,
    joined,
    labels_text,
    name_of,
    selector_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from meshdoctor.serve.resource_type import Key

_FEW = 3
"""So many endpoints are shown; the rest is counted."""


def _balancer_addresses(item: Object) -> str:
    found = (
        one.get("ip") or one.get("hostname")
        for one in items_at(item, "status", "loadBalancer", "ingress")
    )
    return joined(dict.fromkeys(str(address) for address in found if address), "")


def _external(item: Object) -> str:
    """``getServiceExternalIP``."""
    kind = at(item, "spec", "type") or "ClusterIP"
    addresses = as_list(at(item, "spec", "externalIPs"))
    if kind == "LoadBalancer":
        balancer = _balancer_addresses(item)
        return joined([*([balancer] if balancer else []), *addresses], "<pending>")
    if kind == "ExternalName":
        return str(at(item, "spec", "externalName") or "")
    return joined(addresses)


def _service_ports(item: Object) -> str:
    return joined(
        f"{one.get('port')}:{one['nodePort']}/{one.get('protocol', 'TCP')}"
        if one.get("nodePort")
        else f"{one.get('port')}/{one.get('protocol', 'TCP')}"
        for one in items_at(item, "spec", "ports")
    )


def _service(item: Object, now: datetime) -> Cells:
    addresses = as_list(at(item, "spec", "clusterIPs")) or [at(item, "spec", "clusterIP")]
    return [
        name_of(item),
        at(item, "spec", "type") or "ClusterIP",
        addresses[0] or NONE,
        _external(item),
        _service_ports(item),
        created(item, now),
        labels_text(at(item, "spec", "selector")),
    ]


def _limited(words: Iterable[str]) -> str:
    found = list(words)
    if len(found) <= _FEW:
        return joined(found)
    return f"{','.join(found[:_FEW])} + {len(found) - _FEW} more..."


def _endpoints(item: Object, now: datetime) -> Cells:
    found = []
    for subset in items_at(item, "subsets"):
        ports = items_at(subset, "ports")
        for address in items_at(subset, "addresses"):
            ip = str(address.get("ip"))
            found += [f"{ip}:{port.get('port')}" for port in ports] if ports else [ip]
    return [name_of(item), _limited(found), created(item, now)]


def _slice_ports(item: Object) -> str:
    ports = items_at(item, "ports")
    if not ports:
        return "<unset>"
    return _limited(str("*" if one.get("port") is None else one["port"]) for one in ports)


def _endpoint_slice(item: Object, now: datetime) -> Cells:
    endpoints = items_at(item, "endpoints")
    addresses = [str(address) for one in endpoints for address in as_list(one.get("addresses"))]
    return [
        name_of(item),
        str(item.get("addressType") or ""),
        _slice_ports(item),
        "<unset>" if not endpoints else _limited(addresses),
        created(item, now),
    ]


def _network_policy(item: Object, now: datetime) -> Cells:
    return [name_of(item), selector_text(at(item, "spec", "podSelector")), created(item, now)]


NETWORK_PRINTERS: dict[Key, Printer] = {
    ("", "services"): Printer(
        ("Name", "Type", "Cluster-IP", "External-IP", "Port(s)", "Age", "Selector+"), _service
    ),
    ("", "endpoints"): Printer(("Name", "Endpoints", "Age"), _endpoints),
    ("discovery.k8s.io", "endpointslices"): Printer(
        ("Name", "AddressType", "Ports", "Endpoints", "Age"), _endpoint_slice
    ),
    ("networking.k8s.io", "networkpolicies"): Printer(
        ("Name", "Pod-Selector", "Age"), _network_policy
    ),
}
