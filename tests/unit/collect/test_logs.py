from __future__ import annotations

from datetime import timedelta
from typing import Any

from meshdoctor.collect.api import ReadError
from meshdoctor.collect.log_sources import application_logs, mesh_namespaces, proxy_logs
from meshdoctor.collect.logs import LogBounds, Logs, LogSource, log_sources
from meshdoctor.model.kinds import NAMESPACE, POD
from meshdoctor.model.not_read import NotReadStatus
from tests.unit.collect.stand_in import Cluster, Kept, istiod, pod
from tests.unit.collect.test_plan import resources

WEB = resources(POD, [pod()])[0]
SOURCE = LogSource(WEB, "app", "logs/shop/web-1/app.log")
CRASHED: dict[str, dict[str, Any]] = {
    "app": {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "restartCount": 3},
    "istio-proxy": {"state": {"waiting": {"reason": "PodInitializing"}}},
}


def log(lines: int, width: int = 100) -> bytes:
    return b"".join(b"%0*d\n" % (width - 1, number) for number in range(lines))


async def test_the_end_of_a_log_is_what_is_read() -> None:
    cluster, sink = Cluster(logs={("web-1", "app"): log(100)}), Kept()
    await Logs(cluster, sink).read(SOURCE, LogBounds(lines=10))
    assert sink.files[SOURCE.path] == log(100)[-1000:]


async def test_a_byte_bound_never_costs_the_newest_lines() -> None:
    cluster, sink = Cluster(logs={("web-1", "app"): log(10_000)}), Kept()
    await Logs(cluster, sink).read(SOURCE, LogBounds(lines=5_000, most_bytes=20_000))
    data = sink.files[SOURCE.path]
    assert data.endswith(log(10_000)[-100:])
    assert 10_000 < len(data) < 20_000
    assert len(cluster.asked) == 2


async def test_endless_lines_are_asked_for_only_a_few_times() -> None:
    cluster, sink = Cluster(logs={("web-1", "app"): b"x" * 1_000_000}), Kept()
    await Logs(cluster, sink).read(SOURCE, LogBounds(most_bytes=20_000))
    assert len(sink.files[SOURCE.path]) == 20_000
    assert len(cluster.asked) < 4


async def test_since_is_asked_of_the_server() -> None:
    cluster, sink = Cluster(logs={("web-1", "app"): log(1)}), Kept()
    await Logs(cluster, sink).read(SOURCE, LogBounds(since=timedelta(minutes=5)))
    assert "sinceSeconds=300" in cluster.asked[0]


async def test_a_log_that_is_refused_is_said_and_a_previous_one_that_is_gone_is_not() -> None:
    cluster, sink = Cluster(), Kept()
    await Logs(cluster, sink).read(SOURCE, LogBounds())
    before = LogSource(WEB, "app", "logs/shop/web-1/app.previous.log", previous=True)
    await Logs(cluster, sink).read(before, LogBounds())
    assert sink.missed.keys() == {SOURCE.path}
    cluster.refused = {"*/log": ReadError(NotReadStatus.DENIED, "pods/log is forbidden", 403)}
    await Logs(cluster, sink).read(before, LogBounds())
    assert sink.missed[before.path].status is NotReadStatus.DENIED


async def test_where_logs_are_denied_they_are_asked_for_once_in_each_namespace() -> None:
    cluster, sink = Cluster(), Kept()
    cluster.refused = {"*/log": ReadError(NotReadStatus.DENIED, "pods web-1 is forbidden", 403)}
    logs, other = Logs(cluster, sink), resources(POD, [pod("web-2"), pod("web-3", "pay")])
    for item in (WEB, *other):
        await logs.read(LogSource(item, "app", item.name), LogBounds())
    assert len(cluster.asked) == 2
    assert sink.why("web-2") == (
        "denied",
        "forbidden in namespace shop, as for the pod that was asked first",
    )
    assert sink.why("web-3")[1] == "pods web-1 is forbidden"


def test_a_container_that_restarted_has_two_logs_and_one_that_never_ran_none() -> None:
    crashed = resources(POD, [pod(states=CRASHED)])[0]
    assert [item.path for item in log_sources(crashed, "app", "logs/shop/web-1/app.log")] == [
        "logs/shop/web-1/app.log",
        "logs/shop/web-1/app.previous.log",
    ]
    assert proxy_logs(crashed) == ()
    assert [item.path for item in proxy_logs(WEB)] == ["proxies/shop/web-1/istio-proxy.log"]


def test_many_logs_are_read_less_deep_than_few() -> None:
    bounds = LogBounds(lines=5_000)
    assert [bounds.shared_by(number).lines for number in (1, 100, 200, 5_000)] == [
        5_000,
        5_000,
        2_500,
        500,
    ]


def test_application_logs_are_those_of_namespaces_that_take_part_in_the_mesh() -> None:
    crowd = [pod(f"plain-{n}", "legacy", init=()) for n in range(51)]
    pods = resources(
        POD,
        [
            pod(),
            *crowd,
            pod("labelled", "amb", init=()),
            istiod(),
            pod("cni", "istio-system", containers=("install-cni",), init=()),
        ],
    )
    labelled = {"metadata": {"name": "amb", "labels": {"istio.io/dataplane-mode": "ambient"}}}
    within = mesh_namespaces(pods, resources(NAMESPACE, [labelled]))
    assert [item.path for item in application_logs(pods, within)] == [
        "logs/shop/web-1/app.log",
        "logs/amb/labelled/app.log",
        "logs/istio-system/cni/install-cni.log",
    ]
    assert [item.path for item in application_logs(pods, within, ("amb",))] == [
        "logs/amb/labelled/app.log"
    ]


def test_a_few_callers_outside_the_mesh_are_heard_too() -> None:
    system = pod("dns", "kube-system", init=())
    pods = resources(POD, [pod("plain", "legacy", init=()), pod(), system])
    assert [item.path for item in application_logs(pods, ("shop",))] == [
        "logs/shop/web-1/app.log",
        "logs/legacy/plain/app.log",
    ]
