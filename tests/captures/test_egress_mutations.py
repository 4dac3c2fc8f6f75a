"""Edited captures of hidden hosts, refused egress and blocked packets; beside each a look-alike."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.captures.editing import copy_of, named, unknown_ids

if TYPE_CHECKING:
    from tests.captures.editing import Copy

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")

EXPORT = "networking.istio.io/exportTo"
OUTSIDE = "api.partner.example"


def object_of(group: str, kind: str, name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "creationTimestamp": "2026-11-21T07:50:00Z"}
    return {"apiVersion": f"{group}/v1", "kind": kind, "metadata": metadata, "spec": spec}


def entry(host: str, number: int, protocol: str = "HTTP", **spec: Any) -> dict[str, Any]:
    port = {"number": number, "name": f"{protocol.lower()}-{number}", "protocol": protocol}
    spec = {"hosts": [host], "ports": [port], "resolution": "DNS", **spec}
    return object_of("networking.istio.io", "ServiceEntry", "partner", "shop", **spec)


def renamed(copy: Copy, old: str, new: str) -> Copy:
    for path in filter(Path.is_file, copy.files("**/*.*")):
        text = path.read_text(errors="surrogateescape")
        path.write_text(text.replace(old, new), errors="surrogateescape")
    return copy


def sidecar_hides(folder: Path) -> Copy:
    return copy_of("sidecar-egress-too-narrow", folder)


def export(copy: Copy, text: str) -> None:
    with copy.items("services") as items:
        for item in items:
            if item["metadata"]["name"] == "payments":
                item["metadata"].setdefault("annotations", {})[EXPORT] = text


class TestSidecars:
    def test_other_names_and_ports_make_no_difference(self, tmp_path: Path) -> None:
        copy = renamed(sidecar_hides(tmp_path), "payments", "ledgers")
        renamed(copy, "8080", "9191")
        assert named(copy.answer()) == [("sidecar-egress-excludes-service", "Sidecar shop/default")]

    def test_one_that_selects_the_client_is_the_one_to_change(self, tmp_path: Path) -> None:
        copy = sidecar_hides(tmp_path)
        with copy.items("sidecars") as items:
            chosen = json.loads(json.dumps(items[0]))
            chosen["metadata"]["name"] = "for-client"
            chosen["spec"]["workloadSelector"] = {"labels": {"app": "client"}}
            items[0]["spec"] = {"egress": [{"hosts": ["*/*"]}]}
            items.append(chosen)
        assert named(copy.answer()) == [
            ("sidecar-egress-excludes-service", "Sidecar shop/for-client")
        ]

    def test_the_mesh_wide_one_is_named_where_it_governs(self, tmp_path: Path) -> None:
        copy = sidecar_hides(tmp_path)
        with copy.items("sidecars") as items:
            items[0]["metadata"]["namespace"] = "istio-system"
        assert named(copy.answer()) == [
            ("sidecar-egress-excludes-service", "Sidecar istio-system/default")
        ]

    def test_one_that_has_been_widened_is_not_at_fault(self, tmp_path: Path) -> None:
        copy = sidecar_hides(tmp_path)
        with copy.items("sidecars") as items:
            items[0]["spec"]["egress"][0]["hosts"] += ["pay/*", "legacy/*"]
        assert named(copy.answer()) == []

    def test_a_narrow_one_hurts_nobody_who_does_not_call_what_it_hides(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("healthy", tmp_path)
        narrow = object_of(
            "networking.istio.io", "Sidecar", "default", "pay", egress=[{"hosts": ["./*"]}]
        )
        with copy.items("sidecars") as items:
            items.append(narrow)
        assert named(copy.answer()) == []

    def test_without_logs_what_the_template_names_decides(self, tmp_path: Path) -> None:
        copy = sidecar_hides(tmp_path)
        copy.silence("proxies/*/*/istio-proxy.log")
        found = copy.answer()
        assert named(found) == [("sidecar-egress-excludes-service", "Sidecar shop/default")]
        with copy.items("pods") as items:
            for item in items:
                for container in item["spec"]["containers"]:
                    container.pop("env", None)
        found = copy.answer()
        assert named(found) == []
        assert "sidecar-egress-excludes-service" in unknown_ids(found)


class TestExports:
    @pytest.mark.parametrize("text", [".", "~", "legacy,pay"])
    def test_a_service_that_is_kept_from_its_client_is_named(
        self, text: str, tmp_path: Path
    ) -> None:
        copy = sidecar_hides(tmp_path)
        copy.remove("kubernetes/*/*/sidecars.json")
        (tmp_path / "kubernetes/networking.istio.io/v1/sidecars.json").write_text('{"items": []}')
        export(copy, text)
        assert named(copy.answer()) == [("exportto-hides-service", "Service pay/payments")]

    @pytest.mark.parametrize("text", ["*", "shop", ".,shop"])
    def test_a_service_that_is_exported_to_its_client_is_not(
        self, text: str, tmp_path: Path
    ) -> None:
        copy = sidecar_hides(tmp_path)
        with copy.items("sidecars") as items:
            items.clear()
        export(copy, text)
        assert named(copy.answer()) == []

    def test_passthrough_to_a_strict_server_is_the_exports_fault(self, tmp_path: Path) -> None:
        copy = copy_of("registry-only-egress", tmp_path)
        log = next(iter(copy.files("proxies/shop/client*/istio-proxy.log")))
        lines = log.read_text().split("\n")
        kept = [line for line in lines if line[:25] < "[2026-11-21T07:59:01" or line[:1] != "["]
        log.write_text("\n".join(kept))
        for path in copy.files("istiod/*/*/debug/mesh.json"):
            text = path.read_text()
            new = '"outboundTrafficPolicy":{"mode":"ALLOW_ANY"}'
            path.write_text(text.replace('"outboundTrafficPolicy":{}', new))
        for path in copy.files("proxies/shop/client*/config_dump.json"):
            text = path.read_text()
            path.write_text(text.replace("outbound|8080||payments.pay.svc", "outbound|8080||gone"))
        export(copy, ".")
        strict = {"mtls": {"mode": "STRICT"}}
        policy = object_of("security.istio.io", "PeerAuthentication", "default", "pay", **strict)
        with copy.items("peerauthentications") as items:
            items.append(policy)
        assert named(copy.answer()) == [("exportto-hides-service", "Service pay/payments")]

    def test_a_namespace_that_istiod_does_not_watch_is_named(self, tmp_path: Path) -> None:
        copy = sidecar_hides(tmp_path)
        with copy.items("sidecars") as items:
            items.clear()
        with copy.items("namespaces") as items:
            for item in items:
                if item["metadata"]["name"] not in ("pay",):
                    item["metadata"]["labels"]["watched"] = "yes"
        for path in copy.files("istiod/*/*/debug/mesh.json"):
            config = json.loads(path.read_text())
            config["discoverySelectors"] = [{"matchLabels": {"watched": "yes"}}]
            path.write_text(json.dumps(config))
        found = copy.answer()
        assert named(found) == [("exportto-hides-service", "Namespace pay")]
        assert "kubectl label namespace pay watched=yes" in found.root_causes[0].fix[0].command


class TestRegistryOnly:
    def test_another_host_and_port_make_no_difference(self, tmp_path: Path) -> None:
        copy = renamed(copy_of("registry-only-egress", tmp_path), OUTSIDE, "feed.news.test")
        assert named(copy.answer()) == [
            ("egress-blocked-registry-only", "ConfigMap istio-system/istio")
        ]

    @pytest.mark.parametrize(
        "near",
        [
            pytest.param(entry(OUTSIDE, 8080), id="port"),
            pytest.param(entry("api.partners.example", 80), id="spelling"),
            pytest.param(entry("partner.example", 80), id="parent"),
            pytest.param(entry(OUTSIDE, 80, "TLS"), id="protocol"),
        ],
    )
    def test_an_entry_that_nearly_fits_is_the_one_to_change(
        self, near: dict[str, Any], tmp_path: Path
    ) -> None:
        copy = copy_of("registry-only-egress", tmp_path)
        with copy.items("serviceentries") as items:
            items.append(near)
        assert named(copy.answer()) == [
            ("egress-blocked-registry-only", "ServiceEntry shop/partner")
        ]

    def test_an_entry_that_fits_is_not_at_fault(self, tmp_path: Path) -> None:
        copy = copy_of("registry-only-egress", tmp_path)
        with copy.items("serviceentries") as items:
            items.append(entry(OUTSIDE, 80))
        assert named(copy.answer()) == []

    def test_an_entry_that_is_kept_from_the_client_is_hidden(self, tmp_path: Path) -> None:
        copy = copy_of("registry-only-egress", tmp_path)
        with copy.items("serviceentries") as items:
            hidden = entry(OUTSIDE, 80, exportTo=["."])
            hidden["metadata"]["namespace"] = "pay"
            items.append(hidden)
        assert named(copy.answer()) == [("exportto-hides-service", "ServiceEntry pay/partner")]

    def test_a_sidecar_that_sets_the_mode_is_the_one_to_change(self, tmp_path: Path) -> None:
        copy = copy_of("registry-only-egress", tmp_path)
        for path in copy.files("istiod/*/*/debug/mesh.json"):
            text = path.read_text()
            new = '"outboundTrafficPolicy":{"mode":"ALLOW_ANY"}'
            path.write_text(text.replace('"outboundTrafficPolicy":{}', new))
        mode = {"mode": "REGISTRY_ONLY"}
        found = object_of(
            "networking.istio.io", "Sidecar", "strict", "shop", outboundTrafficPolicy=mode
        )
        assert named(copy.answer()) == []
        with copy.items("sidecars") as items:
            items.append(found)
        assert named(copy.answer()) == [("egress-blocked-registry-only", "Sidecar shop/strict")]

    def test_tls_that_ends_in_the_black_hole_counts(self, tmp_path: Path) -> None:
        copy = copy_of("registry-only-egress", tmp_path)

        def as_tls(_: int, line: str) -> str:
            if OUTSIDE not in line:
                return line
            time = re.findall(r"^\[[^\]]*\]", line)[0]
            return (
                f'{time} "- - -" 0 UH - - "-" 0 0 0 - "-" "-" "-" "-" "-" BlackHoleCluster '
                f"- 203.0.113.9:443 10.244.0.55:32896 {OUTSIDE} -"
            )

        copy.rewrite_lines("proxies/shop/client*/istio-proxy.log", as_tls)
        found = copy.answer()
        assert named(found) == [("egress-blocked-registry-only", "ConfigMap istio-system/istio")]
        assert found.root_causes[0].affected[0].to == f"{OUTSIDE}:443"


def policy(name: str, namespace: str, **spec: Any) -> dict[str, Any]:
    return object_of("networking.k8s.io", "NetworkPolicy", name, namespace, **spec)


SHOP = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}}}
ANYONE_HERE: dict[str, Any] = {"podSelector": {}}


class TestNetworkPolicies:
    def blocked(self, folder: Path, *policies: dict[str, Any]) -> Copy:
        copy = copy_of("network-policy-blocks", folder)
        if policies:
            with copy.items("networkpolicies") as items:
                items[:] = policies
        return copy

    def test_other_names_make_no_difference(self, tmp_path: Path) -> None:
        copy = renamed(self.blocked(tmp_path), "payments", "ledgers")
        renamed(copy, "deny-from-shop", "isolate")
        assert named(copy.answer()) == [
            ("networkpolicy-blocks-traffic", "NetworkPolicy pay/isolate")
        ]

    @pytest.mark.parametrize(
        "rules",
        [
            pytest.param([{"from": [SHOP]}], id="namespace"),
            pytest.param([{"ports": [{"port": 8000, "endPort": 8100}]}], id="range"),
            pytest.param([{"from": [{"ipBlock": {"cidr": "10.244.0.0/16"}}]}], id="block"),
            pytest.param([{"from": [ANYONE_HERE]}, {}], id="everything"),
        ],
    )
    def test_one_that_lets_the_client_in_is_not_at_fault(
        self, rules: list[dict[str, Any]], tmp_path: Path
    ) -> None:
        admits = policy("admits", "pay", podSelector={}, ingress=rules, policyTypes=["Ingress"])
        found = self.blocked(tmp_path, admits).answer()
        kept_out = {item.source for cause in found.root_causes for item in cause.affected}
        assert "Deployment shop/client-v1" not in kept_out

    def test_one_that_lets_another_port_in_is_at_fault(self, tmp_path: Path) -> None:
        rules = [{"from": [SHOP], "ports": [{"port": 9090}]}]
        narrow = policy("narrow", "pay", podSelector={}, ingress=rules, policyTypes=["Ingress"])
        stage = policy("deny-all", "pay", podSelector={}, policyTypes=["Ingress"])
        found = self.blocked(tmp_path, narrow, stage).answer()
        assert named(found) == [("networkpolicy-blocks-traffic", "NetworkPolicy pay/narrow")]

    def test_the_clients_own_egress_policy_is_at_fault(self, tmp_path: Path) -> None:
        rules = [{"to": [ANYONE_HERE]}, {"ports": [{"port": 15012}, {"port": 53}]}]
        rules.append({"ports": [{"port": 53, "protocol": "UDP"}]})
        keeps_in = policy("keep-in", "shop", podSelector={}, egress=rules, policyTypes=["Egress"])
        found = self.blocked(tmp_path, keeps_in).answer()
        assert named(found) == [("networkpolicy-blocks-traffic", "NetworkPolicy shop/keep-in")]

    def test_one_that_keeps_out_who_never_calls_is_not_at_fault(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        rules = [{"from": [{"podSelector": {"matchLabels": {"app": "client"}}}]}]
        strict = policy(
            "only-client",
            "shop",
            podSelector={"matchLabels": {"app": "ratings"}},
            ingress=rules,
            policyTypes=["Ingress"],
        )
        with copy.items("networkpolicies") as items:
            items.append(strict)
        assert named(copy.answer()) == []

    def test_calls_that_get_through_speak_against_it(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        unenforced = policy("deny", "shop", podSelector={}, policyTypes=["Ingress"])
        with copy.items("networkpolicies") as items:
            items.append(unenforced)
        with copy.items("pods") as items:
            for item in items:
                if item["metadata"]["namespace"] == "legacy":
                    item["spec"]["containers"][0].pop("env", None)
        assert named(copy.answer()) == []

    def test_connections_that_a_proxy_counts_as_failed_tell_without_logs(
        self, tmp_path: Path
    ) -> None:
        copy = self.blocked(tmp_path)
        copy.silence("proxies/*/*/istio-proxy.log")
        with copy.items("pods") as items:
            for item in items:
                item["spec"]["containers"][0].pop("env", None)
        found = copy.answer()
        assert named(found) == [
            ("networkpolicy-blocks-traffic", "NetworkPolicy pay/deny-from-shop")
        ]
        assert found.root_causes[0].certainty.value == "proven"
