"""Captures of mTLS and certificate faults, edited: other names, made from others, mended."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.captures.editing import Copy, codes_of, copy_of, named

if TYPE_CHECKING:
    from pathlib import Path

_NAMES = {"shop": "bazaar", "pay": "till", "ratings": "stars", "client": "buyer"}
_PREFIX = "traffic.sidecar.istio.io/"

pytestmark = pytest.mark.usefixtures("captures_root", "no_network")


def _rename(text: str) -> str:
    for old, new in _NAMES.items():
        # Envoy's own words and the fields of certificates hold "client" and "pay" too.
        text = re.sub(rf"(?<![A-Za-z_]){old}(?=[-./;|\"_ ,:\]\[]|s[.-]|$|ments)", new, text)
    return text


def renamed(copy: Copy) -> Copy:
    """The same mesh with other namespaces and workloads; certificates keep the names they have."""
    for path in sorted(copy.folder.rglob("*"), key=lambda item: -len(item.parts)):
        if path.is_file():
            path.write_text(
                _rename(path.read_text(errors="surrogateescape")), errors="surrogateescape"
            )
        target = path.with_name(_rename(path.name))
        if target != path:
            path.rename(target)
    return copy


def annotate(copy: Copy, deployment: str, key: str, value: str | None) -> None:
    """Change an annotation of a Deployment's template and of its pods."""

    def change(metadata: dict[str, Any]) -> None:
        metadata.setdefault("annotations", {}).pop(_PREFIX + key, None)
        if value is not None:
            metadata["annotations"][_PREFIX + key] = value

    with copy.items("deployments") as items:
        for item in items:
            if item["metadata"]["name"] == deployment:
                change(item["spec"]["template"]["metadata"])
    with copy.items("pods") as items:
        for item in items:
            if item["metadata"]["name"].startswith(deployment):
                change(item["metadata"])


