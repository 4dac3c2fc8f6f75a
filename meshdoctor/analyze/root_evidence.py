"""Evidence for roots: serial numbers rather than whole bundles, where they can be pointed at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.mesh_roots import up_to_date
from meshdoctor.analyze.proxy_evidence import config_evidence
from meshdoctor.model.evidence import Evidence
from meshdoctor.model.proxy import CERTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.mesh_roots import Mesh, Trust
    from meshdoctor.model.envoy import Certificate
    from meshdoctor.model.envoy.admin import CertDetails

_SHORT = 12


def short(certificate: Certificate) -> str:
    """The beginning of a serial number, enough to tell roots apart."""
    return f"{certificate.serial[:_SHORT]}…"


def proxy_root_evidence(item: Trust) -> Evidence:
    """The serial of a root that a proxy trusts; where ``/certs`` was not read, when it came."""
    serials = {root.serial.lstrip("0") for root in item.roots.certificates}
    for info in item.proxy.certs or ():
        for root in info.ca_cert:
            if root.serial.lower().lstrip("0") in serials:
                return Evidence(
                    source=item.proxy.path(CERTS),
                    pointer=f"{root.pointer}/serial_number",
                    excerpt=root.serial,
                    command=f"istioctl proxy-config secret {item.proxy.id}",
                )
    return config_evidence(
        item.proxy,
        f"{item.roots.pointer}/name",
        item.roots.name,
        f"istioctl proxy-config secret {item.proxy.id}",
    )


def ca_evidence(found: Mesh, left: tuple[Trust, ...]) -> Iterator[Evidence]:
    """What stands on the other side: a proxy with the new root, the CA's Secret, its ConfigMap."""
    new = next(iter(up_to_date(found, left)), None)
    if new is not None:
        yield proxy_root_evidence(new)
    if found.secret is not None and found.signs in (
        found.secret_roots.ids if found.secret_roots else ()
    ):
        yield found.secret.evidence("metadata", "creationTimestamp")
    elif found.distributed is not None:
        yield found.distributed.evidence


def own_certificate(item: Trust) -> CertDetails | None:
    """What ``/certs`` says of a proxy's own certificate; None where it was not read."""
    leaf = item.chain.certificates[0] if item.chain else None
    serial = leaf.serial.lstrip("0") if leaf else ""
    for info in item.proxy.certs or ():
        for entry in info.cert_chain:
            if entry.serial.lower().lstrip("0") == serial and entry.expires:
                return entry
    return None


def chain_evidence(item: Trust) -> Evidence:
    """When a proxy's own certificate runs out; where ``/certs`` was not read, that it holds one."""
    command = f"istioctl proxy-config secret {item.proxy.id}"
    entry = own_certificate(item)
    if entry is not None:
        return Evidence(
            source=item.proxy.path(CERTS),
            pointer=f"{entry.pointer}/expiration_time",
            excerpt=entry.expires,
            command=command,
        )
    secret = item.chain or item.roots
    return config_evidence(item.proxy, f"{secret.pointer}/name", secret.name, command)
