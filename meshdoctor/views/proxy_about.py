"""Who one proxy is and how it fares: node, versions, state, certificates, what was read of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from meshdoctor.model import proxy as files
from meshdoctor.model.pod import is_ready
from meshdoctor.views.proxy_status_row import age_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

COLUMNS: tuple[tuple[str, str], ...] = (("WHAT", "name"), ("VALUE", "value"), ("FROM", "source"))

NOT_COLLECTED = "? not collected"


@dataclass(frozen=True, slots=True)
class AboutRow:
    """One fact about a proxy."""

    name: str
    value: str
    source: str
    """Path within the recording."""


def _pod(mesh: Snapshot, proxy: Proxy) -> Iterator[AboutRow]:
    pod = mesh.pod_of(proxy)
    if pod is None:
        yield AboutRow("pod", NOT_COLLECTED, "kubernetes/core/v1/pods.json")
        return
    yield AboutRow("workload", mesh.caller(proxy), pod.source)
    yield AboutRow("pod", "ready" if is_ready(pod) else "not ready", pod.source)


def _node(proxy: Proxy) -> Iterator[AboutRow]:
    source = proxy.path(files.CONFIG_DUMP)
    node = proxy.config.bootstrap if proxy.config else None
    if node is None:
        yield AboutRow("node", NOT_COLLECTED, source)
        return
    facts = (
        ("node id", node.node_id),
        ("type", node.proxy_type),
        ("istio version", node.istio_version),
        ("revision", node.revision),
        ("service account", node.service_account),
        ("istiod address", node.discovery_address),
        ("cluster", node.cluster_id),
        ("network", node.network),
        ("interception", node.interception_mode),
    )
    for name, value in facts:
        if value:
            yield AboutRow(name, value, source)


def _server(proxy: Proxy) -> Iterator[AboutRow]:
    source = proxy.path(files.SERVER_INFO)
    server = proxy.server
    if server is None:
        yield AboutRow("envoy", NOT_COLLECTED, source)
        return
    yield AboutRow("envoy", f"{server.envoy_version or 'unknown'}, {server.state}", source)
    if server.uptime_seconds is not None:
        yield AboutRow("uptime", age_text(server.uptime_seconds), source)


def _certificates(mesh: Snapshot, proxy: Proxy) -> Iterator[AboutRow]:
    source = proxy.path(files.CERTS)
    if proxy.certs is None:
        yield AboutRow("certificates", NOT_COLLECTED, source)
        return
    for item in proxy.certs:
        for word, details in (("certificate", item.cert_chain), ("root", item.ca_cert)):
            for one in details:
                until = one.expiration_time
                left = "" if until is None else _until((until - mesh.now).total_seconds())
                value = ", ".join(part for part in (" ".join(one.sans) or one.path, left) if part)
                yield AboutRow(word, value, source)


def _until(seconds: float) -> str:
    if seconds < 0:
        return f"expired {age_text(-seconds)} ago"
    return f"expires in {age_text(seconds)}"


def rows(mesh: Snapshot, proxy: Proxy) -> tuple[AboutRow, ...]:
    """What is known of a proxy, a row for each fact; what was not read says so."""
    found = [*_pod(mesh, proxy), *_node(proxy), *_server(proxy), *_certificates(mesh, proxy)]
    if proxy.ready is not None:
        said = "ready" if proxy.ready else "not ready"
        found.append(AboutRow("proxy", said, proxy.path(files.READY)))
    found += [
        AboutRow(f"file {name}", NOT_COLLECTED, proxy.path(name)) for name in sorted(proxy.unread)
    ]
    return tuple(dict.fromkeys(found))


def to_json(row: AboutRow) -> dict[str, Any]:
    """A row as plain data."""
    return asdict(row)
