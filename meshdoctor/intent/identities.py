"""The names that a workload's certificate carries: its SPIFFE identity.

Istio's CA signs ``spiffe://<trust domain>/ns/<namespace>/sa/<service account>``
(pkg/spiffe/spiffe.go); a certificate that was read says more than what should be in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from meshdoctor.intent.authorization import trust_domains

if TYPE_CHECKING:
    from collections.abc import Iterable

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

OWN_CERTIFICATE = "default"
"""SDS name of a workload's own certificate (pkg/security/security.go)."""
_SCHEME = "spiffe://"
_DEFAULT_ACCOUNT = "default"


@dataclass(frozen=True, slots=True)
class Identity:
    """One name in a certificate."""

    name: str
    certain: bool
    """Whether its trust domain is known, not only assumed."""

    def __str__(self) -> str:
        """The name, e.g. ``spiffe://cluster.local/ns/shop/sa/web``."""
        return self.name


def service_account(pod: Resource) -> tuple[str, tuple[str, ...]]:
    """A pod's service account, and the path at which the pod names it."""
    return str(pod.spec.get("serviceAccountName") or _DEFAULT_ACCOUNT), (
        "spec",
        "serviceAccountName",
    )


def identities_of(mesh: Snapshot, pod: Resource) -> tuple[Identity, ...]:
    """The names in a pod's certificate: as its proxy shows them, else as istiod would sign them."""
    proxy = mesh.proxy_of(pod)
    secret = proxy.config.secret(OWN_CERTIFICATE) if proxy and proxy.config else None
    if secret is not None and secret.certificates and secret.certificates[0].sans:
        return tuple(Identity(name, True) for name in secret.certificates[0].sans)
    known = any(istiod.mesh is not None for istiod in mesh.istiods)
    account = service_account(pod)[0]
    name = f"{_SCHEME}{trust_domains(mesh)[0]}/ns/{pod.namespace}/sa/{account}"
    return (Identity(name, known),)


def _without_domain(name: str) -> str:
    if not name.startswith(_SCHEME):
        return name
    return name.removeprefix(_SCHEME).partition("/")[2]


def accepts(names: Iterable[str], identities: Iterable[Identity]) -> bool:
    """Whether a client that accepts these names (``*`` at an end matches any) takes a server."""
    known = tuple(identities)
    return any(
        fnmatchcase(identity.name, name)
        or (not identity.certain and _without_domain(identity.name) == _without_domain(name))
        for name in names
        for identity in known
    )
