"""Whether every Gateway selects a gateway's pods, and if not, why: its selector or their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from meshdoctor.analyze.base import holds
from meshdoctor.analyze.gateway_findings import cannot_tell, passes, problem
from meshdoctor.analyze.json_patches import replace_value
from meshdoctor.analyze.nearest_labels import nearest_workload
from meshdoctor.intent.backends import BACKEND_KINDS
from meshdoctor.intent.gateway_servers import is_wanted, servers
from meshdoctor.intent.gateway_workloads import (
    gateway_selector,
    idle_templates,
    router_pods,
    routers,
)
from meshdoctor.model.kinds import GATEWAY, VIRTUAL_SERVICE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from meshdoctor.model.finding import Finding
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot
    from meshdoctor.model.workload import Workload

SELECTOR_MATCHES_NOTHING = "MD0601"
NO_PODS = "MD0602"
NO_PODS_CREATED = "MD0603"
_MESH_LABELS = ("istio", "app")
"""Labels by which Istio's own charts and samples choose a gateway, the usual one first."""


def _words(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _meant(selector: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """The selector that would pick these pods: the same keys where they have them."""
    kept = {key: labels[key] for key in selector if key in labels}
    if kept:
        return kept
    return {key: labels[key] for key in _MESH_LABELS if key in labels} or dict(labels)


def _mismatch(mesh: Snapshot, gateway: Resource) -> Finding:
    selector = gateway_selector(gateway)
    nearest = nearest_workload(selector, gateway.name, routers(mesh))
    evidence = [gateway.evidence("spec", "selector")]
    told = "no gateway is installed whose labels look like it"
    command, undo = "kubectl get pods -A --show-labels", "nothing to undo: this only reads"
    objects = [str(gateway)]
    if nearest is not None:
        meant = _meant(selector, nearest.template_labels)
        told = f"the pods of {nearest} carry {_words(meant)}"
        command, undo = replace_value(gateway, ("spec", "selector"), meant)
        if nearest.resource is not None:
            path = ("spec", "template", "metadata", "labels")
            evidence.append(nearest.resource.evidence(*path))
        objects.append(str(nearest))
    message = f"{gateway} selects {_words(selector)}, and no gateway pod carries that; {told}"
    return problem(
        mesh,
        SELECTOR_MATCHES_NOTHING,
        gateway,
        message,
        objects=tuple(objects),
        facts=(holds("gateway-selects-nothing", message, *evidence),),
        servers=servers(gateway),
        fills={
            "selector": _words(selector),
            "nearest": told,
            "command": command,
            "undo": undo,
        },
        root=is_wanted(mesh, gateway),
    )


def _scaled_to_zero(mesh: Snapshot, gateway: Resource, idle: tuple[Workload, ...]) -> Finding:
    first = idle[0]
    names = ", ".join(map(str, idle))
    message = f"{names} is scaled to 0 replicas, so no proxy takes the servers of {gateway}"
    evidence = [item.resource.evidence("spec", "replicas") for item in idle if item.resource]
    scale = f"kubectl scale {first.kind.lower()} {first.name} -n {first.namespace} --replicas="
    return problem(
        mesh,
        NO_PODS,
        gateway,
        message,
        objects=(*map(str, idle), str(gateway)),
        facts=(
            holds("gateway-scaled-to-zero", message, *evidence),
            holds(
                "gateway-selects-that-workload",
                f"{gateway} selects the pods of {first}",
                gateway.evidence("spec", "selector"),
            ),
        ),
        servers=servers(gateway),
        fills={"command": f"{scale}1", "undo": f"{scale}0"},
        root=is_wanted(mesh, gateway),
    )


def _not_created(mesh: Snapshot, gateway: Resource, wanting: tuple[Workload, ...]) -> Finding:
    names = ", ".join(map(str, wanting))
    message = f"{names} wants pods and has none, so no proxy takes the servers of {gateway}"
    evidence = [item.resource.evidence("metadata", "name") for item in wanting if item.resource]
    return problem(
        mesh,
        NO_PODS_CREATED,
        gateway,
        message,
        objects=(*map(str, wanting), str(gateway)),
        facts=(holds("gateway-has-no-pods", message, *evidence),),
        servers=servers(gateway),
        root=is_wanted(mesh, gateway),
    )


def _without_pods(mesh: Snapshot, gateway: Resource) -> Iterator[Finding]:
    needs = mesh.catalog.unread(*BACKEND_KINDS)
    if needs:
        message = f"It cannot be told whether {gateway} selects any gateway"
        yield cannot_tell(SELECTOR_MATCHES_NOTHING, gateway, message, needs)
        yield cannot_tell(NO_PODS, gateway, message, needs)
        return
    idle = idle_templates(mesh, gateway)
    if not idle:
        yield _mismatch(mesh, gateway)
        return
    message = f"The selector of {gateway} matches {idle[0]}"
    evidence = gateway.evidence("spec", "selector")
    yield passes(SELECTOR_MATCHES_NOTHING, gateway, message, "selector-matches", evidence)
    wanting = tuple(item for item in idle if item.wanted != 0)
    if wanting:
        yield _not_created(mesh, gateway, wanting)
    else:
        yield _scaled_to_zero(mesh, gateway, idle)


@dataclass(frozen=True, slots=True)
class GatewaySelection:
    """Every Gateway selects a running gateway."""

    name: str = "gateway-selection"
    description: str = "Every Gateway selects the pods of a gateway, and there are some."
    inputs: tuple[str, ...] = (
        GATEWAY.input,
        VIRTUAL_SERVICE.input,
        *(kind.input for kind in BACKEND_KINDS),
    )
    codes: tuple[str, ...] = (SELECTOR_MATCHES_NOTHING, NO_PODS, NO_PODS_CREATED)

    def analyze(self, mesh: Snapshot) -> Iterator[Finding]:
        """Look at each Gateway's selector."""
        for gateway in mesh.catalog.of(GATEWAY):
            pods = router_pods(mesh, gateway)
            if not pods:
                yield from _without_pods(mesh, gateway)
                continue
            message = f"{gateway} selects {pods[0].name}"
            # Without a selector a Gateway is for every gateway: its spec shows that none is there.
            chosen = ("spec", "selector") if gateway.spec.get("selector") else ("spec",)
            evidence = (gateway.evidence(*chosen), pods[0].evidence("metadata", "labels"))
            for code in (SELECTOR_MATCHES_NOTHING, NO_PODS):
                yield passes(code, gateway, message, "gateway-selects-pods", *evidence)


ANALYZER = GatewaySelection()
