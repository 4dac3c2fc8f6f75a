"""Where the mesh's own certificates lie: the CA's Secret, the root in every namespace, the proxies.

istiod signs with ``cacerts`` of its namespace where there is one, else with ``istio-ca-secret``,
which it makes itself (pilot/pkg/bootstrap/istio_ca.go), and copies its roots into the ConfigMap
``istio-ca-root-cert`` of every namespace. A proxy's agent serves it its own chain as ``default``
and the roots it trusts as ``ROOTCA`` (pkg/security/security.go).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.intent.identities import OWN_CERTIFICATE
from meshdoctor.model.kinds import CONFIG_MAP, SECRET
from meshdoctor.parse.envoy.certificate import read_certificates

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Certificate, Secret
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

ROOT_SECRET = "ROOTCA"
"""SDS name of the roots that a proxy trusts."""
ROOT_CONFIG_MAP = "istio-ca-root-cert"
ROOT_KEY = "root-cert.pem"
CA_SECRETS = ("cacerts", "istio-ca-secret")
"""The CA's own Secrets, the one that istiod prefers first."""
_SIGNERS = ("ca-cert.pem", "tls.crt", "cert-chain.pem")
_ROOTS = (ROOT_KEY, "ca.crt")

RootId = tuple[str, str]
"""What two certificates of one CA have in common: subject and key (else its fingerprint)."""


def root_id(certificate: Certificate) -> RootId:
    """The identity of a CA; a root that is signed anew with the same key keeps it."""
    return certificate.subject, certificate.key_id or certificate.fingerprint


@dataclass(frozen=True, slots=True)
class Bundle:
    """The certificates under one key of a Secret or ConfigMap."""

    resource: Resource
    key: str
    certificates: tuple[Certificate, ...]

    @property
    def ids(self) -> frozenset[RootId]:
        """The CAs in it."""
        return frozenset(map(root_id, self.certificates))

    @property
    def evidence(self) -> Evidence:
        """The bundle as it stands there."""
        return self.resource.evidence("data", self.key)


def bundle_at(resource: Resource, key: str) -> Bundle | None:
    """The certificates under a key; None when there are none, or they cannot be read."""
    value = resource.get("data", key)
    if not isinstance(value, str) or not value:
        return None
    pem = value.encode(errors="replace")
    if resource.kind is SECRET:
        try:
            pem = base64.b64decode(value)
        except (binascii.Error, ValueError):
            return None
    found, _ = read_certificates(pem, f"{resource.pointer}/data/{key}")
    return Bundle(resource, key, found) if found else None


def first_bundle(resource: Resource, keys: tuple[str, ...]) -> Bundle | None:
    """The certificates under the first of these keys that holds any."""
    return next((found for key in keys if (found := bundle_at(resource, key))), None)


def ca_secret(mesh: Snapshot, namespace: str) -> Resource | None:
    """The Secret that the istiod of a namespace signs with; None when none was read."""
    found = (mesh.catalog.find(SECRET, namespace, name) for name in CA_SECRETS)
    return next((secret for secret in found if secret is not None), None)


def ca_roots(secret: Resource) -> Bundle | None:
    """The roots of a CA Secret; a self-signed CA is its own."""
    return first_bundle(secret, (*_ROOTS, *_SIGNERS))


def ca_signer(secret: Resource) -> Bundle | None:
    """What the CA signs with, first."""
    return first_bundle(secret, _SIGNERS)


def distributed_roots(mesh: Snapshot, namespace: str) -> Bundle | None:
    """The roots that istiod wrote into a namespace; None when they were not read."""
    resource = mesh.catalog.find(CONFIG_MAP, namespace, ROOT_CONFIG_MAP)
    return bundle_at(resource, ROOT_KEY) if resource is not None else None


def trusted_roots(proxy: Proxy) -> Secret | None:
    """The roots that a proxy trusts; None when its dump does not have them."""
    found = proxy.config.secret(ROOT_SECRET) if proxy.config else None
    return found if found is not None and found.certificates else None


def own_chain(proxy: Proxy) -> Secret | None:
    """A proxy's own certificate and what signed it; None when its dump does not have them."""
    found = proxy.config.secret(OWN_CERTIFICATE) if proxy.config else None
    return found if found is not None and found.certificates else None
