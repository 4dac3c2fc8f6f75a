"""kubectl describe joins objects, events and slices by several requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.serve.kubectl_judge import Kubectl, judging, needs_kubectl

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = needs_kubectl


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    with judging(tmp_path_factory.mktemp("kubectl"), "subset-not-defined") as judge:
        yield judge


def described(kubectl: Kubectl, *words: str) -> list[str]:
    """The lines, with blanks made single."""
    return [" ".join(line.split()) for line in kubectl("describe", *words).splitlines()]


def test_a_pod_is_described_with_its_containers_and_events(kubectl: Kubectl) -> None:
    lines = described(kubectl, "pod", "-n", "shop", "-l", "app=ratings")
    assert "Status: Running" in lines
    assert "istio-proxy:" in lines
    assert any(line.startswith("Node: lab-node") for line in lines)
    assert any("Started container app" in line for line in lines[lines.index("Events:") :])


def test_a_service_is_described_with_its_endpoints(kubectl: Kubectl) -> None:
    lines = described(kubectl, "svc", "reviews", "-n", "shop")
    assert "Selector: app=reviews" in lines
    assert any(line.startswith("Endpoints: 10.244.") and ":8080" in line for line in lines)


def test_a_deployment_is_described_with_its_replica_sets(kubectl: Kubectl) -> None:
    lines = described(kubectl, "deployment", "reviews-v1", "-n", "shop")
    assert any(line.startswith("NewReplicaSet: reviews-v1-") for line in lines)
    assert "Replicas: 1 desired | 1 updated | 1 total | 1 available | 0 unavailable" in lines


def test_a_custom_resource_is_described_with_all_it_says(kubectl: Kubectl) -> None:
    lines = described(kubectl, "virtualservice", "reviews", "-n", "shop")
    assert "API Version: networking.istio.io/v1" in lines
    assert lines[lines.index("Hosts:") + 1] == "reviews"
    assert "Events: <none>" in lines


def test_a_node_is_described_with_its_pods(kubectl: Kubectl) -> None:
    done = kubectl.run("describe", "node", "lab-node")
    assert done.returncode == 0
    assert "Non-terminated Pods:          (10 in total)" in done.stdout


def test_a_namespace_is_described(kubectl: Kubectl) -> None:
    lines = described(kubectl, "namespace", "shop")
    assert "Status: Active" in lines
    assert "No resource quota." in lines
