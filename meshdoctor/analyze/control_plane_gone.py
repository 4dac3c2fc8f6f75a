"""An installation whose istiod is gone: its Service and webhooks stand, its Deployment does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.base import MESH_SUBJECT, holds
from meshdoctor.analyze.endpoint_evidence import endpoints_evidence
from meshdoctor.intent.injection_webhooks import injection_webhooks
from meshdoctor.intent.installation import (
    has_no_control_plane,
    istiod_services,
    namespaces_asking_for_istio,
    pods_with_proxies,
)
from meshdoctor.intent.revision_labels import DEFAULT_REVISION, REVISION
from meshdoctor.model.finding import Affected, Fact, Finding, Outcome
from meshdoctor.model.kinds import DEPLOYMENT, ENDPOINT_SLICE
from meshdoctor.model.resource import as_list, object_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot


def _slices(mesh: Snapshot, service: Resource) -> list[Resource]:
    return [
        item
        for item in mesh.catalog.within(ENDPOINT_SLICE, service.namespace)
        if item.labels.get("kubernetes.io/service-name") == service.name
    ]


def _install_command(service: Resource, revision: str) -> str:
    """The tool that installed istiod brings it back: Helm leaves its release on every object."""
    release = service.annotations.get("meta.helm.sh/release-name")
    if release:
        return f"helm upgrade {release} istio/istiod -n {service.namespace} --reuse-values"
    which = "" if revision == DEFAULT_REVISION else f" --revision {revision}"
    return f"istioctl install{which}"


def _facts(mesh: Snapshot, service: Resource, gone: str) -> Iterator[Fact]:
    text = f"There is no {gone} and no pod of it, though its Service is there"
    yield holds("no-istiod-is-ready", text, service.evidence("spec", "selector"))
    spaces, pods = namespaces_asking_for_istio(mesh), pods_with_proxies(mesh)
    if spaces:
        names = ", ".join(item.name for item in spaces)
        shown = spaces[0].evidence("metadata", "labels")
        yield holds("revision-is-in-use", f"Labelled for Istio: {names}", shown)
    elif pods:
        text = f"{len(pods)} pods carry a proxy"
        yield holds("revision-is-in-use", text, pods[0].evidence("metadata", "name"))
    empty = [s for s in _slices(mesh, service) if not as_list(s.raw.get("endpoints"))]
    if empty:
        text = "istiod's Service has no endpoint: nobody can reach it"
        yield holds("istiod-service-has-no-endpoint", text, endpoints_evidence(empty[0]))


def gone(mesh: Snapshot, code: str) -> Iterator[Finding]:
    """The finding for an istiod that was deleted from an installation that stands.

    Args:
        mesh: the snapshot.
        code: the code of an istiod that is down.
    """
    services = istiod_services(mesh)
    if not has_no_control_plane(mesh) or not services or not injection_webhooks(mesh):
        return
    service = services[0]
    name = object_text(DEPLOYMENT.name, service.namespace, service.name)
    why = f"{name} does not exist any more"
    pods = pods_with_proxies(mesh)
    workloads = sorted({str(mesh.workloads.owning(pod)) for pod in pods})
    revision = service.labels.get(REVISION, DEFAULT_REVISION)
    facts = tuple(_facts(mesh, service, name))
    used = any(fact.id == "revision-is-in-use" for fact in facts)
    yield Finding(
        code=code,
        subject=MESH_SUBJECT,
        outcome=Outcome.FAIL if used else Outcome.WARN,
        message=f"No istiod is in the cluster ({why}): configuration changes do nothing, new pods "
        "get no proxy or do not start",
        resource=name,
        objects=(name, str(service)),
        facts=facts,
        affected=tuple(Affected(item, "") for item in workloads),
        root=used,
        fills={
            "revision": revision,
            "why": why,
            "target": f"deployment/{service.name} -n {service.namespace}",
            "mend": "Install istiod again, with the values and the release it was installed with.",
            "mend_command": _install_command(service, revision),
            "mend_changes": "Makes istiod's Deployment again; what else is installed stays.",
            "mend_undo": f"kubectl delete deployment {service.name} -n {service.namespace}",
        },
    )
