"""Reading a recording: what is there, what is missing, what is damaged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from meshdoctor.model.kinds import DESTINATION_RULE, ENVOY_FILTER, POD, SERVICE, VIRTUAL_SERVICE
from meshdoctor.model.not_read import NotReadStatus, ReadState
from meshdoctor.recording.archive import RecordingError
from meshdoctor.recording.reader import read_recording
from meshdoctor.recording.trim import trim
from meshdoctor.resources import recordings_root
from tests.build import istio_object, pod, service

MANIFEST = {"format": "meshdoctor.recording/v1", "captured_at": "2026-11-21T08:00:00Z"}


def recording(folder: Path, files: dict[str, Any], **manifest: Any) -> Path:
    written = {"recording.json": MANIFEST | manifest, **files}
    for path, value in written.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def listed(*items: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "List", "items": list(items)}


def crds(*names: str) -> dict[str, Any]:
    return listed(*({"metadata": {"name": name}} for name in names))


CRDS = "kubernetes/apiextensions.k8s.io/v1/customresourcedefinitions.json"
RULES = "kubernetes/networking.istio.io/v1/destinationrules.json"


class TestWhatIsMissing:
    def test_an_absent_file_of_a_defined_kind_is_unread(self, tmp_path: Path) -> None:
        mesh = read_recording(recording(tmp_path, {CRDS: crds(DESTINATION_RULE.crd)}))
        assert mesh.catalog.state(DESTINATION_RULE) is ReadState.UNREAD
        assert DESTINATION_RULE.input in {item.what for item in mesh.not_read}

    def test_an_absent_file_of_a_kind_without_a_crd_is_a_fact(self, tmp_path: Path) -> None:
        mesh = read_recording(recording(tmp_path, {CRDS: crds(DESTINATION_RULE.crd)}))
        assert mesh.catalog.state(ENVOY_FILTER) is ReadState.NOT_INSTALLED
        assert ENVOY_FILTER.input not in {item.what for item in mesh.not_read}

    def test_without_the_crd_list_nothing_is_known_of_absent_kinds(self, tmp_path: Path) -> None:
        mesh = read_recording(recording(tmp_path, {}))
        assert mesh.catalog.state(ENVOY_FILTER) is ReadState.UNREAD

    @pytest.mark.parametrize(
        ("error", "state", "status"),
        [
            ({"status": "denied", "reason": "x"}, ReadState.UNREAD, NotReadStatus.DENIED),
            ({"reason": "pods is forbidden"}, ReadState.UNREAD, NotReadStatus.DENIED),
            ({"reason": "context deadline exceeded"}, ReadState.UNREAD, NotReadStatus.TIMEOUT),
            (
                {"reason": "the server could not find the requested resource"},
                ReadState.NOT_INSTALLED,
                NotReadStatus.NOT_INSTALLED,
            ),
            ({"reason": "connection reset"}, ReadState.UNREAD, NotReadStatus.FAILED),
        ],
    )
    def test_what_the_recorder_said_decides(
        self, error: dict[str, str], state: ReadState, status: NotReadStatus, tmp_path: Path
    ) -> None:
        mesh = read_recording(recording(tmp_path, {}, errors=[{"what": RULES, **error}]))
        assert mesh.catalog.state(DESTINATION_RULE) is state
        assert {item.status for item in mesh.not_read if item.what == RULES} == {status}

    def test_a_kind_that_every_api_server_has_is_never_not_installed(self, tmp_path: Path) -> None:
        error = {"what": "kubernetes/core/v1/pods.json", "status": "not-installed", "reason": "404"}
        mesh = read_recording(recording(tmp_path, {}, errors=[error]))
        assert mesh.catalog.state(POD) is ReadState.UNREAD
        told = {item.status for item in mesh.not_read if item.what == POD.input}
        assert told == {NotReadStatus.FAILED}

    def test_a_running_proxy_without_its_files_is_missing_and_a_pod_without_one_is_not(
        self, tmp_path: Path
    ) -> None:
        pods = listed(pod("web-1"), pod("plain", proxy=None))
        mesh = read_recording(recording(tmp_path, {"kubernetes/core/v1/pods.json": pods}))
        missing = {item.what for item in mesh.not_read if item.what.startswith("proxies/")}
        assert missing == {"proxies/shop/web-1"}

    def test_one_missing_file_of_a_proxy_is_named(self, tmp_path: Path) -> None:
        files = {
            "kubernetes/core/v1/pods.json": listed(pod("web-1")),
            "proxies/shop/web-1/clusters.json": {"cluster_statuses": []},
            "proxies/shop/web-1/istio-proxy.log": "",
        }
        mesh = read_recording(recording(tmp_path, files))
        missing = {item.what for item in mesh.not_read if item.what.startswith("proxies/")}
        assert missing == {"proxies/shop/web-1/config_dump.json"}


class TestDamage:
    def test_a_garbled_list_is_unread_and_the_rest_is_used(self, tmp_path: Path) -> None:
        files = {
            "kubernetes/core/v1/pods.json": '{"items": [',
            "kubernetes/core/v1/services.json": listed(service("web")),
        }
        mesh = read_recording(recording(tmp_path, files))
        assert mesh.catalog.state(POD) is ReadState.UNREAD
        assert [item.name for item in mesh.catalog.of(SERVICE)] == ["web"]

    def test_the_same_kind_in_two_versions_is_read_once(self, tmp_path: Path) -> None:
        route = istio_object("VirtualService", "web")
        files = {
            "kubernetes/networking.istio.io/v1beta1/virtualservices.json": listed(route),
            "kubernetes/networking.istio.io/v1/virtualservices.json": listed(route),
        }
        mesh = read_recording(recording(tmp_path, files))
        (found,) = mesh.catalog.of(VIRTUAL_SERVICE)
        assert found.source == "kubernetes/networking.istio.io/v1/virtualservices.json"

    @pytest.mark.parametrize(
        ("manifest", "says"),
        [
            ("not json", "recording.json is not valid JSON"),
            ([], "recording.json is not a JSON object"),
            ({"format": "meshdoctor.recording/v9"}, "meshdoctor.recording/v9"),
            ({"format": MANIFEST["format"]}, "no readable captured_at time"),
        ],
    )
    def test_a_manifest_that_cannot_be_used_refuses_the_recording(
        self, manifest: object, says: str, tmp_path: Path
    ) -> None:
        text = manifest if isinstance(manifest, str) else json.dumps(manifest)
        (tmp_path / "recording.json").write_text(text)
        with pytest.raises(RecordingError, match=says):
            read_recording(tmp_path)


class TestAccessLogFormat:
    def test_the_meshs_own_format_is_used_wherever_it_stands_in_the_recording(
        self, tmp_path: Path
    ) -> None:
        form = "%RESPONSE_CODE% %RESPONSE_FLAGS% to %UPSTREAM_CLUSTER% at %START_TIME%\n"
        files = {
            "istiod/istio-system/istiod-0/debug/mesh.json": {"accessLogFormat": form},
            "proxies/a/web-1/istio-proxy.log": "503 UH to outbound|80||x.y at "
            "2026-11-21T07:59:00.000Z\n",
        }
        mesh = read_recording(recording(tmp_path, files))
        log = mesh.proxies["web-1.a"].log
        assert log is not None
        (entry,) = log.access
        assert (entry.code, entry.flags, entry.cluster) == (503, ("UH",), "outbound|80||x.y")


def test_a_folder_and_an_archive_of_it_are_the_same_snapshot(tmp_path: Path) -> None:
    archive = recordings_root() / "healthy.tar.gz"
    trim(archive, tmp_path / "again.tar.gz")
    first, second = read_recording(archive), read_recording(tmp_path / "again.tar.gz")
    assert first.catalog.of(POD) == second.catalog.of(POD)
    assert first.proxies.keys() == second.proxies.keys()
    assert first.proxies == second.proxies
    assert (tmp_path / "again.tar.gz").read_bytes() == archive.read_bytes()


def test_progress_is_told_after_every_file(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []
    files = {"kubernetes/core/v1/services.json": listed(service("web"))}
    read_recording(recording(tmp_path, files), lambda what, count: seen.append((what, count)))
    assert seen == [("kubernetes/core/v1/services.json", 1), ("recording.json", 2)]
