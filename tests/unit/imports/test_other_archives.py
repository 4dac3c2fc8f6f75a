"""kubectl's files and dumps, troubleshoot's bundles, and dumps of one proxy."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest
import yaml

from meshdoctor.imports.reading import read
from meshdoctor.model.kinds import POD, SERVICE, VIRTUAL_SERVICE, Kind
from meshdoctor.model.not_read import NotReadStatus, ReadState
from tests.unit.imports.archives import (
    as_yaml,
    causes,
    cluster_info_dump,
    diagnosed,
    folder,
    objects,
    reasons,
    recorded,
    support_bundle,
    tar_gz,
)

if TYPE_CHECKING:
    from pathlib import Path

_CAUSE = [("subset-not-defined", "VirtualService shop/reviews")]
_ALL = ("default", "kube-system", "kube-public", "kube-node-lease", "istio-system", "shop")


class TestKubectlGet:
    def test_one_list_of_everything(self, tmp_path: Path) -> None:
        path = tmp_path / "everything"
        path.write_bytes(as_yaml(objects(recorded())))
        assert causes(path) == _CAUSE

    def test_a_folder_with_a_file_for_each_kind_some_gzipped(self, tmp_path: Path) -> None:
        files = {}
        found = objects(recorded())
        for kind in sorted({item["kind"] for item in found}):
            data = as_yaml(item for item in found if item["kind"] == kind)
            packed = kind in ("Service", "Pod")
            files[f"dump/{kind}.txt"] = gzip.compress(data) if packed else data
        assert causes(folder(tmp_path / "kinds", files)) == _CAUSE
        assert causes(tar_gz(tmp_path / "kinds.tar.gz", files)) == _CAUSE

    def test_many_documents_in_one_file(self, tmp_path: Path) -> None:
        path = tmp_path / "many.yaml"
        path.write_text(yaml.dump_all(objects(recorded()), Dumper=yaml.CSafeDumper))
        assert causes(path) == _CAUSE

    def test_json_one_list_after_another(self, tmp_path: Path) -> None:
        found = objects(recorded())
        half = len(found) // 2
        lists = [
            {"apiVersion": "v1", "kind": "List", "items": part}
            for part in (found[:half], found[half:])
        ]
        path = tmp_path / "two.json.gz"
        path.write_bytes(gzip.compress("\n".join(map(json.dumps, lists)).encode()))
        assert causes(path) == _CAUSE

    def test_a_healthy_mesh_has_no_root_cause(self, tmp_path: Path) -> None:
        path = tmp_path / "healthy.yaml"
        path.write_bytes(as_yaml(objects(recorded("healthy"))))
        found = diagnosed(path)
        assert not found.root_causes
        assert found.required_unread

    @pytest.mark.parametrize("kind", [POD, SERVICE, VIRTUAL_SERVICE], ids=lambda kind: kind.name)
    def test_of_one_namespace_nothing_is_said_to_be_absent(
        self, tmp_path: Path, kind: Kind
    ) -> None:
        path = tmp_path / "shop.yaml"
        items = [i for i in objects(recorded()) if i["metadata"].get("namespace") == "shop"]
        path.write_bytes(as_yaml(items))
        snapshot = read(path)
        assert snapshot.catalog.of(kind)
        assert snapshot.catalog.state(kind) is ReadState.UNREAD
        assert not diagnosed(path).root_causes

    def test_applications_without_their_istiod_do_not_make_it_absent(self, tmp_path: Path) -> None:
        path = tmp_path / "apps.yaml"
        found = objects(recorded("healthy"))
        items = [i for i in found if i["metadata"].get("namespace") not in (None, "istio-system")]
        path.write_bytes(as_yaml(items))
        assert not diagnosed(path).root_causes

    def test_of_a_cut_file_the_sound_items_are_kept_and_doubted(self, tmp_path: Path) -> None:
        data = gzip.compress(as_yaml(objects(recorded(), "Pod", "Service", "VirtualService")))
        path = tmp_path / "cut.yaml.gz"
        path.write_bytes(data[: len(data) // 2])
        snapshot = read(path)
        assert snapshot.catalog.of(POD)
        assert snapshot.catalog.state(POD) is ReadState.UNREAD
        assert "ends early" in reasons(snapshot)["cut.yaml.gz"]

    def test_one_bad_document_does_not_cost_the_others(self, tmp_path: Path) -> None:
        path = tmp_path / "some.yaml"
        good = as_yaml(objects(recorded()))
        path.write_bytes(good + b"---\nkind: [}\n---\n" + good)
        snapshot = read(path)
        assert snapshot.catalog.of(VIRTUAL_SERVICE)
        assert "not valid YAML" in reasons(snapshot)["some.yaml"]


class TestClusterInfoDump:
    def test_of_all_namespaces_its_kinds_are_read_and_istios_are_not(self, tmp_path: Path) -> None:
        path = folder(tmp_path / "dump", cluster_info_dump(recorded(), _ALL))
        catalog = read(path).catalog
        assert catalog.state(POD) is ReadState.READ
        assert catalog.state(VIRTUAL_SERVICE) is ReadState.UNREAD
        found = diagnosed(path)
        assert not found.root_causes
        assert "subset-not-defined" in {item.id for item in found.unknown}

    def test_a_healthy_one_is_never_said_to_be_fine(self, tmp_path: Path) -> None:
        files = cluster_info_dump(recorded("healthy"), _ALL)
        found = diagnosed(tar_gz(tmp_path / "a.tar.gz", files))
        assert not found.root_causes
        assert found.required_unread

    def test_the_proxys_part_of_a_pods_logs_is_read(self, tmp_path: Path) -> None:
        files = cluster_info_dump(recorded(), _ALL)
        snapshot = read(tar_gz(tmp_path / "a.tar.gz", {f"d/{k}": v for k, v in files.items()}))
        logs = [proxy.log for proxy in snapshot.proxies.values() if proxy.log is not None]
        assert any(log.access for log in logs)


class TestSupportBundle:
    @pytest.mark.parametrize("old", [True, False], ids=["bare arrays", "typed lists"])
    def test_its_objects_give_the_root_cause(self, tmp_path: Path, old: bool) -> None:
        files = support_bundle(recorded(), old=old)
        assert causes(tar_gz(tmp_path / "a.tar.gz", files)) == _CAUSE
        assert causes(folder(tmp_path / "unpacked", files)) == _CAUSE

    def test_it_says_its_version(self, tmp_path: Path) -> None:
        path = tar_gz(tmp_path / "a.tar.gz", support_bundle(recorded(), old=False))
        assert read(path).about.kubernetes == "v1.33.13"

    def test_a_list_that_was_denied_is_unknown(self, tmp_path: Path) -> None:
        files = support_bundle(recorded(), old=False)
        files["bundle/cluster-resources/services-errors.json"] = (
            b'{"shop": "services is forbidden: User \\"x\\" cannot list"}'
        )
        snapshot = read(tar_gz(tmp_path / "a.tar.gz", files))
        told = {item.what: item.status for item in snapshot.not_read}
        assert snapshot.catalog.state(SERVICE) is ReadState.UNREAD
        assert told[SERVICE.input] is NotReadStatus.DENIED

    def test_without_custom_resources_they_are_unknown(self, tmp_path: Path) -> None:
        files = support_bundle(recorded(), old=False)
        bare = {path: data for path, data in files.items() if "custom-resources/" not in path}
        archive = tar_gz(tmp_path / "a.tar.gz", bare)
        assert read(archive).catalog.state(VIRTUAL_SERVICE) is ReadState.UNREAD
        assert not diagnosed(archive).root_causes

    def test_of_some_namespaces_nothing_is_said_to_be_absent(self, tmp_path: Path) -> None:
        files = support_bundle(recorded(), old=False)
        shop = [i for i in objects(recorded(), "Namespace") if i["metadata"]["name"] == "shop"]
        files["bundle/cluster-resources/namespaces.json"] = json.dumps(shop).encode()
        snapshot = read(tar_gz(tmp_path / "a.tar.gz", files))
        assert snapshot.catalog.state(POD) is ReadState.UNREAD


class TestProxyConfig:
    @pytest.mark.parametrize("form", ["json", "yaml", "gz"])
    def test_a_dump_is_the_proxys_that_it_names(self, tmp_path: Path, form: str) -> None:
        dumps = [
            data
            for path, data in sorted(recorded().items())
            if path.startswith("proxies/shop/client") and path.endswith("config_dump.json")
        ]
        data = dumps[0]
        if form == "yaml":
            data = yaml.dump(json.loads(data), Dumper=yaml.CSafeDumper, sort_keys=False).encode()
        path = tmp_path / "dump"
        path.write_bytes(gzip.compress(data) if form == "gz" else data)
        snapshot = read(path)
        [proxy] = snapshot.proxies.values()
        assert proxy.namespace == "shop"
        assert proxy.pod.startswith("client-v1-")
        assert proxy.config is not None
        assert snapshot.catalog.state(POD) is ReadState.UNREAD
