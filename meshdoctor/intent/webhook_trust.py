"""Whether the API server can trust what answers a webhook: its caBundle against the mesh root.

istiod serves its webhooks with a certificate of the mesh's own CA and writes that CA's root into
the caBundle of its configurations; the same root lies in ``istio-ca-root-cert`` of every
namespace (pkg/webhooks, serviceregistry/kube/controller/namespacecontroller).
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from meshdoctor.intent.injection_webhooks import InjectionWebhook, injection_webhooks
from meshdoctor.model.kinds import CONFIG_MAP, VALIDATING_WEBHOOK
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.snapshot import Snapshot

ROOT_CONFIG_MAP = "istio-ca-root-cert"
ROOT_KEY = "root-cert.pem"
VALIDATION = "validation.istio.io"
"""Every validating entry's name ends so."""


class Trust(StrEnum):
    """What the comparison gives."""

    MATCH = "match"
    DIFFERS = "differs"
    EMPTY = "empty"
    UNKNOWN = "unknown"
    """The mesh root was not read, or is no certificate."""


@dataclass(frozen=True, slots=True)
class BundleTrust:
    """A caBundle held against the mesh root."""

    trust: Trust
    not_after: datetime | None
    """When the first certificate of the bundle runs out; None when it holds none."""


def _certificates(pem: bytes) -> tuple[x509.Certificate, ...]:
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        return ()


def _decoded(bundle: object) -> bytes:
    if not isinstance(bundle, str):
        return b""
    try:
        return base64.b64decode(bundle, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _fingerprints(certificates: tuple[x509.Certificate, ...]) -> frozenset[bytes]:
    return frozenset(item.fingerprint(SHA256()) for item in certificates)


def mesh_root(mesh: Snapshot, namespace: str) -> tuple[x509.Certificate, ...]:
    """The certificates of the mesh root as a namespace holds them; none when they are unread."""
    resource = mesh.catalog.find(CONFIG_MAP, namespace, ROOT_CONFIG_MAP)
    text = resource.get("data", ROOT_KEY) if resource is not None else None
    return _certificates(text.encode()) if isinstance(text, str) else ()


def bundle_trust(mesh: Snapshot, bundle: object, namespace: str) -> BundleTrust:
    """Compare a webhook's caBundle with the mesh root.

    A bundle that is not empty and holds no certificate differs: the API server trusts nobody by it.

    Args:
        mesh: the snapshot.
        bundle: the entry's ``clientConfig.caBundle``, base64 of PEM.
        namespace: where the istiod that answers runs.
    """
    if not bundle:
        return BundleTrust(Trust.EMPTY, None)
    certificates = _certificates(_decoded(bundle))
    not_after = min((item.not_valid_after_utc for item in certificates), default=None)
    root = mesh_root(mesh, namespace)
    if not root:
        return BundleTrust(Trust.UNKNOWN, not_after)
    # While roots are exchanged a bundle holds the old and the new one: one in common is enough.
    shared = _fingerprints(certificates) & _fingerprints(root)
    return BundleTrust(Trust.MATCH if shared else Trust.DIFFERS, not_after)


@lru_cache(maxsize=2)
def istio_webhooks(mesh: Snapshot) -> tuple[InjectionWebhook, ...]:
    """The entries whose caBundle istiod writes: those that inject, and those that validate."""
    validating = tuple(
        InjectionWebhook(configuration, index)
        for configuration in mesh.catalog.of(VALIDATING_WEBHOOK)
        for index, entry in enumerate(as_list(configuration.get("webhooks")))
        if str(as_mapping(entry).get("name") or "").endswith(VALIDATION)
    )
    return (*injection_webhooks(mesh), *validating)


def _compared(mesh: Snapshot, entry: InjectionWebhook) -> Trust:
    bundle = entry.configuration.get(*entry.path, "clientConfig", "caBundle")
    home = entry.service[0] if entry.service else mesh.root_namespace
    trust = bundle_trust(mesh, bundle, home).trust
    waits = entry.configuration.kind is VALIDATING_WEBHOOK and entry.failure_policy == "Ignore"
    return Trust.UNKNOWN if waits and trust is Trust.EMPTY else trust


@lru_cache(maxsize=2)
def _trusts(mesh: Snapshot) -> Mapping[InjectionWebhook, Trust]:
    return {entry: _compared(mesh, entry) for entry in istio_webhooks(mesh)}


def entry_trust(mesh: Snapshot, entry: InjectionWebhook) -> Trust:
    """How one entry's caBundle compares with the mesh root beside the istiod that it calls.

    A validating webhook that ignores failures is not in force yet: istiod fills its bundle first.
    """
    return _trusts(mesh)[entry]


def certifies_itself(plane: ControlPlane) -> bool:
    """Whether istiod signs its own serving certificate, as it does unless told otherwise.

    Not so with another ``PILOT_CERT_PROVIDER``, nor with certificate files of its own (istio-csr);
    where its Deployment was not read it cannot be told.
    """
    for deployment in plane.deployments:
        for value in as_list(deployment.get("spec", "template", "spec", "containers")):
            container = as_mapping(value)
            arguments = [str(item) for item in as_list(container.get("args"))]
            variables = (as_mapping(item) for item in as_list(container.get("env")))
            provider = [v.get("value") for v in variables if v.get("name") == "PILOT_CERT_PROVIDER"]
            if any(item.startswith(("--tlsCertFile", "--caCertFile")) for item in arguments):
                return False
            if any(item not in (None, "", "istiod") for item in provider):
                return False
    return bool(plane.deployments)
