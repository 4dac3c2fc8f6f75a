"""Which Secrets a Gateway's servers need, and where istiod looks for them.

A ``credentialName`` is looked up in the namespace of the gateway's pods, not of the Gateway
(pilot/pkg/model/credentials). For client certificates a Secret ``<name>-cacert`` comes first, and
without one the CA is taken from ``<name>`` itself (pilot/pkg/credentials/kube, ``GetCaCert``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.gateway_servers import servers
from meshdoctor.model.resource import as_list

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from meshdoctor.intent.gateway_servers import Server
    from meshdoctor.model.resource import Resource

CA_SUFFIX = "-cacert"
KEY_PAIRS = (("cert", "key"), ("tls.crt", "tls.key"))
"""Names under which a Secret may hold certificate and key, the older first."""
CA_KEYS = ("cacert", "ca.crt")
"""Names under which a Secret may hold the CA."""
_SCHEME = "kubernetes://"


@dataclass(frozen=True, slots=True)
class Credential:
    """One Secret that one server of a Gateway needs in one namespace."""

    server: Server
    namespace: str
    """Of the gateway's pods."""
    name: str
    needs_ca: bool
    """Whether a CA for clients' certificates must come with it."""

    @property
    def gateway(self) -> Resource:
        """The Gateway."""
        return self.server.gateway

    @property
    def text(self) -> str:
        """The Secret in the text form of objects."""
        return f"Secret {self.namespace}/{self.name}"

    @property
    def resource_names(self) -> tuple[str, ...]:
        """What the proxies ask istiod for: the certificate, then the CA."""
        own = f"{_SCHEME}{self.name}"
        return (own, own + CA_SUFFIX) if self.needs_ca else (own,)


def _given(server: Server) -> tuple[str, ...]:
    """What a server names, without the scheme of Kubernetes Secrets; other sources are left out."""
    if not server.ends_tls:
        return ()
    given = [server.tls.get("credentialName"), *as_list(server.tls.get("credentialNames"))]
    names = (name.removeprefix(_SCHEME) for name in given if isinstance(name, str))
    return tuple(dict.fromkeys(name for name in names if name and "://" not in name))


def credential_names(server: Server) -> tuple[str, ...]:
    """The Secrets that a server names; files and other sources are left out."""
    return tuple(name for name in _given(server) if "/" not in name)


def denied_names(server: Server, namespace: str) -> tuple[str, ...]:
    """The Secrets that a server names as ``namespace/name``, and istiod denies to its gateway.

    Only those of the gateway's own namespace are handed out (pilot/pkg/xds/sds.go,
    ``filterAuthorizedResources``).

    Args:
        server: of a Gateway.
        namespace: of the gateway's pods.
    """
    qualified = (name for name in _given(server) if "/" in name)
    return tuple(name for name in qualified if name.partition("/")[0] != namespace)


def has_certificate(server: Server) -> bool:
    """Whether a server that ends TLS says where its certificate comes from."""
    keys = ("credentialName", "credentialNames", "serverCertificate", "tlsCertificates")
    return any(server.tls.get(key) for key in keys)


def _needs_ca(server: Server) -> bool:
    """Whether the CA is looked for under the credential's name, not somewhere of its own."""
    own = ("caCertCredentialName", "caCertificates")
    return server.checks_clients and not any(server.tls.get(key) for key in own)


def credentials(gateway: Resource, namespaces: Iterable[str]) -> Iterator[Credential]:
    """Every Secret that a Gateway's servers need.

    Args:
        gateway: the Gateway.
        namespaces: where its pods run.
    """
    places = sorted(set(namespaces))
    for server in servers(gateway):
        for name in _given(server):
            own, slash, rest = name.partition("/")
            for namespace in places:
                if not slash or own == namespace:
                    yield Credential(server, namespace, rest or own, _needs_ca(server))
