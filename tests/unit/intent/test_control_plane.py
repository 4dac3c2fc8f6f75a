from __future__ import annotations

import json
from typing import Any

import pytest

from meshdoctor.intent.control_plane import (
    DiscoveryAddress,
    controller_of,
    discovery_address,
    is_external,
    plane_of,
    ready_istiods,
    ready_pods,
)
from meshdoctor.intent.revisions import control_planes
from meshdoctor.model.kinds import DEPLOYMENT, POD, SERVICE
from meshdoctor.model.proxy import Proxy
from meshdoctor.model.resource import Resource
from meshdoctor.model.snapshot import Snapshot
from meshdoctor.parse.envoy import parse_config_dump
from tests.build import mesh, pod, proxy
from tests.unit.analyze.control_plane_build import (
    ROOT,
    injected,
    istiod_deployment,
    istiod_pod,
    istiod_service,
)


def at(seen: Snapshot, name: str, where: str = "shop") -> Resource:
    found = seen.catalog.find(POD, where, name)
    assert found is not None
    return found


def with_environment(**variables: str) -> Resource:
    made = injected("web")
    made["spec"]["initContainers"][0]["env"] = [
        {"name": name, "value": value} for name, value in variables.items()
    ]
    return at(mesh([made]), "web")


def bootstrapped(address: str) -> Proxy:
    metadata: dict[str, Any] = {"PROXY_CONFIG": {"discoveryAddress": address}}
    section = {
        "@type": "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump",
        "bootstrap": {"node": {"id": "sidecar~10.0.0.1~web.shop~x", "metadata": metadata}},
    }
    return proxy("web", config=parse_config_dump(json.dumps({"configs": [section]}).encode()))


class TestDiscoveryAddress:
    def test_the_bootstrap_comes_before_the_pods_environment(self) -> None:
        web = with_environment(CA_ADDR="istiod.istio-system.svc:15012")
        found = discovery_address(web, bootstrapped("istiod-canary.istio-system.svc:15012"))
        assert found == DiscoveryAddress("istiod-canary", ROOT, 15012)

    def test_proxy_config_comes_before_the_certificate_authority(self) -> None:
        settings = json.dumps({"discoveryAddress": "istiod-canary.istio-system.svc:15012"})
        web = with_environment(
            PROXY_CONFIG=settings + "\n", CA_ADDR="istiod.istio-system.svc:15012"
        )
        assert str(discovery_address(web, None)) == "istiod-canary.istio-system.svc:15012"

    def test_a_proxy_config_with_the_meshs_defaults_is_empty(self) -> None:
        web = with_environment(PROXY_CONFIG="{}\n", CA_ADDR="istiod.istio-system.svc:15012")
        assert str(discovery_address(web, None)) == "istiod.istio-system.svc:15012"

    def test_a_name_with_the_clusters_domain_is_the_same_service(self) -> None:
        web = with_environment(CA_ADDR="istiod.istio-system.svc.cluster.local:15012")
        assert str(discovery_address(web, None)) == "istiod.istio-system.svc:15012"

    @pytest.mark.parametrize("address", ["istiod.example.com:15012", "10.1.2.3:15012"])
    def test_an_address_outside_the_cluster_is_external(self, address: str) -> None:
        web = with_environment(CA_ADDR=address)
        assert discovery_address(web, None) is None
        assert is_external(web, None)

    def test_a_pod_that_says_nothing_is_not_external(self) -> None:
        assert not is_external(with_environment(), None)

    def test_an_environment_that_cannot_be_read_is_passed_over(self) -> None:
        web = with_environment(PROXY_CONFIG="{", CA_ADDR="istiod.istio-system.svc:15012")
        assert discovery_address(web, None) is not None


class TestPlaneOf:
    def both(self, *more: dict[str, Any], **how: Any) -> Snapshot:
        parts = [istiod_deployment(), istiod_pod(), istiod_deployment("canary", replicas=0)]
        services = [istiod_service(), istiod_service("canary")]
        pods = [injected("web"), injected("new", revision="canary")]
        return mesh([*parts, *services, *pods, *more], **how)

    def revision(self, seen: Snapshot, name: str) -> str | None:
        found = plane_of(seen, at(seen, name), None)
        return found.revision if found else None

    def test_the_service_that_is_dialled_leads_to_its_istiod(self) -> None:
        seen = self.both()
        assert (self.revision(seen, "web"), self.revision(seen, "new")) == ("default", "canary")

    def test_a_service_of_a_tag_leads_to_the_revision_it_selects(self) -> None:
        tagged = istiod_service()
        tagged["metadata"]["name"] = "istiod-revision-tag-prod"
        tagged["spec"]["selector"] = {"app": "istiod", "istio.io/rev": "canary"}
        made = injected("tagged")
        made["spec"]["initContainers"][0]["env"][0]["value"] = (
            "istiod-revision-tag-prod.istio-system.svc:15012"
        )
        assert self.revision(self.both(tagged, made), "tagged") == "canary"

    def test_without_services_the_name_of_the_service_tells_the_revision(self) -> None:
        seen = self.both(unread=[SERVICE])
        assert (self.revision(seen, "web"), self.revision(seen, "new")) == ("default", "canary")

    def test_a_pod_that_does_not_say_where_it_dials_is_known_by_its_revision(self) -> None:
        seen = self.both(pod("plain"))
        assert self.revision(seen, "plain") == "default"

    def test_a_revision_that_is_gone_has_no_plane(self) -> None:
        seen = self.both(injected("lost", revision="gone"))
        assert self.revision(seen, "lost") is None


class TestReadiness:
    def test_pods_that_are_not_ready_do_not_serve(self) -> None:
        seen = mesh([istiod_deployment(), istiod_pod(ready=False)])
        assert ready_pods(control_planes(seen)["default"]) == ()
        assert ready_istiods(seen) == ()

    def test_a_replica_that_shuts_down_does_not_count(self) -> None:
        leaving = istiod_pod()
        leaving["metadata"]["deletionTimestamp"] = "2026-11-21T07:59:00Z"
        assert ready_istiods(mesh([istiod_deployment(), leaving])) == ()

    def test_without_deployments_the_pods_owner_is_what_runs_it(self) -> None:
        seen = mesh([istiod_pod()], unread=[DEPLOYMENT])
        plane = control_planes(seen)["default"]
        assert controller_of(seen, plane) == "Deployment istio-system/istiod"
