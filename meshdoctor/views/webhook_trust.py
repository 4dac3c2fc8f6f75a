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
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from meshdoctor.model.kinds import CONFIG_MAP

if TYPE_CHECKING:
    from datetime import datetime

    from meshdoctor.model.snapshot import Snapshot

ROOT_CONFIG_MAP = "istio-ca-root-cert"
ROOT_KEY = "root-cert.pem"


class Trust(StrEnum):
    """What the comparison gives."""

    MATCH = "match"
    DIFFERS = "differs"
    EMPTY = "empty"
    UNKNOWN = "unknown"
    """The mesh root was not read, or one of the two is no certificate."""


@dataclass(frozen=True, slots=True)
class BundleTrust:
    """A caBundle held against the mesh root."""

    trust: Trust
    not_after: datetime | None
    """When the first certificate of the bundle runs out; None when there is none."""


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
    if not certificates or not root:
        return BundleTrust(Trust.UNKNOWN, not_after)
    # While roots are exchanged a bundle holds the old and the new one: one in common is enough.
    shared = _fingerprints(certificates) & _fingerprints(root)
    return BundleTrust(Trust.MATCH if shared else Trust.DIFFERS, not_after)
