from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from meshdoctor.model.evidence import resolve_pointer
from meshdoctor.model.istiod import TOOL_VERSION
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.report.table import table_text
from meshdoctor.views.proxy_status import (
    NOT_CONNECTED,
    UNKNOWN,
    columns,
    rows,
    to_json,
)
from meshdoctor.views.proxy_status_row import ProxyStatusRow, age_text
from tests.build import NOW, mesh, pod, proxy
from tests.unit.analyze.control_plane_build import (
    ago,
    injected,
    istiod_deployment,
    istiod_pod,
    knowing,
    refusal,
    sync,
)


def seen(*entries: dict[str, Any], pods: tuple[dict[str, Any], ...] = (), **how: Any) -> Snapshot:
    how.setdefault("istiods", [knowing(*entries)])
    return mesh([istiod_deployment(), istiod_pod(), *pods], **how)


def only(snapshot: Snapshot) -> ProxyStatusRow:
    (row,) = rows(snapshot)
    return row


class TestCells:
    def test_synced_with_the_age_of_the_push(self) -> None:
        assert only(seen(sync("web.shop"))).lds == "SYNCED (1m0s)"

    def test_a_rejection_is_an_error_with_its_reason_in_a_column_of_its_own(self) -> None:
        refused = refusal("bad\nfilter", sent=ago(seconds=18), accepted=ago(minutes=2))
        row = only(seen(sync("web.shop", lds=refused)))
        assert (row.lds, row.reason, row.status) == ("ERROR (18s)", "LDS: bad filter", "ERROR")

    def test_stale_until_the_proxy_answers(self) -> None:
        late = {"sent": "b", "acked": "a", "sentTime": ago(seconds=40)}
        row = only(seen(sync("web.shop", lds=late)))
        assert (row.lds, row.status) == ("STALE (40s)", "STALE")

    def test_a_type_that_was_asked_for_and_never_sent_is_no_fault(self) -> None:
        never = {"sentTime": "0001-01-01T00:00:00Z"}
        row = only(seen(sync("gateway.shop", kind="router", lds=never)))
        assert (row.lds, row.status) == ("NOT SENT", "SYNCED")

    def test_a_type_that_was_never_asked_for_is_ignored(self) -> None:
        row = only(seen(sync("web.shop")))
        assert (row.rds, row.eds, row.ecds) == ("IGNORED", "IGNORED", "IGNORED")

    def test_up_to_122_an_absent_type_is_not_sent(self) -> None:
        entry = {
            "proxy": "web.shop",
            "proxy_type": "sidecar",
            "cluster_sent": f"{ago(minutes=5)}/1",
            "cluster_acked": f"{ago(minutes=5)}/1",
        }
        row = only(seen(entry))
        assert (row.cds, row.rds) == ("SYNCED (5m0s)", "NOT SENT")

    def test_rare_types_get_a_column_only_where_some_proxy_has_them(self) -> None:
        entry = sync("ztunnel-a.istio-system", kind="ztunnel")
        good = entry["resources"].popitem()[1]
        entry["resources"] = {
            "type.googleapis.com/istio.workload.Address": good,
            "type.googleapis.com/acme.Thing": good,
        }
        with_rare = rows(seen(entry))
        headers = [header for header, _ in columns(with_rare)]
        assert "WDS" in headers
        assert "SDS" not in headers
        assert with_rare[0].other == "type.googleapis.com/acme.Thing: SYNCED (1m0s)"
        assert "WDS" not in [header for header, _ in columns(rows(seen(sync("web.shop"))))]

    @pytest.mark.parametrize(
        ("seconds", "text"),
        [(0, "0s"), (59.9, "59s"), (200, "3m20s"), (7500, "2h5m"), (356400, "4d3h"), (-3, "0s")],
    )
    def test_ages_read_as_people_say_them(self, seconds: float, text: str) -> None:
        assert age_text(seconds) == text


