"""Small config dumps made by hand, and certificates made on the spot."""

from __future__ import annotations

import base64
import dataclasses
import functools
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from meshdoctor.parse.envoy import parse_config_dump

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.envoy import ConfigDump

BORN = datetime(2026, 11, 21, 7, 0, tzinfo=UTC)
CLIENT = "spiffe://cluster.local/ns/shop/sa/client"
EXTENSIONS = "type.googleapis.com/envoy.extensions."


def section(name: str, **parts: Any) -> dict[str, Any]:
    return {"@type": f"type.googleapis.com/envoy.admin.v3.{name}ConfigDump", **parts}


def document(*sections: dict[str, Any]) -> bytes:
    return json.dumps({"configs": sections}).encode()


def read(*sections: dict[str, Any]) -> ConfigDump:
    return parse_config_dump(document(*sections))


def typed(kind: str, **fields: Any) -> dict[str, Any]:
    return {"@type": EXTENSIONS + kind, **fields}


@functools.cache
def pem(*, is_ca: bool = False, serial: int = 0x0A0B, san: str = CLIENT) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "cluster.local")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(BORN)
        .not_valid_after(BORN + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if not is_ca:
        names = [x509.UniformResourceIdentifier(san), x509.DNSName("client.shop.svc")]
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def inline(data: bytes) -> dict[str, str]:
    return {"inline_bytes": base64.b64encode(data).decode()}


def upstream_tls(
    certificate: str = "", ca: str = "", sni: str = "", sans: tuple[str, ...] = ()
) -> dict[str, Any]:
    context: dict[str, Any] = {"alpn_protocols": ["istio"]}
    if certificate:
        context["tls_certificate_sds_secret_configs"] = [{"name": certificate}]
    if ca:
        context["combined_validation_context"] = {
            "default_validation_context": {"match_subject_alt_names": [{"exact": n} for n in sans]},
            "validation_context_sds_secret_config": {"name": ca},
        }
    kind = "transport_sockets.tls.v3.UpstreamTlsContext"
    return {
        "name": "envoy.transport_sockets.tls",
        "typed_config": typed(kind, common_tls_context=context, sni=sni),
    }


def raw_buffer() -> dict[str, Any]:
    return {
        "name": "envoy.transport_sockets.raw_buffer",
        "typed_config": typed("transport_sockets.raw_buffer.v3.RawBuffer"),
    }


def automatic_tls(**names: Any) -> list[dict[str, Any]]:
    socket = upstream_tls("default", "ROOTCA", **names)
    return [
        {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": socket},
        {"name": "tlsMode-disabled", "match": {}, "transport_socket": raw_buffer()},
    ]


def cluster(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "type": "EDS", **fields}


def clusters(*configs: dict[str, Any], **lists: Any) -> dict[str, Any]:
    entries = [{"cluster": config, "last_updated": "2026-11-21T07:11:10Z"} for config in configs]
    return section("Clusters", dynamic_active_clusters=entries, **lists)


def socket(address: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": address, "port_value": port}}


def back_pointer(kind: str, name: str) -> dict[str, Any]:
    path = f"/apis/networking.istio.io/v1/namespaces/shop/{kind}/{name}"
    return {"filter_metadata": {"istio": {"config": path}}}


def http(route_name: str = "", filters: tuple[Any, ...] = (), **fields: Any) -> dict[str, Any]:
    kind = "filters.network.http_connection_manager.v3.HttpConnectionManager"
    config = typed(kind, http_filters=list(filters), **fields)
    if route_name:
        config["rds"] = {"route_config_name": route_name}
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def tcp(cluster_name: str, **fields: Any) -> dict[str, Any]:
    return {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": typed("filters.network.tcp_proxy.v3.TcpProxy", cluster=cluster_name),
        **fields,
    }


def chain(*filters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"filters": list(filters), **fields}


def listener(name: str, port: int, *chains: dict[str, Any], **fields: Any) -> dict[str, Any]:
    address = socket("0.0.0.0", port)
    return {"name": name, "address": address, "filter_chains": list(chains), **fields}


def active(config: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"name": config["name"], "active_state": {"listener": config}, **fields}


def listeners(*configs: dict[str, Any]) -> dict[str, Any]:
    return section("Listeners", dynamic_listeners=[active(config) for config in configs])


def rbac(name: str = "envoy.filters.http.rbac", **fields: Any) -> dict[str, Any]:
    return {"name": name, "typed_config": typed("filters.http.rbac.v3.RBAC", **fields)}


def route_config(name: str, *hosts: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "virtual_hosts": list(hosts)}


def host(name: str, *routes: dict[str, Any], domains: tuple[str, ...] = ("*",)) -> dict[str, Any]:
    return {"name": name, "domains": list(domains), "routes": list(routes)}


def to(cluster_name: str, prefix: str = "/", **fields: Any) -> dict[str, Any]:
    return {"match": {"prefix": prefix}, "route": {"cluster": cluster_name}, **fields}


def routes(*configs: dict[str, Any], static: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return section(
        "Routes",
        dynamic_route_configs=[{"route_config": config} for config in configs],
        static_route_configs=[{"route_config": config} for config in static],
    )


def lb_endpoint(address: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"endpoint": {"address": address}, "health_status": "HEALTHY", **fields}


def assignment(cluster_name: str, *endpoints: dict[str, Any]) -> dict[str, Any]:
    return {"cluster_name": cluster_name, "endpoints": [{"lb_endpoints": list(endpoints)}]}


def endpoints(*assignments: dict[str, Any]) -> dict[str, Any]:
    return section(
        "Endpoints", dynamic_endpoint_configs=[{"endpoint_config": item} for item in assignments]
    )


def whole_dump() -> list[dict[str, Any]]:
    """A dump with one of nearly everything."""
    jwt = typed(
        "filters.http.jwt_authn.v3.JwtAuthentication",
        providers={"origins-0": {"issuer": "https://i", "local_jwks": {"inline_string": "{}"}}},
    )
    nobody: dict[str, Any] = {"permissions": [], "principals": []}
    policies = {"ns[shop]-policy[deny]-rule[0]": nobody}
    fault = typed("filters.http.fault.v3.HTTPFault", abort={"http_status": 503})
    faulty = to("c", typed_per_filter_config={"envoy.filters.http.fault": fault})
    inbound = listener(
        "virtualInbound",
        15006,
        chain(
            http(
                filters=(
                    {"name": "envoy.filters.http.jwt_authn", "typed_config": jwt},
                    rbac(rules={"action": "DENY", "policies": policies}),
                ),
                route_config=route_config("inbound|8080||", host("inbound", to("c"))),
            ),
            name="0.0.0.0_8080",
            transport_socket=upstream_tls("default", "ROOTCA"),
        ),
    )
    failure = {"details": "no", "last_update_attempt": "x", "failed_configuration": inbound}
    return [
        section("Bootstrap", bootstrap={"node": {"id": "sidecar~1.2.3.4~a.shop~shop.svc.x"}}),
        clusters(
            cluster(
                "outbound|80||a.shop.svc.cluster.local",
                transport_socket_matches=automatic_tls(sni="outbound_.80_._.a"),
                circuit_breakers={"thresholds": [{"max_connections": 1}]},
                outlier_detection={"consecutive_5xx": 5},
                metadata=back_pointer("destination-rule", "a"),
            ),
            cluster("plain", type="STATIC", load_assignment=assignment("plain", _somewhere())),
        ),
        endpoints(assignment("outbound|80||a.shop.svc.cluster.local", _somewhere())),
        section("Listeners", dynamic_listeners=[active(inbound, error_state=failure)]),
        routes(route_config("80", host("a:80", faulty)), static=(route_config("", host("b")),)),
        section(
            "Secrets",
            dynamic_active_secrets=[
                {
                    "name": "default",
                    "secret": {"tls_certificate": {"certificate_chain": inline(pem())}},
                }
            ],
            dynamic_warming_secrets=[{"name": "kubernetes://missing", "secret": {}}],
        ),
        section("Ecds", ecds_filters=[{"ecds_filter": {"name": "wasm"}}]),
    ]


def _somewhere() -> dict[str, Any]:
    return lb_endpoint(socket("10.0.0.1", 80), metadata={"filter_metadata": {"istio": {}}})


def pointers(part: object) -> Iterator[str]:
    """Every pointer in a part of the model."""
    if isinstance(part, tuple):
        for item in part:
            yield from pointers(item)
    elif dataclasses.is_dataclass(part) and not isinstance(part, type):
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if field.name == "pointer":
                yield value
            elif not field.name.startswith("_"):
                yield from pointers(value)
