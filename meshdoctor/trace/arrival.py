"""What reaches a server: the connection and the request as the calling end sends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.model.envoy import TlsMode

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Cluster
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.trace.hosts import Host

HTTP_ALPN = ("istio-http/1.1", "istio-http/1.0", "istio-h2")
"""What the filter ``istio.alpn`` makes of a cluster's ALPN for a request over HTTP."""
ALPN_FILTER = "istio.alpn"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One connection to one address, and what it carries."""

    source: Resource
    """The calling pod."""
    address: str
    port: int
    http: bool
    tls: bool = False
    mutual: bool = False
    """Whether the caller shows its certificate of the mesh."""
    sni: str = ""
    protocols: tuple[str, ...] = ()
    own_tls: bool = False
    """Whether there is TLS inside that the application itself must speak."""
    hbone: bool = False
    """Whether it comes through a tunnel to port 15008."""
    sender: Proxy | None = None
    """The proxy that sends it; None for an application's own connection."""
    cluster: Cluster | None = None
    """The sender's cluster."""
    host: Host | None = None

    @property
    def name(self) -> str:
        """``address:port``."""
        return f"{self.address}:{self.port}"


def _speaks_tls(cluster: Cluster, host: Host | None) -> bool:
    """Whether a cluster's transport socket for a host is TLS.

    Automatic mTLS chooses by the endpoint's ``tlsMode``; everything else holds for every host.
    """
    if cluster.tls is TlsMode.NONE:
        return False
    if cluster.tls is TlsMode.AUTO:
        return host is not None and host.endpoint is not None and host.endpoint.tls_mode == "istio"
    return True


def sent_by(
    source: Resource,
    proxy: Proxy | None,
    cluster: Cluster,
    host: Host,
    *,
    http: bool,
    own_tls: bool = False,
    sni: str = "",
    overrides_alpn: bool = False,
) -> Arrival:
    """What a proxy sends to one of its hosts.

    Args:
        source: the pod of the proxy.
        proxy: the sender; None where it was not read.
        cluster: of the proxy.
        host: of the cluster.
        http: whether it is sent as HTTP.
        own_tls: whether what goes through is TLS already, which the proxy does not terminate.
        sni: server name of that TLS.
        overrides_alpn: whether the proxy's chain has the filter ``istio.alpn``.
    """
    tls = _speaks_tls(cluster, host)
    mutual = tls and cluster.tls in (TlsMode.AUTO, TlsMode.ISTIO_MUTUAL)
    offered = cluster.upstream_tls.alpn if tls and cluster.upstream_tls else ()
    return Arrival(
        source=source,
        address=host.address,
        port=host.port,
        http=http,
        tls=tls or own_tls,
        own_tls=own_tls,
        mutual=mutual,
        sni=cluster.sni if tls else sni,
        protocols=HTTP_ALPN if overrides_alpn and "istio" in offered else offered,
        hbone=host.endpoint is not None and host.endpoint.hbone,
        sender=proxy,
        cluster=cluster,
        host=host,
    )
