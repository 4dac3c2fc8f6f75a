"""The control plane: istiod is found, every replica is ready, of one version, still supported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meshdoctor.analyze.control_plane_state import State, condition
from meshdoctor.analyze.plane_versions import installed_versions, versions_of
from meshdoctor.check.checker import LiveChecker, MeshChecker
from meshdoctor.check.outcome import (
    Result,
    failed,
    failed_if,
    judged,
    passed,
    skipped,
    unknown,
)
from meshdoctor.check.reach import reach
from meshdoctor.check.releases import AS_OF, NEWEST, OLDEST, is_development, release_of
from meshdoctor.intent.control_plane import controller_of, is_external, ready_pods
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import DEPLOYMENT, POD

if TYPE_CHECKING:
    from meshdoctor.analyze.upgrade_version import Version
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.intent.revisions import ControlPlane
    from meshdoctor.model.snapshot import Snapshot

NONE = "no istiod was found"
NOTHING_RUNS = "istiod has no pod"
EXTERNAL = "proxies look for istiod outside this cluster"


def absence(mesh: Snapshot) -> Result | None:
    """What a check of istiod comes to where there is none here; None where there is one."""
    if control_planes(mesh):
        return None
    return skipped(EXTERNAL if _is_outside(mesh) else NONE)


def _is_outside(mesh: Snapshot) -> bool:
    return any(is_external(pod, mesh.proxy_of(pod)) for pod in mesh.proxy_pods)


def _found(mesh: Snapshot) -> Result:
    planes = control_planes(mesh)
    if planes:
        names = (f"{name} ({controller_of(mesh, plane)})" for name, plane in planes.items())
        return passed(f"revision {', revision '.join(names)}")
    return skipped(EXTERNAL) if _is_outside(mesh) else failed(NONE)


def _ready(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    failures, warnings = [], []
    for plane in control_planes(mesh).values():
        found = condition(mesh, plane)
        if found.state is State.UNKNOWN:
            return unknown(found.text)
        if found.state is State.STARTING:
            warnings.append(found.text)
        elif found.state is not State.READY:
            failures.append(found.text)
    return judged(failures, warnings)


def _runs(mesh: Snapshot) -> bool:
    return any(plane.pods for plane in control_planes(mesh).values())


def _wanted(plane: ControlPlane) -> int:
    replicas = (item.spec.get("replicas", 1) for item in plane.deployments)
    return sum(number for number in replicas if isinstance(number, int))


def _replicas(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    problems = []
    if not _runs(mesh):
        return skipped(NOTHING_RUNS)
    for plane in control_planes(mesh).values():
        ready, wanted = len(ready_pods(plane)), _wanted(plane)
        if plane.deployments and ready < wanted:
            problems.append(f"{controller_of(mesh, plane)} has {ready} of {wanted} replicas ready")
        behind = [item for item in plane.deployments if _is_rolling(item.spec, item.status)]
        problems += [f"{item} is not rolled out" for item in behind]
    return failed_if(problems)


def _is_rolling(spec: object, status: object) -> bool:
    """Whether pods of an older template still run (``kubectl rollout status``)."""
    assert isinstance(spec, dict)
    assert isinstance(status, dict)
    updated, replicas = status.get("updatedReplicas"), status.get("replicas")
    return isinstance(updated, int) and isinstance(replicas, int) and updated < replicas


def _one_version(mesh: Snapshot) -> Result:
    if nothing := absence(mesh):
        return nothing
    if not _runs(mesh):
        return skipped(NOTHING_RUNS)
    problems, known = [], []
    for plane in control_planes(mesh).values():
        texts = sorted({item.text for item in versions_of(mesh, plane).values()})
        if len(texts) > 1:
            problems.append(f"revision {plane.revision} runs {' and '.join(texts)}")
        known += texts
    if not known:
        return unknown("no istiod says its version")
    return failed_if(problems, ", ".join(dict.fromkeys(known)))


def _support(mesh: Snapshot, version: Version) -> tuple[str, str]:
    """What is wrong with a version's support, and what is said when nothing is."""
    release = release_of(version)
    if is_development(version):
        return "", f"{version.text} is a development build, which nobody supports in production"
    if release is None:
        if version.numbers[0] == 1 and version.numbers[1] < OLDEST:
            return f"{version.text} is older than Istio 1.{OLDEST}, long without support", ""
        return "", f"{version.text}: support is known up to Istio 1.{NEWEST} (as of {AS_OF})"
    if release.end is None or mesh.now.date() <= release.end:
        return "", ""
    if release.is_end_expected:
        return f"support of 1.{release.minor} was expected to end by {release.end}", ""
    return f"support of 1.{release.minor} ended on {release.end}", ""


def _supported(mesh: Snapshot) -> Result:
    versions = installed_versions(mesh)
    if not versions:
        return unknown("which Istio is installed is not known")
    told = [_support(mesh, version) for version in versions]
    problems = [problem for problem, _ in told if problem]
    notes = [note for _, note in told if note]
    if problems or not notes:
        return failed_if(problems)
    return skipped("; ".join(notes))


def _reached(found: Preflight) -> Result:
    return reach(found.istiod, "istiod")


CHECKERS = (
    MeshChecker(
        id="istiod-found",
        description="istiod is installed",
        needs=(DEPLOYMENT, POD),
        check=_found,
    ),
    MeshChecker(
        id="istiod-ready",
        description="every revision has an istiod that is ready",
        needs=(DEPLOYMENT, POD),
        check=_ready,
    ),
    MeshChecker(
        id="istiod-replicas",
        description="all replicas of istiod are rolled out and ready",
        warning=True,
        needs=(DEPLOYMENT, POD),
        check=_replicas,
    ),
    MeshChecker(
        id="istiod-versions",
        description="all replicas of a revision run one version",
        warning=True,
        needs=(DEPLOYMENT, POD),
        check=_one_version,
    ),
    MeshChecker(
        id="istio-supported",
        description="the installed Istio is still supported",
        warning=True,
        check=_supported,
    ),
    LiveChecker(
        id="istiod-answers",
        description="istiod's debug endpoints can be asked",
        check=_reached,
    ),
)
