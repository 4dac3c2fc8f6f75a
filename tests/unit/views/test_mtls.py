"""The mTLS matrix: what each end does, which objects decide, and whether they understand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.diagnose.scope_error import ScopeError
from meshdoctor.model.kinds import DESTINATION_RULE, PEER_AUTHENTICATION, POD
from meshdoctor.views.mtls import COLUMNS, Asking, MtlsRow, rows, to_json, unread
from tests.build import istio_object, istiod, mesh, namespace, pod, service
from tests.unit.analyze.mtls_build import client as client_proxy
from tests.unit.analyze.mtls_build import (
    client_pod,
    cluster_dump,
    legacy_pod,
    objects,
    policy,
    rule,
    server_pod,
)

SIDECAR, OUTSIDER, GATEWAY, AMBIENT = "sidecar", "no proxy", "gateway", "ztunnel"
LOCAL = "cluster.local/ns/pay/sa/default"
EXCLUDE_OUT = "traffic.sidecar.istio.io/excludeOutboundPorts"
EXCLUDE_IN = "traffic.sidecar.istio.io/excludeInboundPorts"


def noted(item: dict[str, Any], **annotations: str) -> dict[str, Any]:
    item["metadata"].setdefault("annotations", {}).update(annotations)
    return item


def ambient(item: dict[str, Any]) -> dict[str, Any]:
    return noted(item, **{"ambient.istio.io/redirection": "enabled"})


def gateway_pod() -> dict[str, Any]:
    found = pod("edge-1", "istio-system", labels={"istio": "edge"}, proxy=None)
    found["spec"]["containers"] = [{"name": "istio-proxy", "image": "proxyv2"}]
    return found


def matrix(*more: Any, asking: Asking | None = None, **options: Any) -> tuple[MtlsRow, ...]:
    built = objects(*more, server=options.pop("server", None), legacy=options.pop("legacy", None))
    options.setdefault("istiods", [istiod()])
    return rows(mesh(built, **options), asking)


def row(found: tuple[MtlsRow, ...], kind: str, client: str = "") -> MtlsRow:
    """The one row of a kind of client."""
    fits = [r for r in found if r.kind == kind and (not client or client in r.clients)]
    assert len(fits) == 1, fits
    return fits[0]


def said(found: tuple[MtlsRow, ...], kind: str) -> tuple[str, str, str]:
    one = row(found, kind)
    return one.sends, one.accepts, one.works


class TestWhatServersAccept:
    @pytest.mark.parametrize(
        ("policies", "accepts", "by", "outsider"),
        [
            ([], "PERMISSIVE", "Istio's default", "works"),
            ([policy()], "STRICT", "PeerAuthentication pay/default (namespace)", "fails"),
            (
                [policy(space="istio-system")],
                "STRICT",
                "PeerAuthentication istio-system/default (mesh)",
                "fails",
            ),
            (
                [policy(name="app", app="payments", ports={8080: "PERMISSIVE"})],
                "PERMISSIVE",
                "PeerAuthentication pay/app (port)",
                "works",
            ),
            (
                [policy(), policy("DISABLE", name="app", app="payments")],
                "DISABLE",
                "PeerAuthentication pay/app (workload)",
                "works",
            ),
        ],
        ids=["default", "namespace", "mesh", "port", "workload"],
    )
    def test_the_peerauthentication_in_force_decides(
        self, policies: list[dict[str, Any]], accepts: str, by: str, outsider: str
    ) -> None:
        found = matrix(*policies)
        one = row(found, OUTSIDER)
        assert (one.sends, one.accepts, one.accepted_by) == ("plaintext", accepts, by)
        assert one.works == outsider
        assert row(found, SIDECAR).works == "works"

    def test_a_server_without_a_sidecar_takes_what_is_sent_and_automatic_mtls_knows(self) -> None:
        found = matrix(policy(), server=server_pod(proxy=None))
        assert said(found, SIDECAR) == ("plaintext (auto)", "as sent (no sidecar)", "works")
        assert said(found, OUTSIDER) == ("plaintext", "as sent (no sidecar)", "works")

    def test_a_server_in_the_hosts_network_is_told_apart(self) -> None:
        found = matrix(server=server_pod(proxy=None, hostNetwork=True))
        assert row(found, SIDECAR).accepts == "as sent (host network)"

    def test_a_port_that_bypasses_the_sidecar_gets_tls_that_nobody_reads(self) -> None:
        found = matrix(server=noted(server_pod(), **{EXCLUDE_IN: "8080"}))
        assert said(found, SIDECAR) == (
            "mTLS (auto)",
            "as sent (port excluded from capture)",
            "fails",
        )
        assert row(found, OUTSIDER).works == "works"

    def test_ambient_servers_take_hbone_and_refuse_plaintext_when_strict(self) -> None:
        plain = ambient(server_pod(proxy=None))
        assert said(matrix(server=plain), SIDECAR) == ("HBONE", "HBONE or plaintext", "works")
        strict = matrix(policy(), server=plain, legacy=ambient(legacy_pod()))
        assert said(strict, AMBIENT) == ("HBONE", "HBONE only (STRICT)", "works")
        outsider = matrix(policy(), server=plain)
        assert said(outsider, OUTSIDER) == ("plaintext", "HBONE only (STRICT)", "fails")


class TestWhatClientsSend:
    @pytest.mark.parametrize(
        ("mode", "server", "sends", "works"),
        [
            ("DISABLE", "STRICT", "plaintext", "fails"),
            ("DISABLE", "PERMISSIVE", "plaintext", "works"),
            ("ISTIO_MUTUAL", "STRICT", "mTLS", "works"),
            ("ISTIO_MUTUAL", "DISABLE", "mTLS", "fails"),
            ("SIMPLE", "STRICT", "TLS (SIMPLE)", "fails"),
            ("SIMPLE", "PERMISSIVE", "TLS (SIMPLE)", "fails"),
            ("MUTUAL", "STRICT", "TLS (MUTUAL)", "unknown"),
        ],
    )
    def test_a_destinationrule_decides_for_its_clients(
        self, mode: str, server: str, sends: str, works: str
    ) -> None:
        one = row(matrix(rule(mode=mode), policy(server)), SIDECAR, "Deployment shop/client-v1")
        assert (one.sends, one.works) == (sends, works)
        assert one.objects == ("DestinationRule shop/payments", "PeerAuthentication pay/default")

    def test_only_the_namespace_that_a_rule_governs_stands_apart(self) -> None:
        found = matrix(rule(), policy())
        assert row(found, SIDECAR, "Deployment shop/client-v1").works == "fails"
        other = row(found, SIDECAR, "Deployment pay/payments-v1")
        assert (other.sends, other.works) == ("mTLS (auto)", "works")

    def test_mutual_tls_by_rule_reaches_pods_without_a_sidecar(self) -> None:
        found = matrix(rule(mode="ISTIO_MUTUAL", space="pay"), server=server_pod(proxy=None))
        assert said(found, SIDECAR) == ("mTLS", "as sent (no sidecar)", "fails")

    def test_the_setting_of_a_port_hides_that_of_the_rule(self) -> None:
        port = {"port": {"number": 8080}, "tls": {"mode": "ISTIO_MUTUAL"}}
        traffic = {"tls": {"mode": "DISABLE"}, "portLevelSettings": [port]}
        found = matrix(rule(space="pay", mode=None, trafficPolicy=traffic), policy())
        assert said(found, SIDECAR) == ("mTLS", "STRICT", "works")

    def test_a_subset_with_a_tls_of_its_own_has_its_own_row(self) -> None:
        subset = {
            "name": "v1",
            "labels": {"app": "payments"},
            "trafficPolicy": {"tls": {"mode": "DISABLE"}},
        }
        found = matrix(rule(space="pay", mode=None, subsets=[subset]), policy())
        by_subset = {r.destinations[0].subset: r.works for r in found if r.kind == SIDECAR}
        assert by_subset == {"": "works", "v1": "fails"}

    @pytest.mark.parametrize(
        ("names", "works"),
        [
            ([f"spiffe://{LOCAL}"], "works"),
            (["spiffe://cluster.local/ns/pay/sa/other"], "fails"),
            (["spiffe://cluster.local/ns/pay/sa/other", f"spiffe://{LOCAL}"], "works"),
        ],
    )
    def test_the_servers_identity_must_be_one_that_the_rule_accepts(
        self, names: list[str], works: str
    ) -> None:
        tls = {"tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": names}}
        found = matrix(rule(space="pay", mode=None, trafficPolicy=tls))
        assert row(found, SIDECAR).works == works

    def test_without_the_meshs_trust_domain_nobody_knows_whether_names_fit(self) -> None:
        tls = {"tls": {"mode": "ISTIO_MUTUAL", "subjectAltNames": [f"spiffe://{LOCAL}"]}}
        one = rule(space="pay", mode=None, trafficPolicy=tls)
        assert row(matrix(one, istiods=[]), SIDECAR).works == "unknown"

    def test_a_credential_at_a_sidecar_without_a_workloadselector_is_dropped(self) -> None:
        tls = {"tls": {"mode": "SIMPLE", "credentialName": "outside"}}
        found = matrix(rule(space="pay", mode=None, trafficPolicy=tls), gateway_pod(), policy())
        assert row(found, SIDECAR).sends == "plaintext"
        assert row(found, GATEWAY).sends == "TLS (SIMPLE)"

    def test_gateways_are_clients_too(self) -> None:
        assert said(matrix(policy(), gateway_pod()), GATEWAY) == ("mTLS (auto)", "STRICT", "works")

    def test_a_port_that_bypasses_the_clients_sidecar_is_called_in_plaintext(self) -> None:
        built = [o for o in objects(policy()) if o["metadata"]["name"] != "client-v1-abc-1"]
        built.append(noted(client_pod(), **{EXCLUDE_OUT: "8080"}))
        found = rows(mesh(built, istiods=[istiod()]))
        one = row(found, SIDECAR, "Deployment shop/client-v1")
        assert (one.sends, one.works) == ("plaintext", "fails")
        assert EXCLUDE_OUT in one.sent_by
        assert row(found, SIDECAR, "Deployment pay/payments-v1").works == "works"

    def test_disable_for_a_namespace_keeps_automatic_mtls_from_a_strict_workload(
        self,
    ) -> None:
        found = matrix(policy("DISABLE"), policy("STRICT", name="app", app="payments"))
        assert said(found, SIDECAR) == ("plaintext (auto)", "STRICT", "fails")

    def test_without_automatic_mtls_clients_send_plaintext(self) -> None:
        off = istiod(mesh={"enableAutoMtls": False})
        assert said(matrix(policy(), istiods=[off]), SIDECAR) == ("plaintext", "STRICT", "fails")

    def test_a_headless_service_gets_mtls_only_where_every_pod_takes_it(self) -> None:
        headless = service("payments", "pay", clusterIP="None")
        plain = pod("payments-old", "pay", labels={"app": "payments"}, proxy=None, ip="10.244.0.9")
        built = [o for o in objects(policy()) if o["kind"] != "Service"]
        whole = rows(mesh([*built, headless], istiods=[istiod()]))
        assert said(whole, SIDECAR) == ("mTLS (auto)", "STRICT", "works")
        mixed = rows(mesh([*built, headless, plain], istiods=[istiod()]))
        by_server = {r.accepts: r.works for r in mixed if r.kind == SIDECAR}
        assert by_server == {"STRICT": "fails", "as sent (no sidecar)": "works"}

    def test_a_host_outside_to_which_a_rule_speaks_tls_is_unknown_others_no_row(
        self,
    ) -> None:
        ports = [{"number": 443, "name": "https", "protocol": "HTTPS"}]
        entries = [
            istio_object("ServiceEntry", host, hosts=[f"{host}.example"], ports=ports)
            for host in ("api", "other")
        ]
        found = matrix(*entries, rule(host="api.example", mode="SIMPLE"))
        outside = [r for r in found if r.servers == ("outside the mesh",)]
        assert {(r.sends, r.works) for r in outside} == {("TLS (SIMPLE)", "unknown")}
        assert {d.host for r in outside for d in r.destinations} == {"api.example"}


class TestWhatWasNotRead:
    def test_unread_peerauthentications_leave_it_unknown(self) -> None:
        found = matrix(unread=[PEER_AUTHENTICATION])
        assert said(found, OUTSIDER) == ("plaintext", "unknown", "unknown")
        assert said(found, SIDECAR) == ("unknown", "unknown", "unknown")
        assert row(found, SIDECAR).verdict.needs == (PEER_AUTHENTICATION.input,)

    def test_unread_destinationrules_leave_clients_unknown_but_not_those_without_a_proxy(
        self,
    ) -> None:
        found = matrix(policy(), unread=[DESTINATION_RULE])
        assert row(found, SIDECAR).works == "unknown"
        assert row(found, OUTSIDER).works == "fails"

    def test_unread_mesh_config_leaves_automatic_mtls_unknown_unless_a_cluster_shows_it(
        self,
    ) -> None:
        assert row(matrix(istiods=[]), SIDECAR).works == "unknown"
        shown = client_proxy(config=cluster_dump("auto"))
        assert row(matrix(istiods=[], proxies=[shown]), SIDECAR).works == "works"

    def test_what_is_missing_is_named(self) -> None:
        snapshot = mesh([], unread=[POD])
        assert rows(snapshot) == ()
        assert unread(snapshot) == (POD.input,)


class TestAsking:
    def test_what_fails_comes_first_and_may_stand_alone(self) -> None:
        assert [r.works for r in matrix(policy())] == ["fails", "works"]
        only = matrix(policy(), asking=Asking(is_broken=True))
        assert [(r.kind, r.works) for r in only] == [(OUTSIDER, "fails")]

    def test_one_client_or_one_destination(self) -> None:
        found = matrix(policy(), asking=Asking(source="deploy/client-v1"))
        assert [r.clients for r in found] == [("Deployment shop/client-v1",)]
        assert [r.kind for r in matrix(asking=Asking(source="legacy"))] == [OUTSIDER]
        assert len(matrix(service("other", "legacy"), asking=Asking(to="payments.pay"))) == 2
        with pytest.raises(ScopeError):
            matrix(asking=Asking(to="nowhere.pay"))

    def test_the_destinations_of_a_root_cause_or_one_server(self) -> None:
        place = "payments.pay.svc.cluster.local:8080"
        assert len(matrix(asking=Asking(places=(place,)))) == 2
        assert matrix(asking=Asking(places=("other.pay.svc.cluster.local:8080",))) == ()
        assert len(matrix(asking=Asking(server="Deployment pay/payments-v1"))) == 2
        assert matrix(asking=Asking(server="Deployment shop/client-v1")) == ()

    def test_a_namespace_at_either_end(self) -> None:
        assert {r.clients for r in matrix(asking=Asking(namespaces=("shop",)))} == {
            ("Deployment shop/client-v1",)
        }
        assert len(matrix(asking=Asking(namespaces=("pay",)))) == 2
        assert matrix(namespace("other"), asking=Asking(namespaces=("other",))) == ()

    def test_destinations_that_are_decided_alike_share_a_row_until_each_is_asked_for(self) -> None:
        more = [
            item
            for n in range(20)
            for item in (
                service(f"s{n}", "many"),
                pod(f"s{n}-0", "many", owner=f"s{n}", labels={"app": f"s{n}"}, ip=f"10.1.0.{n}"),
            )
        ]
        found = matrix(*more)
        assert {r.to_text for r in found} == {"payments.pay:8080 +20"}
        assert len(found) == 2
        assert len(matrix(*more, asking=Asking(each=True))) == 42


def test_every_column_is_an_attribute_and_json_is_plain() -> None:
    one = matrix(rule(), policy())[0]
    assert all(isinstance(getattr(one, name), str) for _, name in COLUMNS)
    printed = json.loads(json.dumps(to_json(one)))
    assert printed["works"] == "fails"
    assert printed["destinations"] == [
        {"host": "payments.pay.svc.cluster.local", "port": 8080, "subset": None}
    ]
