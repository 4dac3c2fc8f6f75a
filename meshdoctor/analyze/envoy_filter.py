"""Do the proxies take what istiod sends them, and if not, is an EnvoyFilter to blame?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import (
    ISTIOD_LOG,
    ISTIOD_SYNC,
    MESH_SUBJECT,
    PROXY_CONFIG,
    PROXY_LOG,
    holds,
    proxy_subject,
    silent,
)
from meshdoctor.analyze.envoy_filter_blame import Named, named
from meshdoctor.analyze.envoy_filter_scope import (
    ProxyIdentity,
    filters_for,
    identity,
    patches_for,
)
from meshdoctor.analyze.sync_connections import (
    Connection,
    connection_evidence,
    connections,
    unread_istiods,
)
from meshdoctor.analyze.sync_reach import CUT_OFF
from meshdoctor.analyze.sync_rejected import (
    REFUSED,
    belongs_elsewhere,
    refusal,
    same_reason,
    unexplained,
    workload_text,
    workloads_by_reason,
)
from meshdoctor.analyze.sync_rejections import Rejection, rejections
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import ENVOY_FILTER, POD
from meshdoctor.model.pod import PROXY_CONTAINER, container_runs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

BLAMED = "MD0410"
"""A proxy refuses its configuration because of an EnvoyFilter."""

_PROMPT = timedelta(seconds=15)
"""istiod pushes an object's change within its debounce time, 10 s at the most."""
_WORDS = {
    "LDS": "listeners (LDS)",
    "CDS": "clusters (CDS)",
    "RDS": "routes (RDS)",
    "ECDS": "extensions (ECDS)",
}
_OWN_REASONS = ("jwt_authn", "local jwks", "KEY_VALUES_MISMATCH", "registered implementation")
"""What proxies complain of that no patch has to bring in: keys, and filters a build lacks."""


@dataclass(frozen=True, slots=True)
class _Blame:
    envoy_filter: Resource
    named: Named | None
    """None when only the time and the place speak against it."""


def _patches(
    mesh: Snapshot, who: ProxyIdentity, rejection: Rejection
) -> list[tuple[Resource, int, Mapping[str, object]]]:
    """Patches that could have spoiled the refused push: of this type, and there before it."""
    found = []
    for item in filters_for(mesh, who):
        if rejection.at and item.created and item.created > rejection.at + timedelta(seconds=1):
            continue
        found += [(item, index, patch) for index, patch in patches_for(item, who, rejection.type)]
    return found


def _arrived_with(rejection: Rejection, item: Resource) -> bool:
    """Whether the first refused push is the one that brought the EnvoyFilter."""
    if rejection.at is None or rejection.accepted_at is None or item.created is None:
        return False
    prompt = item.created <= rejection.at <= item.created + _PROMPT
    return prompt and rejection.accepted_at <= item.created


def _blame(mesh: Snapshot, who: ProxyIdentity, rejection: Rejection) -> list[_Blame]:
    """The EnvoyFilters that are certainly behind a rejection; none when that cannot be said."""
    patches = _patches(mesh, who, rejection)
    found: dict[Resource, _Blame] = {}
    for item, index, patch in patches:
        word = named(index, patch, rejection.reason)
        if word is not None:
            found.setdefault(item, _Blame(item, word))
    candidates = list(dict.fromkeys(item for item, _, _ in patches))
    explained = any(reason in rejection.reason for reason in _OWN_REASONS)
    if not found and not explained and len(candidates) == 1:
        only = candidates[0]
        return [_Blame(only, None)] if _arrived_with(rejection, only) else []
    return list(found.values())


def _scope(item: Resource, proxy_id: str, root_namespace: str) -> Fact:
    for path in (("spec", "workloadSelector", "labels"), ("spec", "targetRefs")):
        if item.get(*path):
            text = f"{item} selects {proxy_id}"
            return holds("envoyfilter-applies-to-proxy", text, item.evidence(*path))
    where = "every namespace" if item.namespace == root_namespace else f"all of {item.namespace}"
    text = f"{item} selects no workload in particular and so concerns {where}"
    shown = item.evidence("metadata", "namespace")
    return holds("envoyfilter-applies-to-proxy", text, shown)


def _blamed(mesh: Snapshot, rejection: Rejection, blame: _Blame) -> Finding:
    item, word = blame.envoy_filter, blame.named
    if word is not None:
        said = f"The proxy's reason names {word.word!r}, which a patch of {item} brings in"
        explains = holds("envoyfilter-explains-rejection", said, item.evidence(*word.path))
        names = holds("error-names-envoyfilter", said, item.evidence(*word.path))
    else:
        shown = item.evidence("metadata", "creationTimestamp")
        said = f"The proxy took every push until {item} was created and refuses them since"
        explains = holds("envoyfilter-explains-rejection", said, shown)
        names = silent("error-names-envoyfilter", "The proxy's reason names no part of a patch")
    caller = workload_text(mesh, rejection.proxy_id)
    facts = (explains, refusal(rejection), names)
    return Finding(
        code=BLAMED,
        subject=proxy_subject(rejection.proxy_id),
        outcome=Outcome.FAIL,
        message=f"{rejection.proxy_id} refuses its {rejection.type} because of {item}: "
        f"{rejection.brief}",
        resource=str(item),
        objects=(str(item),),
        facts=(*facts, _scope(item, rejection.proxy_id, mesh.root_namespace)),
        affected=(Affected(caller, ""),),
        fills={
            "type": _WORDS.get(rejection.type, rejection.type),
            "reason": rejection.brief,
            "proxy": rejection.proxy_id,
        },
    )


