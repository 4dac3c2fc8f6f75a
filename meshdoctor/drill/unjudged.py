"""A diagnosis that says nothing of what is wrong: what a candidate's screens are given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.diagnose.scope import namespaces_in
from meshdoctor.model.diagnosis import Diagnosis, Scope

if TYPE_CHECKING:
    from meshdoctor.model.snapshot import Snapshot


def unjudged(mesh: Snapshot) -> Diagnosis:
    """What was looked at and what was not read, without a root cause, a finding or a walk.

    Args:
        mesh: the mesh that is played.
    """
    scope = Scope()
    return Diagnosis(
        scope=scope,
        namespaces=namespaces_in(mesh, scope),
        proxies_read=sum(1 for proxy in mesh.proxies.values() if proxy.config is not None),
        proxies_total=max(len(mesh.proxy_pods), len(mesh.proxies)),
        root_causes=(),
        ruled_out=(),
        unknown=(),
        findings=(),
        not_read=mesh.not_read,
        required_unread=(),
        walks=(),
    )
