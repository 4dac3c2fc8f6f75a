"""istiod's ``/debug/syncz`` and ``/debug/connections``, of every version.

Up to 1.22 syncz is flat (``cluster_sent``, ``cluster_acked`` …); from 1.23 a ``resources`` map by
type URL adds the time of the push and the proxy's reason for a rejection (pilot/pkg/xds/debug.go).
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.istiod import ProxySync, TypeSync
from meshdoctor.model.resource import as_list, as_mapping, parse_time
from meshdoctor.parse.documents import decode_array, decode_object
from meshdoctor.parse.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SHORT_NAMES = {
    "envoy.config.cluster.v3.Cluster": "CDS",
    "envoy.config.listener.v3.Listener": "LDS",
    "envoy.config.route.v3.RouteConfiguration": "RDS",
    "envoy.config.endpoint.v3.ClusterLoadAssignment": "EDS",
    "envoy.extensions.transport_sockets.tls.v3.Secret": "SDS",
    "envoy.config.core.v3.TypedExtensionConfig": "ECDS",
    "istio.networking.nds.v1.NameTable": "NDS",
    "istio.mesh.v1alpha1.ProxyConfig": "PCDS",
    "istio.workload.Address": "WDS",
    "istio.workload.Workload": "WDS",
    "istio.security.Authorization": "WADS",
}
"""istioctl's short names (pkg/xds/xds.go)."""

_FLAT = {
    "cluster": "CDS",
    "listener": "LDS",
    "endpoint": "EDS",
    "route": "RDS",
    "extensionconfig": "ECDS",
}


def short_type(type_url: str) -> str:
    """The short name that istioctl gives an xDS type URL; the URL itself when it has none."""
    return _SHORT_NAMES.get(type_url.rpartition("/")[2], type_url)


def nonce_time(nonce: str) -> datetime | None:
    """When the push happened: a nonce starts ``<RFC 3339 time>/<counter>``."""
    return parse_time(nonce.partition("/")[0])


def _sent_time(entry: Mapping[str, Any], nonce: str) -> datetime | None:
    time = parse_time(entry.get("sentTime"))
    # Go's zero time stands for "never sent".
    return time if time and time.year > 1 else nonce_time(nonce)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _types(entry: Mapping[str, Any], pointer: str) -> Iterator[TypeSync]:
    resources = as_mapping(entry.get("resources"))
    if resources:
        for type_url, value in sorted(resources.items()):
            item = as_mapping(value)
            sent = _text(item.get("sent"))
            yield TypeSync(
                type=short_type(type_url),
                sent=sent,
                acked=_text(item.get("acked")),
                sent_at=_sent_time(item, sent),
                error=_text(item.get("lastError")) or None,
                pointer=join_pointer(pointer, ("resources", type_url)),
            )
        return
    for prefix, short_name in _FLAT.items():
        key = f"{prefix}_sent"
        if f"{prefix}_acked" not in entry and key not in entry:
            continue
        sent = _text(entry.get(key))
        yield TypeSync(
            type=short_name,
            sent=sent,
            acked=_text(entry.get(f"{prefix}_acked")),
            sent_at=nonce_time(sent),
            error=None,
            pointer=join_pointer(pointer, (key if key in entry else f"{prefix}_acked",)),
        )


def parse_syncz(data: bytes) -> tuple[ProxySync, ...]:
    """Read ``/debug/syncz``: every connection this istiod holds, tools included.

    Raises:
        ParseError: not an array of connections. One garbled entry spoils the whole: the proxy it
            stands for would else count as not connected.
    """
    proxies: list[ProxySync] = []
    for index, value in enumerate(decode_array(data)):
        entry = as_mapping(value)
        name = _text(entry.get("proxy"))
        if not name:
            raise ParseError(f"entry {index} names no proxy")
        pod, _, namespace = name.rpartition(".")
        pointer = f"/{index}"
        proxies.append(
            ProxySync(
                pod=pod or namespace,
                namespace=namespace if pod else "",
                type=_text(entry.get("proxy_type")),
                cluster=_text(entry.get("cluster_id")),
                version=_text(entry.get("istio_version")),
                types=tuple(_types(entry, pointer)),
                pointer=pointer,
            )
        )
    return tuple(proxies)


def parse_connections(data: bytes) -> dict[str, datetime]:
    """Read ``/debug/connections``: ``pod.namespace`` to the time of its newest connection.

    Raises:
        ParseError: not a JSON object.
    """
    newest: dict[str, datetime] = {}
    for value in as_list(decode_object(data).get("clients")):
        client = as_mapping(value)
        name = _text(client.get("connectionId")).rpartition("-")[0]
        time = parse_time(client.get("connectedAt"))
        if name and time and (name not in newest or time > newest[name]):
            newest[name] = time
    return newest
