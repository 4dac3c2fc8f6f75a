"""Certificates of the mesh that have run out, and CAs that soon will.

A workload's certificate lives a day and is renewed at half of it, so one that has run out says
that its proxy has not reached istiod for hours. A CA lives for years and is renewed by people.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, PROXY_CONFIG, holds
from meshdoctor.analyze.certificate_sources import ca_signer
from meshdoctor.analyze.injection_commands import restart_command
from meshdoctor.analyze.injection_facts import listed
from meshdoctor.analyze.mesh_roots import Mesh, Trust, meshes
from meshdoctor.analyze.root_evidence import chain_evidence, own_certificate
from meshdoctor.model.finding import Affected, Finding, Outcome
from meshdoctor.model.kinds import CONFIG_MAP

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.certificate_sources import Bundle
    from meshdoctor.model.envoy import Certificate
    from meshdoctor.model.snapshot import Snapshot

EXPIRED = "MD0214"
SOON = "MD0215"
CERTIFICATE_EXPIRED = "certificate-expired"
NOTICE = timedelta(days=30)
"""A CA that lasts no longer than this is worth a word."""
_MOST_SHOWN = 3


def _day(certificate: Certificate) -> str:
    return f"{certificate.not_after:%Y-%m-%d %H:%M} UTC"


def _bundles(found: Mesh) -> Iterator[Bundle]:
    """The CA's own certificates: what it signs with, then the roots it hands out."""
    signer = ca_signer(found.secret) if found.secret is not None else None
    for bundle in (signer, found.secret_roots, found.distributed):
        if bundle is not None:
            yield bundle


def _of_ca(mesh: Snapshot, found: Mesh, bundle: Bundle, certificate: Certificate) -> Finding:
    """An expired CA: everything that it signed is refused."""
    names = sorted({mesh.caller(item.proxy) for item in found.trusts})
    text = f"The CA certificate in {bundle.resource} ({bundle.key}) expired on {_day(certificate)}"
    fact = holds(CERTIFICATE_EXPIRED, text, bundle.evidence)
    return Finding(
        code=EXPIRED,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL,
        message=text,
        resource=str(bundle.resource),
        objects=(str(bundle.resource),),
        facts=(fact,),
        affected=tuple(Affected(name, "") for name in names),
        fills={
            "claim": text,
            "mend": "Renew the CA's certificate in the Secret, then restart istiod.",
            "mend_command": f"kubectl get secret -n {found.namespace} cacerts istio-ca-secret -o "
            "yaml > ca-backup.yaml; kubectl create secret generic cacerts -n "
            f"{found.namespace} --from-file=ca-cert.pem --from-file=ca-key.pem "
            "--from-file=root-cert.pem --from-file=cert-chain.pem --dry-run=client -o yaml | "
            "kubectl apply -f - && kubectl rollout restart deployment -l app=istiod -n "
            f"{found.namespace}",
            "mend_changes": f"What istiod of {found.namespace} signs with; restart the workloads "
            "afterwards.",
            "mend_undo": "kubectl apply -f ca-backup.yaml",
            "proxy": found.trusts[0].proxy.id if found.trusts else "POD.NAMESPACE",
        },
    )


def _of_workloads(mesh: Snapshot, expired: list[Trust]) -> Finding:
    owners = {str(owner): owner for t in expired if (owner := mesh.workload_of(t.proxy))}
    names = sorted({mesh.caller(item.proxy) for item in expired})
    oldest = min(
        (item.chain.certificates[0] for item in expired if item.chain),
        key=lambda certificate: certificate.not_after,
    )
    text = f"The certificate of {listed(names)} expired; the first on {_day(oldest)}"
    shown = [chain_evidence(item) for item in expired[:_MOST_SHOWN]]
    return Finding(
        code=EXPIRED,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL,
        message=text,
        resource=names[0],
        objects=tuple(names[:6]),
        facts=(holds(CERTIFICATE_EXPIRED, text, *shown),),
        affected=tuple(Affected(name, "") for name in names),
        fills={
            "claim": text,
            "mend": "Restart what holds an expired certificate, so that it asks for a new one.",
            "mend_command": restart_command(owners.values()),
            "mend_changes": f"The pods of {listed(names)} are made anew.",
            "mend_undo": "Nothing to undo: the workloads stay as they are.",
            "proxy": expired[0].proxy.id,
        },
    )


def _soon(bundle: Bundle, certificate: Certificate, left: timedelta) -> Finding:
    text = f"The CA certificate in {bundle.resource} ({bundle.key}) expires in {left.days} days"
    return Finding(
        code=SOON,
        subject=MESH_SUBJECT,
        outcome=Outcome.WARN,
        message=f"{text}, on {_day(certificate)}",
        resource=str(bundle.resource),
        objects=(str(bundle.resource),),
        facts=(holds("ca-expires-soon", text, bundle.evidence),),
        root=False,
    )


def _ca_findings(mesh: Snapshot, found: Mesh) -> Iterator[Finding]:
    told: set[str] = set()
    for bundle in _bundles(found):
        # While roots are exchanged the old one may run out beside the new one.
        lasting = max(bundle.certificates, key=lambda item: item.not_after)
        left = lasting.not_after - mesh.now
        if lasting.fingerprint in told or left > NOTICE:
            continue
        told.add(lasting.fingerprint)
        if left <= timedelta(0):
            yield _of_ca(mesh, found, bundle, lasting)
        else:
            yield _soon(bundle, lasting, left)


def _lasts(mesh: Snapshot, item: Trust) -> bool:
    """Whether what ``/certs`` says of a proxy's certificate agrees that it is valid."""
    entry = own_certificate(item)
    return entry is None or (entry.expiration_time is not None and entry.expiration_time > mesh.now)


@dataclass(frozen=True, slots=True)
class CertificateExpiry:
    """No certificate of the mesh has run out, and no CA is about to."""

    name: str = "certificate-expiry"
    description: str = "No certificate of the mesh has run out, and no CA is about to."
    # Where Secrets are denied, Envoy shows the certificates.
    inputs: tuple[str, ...] = (PROXY_CONFIG, CONFIG_MAP.input)
    codes: tuple[str, ...] = (EXPIRED, SOON)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One FAIL for a CA that has expired, one for all workloads; a WARN for what is near."""
        good: list[Trust] = []
        bad = False
        for found in meshes(mesh):
            told = list(_ca_findings(mesh, found))
            bad = bad or bool(told)
            yield from told
            held = [(item, item.chain.certificates[0]) for item in found.trusts if item.chain]
            expired = [item for item, leaf in held if leaf.not_after <= mesh.now]
            good += [item for item, leaf in held if leaf.not_after > mesh.now]
            if expired:
                bad = True
                yield _of_workloads(mesh, expired)
        if good and not bad and all(_lasts(mesh, item) for item in good):
            text = f"The certificates of all {len(good)} proxies that were read are valid"
            shown = map(chain_evidence, good[:_MOST_SHOWN])
            facts = (holds("certificates-valid", text, *shown),)
            yield Finding(EXPIRED, MESH_SUBJECT, Outcome.PASS, text, "mesh", facts=facts)


ANALYZER = CertificateExpiry()
