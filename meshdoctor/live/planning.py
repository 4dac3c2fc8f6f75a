"""Plan once more, from the objects as they are now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.collect.plan import ProxyPlan, plan_proxies
from meshdoctor.collect.pod_jobs import istiod_pods
from meshdoctor.live.asking import collect_options
from meshdoctor.model.kinds import POD, SERVICE, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from meshdoctor.live.mesh_reader import MeshReader
    from meshdoctor.model.kinds import Kind
    from meshdoctor.model.resource import Resource


def planned(reader: MeshReader) -> ProxyPlan:
    """Which proxies are to be read now; the reader's istiods are chosen anew as well."""

    def held(kind: Kind) -> tuple[Resource, ...]:
        return reader.intake.assembly.resources.get(kind, ("", ()))[1]

    options = collect_options(reader.options)
    reader.istiods = frozenset((pod.namespace, pod.name) for pod in istiod_pods(held(POD), options))
    if not options.proxies:
        return ProxyPlan((), 0)
    return plan_proxies(options.question, held(POD), held(SERVICE), held(VIRTUAL_SERVICE))
