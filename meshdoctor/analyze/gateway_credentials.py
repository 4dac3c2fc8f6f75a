"""Whether the Secrets that Gateways name are where istiod looks for them, and can be used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import ISTIOD_LOG, ISTIOD_SYNC, PROXY_CONFIG
from meshdoctor.analyze.gateway_credential_findings import (
    expired,
    invalid,
    misplaced,
    missing,
)
from meshdoctor.analyze.gateway_findings import cannot_tell, passes, router_proxies
from meshdoctor.analyze.gateway_secret_facts import holdings, last_said, refusal
from meshdoctor.analyze.gateway_secrets import (
    Flaw,
    elsewhere,
    flaw_of,
    key_fits,
    out_of_time,
    secret_named,
)
from meshdoctor.intent.gateway_credentials import credential_names, credentials
from meshdoctor.intent.gateway_servers import servers
from meshdoctor.intent.gateway_workloads import router_pods
from meshdoctor.model.kinds import GATEWAY, POD, SECRET, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.analyze.gateway_secret_facts import Holding
    from meshdoctor.intent.gateway_credentials import Credential
    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.finding import Finding
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

NOT_FOUND = "MD0630"
WRONG_NAMESPACE = "MD0631"
INVALID = "MD0632"
EXPIRED = "MD0633"
_CODES: tuple[str, ...] = (NOT_FOUND, WRONG_NAMESPACE, INVALID, EXPIRED)


def _refused(
    mesh: Snapshot, credential: Credential, proxies: tuple[Proxy, ...]
) -> tuple[Flaw, Evidence] | None:
    """The Secret that a proxy refused, when it asks for no other that it could be."""
    for proxy in proxies:
        found = refusal(mesh, proxy) if proxy.namespace == credential.namespace else None
        if found is None:
            continue
        asked = {
            secret.name
            for secret in (proxy.config.secrets if proxy.config else ())
            if "://" in secret.name
        }
        if asked <= set(credential.resource_names):
            secret = secret_named(mesh, credential.namespace, credential.name)
            text = f"The gateway refuses {credential.text}: {found[0]}"
            return Flaw(False, text, secret), found[1]
    return None


def _key_is_known(mesh: Snapshot, secret: Resource) -> bool:
    """Whether it would have been seen that key and certificate do not belong together.

    The recording says it beside the Secret, else the proxies said it to istiod.
    """
    if key_fits(secret) is not None:
        return True
    return bool(mesh.istiods) and all(istiod.syncs is not None for istiod in mesh.istiods)


def _pass(
    codes: tuple[str, ...], credential: Credential, message: str, evidence: Evidence
) -> Iterator[Finding]:
    for code in codes:
        yield passes(code, credential.gateway, message, "credential-in-order", evidence)


def _by_secret(
    mesh: Snapshot, credential: Credential, proxies: tuple[Proxy, ...]
) -> Iterator[Finding]:
    """Secrets were read: they decide."""
    held = holdings(credential, proxies)
    said = last_said(mesh, credential)
    secret = secret_named(mesh, credential.namespace, credential.name)
    if secret is None:
        other = elsewhere(mesh, credential)
        if other is not None:
            yield misplaced(WRONG_NAMESPACE, mesh, credential, other, held, said)
        else:
            yield missing(NOT_FOUND, mesh, credential, held, said)
        return
    flaw = flaw_of(mesh, credential, secret)
    refused = _refused(mesh, credential, proxies) if flaw is None else None
    if refused is not None:
        yield invalid(INVALID, mesh, credential, refused[0], held, said, refused[1])
    elif flaw is None:
        message = f"{secret} has what {credential.gateway} needs"
        codes = _CODES
        if not _key_is_known(mesh, secret):
            text = f"It cannot be told whether the key in {secret} fits its certificate"
            yield cannot_tell(INVALID, credential.gateway, text, (ISTIOD_SYNC,))
            codes = tuple(code for code in _CODES if code != INVALID)
        yield from _pass(codes, credential, message, secret.evidence("metadata", "name"))
    elif flaw.expired:
        yield expired(EXPIRED, mesh, credential, flaw, held, said)
    else:
        yield invalid(INVALID, mesh, credential, flaw, held, said)


def _held_flaw(mesh: Snapshot, credential: Credential, held: tuple[Holding, ...]) -> Flaw | None:
    """Whether a certificate that the proxies show is out of its time."""
    for item in held:
        # A certificate that signs itself calls itself a CA as well: what it is for decides.
        if item.secret is None or item.secret.purpose != "tls_certificate":
            continue
        chain = item.secret.certificates
        if chain and (why := out_of_time(chain[0], mesh.now)):
            return Flaw(True, f"The certificate of {credential.text} {why}", None)
    return None


def _by_proxies(
    mesh: Snapshot, credential: Credential, proxies: tuple[Proxy, ...]
) -> Iterator[Finding]:
    """Secrets were not read: what the proxies hold decides, and istiod says why they wait."""
    held = holdings(credential, proxies)
    refused = _refused(mesh, credential, proxies)
    flaw = _held_flaw(mesh, credential, held)
    waiting = any(item.waits for item in held)
    said = last_said(mesh, credential) if waiting else None
    if refused is not None:
        yield invalid(INVALID, mesh, credential, refused[0], held, None, refused[1])
    elif flaw is not None:
        yield expired(EXPIRED, mesh, credential, flaw, held, last_said(mesh, credential))
    elif said is not None and said.reason in ("keys", "invalid"):
        text = f"istiod cannot use {credential.text}: {said.line.message}"
        yield invalid(INVALID, mesh, credential, Flaw(False, text, None), held, said)
    elif held and all(item.secret and not item.waits for item in held):
        first = held[0]
        message = f"{first.proxy.id} holds {first.name}"
        yield from _pass(_CODES, credential, message, first.evidence)
    else:
        because = f" (istiod says: {said.line.message})" if said else ""
        message = f"It cannot be told what is wrong with {credential.text}{because}"
        for code in _CODES:
            yield cannot_tell(code, credential.gateway, message, (SECRET.input, PROXY_CONFIG))


@dataclass(frozen=True, slots=True)
class GatewayCredentials:
    """Every Secret that a Gateway names is there and can be used.

    Secrets are no declared input: where they are denied, the proxies tell nearly as much.
    """

    name: str = "gateway-credentials"
    description: str = "Every Secret that a Gateway names is beside its pods and can be used."
    inputs: tuple[str, ...] = (
        GATEWAY.input,
        VIRTUAL_SERVICE.input,
        POD.input,
        PROXY_CONFIG,
        ISTIOD_SYNC,
        ISTIOD_LOG,
    )
    codes: tuple[str, ...] = _CODES

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each Secret that a server of a Gateway names."""
        for gateway in mesh.catalog.of(GATEWAY):
            if any(credential_names(server) for server in servers(gateway)):
                yield from self._of_gateway(mesh, gateway)

    def _of_gateway(self, mesh: Snapshot, gateway: Resource) -> Iterator[Finding]:
        if not mesh.catalog.known(POD):
            message = f"It cannot be told where {gateway}'s Secrets are looked for"
            for code in _CODES:
                yield cannot_tell(code, gateway, message, mesh.catalog.unread(POD))
            return
        proxies = router_proxies(mesh, gateway)
        namespaces = [pod.namespace for pod in router_pods(mesh, gateway)]
        for credential in credentials(gateway, namespaces):
            if mesh.catalog.known(SECRET):
                yield from _by_secret(mesh, credential, proxies)
            else:
                yield from _by_proxies(mesh, credential, proxies)


ANALYZER = GatewayCredentials()
