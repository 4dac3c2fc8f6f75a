from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.proxy_readiness import ANALYZER
from meshdoctor.parse.proxy_log import read_proxy_log
from tests.build import mesh, pod, proxy
from tests.unit.analyze.workload_build import market, named, problems

SAYS = (
    "2026-11-21T07:59:50.000000Z\twarn\tEnvoy proxy is NOT ready: config not received from XDS "
    "server (is Istiod running?): cds updates: 0 successful, 0 rejected\n"
)


def waiting(started: str = "2026-11-21T07:50:00Z", **more: Any) -> dict[str, Any]:
    item = pod("till-v2-abc-x", "market", owner="till-v2", ready=False)
    item["status"]["initContainerStatuses"][0]["state"] = {"running": {"startedAt": started}}
    item["metadata"] |= more
    return item


def test_a_proxy_that_waits_long_is_told_with_what_it_says() -> None:
    seen = proxy("till-v2-abc-x", "market", log=read_proxy_log(SAYS.encode()))
    snapshot = mesh([market(), waiting()], proxies=[seen])
    (found,) = problems(ANALYZER, snapshot)
    assert (found.code, found.root) == ("MD0333", False)
    assert "config not received from XDS server" in found.message


def test_without_its_log_it_is_told_all_the_same() -> None:
    (found,) = problems(ANALYZER, mesh([market(), waiting()]))
    assert "could not be read" in found.message


@pytest.mark.parametrize(
    "item",
    [
        pod("till-v2-abc-x", "market", owner="till-v2"),
        waiting("2026-11-21T07:59:40Z"),
        waiting(deletionTimestamp="2026-11-21T07:59:00Z"),
    ],
    ids=["ready", "just started", "being deleted"],
)
def test_a_proxy_that_is_ready_starts_or_goes_is_in_order(item: dict[str, Any]) -> None:
    assert named(ANALYZER, mesh([market(), item])) == []
