"""Whether istiod gets the keys that tokens are checked against: its own request, walked.

istiod fetches ``jwksUri`` itself, without a certificate of the mesh; where none is given it asks
the issuer by OpenID discovery (pilot/pkg/model/jwks_resolver.go).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from meshdoctor.analyze.jwt_keys import unusable_because
from meshdoctor.intent.control_plane import ready_istiods
from meshdoctor.intent.port_protocol import protocol_of
from meshdoctor.model.kinds import ENDPOINT_SLICE, NAMESPACE, POD, SERVICE
from meshdoctor.model.trace import Request
from meshdoctor.trace.destination import resolve

if TYPE_CHECKING:
    from meshdoctor.analyze.jwt_keys import JwtRule
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.trace.trail import Trail

_DISCOVERY = "/.well-known/openid-configuration"
_PORTS = {"http": 80, "https": 443}
_URI = re.compile(
    r"(?P<scheme>https?)://(?P<host>\[[^\]]+\]|[^/:?#]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[^#]*)?",
    re.IGNORECASE,
)
_NOWHERE = ("invalid", "test", "example", "localhost")
"""Top-level domains that no public DNS has (RFC 6761)."""


def _is_of_cluster(mesh: Snapshot, host: str) -> bool:
    """Whether only the cluster's DNS can know a name."""
    labels = host.rstrip(".").split(".")
    spaces = {item.name for item in mesh.catalog.of(NAMESPACE)}
    inside = host.rstrip(".").endswith((".svc", f".svc.{mesh.registry.domain}"))
    return inside or len(labels) == 1 or (len(labels) == 2 and labels[1] in spaces)


def _alias(mesh: Snapshot, istiod: Resource, host: str) -> str:
    """The name that an ExternalName Service stands for; the ports of that one do not count."""
    service = resolve(mesh, Request(client=istiod, host=host, port=0)).service
    if service is None or not service.is_external_name:
        return host
    return str(service.resource.spec.get("externalName") or host).rstrip(".").lower()


def _why_unfetched(trail: Trail, uri: re.Match[str]) -> str | None:
    mesh, istiods = trail.mesh, ready_istiods(trail.mesh)
    host = uri["host"].strip("[]").lower()
    if istiods:
        host = _alias(mesh, istiods[0], host)
    if host.rpartition(".")[2] in _NOWHERE:
        return f"no DNS has the name {host}"
    if not istiods or not mesh.catalog.known(SERVICE, POD, ENDPOINT_SLICE):
        return None
    scheme = uri["scheme"].lower()
    port = int(uri["port"] or _PORTS[scheme])
    asked = Request(
        client=istiods[0], host=host, port=port, path=uri["path"] or "/", http=scheme == "http"
    )
    found = resolve(mesh, asked)
    if not found.is_known:
        return f"no Service is called {host}" if _is_of_cluster(mesh, host) else None
    served = found.service and found.port and protocol_of(found.service, found.port)
    if served and served.is_http and not asked.http:
        return f"port {port} of {host} speaks plaintext, not TLS"
    walked = trail.ask(mesh, asked) if trail.ask else None
    if walked is None or not walked.is_known:
        return None
    certain = [item for item in walked.outcomes if not item.condition]
    failing = [item for item in certain if item.is_failure]
    return failing[0].because if failing and len(failing) == len(certain) else None


def why_no_key(trail: Trail, rule: JwtRule) -> str | None:
    """Why no token can be checked by a rule; None where nothing read says so.

    Args:
        trail: asks for what istiod's own request meets.
        rule: of a RequestAuthentication.
    """
    if rule.inline:
        why = unusable_because(rule.inline)
        return f"{rule.policy} holds no usable key: {why}" if why else None
    uri = rule.uri or rule.issuer.rstrip("/") + _DISCOVERY
    read = _URI.match(uri)
    why = _why_unfetched(trail, read) if read else None
    return f"istiod cannot fetch {uri} for {rule.policy}: {why}" if why else None
