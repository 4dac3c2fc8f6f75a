"""CustomResourceDefinitions: Istio's own are all there, in the versions that its release serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshdoctor.analyze.upgrade_version import parse_version
from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, failed, failed_if, joined, passed, skipped, unknown
from meshdoctor.check.plane_versions import installed_versions
from meshdoctor.model.kinds import CRD
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_SINCE_1_22 = "v1"
"""Release 1.22 promoted these to v1; its CRDs and all later ones serve it."""
_SERVED: dict[str, str] = {
    "authorizationpolicies.security.istio.io": _SINCE_1_22,
    "destinationrules.networking.istio.io": _SINCE_1_22,
    "envoyfilters.networking.istio.io": "v1alpha3",
    "gateways.networking.istio.io": _SINCE_1_22,
    "peerauthentications.security.istio.io": _SINCE_1_22,
    "proxyconfigs.networking.istio.io": "v1beta1",
    "requestauthentications.security.istio.io": _SINCE_1_22,
    "serviceentries.networking.istio.io": _SINCE_1_22,
    "sidecars.networking.istio.io": _SINCE_1_22,
    "telemetries.telemetry.istio.io": _SINCE_1_22,
    "virtualservices.networking.istio.io": _SINCE_1_22,
    "wasmplugins.extensions.istio.io": "v1alpha1",
    "workloadentries.networking.istio.io": _SINCE_1_22,
    "workloadgroups.networking.istio.io": _SINCE_1_22,
}
"""Istio's CRDs, and the version that istiod and istioctl read each in."""
_ADDED = {"trafficextensions.extensions.istio.io": (30, "v1alpha1")}
"""CRDs that came later, and the minor release that brought them."""
_GROUPS = ("networking", "security", "telemetry", "extensions")
_BUNDLE = "gateway.networking.k8s.io/bundle-version"
"""The annotation with which the Gateway API's CRDs name their release."""
_GATEWAY_API = "gateway.networking.k8s.io"
_CORE = ("gatewayclasses", "gateways", "httproutes", "referencegrants")
_OLDEST_BUNDLE: dict[str, tuple[int, tuple[int, int, int]]] = {
    "grpcroutes": (23, (1, 1, 0)),
    "backendtlspolicies": (28, (1, 4, 0)),
    "tlsroutes": (30, (1, 5, 0)),
}
"""From which Istio minor on istiod ignores a CRD of an older bundle (its crdwatcher)."""


def _minor(mesh: Snapshot) -> int | None:
    """The newest installed Istio's minor version; None when it is not known."""
    versions = installed_versions(mesh)
    return versions[-1].numbers[1] if versions else None


def wanted(minor: int | None) -> dict[str, str]:
    """The CRDs of an Istio release, and the version in which each is read."""
    later = {name: version for name, (since, version) in _ADDED.items() if minor and minor >= since}
    return _SERVED | later


def _istio_crds(mesh: Snapshot) -> dict[str, Resource]:
    groups = tuple(f".{group}.istio.io" for group in _GROUPS)
    return {item.name: item for item in mesh.catalog.of(CRD) if item.name.endswith(groups)}


def _present(mesh: Snapshot) -> Result:
    found = _istio_crds(mesh)
    names = wanted(_minor(mesh))
    missing = [name for name in names if name not in found]
    if len(missing) == len(names):
        return failed("none of Istio's CRDs is installed")
    return failed_if((f"{name} is missing" for name in missing), f"all {len(names)} of them")


def _established(mesh: Snapshot) -> Result:
    found = _istio_crds(mesh)
    if not found:
        return skipped("none of Istio's CRDs is installed")
    return failed_if(_refusals(found))


def _refusals(found: dict[str, Resource]) -> Iterator[str]:
    for name, crd in found.items():
        for condition in map(as_mapping, as_list(crd.status.get("conditions"))):
            kind, state = condition.get("type"), condition.get("status")
            if kind in ("Established", "NamesAccepted") and state != "True":
                yield f"{name}: {condition.get('message') or condition.get('reason') or kind}"


def _versions(crd: Resource) -> list[dict[str, object]]:
    return [dict(as_mapping(item)) for item in as_list(crd.spec.get("versions"))]


def _served(mesh: Snapshot) -> Result:
    found = _istio_crds(mesh)
    minor = _minor(mesh)
    if minor is None:
        return unknown("which Istio is installed is not known")
    names = {name: version for name, version in wanted(minor).items() if name in found}
    told = {name: _versions(found[name]) for name in names if _versions(found[name])}
    if not told:
        return skipped("the CRDs' versions were not recorded")
    # Before 1.22 there was no v1 to serve.
    wrong = [
        f"{name} does not serve {names[name]}"
        for name, versions in told.items()
        if (names[name] != _SINCE_1_22 or minor >= 22)
        and not any(v.get("name") == names[name] and v.get("served") for v in versions)
    ]
    return failed_if(wrong)


def _stored(mesh: Snapshot) -> Result:
    lost = []
    told = False
    for name, crd in _istio_crds(mesh).items():
        defined = {str(item.get("name")) for item in _versions(crd)}
        told = told or bool(defined)
        for version in map(str, as_list(crd.status.get("storedVersions"))):
            if defined and version not in defined:
                lost.append(f"{name} still stores objects as {version}, which it no longer defines")
    if not told:
        return skipped("the CRDs' versions were not recorded")
    return failed_if(lost)


def _gateway_api(mesh: Snapshot) -> Result:
    found = {
        item.name.removesuffix(f".{_GATEWAY_API}"): item
        for item in mesh.catalog.of(CRD)
        if item.name.endswith(f".{_GATEWAY_API}")
    }
    if not found:
        return skipped("the Gateway API is not installed")
    problems = [f"{name}.{_GATEWAY_API} is missing" for name in _CORE if name not in found]
    problems += _too_old(found, _minor(mesh) or 0)
    if problems:
        return failed(joined(problems))
    bundles = sorted({str(item.annotations.get(_BUNDLE) or "?") for item in found.values()})
    return passed(f"bundle {', '.join(bundles)}")


def _too_old(found: dict[str, Resource], minor: int) -> Iterator[str]:
    for name, (since, oldest) in _OLDEST_BUNDLE.items():
        if name not in found or minor < since:
            continue
        said = found[name].annotations.get(_BUNDLE, "")
        version = parse_version(said)
        needs = ".".join(map(str, oldest))
        if version is None:
            yield f"{name}.{_GATEWAY_API} does not say its bundle version, so istiod ignores it"
        elif version.numbers < oldest:
            yield f"{name}.{_GATEWAY_API} is of bundle {said}: istiod ignores it below v{needs}"


CHECKERS = (
    MeshChecker(
        id="istio-crds-present",
        description="all of Istio's CustomResourceDefinitions are installed",
        needs=(CRD,),
        check=_present,
    ),
    MeshChecker(
        id="istio-crds-established",
        description="the API server accepts Istio's CRDs",
        needs=(CRD,),
        check=_established,
    ),
    MeshChecker(
        id="istio-crds-served",
        description="Istio's CRDs serve the versions that the installed Istio reads",
        needs=(CRD,),
        check=_served,
    ),
    MeshChecker(
        id="istio-crds-stored",
        description="no Istio object is stored in a version that is no longer defined",
        warning=True,
        needs=(CRD,),
        check=_stored,
    ),
    MeshChecker(
        id="gateway-api-crds",
        description="the Gateway API's CRDs are complete and new enough for istiod",
        warning=True,
        needs=(CRD,),
        check=_gateway_api,
    ),
)