class TestWho:
    def test_a_pod_that_no_istiod_knows_is_a_row(self) -> None:
        row = only(seen(pods=(injected("web"),)))
        assert (row.name, row.istiod, row.types) == ("web.shop", NOT_CONNECTED, ())
        assert (row.type, row.version, row.revision) == ("sidecar", "1.30.2", "default")

    def test_it_is_unknown_when_some_istiods_state_was_not_read(self) -> None:
        assert only(seen(pods=(injected("web"),), istiods=[])).istiod == UNKNOWN

    def test_an_istiod_that_does_not_run_knows_nobody(self) -> None:
        down = istiod_pod(ready=False, state={"waiting": {"reason": "CrashLoopBackOff"}})
        snapshot = mesh([istiod_deployment(), down, injected("web")])
        assert only(snapshot).istiod == NOT_CONNECTED

    def test_a_proxy_without_a_pod_is_a_row_too(self) -> None:
        row = only(seen(sync("vm-1.shop")))
        assert (row.name, row.istiod, row.cluster) == ("vm-1.shop", "istiod-0", "Kubernetes")

    def test_istioctls_own_connection_is_no_row(self) -> None:
        assert rows(seen(sync("tool.shop", TOOL_VERSION))) == ()

    def test_pods_without_a_proxy_and_finished_ones_are_no_rows(self) -> None:
        done = injected("job")
        done["status"]["phase"] = "Succeeded"
        assert rows(seen(pods=(pod("plain", proxy=None), done))) == ()

    def test_a_dump_without_its_pod_is_a_row(self) -> None:
        assert only(seen(proxies=[proxy("web")])).name == "web.shop"

    def test_rows_are_sorted_by_namespace_and_may_be_narrowed_to_some(self) -> None:
        snapshot = seen(sync("a.shop"), sync("b.pay"), sync("c.shop"))
        assert [row.name for row in rows(snapshot)] == ["b.pay", "a.shop", "c.shop"]
        assert [row.name for row in rows(snapshot, ["pay"])] == ["b.pay"]


class TestReplicas:
    def test_all_replicas_of_all_revisions_are_joined(self) -> None:
        replicas = [knowing(sync("a.shop")), knowing(sync("b.shop"), revision="canary")]
        found = {row.name: row.istiod for row in rows(seen(istiods=replicas))}
        assert found == {"a.shop": "istiod-0", "b.shop": "istiod-canary-0"}

    @pytest.mark.parametrize("newer", ["default", "canary"])
    def test_of_two_connections_the_newest_counts(self, newer: str) -> None:
        replicas = [
            knowing(
                sync("a.shop"),
                revision=revision,
                connected_at={"a.shop": NOW - timedelta(minutes=1 if revision == newer else 9)},
            )
            for revision in ("default", "canary")
        ]
        row = only(seen(istiods=replicas))
        assert row.istiod == ("istiod-0" if newer == "default" else "istiod-canary-0")
        assert row.connected_at == NOW - timedelta(minutes=1)

    def test_without_times_of_connection_the_newest_push_decides(self) -> None:
        late = {"sent": "b", "acked": "b", "sentTime": ago(seconds=5)}
        replicas = [knowing(sync("a.shop", lds=late)), knowing(sync("a.shop"), revision="canary")]
        assert only(seen(istiods=replicas)).istiod == "istiod-0"


def test_json_points_into_syncz() -> None:
    document = [sync("other.shop"), sync("web.shop")]
    row = to_json(rows(seen(*document))[1])
    assert resolve_pointer(document, row["pointer"])["proxy"] == row["name"] == "web.shop"
    assert row["source"] == "istiod/istio-system/istiod-0/debug/syncz.json"
    for cell in row["types"]:
        if cell["pointer"]:
            assert resolve_pointer(document, cell["pointer"])["sent"]
    assert json.loads(json.dumps(row))["types"] == list(row["types"])


def test_the_table_has_one_line_a_proxy() -> None:
    shown = rows(seen(sync("web.shop"), pods=(injected("web"), injected("api"))))
    lines = table_text(columns(shown), shown).splitlines()
    assert lines[0].split() == [
        "NAME", "TYPE", "CLUSTER", "CDS", "LDS", "EDS", "RDS", "ECDS",
        "ISTIOD", "VERSION", "REVISION",
    ]  # fmt: skip
    assert len(lines) == 3
