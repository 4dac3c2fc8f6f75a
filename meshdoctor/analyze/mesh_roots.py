"""Which roots the mesh's proxies trust, by what they are signed, and what istiod signs with now."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from meshdoctor.analyze.certificate_sources import (
    Bundle,
    RootId,
    ca_roots,
    ca_secret,
    distributed_roots,
    own_chain,
    root_id,
    trusted_roots,
)
from meshdoctor.intent.control_plane import discovery_address
from meshdoctor.model.pod import is_finished, is_terminating

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from meshdoctor.model.envoy import Certificate, Secret
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Trust:
    """One proxy's roots, and the root of its own certificate."""

    proxy: Proxy
    pod: Resource | None
    roots: Secret
    chain: Secret | None
    signer: RootId | None
    """The root of its own certificate; None when it cannot be told."""

    @property
    def ids(self) -> frozenset[RootId]:
        """The CAs that it trusts."""
        return frozenset(map(root_id, self.roots.certificates))

    @property
    def cluster(self) -> str:
        """The cluster that the proxy says it is part of; empty when it does not say."""
        bootstrap = self.proxy.config.bootstrap if self.proxy.config else None
        return bootstrap.cluster_id if bootstrap is not None else ""

    @property
    def issued(self) -> datetime | None:
        """When its own certificate was signed."""
        return self.chain.certificates[0].not_before if self.chain else None


def signer_of(chain: Iterable[Certificate], known: Iterable[Certificate]) -> RootId | None:
    """The root that a chain leads to.

    Args:
        chain: leaf first; its root need not be part of it.
        known: roots that may have signed it.

    Returns:
        None when more than one may have, or none.
    """
    top = list(chain)[-1]
    if top.is_ca and top.is_self_signed:
        return root_id(top)
    named = [root for root in known if root.subject == top.issuer]
    if top.issuer_key_id:
        keyed = [root for root in named if root.key_id == top.issuer_key_id]
        # Without key identifiers in the roots only the name tells.
        named = keyed or [root for root in named if not root.key_id]
    ids = {root_id(root) for root in named}
    return ids.pop() if len(ids) == 1 else None


@dataclass(frozen=True, slots=True)
class Mesh:
    """The proxies of one control plane's namespace, and the roots of its CA."""

    namespace: str
    """Where its istiod runs."""
    trusts: tuple[Trust, ...]
    distributed: Bundle | None
    """``istio-ca-root-cert`` of that namespace."""
    secret: Resource | None
    """The Secret that istiod signs with."""
    secret_roots: Bundle | None

    @property
    def current(self) -> Bundle | None:
        """The roots that istiod hands out: what it distributed, else what its Secret holds."""
        return self.distributed or self.secret_roots

    @property
    def signs(self) -> RootId | None:
        """The root of what istiod signs now; None when it cannot be told."""
        current = self.current
        if current is not None and len(current.ids) == 1:
            return next(iter(current.ids))
        allowed = current.ids if current is not None else None
        if self.secret_roots is not None and len(self.secret_roots.ids) == 1:
            only = next(iter(self.secret_roots.ids))
            if allowed is None or only in allowed:
                return only
        dated = [item for item in self.trusts if item.signer and item.issued]
        newest = max(dated, key=lambda item: (item.issued, item.proxy.id), default=None)
        return newest.signer if newest else None

    @property
    def certificate(self) -> Certificate | None:
        """The root certificate of what istiod signs now, wherever it was read."""
        wanted = self.signs
        read = [
            *(self.current.certificates if self.current else ()),
            *(root for item in self.trusts for root in item.roots.certificates),
        ]
        return next((root for root in read if root_id(root) == wanted), None)

    @property
    def left_behind(self) -> tuple[Trust, ...]:
        """Proxies that do not trust what istiod signs now, or that the others do not trust."""
        signs = self.signs
        if signs is None:
            return ()
        old = [item for item in self.trusts if signs not in item.ids]
        accepted = {item.ids for item in self.trusts if signs in item.ids}
        if self.current is not None:
            accepted.add(self.current.ids)
        strangers = [
            item
            for item in self.trusts
            if signs in item.ids
            and item.signer is not None
            and any(item.signer not in ids for ids in accepted)
        ]
        return (*old, *strangers)


def up_to_date(found: Mesh, left: Iterable[Trust]) -> tuple[Trust, ...]:
    """The proxies that are not among those left behind."""
    names = {item.proxy.id for item in left}
    return tuple(item for item in found.trusts if item.proxy.id not in names)


def other_clusters(found: Mesh) -> tuple[str, ...]:
    """The clusters of the proxies left behind, where nobody else is part of them.

    Then it is no proxy that was forgotten: two clusters of one mesh do not share a root.
    """
    left = found.left_behind
    theirs = {item.cluster for item in left}
    others = {item.cluster for item in up_to_date(found, left)}
    return () if "" in theirs or not others or theirs & others else tuple(sorted(theirs))


def _home(mesh: Snapshot, proxy: Proxy, pod: Resource | None) -> str:
    """The namespace of the istiod that a proxy talks to."""
    address = discovery_address(pod, proxy) if pod is not None else None
    return address.namespace if address is not None else mesh.root_namespace


def _trust(proxy: Proxy, pod: Resource | None, more: Iterable[Certificate]) -> Trust | None:
    roots, chain = trusted_roots(proxy), own_chain(proxy)
    if roots is None:
        return None
    known = (*roots.certificates, *more)
    signer = signer_of(chain.certificates, known) if chain else None
    return Trust(proxy, pod, roots, chain, signer)


@lru_cache(maxsize=2)
def meshes(mesh: Snapshot) -> tuple[Mesh, ...]:
    """The meshes of a cluster, by the namespace of their istiod; nearly always one."""
    by_home: dict[str, list[tuple[Proxy, Resource | None]]] = {mesh.root_namespace: []}
    for proxy in mesh.proxies.values():
        pod = mesh.pod_of(proxy)
        if pod is not None and (is_finished(pod) or is_terminating(pod)):
            continue
        by_home.setdefault(_home(mesh, proxy, pod), []).append((proxy, pod))
    found = []
    for home, members in sorted(by_home.items()):
        secret = ca_secret(mesh, home)
        roots = ca_roots(secret) if secret is not None else None
        given = distributed_roots(mesh, home)
        more = [root for each in (given, roots) if each for root in each.certificates]
        trusts = (_trust(proxy, pod, more) for proxy, pod in members)
        kept = tuple(item for item in trusts if item is not None)
        found.append(Mesh(home, kept, given, secret, roots))
    return tuple(found)
