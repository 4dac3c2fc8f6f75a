"""Certificates in objects: the CA's Secrets, ``istio-ca-root-cert``, webhooks' bundles."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from meshdoctor.analyze.certificate_sources import (
    CA_SECRETS,
    ROOT_CONFIG_MAP,
    ROOT_KEY,
    bundle_at,
)
from meshdoctor.analyze.mesh_roots import meshes
from meshdoctor.model.evidence import join_pointer
from meshdoctor.model.kinds import CONFIG_MAP, MUTATING_WEBHOOK, SECRET, VALIDATING_WEBHOOK
from meshdoctor.model.resource import as_list, as_mapping, object_text
from meshdoctor.parse.envoy.certificate import read_certificates
from meshdoctor.views.certificate_row import (
    CertificateRow,
    MeshRoot,
    State,
    compared,
    lacking_row,
    made_row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.certificate_sources import Bundle, RootId
    from meshdoctor.analyze.mesh_roots import Mesh
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_SECRET_KEYS = ("ca-cert.pem", "tls.crt", "cert-chain.pem", ROOT_KEY, "ca.crt")
_BUNDLES = (ROOT_KEY, "ca.crt")
_ISTIO = "istio.io"


def current_roots(found: Mesh) -> frozenset[RootId] | None:
    """The roots that istiod hands out; None when they were not read."""
    return found.current.ids if found.current is not None else None


def _object_row(
    mesh: Snapshot, what: str, bundle: Bundle, mesh_root: MeshRoot, *, is_bundle: bool
) -> CertificateRow:
    resource = bundle.resource
    shown = bundle.evidence
    return made_row(
        what,
        str(resource),
        bundle.key,
        bundle.certificates,
        mesh.now,
        namespace=resource.namespace,
        is_bundle=is_bundle,
        roots=bundle.certificates if is_bundle else None,
        mesh_root=mesh_root,
        where=(shown.source, shown.pointer or "", shown.command),
    )


def _ca_of(mesh: Snapshot, found: Mesh) -> Iterator[CertificateRow]:
    current = found.distributed.ids if found.distributed is not None else current_roots(found)
    secrets = (mesh.catalog.find(SECRET, found.namespace, name) for name in CA_SECRETS)
    for secret in secrets:
        if secret is None:
            continue
        for key in _SECRET_KEYS:
            bundle = bundle_at(secret, key)
            if bundle is not None:
                is_bundle = key in _BUNDLES
                roots = [item for item in bundle.certificates if item.is_self_signed]
                match = compared(roots, current) if roots else MeshRoot.NONE
                yield _object_row(mesh, "CA", bundle, match, is_bundle=is_bundle)
    # Where both were looked for in vain another CA signs, outside the cluster.
    if not mesh.catalog.known(SECRET):
        yield lacking_row(
            "CA",
            object_text(SECRET.name, found.namespace, " or ".join(CA_SECRETS)),
            "ca-cert.pem",
            "Secrets were not read",
            namespace=found.namespace,
            source=SECRET.input,
            command=f"kubectl get secrets -n {found.namespace} {' '.join(CA_SECRETS)}",
        )


def ca_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """What each istiod signs with, and its roots; a row that says so where Secrets are unread."""
    for found in meshes(mesh):
        yield from _ca_of(mesh, found)


def root_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """``istio-ca-root-cert`` of every namespace that has one."""
    if not mesh.catalog.known(CONFIG_MAP):
        yield lacking_row(
            "root",
            f"ConfigMap {ROOT_CONFIG_MAP}",
            ROOT_KEY,
            "ConfigMaps were not read",
            namespace="",
            source=CONFIG_MAP.input,
            command=f"kubectl get configmaps -A --field-selector metadata.name={ROOT_CONFIG_MAP}",
        )
    every = [ids for found in meshes(mesh) if (ids := current_roots(found))]
    current = frozenset().union(*every) if every else None
    for resource in mesh.catalog.of(CONFIG_MAP):
        if resource.name != ROOT_CONFIG_MAP:
            continue
        bundle = bundle_at(resource, ROOT_KEY)
        if bundle is None:
            yield lacking_row(
                "root",
                str(resource),
                ROOT_KEY,
                "it holds no certificate",
                namespace=resource.namespace,
                state=State.MISSING,
                source=resource.source,
                command=resource.command("data"),
            )
            continue
        match = compared(bundle.certificates, current)
        yield _object_row(mesh, "root", bundle, match, is_bundle=True)


def _webhook(mesh: Snapshot, resource: Resource, index: int, name: str) -> CertificateRow:
    path = ("webhooks", index, "clientConfig", "caBundle")
    value = resource.get(*path)
    pem = b""
    if isinstance(value, str):
        try:
            pem = base64.b64decode(value)
        except (binascii.Error, ValueError):
            pem = b""
    pointer = join_pointer(resource.pointer, path)
    certificates, _ = read_certificates(pem, pointer)
    if not certificates:
        why = "its caBundle holds no certificate" if value else "it has no caBundle"
        return lacking_row(
            "webhook",
            str(resource),
            name,
            why,
            namespace="",
            state=State.MISSING,
            source=resource.source,
            command=resource.command(*path),
        )
    space = as_mapping(resource.get(*path[:-1], "service")).get("namespace")
    home = next((found for found in meshes(mesh) if found.namespace == space), None)
    current = current_roots(home) if home is not None else None
    return made_row(
        "webhook",
        str(resource),
        name,
        certificates,
        mesh.now,
        namespace="",
        is_bundle=True,
        roots=certificates,
        mesh_root=compared(certificates, current),
        where=(resource.source, pointer, resource.command(*path)),
    )


def webhook_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """The caBundle of every entry of Istio's webhook configurations."""
    for kind in (MUTATING_WEBHOOK, VALIDATING_WEBHOOK):
        if not mesh.catalog.known(kind):
            yield lacking_row(
                "webhook",
                kind.name,
                "caBundle",
                f"{kind.name}s were not read",
                namespace="",
                source=kind.input,
                command=f"kubectl get {kind.plural}",
            )
        for resource in mesh.catalog.of(kind):
            for index, item in enumerate(as_list(resource.get("webhooks"))):
                name = str(as_mapping(item).get("name") or "")
                if name.endswith(_ISTIO):
                    yield _webhook(mesh, resource, index, name)
