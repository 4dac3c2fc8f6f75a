"""Certificates that proxies hold: their own chain, and what gateways show to their clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.certificate_sources import first_bundle, own_chain, root_id, trusted_roots
from meshdoctor.analyze.mesh_roots import meshes
from meshdoctor.intent.gateway_credentials import credentials
from meshdoctor.intent.gateway_workloads import router_pods
from meshdoctor.intent.identities import OWN_CERTIFICATE
from meshdoctor.model.kinds import GATEWAY, KUBERNETES_GATEWAY, SECRET
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs, is_finished, is_terminating
from meshdoctor.model.proxy import CONFIG_DUMP
from meshdoctor.model.resource import as_list, as_mapping, object_text
from meshdoctor.views.certificate_row import (
    CertificateRow,
    MeshRoot,
    State,
    lacking_row,
    made_row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.certificate_sources import RootId
    from meshdoctor.model.envoy import Secret
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.snapshot import Snapshot

_SCHEMES = ("kubernetes://", "kubernetes-gateway://", "file-cert:")
_TLS_KEYS = ("tls.crt", "cert")


def _signs(mesh: Snapshot) -> dict[str, RootId | None]:
    """What the istiod of each proxy signs with, by proxy id."""
    return {item.proxy.id: found.signs for found in meshes(mesh) for item in found.trusts}


def _own_row(
    mesh: Snapshot, proxy: Proxy, chain: Secret | None, signs: RootId | None
) -> CertificateRow:
    roots = trusted_roots(proxy)
    command = f"istioctl proxy-config secret {proxy.id}"
    source = proxy.path(CONFIG_DUMP)
    if chain is None:
        return lacking_row(
            "proxy",
            proxy.id,
            OWN_CERTIFICATE,
            "the recording holds no certificate of it",
            namespace=proxy.namespace,
            source=source,
            command=command,
            proxy=proxy.id,
        )
    trusted = roots.certificates if roots is not None else ()
    match = MeshRoot.UNKNOWN
    if signs is not None and trusted:
        known = signs in {root_id(item) for item in trusted}
        match = MeshRoot.MATCH if known else MeshRoot.DIFFERS
    return made_row(
        "proxy",
        proxy.id,
        OWN_CERTIFICATE,
        chain.certificates,
        mesh.now,
        namespace=proxy.namespace,
        is_bundle=False,
        renewed=True,
        roots=trusted,
        mesh_root=match,
        where=(source, chain.certificates[0].pointer, command),
        proxy=proxy.id,
    )


def _unread(mesh: Snapshot) -> Iterator[CertificateRow]:
    """Running pods with a proxy of which nothing was read."""
    for pod in mesh.proxy_pods:
        if is_finished(pod) or is_terminating(pod) or mesh.proxy_of(pod) is not None:
            continue
        if container_runs(pod, PROXY_CONTAINER):
            name = f"{pod.name}.{pod.namespace}"
            yield lacking_row(
                "proxy",
                name,
                OWN_CERTIFICATE,
                "its proxy was not read",
                namespace=pod.namespace,
                source=f"proxies/{pod.namespace}/{pod.name}/{CONFIG_DUMP}",
                command=f"istioctl proxy-config secret {name}",
            )


def proxy_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """Every proxy's own chain, with the roots it trusts; by namespace and name."""
    signs = _signs(mesh)
    found = [
        _own_row(mesh, proxy, own_chain(proxy), signs.get(proxy.id))
        for proxy in mesh.proxies.values()
    ]
    yield from sorted((*found, *_unread(mesh)), key=lambda row: (row.namespace, row.holder))


def _held_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """What gateways' proxies hold for their clients, as it was delivered to them."""
    for proxy in mesh.proxies.values():
        for secret in proxy.config.secrets if proxy.config else ():
            if not secret.name.startswith(_SCHEMES):
                continue
            command = f"istioctl proxy-config secret {proxy.id}"
            if not secret.certificates:
                yield lacking_row(
                    "gateway",
                    proxy.id,
                    secret.name,
                    f"the proxy waits for it ({secret.status})",
                    namespace=proxy.namespace,
                    state=State.MISSING,
                    source=proxy.path(CONFIG_DUMP),
                    command=command,
                    proxy=proxy.id,
                )
                continue
            yield made_row(
                "gateway",
                proxy.id,
                secret.name,
                secret.certificates,
                mesh.now,
                namespace=proxy.namespace,
                is_bundle=secret.purpose == "validation_context",
                where=(proxy.path(CONFIG_DUMP), secret.certificates[0].pointer, command),
                proxy=proxy.id,
            )


def _named_by(mesh: Snapshot) -> dict[tuple[str, str], str]:
    """The Secrets that Gateways name, by namespace and name, with the first that does."""
    found: dict[tuple[str, str], str] = {}
    for gateway in mesh.catalog.of(GATEWAY):
        spaces = [pod.namespace for pod in router_pods(mesh, gateway)]
        for credential in credentials(gateway, spaces):
            found.setdefault((credential.namespace, credential.name), str(gateway))
    for gateway in mesh.catalog.of(KUBERNETES_GATEWAY):
        for listener in map(as_mapping, as_list(gateway.spec.get("listeners"))):
            tls = as_mapping(listener.get("tls"))
            for ref in map(as_mapping, as_list(tls.get("certificateRefs"))):
                if ref.get("kind", SECRET.name) == SECRET.name and ref.get("name"):
                    space = str(ref.get("namespace") or gateway.namespace)
                    found.setdefault((space, str(ref["name"])), str(gateway))
    return found


def _secret_row(mesh: Snapshot, namespace: str, name: str, by: str) -> CertificateRow:
    """A Secret that a Gateway names."""
    secret = mesh.catalog.find(SECRET, namespace, name)
    holder = object_text(SECRET.name, namespace, name)
    bundle = first_bundle(secret, _TLS_KEYS) if secret is not None else None
    if bundle is None:
        known = mesh.catalog.known(SECRET)
        why = "it holds no certificate that can be read" if secret else f"{by} names it in vain"
        return lacking_row(
            "gateway",
            holder,
            _TLS_KEYS[0],
            why if known else "Secrets were not read",
            namespace=namespace,
            state=State.MISSING if known else State.NOT_READ,
            source=secret.source if secret else SECRET.input,
            command=f"kubectl get secret {name} -n {namespace} -o yaml",
        )
    shown = bundle.evidence
    return made_row(
        "gateway",
        holder,
        bundle.key,
        bundle.certificates,
        mesh.now,
        namespace=namespace,
        is_bundle=False,
        where=(shown.source, shown.pointer or "", shown.command),
    )


def gateway_rows(mesh: Snapshot) -> Iterator[CertificateRow]:
    """The Secrets that Gateways name, then what the gateways' proxies were given."""
    for (namespace, name), by in sorted(_named_by(mesh).items()):
        yield _secret_row(mesh, namespace, name, by)
    yield from _held_rows(mesh)
