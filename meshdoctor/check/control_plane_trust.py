"""Trust: the root with which istiod signs is the one that every namespace and proxy holds."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256

from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, failed_if, skipped, unknown
from meshdoctor.intent.revisions import control_plane_namespaces, control_planes
from meshdoctor.intent.webhook_trust import ROOT_CONFIG_MAP, mesh_root
from meshdoctor.model.kinds import CONFIG_MAP, POD, SECRET
from meshdoctor.model.pod import is_finished, is_terminating
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.snapshot import Snapshot

_SIGNING = (("cacerts", "root-cert.pem"), ("istio-ca-secret", "ca-cert.pem"))
"""Where istiod keeps its root, the plugged-in one first (security/pkg/pki/ca)."""
_ROOT = "ROOTCA"
"""The secret in which a proxy holds the mesh root."""


def _prints(certificates: Iterable[x509.Certificate]) -> frozenset[str]:
    return frozenset(item.fingerprint(SHA256()).hex() for item in certificates)


def _signs_itself(mesh: Snapshot, namespace: str) -> bool:
    """Whether istiod is its own CA; where another one signs, its Secrets are leftovers."""
    variables = {
        str(variable.get("name")): str(variable.get("value") or "")
        for plane in control_planes(mesh).values()
        for deployment in plane.deployments
        if deployment.namespace == namespace
        for container in as_list(deployment.get("spec", "template", "spec", "containers"))
        for variable in map(as_mapping, as_list(as_mapping(container).get("env")))
    }
    return variables.get("ENABLE_CA_SERVER") != "false" and not variables.get("EXTERNAL_CA")


def _signing(mesh: Snapshot, namespace: str) -> frozenset[str]:
    """Fingerprints of the root that istiod of a namespace signs with; none when it is unread."""
    for name, key in _SIGNING:
        secret = mesh.catalog.find(SECRET, namespace, name)
        text = secret.get("data", key) if secret is not None else None
        try:
            pem = base64.b64decode(text or "", validate=True)
            found = _prints(x509.load_pem_x509_certificates(pem))
        except (binascii.Error, ValueError, TypeError):
            continue
        if found:
            return found
    return frozenset()


def signing_root(mesh: Snapshot) -> frozenset[str]:
    """Fingerprints of the mesh root: of istiod's own Secret, else of its namespace's ConfigMap."""
    found: frozenset[str] = frozenset()
    for namespace in sorted(control_plane_namespaces(mesh)):
        own = _signing(mesh, namespace) if _signs_itself(mesh, namespace) else frozenset()
        found |= own or _prints(mesh_root(mesh, namespace))
    return found


def _namespaces_with_proxies(mesh: Snapshot) -> list[str]:
    living = (p for p in mesh.proxy_pods if not is_finished(p) and not is_terminating(p))
    return sorted({pod.namespace for pod in living})


def _present(mesh: Snapshot) -> Result:
    namespaces = _namespaces_with_proxies(mesh)
    if not namespaces:
        return skipped("no pod carries a proxy")
    return failed_if(
        f"namespace {name} has proxies and no usable ConfigMap {ROOT_CONFIG_MAP}"
        for name in namespaces
        if not mesh_root(mesh, name)
    )


def _equal(mesh: Snapshot) -> Result:
    root = signing_root(mesh)
    if not root:
        return unknown("the root with which istiod signs was not read")
    held = {name: _prints(mesh_root(mesh, name)) for name in _namespaces_with_proxies(mesh)}
    # While roots are exchanged both are handed out: one in common is enough.
    return failed_if(
        f"ConfigMap {name}/{ROOT_CONFIG_MAP} holds another root than istiod signs with"
        for name, prints in held.items()
        if prints and not prints & root
    )


def _proxies(mesh: Snapshot) -> Result:
    root = signing_root(mesh)
    held = [
        (proxy.id, frozenset(item.fingerprint for item in secret.certificates))
        for proxy in mesh.proxies.values()
        if proxy.config is not None
        for secret in proxy.config.secrets
        if secret.name == _ROOT and secret.certificates
    ]
    if not held:
        return skipped("no proxy's root was read")
    if not root:
        return unknown("the root with which istiod signs was not read")
    return failed_if(
        f"proxy {proxy_id} holds another root than istiod signs with"
        for proxy_id, prints in held
        if not prints & root
    )


CHECKERS = (
    MeshChecker(
        id="root-certificate-present",
        description="every namespace with proxies holds the mesh root",
        needs=(POD, CONFIG_MAP),
        check=_present,
    ),
    MeshChecker(
        id="root-certificate-equal",
        description="the root that namespaces hold is the one istiod signs with",
        needs=(POD, CONFIG_MAP),
        check=_equal,
    ),
    MeshChecker(
        id="root-certificate-held",
        description="the root that proxies hold is the one istiod signs with",
        needs=(POD,),
        check=_proxies,
    ),
)
