"""Real meshes with one thing changed: what the change must make of the answer."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from meshdoctor.diagnose.scope import ScopeError
from meshdoctor.exit_codes import ExitCode
from meshdoctor.model.diagnosis import Certainty, Scope
from meshdoctor.report.verdict import exit_code
from tests.captures.editing import Copy, codes_of, copy_of, named, unknown_ids
from tests.captures.sharing import one_in
from tests.captures.test_every_capture import _EXPECTED, _KNOWN

if TYPE_CHECKING:
    from pathlib import Path

LEGACY_IP, BATCH_IP = "10.244.0.34", "10.244.0.199"


def is_legacy_client(pod: dict[str, Any]) -> bool:
    return bool(pod["metadata"]["name"].startswith("legacy-client-v1-"))


def turned_away(line: str) -> bool:
    return "filter_chain_not_found" in line and f" {LEGACY_IP}:" in line


def with_second_client(copy: Copy) -> None:
    """A workload in another namespace makes half of the calls that are turned away."""
    with copy.items("pods") as pods:
        batch = deepcopy(next(filter(is_legacy_client, pods)))
        batch["metadata"] |= {"name": "nightly-1", "namespace": "batch", "ownerReferences": []}
        batch["status"] |= {"podIP": BATCH_IP, "podIPs": [{"ip": BATCH_IP}]}
        pods.append(batch)
    with copy.items("namespaces") as namespaces:
        namespaces.append({"metadata": {"name": "batch"}})

    def share(number: int, line: str) -> str:
        return line.replace(LEGACY_IP, BATCH_IP) if turned_away(line) and number % 4 < 2 else line

    copy.rewrite_lines("proxies/*/*/istio-proxy.log", share)


@pytest.mark.usefixtures("captures_root", "no_network")
class TestPlaintextAtStrictServers:
    CAPTURE = "strict-server-plaintext-client"

    def test_several_clients_of_one_policy_are_one_entry_mended_by_the_policy(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        with_second_client(copy)
        found = copy.answer()
        assert named(found) == [
            ("plaintext-client-to-strict-server", "PeerAuthentication istio-system/default")
        ]
        (cause,) = found.root_causes
        assert set(cause.objects[1:]) == {
            "Deployment legacy/legacy-client-v1",
            "Pod batch/nightly-1",
        }
        assert {item.source for item in cause.affected} == set(cause.objects[1:])
        assert "PERMISSIVE" in cause.fix[0].command

    def test_a_client_that_is_gone_leaves_a_warning_and_no_root_cause(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        with copy.items("pods") as pods:
            pods[:] = [pod for pod in pods if not is_legacy_client(pod)]
        found = copy.answer()
        assert named(found) == []
        assert "MD0204" in codes_of(found)
        assert exit_code(found) is ExitCode.WARNINGS


@pytest.mark.usefixtures("captures_root", "no_network")
class TestGatewaysThatAreDown:
    def test_a_gateway_whose_pod_is_not_ready_is_a_warning(self, tmp_path: Path) -> None:
        copy = copy_of("gateway-healthy-tls", tmp_path)
        assert exit_code(copy.answer()) is ExitCode.OK
        with copy.items("pods") as pods:
            for pod in pods:
                if pod["metadata"]["name"].startswith("istio-ingressgateway-"):
                    for item in pod["status"]["conditions"]:
                        if item["type"] == "Ready":
                            item["status"] = "False"
                    pod["status"]["containerStatuses"][0]["ready"] = False
        found = copy.answer()
        assert named(found) == []
        assert "MD0600" in codes_of(found)
        assert exit_code(found) is ExitCode.WARNINGS


def callers_of(copy: Copy) -> list[str]:
    """Folders of the proxies that suffer, or of all where nobody is known to."""
    mesh, found = copy.mesh, copy.answer()
    sources = {item.source for cause in found.root_causes for item in cause.affected if item.to}
    return [p.source for p in mesh.proxies.values() if not sources or mesh.caller(p) in sources]


@pytest.mark.usefixtures("captures_root", "no_network")
class TestCallersWithoutLines:
    @pytest.mark.parametrize("name", one_in(3, _KNOWN))
    def test_a_caller_that_logs_nothing_among_others_that_do_changes_no_answer(
        self, name: str, tmp_path: Path
    ) -> None:
        copy = copy_of(name, tmp_path)
        expected = _EXPECTED[name]["root_cause"]
        for folder in callers_of(copy):
            copy.silence(f"{folder}/istio-proxy.log")
        found = copy.answer()
        ids = [cause.id for cause in found.root_causes]
        assert ids == [expected] or (not ids and expected in unknown_ids(found))
        assert exit_code(found) in (ExitCode.ROOT_CAUSE, ExitCode.UNREAD)

    def test_without_logs_and_routes_an_ejection_is_no_application_error(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("outlier-ejection", tmp_path)
        copy.remove("proxies/*/*/istio-proxy.log")
        copy.remove("kubernetes/*/*/virtualservices.json")
        assert named(copy.answer()) == [("outlier-ejection", "DestinationRule shop/reviews")]


def without_bind(holder: dict[str, Any]) -> None:
    for container in holder["spec"]["containers"]:
        container["env"] = [item for item in container.get("env", ()) if item["name"] != "BIND"]


@pytest.mark.usefixtures("captures_root", "no_network")
class TestLocalhost:
    def test_a_refused_port_alone_makes_it_likely_and_a_setting_proves_it(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("app-listens-on-localhost", tmp_path)
        (told,) = copy.answer().root_causes
        with copy.items("pods") as pods:
            for pod in pods:
                without_bind(pod)
        with copy.items("deployments") as deployments:
            for deployment in deployments:
                without_bind(deployment["spec"]["template"])
        (untold,) = copy.answer().root_causes
        assert (told.id, told.certainty) == ("application-binds-to-localhost", Certainty.PROVEN)
        assert (untold.id, untold.certainty) == (told.id, Certainty.LIKELY)
        assert untold.objects == told.objects


@pytest.mark.usefixtures("captures_root", "no_network")
class TestIstiodThatCameUpAMomentAgo:
    def test_proxies_that_it_does_not_list_yet_are_unknown_and_not_fine(
        self, tmp_path: Path
    ) -> None:
        copy = copy_of("healthy", tmp_path)
        now = copy.mesh.now
        for path in copy.files("istiod/*/*/debug/syncz.json"):
            entries = json.loads(path.read_text())
            left = [item for item in entries if not item["proxy"].startswith("client-v1-")]
            assert len(left) < len(entries)
            path.write_text(json.dumps(left))
        late = copy.answer()
        with copy.items("pods") as pods:
            for pod in pods:
                if pod["metadata"]["labels"].get("app") == "istiod":
                    for item in pod["status"]["conditions"]:
                        item["lastTransitionTime"] = (now - timedelta(seconds=20)).isoformat()
        soon = copy.answer()
        assert codes_of(late) & {"MD0420", "MD0422"}
        assert named(soon) == []
        assert unknown_ids(soon) == {"proxy-cannot-reach-istiod"}
        assert exit_code(soon) is ExitCode.UNREAD


@pytest.mark.usefixtures("captures_root", "no_network")
class TestDestinations:
    CAPTURE = "svc-selector-matches-nothing"

    @pytest.mark.parametrize(
        "to",
        [
            *("ratings", "ratings.shop.svc", "svc/ratings.shop", "ratings:8080"),
            "http://ratings.shop:8080/path?x=1",
        ],
    )
    def test_every_way_of_naming_it_finds_what_is_wrong_with_it(
        self, to: str, tmp_path: Path
    ) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        found = copy.answer(Scope(to=to))
        assert named(found) == [("service-selector-mismatch", "Service shop/ratings")]

    def test_its_cluster_ip_means_it_too(self, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        with copy.items("services") as services:
            ip = next(
                s["spec"]["clusterIP"] for s in services if s["metadata"]["name"] == "ratings"
            )
        assert [cause.id for cause in copy.answer(Scope(to=ip)).root_causes] == [
            "service-selector-mismatch"
        ]

    @pytest.mark.parametrize("to", ["ratngs", "ratings.shop:9999", "10.96.255.254"])
    def test_what_does_not_exist_is_never_called_fine(self, to: str, tmp_path: Path) -> None:
        copy = copy_of(self.CAPTURE, tmp_path)
        with pytest.raises(ScopeError):
            copy.answer(Scope(to=to))
