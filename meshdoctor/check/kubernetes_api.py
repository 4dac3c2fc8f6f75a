"""The API server: does it answer, is its clock ours, does the installed Istio support it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from meshdoctor.analyze.plane_versions import installed_versions
from meshdoctor.analyze.upgrade_version import parse_version
from meshdoctor.check.checker import LiveChecker, MeshChecker
from meshdoctor.check.outcome import Result, failed, judged, passed, skipped, unknown
from meshdoctor.check.releases import AS_OF, NEWEST, release_of

if TYPE_CHECKING:
    from meshdoctor.collect.preflight import Preflight
    from meshdoctor.model.snapshot import Snapshot

CLOCKS_AGREE = timedelta(seconds=60)
"""The Date header counts whole seconds, and an answer takes time: less is no difference."""


def _reachable(found: Preflight) -> Result:
    error = found.server.error
    if error is None:
        return passed(f"it runs {found.server.version}" if found.server.version else "")
    if error.http_status is not None:
        return failed(f"it answered {error.http_status}: {error.reason}")
    return failed(error.reason)


def _clock(found: Preflight) -> Result:
    behind = found.server.behind
    if behind is None:
        return unknown("its answers carry no Date header")
    seconds = round(behind.total_seconds())
    if abs(behind) <= CLOCKS_AGREE:
        return passed()
    word = "behind" if seconds > 0 else "ahead of"
    return failed(
        f"the API server's clock is {abs(seconds)} s {word} this machine's; tokens and client "
        "certificates may be refused (ages are counted by the server's clock)"
    )


def _version(mesh: Snapshot) -> Result:
    kubernetes = parse_version(mesh.about.kubernetes)
    if kubernetes is None:
        return unknown("which version the API server runs is not known")
    minor = kubernetes.numbers[1]
    failures, warnings, known = [], [], []
    for istio in installed_versions(mesh):
        release = release_of(istio)
        if release is None:
            continue
        oldest, newest = release.kubernetes
        range_text = f"Istio {istio.text} supports Kubernetes 1.{oldest} to 1.{newest}"
        known.append(range_text)
        if minor < release.tested_from:
            failures.append(f"{range_text}; 1.{minor} is too old for it")
        elif minor < oldest:
            warnings.append(f"{range_text}; it was tested with 1.{minor} but does not support it")
        elif minor > newest:
            warnings.append(f"{range_text}; 1.{minor} is newer than any it was tested with")
    if not known:
        return skipped(f"support is known for Istio up to 1.{NEWEST} (as of {AS_OF})")
    return judged(failures, warnings, f"Kubernetes 1.{minor}; {known[-1]}")


CHECKERS = (
    LiveChecker(
        id="api-reachable",
        description="the API server answers",
        fatal=True,
        check=_reachable,
    ),
    LiveChecker(
        id="api-clock",
        description="the API server's clock agrees with this machine's",
        warning=True,
        check=_clock,
    ),
    MeshChecker(
        id="kubernetes-version",
        description="the installed Istio supports this version of Kubernetes",
        check=_version,
    ),
)
