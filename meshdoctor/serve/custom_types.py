"""Resources that CRDs define; what a trimmed CRD no longer says is taken from its status.

Recordings may hold CRDs without their ``spec`` (it is long, and no evidence): names are then
those that the API server accepted, and columns those of Istio's and Gateway API's own CRDs
(istio/istio manifests/charts/base/files/crd-all.gen.yaml, gateway-api config/crd).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from meshdoctor.model.kinds import ALL
from meshdoctor.model.resource import as_list, as_mapping
from meshdoctor.serve.resource_type import Column, ResourceType

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_AGE = Column("Age", "date", ".metadata.creationTimestamp")
_CLUSTER_SCOPED = frozenset({"gatewayclasses.gateway.networking.k8s.io"})
_COLUMNS = {
    "virtualservices.networking.istio.io": (
        Column("Gateways", "string", ".spec.gateways"),
        Column("Hosts", "string", ".spec.hosts"),
        _AGE,
    ),
    "destinationrules.networking.istio.io": (Column("Host", "string", ".spec.host"), _AGE),
    "serviceentries.networking.istio.io": (
        Column("Hosts", "string", ".spec.hosts"),
        Column("Location", "string", ".spec.location"),
        Column("Resolution", "string", ".spec.resolution"),
        _AGE,
    ),
    "workloadentries.networking.istio.io": (
        _AGE,
        Column("Address", "string", ".spec.address"),
    ),
    "peerauthentications.security.istio.io": (Column("Mode", "string", ".spec.mtls.mode"), _AGE),
    "authorizationpolicies.security.istio.io": (Column("Action", "string", ".spec.action"), _AGE),
    "gateways.gateway.networking.k8s.io": (
        Column("Class", "string", ".spec.gatewayClassName"),
        Column("Address", "string", ".status.addresses[*].value"),
        Column("Programmed", "string", '.status.conditions[?(@.type=="Programmed")].status'),
        _AGE,
    ),
    "gatewayclasses.gateway.networking.k8s.io": (
        Column("Controller", "string", ".spec.controllerName"),
        Column("Accepted", "string", '.status.conditions[?(@.type=="Accepted")].status'),
        _AGE,
        Column("Description", "string", ".spec.description", priority=1),
    ),
    "httproutes.gateway.networking.k8s.io": (
        Column("Hostnames", "string", ".spec.hostnames"),
        _AGE,
    ),
    "grpcroutes.gateway.networking.k8s.io": (
        Column("Hostnames", "string", ".spec.hostnames"),
        _AGE,
    ),
    "tlsroutes.gateway.networking.k8s.io": (_AGE,),
}
_KNOWN = {kind.crd: kind for kind in ALL if kind.custom}


def _strings(value: object) -> tuple[str, ...]:
    return tuple(item for item in as_list(value) if isinstance(item, str))


def _columns(crd: str, version: Mapping[str, Any]) -> tuple[Column, ...] | None:
    written = [as_mapping(item) for item in as_list(version.get("additionalPrinterColumns"))]
    if not written:
        return None if version else _COLUMNS.get(crd)
    return tuple(
        Column(
            name=str(item.get("name") or ""),
            type=str(item.get("type") or "string"),
            json_path=str(item.get("jsonPath") or item.get("JSONPath") or ""),
            priority=int(item.get("priority") or 0),
            format=str(item.get("format") or ""),
            description=str(item.get("description") or ""),
        )
        for item in written
    )


def _is_namespaced(crd: str, spec: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> bool:
    if "scope" in spec:
        return bool(spec["scope"] == "Namespaced")
    if items:
        return any(as_mapping(item.get("metadata")).get("namespace") for item in items)
    return crd not in _CLUSTER_SCOPED


def custom_type(
    crd: Mapping[str, Any],
    recorded_versions: Sequence[str] = (),
    items: Sequence[Mapping[str, Any]] = (),
) -> ResourceType | None:
    """The resource that a CRD defines.

    Args:
        crd: the CustomResourceDefinition.
        recorded_versions: those the recording has lists of.
        items: its objects.

    Returns:
        None when nothing is served: the CRD names no kind or serves no version.
    """
    crd_name = str(as_mapping(crd.get("metadata")).get("name") or "")
    plural, _, group = crd_name.partition(".")
    spec, status = as_mapping(crd.get("spec")), as_mapping(crd.get("status"))
    names = as_mapping(spec.get("names")) or as_mapping(status.get("acceptedNames"))
    written = [as_mapping(item) for item in as_list(spec.get("versions"))]
    served = [str(item.get("name")) for item in written if item.get("served", True)]
    versions = served or list(
        dict.fromkeys([*recorded_versions, *_strings(status.get("storedVersions"))])
    )
    kind = str(names.get("kind") or "")
    if not kind or not versions or not group:
        return None
    shown = next((item for item in written if item.get("name") == versions[0]), {})
    subresources = as_mapping(shown.get("subresources"))
    return ResourceType(
        group=group,
        plural=plural,
        kind=kind,
        versions=tuple(versions),
        namespaced=_is_namespaced(crd_name, spec, items),
        short_names=_strings(names.get("shortNames")),
        categories=_strings(names.get("categories")),
        singular=str(names.get("singular") or ""),
        has_status="status" in subresources if written else crd_name in _KNOWN,
        custom=True,
        columns=_columns(crd_name, shown),
    )


def undefined_type(
    group: str, version: str, plural: str, kind: str, items: Sequence[Mapping[str, Any]]
) -> ResourceType:
    """A resource that is known by a recorded list, or from Istio's own API, only.

    Args:
        group: its API group.
        version: the one of the list.
        plural: its name.
        kind: empty where the list does not say.
        items: its objects.
    """
    name = f"{plural}.{group}"
    known = _KNOWN.get(name)
    return ResourceType(
        group=group,
        plural=plural,
        kind=kind or (known.name if known else plural.removesuffix("s").title()),
        versions=(version,),
        namespaced=_is_namespaced(name, {}, items),
        has_status=known is not None,
        custom=True,
        columns=_COLUMNS.get(name),
    )
