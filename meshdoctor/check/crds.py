"""CustomResourceDefinitions: Istio's own are all there, in the versions that its release serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from meshdoctor.analyze.istio_crds import (
    BUNDLE,
    GATEWAY_API,
    SINCE_1_22,
    gateway_api_crds,
    ignored_below,
    istio_crds,
    newest_minor,
    wanted,
)
from meshdoctor.analyze.upgrade_version import parse_version
from meshdoctor.check.checker import MeshChecker
from meshdoctor.check.outcome import Result, failed, failed_if, joined, passed, skipped, unknown
from meshdoctor.model.kinds import CRD
from meshdoctor.model.resource import as_list, as_mapping

if TYPE_CHECKING:
    from meshdoctor.model.resource import Resource
    from meshdoctor.model.snapshot import Snapshot

_CORE = ("gatewayclasses", "gateways", "httproutes", "referencegrants")


def _present(mesh: Snapshot) -> Result:
    found = istio_crds(mesh)
    names = wanted(newest_minor(mesh))
    missing = [name for name in names if name not in found]
    if len(missing) == len(names):
        return failed("none of Istio's CRDs is installed")
    return failed_if((f"{name} is missing" for name in missing), f"all {len(names)} of them")


def _established(mesh: Snapshot) -> Result:
    found = istio_crds(mesh)
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
    found = istio_crds(mesh)
    minor = newest_minor(mesh)
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
        if (names[name] != SINCE_1_22 or minor >= 22)
        and not any(v.get("name") == names[name] and v.get("served") for v in versions)
    ]
    return failed_if(wrong)


def _stored(mesh: Snapshot) -> Result:
    lost = []
    told = False
    for name, crd in istio_crds(mesh).items():
        defined = {str(item.get("name")) for item in _versions(crd)}
        told = told or bool(defined)
        for version in map(str, as_list(crd.status.get("storedVersions"))):
            if defined and version not in defined:
                lost.append(f"{name} still stores objects as {version}, which it no longer defines")
    if not told:
        return skipped("the CRDs' versions were not recorded")
    return failed_if(lost)


def _gateway_api(mesh: Snapshot) -> Result:
    found = gateway_api_crds(mesh)
    if not found:
        return skipped("the Gateway API is not installed")
    problems = [f"{name}.{GATEWAY_API} is missing" for name in _CORE if name not in found]
    problems += _too_old(found, newest_minor(mesh) or 0)
    if problems:
        return failed(joined(problems))
    bundles = sorted({str(item.annotations.get(BUNDLE) or "?") for item in found.values()})
    return passed(f"bundle {', '.join(bundles)}")


def _too_old(found: dict[str, Resource], minor: int) -> Iterator[str]:
    for name, crd in found.items():
        needs = ignored_below(name, crd, minor)
        if needs is None:
            continue
        said = crd.annotations.get(BUNDLE, "")
        if parse_version(said) is None:
            yield f"{crd.name} does not say its bundle version, so istiod ignores it"
        else:
            yield f"{crd.name} is of bundle {said}: istiod ignores it below {needs}"


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
