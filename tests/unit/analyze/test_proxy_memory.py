from __future__ import annotations

from typing import Any

import pytest

from meshdoctor.analyze.proxy_memory import ANALYZER
from meshdoctor.model.finding import FactState, Finding, Outcome
from meshdoctor.model.kinds import POD
from meshdoctor.model.quantity import quantity
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy import parse_stats
from tests.build import deployment, istio_object, mesh, proxy
from tests.unit.analyze.control_plane_build import ago, found, injected, one

WEB = ("MD0445", "workload Deployment shop/web", ("Deployment shop/web",))


def web(
    *, limit: str | None = "128Mi", reason: str = "", minutes: float = 1, ready: bool = False
) -> dict[str, Any]:
    made = injected("web")
    if limit:
        limits = {"memory": limit, "cpu": "2"}
        made["spec"]["initContainers"][0]["resources"] = {
            "limits": limits,
            "requests": {"memory": "40Mi", "cpu": "10m"},
        }
    if reason:
        (status,) = made["status"]["initContainerStatuses"]
        ended = {"reason": reason, "exitCode": 137, "finishedAt": ago(minutes=minutes)}
        status |= {"lastState": {"terminated": ended}, "restartCount": 3, "ready": ready}
    return made


def seen(
    *objects: dict[str, Any], used: int | None = None, clusters: int = 20, **how: Any
) -> Snapshot:
    rows = [f"cluster_manager.active_clusters: {clusters}"]
    rows += [f"server.memory_physical_size: {used}"] if used is not None else []
    stats = parse_stats("\n".join(rows).encode())
    return mesh([deployment("web"), *objects], proxies=[proxy("web", stats=stats)], **how)


def fault(snapshot: Snapshot) -> Finding:
    return one(ANALYZER.analyze(snapshot), "MD0445", Outcome.FAIL)


def test_a_proxy_that_was_killed_for_memory() -> None:
    snapshot = seen(web(reason="OOMKilled"))
    assert found(ANALYZER, snapshot, Outcome.FAIL) == [WEB]
    states = {fact.id: fact.state for fact in fault(snapshot).facts}
    assert set(states.values()) == {FactState.HOLDS}


def test_a_proxy_close_to_its_limit_is_warned_of() -> None:
    snapshot = seen(web(), used=125 * 2**20)
    assert found(ANALYZER, snapshot, Outcome.WARN) == [WEB]
    assert "125 MiB" in one(ANALYZER.analyze(snapshot), "MD0445", Outcome.WARN).message


@pytest.mark.parametrize(
    "snapshot",
    [
        pytest.param(seen(web(), used=60 * 2**20), id="well below its limit"),
        pytest.param(seen(web(limit=None), used=2**33), id="without a limit"),
        pytest.param(seen(web(reason="Error")), id="ended otherwise"),
        pytest.param(
            seen(web(reason="OOMKilled", minutes=500, ready=True)), id="killed long ago, well since"
        ),
    ],
)
def test_what_is_no_fault(snapshot: Snapshot) -> None:
    assert list(ANALYZER.analyze(snapshot)) == []


def test_many_clusters_without_a_sidecar_are_the_usual_reason() -> None:
    killed = web(reason="OOMKilled")
    assert "no Sidecar limits" in fault(seen(killed, clusters=4000)).message
    limited = istio_object("Sidecar", "default", "shop")
    assert "narrower Sidecar" in fault(seen(killed, limited, clusters=4000)).message
    elsewhere = istio_object("Sidecar", "default", "pay")
    assert "no Sidecar limits" in fault(seen(killed, elsewhere, clusters=4000)).message
    assert "not much" in fault(seen(killed, clusters=30)).message


def test_the_fix_keeps_the_other_resources_and_goes_back_to_what_was_written() -> None:
    owner = deployment("web")
    owner["spec"]["template"]["metadata"]["annotations"] = {
        "sidecar.istio.io/proxyMemoryLimit": "128Mi"
    }
    fills = fault(seen(web(reason="OOMKilled"), owner)).fills
    assert '"sidecar.istio.io/proxyMemoryLimit": "256Mi"' in fills["more"]
    assert '"sidecar.istio.io/proxyCPULimit": "2"' in fills["more"]
    assert '"sidecar.istio.io/proxyMemoryLimit": "128Mi"' in fills["more_undo"]
    assert '"sidecar.istio.io/proxyCPU": null' in fills["more_undo"]


def test_a_gateways_own_container_is_changed_where_it_is_written() -> None:
    owner = deployment("web")
    owner["spec"]["template"]["spec"]["containers"] = [{"name": "istio-proxy", "image": "auto"}]
    fills = fault(seen(web(reason="OOMKilled"), owner)).fills
    assert fills["more"] == (
        "kubectl set resources deployment/web -n shop -c istio-proxy --limits=memory=256Mi"
    )


def test_without_pods_it_is_not_known() -> None:
    unknown = one(ANALYZER.analyze(seen(unread=[POD])), "MD0445", Outcome.UNKNOWN)
    assert unknown.needs == (POD.input,)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("24Mi", 24 * 2**20),
        ("1.5Gi", 3 * 2**29),
        ("100M", 10**8),
        ("12", 12),
        ("x", None),
        ("", None),
    ],
)
def test_quantities(text: str, size: int | None) -> None:
    assert quantity(text) == size
