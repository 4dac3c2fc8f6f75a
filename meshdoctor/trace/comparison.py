"""Where a walk through what a proxy holds ends otherwise than one by the objects alone.

Only what configuration decides is compared: a cluster or route that is not held, an answer that
the proxy makes itself, an injected fault. What counters and ejections decide no object tells.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.model.envoy import config_dump as sections
from meshdoctor.model.kinds import (
    DESTINATION_RULE,
    ENVOY_FILTER,
    GATEWAY,
    SERVICE,
    SERVICE_ENTRY,
    SIDECAR,
    VIRTUAL_SERVICE,
)
from meshdoctor.model.trace import Difference, Place
from meshdoctor.trace.ages import age_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.evidence import Evidence
    from meshdoctor.model.proxy import Proxy
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.trace import Outcome, Walk

_DECIDING = (VIRTUAL_SERVICE, DESTINATION_RULE, GATEWAY, SIDECAR, SERVICE_ENTRY, SERVICE)
_FLIGHT = timedelta(seconds=5)
"""What a change may take from the API server to every proxy."""
_BY_CONFIGURATION = frozenset({"NC", "NR", "FI"})
_DIRECT = "direct_response"


def _is_configured(outcome: Outcome) -> bool:
    """Whether the client's proxy makes this outcome out of its configuration alone."""
    if outcome.place is not Place.CLIENT_PROXY or outcome.condition:
        return False
    return bool(_BY_CONFIGURATION & set(outcome.flags)) or outcome.details == _DIRECT


def _kind(outcome: Outcome) -> tuple[int | None, frozenset[str], str]:
    return outcome.status, frozenset(outcome.flags), outcome.details.partition("{")[0]


def _is_under_way(mesh: Snapshot) -> bool:
    """Whether an object that decides changed so lately that proxies may not have it yet."""
    times = (item.changed for kind in _DECIDING for item in mesh.catalog.of(kind))
    return any(time is not None and mesh.now - time < _FLIGHT for time in times)


def _is_patched(mesh: Snapshot, pod: Resource) -> bool:
    """Whether an EnvoyFilter may have changed what the other objects ask for."""
    if not mesh.catalog.known(ENVOY_FILTER):
        return True
    spaces = (pod.namespace, mesh.root_namespace)
    return any(mesh.catalog.within(ENVOY_FILTER, space) for space in spaces)


def _text(outcome: Outcome | None) -> str:
    if outcome is None:
        return "none such"
    if outcome.delivered:
        return "delivered"
    flags = ",".join(outcome.flags) or "-"
    return f"{outcome.status} {flags} {outcome.details.partition('{')[0]}".strip()


def _odd(ours: tuple[Outcome, ...], theirs: tuple[Outcome, ...]) -> Iterator[Outcome]:
    known = {_kind(outcome) for outcome in theirs}
    yield from (item for item in ours if _is_configured(item) and _kind(item) not in known)


def _evidence(walked: Walk, objects: tuple[str, ...]) -> tuple[Evidence, ...]:
    """Where the walk by the objects found what decides."""
    return tuple(
        item for hop in walked.hops if set(hop.objects) & set(objects) for item in hop.evidence
    )[:3]


def outcome_difference(mesh: Snapshot, proxy: Proxy, held: Walk, asked: Walk) -> Difference | None:
    """How the two ways to walk a request differ at the client's proxy, if they do.

    Args:
        mesh: the snapshot.
        proxy: the client's, or the gateway's that takes the request.
        held: the walk through what the proxies hold.
        asked: the walk by the objects alone.
    """
    if not (held.is_known and asked.is_known):
        return None
    if _is_patched(mesh, held.request.client) or _is_under_way(mesh):
        return None
    found = next(_odd(held.outcomes, asked.outcomes), None)
    wanted = next(_odd(asked.outcomes, held.outcomes), None)
    if found is None and wanted is None:
        return None
    one = found or held.outcomes[0]
    other = wanted or asked.outcomes[0]
    objects = tuple(dict.fromkeys((*other.objects, *one.objects)))
    text = (
        f"what the proxy holds ends in {_text(one)}, and the objects ask for {_text(other)}: "
        "it is stale, or has refused an update"
    )
    part = sections.CLUSTERS if "NC" in one.flags else sections.ROUTES
    return Difference(proxy.id, text, objects, age_of(mesh, proxy, part), _evidence(asked, objects))
