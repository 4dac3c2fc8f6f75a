"""The checks over recordings of a real mesh: healthy ones are quiet, broken ones are exact."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from meshdoctor.check.run import check
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.finding import Outcome
from meshdoctor.recording.reader import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from meshdoctor.check.report import Report

HEALTHY = (
    "healthy",
    "ambient-healthy",
    "canary-healthy",
    "classic-sidecars-healthy",
    "gateway-healthy-tls",
)
DOWN = {
    "istiod-ready",
    "istiod-endpoints",
    "injection-webhooks-answer",
    "validation-webhooks-answer",
}
BROKEN = {
    "ambient-waypoint-not-programmed": {"gateways-ready", "gateway-services"},
    "ambient-ztunnel-not-running": {"ztunnel-ready"},
    "canary-removed-while-in-use": {"injection-asked-for"},
    "gateway-scaled-to-zero": {"gateways-ready", "gateway-services"},
    "gateway-selector-mismatch": {"gateway-selectors"},
    "injector-unreachable-fail": DOWN,
    "injector-webhook-deleted": {"injection-webhooks", "injection-asked-for"},
    "istiod-out-of-memory": DOWN,
    "istiod-scaled-to-zero": DOWN,
    "revision-label-without-control-plane": {"injection-asked-for"},
    "root-ca-rotated-under-workloads": {"root-certificate-held", "proxies-connected"},
    "xds-blocked": {"proxies-connected"},
}
WARNED = {
    "gateway-loadbalancer-pending": {"gateway-addresses"},
    "old-data-plane": {"proxies-versions"},
}
OF_THE_APPLICATION = ("subset-undefined", "strict-server-dr-disable", "wrong-target-port")
"""Faults that are none of the installation's."""


@lru_cache(maxsize=1)
def report(path: Path) -> Report:
    return check(read_recording(path))


def ids(found: Report, outcome: Outcome) -> set[str]:
    return {item.id for item in found.with_outcome(outcome)}


@pytest.mark.usefixtures("no_network")
class TestCaptures:
    @pytest.mark.parametrize("name", [*HEALTHY, *OF_THE_APPLICATION])
    def test_a_mesh_that_is_installed_whole_passes(self, name: str, captures_root: Path) -> None:
        found = report(captures_root / f"{name}.tar.gz")
        for outcome in (Outcome.FAIL, Outcome.WARN, Outcome.UNKNOWN):
            assert ids(found, outcome) == set()
        assert found.exit_code is ExitCode.OK
        assert found.succeeded

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_mesh_fails_the_checks_of_its_fault_alone(
        self, name: str, captures_root: Path
    ) -> None:
        found = report(captures_root / f"{name}.tar.gz")
        assert ids(found, Outcome.FAIL) == BROKEN[name]
        assert found.exit_code is ExitCode.ROOT_CAUSE
        assert not found.succeeded

    @pytest.mark.parametrize("name", WARNED)
    def test_what_does_no_harm_yet_is_a_warning(self, name: str, captures_root: Path) -> None:
        found = report(captures_root / f"{name}.tar.gz")
        assert ids(found, Outcome.FAIL) == set()
        assert ids(found, Outcome.WARN) == WARNED[name]
        assert found.exit_code is ExitCode.WARNINGS
        assert found.succeeded

    def test_nothing_is_skipped_that_a_recording_can_tell(self, captures_root: Path) -> None:
        found = report(captures_root / "ambient-healthy.tar.gz")
        looked = {item.id for item in found.with_outcome(Outcome.PASS)}
        assert looked >= {"istio-cni-ready", "ztunnel-ready", "gateway-api-crds", "istiod-service"}
        assert all(item.message for item in found.with_outcome(Outcome.SKIP))
