"""The CustomResourceDefinitions that an Istio release brings, and those it reads of others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.plane_versions import installed_versions
from meshdoctor.analyze.upgrade_version import parse_version
from meshdoctor.model.kinds import CRD

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

SINCE_1_22 = "v1"
"""Release 1.22 promoted these to v1; its CRDs and all later ones serve it."""
_SERVED: dict[str, str] = {
    "authorizationpolicies.security.istio.io": SINCE_1_22,
    "destinationrules.networking.istio.io": SINCE_1_22,
    "envoyfilters.networking.istio.io": "v1alpha3",
    "gateways.networking.istio.io": SINCE_1_22,
    "peerauthentications.security.istio.io": SINCE_1_22,
    "proxyconfigs.networking.istio.io": "v1beta1",
    "requestauthentications.security.istio.io": SINCE_1_22,
    "serviceentries.networking.istio.io": SINCE_1_22,
    "sidecars.networking.istio.io": SINCE_1_22,
    "telemetries.telemetry.istio.io": SINCE_1_22,
    "virtualservices.networking.istio.io": SINCE_1_22,
    "wasmplugins.extensions.istio.io": "v1alpha1",
    "workloadentries.networking.istio.io": SINCE_1_22,
    "workloadgroups.networking.istio.io": SINCE_1_22,
}
"""Istio's CRDs, and the version that istiod and istioctl read each in."""
_ADDED = {"trafficextensions.extensions.istio.io": (30, "v1alpha1")}
"""CRDs that came later, and the minor release that brought them."""
_GROUPS = ("networking", "security", "telemetry", "extensions")
SPARED = frozenset(
    {
        "proxyconfigs.networking.istio.io",
        "trafficextensions.extensions.istio.io",
        "wasmplugins.extensions.istio.io",
        "workloadgroups.networking.istio.io",
    }
)
"""CRDs that some installations leave out on purpose: no traffic depends on one that is not used."""

GATEWAY_API = "gateway.networking.k8s.io"
BUNDLE = "gateway.networking.k8s.io/bundle-version"
"""The annotation with which the Gateway API's CRDs name their release."""
_OLDEST_BUNDLE: dict[str, tuple[int, tuple[int, int, int]]] = {
    "grpcroutes": (23, (1, 1, 0)),
    "backendtlspolicies": (28, (1, 4, 0)),
    "tlsroutes": (30, (1, 5, 0)),
}
"""From which Istio minor on istiod ignores a CRD of an older bundle (its crdwatcher)."""
FIRST_WITH_V1 = "v1.0.0"
"""The first bundle whose Gateway and HTTPRoute are v1; older ones may lack what istiod reads."""


def newest_minor(mesh: Snapshot) -> int | None:
    """The newest installed Istio's minor version; None when it is not known."""
    versions = installed_versions(mesh)
    return versions[-1].numbers[1] if versions else None


def wanted(minor: int | None) -> dict[str, str]:
    """The CRDs of an Istio release, and the version in which each is read."""
    later = {name: version for name, (since, version) in _ADDED.items() if minor and minor >= since}
    return _SERVED | later


def istio_crds(mesh: Snapshot) -> dict[str, Resource]:
    """Istio's own CRDs that are installed, by name."""
    groups = tuple(f".{group}.istio.io" for group in _GROUPS)
    return {item.name: item for item in mesh.catalog.of(CRD) if item.name.endswith(groups)}


def gateway_api_crds(mesh: Snapshot) -> dict[str, Resource]:
    """The Gateway API's CRDs that are installed, by plural."""
    return {
        item.name.removesuffix(f".{GATEWAY_API}"): item
        for item in mesh.catalog.of(CRD)
        if item.name.endswith(f".{GATEWAY_API}")
    }


def bundle_wanted(plural: str, minor: int) -> str | None:
    """The oldest bundle of a Gateway API CRD that an Istio takes; None when it takes any."""
    since, oldest = _OLDEST_BUNDLE.get(plural, (0, None))
    return "v" + ".".join(map(str, oldest)) if oldest and minor >= since else None


def ignored_below(plural: str, crd: Resource, minor: int) -> str | None:
    """The oldest bundle istiod takes, where this CRD is of an older one or says none.

    Mirrors ``minimumVersionFilter`` of istiod's crdwatcher: a pre-release counts as its release.
    """
    needs = bundle_wanted(plural, minor)
    said = parse_version(crd.annotations.get(BUNDLE, ""))
    oldest = parse_version(needs or "")
    if needs is None or oldest is None:
        return None
    return needs if said is None or said.is_older_than(oldest) else None


def is_before_v1(crd: Resource) -> bool:
    """Whether a Gateway API CRD is of a bundle that may lack the versions istiod reads."""
    said, first = parse_version(crd.annotations.get(BUNDLE, "")), parse_version(FIRST_WITH_V1)
    return said is not None and first is not None and said.is_older_than(first)
