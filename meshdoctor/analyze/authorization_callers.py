"""Who called, as the server's proxy saw it: the identity that its policies judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import trust_domains
from meshdoctor.intent.authorization_request import Request, Seen, Value
from meshdoctor.intent.inbound_capture import is_in_ambient, takes_hbone
from meshdoctor.model.envoy.names import parse_cluster_name
from meshdoctor.model.pod import has_proxy, is_finished, is_gateway

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.access_log import AccessLogEntry
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_MESH_SNI = "outbound_."
"""How the server name begins that a proxy of the mesh sends: ``outbound_.<port>_._.<host>``."""


def identity(mesh: Snapshot, pod: Resource) -> str:
    """The principal that a pod's certificate carries, without ``spiffe://``."""
    account = pod.spec.get("serviceAccountName") or "default"
    return f"{trust_domains(mesh)[0]}/ns/{pod.namespace}/sa/{account}"


def client_of(mesh: Snapshot, entry: AccessLogEntry, time: datetime) -> Resource | None:
    """The pod behind an address, when it was there at the time: addresses are used again."""
    pod = mesh.pod_at(entry.remote_ip or "")
    if pod is None or is_finished(pod) or (pod.created is not None and pod.created > time):
        return None
    return pod


def _shows_names(proxy: Proxy) -> bool:
    """Whether the log's format has the server name at all."""
    return any(entry.sni for entry in proxy.log.access) if proxy.log else False


def principal_seen(
    mesh: Snapshot, proxy: Proxy, server: Resource, entry: AccessLogEntry, client: Resource | None
) -> Value:
    """The identity in the caller's certificate; ABSENT for plaintext and one-way TLS."""
    mutual = bool(entry.sni and entry.sni.startswith(_MESH_SNI))
    if is_gateway(server) and not mutual:
        return Seen.UNKNOWN if entry.sni else Seen.ABSENT
    if client is None:
        return Seen.UNKNOWN if entry.sni else Seen.ABSENT
    # To a sidecar that takes no HBONE, ztunnel passes on what the application sends.
    if mutual or (is_in_ambient(client) and takes_hbone(server)):
        return identity(mesh, client)
    if not has_proxy(client):
        return Seen.ABSENT
    if entry.sni:
        return Seen.UNKNOWN
    # A custom format may leave the server name out; then a proxy is taken to speak mutual TLS.
    return Seen.ABSENT if _shows_names(proxy) else identity(mesh, client)


def server_port(entry: AccessLogEntry) -> int | None:
    """The server's own port that was called."""
    name = parse_cluster_name(entry.cluster) if entry.is_inbound and entry.cluster else None
    return name.port if name and name.port else entry.local_port


def path_of(entry: AccessLogEntry) -> str:
    """The path that rules are matched against: without query and fragment."""
    return (entry.path or "").partition("?")[0].partition("#")[0]


def request_of(
    mesh: Snapshot, proxy: Proxy, server: Resource, entry: AccessLogEntry, client: Resource | None
) -> Request:
    """A logged call as the server's proxy saw it; headers and tokens are not in a log."""
    port = server_port(entry)
    http = entry.method is not None
    absent = Seen.UNKNOWN if http else Seen.ABSENT
    return Request(
        principal=principal_seen(mesh, proxy, server, entry, client),
        source_ip=entry.remote_ip or Seen.UNKNOWN,
        method=entry.method or absent,
        path=path_of(entry) if entry.path else absent,
        host=entry.authority or absent,
        port=str(port) if port is not None else Seen.UNKNOWN,
        sni=entry.sni or Seen.UNKNOWN,
        http=http,
    )
