from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.unit.parse.envoy.dumps import read, section

if TYPE_CHECKING:
    from meshdoctor.model.envoy import Bootstrap

NODE_ID = "sidecar~10.244.0.33~client-v1-58b4.shop~shop.svc.cluster.local"


def bootstrap(**node: Any) -> Bootstrap:
    found = read(section("Bootstrap", bootstrap={"node": node, "admin": {"x": [1]}})).bootstrap
    assert found
    return found


def test_the_node_id_says_who_the_proxy_is() -> None:
    found = bootstrap(id=NODE_ID)
    assert (found.proxy_type, found.ip) == ("sidecar", "10.244.0.33")
    assert (found.pod, found.namespace) == ("client-v1-58b4", "shop")
    assert found.dns_domain == "shop.svc.cluster.local"
    assert found.pointer == "/configs/0/bootstrap/node"


def test_an_id_of_another_form_says_nothing() -> None:
    found = bootstrap(id="envoy")
    assert (found.node_id, found.proxy_type, found.pod) == ("envoy", "", "")


def test_metadata_is_kept() -> None:
    found = bootstrap(
        id=NODE_ID,
        metadata={
            "ISTIO_VERSION": "1.28.0",
            "CLUSTER_ID": "Kubernetes",
            "WORKLOAD_NAME": "client-v1",
            "SERVICE_ACCOUNT": "client",
            "INTERCEPTION_MODE": "REDIRECT",
            "INSTANCE_IPS": "10.0.0.1,fd00::1",
            "POD_PORTS": '[{"containerPort":8080},{"name":"x"}]',
            "LABELS": {"app": "client", "bad": 3},
            "ANNOTATIONS": {"istio.io/rev": "canary"},
            "PROXY_CONFIG": {"discoveryAddress": "istiod.istio-system.svc:15012"},
        },
    )
    assert (found.istio_version, found.cluster_id) == ("1.28.0", "Kubernetes")
    assert (found.workload_name, found.service_account) == ("client-v1", "client")
    assert found.instance_ips == ("10.0.0.1", "fd00::1")
    assert (found.pod_ports, found.labels) == ((8080,), {"app": "client"})
    assert found.revision == "canary"
    assert found.discovery_address == "istiod.istio-system.svc:15012"


def test_the_nodes_own_revision_wins_over_the_pods_label_and_annotation() -> None:
    rest = {"LABELS": {"istio.io/rev": "label"}, "ANNOTATIONS": {"istio.io/rev": "annotation"}}
    assert bootstrap(metadata={"ISTIO_REVISION": "node", **rest}).revision == "node"
    assert bootstrap(metadata=rest).revision == "label"


def test_ports_that_are_no_json_are_no_ports() -> None:
    assert bootstrap(metadata={"POD_PORTS": "[{"}).pod_ports == ()


def test_the_build_names_its_version() -> None:
    build = {
        "version": {"major_number": 1, "minor_number": 40},
        "metadata": {
            "revision.sha": "9e55",
            "revision.status": "Clean",
            "build.type": "RELEASE",
            "ssl.version": "BoringSSL",
        },
    }
    found = bootstrap(user_agent_build_version=build)
    assert found.envoy_version == "1.40.0/Clean/RELEASE/BoringSSL"
    assert found.proxy_sha == "9e55"


def test_a_bootstrap_without_a_node_is_none() -> None:
    assert read(section("Bootstrap", bootstrap={})).bootstrap is None
