"""Certificates made for tests: roots, intermediates, workloads; and proxies that hold them."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from meshdoctor.parse.envoy import parse_config_dump
from tests.build import NOW, proxy

if TYPE_CHECKING:
    from meshdoctor.model.envoy import ConfigDump
    from meshdoctor.model.proxy import Proxy

_LIFE = timedelta(days=3650)


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:
    """The key of that name, made once."""
    del name
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Authority:
    """A CA: its certificate, and the name of its key."""

    certificate: x509.Certificate
    key_name: str

    @property
    def pem(self) -> str:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM).decode()


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, text)])


def _signed(
    subject: str, public: str, by: tuple[str, str], begin: datetime, end: datetime, uri: str = ""
) -> x509.Certificate:
    issuer, signer = by
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key(public).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key(signer).public_key()), False
        )
    )
    if uri:
        names = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(uri)])
        builder = builder.add_extension(names, True)
    else:
        identifier = x509.SubjectKeyIdentifier.from_public_key(key(public).public_key())
        builder = builder.add_extension(x509.BasicConstraints(True, None), True)
        builder = builder.add_extension(identifier, False)
    return builder.sign(key(signer), hashes.SHA256())


def root(
    key_name: str,
    *,
    subject: str = "cluster.local",
    begin: datetime = NOW - timedelta(days=1),
    end: datetime = NOW + _LIFE,
) -> Authority:
    """A self-signed root; every one has the same subject, as Istio's have."""
    return Authority(_signed(subject, key_name, (subject, key_name), begin, end), key_name)


def intermediate(above: Authority, key_name: str) -> Authority:
    """A CA below a root."""
    by = ("cluster.local", above.key_name)
    made = _signed("istiod", key_name, by, NOW - timedelta(days=1), NOW + _LIFE)
    return Authority(made, key_name)


def leaf(
    by: Authority,
    *,
    begin: datetime = NOW - timedelta(hours=1),
    end: datetime = NOW + timedelta(hours=23),
    uri: str = "spiffe://cluster.local/ns/shop/sa/client",
) -> str:
    """A workload's certificate in PEM."""
    issuer = by.certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value
    made = _signed("", "leaf", (str(issuer), by.key_name), begin, end, uri)
    return made.public_bytes(Encoding.PEM).decode()


def inline(pem: str) -> dict[str, str]:
    """A DataSource as the config dump has it."""
    return {"inline_bytes": base64.b64encode(pem.encode()).decode()}


def secrets_dump(chain: str | None, roots: str | None, cluster: str = "") -> ConfigDump:
    """A config dump with a proxy's own chain, the roots it trusts, and the cluster it is in."""
    held: list[dict[str, Any]] = []
    if chain is not None:
        held.append({"name": "default", "tls_certificate": {"certificate_chain": inline(chain)}})
    if roots is not None:
        held.append({"name": "ROOTCA", "validation_context": {"trusted_ca": inline(roots)}})
    entries = [{"name": item["name"], "secret": item} for item in held]
    kind = "type.googleapis.com/envoy.admin.v3.SecretsConfigDump"
    configs: list[dict[str, Any]] = [{"@type": kind, "dynamic_active_secrets": entries}]
    if cluster:
        node = {"id": "sidecar~10.0.0.1~a.b~b.svc", "metadata": {"CLUSTER_ID": cluster}}
        about = "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"
        configs.append({"@type": about, "bootstrap": {"node": node}})
    document = {"configs": configs}
    return parse_config_dump(json.dumps(document).encode())


def holding(pod_name: str, chain: str, *roots: Authority, cluster: str = "", **parts: Any) -> Proxy:
    """A proxy with this chain that trusts these roots."""
    bundle = "".join(item.pem for item in roots)
    return proxy(pod_name, config=secrets_dump(chain, bundle, cluster), **parts)


def config_map(namespace: str, *roots: Authority) -> dict[str, Any]:
    """``istio-ca-root-cert`` of a namespace."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "istio-ca-root-cert", "namespace": namespace},
        "data": {"root-cert.pem": "".join(item.pem for item in roots)},
    }


def ca_secret(
    signer: Authority, *roots: Authority, name: str = "cacerts", created: str | None = None
) -> dict[str, Any]:
    """The Secret that istiod signs with."""
    metadata = {"name": name, "namespace": "istio-system"}
    if created:
        metadata["creationTimestamp"] = created
    values = {"ca-cert.pem": signer.pem, "root-cert.pem": "".join(item.pem for item in roots)}
    data = {k: base64.b64encode(v.encode()).decode() for k, v in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}