def _not_blamed(mesh: Snapshot, rejection: Rejection, who: ProxyIdentity) -> Finding:
    subject = proxy_subject(rejection.proxy_id)
    resource = workload_text(mesh, rejection.proxy_id)
    needs = mesh.catalog.unread(ENVOY_FILTER)
    if needs:
        message = f"Whether an EnvoyFilter makes {who.id} refuse its {rejection.type} is not known"
        return Finding(BLAMED, subject, Outcome.UNKNOWN, message, resource, needs=needs)
    applied = filters_for(mesh, who)
    if not applied:
        message = f"No EnvoyFilter concerns {who.id}"
    else:
        names = ", ".join(str(item) for item in applied)
        message = f"Nothing that {names} brings in is named in the proxy's reason"
    facts = (holds("no-envoyfilter-in-the-reason", message, *rejection.evidence),)
    return Finding(BLAMED, subject, Outcome.PASS, message, resource, facts=facts)


def _is_connected(mesh: Snapshot, connection: Connection) -> Finding:
    """What rules out a broken connection for a proxy that refuses its configuration."""
    message = f"{connection.id} is connected to {connection.istiod.pod}"
    facts = (holds("proxy-is-connected", message, connection_evidence(connection)),)
    caller, subject = workload_text(mesh, connection.id), proxy_subject(connection.id)
    return Finding(CUT_OFF, subject, Outcome.PASS, message, caller, facts=facts)


def _undumped(mesh: Snapshot) -> bool:
    """Whether some running proxy's configuration was not read either."""
    proxies = [
        mesh.proxy_of(pod) for pod in mesh.proxy_pods if container_runs(pod, PROXY_CONTAINER)
    ]
    return any(proxy is None or proxy.config is None for proxy in proxies)


def _accepted(mesh: Snapshot) -> Iterator[Finding]:
    """That every proxy takes its configuration, or that it cannot be told."""
    known = connections(mesh)
    resource = f"Namespace {mesh.root_namespace}"
    if unread_istiods(mesh) and _undumped(mesh):
        message = "Whether every proxy takes its configuration is not known"
        needs = (ISTIOD_SYNC, PROXY_CONFIG)
        yield Finding(BLAMED, MESH_SUBJECT, Outcome.UNKNOWN, message, resource, needs=needs)
    elif known and not unread_istiods(mesh):
        first = known[min(known)]
        message = f"All {len(known)} connected proxies take what istiod sends"
        facts = (holds("proxies-accept-configuration", message, connection_evidence(first)),)
        for code in (BLAMED, REFUSED):
            yield Finding(code, MESH_SUBJECT, Outcome.PASS, message, resource, facts=facts)


@dataclass(frozen=True, slots=True)
class RejectedConfiguration:
    """Every proxy accepts its configuration; one that does not says why."""

    name: str = "rejected-configuration"
    description: str = "Every proxy takes the configuration that istiod sends it."
    inputs: tuple[str, ...] = (
        ISTIOD_SYNC,
        ISTIOD_LOG,
        PROXY_CONFIG,
        PROXY_LOG,
        ENVOY_FILTER.input,
        POD.input,
    )
    codes: tuple[str, ...] = (BLAMED, REFUSED, CUT_OFF)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """One finding for each refused type of each proxy, blamed on an EnvoyFilter or not."""
        known = connections(mesh)
        found = rejections(mesh)
        blames = {
            rejection: _blame(
                mesh, identity(mesh, rejection.proxy_id, known.get(rejection.proxy_id)), rejection
            )
            for rejection in found
        }
        left = [item for item in found if not blames[item] and not belongs_elsewhere(mesh, item)]
        alike = workloads_by_reason(mesh, left)
        for rejection, blamed in blames.items():
            who = identity(mesh, rejection.proxy_id, known.get(rejection.proxy_id))
            yield from (_blamed(mesh, rejection, blame) for blame in blamed)
            if not blamed:
                yield _not_blamed(mesh, rejection, who)
                patching = dict.fromkeys(item for item, *_ in _patches(mesh, who, rejection))
                yield from unexplained(
                    mesh, rejection, tuple(patching), alike.get(same_reason(rejection), ())
                )
        for proxy_id in dict.fromkeys(rejection.proxy_id for rejection in found):
            if proxy_id in known:
                yield _is_connected(mesh, known[proxy_id])
        if not found:
            yield from _accepted(mesh)


ANALYZER = RejectedConfiguration()