class TestInboundCapture:
    def test_under_other_names_the_answer_is_the_same(self, tmp_path: Path) -> None:
        found = renamed(copy_of("inbound-port-excluded", tmp_path)).answer()
        assert named(found) == [("inbound-capture-excluded", "Deployment bazaar/stars-v1")]

    def test_a_list_of_included_ports_tells_the_same_story(self, tmp_path: Path) -> None:
        copy = copy_of("inbound-port-excluded", tmp_path)
        annotate(copy, "ratings-v1", "excludeInboundPorts", None)
        annotate(copy, "ratings-v1", "includeInboundPorts", "9000")
        assert named(copy.answer()) == [("inbound-capture-excluded", "Deployment shop/ratings-v1")]

    def test_an_annotation_in_a_healthy_mesh_whose_port_answers_is_no_fault(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("healthy", tmp_path)
        annotate(copy, "ratings-v1", "excludeInboundPorts", "9000")
        assert named(copy.answer()) == []
        assert "MD0205" not in codes_of(copy.answer())


class TestOutboundCapture:
    def test_under_other_names_the_answer_is_the_same(self, tmp_path: Path) -> None:
        found = renamed(copy_of("outbound-port-excluded", tmp_path)).answer()
        assert named(found) == [("outbound-capture-excluded", "Deployment bazaar/buyer-v1")]

    def test_a_range_of_addresses_tells_the_same_story(self, tmp_path: Path) -> None:
        copy = copy_of("outbound-port-excluded", tmp_path)
        annotate(copy, "client-v1", "excludeOutboundPorts", None)
        annotate(copy, "client-v1", "excludeOutboundIPRanges", "10.96.0.0/12")
        assert named(copy.answer()) == [("outbound-capture-excluded", "Deployment shop/client-v1")]

    def test_refusals_that_no_annotation_explains_name_no_cause(self, tmp_path: Path) -> None:
        copy = copy_of("outbound-port-excluded", tmp_path)
        annotate(copy, "client-v1", "excludeOutboundPorts", "9999")
        assert named(copy.answer()) == []
        assert "MD0204" in codes_of(copy.answer())


def set_tls(copy: Copy, tls: dict[str, Any] | None) -> None:
    with copy.items("destinationrules") as items:
        rule = next(item for item in items if item["metadata"]["name"] == "ratings")
        rule["spec"] = {"host": "ratings"} | ({"trafficPolicy": {"tls": tls}} if tls else {})


class TestNames:
    def test_under_other_names_the_answer_is_the_same(self, tmp_path: Path) -> None:
        found = renamed(copy_of("dr-san-mismatch", tmp_path)).answer()
        assert named(found) == [("destinationrule-san-mismatch", "DestinationRule bazaar/stars")]

    def test_the_name_that_the_servers_have_is_fine(self, tmp_path: Path) -> None:
        copy = copy_of("dr-san-mismatch", tmp_path)
        names = ["spiffe://cluster.local/ns/shop/sa/ratings"]
        set_tls(copy, {"mode": "ISTIO_MUTUAL", "subjectAltNames": names})
        assert named(copy.answer()) == []

    def test_simple_tls_is_told_from_a_wrong_name(self, tmp_path: Path) -> None:
        copy = copy_of("dr-san-mismatch", tmp_path)
        set_tls(copy, {"mode": "SIMPLE"})
        copy.remove("proxies/*/*/config_dump.json")
        assert named(copy.answer()) == [
            ("destinationrule-simple-tls-to-sidecar", "DestinationRule shop/ratings")
        ]


class TestRoots:
    def test_without_the_secret_the_workloads_are_named(self, tmp_path: Path) -> None:
        copy = copy_of("root-ca-rotated-under-workloads", tmp_path)
        copy.remove("kubernetes/core/v1/secrets.json")
        (found,) = copy.answer().root_causes
        assert found.id == "root-certificate-mismatch"
        assert "Deployment shop/client-v1" in found.objects

    def test_old_proxies_that_hold_both_roots_are_fine(self, tmp_path: Path) -> None:
        copy = copy_of("root-ca-rotated-under-workloads", tmp_path)
        bundles = {}
        for path in copy.files("proxies/*/*/config_dump.json"):
            for held in _roots(json.loads(path.read_text())):
                bundles[held["inline_bytes"]] = base64.b64decode(held["inline_bytes"])
        assert len(bundles) == 2
        both = base64.b64encode(b"\n".join(bundles.values())).decode()
        for path in copy.files("proxies/*/*/config_dump.json"):
            document = json.loads(path.read_text())
            for held in _roots(document):
                held["inline_bytes"] = both
            path.write_text(json.dumps(document))
        with copy.items("configmaps") as items:
            for item in items:
                if item["metadata"]["name"] == "istio-ca-root-cert":
                    item["data"]["root-cert.pem"] = base64.b64decode(both).decode()
        assert "root-certificate-mismatch" not in {cause.id for cause in copy.answer().root_causes}

    def test_a_cluster_that_shows_another_clusters_root_is_named_as_likely(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("dr-san-mismatch", tmp_path)
        set_tls(copy, None)
        copy.rewrite_lines(
            "proxies/*/*/istio-proxy.log",
            lambda _, line: line.replace(
                "verify_cert_failed:_SAN_matcher,_certificate_SANs_are_"
                "[spiffe://cluster.local/ns/shop/sa/ratings]",
                "verify_cert_failed:_unable_to_get_local_issuer_certificate",
            ).replace('"10.244.0.48:8080" outbound', '"203.0.113.9:15443" outbound'),
        )
        assert named(copy.answer()) == []
        with copy.items("secrets") as items:
            labels = {"istio/multiCluster": "true"}
            name = "istio-remote-secret-west"
            items.append(
                {"metadata": {"name": name, "namespace": "istio-system", "labels": labels}}
            )
        (found,) = copy.answer().root_causes
        assert (found.id, found.certainty.value) == ("remote-cluster-root-mismatch", "likely")
        assert "Secret istio-system/istio-remote-secret-west" in found.objects

    def test_the_root_of_a_further_cluster_is_read_and_compared(self, tmp_path: Path) -> None:
        copy = copy_of("healthy", tmp_path)
        (path,) = copy.files("kubernetes/core/v1/configmaps.json")
        other = copy.folder / "clusters/west/kubernetes/core/v1/configmaps.json"
        other.parent.mkdir(parents=True)
        other.write_bytes(path.read_bytes())
        assert named(copy.answer()) == []
        later = copy_of("root-ca-rotated-under-workloads", tmp_path / "later")
        (path,) = later.files("kubernetes/core/v1/configmaps.json")
        other.write_bytes(path.read_bytes())
        (found,) = copy.answer().root_causes
        assert found.id == "remote-cluster-root-mismatch"
        assert found.evidence[1].source == "clusters/west/kubernetes/core/v1/configmaps.json"


def _roots(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        entry["secret"]["validation_context"]["trusted_ca"]
        for config in document["configs"]
        for entry in config.get("dynamic_active_secrets", [])
        if entry["name"] == "ROOTCA"
    ]
