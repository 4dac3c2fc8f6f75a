"""Findings about the Secrets that Gateways name, with the commands that mend them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.gateway_findings import problem
from meshdoctor.analyze.gateway_secret_facts import waits_fact
from meshdoctor.intent.gateway_servers import is_wanted
from meshdoctor.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping

    from meshdoctor.analyze.gateway_secret_facts import Holding, Said
    from meshdoctor.analyze.gateway_secrets import Flaw
    from meshdoctor.intent.gateway_credentials import Credential
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _fills(credential: Credential, why: str) -> dict[str, str]:
    name, namespace = credential.name, credential.namespace
    kind = "tls" if not credential.needs_ca else "generic"
    files = "--cert=tls.crt --key=tls.key"
    if credential.needs_ca:
        files = "--from-file=tls.crt=tls.crt --from-file=tls.key=tls.key --from-file=ca.crt=ca.crt"
    create = f"kubectl create secret {kind} {name} -n {namespace} {files}"
    return {
        "secret": f"{namespace}/{name}",
        "place": namespace,
        "credential": name,
        "why": why,
        "create": create,
        "uncreate": f"kubectl delete secret {name} -n {namespace}",
        "replace": f"{create} --dry-run=client -o yaml | kubectl replace --force -f -",
    }


def _finding(
    code: str,
    mesh: Snapshot,
    credential: Credential,
    message: str,
    *,
    fact: str,
    objects: tuple[str, ...],
    shown: tuple[Evidence, ...],
    held: tuple[Holding, ...],
    said: Said | None,
    fills: Mapping[str, str] | None = None,
) -> Finding:
    gateway, server = credential.gateway, credential.server
    named = gateway.evidence(*server.path("tls"))
    words = (said.evidence,) if said else ()
    # A proxy that got it before the fault keeps what it has until it restarts.
    still = bool(held) and all(item.secret is not None and not item.waits for item in held)
    return problem(
        mesh,
        code,
        gateway,
        message,
        objects=objects,
        facts=(holds(fact, message, named, *shown, *words), waits_fact(held)),
        servers=(server,),
        fills={**_fills(credential, message), **(fills or {})},
        root=is_wanted(mesh, gateway),
        severity=Severity.WARNING if still else None,
    )


def missing(
    code: str,
    mesh: Snapshot,
    credential: Credential,
    held: tuple[Holding, ...],
    said: Said | None,
) -> Finding:
    """There is no such Secret."""
    gateway = credential.gateway
    message = (
        f"{gateway} names credential {credential.name}, and {credential.text}, beside the "
        "gateway's pods, does not exist"
    )
    return _finding(
        code,
        mesh,
        credential,
        message,
        fact="credential-not-found",
        objects=(str(gateway), credential.text),
        shown=(),
        held=held,
        said=said,
    )


def misplaced(
    code: str,
    mesh: Snapshot,
    credential: Credential,
    other: Resource,
    held: tuple[Holding, ...],
    said: Said | None,
) -> Finding:
    """There is such a Secret, where istiod does not look."""
    gateway = credential.gateway
    message = (
        f"{gateway} names credential {credential.name}, which istiod looks for in namespace "
        f"{credential.namespace} of the gateway's pods; it is in namespace {other.namespace}"
    )
    copy = (
        f"kubectl get secret {other.name} -n {other.namespace} -o json | jq "
        f"'del(.metadata) | .metadata.name = \"{other.name}\"' | "
        f"kubectl apply -n {credential.namespace} -f -"
    )
    return _finding(
        code,
        mesh,
        credential,
        message,
        fact="credential-in-other-namespace",
        objects=(str(other), str(gateway)),
        shown=(other.evidence("metadata", "namespace"),),
        held=held,
        said=said,
        fills={"copy": copy, "found": other.namespace},
    )


def invalid(
    code: str,
    mesh: Snapshot,
    credential: Credential,
    flaw: Flaw,
    held: tuple[Holding, ...],
    said: Said | None,
    *refused: Evidence,
) -> Finding:
    """The Secret cannot be used."""
    shown = (flaw.secret.evidence("metadata", "name"),) if flaw.secret else ()
    found = _finding(
        code,
        mesh,
        credential,
        flaw.text,
        fact="credential-unusable",
        objects=(str(flaw.secret or credential.text), str(credential.gateway)),
        shown=(*refused, *shown),
        held=held,
        said=said,
    )
    return found


def expired(
    code: str,
    mesh: Snapshot,
    credential: Credential,
    flaw: Flaw,
    held: tuple[Holding, ...],
    said: Said | None,
) -> Finding:
    """The certificate is served all the same, and clients refuse it."""
    shown = (flaw.secret.evidence("metadata", "name"),) if flaw.secret else ()
    showing = tuple(item.evidence for item in held if item.secret and not item.waits)
    gateway = credential.gateway
    words = (said.evidence,) if said and said.reason == "expired" else ()
    return problem(
        mesh,
        code,
        gateway,
        flaw.text,
        objects=(str(flaw.secret or credential.text), str(gateway)),
        facts=(
            holds(
                "certificate-out-of-time",
                flaw.text,
                gateway.evidence(*credential.server.path("tls")),
                *shown,
                *showing[:3],
                *words,
            ),
        ),
        servers=(credential.server,),
        fills=_fills(credential, flaw.text),
        root=is_wanted(mesh, gateway),
    )
